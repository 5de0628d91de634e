"""What is lost when a supplier, a jurisdiction or an item falls away (SR-13)?

Threat: a chip, a framework, a model or a service that cannot be had any more stops the system, and nobody noticed that
everything hung on it (CWE-1357; EU AI Act Art. 17(1)(l), security of supply).

Measured on the operator's graph of supplies, held against the bill of materials: critical items, which can be cut off
and without which a function stops as long as no substitute counts; how many of them have a substitute whose test is on
record; how many are gone before they, or a substitute, are back (time to survive below time to recover); and the
largest share of functions that are down at the same time when one jurisdiction cuts off all it controls. Cut sets are
exact.

Cannot tell: whether stocks, times and owners are true, and what was left out of both the graph and the bill.

Source: Simchi-Levi, Schmidt and Wei 2014, Harvard Business Review 92(1); Barlow and Proschan 1975.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.system_resilience.supply_controls import controls
from touchstone.checks.system_resilience.supply_evidence import exhibits
from touchstone.checks.system_resilience.supply_model import FACTS, SupplyModel, supply_model
from touchstone.checks.system_resilience.supply_scenarios import (
    Outcome,
    Scenario,
    countries,
    exposure,
    outcome_of,
)
from touchstone.checks.system_resilience.supply_tests import untested, verified_substitutes
from touchstone.errors import UnavailableError
from touchstone.methods.supply.concentration import herfindahl
from touchstone.records import Metric, Note, number
from touchstone.system.registers.substitution_tests import SubstitutionTest
from touchstone.system.registers.supply_graph import SupplyItem
from touchstone.system.subject import Subject
from touchstone.text import Text

DAYS_PER_MONTH: Final = 365.25 / 12
MOST_NAMED = 20
"""Items that are named one by one in notes; the table names all."""


class DisruptionParameters(Parameters):
    """What counts as a tested substitute, and how far ahead losses are looked at."""

    agreement: float = 0.99
    """Share of cases that must come out as before, as a lower bound."""
    horizon_days: int = 365


@check(
    id="supply.disruption",
    version="1",
    title=Text("Disruption of supply", "断供韧性"),
    measures=Text(
        "From the graph of supplies and the bill of materials: items that can be cut off and without which a function"
        " stops, how many of them have a substitute whose test is on record, how many are gone before they or a"
        " substitute are back, and the largest share of functions that are down at once when one jurisdiction cuts off"
        " everything it controls. The jurisdiction in which alone the system is used is shown and does not count: it"
        " could forbid the system itself. What is unknown counts as lost at once and for good.",
        "依据供应图谱与物料清单计算：可能断供且缺之则某项功能停止的关键项；其中有多少具备测试记录在案的替代品；"
        "有多少在其自身或替代品恢复之前即已耗尽；以及单一法域切断其所控制的一切时，同时丧失的功能占比最大值。"
        "系统唯一使用地的法域仅予列示、不参与判定（其本可直接禁止系统运行）。未知信息按立即且永久丧失计。",
    ),
    cannot_tell=Text(
        "Whether the stocks, times, owners and tests on record are true, and what stands neither in the graph nor in"
        " the bill of materials. Prices, partial deliveries and disruptions of several jurisdictions at once are not"
        " reckoned with.",
        "无法判断所记录的库存、时间、控制方与测试是否属实，亦无法发现图谱与物料清单均未列入之物；"
        "不考虑价格、部分供货与多个法域同时断供的情形。",
    ),
    remedy=Text(
        "Begin with the first lines of the table: test a substitute from another jurisdiction and hand in the record,"
        " keep stock until the move to it is done, or agree on a way to recover.",
        "从情景表的前几行着手：测试来自其他法域的替代品并提交记录，储备足以支撑至切换完成的库存，或落实恢复方案。",
    ),
    threats=("CWE-1357",),
    source="Simchi-Levi et al. 2014, Harvard Business Review 92(1); Barlow and Proschan 1975",
    needs=Needs(),
    metrics=(
        MetricDeclaration(
            "critical_items_tts_below_ttr",
            "count",
            "lower",
            Text("critical items gone before they or a substitute are back", "存续时间短于恢复时间的关键项"),
        ),
        MetricDeclaration(
            "verified_substitute_share",
            "share_of_critical_items",
            "higher",
            Text("critical items with a tested substitute", "具备实测替代品的关键项占比"),
        ),
        MetricDeclaration(
            "single_jurisdiction_loss",
            "share_of_functions_lost",
            "lower",
            Text("functions down at once when one jurisdiction cuts off", "单一法域断供时同时丧失的功能占比"),
        ),
        MetricDeclaration(
            "months_without_vendor_updates_survivable",
            "months",
            "higher",
            Text("months without any updates before a function is lost", "全部更新停止后功能可维持的月数"),
        ),
        MetricDeclaration(
            "single_points_of_failure", "count", "lower", Text("single points of failure", "单点失效项数")
        ),
        MetricDeclaration(
            "supplier_concentration", "index", "lower", Text("concentration of suppliers (HHI)", "供应方集中度（HHI）")
        ),
        MetricDeclaration(
            "jurisdiction_concentration",
            "index",
            "lower",
            Text("concentration of jurisdictions (HHI)", "法域集中度（HHI）"),
        ),
        MetricDeclaration(
            "graph_completeness", "share", "higher", Text("facts about items that are filled in", "供应项信息完整率")
        ),
    ),
    parameters=DisruptionParameters,
)
def disruption(subject: Subject, parameters: DisruptionParameters, run: Run) -> Measurement:
    """Compute what the registers say, once they are held against what was handed in."""
    entries = subject.register(SupplyItem)
    tests = subject.register_if_any(SubstitutionTest)
    components = subject.description.components
    if not components:
        raise UnavailableError(
            Text("no component is declared that the graph could be held against", "未申报任何可与图谱核对的组件"),
            "components",
            Text("declare the bill of materials", "请申报物料清单"),
        )
    verified, doubts = verified_substitutes(tests, subject, parameters.agreement)
    model = supply_model(entries, components, verified)
    run.progress(0.2)
    outcome = outcome_of(model, subject.description.deployment.jurisdictions)
    run.progress(0.7)
    named = {(need.item, other) for entry in entries for need in entry.needs for other in need.substitutes}
    named |= {(component.name, other) for component in components for other in component.substitutes}
    return Measurement(
        metrics=tuple(_metrics(outcome, parameters.horizon_days)),
        controls=controls(entries, components, verified, run.generator("sound supply")),
        exhibits=exhibits(outcome, parameters.horizon_days, run),
        warnings=(*model.notes, *doubts, *untested(named, tests), *_about(outcome, parameters.horizon_days)),
    )


def _metrics(outcome: Outcome, horizon: int) -> Iterator[Metric]:
    critical, functions = len(outcome.critical), len(outcome.model.graph.functions)
    yield _exact("critical_items_tts_below_ttr", "count", len(outcome.exposed), critical, "lower")
    share = outcome.substituted / critical if critical else 1.0
    yield _exact("verified_substitute_share", "share_of_critical_items", share, critical, "higher")
    lost = {scenario.name: scenario.losses.most(horizon) / functions for scenario in outcome.of_kind("jurisdiction")}
    worst = max((lost[scenario.name] for scenario in outcome.foreign()), default=0.0)
    yield _exact("single_jurisdiction_loss", "share_of_functions_lost", worst, functions, "lower")
    for name, share in lost.items():
        yield _exact(
            "single_jurisdiction_loss", "share_of_functions_lost", share, functions, "lower", f"jurisdiction={name}"
        )
    updates = next(scenario for scenario in outcome.of_kind("mode") if scenario.name == "updates")
    months = min(updates.losses.first, horizon) / DAYS_PER_MONTH
    yield _exact("months_without_vendor_updates_survivable", "months", months, max(updates.cut_off, 1), "higher")
    yield _exact("single_points_of_failure", "count", len(outcome.single), critical, "lower")
    items = [outcome.model.items[node] for node in sorted(outcome.critical)]
    suppliers = [{item.supplier} for item in items if item.supplier is not None]
    holders = [countries(item) or frozenset() for item in items]
    yield _exact("supplier_concentration", "index", float(herfindahl(suppliers)), critical, "lower")
    yield _exact("jurisdiction_concentration", "index", float(herfindahl(holders)), critical, "lower")
    yield _completeness(outcome.model)


def _exact(
    name: str, unit: str, value: float, n: int, better: Literal["higher", "lower"], part: str | None = None
) -> Metric:
    return Metric(id=name, unit=unit, value=number(value), n=n, better=better, slice=part)


def _completeness(model: SupplyModel) -> Metric:
    items = [item for node, item in enumerate(model.items) if node not in model.graph.functions]
    asked = FACTS * len(items)
    return _exact("graph_completeness", "share", sum(item.known for item in items) / asked, asked, "higher")


def _about(outcome: Outcome, horizon: int) -> Iterator[Note]:
    """The items and the jurisdiction to begin with, the worst first."""
    model = outcome.model
    exposed = [scenario for scenario in outcome.of_kind("item") if scenario.losses.ever]
    exposed.sort(key=lambda each: (-len(each.losses.ever), -exposure(each), each.name))
    for scenario in exposed[:MOST_NAMED]:
        lost = sorted(map(model.name, scenario.losses.ever))
        yield Note(
            code="tts-below-ttr",
            text=Text(
                f"without {scenario.name}, {', '.join(lost)} is lost from day {scenario.losses.first:g}",
                f"{scenario.name} 断供后，{'、'.join(lost)} 自第 {scenario.losses.first:g} 天起丧失",
            ),
        )
    if len(exposed) > MOST_NAMED:
        rest = len(exposed) - MOST_NAMED
        yield Note(
            code="more-in-table", text=Text(f"{rest} further items stand in the table", f"另有 {rest} 项见情景表")
        )
    if outcome.home is not None:
        yield Note(
            code="home-not-counted",
            text=Text(
                f"a cut-off by {outcome.home}, where alone the system is used, is shown and does not count",
                f"系统仅在 {outcome.home} 使用，该法域断供的情景仅予列示、不参与判定",
            ),
        )
    worst = max(outcome.foreign(), key=lambda each: each.losses.most(horizon), default=None)
    if worst is not None and worst.losses.ever:
        yield _worst_jurisdiction(worst, horizon)


def _worst_jurisdiction(worst: Scenario, horizon: int) -> Note:
    most, items = worst.losses.most(horizon), worst.cut_off
    return Note(
        code="worst-jurisdiction",
        text=Text(
            f"worst jurisdiction {worst.name}: items it cuts off: {items}; functions down at once within {horizon}"
            f" days, at most: {most}",
            f"影响最大的法域 {worst.name}：切断 {items} 项，{horizon} 天内最多同时丧失 {most} 项功能",
        ),
    )
