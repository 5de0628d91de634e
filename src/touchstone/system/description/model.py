"""The model: how it is handed in, what it answers, and in which forms it goes into service."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from touchstone.records import Access
from touchstone.system.description.inputs import InputSpecification, Normalisation
from touchstone.system.description.part import Finite, Identifier, Line, Part, RelativePath, absent


class OutputSpecification(Part):
    """What the model answers."""

    kind: Literal["probabilities", "logits", "labels", "text"] = Field(description="meaning of the model's output")
    labels: list[Line] = Field(
        default_factory=list,
        description="class names, in the order of the output; none where the model writes texts",
        examples=[["healthy", "ill"]],
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
        exclude_if=absent,
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


class Generation(Part):
    """How a system that writes texts is asked, at a service that speaks the chat interface of OpenAI."""

    instructions: RelativePath | None = Field(
        None,
        description="text that goes ahead of every conversation; left out, the service brings its own",
        examples=["instructions.txt"],
    )
    languages: list[Literal["en", "zh"]] = Field(
        default=["en", "zh"], min_length=1, description="languages it is made for", examples=[["en", "zh"]]
    )
    calls_tools: bool = Field(
        False, description="whether it takes descriptions of tools, and answers with calls of them"
    )
    unguarded_model: Identifier | None = Field(
        None, description="name at the endpoint of the same model without its guards, so that their cost is seen"
    )
    answer_tokens: Annotated[int, Field(ge=16, le=100_000)] = Field(
        512, description="longest answer that is asked for, in tokens"
    )


class ModelDeclaration(Part):
    """The model under test: its files, or the service that answers for it."""

    format: Literal["onnx", "safetensors", "torch-export", "skops", "http", "predictions"] = Field(
        description="how the model is handed in; pickles are scanned but never opened"
    )
    task: Literal["classification", "regression", "generation"] = "classification"
    access: Access = Field(description="what the tester may see; checks that need more are reported as not tested")
    file: RelativePath | None = Field(None, description="the model file itself", examples=["model.onnx"])
    more_files: list[RelativePath] = Field(
        default_factory=list,
        description="further files that belong to the model: preprocessing, external weights",
    )
    signature: RelativePath | None = Field(
        None,
        exclude_if=absent,
        description="the supplier's signature over the model's files, in the format of OpenSSF Model Signing",
        examples=["model.sig"],
    )
    signer: RelativePath | None = Field(
        None,
        exclude_if=absent,
        description="public key (PEM) of whoever signed",
        examples=["supplier.pem.pub"],
    )
    provenance: RelativePath | None = Field(
        None,
        exclude_if=absent,
        description="how the model's files were built: SLSA provenance, an in-toto statement in a DSSE envelope",
        examples=["model.intoto.jsonl"],
    )
    endpoint: Line | None = Field(
        None,
        description="http: base URL of a service: Open Inference Protocol v2, or, for texts, chat as OpenAI has it",
    )
    endpoint_model: Identifier | None = Field(None, description="http: name of the model at the endpoint")
    endpoint_queries: Annotated[int, Field(gt=0)] | None = Field(
        None,
        exclude_if=absent,
        description="http: most samples that may be sent to the service each time the model is opened",
        examples=[100_000],
    )
    input: InputSpecification
    normalisation: Normalisation | None = None
    output: OutputSpecification
    generation: Generation | None = Field(
        None,
        exclude_if=absent,
        description="generation: how the system is asked",
        examples=[{"instructions": "instructions.txt"}],
    )
    architecture: list[Layer] | None = Field(None, description="safetensors: the layers in order")
    smoothing: Smoothing | None = Field(
        None,
        exclude_if=absent,
        description="answers are the majority of the model's answers under noise",
        examples=[{"sigma": 0.25, "samples": 64}],
    )
    derived: Derivation | None = Field(
        None, exclude_if=absent, description="how this model was made of that of another system"
    )
    deployed: list[DeployedForm] | None = Field(
        None,
        exclude_if=absent,
        description="forms of the same model that go into service instead of the one above",
        examples=[[{"name": "edge-int8", "format": "onnx", "file": "model-int8.onnx"}]],
    )
    references: RelativePath | None = Field(
        None,
        exclude_if=absent,
        description="folder of honest reference models, as `touchstone references train` writes it",
        examples=["references"],
    )
    claims: dict[Identifier, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict,
        description="performance the applicant claims; the laboratory confirms or refutes it",
        examples=[{"accuracy": 0.97}],
    )
