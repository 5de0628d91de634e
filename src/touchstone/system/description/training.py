"""How the model was trained: claims of privacy, planted canaries, parties that took part."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from touchstone.system.description.part import Finite, Line, Part, RelativePath, absent


class DifferentialPrivacy(Part):
    """A claim that training was differentially private, and the parameters that it rests on."""

    claimed_epsilon: Annotated[Finite, Field(gt=0)] = Field(description="the epsilon that is claimed", examples=[8.0])
    delta: Annotated[Finite, Field(gt=0, lt=1)] = Field(description="the delta it is claimed for", examples=[1e-5])
    noise_multiplier: Annotated[Finite, Field(gt=0)] = Field(
        description="standard deviation of the noise on each sum of gradients, in clipping norms", examples=[1.3]
    )
    clipping_norm: Annotated[Finite, Field(gt=0)] = Field(
        description="norm to which the gradient of each record is clipped", examples=[1.0]
    )
    sampling_rate: Annotated[Finite, Field(gt=0, le=1)] = Field(
        description="chance with which a record takes part in a step, or batch size divided by records",
        examples=[0.01],
    )
    steps: Annotated[int, Field(gt=0, le=100_000_000)] = Field(description="optimiser steps", examples=[10_000])
    records: Annotated[int, Field(gt=0)] = Field(description="records that were trained on", examples=[60_000])
    sampling: Literal["poisson", "shuffled", "weighted"] = Field(
        description="how batches are drawn: each record by its own coin, in shuffled passes, or by weight"
    )
    canary_scores: RelativePath | None = Field(
        None, description="CSV of an audit with canaries: columns `included` (0 or 1) and `score`"
    )


class CanaryLedger(Part):
    """Rows that were drawn to be planted in the training data: some were trained on, the others left out."""

    path: RelativePath
    format: Literal["csv", "parquet", "npz", "jsonl"]
    target: Line = Field(description="column (npz: array) of the planted label", examples=["diagnosis"])
    included: Line = Field("included", description="column of 1 (trained on) and 0 (left out)")
    features: Line | None = Field(
        None, description="npz: array of the inputs; texts (csv, jsonl): column of the text", examples=["x"]
    )


class Collaboration(Part):
    """How parties that keep their data to themselves trained the model together."""

    parties: Annotated[int, Field(ge=2, le=10_000_000)] = Field(description="parties that hold data", examples=[10])
    rounds: Annotated[int, Field(ge=1, le=10_000_000)] = Field(description="rounds of training", examples=[40])
    rule: Literal["mean", "median", "trimmed-mean", "geometric-median"] = Field(
        description="how updates are made one, coordinate by coordinate but for the geometric median"
    )
    trimmed: Annotated[Finite, Field(ge=0, lt=0.5)] = Field(
        0.2, description="trimmed-mean: share of the values that is left out at either end"
    )
    server_sees: Literal["updates", "sums", "result"] = Field(
        description="every update; sums of updates alone, under secure aggregation; or what the rule makes of them"
    )
    groups: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        1, description="sums: groups that a round is divided into, each summed by itself before the rule is applied"
    )
    local_steps: Annotated[int, Field(ge=1, le=100_000)] = Field(
        description="steps of gradient descent that a party makes for one update", examples=[5]
    )
    batch_size: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        description="rows of a party's data in one such step", examples=[32]
    )
    learning_rate: Annotated[Finite, Field(gt=0)] = Field(description="length of such a step", examples=[0.1])
    clipping_norm: Annotated[Finite, Field(gt=0)] | None = Field(
        None, description="norm to which each party clips its update", examples=[1.0]
    )
    clipping_enforced: bool = Field(
        False, description="whether an update longer than that cannot count, whoever sent it"
    )
    noise_multiplier: Annotated[Finite, Field(ge=0)] = Field(
        0.0,
        description="standard deviation of the noise that each party adds to its update, in clipping norms",
        examples=[0.5],
    )


class Training(Part):
    """How the model was trained."""

    differential_privacy: DifferentialPrivacy | None = Field(
        None, description="the claim of differential privacy, where there is one"
    )
    canaries: CanaryLedger | None = Field(
        None, exclude_if=absent, description="canaries that the supplier planted in the training data"
    )
    collaboration: Collaboration | None = Field(
        None, exclude_if=absent, description="how parties trained it together, each on data of its own"
    )
