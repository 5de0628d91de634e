"""Were tester, reviewer and decision maker three different people? (EM-06)

Counted are keys, as far as they signed: who signed the plan tests, who signed reviews of documents reviews, and whose
key will sign the decision decides. Nobody is guessed: a role that left no signature is missing.

Source: ISO/IEC 17065:2012, 4.2, 7.5.1, 7.6.2.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from touchstone.canonical import Digest
from touchstone.checks.declaration import Measurement, MetricDeclaration, Parameters, Run, audit
from touchstone.checks.evaluation.audits.made_up import HONEST, TESTER
from touchstone.checks.run_record import Lock, RunRecord
from touchstone.errors import UnavailableError
from touchstone.records import ControlRun, Metric, Note
from touchstone.text import Text

CONFLICTS = "unresolved_conflicts"


@audit(
    id="method.separation",
    version="1",
    title=Text("Separation of roles", "职责分离"),
    measures=Text(
        "How many different keys hold the roles of tester (signed the plan), reviewer (signed reviews of documents) "
        "and decision maker (will sign the decision); and the unresolved conflicts of interest that reviewers read in "
        "the declarations, with everyone who reviews besides testing or deciding.",
        "测试（签署方案）、评审（签署文件评审）与决定（将签署决定）三种角色由多少把不同的密钥承担；"
        "以及评审人自声明中读出的未解决利益冲突，连同兼任评审与测试或决定者。",
    ),
    cannot_tell=Text(
        "A key is not a person: two keys may lie in one drawer. Whether somebody reviewed the results of the tests, "
        "was competent, or advised the supplier in the last two years is told by documents only.",
        "密钥不等于人：两把密钥可能在同一人手中。是否有人复核测试结果、是否具备能力、"
        "两年内是否为供应方提供过咨询，只能由文件说明。",
    ),
    remedy=Text(
        "Let another person sign the decision, and a third one the reviews, each with a key of their own.",
        "由另一人签署决定、第三人签署评审，各用自己的密钥。",
    ),
    source="ISO/IEC 17065:2012, 4.2, 7.5.1, 7.6.2",
    metrics=(
        MetricDeclaration(
            "distinct_persons", "persons", "higher", Text("Different keys in the three roles", "三种角色的不同密钥数")
        ),
        MetricDeclaration(CONFLICTS, "count", "lower", Text("Unresolved conflicts of interest", "未解决的利益冲突")),
    ),
)
def separation(record: RunRecord, parameters: Parameters, run: Run) -> Measurement:
    if record.lock is None or not record.lock.signed:
        raise UnavailableError(
            Text("nobody signed the plan, so nobody is on record as tester", "方案无人签署，测试者无记录可查"),
            remedy=Text("assess with --key", "请以 --key 测评"),
        )
    metrics = _metrics(record, record.lock)
    return Measurement(metrics, controls=(_null(), _planted()), warnings=_remarks(record, record.lock))


def _metrics(record: RunRecord, lock: Lock) -> tuple[Metric, ...]:
    deciding, reviewing = {lock.tester, lock.decider}, _reviewers(record)
    persons = len(deciding) + bool(reviewing - deciding)
    distinct = Metric(id="distinct_persons", unit="persons", value=persons, n=3, better="higher")
    stated = [
        read.review.values[CONFLICTS]
        for read in record.reviews
        if read.stands and read.signer and read.review.judgement == "accepted" and CONFLICTS in read.review.values
    ]
    if not stated:
        return (distinct,)
    conflicts = max(Decimal(0), *stated) + len(reviewing & deciding)
    return distinct, Metric(id=CONFLICTS, unit="count", value=conflicts, n=len(stated), better="lower")


def _reviewers(record: RunRecord) -> set[Digest]:
    return {read.signer for read in record.reviews if read.stands and read.signer is not None}


def _remarks(record: RunRecord, lock: Lock) -> tuple[Note, ...]:
    notes = []
    if lock.tester == lock.decider:
        notes.append(
            Note(code="tester-decides", text=Text("the key that tests also decides", "测试与决定使用同一密钥"))
        )
    if not _reviewers(record):
        notes.append(Note(code="no-reviewer", text=Text("no signed review is on record", "没有已签名的评审记录")))
    if not any(CONFLICTS in read.review.values for read in record.reviews):
        text = Text(
            f"no review states `{CONFLICTS}` from declarations of conflicts of interest",
            f"没有评审自利益冲突声明给出 `{CONFLICTS}`",
        )
        notes.append(Note(code="conflicts-not-stated", text=text))
    return tuple(notes)


def _null() -> ControlRun:
    return _control("null", HONEST, (3, 0), Text("three people in three roles are found", "应识别出三人三职"))


def _planted() -> ControlRun:
    """The tester decides, and reviews as well."""
    reviews = tuple(replace(read, signer=TESTER) for read in HONEST.reviews)
    lock = replace(_lock(HONEST), decider=TESTER)
    forged = replace(HONEST, reviews=reviews, lock=lock)
    return _control("planted", forged, (1, 1), Text("one person in all roles is found", "应识别出一人兼任全部角色"))


def _lock(record: RunRecord) -> Lock:
    assert record.lock is not None  # noqa: S101 - the made-up run has one
    return record.lock


def _control(kind: str, record: RunRecord, expected: tuple[int, int], text: Text) -> ControlRun:
    persons, conflicts = _metrics(record, _lock(record))
    return ControlRun(
        kind="null" if kind == "null" else "planted",
        expected=text,
        seen=Text(
            f"{persons.value} persons, {conflicts.value} conflicts", f"{persons.value} 人，{conflicts.value} 项冲突"
        ),
        passed=(int(persons.value), int(conflicts.value)) == expected,
    )
