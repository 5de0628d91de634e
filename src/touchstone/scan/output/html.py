"""The result as a page one may hand to a customer: verdict, coverage, what to do, every file, what files say.

One self-contained page without script or outside request. Whatever comes from a file is escaped by the template.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from touchstone import pages
from touchstone.scan.findings import SEVERITIES, VERDICTS, FileResult, Finding, Gap, Rule, ScanResult, Verdict
from touchstone.scan.output import words
from touchstone.scan.output.coverage import Coverage, coverage_of, readable_size
from touchstone.scan.output.model_cards import Model, models_among
from touchstone.scan.rules import rule_named
from touchstone.text import Language, Text
from touchstone.version import __version__

if TYPE_CHECKING:
    from markupsafe import Markup

_FINDINGS_OF_A_FILE: Final = 50
_FILES_OF_A_REASON: Final = 20
_FILES_IN_SIGHT: Final = 100
"""From this many files on, the table of all files is folded."""
_VALUES_OF_A_FACT: Final = 12

TONES: Final[dict[Verdict, str]] = {
    "unsafe": "fail",
    "review": "inconclusive",
    "incomplete": "error",
    "accepted": "not-applicable",
    "clean": "pass",
}
"""The colours of the report for the verdicts of a scan."""

FACTS: Final = {
    "architecture": Text("architecture", "架构"),
    "task": Text("task", "任务"),
    "parameters": Text("weights", "参数量"),
    "quantisation": Text("quantisation", "量化"),
    "framework": Text("framework", "框架"),
    "base-model": Text("made from", "基础模型"),
    "dataset": Text("says it was trained on", "自称训练数据"),
    "licence": Text("licence", "许可证"),
    "author": Text("author", "作者"),
    "source": Text("source", "来源"),
    "producer": Text("written by", "生成程序"),
    "language": Text("language", "语言"),
    "input": Text("input", "输入"),
    "output": Text("output", "输出"),
    "operator-set": Text("operator set", "算子集"),
    "hyper-parameter": Text("settings", "超参数"),
    "imports": Text("makes its loader import", "加载时导入"),
    "dependency": Text("depends on", "依赖"),
}


@dataclass(frozen=True, slots=True)
class _Kind:
    """Findings of one rule in one file."""

    rule: Rule | None
    worst: Finding
    places: tuple[Finding, ...]
    more: int


@dataclass(frozen=True, slots=True)
class _Section:
    """One file that wants attention."""

    file: FileResult
    kinds: tuple[_Kind, ...]


@dataclass(frozen=True, slots=True)
class _Reason:
    """One reason why something was not understood, and where."""

    gap: Gap
    places: tuple[str, ...]
    more: int


def to_html(result: ScanResult, language: Language, title: str = "") -> str:
    """The whole page. `title` is what the scanned things are called together."""
    template = pages.templates("touchstone.scan.output", language).get_template("scan.html.j2")
    coverage = coverage_of(result)
    return template.render(
        title=title or Text("Scanned files", "所扫描的文件").render(language),
        result=result,
        coverage=coverage,
        picture=_picture(coverage),
        sections=[_section(file) for verdict in VERDICTS[:2] for file in result.files if file.verdict == verdict],
        reasons=_reasons(result.files),
        allowed=[(file, each) for file in result.files for each in file.allowed],
        is_gap=lambda each: isinstance(each.item, Gap),
        models=[(model, _said(model)) for model in models_among(result.files)],
        folded=len(result.files) > _FILES_IN_SIGHT,
        tones=TONES,
        words=words,
        size=readable_size,
        place=_place,
        version=__version__,
        language=language,
    )


def _section(file: FileResult) -> _Section:
    by_rule: dict[str, list[Finding]] = {}
    for finding in sorted(file.findings, key=_badness):
        by_rule.setdefault(finding.rule, []).append(finding)
    kinds = tuple(
        _Kind(rule_named(name), found[0], tuple(found[:_FINDINGS_OF_A_FILE]), max(len(found) - _FINDINGS_OF_A_FILE, 0))
        for name, found in by_rule.items()
    )
    return _Section(file, kinds)


def _badness(finding: Finding) -> tuple[int, str, int]:
    return SEVERITIES.index(finding.severity), finding.where, finding.offset


def _reasons(files: Iterable[FileResult]) -> list[_Reason]:
    """Open gaps, those of one reason together."""
    alike: dict[tuple[str, Text], list[Gap]] = {}
    for file in files:
        for gap in file.gaps:
            alike.setdefault((gap.code, gap.why), []).append(gap)
    return [
        _Reason(gaps[0], tuple(gap.where for gap in gaps[:_FILES_OF_A_REASON]), max(len(gaps) - _FILES_OF_A_REASON, 0))
        for gaps in alike.values()
    ]


def _said(model: Model) -> list[tuple[Text, Sequence[str], int]]:
    """What a model says about itself, in the order of `FACTS`; of many values the first."""
    values: dict[str, dict[str, None]] = {}
    for fact in model.facts:
        values.setdefault(fact.name, {})[fact.value] = None
    if model.weights:
        values["parameters"] = {f"{model.weights:,}": None}
    return [
        (title, tuple(values[name])[:_VALUES_OF_A_FACT], max(len(values[name]) - _VALUES_OF_A_FACT, 0))
        for name, title in FACTS.items()
        if name in values
    ]


def _place(finding: Finding, language: Language) -> str:
    """Where a finding lies, in words."""
    if finding.offset < 0:
        return finding.where
    end = f"–{finding.offset + finding.length - 1}" if finding.length > 1 else ""
    at = Text(f", byte {finding.offset}{end}", f"，字节 {finding.offset}{end}")
    return finding.where + at.render(language)


def _picture(coverage: Coverage) -> Markup:
    """One bar for all files, by verdict."""
    from markupsafe import Markup

    parts, x = [], 0.0
    for verdict, count in coverage.verdicts.items():
        width = 1000 * count / coverage.files
        shown = max(width - 3, 1)
        parts.append(f'<rect class="{TONES[verdict]}" x="{x:.1f}" y="0" width="{shown:.1f}" height="18"/>')
        x += width
    bar = "".join(parts)
    return Markup(  # noqa: S704 - built from numbers and fixed words only
        f'<svg class="coverage" viewBox="0 0 1000 18" preserveAspectRatio="none" aria-hidden="true">{bar}</svg>'
    )
