"""Was everything that a change puts in question measured again before the change went into service (MI-11)?

Threat: a system that was assessed is changed, and the evidence goes on speaking of the system as it was (EU AI Act
Art. 43(4), substantial modification; NIST SP 800-218A, PS.3).

Measured: changes in service that were not assessed, plus differences that no change accounts for. What has to be run
again is computed from what the checks read, not chosen by whoever made the change. The register is held against the
files of today, each of which must be what its last change left; against the record of releases; and against the files
and the description of the previous assessment, whose digest is computed anew.

Cannot tell: whether an assessment on record took place as it says, and changes of what is not part of the description.

Source: EU AI Act Art. 43(4); FDA 2024, predetermined change control plans; ISO/IEC 42001, 6.3.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache

from touchstone.canonical import canonical_json, digest_of_json
from touchstone.checks.declaration import Check, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.dependence import affected
from touchstone.checks.model_integrity.change_controls import controls
from touchstone.checks.model_integrity.change_review import Before, ChangeRecord, Judged, Review, reviewed
from touchstone.errors import UnavailableError
from touchstone.records import Metric, Note
from touchstone.standard.catalog import load_standard
from touchstone.system.parts import parts_of_file, parts_that_differ
from touchstone.system.registers.change_envelope import EnvelopeClause
from touchstone.system.registers.changes import Change
from touchstone.system.registers.previous_assessment import PreviousAssessment
from touchstone.system.registers.releases import Release
from touchstone.system.subject import Subject, description_json
from touchstone.text import Text


@check(
    id="process.change_impact",
    version="1",
    title=Text("Changes and what they put in question", "变更及其影响"),
    measures=Text(
        "How many changes went into service without everything that depends on them having been measured again, or"
        " without falling under a clause that was agreed on before; and how many differences between the system of"
        " today and the one last assessed no change accounts for. What depends on a change is computed from what the"
        " checks read.",
        "有多少变更在投入使用前未对受其影响的全部检查项重新测量，且不属于事先约定的条款；"
        "以及当前系统与上次测评的系统之间有多少差异没有任何变更可以说明。受影响范围由检查项实际读取的内容计算得出。",
    ),
    cannot_tell=Text(
        "Whether the assessments on record took place as they say, and whether anything changed that the description"
        " does not name, such as the surroundings of the system. Without the record of a previous assessment,"
        " differences are looked for only in the files that changes name.",
        "无法判断所记录的测评是否属实，也无法发现描述未涉及之物（如系统所处环境）的变化。"
        "未提交上次测评记录时，只能核对变更所提及的文件。",
    ),
    remedy=Text(
        "Enter the change, run again what is listed for it, and release it when that has passed; or agree on kinds of"
        " changes beforehand, with the checks that each of them needs.",
        "补登变更，重新运行为其列出的检查项，通过后再发布；或事先约定变更类别及各类所需的检查项。",
    ),
    threats=("CWE-1053",),
    source="EU AI Act Art. 43(4); FDA 2024, predetermined change control plans",
    needs=Needs(),
    metrics=(
        MetricDeclaration("unassessed_changes", "count", "lower", Text("changes not assessed", "未经测评的变更")),
        MetricDeclaration(
            "changes_inside_envelope",
            "count",
            "higher",
            Text("changes that were agreed on before", "属于事先约定范围的变更"),
        ),
    ),
    cost=lambda _subject, _parameters, _budget: 2,
)
def change_impact(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Review the register of changes against everything else that was handed in."""
    from touchstone.checks.registry import installed_checks

    checks = installed_checks().values()
    changes = subject.register(Change)
    before, doubts = _before(subject)
    if not changes and before is None and not doubts:
        raise UnavailableError(
            Text(
                "no change is on record, and there is no earlier assessment to tell whether there was one",
                "未登记任何变更，亦无先前测评可供判断是否发生过变更",
            ),
            "registers",
            Text(
                "from the second assessment on, hand in `previous-assessment` (`touchstone bundle baseline`)",
                "自第二次测评起，请提交 `previous-assessment`（由 `touchstone bundle baseline` 生成）",
            ),
        )
    record = ChangeRecord(
        changes=changes,
        clauses=subject.register_if_any(EnvelopeClause),
        releases=subject.register_if_any(Release),
        before=before,
        files={file.path: file.digest for file in subject.files},
        documents=frozenset(subject.record(each.path).digest for each in subject.description.documents),
        parts_of=lambda path: parts_of_file(subject.description, path),
        affected=cache(lambda parts: affected(parts, checks)),
    )
    found = reviewed(record)
    found = Review(found.judged, (*doubts, *found.unrecorded), found.remarks)
    looked_at = max(len(found.judged) + len(found.unrecorded), 1)
    inside = sum(each.clause is not None for each in found.judged)
    return Measurement(
        metrics=(
            Metric(id="unassessed_changes", unit="count", value=found.unassessed, n=looked_at, better="lower"),
            Metric(id="changes_inside_envelope", unit="count", value=inside, n=looked_at, better="higher"),
        ),
        controls=controls(record, run.generator("history")),
        exhibits=(run.exhibit("impact.json", "application/json", _listing(found, checks)),),
        warnings=(*found.remarks, *_notes(found), *_without(before, doubts)),
    )


def _before(subject: Subject) -> tuple[Before | None, tuple[Text, ...]]:
    """The system at its last assessment, once its digest is known to be that of what is listed."""
    found = subject.register_if_any(PreviousAssessment)
    if not found:
        return None, ()
    [previous] = found
    files = [{"path": file.path, "size": file.size, "digest": file.digest} for file in previous.files]
    listed = {"schema": "touchstone.system-digest/v1", "description": previous.description, "files": files}
    try:
        genuine = digest_of_json(listed) == previous.system
    except (TypeError, ValueError):  # a number that no description of ours holds
        genuine = False
    if not genuine:
        return None, (
            Text(
                "the previous assessment on record is not the system whose digest it names",
                "所提交的上次测评记录与其所称的系统摘要不符",
            ),
        )
    return (
        Before(
            finished=previous.finished,
            files={file.path: file.digest for file in previous.files},
            differing=parts_that_differ(previous.description, description_json(subject.description)),
            checks=frozenset(previous.checks),
        ),
        (),
    )


def _listing(found: Review, checks: Collection[Check]) -> bytes:
    return canonical_json(
        {
            "schema": "touchstone.change-impact/v1",
            "changes": [_impact(each, checks) for each in found.judged],
            "unrecorded": [text.en for text in found.unrecorded],
        }
    )


def _impact(judged: Judged, checks: Collection[Check]) -> dict[str, object]:
    """One change, everything that depends on it, and what had to be run again."""
    touched = affected(judged.parts, checks)
    catalog = load_standard().controls
    return {
        "id": judged.change.id,
        "parts": sorted(judged.parts),
        "clause": None if judged.clause is None else judged.clause.id,
        "controls": [name for name, control in catalog.items() if touched & set(control.entry.checks)],
        "depending": sorted(touched),
        "required": sorted(judged.required),
        "objections": [text.en for text in judged.objections],
    }


def _notes(found: Review) -> list[Note]:
    objections = [
        Note(
            code="change-not-assessed",
            text=Text(f"{each.change.id}: {text.en}", f"{each.change.id}：{text.zh}"),
        )
        for each in found.judged
        for text in each.objections
    ]
    return [*objections, *(Note(code="change-not-recorded", text=text) for text in found.unrecorded)]


def _without(before: Before | None, doubts: Sequence[Text]) -> list[Note]:
    if before is not None or doubts:
        return []
    text = Text(
        "no previous assessment was handed in: differences are looked for only in the files that changes name, and only"
        " checks that the register itself names have to be run again",
        "未提交上次测评记录：只核对变更所提及的文件，且仅要求重新运行登记自身列出的检查项",
    )
    return [Note(code="no-previous-assessment", text=text)]
