"""Run an audit the way the laboratory does."""

from __future__ import annotations

from decimal import Decimal

from touchstone.assessment.measure import audit
from touchstone.checks.declaration import Check
from touchstone.checks.run_record import RunRecord
from touchstone.records import Access, CheckIdentity, Observation, PlanItem


def observe(check: Check, record: RunRecord) -> Observation:
    """What an audit makes of a run."""
    identity = CheckIdentity(id=check.id, version=check.version)
    item = PlanItem(check=identity, controls=(), runs=True, seed="0" * 64, audit=True)
    return audit(check, record, Access.LABELS, item).observation


def values(check: Check, record: RunRecord) -> dict[str, Decimal]:
    """The metrics of an audit that could be made, by id; its own controls behaved."""
    observation = observe(check, record)
    assert observation.status == "measured", observation.error
    assert observation.controls
    assert observation.believed
    return {metric.id: metric.value for metric in observation.metrics}
