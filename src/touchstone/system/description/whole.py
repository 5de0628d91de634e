"""The whole `system.yaml`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from touchstone.system.description.data import DataSets
from touchstone.system.description.deployment import Component, Deployment
from touchstone.system.description.identity import Identity
from touchstone.system.description.model import ModelDeclaration
from touchstone.system.description.part import Finite, Identifier, Line, Part, RelativePath, absent
from touchstone.system.description.training import Training

FactValue = bool | str | list[str]


class Document(Part):
    """A document handed in as evidence for a control."""

    path: RelativePath
    controls: list[Identifier] = Field(min_length=1, description="controls it speaks to", examples=[["GA-01"]])
    title: Line


class SystemDescription(Part):
    """The whole `system.yaml`."""

    schema_: Literal["touchstone.system/v1"] = Field(alias="schema")
    system: Identity
    facts: dict[Line, FactValue] = Field(
        default_factory=dict,
        description="facts that decide which controls apply; the vocabulary is `facts` of the catalog",
        examples=[{"data.personal": True}],
    )
    operating_domain: list[Identifier] | None = Field(
        None,
        exclude_if=absent,
        description="conditions the system is made for, out of the profile's; left out, it must bear all of them",
        examples=[["night", "fog", "rain"]],
    )
    operating_dimensions: dict[Line, list[Line] | list[Finite]] | None = Field(
        None,
        exclude_if=absent,
        description="what the operating domain varies in: for a column of the data (attribute, site, input) its values,"
        " or, for an input, the edges of its intervals",
        examples=[{"age_band": ["18-39", "40-64", "65+"], "bmi": [15, 25, 30, 60]}],
    )
    model: ModelDeclaration
    data: DataSets = Field(default_factory=DataSets)
    components: list[Component] = Field(default_factory=list)
    deployment: Deployment = Field(default_factory=Deployment)
    training: Training | None = Field(None, exclude_if=absent, description="how the model was trained")
    registers: dict[Identifier, RelativePath] | None = Field(
        None,
        exclude_if=absent,
        description="records of building and running the system, by kind; JSON Lines or YAML",
        examples=[{"event-log": "operation/events.jsonl"}],
    )
    documents: list[Document] = Field(default_factory=list)
