"""How verdicts, numbers and units are written for people."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from touchstone.records import Condition, Decision, Metric, Verdict, plain
from touchstone.standard.units import with_unit
from touchstone.text import Text

VERDICTS = {
    Verdict.PASS: Text("pass", "通过"),
    Verdict.FAIL: Text("fail", "未通过"),
    Verdict.INCONCLUSIVE: Text("inconclusive", "无法判定"),
    Verdict.NOT_APPLICABLE: Text("not applicable", "不适用"),
    Verdict.NOT_TESTED: Text("not tested", "未测试"),
    Verdict.ERROR: Text("error", "出错"),
}
MARKS = {
    Verdict.PASS: "✓",
    Verdict.FAIL: "✗",
    Verdict.INCONCLUSIVE: "?",
    Verdict.NOT_APPLICABLE: "–",
    Verdict.NOT_TESTED: "○",
    Verdict.ERROR: "!",
}
BOUNDS = {
    "lower": Text("lower bound", "下界"),
    "upper": Text("upper bound", "上界"),
    "point": Text("point value", "点估计"),
    "exact": Text("exact value", "精确值"),
}
JUDGEMENTS = {
    "accepted": Text("accepted", "接受"),
    "needs-work": Text("needs work", "需补充"),
    "rejected": Text("rejected", "不接受"),
}
BASES = {
    "law": Text("law", "法律法规"),
    "standard": Text("standard", "标准"),
    "guidance": Text("guidance", "指南"),
    "literature": Text("literature", "文献"),
    "pilot": Text("pilot value, to be calibrated", "试点值，待校准"),
}
SEVERITIES = {
    "critical": Text("critical", "严重"),
    "high": Text("high", "高"),
    "medium": Text("medium", "中"),
    "low": Text("low", "低"),
}
HEADLINES = {
    "pass": Text("Passed", "通过"),
    "fail": Text("Failed", "未通过"),
    "inconclusive": Text("Not decided", "无法判定"),
}
BUDGETS = {
    "quick": Text("quick", "快速"),
    "standard": Text("standard", "标准"),
    "full": Text("full", "完整"),
}
METHODS = {"exact": Text("counted", "计数所得"), "attested": Text("as reviewers read it", "据评审人所述")}
"""How a number was found that has no interval; those that have one keep the name that statisticians know."""
PARTS = {
    "attempt": Text("attempt", "尝试"),
    "class": Text("class", "类别"),
    "condition": Text("condition", "条件"),
    "fault": Text("fault", "故障"),
    "form": Text("form", "形态"),
    "input": Text("input", "输入"),
    "jurisdiction": Text("jurisdiction", "法域"),
    "overseer": Text("overseer", "监督者"),
    "store": Text("store", "存储"),
    "threat": Text("threat", "威胁"),
}
"""What the parts are that a metric is given for; others stand as the check wrote them."""
OPERATORS = {">=": "≥", "<=": "≤"}


def measured(value: Decimal | None) -> str:
    """A number to four significant digits, integers whole, never with an exponent.

    >>> measured(Decimal("0.123456")), measured(Decimal("1500"))
    ('0.1235', '1500')
    """
    if value is None:
        return "—"
    if value == value.to_integral_value():
        return format(value.quantize(Decimal(1)), "f")
    places = max(0, min(6, 3 - value.adjusted()))
    return format(round(value, places), "f")


def interval(metric: Metric) -> str:
    """Value with its one-sided bounds: `0.95 [0.93, 0.97]`."""
    if metric.low is None and metric.high is None:
        return measured(metric.value)
    return f"{measured(metric.value)} [{measured(metric.low)}, {measured(metric.high)}]"


def amount(metric: Metric) -> Text:
    """Value with its bounds, and its unit where the number is one of days, people or the like."""
    return with_unit(interval(metric), metric.unit)


def part(slice_: str, conditions: Mapping[str, Condition] = MappingProxyType({})) -> Text:
    """The part that a metric is given for, in words: `threat=drift` is the threat `drift`."""
    kind, equals, name = slice_.partition("=")
    if not equals or kind not in PARTS:
        return Text(slice_, slice_)
    named = Text(name, name)
    if kind == "condition" and name in conditions:
        named = conditions[name].title
    return Text(f"{PARTS[kind].en}: {named.en}", f"{PARTS[kind].zh}：{named.zh}")


def method(name: str) -> Text:
    """How a number was found."""
    return METHODS.get(name, Text(name, name))


def sentence(text: str) -> str:
    """The text with a capital first letter, as a heading or a sentence begins."""
    return text[:1].upper() + text[1:]


def demand(decision: Decision) -> str:
    """A limit as it is written: `≥ 0.9`."""
    return f"{OPERATORS[decision.op]} {plain(decision.limit)}"
