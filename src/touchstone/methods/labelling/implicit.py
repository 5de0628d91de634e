"""Labels in metadata: the field `AIGC` of GB 45438-2025, and the ones that are used elsewhere.

The standard (appendix E) has the field hold JSON: `Label` is "1" for content that is generated, "2" for what may be,
"3" for what is suspected to be; producer and number of the content follow, then a reserved text, whoever spread it
with his number, and another reserved text. That the field is called `AIGC` and what it holds, we know from the standard
as quoted and from files of products; the names of the fields around it differ between formats (TC260-PG-20257A for
films, -20258A for pictures, which we know from what others wrote of them).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from touchstone.canonical import parse_json
from touchstone.errors import UserError
from touchstone.methods.labelling.fields import AIGC, LONGEST_VALUE, MANIFEST, Field
from touchstone.methods.labelling.xmp import SOURCE_TYPE

MEMBERS = (
    "Label",
    "ContentProducer",
    "ProduceID",
    "ReservedCode1",
    "ContentPropagator",
    "PropagateID",
    "ReservedCode2",
)
GENERATED = "trainedAlgorithmicMedia"
"""What IPTC calls a medium made by a trained model; a composite with one ends the same way."""

Fault = Literal[
    "none", "unreadable", "contradictory", "label-value", "no-producer", "other-producer", "no-number", "not-generated"
]


@dataclass(frozen=True, slots=True)
class Aigc:
    """A label that says all it has to."""

    label: str
    producer: str
    number: str
    places: tuple[str, ...]
    absent: tuple[str, ...]
    """Members that the standard lists and the label lacks; the reserved and the spreader's are not needed to count."""


def aigc_label(fields: Iterable[Field], producers: Collection[str]) -> Aigc | Fault:
    """The one label that `fields` hold, or what is wrong. `producers` are the names that are known."""
    found = [(field.place, text) for field in fields if (text := _candidate(field)) is not None]
    if not found:
        return "none"
    values = [_members(text) for _, text in found]
    if any(value is None for value in values):
        return "unreadable"
    first = values[0] or {}
    if any(value != first for value in values):
        return "contradictory"
    wrong = _fault(first, producers)
    if wrong is not None:
        return wrong
    absent = tuple(name for name in MEMBERS if name not in first)
    places = tuple(place for place, _ in found)
    return Aigc(first["Label"], first["ContentProducer"], first["ProduceID"], places, absent)


def _fault(members: Mapping[str, str], producers: Collection[str]) -> Fault | None:
    label, producer, number = (members.get(name, "") for name in MEMBERS[:3])
    if label not in ("1", "2", "3"):
        return "label-value"
    if producer not in producers:
        return "other-producer" if producer.strip() else "no-producer"
    return None if number.strip() else "no-number"


def _candidate(field: Field) -> str | None:
    """The text of a label: the value of a field of that name, or an object with that one name in a comment."""
    if field.name == AIGC:
        return field.value
    text = field.value.strip()
    if text.startswith("{") and f'"{AIGC}"' in text[:64]:
        return text
    return text[len(AIGC) :] if text.startswith(AIGC + "{") else None


def _members(text: str) -> dict[str, str] | None:
    """The members of the label as texts, also where it stands in an object of its own; `None` if it is no such JSON."""
    try:
        value = parse_json(text.encode("utf-8", "surrogatepass"), AIGC, largest=LONGEST_VALUE, deepest=8)
    except UserError:
        return None
    if isinstance(value, dict) and set(value) == {AIGC}:
        value = value[AIGC]
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        return None
    return value


def states_generation(fields: Iterable[Field], scheme: Literal["c2pa", "iptc"]) -> Fault | None:
    """`None` where the metadata say that a trained model made the medium, otherwise what is wrong.

    A manifest is looked through for that statement, not verified: whether its signature holds is for tools of C2PA.
    """
    wanted = MANIFEST if scheme == "c2pa" else SOURCE_TYPE
    values = [field.value for field in fields if field.name == wanted]
    if not values:
        return "none"
    if scheme == "c2pa":
        values = [value for value in values if "c2pa" in value]
    generated = any(
        value.rstrip("/").casefold().endswith(GENERATED.casefold())
        if scheme == "iptc"
        else GENERATED.casefold() in value.casefold()
        for value in values
    )
    return None if generated else "not-generated"
