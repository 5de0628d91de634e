"""What disruptions cost, as a table, as cut sets and as a picture."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Run
from touchstone.checks.system_resilience.supply_scenarios import Outcome, Scenario, exposure
from touchstone.methods.supply.cuts import pairs
from touchstone.records import Exhibit

MOST_FOR_PAIRS = 1000
"""Nodes of a graph up to which pairs are looked for: the work grows with the square."""
MOST_LINES = 8
"""Jurisdictions in the picture, the worst ones."""

_COLOURS = ("#b3261e", "#1f5fa8", "#2e7d32", "#8e24aa", "#ef6c00", "#00838f", "#5d4037", "#455a64")
_LEFT, _TOP, _WIDTH, _HEIGHT = 50, 20, 480, 220


def exhibits(outcome: Outcome, horizon: float, run: Run) -> tuple[Exhibit, ...]:
    """Everything a reader needs to see how the numbers come about."""
    picture = _picture(outcome, horizon)
    return (
        run.exhibit("scenarios.csv", "text/csv", _table(outcome, horizon)),
        run.exhibit("cut_sets.json", "application/json", _cut_sets(outcome)),
        run.exhibit("loss_by_jurisdiction.svg", "image/svg+xml", picture),
    )


def _table(outcome: Outcome, horizon: float) -> bytes:
    """One scenario each, the worst first: most functions lost, then the longest loss."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        ("kind", "name", "items", "first_loss_day", "most_functions_lost", "longest_loss_days", "functions_lost")
    )
    for scenario in sorted(outcome.scenarios, key=lambda each: _worst_first(each, horizon)):
        lost = sorted(outcome.model.name(node) for node in scenario.losses.ever)
        writer.writerow(
            (
                scenario.kind,
                scenario.name,
                scenario.cut_off,
                _day(scenario.losses.first) if lost else "",
                scenario.losses.most(horizon),
                _day(exposure(scenario)),
                "; ".join(lost),
            )
        )
    return buffer.getvalue().encode()


def _worst_first(scenario: Scenario, horizon: float) -> tuple[int, float, str, str]:
    return -scenario.losses.most(horizon), -exposure(scenario), scenario.kind, scenario.name


def _day(days: float) -> str:
    return "no end" if math.isinf(days) else f"{days:g}"


def _cut_sets(outcome: Outcome) -> bytes:
    """Single points of failure, and pairs that stop a function together, by function."""
    model = outcome.model
    small = len(model.items) <= MOST_FOR_PAIRS
    both = pairs(model.graph) if small else {}
    named = {
        model.name(function): sorted(sorted([model.name(first), model.name(second)]) for first, second in several)
        for function, several in both.items()
    }
    return canonical_json(
        {
            "schema": "touchstone.cut-sets/v1",
            "critical": sorted(map(model.name, outcome.critical)),
            "single": sorted(map(model.name, outcome.single)),
            "pairs": named if small else None,
        }
    )


def _picture(outcome: Outcome, horizon: float) -> bytes:
    """Share of functions lost over time, one line for each jurisdiction, the worst ones."""
    worst = sorted(outcome.of_kind("jurisdiction"), key=lambda each: _worst_first(each, horizon))[:MOST_LINES]
    functions = len(outcome.model.graph.functions)
    right, bottom = _LEFT + _WIDTH, _TOP + _HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right + 90} {bottom + 45}" font-family="sans-serif"'
        ' font-size="11">',
        f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="#333"/>',
        f'<text x="{_LEFT - 8}" y="{_TOP + 4}" text-anchor="end">100 %</text>',
        f'<text x="{_LEFT - 8}" y="{bottom}" text-anchor="end">0</text>',
        f'<text x="{right}" y="{bottom + 15}" text-anchor="end">{horizon:g}</text>',
        f'<text x="{_LEFT}" y="{bottom + 35}">functions lost, by days since the cut-off 断供后各日丧失功能占比</text>',
    ]
    for number, scenario in enumerate(worst):
        colour, height = _COLOURS[number], _TOP + 12 + 16 * number
        parts.append(
            f'<path d="{_line(scenario, functions, horizon)}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        parts.append(f'<text x="{right + 10}" y="{height}" fill="{colour}">{escape(scenario.name)}</text>')
    return "".join([*parts, "</svg>"]).encode()


def _line(scenario: Scenario, functions: int, horizon: float) -> str:
    """A line of steps."""
    return "".join(f"{'LM'[start]}{x:.1f} {y:.1f}" for start, (x, y) in _points(scenario, functions, horizon))


def _points(scenario: Scenario, functions: int, horizon: float) -> Iterator[tuple[bool, tuple[float, float]]]:
    moments: Sequence[float] = [moment for moment in scenario.losses.moments if moment < horizon]
    for place, moment in enumerate(moments):
        end = moments[place + 1] if place + 1 < len(moments) else horizon
        height = _TOP + _HEIGHT * (1 - len(scenario.losses.lost[place]) / functions)
        yield place == 0, (_LEFT + _WIDTH * moment / horizon, height)
        yield False, (_LEFT + _WIDTH * end / horizon, height)
