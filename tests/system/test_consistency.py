"""Fields that are each right by themselves but contradict one another."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from touchstone.system.consistency import consistency_problems
from touchstone.system.description import SystemDescription
from touchstone.system.problem import dotted

IMAGES: dict[str, Any] = {
    "schema": "touchstone.system/v1",
    "system": {
        "name": "signs",
        "version": "2",
        "supplier": {"name": "Example"},
        "intended_use": "demonstration",
        "sector": "smart-city",
    },
    "model": {
        "format": "safetensors",
        "access": "artefact",
        "file": "w.safetensors",
        "input": {"kind": "image", "shape": [3, 32, 32], "low": 0, "high": 1},
        "normalisation": {"mean": [0.5, 0.5, 0.5], "scale": [1, 1, 1]},
        "output": {"kind": "logits", "labels": ["stop", "go"]},
        "architecture": [{"kind": "flatten"}, {"kind": "linear", "name": "fc", "inputs": 3072, "outputs": 2}],
    },
    "data": {
        "test": {"path": "test", "format": "image-folder", "origin": "drawn"},
        "train": {"path": "t.npz", "format": "npz", "features": "x", "target": "y", "origin": "drawn"},
    },
}

SERVICE: dict[str, Any] = {
    **{key: IMAGES[key] for key in ("schema", "system")},
    "model": {
        "format": "http",
        "access": "probabilities",
        "endpoint": "https://models.example.org:8443/serving",
        "endpoint_model": "signs",
        "input": {"kind": "timeseries", "shape": [128]},
        "output": {"kind": "probabilities", "labels": ["a", "b"]},
    },
}


def problems_of(base: dict[str, Any], path: str = "", value: object = None) -> list[tuple[str, str]]:
    """What is said when the field at `path` is set to `value` (`None` takes it away)."""
    raw = copy.deepcopy(base)
    if path:
        *parents, last = path.split(".")
        node = raw
        for part in parents:
            node = node.setdefault(part, {})
        if value is None:
            del node[last]
        else:
            node[last] = value
    found = list(consistency_problems(SystemDescription.model_validate(raw)))
    assert all(problem.what.zh != problem.what.en for problem in found)
    return [(dotted(problem.at), problem.what.en) for problem in found]


@pytest.mark.parametrize("base", [IMAGES, SERVICE])
def test_a_consistent_description_has_no_problems(base: dict[str, Any]) -> None:
    assert problems_of(base) == []


@pytest.mark.parametrize(
    ("base", "path", "value", "at", "said"),
    [
        (IMAGES, "model.architecture", None, "model.architecture", "holds weights, not layers"),
        (IMAGES, "model.architecture", [{"kind": "conv2d"}], "model.architecture[0].name", "has weights"),
        (IMAGES, "model.architecture", [{"kind": "maxpool2d"}], "model.architecture[0].kernel", "needs it"),
        (IMAGES, "model.format", "onnx", "model.architecture", "does not belong"),
        (IMAGES, "model.input.shape", [32, 32], "model.input.shape", "has 2 axes"),
        (IMAGES, "model.input.shape", [3, 65536, 65536], "model.input.shape", "elements per sample"),
        (IMAGES, "model.input.high", 0.0, "model.input.low", "not below high"),
        (IMAGES, "model.input.layout", "HWC", "model.normalisation", "3 values for 32 channels"),
        (IMAGES, "model.normalisation", {"mean": [0, 0], "scale": [1]}, "model.normalisation", "2 values of mean"),
        (IMAGES, "model.normalisation", {"mean": [], "scale": []}, "model.normalisation", "0 values of mean"),
        (IMAGES, "model.normalisation", {"mean": [0, 0], "scale": [1, 1]}, "model.normalisation", "for 3 channels"),
        (IMAGES, "data.train.features", None, "data.train.features", "several arrays"),
        (IMAGES, "data.train.path", "test", "data.test.path", "also the training data"),
        (IMAGES, "data.train.predictions", ["y"], "data.train.predictions", "is the true class"),
        (IMAGES, "data.train.sensitive", ["s", "s"], "data.train.sensitive[1]", "listed 2 times"),
        (SERVICE, "data.test", IMAGES["data"]["test"], "data.test.format", "takes timeseries input"),
        (SERVICE, "model.access", "artefact", "model.access", "at most probabilities"),
        (SERVICE, "model.output.kind", "labels", "model.access", "at most labels"),
        (SERVICE, "model.endpoint_model", None, "model.endpoint_model", "is missing"),
        (SERVICE, "model.file", "m.onnx", "model.file", "does not belong"),
        (IMAGES, "model.endpoint_queries", 5, "model.endpoint_queries", "does not belong"),
        (SERVICE, "model.endpoint", "ftp://example.org", "model.endpoint", "not an http or https URL"),
        (SERVICE, "model.endpoint", "file:///etc/passwd", "model.endpoint", "not an http or https URL"),
        (SERVICE, "model.endpoint", "https://", "model.endpoint", "not an http or https URL"),
        (SERVICE, "model.endpoint", "https://[::1", "model.endpoint", "not an http or https URL"),
        (SERVICE, "model.endpoint", "https://x:99999", "model.endpoint", "not an http or https URL"),
        (SERVICE, "model.endpoint", "https://a b", "model.endpoint", "not an http or https URL"),
        (SERVICE, "model.endpoint", "https://me:secret@example.org", "model.endpoint", "user name or password"),
        (SERVICE, "model.endpoint", "https://example.org/?token=1", "model.endpoint", "query or fragment"),
        (SERVICE, "deployment.endpoint", "https://me@example.org", "deployment.endpoint", "user name or password"),
    ],
)
def test_each_contradiction_is_named(base: dict[str, Any], path: str, value: object, at: str, said: str) -> None:
    found = problems_of(base, path, value)
    assert any(where == at and said in what for where, what in found), found


def test_predictions_need_their_columns() -> None:
    raw = copy.deepcopy(SERVICE)
    del raw["model"]["endpoint"], raw["model"]["endpoint_model"]
    raw["model"] |= {"format": "predictions", "access": "predictions"}
    assert ("data.test.predictions", "is missing: a model of format predictions is nothing else") in problems_of(raw)
    raw["data"] = {"test": {"path": "p.csv", "format": "csv", "target": "y", "predictions": ["a", "b"], "origin": "x"}}
    assert problems_of(raw) == []
