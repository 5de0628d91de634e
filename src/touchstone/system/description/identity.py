"""What the system is, and who is responsible for it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from touchstone.system.description.part import Jurisdiction, Line, Part


class Supplier(Part):
    """Who is responsible for the system."""

    name: Line = Field(description="legal name", examples=["Example Health Ltd."])
    country: Jurisdiction | None = Field(None, description="ISO 3166-1 code of the seat", examples=["CN"])
    contact: Line | None = Field(None, description="address for questions about this description")


class Identity(Part):
    """What the system is."""

    name: Line = Field(description="name of the system", examples=["progression-risk"])
    version: Line = Field(description="version under test", examples=["1.4.0"])
    supplier: Supplier
    intended_use: Line = Field(
        description="what it is for, for whom, under which conditions",
        examples=["Ranks adult patients by risk of progression for a nurse's call list; a physician decides."],
    )
    sector: Literal["healthcare", "smart-city", "manufacturing", "other"] = Field(description="picks the profile")
    synthetic: bool = Field(
        False, description="true when model or data are made up for demonstration; printed everywhere"
    )
