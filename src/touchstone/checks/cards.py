"""What a check says about itself, as a record that travels with the evidence."""

from __future__ import annotations

from touchstone.checks.declaration import Check
from touchstone.records import CheckCard


def card_of(check: Check) -> CheckCard:
    """The card of one check."""
    return CheckCard(
        id=check.id,
        version=check.version,
        title=check.title,
        measures=check.measures,
        cannot_tell=check.cannot_tell,
        remedy=check.remedy,
        threats=check.threats,
        source=check.source,
        metrics={metric.id: metric.title for metric in check.metrics},
    )
