"""The data sets handed in, by role."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from touchstone.system.description.part import Finite, Identifier, Line, Part, RelativePath, absent

Role = Literal["test", "train", "reference", "outside"]
"""What a data set is for."""


class DataSet(Part):
    """One data set and what its columns mean."""

    path: RelativePath
    format: Literal["csv", "parquet", "npz", "image-folder", "jsonl"]
    target: Line | None = Field(
        None, description="column (npz: array) of the true class; labels by name or by index", examples=["diagnosis"]
    )
    identifier: Line | None = Field(
        None, description="column that identifies a row; must be unique", examples=["patient_id"]
    )
    sensitive: list[Line] = Field(
        default_factory=list,
        description="columns of sensitive attributes, e.g. sex, age band",
        examples=[["sex", "age_band"]],
    )
    features: Line | None = Field(
        None, description="npz: array of the inputs; texts (csv, jsonl): column of the text", examples=["x"]
    )
    predictions: list[Line] = Field(
        default_factory=list,
        description="columns of precomputed predictions: one label column, or one column per class",
    )
    site: Line | None = Field(None, description="column of the site or device a row comes from")
    annotations: list[Line] | None = Field(
        None,
        exclude_if=absent,
        min_length=2,
        description="columns of the labels that single people gave, empty where one gave none",
        examples=[["first_reader", "second_reader"]],
    )
    missing: dict[Line, Finite] | None = Field(
        None,
        exclude_if=absent,
        description="input columns that may lack a value, each with the value the deployed system fills in",
        examples=[{"bmi": 27.1}],
    )
    origin: Line = Field(
        description="where the data come from, and under which licence or consent",
        examples=["hospital registry 2019-2024, pseudonymised, ethics approval 2025-17"],
    )
    collected: Line | None = Field(None, description="when they were collected")
    synthetic: bool = Field(False, description="true for generated data; printed everywhere")
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        None, description="digest the supplier recorded for this file at training time"
    )
    personal_information: list[Identifier] | None = Field(
        None,
        exclude_if=absent,
        description="kinds of personal information that it is known and allowed to hold",
        examples=[["name", "phone-cn"]],
    )


class DataSets(Part):
    """The data handed in, by role."""

    test: DataSet | None = Field(None, description="held-out data the model has not seen")
    train: DataSet | None = Field(None, description="data the model was trained on")
    reference: DataSet | None = Field(None, description="clean data from the operating domain")
    outside: DataSet | None = Field(
        None,
        exclude_if=absent,
        description="inputs from outside the operating domain, of which the system should not be sure",
    )

    def declared(self) -> dict[Role, DataSet]:
        """The data sets that were handed in, by their role."""
        sets: dict[Role, DataSet | None] = {
            "test": self.test,
            "train": self.train,
            "reference": self.reference,
            "outside": self.outside,
        }
        return {role: data_set for role, data_set in sets.items() if data_set is not None}
