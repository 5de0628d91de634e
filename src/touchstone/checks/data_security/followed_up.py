"""What became of requests to delete, once it is known what is still held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from touchstone.system.registers.deletions import Deletion
from touchstone.system.registers.derived_records import DerivedRecord
from touchstone.text import Text

REASONS = {
    "number-twice": Text("a number that stands twice; counted as not deleted", "编号重复，按未删除计"),
    "not-done": Text("requests that were not carried out", "未执行的请求"),
    "impossible-time": Text("carried out before it was asked for; counted as not deleted", "执行早于请求，按未删除计"),
    "still-held": Text("requests whose subject is still held", "请求所涉主体仍有留存"),
}
"""Why a request does not count as carried out, in the order in which it is looked for."""


@dataclass(frozen=True, slots=True)
class FollowedUp:
    """One request, where its subject is still held, and why it does not count as carried out."""

    id: str
    places: tuple[str, ...]
    reason: str | None


def followed_up(
    requests: Sequence[Deletion], held: Mapping[str, set[str]], derived: Sequence[DerivedRecord]
) -> tuple[FollowedUp, ...]:
    """What became of each request: `held` says where identifiers or digests of them stand now."""
    listed: dict[str, list[DerivedRecord]] = {}
    for record in derived:
        listed.setdefault(record.name, []).append(record)
    seen: set[str] = set()
    found = []
    for request in requests:
        places = set(held.get(request.subject or request.subject_digest or "", ()))
        places |= {
            record.store
            for record in listed.get(request.name, ())
            if request.done is not None and record.read >= request.done
        }
        wrong = {
            "number-twice": request.id in seen,
            "not-done": request.done is None,
            "impossible-time": request.done is not None and request.done < request.requested,
            "still-held": bool(places),
        }
        reason = next((reason for reason, holds in wrong.items() if holds), None)
        seen.add(request.id)
        found.append(FollowedUp(request.id, tuple(sorted(places)), reason))
    return tuple(found)
