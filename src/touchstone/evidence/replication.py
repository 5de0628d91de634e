"""Replication: a second laboratory runs the recorded plan on the same system and compares what it measured.

The strongest thing one laboratory can say about another's result. Metrics are compared one by one; a replication
that could not repeat a number is as much worth writing down as one that could.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from touchstone.canonical import Digest
from touchstone.evidence.certificate import Instant, moment_text
from touchstone.evidence.layout import LaterStatement
from touchstone.evidence.statement import Statement, statement
from touchstone.records import Assessment, Metric, Number, Observation
from touchstone.signatures.exact import ExactRecord, Sha256
from touchstone.text import Text

Agreement = Literal["identical", "within-tolerance", "overlapping-intervals", "not-reproduced"]

AGREEMENTS: Final[dict[Agreement, Text]] = {
    "identical": Text("the same bytes", "逐字节相同"),
    "within-tolerance": Text("equal within the tolerance of arithmetic", "在算术容差内相等"),
    "overlapping-intervals": Text("different values with overlapping intervals", "数值不同但置信区间重叠"),
    "not-reproduced": Text("not reproduced", "未能复现"),
}
"""From the strongest agreement to none."""

TOLERANCE: Final = Decimal("1e-6")
"""Relative difference that other processors and libraries cause, and sampling does not."""


class MetricAgreement(ExactRecord):
    """One metric of one check, as both measured it."""

    check: str
    metric: str
    slice: str | None
    original: Number | None
    """`None` when the first laboratory did not measure it."""
    replicated: Number | None
    """`None` when the second laboratory could not measure it."""
    agreement: Agreement


class Replication(ExactRecord):
    """What a second laboratory found."""

    laboratory: str
    assessment: Sha256
    """Digest of the signed assessment's file."""
    evidence: Sha256
    """Digest of the manifest of the first laboratory's evidence."""
    finished: Instant
    tool: str
    environment: dict[str, str]
    results: tuple[MetricAgreement, ...]
    agreement: Agreement
    """The weakest of all; a check that did not run again is not reproduced."""
    verdict: Literal["pass", "fail", "inconclusive"]
    """What the second laboratory's own observations lead to under the same profile."""
    differing_controls: tuple[str, ...]
    """Controls on which its findings differ from the first laboratory's."""

    def at_least(self, wanted: Agreement) -> bool:
        """Whether the agreement is as strong as wanted."""
        order = list(AGREEMENTS)
        return order.index(self.agreement) <= order.index(wanted)


def compare(original: Mapping[str, Observation], replicated: Mapping[str, Observation]) -> tuple[MetricAgreement, ...]:
    """Compare two laboratories' observations by check, metric and slice, in that order."""
    results = []
    for check in sorted({*original, *replicated}):
        first, second = original.get(check), replicated.get(check)
        same = first is not None and second is not None and first.to_bytes() == second.to_bytes()
        ours, theirs = _metrics(first), _metrics(second)
        for metric, part in sorted({*ours, *theirs}, key=lambda name: (name[0], name[1] or "")):
            one, two = ours.get((metric, part)), theirs.get((metric, part))
            results.append(
                MetricAgreement(
                    check=check,
                    metric=metric,
                    slice=part,
                    original=None if one is None else one.value,
                    replicated=None if two is None else two.value,
                    agreement="identical" if same else _agreement(one, two),
                )
            )
    return tuple(results)


def replication_statement(
    *,
    laboratory: str,
    envelope: Digest,
    evidence: Digest,
    finished: datetime,
    tool: str,
    first: tuple[Assessment, Mapping[str, Observation]],
    second: tuple[Assessment, Mapping[str, Observation]],
) -> Statement:
    """The statement about both laboratories' assessments and observations; `envelope` is the first's signed file."""
    results = compare(first[1], second[1])
    order = list(AGREEMENTS)
    weakest: Agreement = max((result.agreement for result in results), key=order.index, default="not-reproduced")
    if {check: each.status for check, each in first[1].items()} != {
        check: each.status for check, each in second[1].items()
    }:
        weakest = "not-reproduced"
    theirs = {finding.control: finding.verdict for finding in first[0].findings}
    replication = Replication(
        laboratory=laboratory,
        assessment=envelope,
        evidence=evidence,
        finished=moment_text(finished),
        tool=tool,
        environment=second[0].environment,
        results=results,
        agreement=weakest,
        verdict=second[0].verdict,
        differing_controls=tuple(
            finding.control for finding in second[0].findings if theirs.get(finding.control) != finding.verdict
        ),
    )
    system = first[0].system
    return statement(system.name, system.digest, LaterStatement.REPLICATION.predicate_type, replication.to_json())


def _metrics(observation: Observation | None) -> dict[tuple[str, str | None], Metric]:
    metrics = () if observation is None else observation.metrics
    return {(metric.id, metric.slice): metric for metric in metrics}


def _agreement(first: Metric | None, second: Metric | None) -> Agreement:
    if first is None or second is None or first.unit != second.unit:
        return "not-reproduced"
    if first == second:
        return "identical"
    if abs(first.value - second.value) <= TOLERANCE * max(abs(first.value), abs(second.value)):
        return "within-tolerance"
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return "not-reproduced"
    return "overlapping-intervals" if first.low <= second.high and second.low <= first.high else "not-reproduced"
