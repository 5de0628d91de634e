"""How the report shows robustness: the curve over the radius, the bracket of proof and attack, and what it cost.

Everything is drawn from the metrics of an observation; where they are not there, nothing is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from markupsafe import Markup

from touchstone.records import Execution, Metric, Observation, plain
from touchstone.report.words import measured
from touchstone.text import Text

CURVE = "attack_success_at_eps"
WIDTH, HEIGHT = 460, 190
LEFT, RIGHT, TOP, BOTTOM = 40, 16, 12, 30
LETTER = 6.5
"""Pixels that a letter takes at most."""
BAR_HEIGHT, EDGE = 46, 12
APART = 90
"""Pixels between two numbers that do not run into each other."""
_RADIUS = re.compile(r"eps=([0-9]{1,9}(?:\.[0-9]{1,9})?)(/[1-9][0-9]{0,3}| IQR)")

CAPTIONS = {
    "adversarial_examples.png": Text(
        "Clearest broken samples. From top: the sample, the change made to it (grey: none; black and white: the whole "
        "radius), and the changed sample. Above: row in the test data, its class, and the class answered.",
        "最清楚的被攻破样本。自上而下：原样本、所作改动（灰色为无改动，黑白为用满半径）、改动后的样本；"
        "上方为其在测试数据中的行号、真实类别与模型所判类别。",
    ),
    "explanations.png": Text(
        "Samples with their row in the test data and the class answered; below each what every method finds, in the "
        "order in which the metrics name them. Red speaks for the answer, blue against it.",
        "样本及其在测试数据中的行号与所判类别；其下为各方法的归因，次序与指标所列方法一致。红色支持该判定，蓝色反对。",
    ),
    "corruptions.png": Text(
        "One sample under every corruption; severity grows downwards.", "同一样本在各类扰动下的样子；强度自上而下递增。"
    ),
}
"""What a picture among the exhibits shows, by its name."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing with what it shows and how to read it."""

    title: Text
    picture: Markup
    reading: Text


def figures(observation: Observation) -> tuple[Figure, ...]:
    """The drawings that the metrics of a check allow."""
    return tuple(figure for figure in (_bracket(observation), _curve(observation)) if figure is not None)


def cost_line(observation: Observation, execution: Execution | None, report: Any) -> Text | None:
    """What the attacks cost in seconds, and what the fixed ensemble would have, where the attack report tells.

    The report is JSON that another laboratory may have written.
    """
    cost = report.get("cost") if isinstance(report, dict) else None
    if execution is None or not isinstance(cost, dict) or not observation.queries:
        return None
    seconds = execution.cpu_ms / 1000
    english = f"{seconds:,.0f} s of processor time for {observation.queries:,} answers of the model"
    chinese = f"处理器时间 {seconds:,.0f} 秒，模型共作答 {observation.queries:,} 次"
    answers = cost.get("ensemble_answers")
    if isinstance(answers, int) and not isinstance(answers, bool) and answers > 0:
        whole = seconds * answers / observation.queries
        saved = max(whole - seconds, 0.0)
        english += (
            f"; at this pace the fixed ensemble of attacks on 1,000 samples takes {whole:,.0f} s: {saved:,.0f} s saved"
        )
        chinese += f"；按此速度，对 1000 个样本执行固定攻击组合约需 {whole:,.0f} 秒，节省 {saved:,.0f} 秒"
    return Text(english, chinese)


def _curve(observation: Observation) -> Figure | None:
    points = _points(observation)
    if len(points) < 2:
        return None
    given = observation.parameters
    declared = {f"eps={given.get('eps')}", f"eps={given.get('interquartile_share')} IQR"}
    n = points[0][1].n
    return Figure(
        Text(
            f"Correct answers that stand, by radius of the attack (n = {n})",
            f"不同攻击半径下仍判定正确的比例（n = {n}，以未受扰动时判定正确者计）",
        ),
        _curve_picture(points, declared),
        Text(
            "Band: one-sided 95 % bounds above and below. Every point is an upper bound: a stronger attack can only "
            "lower it. The stroke marks the radius declared.",
            "色带为上、下各单侧 95% 置信界。每一点均为上界：更强的攻击只会使其更低。竖线为所声明的半径。",
        ),
    )


def _points(observation: Observation) -> list[tuple[Decimal, Metric]]:
    """Radii of one unit in rising order."""
    found: dict[str, list[tuple[Decimal, Metric]]] = {}
    for metric in observation.metrics:
        match = _RADIUS.fullmatch(metric.slice or "")
        if metric.id == CURVE and match is not None:
            found.setdefault(match[2], []).append((Decimal(match[1]), metric))
    units = sorted(found.values(), key=len)
    return sorted(units[-1], key=lambda point: point[0]) if units else []


def _curve_picture(points: list[tuple[Decimal, Metric]], declared: set[str]) -> Markup:
    last = points[-1][0] or Decimal(1)

    def across(radius: Decimal) -> float:
        return round(LEFT + float(radius / last) * (WIDTH - LEFT - RIGHT), 1)

    def down(share: Decimal) -> float:
        return round(TOP + float(1 - share) * (HEIGHT - TOP - BOTTOM), 1)

    one = Decimal(1)
    line = [(across(Decimal(0)), down(one))] + [(across(radius), down(one - metric.value)) for radius, metric in points]
    upper, lower = [line[0]], [line[0]]
    for radius, metric in points:
        upper.append((across(radius), down(one - (metric.value if metric.low is None else metric.low))))
        lower.append((across(radius), down(one - (metric.value if metric.high is None else metric.high))))
    floor = HEIGHT - BOTTOM
    parts = [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{down(share)}" y2="{down(share)}"/>'
        f'<text x="{LEFT - 6}" y="{down(share) + 3.5}" text-anchor="end">{share:.0%}</text>'
        for share in (Decimal(0), Decimal("0.5"), one)
    ]
    parts.append(f'<polygon class="band" points="{_pairs(upper + lower[:0:-1])}"/>')
    parts += [
        f'<line class="limit" x1="{across(radius)}" x2="{across(radius)}" y1="{TOP}" y2="{floor}"/>'
        for radius, metric in points
        if metric.slice in declared
    ]
    parts.append(f'<polyline class="line" points="{_pairs(line)}"/>')
    parts += [f'<circle cx="{x}" cy="{y}" r="3.5"/>' for x, y in line[1:]]
    free = float(WIDTH)
    for radius, metric in reversed(points):
        half = LETTER * len(_named(metric)) / 2
        middle = min(across(radius), WIDTH - RIGHT - half)
        if middle + half < free:
            parts.append(f'<text x="{middle:.1f}" y="{floor + 16}" text-anchor="middle">{_named(metric)}</text>')
            free = middle - half
    label = ", ".join(f"{_named(metric)}: {measured(one - metric.value)}" for _, metric in points)
    return Markup(  # noqa: S704 - built from numbers and fixed words only
        f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'
    )


def _named(metric: Metric) -> str:
    """The radius as the slice writes it; only slices that `_RADIUS` knows come here."""
    return (metric.slice or "").removeprefix("eps=")


def _pairs(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in points)


def _bracket(observation: Observation) -> Figure | None:
    whole = {metric.id: metric for metric in observation.metrics if metric.slice is None}
    proven, standing = whole.get("certified_accuracy"), whole.get("robust_accuracy")
    if proven is None or standing is None or proven.low is None or standing.high is None:
        return None
    low, high = proven.low, max(standing.high, proven.low)
    return Figure(
        Text("True robust accuracy lies between proof and attack", "真实鲁棒准确率介于证明与攻击之间"),
        _bracket_picture(low, high),
        Text(
            f"At least {low:.1%} (green: proven, by a proof tried on {proven.n} samples) and at most {high:.1%} (red: "
            f"broken or wrong, by attacks on {standing.n}), each with 95 % confidence. Grey is what neither tells.",
            f"至少 {low:.1%}（绿色：已获证明，对 {proven.n} 个样本尝试证明），至多 {high:.1%}"
            f"（红色：被攻破或误判，对 {standing.n} 个样本实施攻击），各以 95% 置信。灰色部分二者均不能说明。",
        ),
    )


def _bracket_picture(low: Decimal, high: Decimal) -> Markup:
    def at(share: Decimal) -> float:
        return round(EDGE + float(share) * (WIDTH - 2 * EDGE), 1)

    zero, one = Decimal(0), Decimal(1)
    parts = [
        f'<rect class="{kind}" x="{at(start)}" y="8" width="{max(at(end) - at(start), 0):.1f}" height="16"/>'
        for kind, start, end in (("proven", zero, low), ("open", low, high), ("broken", high, one))
    ]
    apart = at(high) - at(low) > APART
    left = "start" if low < one / 10 else "middle" if apart else "end"
    right = "end" if high > one * 9 / 10 else "middle" if apart else "start"
    parts += [
        f'<text x="{at(low)}" y="41" text-anchor="{left}">≥ {plain(round(100 * low, 1))} %</text>',
        f'<text x="{at(high)}" y="41" text-anchor="{right}">≤ {plain(round(100 * high, 1))} %</text>',
    ]
    return Markup(  # noqa: S704 - built from numbers and fixed words only
        f'<svg class="bracket" viewBox="0 0 {WIDTH} {BAR_HEIGHT}" role="img" '
        f'aria-label="{measured(low)} – {measured(high)}">{"".join(parts)}</svg>'
    )
