"""Did every tool that was used find the fault that was planted for it? (EM-04)

Each check brings tests of itself: a fault that it must find, and a case without fault in which it must find nothing. An
attack that cannot break a system when anything is allowed to it is broken itself, and its failure shows nothing.

Source: ISO/IEC 17025:2017, 6.4 and 7.7; Carlini et al., On Evaluating Adversarial Robustness, 2019 (unbounded attacks).
"""

from __future__ import annotations

from dataclasses import replace

from touchstone.checks.declaration import Measurement, MetricDeclaration, Parameters, Run, audit
from touchstone.checks.evaluation.audits.made_up import FIRST, HONEST
from touchstone.checks.run_record import RunRecord
from touchstone.errors import UnavailableError
from touchstone.records import ControlRun, Metric, Note, Tally
from touchstone.text import Text


@audit(
    id="method.tool_qualification",
    version="1",
    title=Text("Qualification of the tools", "测试工具确认"),
    measures=Text(
        "The share of planted faults that the checks of this run found, how many cases without fault they took for "
        "faulty, and the share of samples that the weakest attack broke when its budget had no limit.",
        "本次运行的检查发现所植入缺陷的占比，误把无缺陷情形判为有缺陷的次数，以及预算不受限时最弱攻击攻破样本的占比。",
    ),
    cannot_tell=Text(
        "A planted fault is one of many kinds: a check that finds it may miss another. The figures describe the "
        "samples that the controls used, not a population. Search strategies that no installed attack uses are not "
        "qualified.",
        "植入的缺陷只是众多类型之一：能发现它的检查仍可能漏掉其他缺陷。所列数值仅描述对照所用样本，而非总体。"
        "未安装的攻击策略未经确认。",
    ),
    remedy=Text(
        "Read which control run failed: most often the test data are too few for the check to show its power.",
        "查看哪项对照未通过：多数情况下是测试数据过少，检查无法显示其功效。",
    ),
    source="ISO/IEC 17025:2017, 6.4, 7.7; Carlini et al. 2019",
    metrics=(
        MetricDeclaration("fixture_recall", "share", "higher", Text("Planted faults found", "植入缺陷的发现占比")),
        MetricDeclaration(
            "fixture_false_alarms", "count", "lower", Text("Cases without fault taken for faulty", "误判的无缺陷情形数")
        ),
        MetricDeclaration(
            "unbounded_budget_asr",
            "share",
            "higher",
            Text("Samples broken by the weakest attack without limits", "不受限时最弱攻击的攻破占比"),
        ),
    ),
)
def tool_qualification(record: RunRecord, parameters: Parameters, run: Run) -> Measurement:
    controls = _controls(record)
    if not any(control.kind == "planted" for _, control in controls):
        raise UnavailableError(
            Text("no check of this run was tested on a planted fault", "本次运行没有检查做过植入缺陷对照")
        )
    return Measurement(_metrics(controls), controls=(_null(), _planted()), warnings=_remarks(controls))


def _controls(record: RunRecord) -> list[tuple[str, ControlRun]]:
    return [(item.check.id, control) for item, observation in record.measured() for control in observation.controls]


def _metrics(controls: list[tuple[str, ControlRun]]) -> tuple[Metric, ...]:
    planted = [control.passed for _, control in controls if control.kind == "planted"]
    nulls = [control.passed for _, control in controls if control.kind == "null"]
    metrics = (
        Metric(id="fixture_recall", unit="share", value=sum(planted) / len(planted), n=len(planted), better="higher"),
        Metric(id="fixture_false_alarms", unit="count", value=nulls.count(False), n=len(nulls), better="lower"),
    )
    unlimited = [control.unlimited for _, control in controls if control.unlimited is not None and control.unlimited.of]
    if not unlimited:
        return metrics
    weakest = min(unlimited, key=_share)
    broken = Metric(id="unbounded_budget_asr", unit="share", value=_share(weakest), n=weakest.of, better="higher")
    return (*metrics, broken)


def _share(tally: Tally) -> float:
    return tally.found / tally.of


def _remarks(controls: list[tuple[str, ControlRun]]) -> tuple[Note, ...]:
    notes = [
        Note(
            code="control-run-failed",
            text=Text(f"{check} expected: {control.expected.en}", f"{check} 应当：{control.expected.zh}"),
        )
        for check, control in controls
        if not control.passed
    ]
    if not any(control.unlimited for _, control in controls):
        text = Text("no attack with an unlimited budget was run", "没有运行预算不受限的攻击")
        notes.append(Note(code="no-unlimited-attack", text=text))
    return tuple(notes)


def _null() -> ControlRun:
    recall, alarms, broken = _metrics(_controls(HONEST))
    return ControlRun(
        kind="null",
        expected=Text("tools that pass their own tests are found qualified", "通过自检的工具应判为合格"),
        seen=Text(f"recall {recall.value}, {alarms.value} alarms", f"发现占比 {recall.value}，误报 {alarms.value} 次"),
        passed=recall.value == 1 and alarms.value == 0 and broken.value == 1,
    )


def _planted() -> ControlRun:
    """A tool that misses its planted fault, sees one where there is none, and whose attack breaks nothing."""
    first = HONEST.observations[FIRST]
    blunt = tuple(
        control.model_copy(update={"passed": False, "unlimited": control.unlimited and Tally(found=0, of=50)})
        for control in first.controls
    )
    forged = {**HONEST.observations, FIRST: first.model_copy(update={"controls": blunt})}
    recall, alarms, broken = _metrics(_controls(replace(HONEST, observations=forged)))
    return ControlRun(
        kind="planted",
        expected=Text("a tool that fails its own tests is found", "应发现未通过自检的工具"),
        seen=Text(f"recall {recall.value}, {alarms.value} alarms", f"发现占比 {recall.value}，误报 {alarms.value} 次"),
        passed=recall.value < 1 and alarms.value == 1 and broken.value == 0,
    )
