"""Do the people who oversee the system notice when it is wrong, and can they stop it?

Threat: oversight on paper. People come to rely on a system that is mostly right, and follow it when it is wrong
(automation bias; Parasuraman and Manzey 2010, Human Factors 52).

Measured, from an exercise with wrong advice seeded among right advice: the share of wrong advice that was overruled
rightly, stopped or handed on; the share of right advice that was overruled; how much more often people err with wrong
advice than without any; the time to intervene; and whether every trial of the stop control stopped the system. What was
wrong follows from the answers; where a case was made of a row of the test data, these say what is right.

Cannot tell: whether people are as attentive when nobody tests them.

Source: Regulation (EU) 2024/1689 Art. 14; Parasuraman and Manzey 2010; Goddard, Roudsari and Wyatt 2012 (JAMIA 19).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Run, check
from touchstone.checks.governance.oversight_controls import (
    flawed_exercises,
    flawed_stops,
    sound_exercise,
    sound_stops,
)
from touchstone.checks.governance.oversight_exercise import Exercise
from touchstone.checks.governance.oversight_findings import audit_oversight
from touchstone.checks.governance.recorded_state import present_state
from touchstone.checks.governance.stop_control import StopRecords, audit_stops
from touchstone.checks.least_samples import LeastSamples
from touchstone.checks.register_controls import Audit, register_controls
from touchstone.errors import UnavailableError
from touchstone.records import ControlRun, Note
from touchstone.system.registers.event_log import LoggedEvent
from touchstone.system.registers.oversight import Oversight
from touchstone.system.registers.oversight_cases import OversightCase
from touchstone.system.registers.stop_trials import StopTrial
from touchstone.system.subject import Subject
from touchstone.text import Text

_Asked = TypeVar("_Asked")


@check(
    id="gov.oversight",
    version="1",
    title=Text("Human oversight in an exercise", "人工监督演练"),
    measures=Text(
        "From an exercise in which wrong advice was seeded among right advice: the share of wrong advice that people"
        " overruled rightly, stopped or handed on, the share of right advice they overruled, how much more often they"
        " err with wrong advice than without any, how long it took, and whether the stop control stopped the system in"
        " every trial. Several people before one case count as one case.",
        "依据在正确建议中植入错误建议的演练：人员正确改判、中止或转交的错误建议占比，被改判的正确建议占比，"
        "错误建议相较无建议使人多犯错的程度，介入时间，以及停止控制是否在每次试验中都停止了系统。"
        "同一案例由多人处理时按一个案例计。",
    ),
    cannot_tell=Text(
        "An exercise shows people who know that they are being watched; alertness over months of service is lower. If"
        " the cases are easier than those in service, so is oversight. A register shows what was recorded, not that it"
        " is true.",
        "演练中的人员知道自己受到观察；长期使用中的警觉性会降低。若案例比实际更容易，结果会偏乐观。"
        "登记记录只说明记载了什么，不说明其真实。",
    ),
    remedy=Text(
        "Show people what the advice rests on and let them decide before they see it where errors are costly; train"
        " with seeded errors; give them time; put the stop control where they are, and try it after each change.",
        "展示建议的依据；代价高的情形先由人判断再显示建议；以植入错误开展培训；留足时间；"
        "将停止控制置于人员手边，并在每次变更后试验。",
    ),
    threats=(),
    source="Regulation (EU) 2024/1689 Art. 14; Parasuraman and Manzey 2010",
    needs=Needs(),
    metrics=(
        MetricDeclaration("seeded_errors_caught", "share", "higher", Text("wrong advice caught", "发现的错误建议占比")),
        MetricDeclaration("stop_control_works", "bool", "higher", Text("the stop control works", "停止控制有效")),
        MetricDeclaration(
            "right_advice_overruled", "share", "lower", Text("right advice overruled", "被改判的正确建议占比")
        ),
        MetricDeclaration(
            "automation_bias",
            "points",
            "lower",
            Text("errors with wrong advice more than without advice", "错误建议相较无建议增加的错误"),
        ),
        MetricDeclaration(
            "seconds_to_intervene",
            "seconds",
            "lower",
            Text("time within which 95 % of the caught errors were caught", "95% 被发现错误的发现用时"),
        ),
        MetricDeclaration(
            "caught_by_overseer",
            "share",
            "higher",
            Text("wrong advice caught, by overseer", "各监督者发现的错误建议占比"),
        ),
    ),
    parameters=LeastSamples,
)
def oversight(subject: Subject, parameters: LeastSamples, run: Run) -> Measurement:
    """Measure the exercise and the trials; each of them also without the other."""
    parts = [
        _if_there(lambda: _exercise(subject, parameters, run)),
        _if_there(lambda: _stops(subject)),
    ]
    measured = [part for part in parts if not isinstance(part, UnavailableError)]
    missing = [part for part in parts if isinstance(part, UnavailableError)]
    if not measured:
        raise missing[0]
    return Measurement(
        metrics=tuple(metric for audit, _ in measured for metric in audit.metrics),
        controls=tuple(control for _, controls in measured for control in controls),
        warnings=(
            *(Note(code="not-handed-in", text=error.what) for error in missing),
            *(note for audit, _ in measured for note in audit.notes),
        ),
    )


def _if_there(asked: Callable[[], _Asked]) -> _Asked | UnavailableError:
    try:
        return asked()
    except UnavailableError as error:
        return error


def _exercise(subject: Subject, parameters: LeastSamples, run: Run) -> tuple[Audit, tuple[ControlRun, ...]]:
    setting = _with_all_overseers(subject)
    other = present_state(subject).difference(setting.state)
    if other is not None:
        raise UnavailableError(
            Text(f"the oversight exercise {other.en}", f"人工监督演练{other.zh}"),
            "registers",
            Text("hold the exercise with the system under test", "请以被测系统开展演练"),
        )
    cases = subject.register(OversightCase)
    labels = tuple(subject.description.model.output.labels)
    exercise = Exercise(setting, cases, labels, _truths(subject, cases, labels))
    sound = sound_exercise(run.generator("controls"), parameters.n_min)

    def audit(exercise: Exercise) -> Audit:
        return audit_oversight(exercise, parameters.n_min)

    return audit(exercise), register_controls(audit, sound, tuple(flawed_exercises(sound)))


def _with_all_overseers(subject: Subject) -> Oversight:
    """The setting with everyone who oversees the system by other registers: who is left out took no part."""
    [setting] = subject.register(Oversight)
    others = {trial.overseer for trial in subject.register_if_any(StopTrial)}
    others |= {event.person for event in subject.register_if_any(LoggedEvent) if event.person is not None}
    left_out = sorted(others - set(setting.overseers))
    return setting.model_copy(update={"overseers": [*setting.overseers, *left_out]})


def _truths(subject: Subject, cases: tuple[OversightCase, ...], labels: tuple[str, ...]) -> Mapping[str, str]:
    """What the test data say of their rows, if a case refers to one and the data can say it."""
    if subject.description.data.test is None or all(case.row is None for case in cases):
        return {}
    data = subject.data("test")
    if data.identifiers is None or data.target is None:
        return {}
    return {row: labels[target] for row, target in zip(data.identifiers, data.target.tolist(), strict=True)}


def _stops(subject: Subject) -> tuple[Audit, tuple[ControlRun, ...]]:
    trials = subject.register(StopTrial)
    if not trials:
        raise UnavailableError(Text("no trial of the stop control", "无停止控制试验"), "registers")
    sound = sound_stops()
    audit = audit_stops(StopRecords(trials, present_state(subject)))
    return audit, register_controls(audit_stops, sound, tuple(flawed_stops(sound)))
