"""Can an earlier version be put back, and the present one restored, in the declared time (SR-12)?

The operator drills both and reads back which model is in service afterwards. Each drill is held against the record of
releases: after a rollback there has to be the model of an earlier release, after a restore that of the release in
service when the drill began; and the release of the version under test has to name the model that was handed in. A
drill that failed, or left another model in service, has no time: it counts as a year, so that it meets no limit. There
is one objective for recovery; where drills declare several, the shortest counts.

Cannot tell: whether the drills happened as they are recorded, and how a real outage would go.

Source: order statistics after David and Nagaraja 2003: the longest of five drills bounds the median from above.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from pydantic import Field

from touchstone.canonical import digest_of
from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.delays import delay_metric
from touchstone.checks.named_entries import notes_by_reason
from touchstone.checks.register_controls import Audit, Plant, register_controls
from touchstone.errors import UnavailableError
from touchstone.records import ControlRun, Note
from touchstone.system.registers.drills import Drill
from touchstone.system.registers.releases import Release
from touchstone.system.subject import Subject
from touchstone.text import Text

FAILED_MINUTES = 366 * 24 * 60.0

REASONS = {
    "nothing-in-service": Text(
        "no release was in service when the drill began; counted as failed", "演练开始时没有在用版本，按失败计"
    ),
    "release-differs": Text(
        "of the version under test, whose release names another model than the one handed in; counted as failed",
        "针对被测版本，但其发布记录所指模型与所提交的不同，按失败计",
    ),
    "number-twice": Text("a number that stands twice; the second is counted as failed", "编号重复，后一条按失败计"),
    "same-drill": Text(
        "of the same kind and moment as another drill; counted as failed", "与另一演练种类及时刻相同，按失败计"
    ),
    "failed": Text("drills that were not finished", "未完成的演练"),
    "impossible-time": Text("finished before it began; counted as failed", "完成早于开始，按失败计"),
    "not-earlier": Text(
        "a rollback that did not leave the model of an earlier release in service; counted as failed",
        "回退后在用模型并非先前发布的版本，按失败计",
    ),
    "not-restored": Text(
        "a restore that did not leave the model of the release in service; counted as failed",
        "恢复后在用模型与当时在用版本不符，按失败计",
    ),
}
"""Why a drill counts as failed, in the order in which it is looked for."""


_Record = tuple[Sequence[Drill], Sequence[Release]]


class RollbackParameters(Parameters):
    """Of which share of the drills the standard asks for the time."""

    quantile: float = Field(0.5, gt=0, lt=1)


@check(
    id="runtime.rollback",
    version="1",
    title=Text("Rollback and recovery", "回退与恢复"),
    measures=Text(
        "How long drilled rollbacks to an earlier release took, in minutes, and drilled recoveries over their declared "
        "objective: the median, with bounds. A drill counts only if the model read back afterwards is the one that "
        "the record of releases leads to expect.",
        "演练中回退至先前版本所用的分钟数，以及恢复用时与声明目标之比：给出中位数及其置信界。"
        "只有演练后读回的模型与发布记录所应有的一致时，该演练才计入。",
    ),
    cannot_tell=Text(
        "The registers show what was recorded, not that it happened so. A drill is announced and an outage is not, "
        "and whether the data around the model were restored is not seen.",
        "登记记录只说明所记内容，不证明确曾发生。演练有预告而故障没有；模型周边数据是否恢复亦不可见。",
    ),
    remedy=Text(
        "Keep the last released models where they can be put back without building them, script the way back, read "
        "the digest of the model in service after each drill, and drill at least five times a year.",
        "保留近期已发布的模型以便无需重建即可回退，将回退过程脚本化，每次演练后读取在用模型摘要，每年至少演练五次。",
    ),
    threats=("CWE-693",),
    source="David and Nagaraja 2003, Order Statistics; TC260 AI Safety Governance Framework 6.1(f)",
    needs=Needs(inputs=ANY_KIND),
    metrics=(
        MetricDeclaration("rollback_minutes", "minutes", "lower", Text("time of a rollback", "回退用时")),
        MetricDeclaration(
            "recovery_time_over_declared",
            "ratio",
            "lower",
            Text("time of a recovery over its declared objective", "恢复用时与声明目标之比"),
        ),
    ),
    parameters=RollbackParameters,
)
def rollback(subject: Subject, parameters: RollbackParameters, run: Run) -> Measurement:
    """Hold every drill against the record of releases."""
    drills, releases = subject.register(Drill), subject.register(Release)
    if not drills:
        raise UnavailableError(
            Text("no drill was held", "未开展演练"),
            "registers.drills",
            Text("drill the way back to an earlier version and out of the backup", "请开展版本回退与备份恢复演练"),
        )
    description = subject.description
    file = description.model.file
    present = None if file is None else subject.record(file).digest
    found = judged(drills, releases, description.system.version, present)
    minutes = [each.minutes for each in found if each.drill.kind == "rollback"]
    restored = [each for each in found if each.drill.kind == "restore"]
    objective = min((each.drill.objective_minutes for each in restored), default=1.0)
    ratios = [each.minutes / objective for each in restored]
    metrics = (
        delay_metric("rollback_minutes", "minutes", minutes, parameters.quantile),
        delay_metric("recovery_time_over_declared", "ratio", ratios, parameters.quantile),
    )
    notes = (
        *_comparison(releases, description.system.version, present),
        *notes_by_reason(((each.drill.id, each.reason) for each in found), REASONS),
    )
    return Measurement(tuple(each for each in metrics if each is not None), _controls(run), warnings=notes)


@dataclass(frozen=True, slots=True)
class Judged:
    """A drill, the minutes it counts for, and why it counts as failed."""

    drill: Drill
    minutes: float
    reason: str | None


def judged(
    drills: Sequence[Drill], releases: Sequence[Release], version: str, present: str | None
) -> tuple[Judged, ...]:
    """What each drill counts for. `present` is the digest of the model of `version`, where it has a file."""
    found = []
    in_order = sorted(releases, key=lambda each: each.released)
    numbers: set[str] = set()
    moments: set[tuple[str, datetime]] = set()
    for drill in drills:
        copies = {"number-twice": drill.id in numbers, "same-drill": (drill.kind, drill.started) in moments}
        reason = _against(drill, copies, in_order, version, present)
        lasted = FAILED_MINUTES
        if reason is None and drill.finished is not None:
            lasted = (drill.finished - drill.started) / timedelta(minutes=1)
        found.append(Judged(drill, lasted, reason))
        numbers.add(drill.id)
        moments.add((drill.kind, drill.started))
    return tuple(found)


def _against(
    drill: Drill, copies: Mapping[str, bool], releases: Sequence[Release], version: str, present: str | None
) -> str | None:
    """A key of `REASONS`, or `None` where the drill succeeded. `releases` are in order of time."""
    serving = releases[: bisect_right(releases, drill.started, key=lambda release: release.released)]
    if not serving:
        return "nothing-in-service"
    current, earlier = serving[-1], {release.model for release in serving[:-1]}
    wrong = {
        "release-differs": current.version == version and present not in (None, current.model),
        **copies,
        "failed": drill.finished is None,
        "impossible-time": drill.finished is not None and drill.finished < drill.started,
        "not-earlier": drill.kind == "rollback" and drill.model_after not in earlier - {current.model},
        "not-restored": drill.kind == "restore" and drill.model_after != current.model,
    }
    return next((reason for reason, holds in wrong.items() if holds), None)


def _comparison(releases: Sequence[Release], version: str, present: str | None) -> tuple[Note, ...]:
    """Where the record of releases says nothing of the model that was handed in."""
    if present is None:
        text = Text(
            "the model has no file here, so the record of releases could not be compared with it",
            "模型在此没有文件，无法与发布记录比对",
        )
        return (Note(code="model-not-compared", text=text),)
    if version not in {release.version for release in releases}:
        text = Text(
            f"version {version} is not among the releases: the drills show how it went with earlier ones",
            f"发布记录中没有版本 {version}：演练只反映先前版本的情况",
        )
        return (Note(code="version-not-released", text=text),)
    return ()


def _controls(run: Run) -> tuple[ControlRun, ...]:
    """Drills in which all is well, and the same with one of them spoilt in each of the ways that count."""
    drills, releases = _consistent_record(run.generator("made-up record"))
    present = releases[-1].model
    first, second, *others = drills
    unreleased = releases[-1].model_copy(update={"model": digest_of(b"another model")})

    def rolled_back(**change: object) -> _Record:
        return [first.model_copy(update=change), second, *others], releases

    plants: dict[str, _Record] = {
        "nothing-in-service": rolled_back(started=releases[0].released - timedelta(days=1)),
        "release-differs": (drills, [*releases[:-1], unreleased]),
        "number-twice": ([*drills, first], releases),
        "same-drill": ([*drills, first.model_copy(update={"id": "copy"})], releases),
        "failed": rolled_back(finished=None),
        "impossible-time": rolled_back(finished=first.started - timedelta(seconds=1)),
        "not-earlier": rolled_back(model_after=present),
        "not-restored": ([first, second.model_copy(update={"model_after": None}), *others], releases),
    }

    def audit(record: _Record) -> Audit:
        found = judged(*record, version=releases[-1].version, present=present)
        return Audit((), notes_by_reason(((each.drill.id, each.reason) for each in found), REASONS))

    return register_controls(
        audit, (drills, releases), [Plant(REASONS[reason], record, reason) for reason, record in plants.items()]
    )


def _consistent_record(generator: np.random.Generator) -> tuple[list[Drill], list[Release]]:
    """Three made-up releases, and drills of both kinds that succeeded while the last of them was in service."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    releases = [
        Release.model_validate(
            {
                "version": str(number),
                "released": (start + timedelta(days=number)).isoformat(),
                "model": digest_of(b"made-up model %d" % number),
            }
        )
        for number in (1, 2, 3)
    ]
    drills = []
    for number, minutes in enumerate(generator.uniform(1, 29, size=6)):
        begun = start + timedelta(days=10 + number)
        rolled_back = number % 2 == 0
        drills.append(
            Drill.model_validate(
                {
                    "id": f"made-up-{number}",
                    "kind": "rollback" if rolled_back else "restore",
                    "started": begun.isoformat(),
                    "finished": (begun + timedelta(minutes=float(minutes))).isoformat(),
                    "objective_minutes": 30.0,
                    "model_after": releases[1 if rolled_back else 2].model,
                }
            )
        )
    return drills, releases
