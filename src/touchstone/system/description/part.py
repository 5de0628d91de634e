"""What all parts of the description are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

RelativePath = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Jurisdiction = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
Finite = Annotated[float, Field(allow_inf_nan=False)]


def absent(value: object) -> bool:
    """For fields that came after the first edition: left out while unset, so that older systems keep their digest."""
    return value is None


class Part(BaseModel):
    """Base of all parts of the description: closed to unknown fields, frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")
