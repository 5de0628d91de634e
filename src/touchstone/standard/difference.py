"""What differs between two profiles: controls that came or went, and limits that changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from touchstone.records import Limit, Profile, Requirement


@dataclass(frozen=True, slots=True)
class LimitChange:
    """One limit of a control that both profiles contain: `None` on the side that does not have it."""

    control: str
    metric: str
    before: Limit | None
    after: Limit | None

    @property
    def kind(self) -> Literal["added", "removed", "changed"]:
        """In one word."""
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"


@dataclass(frozen=True, slots=True)
class ProfileDifference:
    """How the second profile differs from the first."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    limits: tuple[LimitChange, ...]


def difference(first: Profile, second: Profile) -> ProfileDifference:
    """Compare two profiles; controls keep the order of the profile they come from."""
    before = {requirement.control: requirement for requirement in first.requirements}
    after = {requirement.control: requirement for requirement in second.requirements}
    return ProfileDifference(
        added=tuple(control for control in after if control not in before),
        removed=tuple(control for control in before if control not in after),
        limits=tuple(
            change
            for control, requirement in before.items()
            if control in after
            for change in _changes(control, _by_name(requirement), _by_name(after[control]))
        ),
    )


LimitName = tuple[str, str, str | None]


def _by_name(requirement: Requirement) -> dict[LimitName, Limit]:
    """A metric may be limited on both sides, and differently under different conditions."""
    return {(limit.metric, limit.op, limit.applies_when): limit for limit in requirement.limits}


def _changes(
    control: str, before: Mapping[LimitName, Limit], after: Mapping[LimitName, Limit]
) -> tuple[LimitChange, ...]:
    names = dict.fromkeys([*before, *after])
    return tuple(
        LimitChange(control, name[0], before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    )
