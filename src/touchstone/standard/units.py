"""Units in words, the same in a sentence and in a table."""

from __future__ import annotations

from typing import Final

from touchstone.standard.titles import in_words
from touchstone.text import Text

UNITS: Final = {
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
    "alpha": Text("alpha", "α"),
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
    "nat": Text("nats", "奈特"),
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
_PLAIN: Final = frozenset(
    {"advantage", "alpha", "auc", "auc_points", "bool", "count", "count_in_sample", "ece", "epsilon", "index", "level"}
    | {"mad_score", "points", "probability", "ratio", "score", "spearman", "z_score"}
)
"""Units that the name of what was measured says already."""
_ONE: Final = {"classes": "class", "parties": "party"}
"""Units whose singular is more than the plural without its last letter."""


def unit(name: str) -> Text:
    """A unit in words."""
    return UNITS.get(name, in_words(name))


def with_unit(shown: str, name: str) -> Text:
    """A number with its unit, where that is one of days, people or the like.

    >>> with_unit("1", "working_days").en, with_unit("0.12", "share").en
    ('1 working day', '0.12')
    """
    if name in _PLAIN or name.startswith("share"):
        return Text(shown, shown)
    said = unit(name)
    en = _ONE.get(said.en, said.en.removesuffix("s")) if shown == "1" else said.en
    return Text(f"{shown} {en}", f"{shown} {said.zh}")
