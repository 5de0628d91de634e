"""The schema of `system.yaml`: what the applicant declares about one AI system.

The models below are the published JSON Schema; every field says what it is for. Facts that decide which
controls apply are three-valued: a fact that is left out is *unknown*, never false.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from touchstone.records import Access

RelativePath = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Jurisdiction = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]

Role = Literal["test", "train", "reference", "outside"]
"""What a data set is for."""

Finite = Annotated[float, Field(allow_inf_nan=False)]

FactValue = bool | str | list[str]


def _absent(value: object) -> bool:
    """For fields that came after the first edition: left out while unset, so that older systems keep their digest."""
    return value is None


class Part(BaseModel):
    """Base of all parts of the description: closed to unknown fields, frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
        exclude_if=_absent,
        description="tabular: what an attacker can change, by how much and at what cost",
        examples=[{"columns": {"income": {"kind": "continuous", "reach": 2000}}}],
    )


class Normalisation(Part):
    """Preprocessing that the model file does not contain: `(x - mean) / scale`, per channel or column."""

    mean: list[float]
    scale: list[Annotated[float, Field(gt=0)]]


class OutputSpecification(Part):
    """What the model answers."""

    kind: Literal["probabilities", "logits", "labels"] = Field(description="meaning of the model's output")
    labels: list[Line] = Field(
        min_length=2, description="class names, in the order of the output", examples=[["healthy", "ill"]]
    )
    positive: Line | None = Field(
        None, description="the class that matters, for sensitivity and group gaps", examples=["ill"]
    )
    tensor: Line | None = Field(None, description="name of the output tensor, when the model has several")


class Layer(Part):
    """One layer of a declared sequential architecture (used with safetensors)."""

    kind: Literal["linear", "conv2d", "batchnorm2d", "relu", "maxpool2d", "avgpool2d", "globalavgpool", "flatten"]
    name: Identifier | None = Field(None, description="prefix of its tensors in the weights file")
    inputs: int | None = Field(None, gt=0, description="input features or channels")
    outputs: int | None = Field(None, gt=0, description="output features or channels")
    kernel: int | None = Field(None, gt=0)
    stride: int = Field(1, gt=0)
    padding: int = Field(0, ge=0)


class Smoothing(Part):
    """Randomised smoothing: what is in service is not the model, but the majority of its answers under noise."""

    sigma: Annotated[Finite, Field(gt=0)] = Field(
        description="standard deviation of the noise, in the units of the inputs", examples=[0.25]
    )
    samples: Annotated[int, Field(ge=1, le=100_000)] = Field(
        description="noisy copies of each input that are asked", examples=[64]
    )
    seed: Annotated[int, Field(ge=0, lt=2**53)] = Field(
        0, description="the noise of an input follows from this number and the input itself"
    )


class Derivation(Part):
    """How this model was made of another one."""

    system: Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")] = Field(
        description="digest of the system it was made of"
    )
    recipe: Identifier = Field(description="what was done to it", examples=["adversarial-training"])
    seed: Annotated[int, Field(ge=0, lt=2**53)] = Field(description="seed of everything drawn by lot")
    parameters: dict[Identifier, Line] = Field(
        default_factory=dict, description="settings of the recipe", examples=[{"epochs": "10"}]
    )


class DeployedForm(Part):
    """The same model as it runs somewhere: converted, quantised, compiled, on another runtime or device."""

    name: Identifier = Field(description="what the form is called in the report", examples=["edge-int8"])
    format: Literal["onnx", "safetensors", "torch-export", "skops", "http"] = Field(
        description="how the form is handed in"
    )
    runtime: Literal["onnxruntime", "openvino"] | None = Field(
        None,
        exclude_if=_absent,
        description="onnx: the runtime that the form runs on; left out, ONNX Runtime",
        examples=["openvino"],
    )
    file: RelativePath | None = Field(None, description="its model file", examples=["model-int8.onnx"])
    more_files: list[RelativePath] = Field(default_factory=list, description="further files that belong to it")
    endpoint: Line | None = Field(None, description="http: base URL of the service that runs it")
    endpoint_model: Identifier | None = Field(None, description="http: name of the model at the endpoint")
    input_tensor: Line | None = Field(None, description="name of its input tensor, when it has several")
    output: Literal["probabilities", "logits", "labels"] | None = Field(
        None, description="meaning of its output; left out, that of the evaluated form"
    )
    output_tensor: Line | None = Field(None, description="name of its output tensor, when it has several")
    architecture: list[Layer] | None = Field(None, description="safetensors: the layers in order")


class ModelDeclaration(Part):
    """The model under test: its files, or the service that answers for it."""

    format: Literal["onnx", "safetensors", "torch-export", "skops", "http", "predictions"] = Field(
        description="how the model is handed in; pickles are scanned but never opened"
    )
    task: Literal["classification", "regression"] = "classification"
    access: Access = Field(description="what the tester may see; checks that need more are reported as not tested")
    file: RelativePath | None = Field(None, description="the model file itself", examples=["model.onnx"])
    more_files: list[RelativePath] = Field(
        default_factory=list,
        description="further files that belong to the model: preprocessing, external weights",
    )
    signature: RelativePath | None = Field(
        None,
        exclude_if=_absent,
        description="the supplier's signature over the model's files, in the format of OpenSSF Model Signing",
        examples=["model.sig"],
    )
    signer: RelativePath | None = Field(
        None,
        exclude_if=_absent,
        description="public key (PEM) of whoever signed",
        examples=["supplier.pem.pub"],
    )
    provenance: RelativePath | None = Field(
        None,
        exclude_if=_absent,
        description="how the model's files were built: SLSA provenance, an in-toto statement in a DSSE envelope",
        examples=["model.intoto.jsonl"],
    )
    endpoint: Line | None = Field(None, description="http: base URL of an Open Inference Protocol v2 service")
    endpoint_model: Identifier | None = Field(None, description="http: name of the model at the endpoint")
    endpoint_queries: Annotated[int, Field(gt=0)] | None = Field(
        None,
        exclude_if=_absent,
        description="http: most samples that may be sent to the service each time the model is opened",
        examples=[100_000],
    )
    input: InputSpecification
    normalisation: Normalisation | None = None
    output: OutputSpecification
    architecture: list[Layer] | None = Field(None, description="safetensors: the layers in order")
    smoothing: Smoothing | None = Field(
        None,
        exclude_if=_absent,
        description="answers are the majority of the model's answers under noise",
        examples=[{"sigma": 0.25, "samples": 64}],
    )
    derived: Derivation | None = Field(
        None, exclude_if=_absent, description="how this model was made of that of another system"
    )
    deployed: list[DeployedForm] | None = Field(
        None,
        exclude_if=_absent,
        description="forms of the same model that go into service instead of the one above",
        examples=[[{"name": "edge-int8", "format": "onnx", "file": "model-int8.onnx"}]],
    )
    references: RelativePath | None = Field(
        None,
        exclude_if=_absent,
        description="folder of honest reference models, as `touchstone references train` writes it",
        examples=["references"],
    )
    claims: dict[Identifier, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict,
        description="performance the applicant claims; the laboratory confirms or refutes it",
        examples=[{"accuracy": 0.97}],
    )


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
        exclude_if=_absent,
        min_length=2,
        description="columns of the labels that single people gave, empty where one gave none",
        examples=[["first_reader", "second_reader"]],
    )
    missing: dict[Line, Finite] | None = Field(
        None,
        exclude_if=_absent,
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
        exclude_if=_absent,
        description="kinds of personal information that it is known and allowed to hold",
        examples=[["name", "phone-cn"]],
    )


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
        None, exclude_if=_absent, description="canaries that the supplier planted in the training data"
    )
    collaboration: Collaboration | None = Field(
        None, exclude_if=_absent, description="how parties trained it together, each on data of its own"
    )


class DataSets(Part):
    """The data handed in, by role."""

    test: DataSet | None = Field(None, description="held-out data the model has not seen")
    train: DataSet | None = Field(None, description="data the model was trained on")
    reference: DataSet | None = Field(None, description="clean data from the operating domain")
    outside: DataSet | None = Field(
        None,
        exclude_if=_absent,
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


class Component(Part):
    """Something the system depends on."""

    name: Line
    kind: Literal["model", "dataset", "framework", "library", "driver", "chip", "service", "device"]
    version: Line | None = None
    supplier: Line | None = None
    origin: Jurisdiction | None = Field(None, description="jurisdiction that controls the supplier")
    licence: Line | None = Field(None, description="SPDX expression", examples=["Apache-2.0"])
    package: Annotated[str, StringConstraints(pattern=r"^pkg:[a-z.+-]+/[^\s]{1,1000}$")] | None = Field(
        None,
        exclude_if=_absent,
        description="package URL, so that advisories about it are found",
        examples=["pkg:pypi/onnxruntime@1.20.1"],
    )
    substitutes: list[Line] = Field(default_factory=list, description="components that were tested in its place")


class EdgeDevice(Part):
    """A device outside the data centre that runs the model or feeds it."""

    name: Line
    kind: Line
    count: int = Field(1, gt=0)
    identity: Literal["none", "mutual-tls", "signed-readings", "attested"] = "none"


class EndpointTests(Part):
    """Consent to hostile requests and load against the service at `model.endpoint`. Without it none is ever sent."""

    consent: Line = Field(
        description="who permits it, for which instance and time",
        examples=["Example Health Ltd., IT operations: staging instance, 20 to 30 November 2026"],
    )
    interfaces: list[Literal["open-inference-v2", "openai-chat", "openai-embeddings"]] = Field(
        default=["open-inference-v2"], min_length=1, description="what the service speaks at this address"
    )
    tenant_rate: Annotated[Finite, Field(gt=0, le=1000)] = Field(
        20.0, description="requests per second that the service grants one ordinary client"
    )
    requests: Annotated[int, Field(gt=0, le=1_000_000)] = Field(20_000, description="most requests, all together")
    seconds: Annotated[int, Field(gt=0, le=86_400)] = Field(600, description="longest time the tests may take")
    recovery_seconds: Annotated[Finite, Field(gt=0)] | None = Field(
        None, description="time after overload within which the service claims to answer again"
    )


class Deployment(Part):
    """Where and how the system runs."""

    endpoint: Line | None = None
    endpoint_tests: EndpointTests | None = Field(
        None,
        exclude_if=_absent,
        description="consent to hostile requests and load against the service under test, and their bounds",
        examples=[{"consent": "Example Health Ltd., staging instance, November 2026"}],
    )
    jurisdictions: list[Jurisdiction] = Field(default_factory=list, examples=[["CN"]])
    edge_devices: list[EdgeDevice] = Field(default_factory=list)


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
        exclude_if=_absent,
        description="conditions the system is made for, out of the profile's; left out, it must bear all of them",
        examples=[["night", "fog", "rain"]],
    )
    operating_dimensions: dict[Line, list[Line] | list[Finite]] | None = Field(
        None,
        exclude_if=_absent,
        description="what the operating domain varies in: for a column of the data (attribute, site, input) its values,"
        " or, for an input, the edges of its intervals",
        examples=[{"age_band": ["18-39", "40-64", "65+"], "bmi": [15, 25, 30, 60]}],
    )
    model: ModelDeclaration
    data: DataSets = Field(default_factory=DataSets)
    components: list[Component] = Field(default_factory=list)
    deployment: Deployment = Field(default_factory=Deployment)
    training: Training | None = Field(None, exclude_if=_absent, description="how the model was trained")
    registers: dict[Identifier, RelativePath] | None = Field(
        None,
        exclude_if=_absent,
        description="records of building and running the system, by kind; JSON Lines or YAML",
        examples=[{"event-log": "operation/events.jsonl"}],
    )
    documents: list[Document] = Field(default_factory=list)
