"""What a model is given: kinds of input, and what an attacker can do to them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from touchstone.system.description.part import Finite, Line, Part, absent


class ColumnConstraint(Part):
    """How far one column of a table can be moved by somebody who wants another answer."""

    kind: Literal["continuous", "integer", "ordinal", "binary"] = Field(description="what values the column takes")
    low: Finite | None = Field(None, description="smallest legal value", examples=[18])
    high: Finite | None = Field(None, description="largest legal value", examples=[120])
    step: Annotated[Finite, Field(gt=0)] | None = Field(
        None, description="the value moves by whole multiples of this", examples=[100]
    )
    may: Literal["rise", "fall"] | None = Field(None, description="the only direction in which it can be moved")
    reach: Annotated[Finite, Field(gt=0)] | None = Field(
        None, description="how far it can be moved, in the column's own unit", examples=[2000]
    )
    cost: Annotated[Finite, Field(ge=0)] = Field(0.0, description="cost of moving it by one unit", examples=[0.01])
    unit: Line | None = Field(None, description="unit of the column", examples=["CNY"])


class OneHotGroup(Part):
    """Columns of which exactly one is 1 and all others are 0: one category."""

    name: Line = Field(description="what the category is", examples=["occupation"])
    columns: list[Line] = Field(min_length=2, description="the group's columns", examples=[["clerk", "manager"]])
    cost: Annotated[Finite, Field(ge=0)] = Field(0.0, description="cost of another category", examples=[5])


class InputConstraints(Part):
    """What an attacker on a table can do. Columns that are named nowhere here cannot be changed."""

    columns: dict[Line, ColumnConstraint] = Field(
        default_factory=dict,
        description="columns that can be changed one by one",
        examples=[{"income": {"kind": "continuous", "low": 0, "cost": 0.01, "unit": "CNY"}}],
    )
    one_hot: list[OneHotGroup] = Field(default_factory=list, description="categories, one column per value")
    rules: list[Line] = Field(
        default_factory=list,
        description="linear inequalities between columns that hold in every row",
        examples=[["debt <= 0.5 * income"]],
    )
    budget: Annotated[Finite, Field(gt=0)] | None = Field(
        None, description="most that all changes of a row may cost together", examples=[20]
    )


class InputSpecification(Part):
    """What one input looks like, before preprocessing."""

    kind: Literal["tabular", "image", "timeseries", "text"]
    columns: list[Line] | None = Field(
        None,
        description="tabular: feature columns, in the order the model takes them",
        examples=[["age", "income"]],
    )
    shape: list[Annotated[int, Field(gt=0, le=65536)]] | None = Field(
        None,
        description="image, timeseries: shape of one sample without the batch axis",
        examples=[[3, 32, 32]],
    )
    layout: Literal["CHW", "HWC"] = Field("CHW", description="image: order of the axes in `shape`")
    low: float | None = Field(
        None, description="smallest legal value of any element; tests stay inside", examples=[0.0]
    )
    high: float | None = Field(None, description="largest legal value of any element", examples=[1.0])
    tensor: Line | None = Field(None, description="name of the input tensor, when the model has several")
    constraints: InputConstraints | None = Field(
        None,
        exclude_if=absent,
        description="tabular: what an attacker can change, by how much and at what cost",
        examples=[{"columns": {"income": {"kind": "continuous", "reach": 2000}}}],
    )


class Normalisation(Part):
    """Preprocessing that the model file does not contain: `(x - mean) / scale`, per channel or column."""

    mean: list[float]
    scale: list[Annotated[float, Field(gt=0)]]
