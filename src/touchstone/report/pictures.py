"""Inline SVG pictures: where a measured interval lies against its limit, and how much of a profile is covered."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from markupsafe import Markup

from touchstone.records import Assessment, Decision, Metric, Verdict, plain
from touchstone.report.words import demand, measured

WIDTH, HEIGHT, EDGE = 320, 46, 12
CLEARANCE = 80
COVERAGE_ORDER = (
    Verdict.PASS,
    Verdict.FAIL,
    Verdict.ERROR,
    Verdict.INCONCLUSIVE,
    Verdict.NOT_TESTED,
    Verdict.NOT_APPLICABLE,
)


def interval_picture(decision: Decision, metric: Metric) -> Markup:
    """The interval of `metric` on a line, the limit as a stroke, the passing side shaded."""
    low = metric.value if metric.low is None else metric.low
    high = metric.value if metric.high is None else metric.high
    first, last = _range(decision, (low, metric.value, high, decision.limit))

    def at(value: Decimal) -> float:
        return round(EDGE + float((value - first) / (last - first)) * (WIDTH - 2 * EDGE), 1)

    limit = at(decision.limit)
    passing_from, passing_to = (limit, WIDTH - EDGE) if decision.op == ">=" else (EDGE, limit)
    anchor = "start" if limit < WIDTH * 0.2 else "end" if limit > WIDTH * 0.8 else "middle"
    return Markup(  # noqa: S704 - built from numbers and fixed words only
        f'<svg class="interval {decision.outcome}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{measured(low)} – {measured(high)}, {demand(decision)}">'
        f'<rect class="passing" x="{passing_from}" y="8" width="{max(passing_to - passing_from, 0):.1f}" height="18"/>'
        f'<line class="axis" x1="{EDGE}" x2="{WIDTH - EDGE}" y1="26" y2="26"/>'
        f'<line class="limit" x1="{limit}" x2="{limit}" y1="3" y2="31"/>'
        f'<line class="bar" x1="{at(low)}" x2="{max(at(high), at(low) + 1)}" y1="17" y2="17"/>'
        f'<line class="cap" x1="{at(low)}" x2="{at(low)}" y1="12" y2="22"/>'
        f'<line class="cap" x1="{at(high)}" x2="{at(high)}" y1="12" y2="22"/>'
        f'<circle class="value" cx="{at(metric.value)}" cy="17" r="3.5"/>'
        f"{_end(EDGE, 'start', first, limit)}{_end(WIDTH - EDGE, 'end', last, limit)}"
        f'<text class="limit" x="{limit}" y="42" text-anchor="{anchor}">{plain(decision.limit)}</text>'
        "</svg>"
    )


def _end(x: float, anchor: str, value: Decimal, limit: float) -> str:
    """The number at one end of the axis, unless the limit's own number would run into it."""
    if abs(x - limit) < CLEARANCE:
        return ""
    return f'<text x="{x}" y="42" text-anchor="{anchor}">{measured(value)}</text>'


def _range(decision: Decision, points: tuple[Decimal, ...]) -> tuple[Decimal, Decimal]:
    """Ends of the axis: everything shown, with a little air; the whole unit interval when that is not much more."""
    low, high = min(points), max(points)
    if decision.unit in {"share", "points", "auc", "ece"} and low >= 0 and high <= 1 and high - low > Decimal("0.3"):
        return Decimal(0), Decimal(1)
    air = (high - low) / 6 or max(abs(high) / 4, Decimal("0.01"))
    return (low - air if low - air >= 0 or low < 0 else Decimal(0)), high + air


def coverage_picture(assessment: Assessment) -> Markup:
    """One bar for all controls of the profile, by verdict."""
    counts = Counter(finding.verdict for finding in assessment.findings)
    total = sum(counts.values()) or 1
    parts, x = [], 0.0
    for verdict in COVERAGE_ORDER:
        width = 1000 * counts[verdict] / total
        if width:
            parts.append(
                f'<rect class="{verdict.value}" x="{x:.1f}" y="0" width="{max(width - 3, 1):.1f}" height="18"/>'
            )
        x += width
    return Markup(  # noqa: S704 - built from numbers and fixed words only
        '<svg class="coverage" viewBox="0 0 1000 18" preserveAspectRatio="none" aria-hidden="true">'
        + "".join(parts)
        + "</svg>"
    )
