"""Documents of the Open Inference Protocol v2, read strictly: what is not exactly a legal question is refused.

Source: https://github.com/kserve/open-inference-protocol, "HTTP/REST", version 2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchstone.service.served import NoQuestion, strict_document

INPUT, OUTPUT, DATATYPE = "input", "output", "FP32"
TEXT_DATATYPE = "BYTES"
Model = Callable[[NDArray[Any]], NDArray[Any]]
"""Scores `(n, classes)` of samples."""
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True)
class Interface:
    """What the model takes: the shape of one sample, or `None` for texts, and how many samples at a time."""

    name: str
    shape: tuple[int, ...] | None
    most_samples: int

    def metadata(self, classes: int) -> dict[str, Any]:
        """What the service says about its model."""
        shape, datatype = ([-1], TEXT_DATATYPE) if self.shape is None else ([-1, *self.shape], DATATYPE)
        return {
            "name": self.name,
            "inputs": [{"name": INPUT, "datatype": datatype, "shape": shape}],
            "outputs": [{"name": OUTPUT, "datatype": "FP64", "shape": [-1, classes]}],
        }

    def samples(self, body: bytes) -> NDArray[Any]:
        """The samples a body asks about. Raises `NoQuestion`."""
        tensor = _only_input(strict_document(body))
        shape, data = tensor.get("shape"), tensor.get("data")
        datatype = TEXT_DATATYPE if self.shape is None else DATATYPE
        if tensor.get("name") != INPUT or tensor.get("datatype") != datatype:
            raise NoQuestion(f"the input is called {INPUT} and is of type {datatype}")
        if not isinstance(shape, list) or not shape or not all(type(side) is int for side in shape):
            raise NoQuestion("shape is a list of whole numbers")
        if tuple(shape[1:]) != (self.shape or ()) or not 1 <= shape[0] <= self.most_samples:
            raise NoQuestion(
                f"one sample has the shape {list(self.shape or ())}, at most {self.most_samples} at a time"
            )
        if not isinstance(data, list) or len(data) != math.prod(shape):
            raise NoQuestion("data is a flat list of as many values as shape says")
        return _texts(data) if self.shape is None else _numbers(data).reshape(shape)

    def answer(self, scores: NDArray[Any]) -> dict[str, Any]:
        """The document that answers."""
        output = {"name": OUTPUT, "datatype": "FP64", "shape": list(scores.shape), "data": scores.ravel().tolist()}
        return {"model_name": self.name, "outputs": [output]}


@dataclass(frozen=True, slots=True)
class Inference:
    """A model behind its interface. It is asked one question at a time."""

    interface: Interface
    classes: int
    model: Model
    _asking: Lock = field(default_factory=Lock, compare=False, repr=False)

    @property
    def described_at(self) -> str:
        """Path of the metadata."""
        return f"/v2/models/{self.interface.name}"

    @property
    def asked_at(self) -> str:
        """Path of the questions."""
        return f"{self.described_at}/infer"

    def description(self) -> dict[str, Any]:
        """The metadata."""
        return self.interface.metadata(self.classes)

    def answer(self, body: bytes) -> dict[str, Any]:
        """One inference. Raises `NoQuestion`."""
        samples = self.interface.samples(body)
        with self._asking:
            scores = np.asarray(self.model(samples))
        return self.interface.answer(scores)


def _only_input(document: dict[str, Any]) -> dict[str, Any]:
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise NoQuestion("inputs is a list of one tensor")
    wanted = document.get("outputs", [{"name": OUTPUT}])
    if not isinstance(wanted, list) or any(not isinstance(one, dict) or one.get("name") != OUTPUT for one in wanted):
        raise NoQuestion(f"the output is called {OUTPUT}")
    if set(document) - {"id", "inputs", "outputs", "parameters"} or inputs[0].get("parameters", {}) != {}:
        raise NoQuestion("there are fields that mean nothing here")
    tensor: dict[str, Any] = inputs[0]
    return tensor


def _numbers(data: list[Any]) -> NDArray[np.float32]:
    if not all(type(value) in (int, float) and abs(value) <= LARGEST for value in data):
        raise NoQuestion("data holds finite numbers of single precision")
    return np.array(data, dtype=np.float32)


def _texts(data: list[Any]) -> NDArray[Any]:
    if not all(isinstance(value, str) for value in data):
        raise NoQuestion("data holds texts")
    texts = np.empty(len(data), dtype=object)
    texts[:] = data
    return texts
