"""Who has to be told of an incident, and by when: every duty that the facts trigger, the shortest clock first.

for duty in reporting_duties(regimes_in({"CN"}), {"incident.grade": "major", "deploy.cii": True}):
    print(duty.recipient, duty.minutes)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from touchstone.standard.applicability import Facts
from touchstone.standard.law import regimes
from touchstone.standard.obligation_pack import Obligation, Regime
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class ReportingDuty:
    """One authority, or the persons concerned, that has to be told."""

    obligation: str
    recipient: str
    """Name of the recipient in the pack."""
    to: Text
    minutes: int
    """Minutes from noticing the incident; 0 means at once."""
    certain: bool
    """False while a fact is missing: then it is owed until the fact is known to be false."""
    questions: tuple[tuple[str, Text], ...]
    """Facts that would settle it, with the question to ask."""
    says: Text
    article: str
    """Document and place, by the names of the standard."""
    source: Text
    """The same as people cite it."""
    confidence: str


def regimes_in(territories: Collection[str]) -> tuple[Regime, ...]:
    """The regimes that hold in some of these jurisdictions; a part such as CN-SH belongs to its country."""
    wanted = {territory.split("-")[0] for territory in territories}
    return tuple(regime for regime in regimes().values() if wanted & set(regime.pack.territory))


def reporting_duties(of: Iterable[Regime], facts: Facts, day: date | None = None) -> tuple[ReportingDuty, ...]:
    """Duties that an incident with these facts triggers or may trigger, the shortest clock first.

    With a `day`, those in force on it; without, also those that will be.
    """
    owed = [
        _duty(obligation, recipient, facts)
        for regime in of
        for obligation in regime.obligations
        if obligation.entry.report is not None and obligation.in_force(day) and obligation.applies(facts) != "false"
        for recipient in obligation.entry.report.to
    ]
    return tuple(sorted(owed, key=lambda duty: (duty.minutes, duty.obligation, duty.recipient)))


def _duty(obligation: Obligation, recipient: str, facts: Facts) -> ReportingDuty:
    entry, regime = obligation.entry, obligation.regime
    asked = obligation.needs(facts)
    return ReportingDuty(
        obligation=obligation.id,
        recipient=recipient,
        to=regime.pack.agencies[recipient].text,
        minutes=entry.report.within_minutes if entry.report is not None else 0,
        certain=not asked,
        questions=tuple((name, regime.vocabulary.facts[name].entry.question.text) for name in asked),
        says=entry.says.text,
        article=obligation.article,
        source=obligation.source,
        confidence=entry.confidence,
    )
