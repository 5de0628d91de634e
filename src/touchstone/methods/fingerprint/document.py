"""Canaries as a JSON document, and back."""

from __future__ import annotations

import base64
from math import isfinite, prod
from typing import Any, Final

import numpy as np

from touchstone.methods.attacks.threat_model import Classes, Samples
from touchstone.methods.fingerprint.canaries import Canaries

SCHEMA: Final = "touchstone.canaries/v1"


def document_of(canaries: Canaries) -> dict[str, Any]:
    """Inputs as base64 of little-endian float32, answers as class indices."""
    return {
        "schema": SCHEMA,
        "shape": list(canaries.inputs.shape),
        "inputs": base64.b64encode(canaries.inputs.astype("<f4").tobytes()).decode(),
        "labels": canaries.labels.tolist(),
        "patterns": {name: labels.tolist() for name, labels in canaries.patterns.items()},
        "benign_rate": canaries.benign_rate,
    }


def canaries_of(document: Any) -> Canaries:
    """The canaries of a document. Raises `ValueError`, `KeyError` or `TypeError` for one that holds none."""
    shape = tuple(document["shape"])
    if document["schema"] != SCHEMA or not shape or not all(type(size) is int and size > 0 for size in shape):
        raise ValueError("no canaries")
    return Canaries(
        _inputs(document["inputs"], shape),
        _labels(document["labels"], shape[0]),
        {str(name): _labels(labels, shape[0]) for name, labels in document["patterns"].items()},
        _rate(document["benign_rate"]),
    )


def _inputs(written: str, shape: tuple[int, ...]) -> Samples:
    data = base64.b64decode(written, validate=True)
    if len(data) != 4 * prod(shape):
        raise ValueError("inputs of another shape")
    inputs = np.frombuffer(data, dtype="<f4").astype(np.float32).reshape(shape)
    if not np.isfinite(inputs).all():
        raise ValueError("inputs that are no numbers")
    return inputs


def _labels(written: list[int], count: int) -> Classes:
    if len(written) != count or not all(type(label) is int and label >= 0 for label in written):
        raise ValueError("no class indices")
    return np.array(written, dtype=np.int64)


def _rate(written: float) -> float:
    rate = float(written)
    if not isfinite(rate) or not 0 <= rate <= 1:
        raise ValueError("no rate")
    return rate
