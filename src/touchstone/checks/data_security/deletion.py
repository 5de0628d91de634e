"""Is what was to be deleted gone, also from what was derived of it (DS-13)?

Each request that was carried out names somebody by an identifier, or by its digest. The identifier may stand nowhere in
what was handed in: not in a data set, a log, a document, a file of the model or the name of a file, and not in the list
of what indexes, caches and backups hold, as read after the deletion.

Cannot tell: whether more was held than was ever named, whether what was handed in is all there is, and what a model
remembers of somebody it was trained on.

Source: Personal Information Protection Law of the PRC Art. 47; Regulation (EU) 2016/679 Art. 17.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from touchstone.checks.data_security.deletion_controls import control_runs, probes_for
from touchstone.checks.data_security.followed_up import REASONS, FollowedUp, followed_up
from touchstone.checks.data_security.held_subjects import look_through, wanted
from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Run, check
from touchstone.checks.least_samples import LeastSamples, too_few
from touchstone.checks.named_entries import entries_note, notes_by_reason
from touchstone.errors import UnavailableError
from touchstone.records import Metric, Note, number
from touchstone.system.registers.deletions import Deletion
from touchstone.system.registers.derived_records import DerivedRecord
from touchstone.system.subject import Subject
from touchstone.text import Text

SAMPLE = 2000
"""Most requests that are followed up."""


@check(
    id="data.protection",
    version="1",
    title=Text("Deletion that reaches everywhere", "彻底删除"),
    measures=Text(
        "The share of deletion requests after which the identifier stands nowhere any more: in no data set, log, "
        "document or other file that was handed in, and in no index, cache or backup as listed after the deletion.",
        "执行后标识不再出现于任何位置的删除请求占比：包括所提交的数据集、日志、文档及其他文件，以及删除后清点的索引、缓存与备份。",
    ),
    cannot_tell=Text(
        "What was never handed in or listed is not seen, nor records under another identifier, nor whether anything "
        "was held about a subject before. Inside compressed files "
        "only the declared identifiers of data sets are read; numbers of up to seven digits, and digests of "
        "identifiers with spaces, commas or Chinese, are looked for among these only. What a model remembers is not "
        "measured here. Encryption and access rights are for people to examine.",
        "未提交或未列出的内容、使用其他标识的记录以及删除前是否确有留存，均无法发现；压缩文件中只读取数据集所声明的标识，不超过七位的数字以及含空格、逗号或中文的标识摘要，也只在其中查找。"
        "模型记忆的内容不在此测量。加密与访问权限由人工核查。",
    ),
    remedy=Text(
        "Delete the subjects of the requests named in the remarks from the places named, rebuild derived indexes from "
        "the data as they are now, and list what the stores hold again.",
        "从备注所列位置删除相应主体，依据当前数据重建派生索引，并重新清点各存储的内容。",
    ),
    threats=("CWE-212", "CWE-226"),
    source="Personal Information Protection Law of the PRC Art. 47; Regulation (EU) 2016/679 Art. 17",
    needs=Needs(inputs=ANY_KIND, target=False),
    metrics=(
        MetricDeclaration(
            "deletion_test_success",
            "share_of_sample",
            "higher",
            Text("deletion requests after which nothing is held", "执行后不再留存任何内容的删除请求占比"),
        ),
    ),
    parameters=LeastSamples,
)
def deletion(subject: Subject, parameters: LeastSamples, run: Run) -> Measurement:
    """Look for the subjects of a sample of requests wherever they could stand."""
    requests = subject.register(Deletion)
    if not requests:
        raise UnavailableError(
            Text("no request to delete is on record", "没有删除请求记录"),
            "registers.deletions",
            Text("carry out deletions of test subjects and record them", "请对测试主体执行删除并予以记录"),
        )
    chosen = sorted(run.generator("sample").permutation(len(requests))[:SAMPLE])
    sample = _once([requests[place] for place in chosen])
    probes = probes_for(subject, run)
    sought = wanted((*sample, *probes.made_up), probes.held)
    look_through(subject, sought)
    derived, unlisted = _derived(subject, sample)
    found = followed_up(sample, sought.found, derived)
    deleted = sum(each.reason is None for each in found)
    notes = (
        *too_few(parameters.n_min, len(found), Text("subjects were to be deleted", "要求删除的主体")),
        *unlisted,
        *notes_by_reason(((each.id, each.reason) for each in found), REASONS),
        *(_where(each) for each in found if each.places),
    )
    shown = deleted < len(found) or (len(found) >= parameters.n_min and not unlisted)
    share = Metric(
        id="deletion_test_success",
        unit="share_of_sample",
        value=number(deleted / len(found)),
        n=len(found),
        better="higher",
    )
    return Measurement((share,) if shown else (), control_runs(probes, sought, run), warnings=notes)


def _once(requests: Sequence[Deletion]) -> tuple[Deletion, ...]:
    """Each subject once, with its last request: somebody who asks twice is not two subjects."""
    latest: dict[str, Deletion] = {}
    for request in sorted(requests, key=lambda each: each.requested):
        latest[request.name] = request
    return tuple(latest.values())


def _derived(subject: Subject, requests: Sequence[Deletion]) -> tuple[tuple[DerivedRecord, ...], tuple[Note, ...]]:
    """What derived stores hold. Without their list, or one from before the deletions, a good result claims too much."""
    try:
        records = subject.register(DerivedRecord)
    except UnavailableError:
        text = Text(
            "no list of what indexes, caches and backups hold was handed in, so that nothing good can be said; hand "
            "in an empty one where there are none",
            "未提交索引、缓存与备份所存标识的清单，无法得出良好结论；如无此类存储，请提交空清单",
        )
        return (), (Note(code="derived-stores-not-listed", text=text),)
    last_read: dict[str, datetime] = {}
    for record in records:
        last_read[record.store] = max(record.read, last_read.get(record.store, record.read))
    last_done = max((request.done for request in requests if request.done is not None), default=None)
    early = [store for store, read in last_read.items() if last_done is not None and read < last_done]
    what = Text("stores that were last read before the last deletion", "最近一次读取早于最后一次删除的存储")
    return records, (entries_note("derived-store-read-early", early, what),) if early else ()


def _where(found: FollowedUp) -> Note:
    what = Text(f"the subject of request {found.id} stands in", f"请求 {found.id} 所涉主体仍见于")
    return entries_note("still-held-in", found.places, what)
