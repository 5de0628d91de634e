"""Policies drawn by lot: tools with every kind of rule, for tests and benchmarks."""

from __future__ import annotations

from typing import Any

from touchstone.methods.agents.examples import Draw
from touchstone.methods.agents.policy import Argument, Policy, Principal, ToolRule

ROLES = ("guest", "customer", "clerk", "manager", "auditor")
EFFECTS = ("reads", "writes", "sends-outside", "moves-money", "runs-code", "controls-device")


def made_policy(draw: Draw) -> tuple[Policy, list[Principal]]:
    """Two to seven tools for two to four roles, and a user in each role and in those that approve."""
    roles = [ROLES[int(place)] for place in draw.generator.permutation(len(ROLES))[: draw.whole(2, 4)]]
    rules = [_rule(f"{draw.mark()}_{place}", roles, draw) for place in range(draw.whole(2, 7))]
    everyone = sorted({*roles, *(rule.approval for rule in rules if rule.approval is not None)})
    users = [Principal(f"C-{1000 + place}", role) for place, role in enumerate(everyone)]
    return {rule.name: rule for rule in rules}, users


def _rule(name: str, roles: list[str], draw: Draw) -> ToolRule:
    granted = [role for role in roles if draw.whole(0, 1)] or [roles[0]]
    arguments = {f"{draw.mark()[:4]}{place}": _argument(draw) for place in range(draw.whole(0, 5))}
    numbers = [key for key, each in arguments.items() if each.type in {"integer", "number"} and each.max_items is None]
    total: tuple[str, float] | None = None
    if numbers and draw.whole(0, 1):
        total = (numbers[0], float(draw.whole(200, 600)))
    return ToolRule(
        name,
        draw.one(EFFECTS),
        tuple(granted),
        "does something",
        arguments,
        approval=draw.one([*ROLES, "approver"]) if draw.whole(0, 2) == 0 else None,
        calls=draw.whole(1, 4) if draw.whole(0, 2) == 0 else None,
        total=total,
    )


def _argument(draw: Draw) -> Argument:
    forms: list[dict[str, Any]] = [
        {"pattern": draw.one(["C-[0-9]{4}", "[A-Z]{2,4}-\\d+", "^v[0-9]\\.[0-9]{1,2}$", "[a-f]*x?"])},
        {"enum": ("small", "large", "Other")},
        {"type": "integer", "enum": (1, 5, 9)},
        {"type": "integer", "minimum": 1.0, "maximum": float(draw.whole(5, 200))},
        {"type": "number", "minimum": 0.5, "maximum": float(draw.whole(5, 200))},
        {"type": "boolean"},
        {"min_length": draw.whole(0, 9), "max_length": draw.whole(20, 200)},
        {"pattern": "C-[0-9]{4}", "owner": True},
        {"format": "email", "domains": ("example.org", "mail.example.net")},
        {"format": "uri", "domains": ("example.org",)},
        {"format": "hostname", "domains": ("api.example.org",)},
        {"below": ("/srv/reports", "/srv/shared/letters"), "max_length": 400},
        {"text_for": draw.one(["html", "sql", "shell", "markdown"]), "max_length": 300},
    ]
    chosen = draw.one(forms)
    items = draw.whole(1, 4) if draw.whole(0, 4) == 0 and not chosen.get("owner") else None
    return Argument(**chosen, required=bool(draw.whole(0, 3)), max_items=items)
