"""What all entries of registers share: closed, frozen, every field told in both languages, times with a zone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import MAXYEAR, MINYEAR, date, datetime
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from touchstone.system.description import Part
from touchstone.text import Text

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class EntryPart(Part):
    """A part of an entry: as closed and strict as the entry itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Entry(EntryPart):
    """One entry of a register. A subclass says which register it belongs to, and what that register is."""

    register: ClassVar[str]
    """Name of the register under `registers:` in `system.yaml`."""
    about: ClassVar[Text]
    """What the register records."""
    single: ClassVar[bool] = False
    """Whether the file is one mapping rather than a list of entries."""

    def shows(self) -> Iterable[str]:
        """Names of facts about the system that are true if this entry is."""
        return ()


def told(en: str, zh: str, default: Any = ..., **constraints: Any) -> Any:
    """A field of an entry, with what it is for in both languages. Without `default` it must be given."""
    return Field(default, description=en, json_schema_extra={"x-description-zh": zh}, **constraints)


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None or not MINYEAR < moment.year < MAXYEAR:
        raise PydanticCustomError("moment", "a date and time with its zone")
    return moment


def _day(value: object) -> date:
    if type(value) is date:
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) and _DAY.fullmatch(value) else "")
    except ValueError:
        raise PydanticCustomError("day", "a date") from None


Moment = Annotated[datetime, BeforeValidator(_moment)]
"""A point in time, ISO 8601 with its zone: two clocks without zones cannot be compared. Any zone has a day for it."""
Day = Annotated[date, BeforeValidator(_day)]
"""A day, ISO 8601."""
Duration = Annotated[float, Field(ge=0.001, le=1e9, allow_inf_nan=False)]
"""A declared length of time, in the unit that its field states. What is shorter or longer declares nothing."""
Fingerprint = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]
"""SHA-256 of some bytes, as everywhere in the evidence."""
