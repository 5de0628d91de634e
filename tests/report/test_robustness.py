"""Drawings of robustness: from the metrics alone, and nothing where they are not there."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest

from touchstone.canonical import digest_of
from touchstone.records import Access, CheckIdentity, Execution, Isolation, Metric, Observation
from touchstone.report.robustness import cost_line, figures


def metric(name: str, value: str, low: str, high: str, part: str | None = None, n: int = 50) -> Metric:
    return Metric(
        id=name,
        unit="share",
        value=Decimal(value),
        low=Decimal(low),
        high=Decimal(high),
        n=n,
        better="lower",
        slice=part,
    )


def observation(*metrics: Metric, queries: int = 1000, **parameters: Any) -> Observation:
    return Observation(
        check=CheckIdentity(id="robust.adversarial", version="2"),
        system=digest_of(b""),
        parameters=parameters,
        seed="0",
        access=Access.ARTEFACT,
        status="measured",
        metrics=metrics,
        queries=queries,
    )


CURVE = [
    metric("attack_success_at_eps", "0.5", "0.4", "0.6", "eps=4/255"),
    metric("attack_success_at_eps", "0.1", "0.05", "0.2", "eps=1/255"),
    metric("attack_success_at_eps", "0.9", "0.8", "1", "eps=8/255"),
]


def test_the_curve_falls_with_the_radius_inside_its_band() -> None:
    [figure] = figures(observation(*CURVE, eps="4/255"))
    drawn = ElementTree.fromstring(str(figure.picture))  # noqa: S314 - our own output
    points = [tuple(map(float, pair.split(","))) for pair in drawn.findall("polyline")[0].attrib["points"].split()]
    assert len(points) == 4
    assert points == sorted(points)  # to the right and, as y grows downwards, down
    band = [tuple(map(float, pair.split(","))) for pair in drawn.findall("polygon")[0].attrib["points"].split()]
    assert all(
        min(y for x, y in band if x == at) <= height <= max(y for x, y in band if x == at) for at, height in points
    )
    assert len(drawn.findall("line[@class='limit']")) == 1
    assert "8/255: 0.1" in drawn.attrib["aria-label"]
    assert "upper bound" in figure.reading.en
    assert "上界" in figure.reading.zh
    assert "n = 50" in figure.title.en


@pytest.mark.parametrize("part", ["eps=<b>/255", "eps=1/255 IQR", "sex=F", None, "eps=1e5 IQR"])
def test_other_slices_are_no_radius(part: str | None) -> None:
    assert figures(observation(metric("attack_success_at_eps", "0.5", "0.4", "0.6", part), CURVE[0])) == ()


def test_the_bracket_reaches_from_the_proof_to_the_attack() -> None:
    [figure] = figures(
        observation(
            metric("certified_accuracy", "0.4", "0.3", "0.5", n=20), metric("robust_accuracy", "0.7", "0.6", "0.8")
        )
    )
    drawn = ElementTree.fromstring(str(figure.picture))  # noqa: S314 - our own output
    widths = [float(part.attrib["width"]) for part in drawn.findall("rect")]
    assert [width / sum(widths) for width in widths] == pytest.approx([0.3, 0.5, 0.2], abs=0.01)
    assert "At least 30.0%" in figure.reading.en
    assert "至多 80.0%" in figure.reading.zh
    assert figures(observation(metric("robust_accuracy", "0.7", "0.6", "0.8"))) == ()


def test_ends_of_the_bracket_do_not_run_into_each_other() -> None:
    for low, high in (("0", "0.05"), ("0.5", "0.52"), ("0.97", "1")):
        [figure] = figures(
            observation(metric("certified_accuracy", low, low, low), metric("robust_accuracy", high, high, high))
        )
        texts = re.findall(r'<text x="([0-9.]+)" y="41" text-anchor="(\w+)">', str(figure.picture))
        (left, first), (right, second) = texts
        assert (first, second) != ("middle", "middle") or float(right) - float(left) > 90


def execution(cpu_ms: int) -> Execution:
    walls = Isolation(
        process="separate", network="none", network_by="", new_programs="denied",
        memory_bytes=None, cpu_seconds=None, wall_seconds=None,
    )  # fmt: skip
    return Execution(
        check=CheckIdentity(id="robust.adversarial", version="2"),
        started="2026-01-01",
        wall_ms=cpu_ms,
        cpu_ms=cpu_ms,
        peak_memory_bytes=1,
        isolation=walls,
    )


def test_the_cost_tells_what_was_saved_at_the_same_pace() -> None:
    line = cost_line(observation(queries=2_000), execution(4_000), {"cost": {"ensemble_answers": 100_000}})
    assert line is not None
    assert line.en.startswith("4 s of processor time for 2,000 answers")
    assert "takes 200 s: 196 s saved" in line.en
    assert "节省 196 秒" in line.zh
    without = cost_line(observation(), execution(4_000), {"cost": {}})
    assert without is not None
    assert "saved" not in without.en


@pytest.mark.parametrize(
    "report", [None, [], {"cost": 3}, {"cost": {"ensemble_answers": "many"}}, {"cost": {"ensemble_answers": True}}]
)
def test_another_laboratorys_report_may_hold_anything(report: Any) -> None:
    line = cost_line(observation(), execution(1_000), report)
    assert line is None or "saved" not in line.en
