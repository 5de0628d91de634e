"""Texts over the Open Inference Protocol: the same server in the test as for numbers, asked with BYTES."""

import json
from typing import Any

import numpy as np
import pytest

from tests.system.models.test_http import QUICK, Service, declaration, said, service
from touchstone.errors import ArtifactError
from touchstone.system.models.http import answers_remembered, open_service

__all__ = ["service"]  # the fixture

TEXTS = np.array(["fine", "服务太差", "bad 'day'", "fine"], dtype=object)


def metadata(shape: list[int], datatype: str = "BYTES") -> dict[str, Any]:
    return {"name": "m", "inputs": [{"name": "text", "datatype": datatype, "shape": shape}], "outputs": []}


def keyword(question: dict[str, Any]) -> Any:
    """Class 1 for whatever complains."""
    [given] = question["inputs"]
    assert given["datatype"] == "BYTES"
    assert np.prod(given["shape"]) == len(given["data"])
    bad = [[0.1, 0.9] if "bad" in text or "差" in text else [0.9, 0.1] for text in given["data"]]
    flat = [value for row in bad for value in row]
    return said({"outputs": [{"name": "y", "shape": [len(bad), 2], "datatype": "FP32", "data": flat}]})


def model(running: Service) -> Any:
    changes = {"columns": None, "kind": "text", "labels": ["no", "yes"], "tensors": {}}
    return open_service(declaration(running.url, **changes), QUICK)


@pytest.mark.parametrize("described", [metadata([-1]), metadata([-1, 1]), metadata([3]), None])
def test_texts_are_sent_as_bytes(service: Service, described: Any) -> None:
    service.metadata, service.infer = described, keyword
    assert model(service).labels(TEXTS).tolist() == [0, 1, 1, 0]
    sent = json.loads(service.asked[-1][1])["inputs"][0]
    rows = 1 if described is None else 3 if described["inputs"][0]["shape"] == [3] else 4
    assert sent["shape"] == ([rows, 1] if described == metadata([-1, 1]) else [rows])


def test_known_texts_are_not_sent_again(service: Service) -> None:
    service.metadata, service.infer = metadata([-1]), keyword
    opened = model(service)
    with answers_remembered(opened):
        first = opened.labels(TEXTS)
        asked = len(service.asked)
        assert opened.labels(TEXTS).tolist() == first.tolist()
        assert len(service.asked) == asked


@pytest.mark.parametrize(
    ("described", "wrong"),
    [(metadata([-1], "FP32"), "texts are sent as BYTES"), (metadata([-1, 5]), "takes inputs of shape")],
)
def test_a_service_of_numbers_is_refused(service: Service, described: Any, wrong: str) -> None:
    service.metadata = described
    with pytest.raises(ArtifactError) as error:
        model(service)
    assert wrong in error.value.what.en
