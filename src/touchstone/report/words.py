"""How verdicts, numbers and units are written for people."""

from __future__ import annotations

from decimal import Decimal

from touchstone.records import Decision, Metric, Verdict, plain
from touchstone.text import Text

VERDICTS = {
    Verdict.PASS: Text("pass", "通过"),
    Verdict.FAIL: Text("fail", "未通过"),
    Verdict.INCONCLUSIVE: Text("inconclusive", "未定"),
    Verdict.NOT_APPLICABLE: Text("not applicable", "不适用"),
    Verdict.NOT_TESTED: Text("not tested", "未测"),
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
    "inconclusive": Text("Not decided", "未定"),
}
UNITS = {
    "share": Text("share", "占比"),
    "share_of_files": Text("share of files", "文件占比"),
    "count": Text("count", "计数"),
    "points": Text("points", "差值"),
    "ratio": Text("ratio", "比值"),
    "auc": Text("area under the curve", "曲线下面积"),
    "ece": Text("calibration error", "校准误差"),
    "auc_points": Text("points of area under the curve", "曲线下面积差值"),
    "spearman": Text("rank correlation", "秩相关系数"),
    "advantage": Text("advantage", "优势"),
    "bits": Text("bits", "比特"),
    "bool": Text("1 for yes, 0 for no", "1 为是，0 为否"),
    "classes": Text("classes", "类"),
    "components": Text("components", "个组件"),
    "count_in_sample": Text("count in the sample", "样本中的计数"),
    "days": Text("days", "天"),
    "hours": Text("hours", "小时"),
    "index": Text("index from 0 to 1", "指数（0 至 1）"),
    "level": Text("level", "级"),
    "minutes": Text("minutes", "分钟"),
    "months": Text("months", "个月"),
    "parties": Text("parties", "个参与方"),
    "persons": Text("persons", "人"),
    "probability": Text("probability", "概率"),
    "samples": Text("samples", "个样本"),
    "seconds": Text("seconds", "秒"),
    "share_of_artefacts": Text("share of artefacts", "工件占比"),
    "share_of_critical_items": Text("share of critical items", "关键项占比"),
    "share_of_functions_lost": Text("share of functions lost", "丧失功能占比"),
    "share_of_outputs": Text("share of outputs", "输出占比"),
    "share_of_records": Text("share of records", "记录占比"),
    "share_of_sample": Text("share of the sample", "样本占比"),
    "share_of_sources": Text("share of sources", "来源占比"),
    "share_of_unguarded": Text("share of that without the defence", "占无防御时的比例"),
    "share_of_windows": Text("share of windows", "时间窗占比"),
    "working_days": Text("working days", "个工作日"),
}
PARTS = {
    "class": Text("class", "类别"),
    "fault": Text("fault", "故障"),
    "form": Text("form", "形态"),
    "input": Text("input", "输入"),
    "jurisdiction": Text("jurisdiction", "法域"),
    "overseer": Text("overseer", "监督者"),
    "store": Text("store", "存储"),
    "threat": Text("threat", "威胁"),
}
"""What the parts are that a metric is given for; others stand as the check wrote them."""
_PLAIN = frozenset({"count", "points", "ratio", "auc", "ece", "auc_points", "spearman", "advantage", "bool", "index"})
"""Units that the name of what was measured says already."""
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


def unit(name: str) -> Text:
    """A unit in words."""
    return UNITS.get(name, Text(name.replace("_", " "), name.replace("_", " ")))


def amount(metric: Metric) -> Text:
    """Value with its bounds, and its unit where the number is one of days, people or the like."""
    shown = interval(metric)
    if metric.unit in _PLAIN or metric.unit.startswith("share"):
        return Text(shown, shown)
    said = unit(metric.unit)
    return Text(f"{shown} {said.en}", f"{shown} {said.zh}")


def part(slice_: str) -> Text:
    """The part that a metric is given for, in words: `threat=drift` is the threat `drift`."""
    kind, equals, name = slice_.partition("=")
    if not equals or kind not in PARTS:
        return Text(slice_, slice_)
    return Text(f"{PARTS[kind].en}: {name}", f"{PARTS[kind].zh}：{name}")


def sentence(text: str) -> str:
    """The text with a capital first letter, as a heading or a sentence begins."""
    return text[:1].upper() + text[1:]


def demand(decision: Decision) -> str:
    """A limit as it is written: `≥ 0.9`."""
    return f"{OPERATORS[decision.op]} {plain(decision.limit)}"
