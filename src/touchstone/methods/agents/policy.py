"""What a policy grants: which roles may call a tool, with which arguments, how often, and on whose approval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from touchstone.methods.agents.patterns import inner

Kind = Literal["string", "integer", "number", "boolean"]
Effect = Literal["reads", "writes", "sends-outside", "moves-money", "runs-code", "controls-device"]
Target = Literal["html", "sql", "shell", "markdown"]
Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Argument:
    """What one argument of a tool may be. A list has `max_items`, and each of its items meets all the rest."""

    type: Kind = "string"
    about: str = ""
    required: bool = True
    enum: tuple[Scalar, ...] = ()
    pattern: str | None = None
    format: Literal["email", "uri", "hostname"] | None = None
    min_length: int = 0
    max_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    max_items: int | None = None
    owner: bool = False
    """Whether it must be the identifier of the user who asks."""
    domains: tuple[str, ...] = ()
    """Hosts that an address may lead to."""
    below: tuple[str, ...] = ()
    """Folders that a path must lie in."""
    text_for: Target | None = None
    """Where the text is put as it is, and so must be harmless when it arrives."""


@dataclass(frozen=True, slots=True)
class ToolRule:
    """One tool, and who may do what with it."""

    name: str
    effect: Effect
    roles: tuple[str, ...]
    about: str = ""
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    approval: str | None = None
    """The role that has to approve each call; `None`: nobody has to."""
    calls: int | None = None
    """Most calls in one conversation."""
    total: tuple[str, float] | None = None
    """An argument, and the most that it may sum up to in one conversation."""


@dataclass(frozen=True, slots=True)
class Principal:
    """On whose behalf a call is made."""

    user: str
    role: str


NOBODY = Principal("", "")
"""Whoever shows no credentials."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool is to be used."""

    tool: str
    arguments: Mapping[str, Any]


Policy = Mapping[str, ToolRule]
"""The rules by the name of their tool."""


def schema(rule: ToolRule) -> dict[str, Any]:
    """The JSON Schema of a tool's arguments, as models and gateways are told of it."""
    return {
        "type": "object",
        "properties": {name: _property(argument) for name, argument in rule.arguments.items()},
        "required": [name for name, argument in rule.arguments.items() if argument.required],
        "additionalProperties": False,
    }


def _property(argument: Argument) -> dict[str, Any]:
    said: dict[str, Any] = {
        "type": argument.type,
        "format": argument.format,
        "enum": list(argument.enum) or None,
        "pattern": None if argument.pattern is None else f"^{inner(argument.pattern)}$",
        "minLength": argument.min_length or None,
        "maxLength": argument.max_length,
        "minimum": argument.minimum,
        "maximum": argument.maximum,
    }
    item = {name: value for name, value in said.items() if value is not None}
    if argument.max_items is not None:
        item = {"type": "array", "items": item, "maxItems": argument.max_items}
    return {**item, "description": argument.about} if argument.about else item
