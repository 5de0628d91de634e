"""Which substitutes count: those whose test is on record, about this model, and good enough.

The record is held against what was handed in: the evidence it names must be a file of the system, the model it was
made on must be this one, and where the evidence is an observation of `model.equivalence`, what that measured decides.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from touchstone.errors import EvidenceError
from touchstone.records import Note, Observation
from touchstone.statistics import proportion_bounds
from touchstone.system.parts import parts_of_file
from touchstone.system.registers.substitution_tests import SubstitutionTest
from touchstone.system.subject import FileRecord, Subject
from touchstone.text import Text

LARGEST_OBSERVATION = 4 * 1024 * 1024

Verified = Mapping[tuple[str, str], float]
"""For each pair of item and substitute that counts, the days that the move took."""


def verified_substitutes(
    tests: Sequence[SubstitutionTest], subject: Subject, agreement: float
) -> tuple[dict[tuple[str, str], float], list[Note]]:
    """The substitutes that count at this agreement, and why the others do not.

    Of several tests of one pair those of the latest day decide: a substitute that failed then does not count any more.
    """
    latest: dict[tuple[str, str], list[SubstitutionTest]] = {}
    for test in sorted(tests, key=lambda each: each.tested, reverse=True):
        same_day = latest.setdefault((test.item, test.substitute), [test])
        if test is not same_day[0] and test.tested == same_day[0].tested:
            same_day.append(test)
    verified: dict[tuple[str, str], float] = {}
    notes = []
    for pair, same_day in latest.items():
        objections = [(test, why) for test in same_day if (why := _objection(test, subject, agreement)) is not None]
        notes += [_note(test, why) for test, why in objections]
        if not objections:
            verified[pair] = max(test.switch_days for test in same_day)
    return verified, notes


def _objection(test: SubstitutionTest, subject: Subject, agreement: float) -> Text | None:
    evidence = [record for record in subject.files if record.digest == test.evidence and _is_document(subject, record)]
    if not evidence:
        return Text("the record of the test is not among the documents handed in", "所提交的文档中没有测试记录")
    declared = subject.description.model
    model_digests = {subject.record(path).digest for path in (declared.file, *declared.more_files) if path is not None}
    if test.model is not None and model_digests and test.model not in model_digests:
        return Text("another model was tested than the one under test", "所测试的模型并非被测模型")
    if test.form is not None and test.form not in {form.name for form in declared.deployed or ()}:
        return Text(f"no deployed form of the model is called {test.form}", f"未声明名为 {test.form} 的部署形态")
    observation = _observation(subject, evidence[0].path) if evidence[0].size <= LARGEST_OBSERVATION else None
    if observation is not None:
        return _measured_objection(observation, test, agreement)
    if proportion_bounds(test.agreeing, test.cases)[0] < agreement:
        return Text(
            f"{test.agreeing} of {test.cases} agreeing cases do not show an agreement of {agreement:g}",
            f"{test.cases} 例中 {test.agreeing} 例一致，不足以证明一致率达到 {agreement:g}",
        )
    return None


def _is_document(subject: Subject, record: FileRecord) -> bool:
    """Whether a file was handed in to be read: the model itself or its data prove nothing of a substitute."""
    return "documents" in parts_of_file(subject.description, record.path)


def _observation(subject: Subject, path: str) -> Observation | None:
    try:
        found = Observation.from_bytes(subject.read(path), path)
    except EvidenceError:
        return None
    return found if found.check.id == "model.equivalence" else None


def _measured_objection(observation: Observation, test: SubstitutionTest, agreement: float) -> Text | None:
    part = None if test.form is None else f"form={test.form}"
    low = [
        metric.low
        for metric in observation.metrics
        if (metric.id, metric.slice) == ("prediction_agreement", part) and metric.low is not None
    ]
    if not observation.believed or not low:
        return Text("the observation handed in measured no agreement of this form", "所提交的观测未测得该形态的一致率")
    if low[0] < agreement:
        return Text(
            f"the observation handed in shows an agreement of at least {low[0]}, not {agreement:g}",
            f"所提交的观测仅证明一致率不低于 {low[0]}，未达到 {agreement:g}",
        )
    return None


def untested(listed: Collection[tuple[str, str]], tests: Sequence[SubstitutionTest]) -> list[Note]:
    """A note for every substitute that somebody names and nobody tested."""
    known = {(test.item, test.substitute) for test in tests}
    return [
        Note(
            code="substitute-untested",
            text=Text(
                f"{substitute} in the place of {item}: no test on record, so it does not count",
                f"以 {substitute} 替代 {item}：无测试记录，不予计入",
            ),
        )
        for item, substitute in sorted(set(listed) - known)
    ]


def _note(test: SubstitutionTest, objection: Text) -> Note:
    return Note(
        code="substitute-not-shown",
        text=Text(
            f"{test.substitute} in the place of {test.item}, tested {test.tested}: {objection.en}",
            f"以 {test.substitute} 替代 {test.item}（{test.tested} 测试）：{objection.zh}",
        ),
    )
