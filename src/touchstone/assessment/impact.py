"""Which controls a change puts in question: computed from what their checks read, never chosen by whoever changed it.

impact_of({"model"}, standard.profile("baseline"), installed_checks())
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from touchstone.checks.declaration import Check
from touchstone.checks.dependence import affected
from touchstone.records import Profile, Requirement


def impact_of(parts: Collection[str], profile: Profile, checks: Mapping[str, Check]) -> tuple[str, ...]:
    """The controls of a profile whose outcome may change with these parts of a system, in the profile's order.

    `parts` are named as in :mod:`touchstone.system.parts`. A control with a check that is not installed depends on
    everything: nobody can tell what that check reads. One that asks for documents depends on the documents.
    """
    touched = affected(parts, checks.values())

    def is_put_in_question(requirement: Requirement) -> bool:
        return any(check in touched or check not in checks for check in requirement.checks) or (
            bool(requirement.evidence) and "documents" in parts
        )

    return tuple(each.control for each in profile.requirements if parts and is_put_in_question(each))
