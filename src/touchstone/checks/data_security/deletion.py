"""Is what was to be deleted gone, also from what was derived of it (DS-13)?

Each request that was carried out names somebody by an identifier, or by its digest. The identifier may stand nowhere in
what was handed in: not in a data set, a log, a document, a file of the model or the name of a file, and not in the list
of what indexes, caches and backups hold, as read after the deletion.

Cannot tell: whether more was held than was ever named, whether what was handed in is all there is, and what a model
remembers of somebody it was trained on.

Source: Personal Information Protection Law of the PRC Art. 47; Regulation (EU) 2016/679 Art. 17.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from touchstone.checks.data_security.held_subjects import Wanted, look_through, wanted
from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.least_samples import too_few
from touchstone.checks.named_entries import entries_note, notes_by_reason
from touchstone.errors import UnavailableError
from touchstone.records import ControlRun, Metric, Note, number
from touchstone.system.registers.deletions import Deletion
from touchstone.system.registers.derived_records import DerivedRecord
from touchstone.system.registers.of_subject import subject_digest
from touchstone.system.subject import Subject
from touchstone.text import Text

SAMPLE = 2000
"""Most requests that are followed up."""

REASONS = {
    "number-twice": Text("a number that stands twice; counted as not deleted", "编号重复，按未删除计"),
    "not-done": Text("requests that were not carried out", "未执行的请求"),
    "impossible-time": Text("carried out before it was asked for; counted as not deleted", "执行早于请求，按未删除计"),
    "still-held": Text("requests whose subject is still held", "请求所涉主体仍有留存"),
}
"""Why a request does not count as carried out, in the order in which it is looked for."""


class DeletionParameters(Parameters):
    """How many requests the standard asks for."""

    n_min: int = Field(1, ge=1)


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
        "What was never handed in or listed is not seen, nor records under another identifier. Inside compressed files "
        "only the declared identifiers of data sets are read; numbers of up to seven digits, and digests of "
        "identifiers with spaces, commas or Chinese, are looked for among these only. What a model remembers is not "
        "measured here. Encryption and access rights are for people to examine.",
        "未提交或未列出的内容以及使用其他标识的记录无法发现；压缩文件中只读取数据集所声明的标识，不超过七位的数字以及含空格、逗号或中文的标识摘要，也只在其中查找。"
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
    parameters=DeletionParameters,
)
def deletion(subject: Subject, parameters: DeletionParameters, run: Run) -> Measurement:
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
    sought = _sought(sample)
    look_through(subject, sought)
    derived, unlisted = _derived(subject)
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
    return Measurement((share,) if shown else (), _controls(subject, run), warnings=notes)


@dataclass(frozen=True, slots=True)
class FollowedUp:
    """One request, where its subject is still held, and why it does not count as carried out."""

    id: str
    places: tuple[str, ...]
    reason: str | None


def followed_up(
    requests: Sequence[Deletion], held: Mapping[str, set[str]], derived: Sequence[DerivedRecord]
) -> tuple[FollowedUp, ...]:
    """What became of each request: `held` says where identifiers or digests of them stand now."""
    listed: dict[str, list[DerivedRecord]] = {}
    for record in derived:
        listed.setdefault(record.name, []).append(record)
    seen: set[str] = set()
    found = []
    for request in requests:
        places = set(held.get(request.subject or request.subject_digest or "", ()))
        places |= {
            record.store
            for record in listed.get(request.name, ())
            if request.done is not None and record.read >= request.done
        }
        wrong = {
            "number-twice": request.id in seen,
            "not-done": request.done is None,
            "impossible-time": request.done is not None and request.done < request.requested,
            "still-held": bool(places),
        }
        reason = next((reason for reason, holds in wrong.items() if holds), None)
        seen.add(request.id)
        found.append(FollowedUp(request.id, tuple(sorted(places)), reason))
    return tuple(found)


def _once(requests: Sequence[Deletion]) -> tuple[Deletion, ...]:
    """Each subject once, with its last request: somebody who asks twice is not two subjects."""
    latest: dict[str, Deletion] = {}
    for request in sorted(requests, key=lambda each: each.requested):
        latest[request.name] = request
    return tuple(latest.values())


def _sought(requests: Sequence[Deletion]) -> Wanted:
    return wanted(
        (request.subject for request in requests if request.subject is not None),
        (request.subject_digest for request in requests if request.subject_digest is not None),
    )


def _derived(subject: Subject) -> tuple[tuple[DerivedRecord, ...], tuple[Note, ...]]:
    """What derived stores hold; without their list, a good result would claim too much."""
    try:
        return subject.register(DerivedRecord), ()
    except UnavailableError:
        text = Text(
            "no list of what indexes, caches and backups hold was handed in, so that nothing good can be said; hand "
            "in an empty one where there are none",
            "未提交索引、缓存与备份所存标识的清单，无法得出良好结论；如无此类存储，请提交空清单",
        )
        return (), (Note(code="derived-stores-not-listed", text=text),)


def _where(found: FollowedUp) -> Note:
    what = Text(f"the subject of request {found.id} stands in", f"请求 {found.id} 所涉主体仍见于")
    return entries_note("still-held-in", found.places, what)


def _controls(subject: Subject, run: Run) -> tuple[ControlRun, ControlRun]:
    """Subjects nobody holds are not found; the same, put into made-up files and lists, are found in each of them.

    Where the data name their rows, one of those is looked for in them, too.
    """
    generator = run.generator("made-up subjects")
    lines = [_made_up(f"made-up-{generator.integers(10**15):015}-{place}") for place in range(4)]
    lines.append(_made_up(f"Made Up, {generator.integers(10**15):015}"))
    hidden = _made_up(f"made-up-{generator.integers(10**15):015}-hidden")
    by_digest = hidden.model_copy(
        update={"subject": None, "subject_digest": subject_digest(hidden.subject or ""), "id": "hidden"}
    )
    requests = (*lines, by_digest)
    nobody = _sought(requests)
    look_through(subject, nobody)
    without = sum(each.reason is not None for each in followed_up(requests, nobody.found, ()))

    planted = _sought(requests)
    files = [
        f"id,value\n{lines[0].subject},7\n",
        f'{{"person": "{lines[1].subject}"}}',
        f"data/{lines[2].subject}.png",
        f"Letter to {lines[3].subject}.",
        f"name;value\n{lines[4].subject};3\n",
        f"rows:\n- {hidden.subject}\n",
    ]
    for place, content in enumerate(files):
        cut = int(generator.integers(len(content)))
        planted.look_into([content[:cut].encode(), content[cut:].encode()], f"made-up file {place}")
    index = DerivedRecord.model_validate({"store": "index", "read": "2026-02-01T00:00:00Z", "subject": hidden.subject})
    expected = len(requests) + 1
    found = sum(bool(each.places) for each in followed_up(requests, planted.found, ()))
    found += bool(followed_up([by_digest], {}, [index])[0].places)
    known = _known_identifiers(subject)
    if known is not None:
        real = wanted([known[int(generator.integers(len(known)))]], ())
        look_through(subject, real)
        found, expected = found + bool(real.found), expected + 1
    return (
        ControlRun(
            kind="null",
            expected=Text("made-up subjects are held nowhere", "虚构主体不见于任何位置"),
            seen=Text(f"{without} found", f"发现 {without} 个"),
            passed=without == 0,
        ),
        ControlRun(
            kind="planted",
            expected=Text("subjects put into files and lists are found", "植入文件与清单的主体均被找到"),
            seen=Text(f"{found} of {expected}", f"{expected} 个中找到 {found} 个"),
            passed=found == expected,
        ),
    )


def _made_up(subject: str) -> Deletion:
    return Deletion.model_validate(
        {
            "id": subject,
            "subject": subject,
            "requested": "2026-01-01T00:00:00Z",
            "done": "2026-01-02T00:00:00Z",
        }
    )


def _known_identifiers(subject: Subject) -> tuple[str, ...] | None:
    try:
        return subject.data("test").identifiers
    except UnavailableError:
        return None
