"""Scans from which documents are drawn in tests."""

from __future__ import annotations

from tests.scan.made import digest, file
from touchstone.scan.findings import Fact, FactName, FileResult, Reference, TensorEntry


def says(path: str, *facts: tuple[FactName, str]) -> tuple[Fact, ...]:
    """Facts of one file."""
    return tuple(Fact(path, name, value) for name, value in facts)


def tensor(path: str, name: str) -> TensorEntry:
    """A tensor of a file."""
    return TensorEntry(path, name, "F32", (2, 2), 16)


def hub_folder() -> tuple[FileResult, ...]:
    """A folder as model hubs lay it out, with a second model beside it."""
    return (
        file(
            "README.md",
            kind="model-card",
            facts=says(
                "README.md",
                ("licence", "apache-2.0"),
                ("licence", "our own terms"),
                ("dataset", "imdb"),
                ("base-model", "org/base"),
                ("task", "text-classification"),
                ("language", "zh"),
                ("source", "https://example.org/model"),
                ("source", "somewhere else"),
                ("author", "A. Person"),
            ),
        ),
        file(
            "config.json",
            kind="json",
            facts=says(
                "config.json",
                ("architecture", "BertForSequenceClassification"),
                ("hyper-parameter", "hidden_size=768"),
                ("framework", "transformers 4.57.1"),
                ("name", "bert-small"),
            ),
        ),
        file(
            "model-1.safetensors",
            kind="safetensors",
            facts=says("model-1.safetensors", ("parameters", "4")),
            tensors=(tensor("model-1.safetensors", "a"),),
        ),
        file(
            "model-2.safetensors",
            kind="safetensors",
            facts=says("model-2.safetensors", ("parameters", "4")),
            tensors=(tensor("model-2.safetensors", "b"),),
        ),
        file(
            "model.safetensors.index.json",
            kind="json",
            references=tuple(
                Reference("model.safetensors.index.json", path, "shard")
                for path in ("model-1.safetensors", "./model-2.safetensors", "../elsewhere", "gone.safetensors")
            ),
        ),
        file(
            "onnx/model.onnx", kind="onnx", facts=says("onnx/model.onnx", ("input", "x: FLOAT[1, 3]"), ("output", "y"))
        ),
        file(
            "requirements.txt",
            kind="requirements",
            facts=says(
                "requirements.txt",
                ("dependency", "Torch_Vision[extra] == 0.24.0 ; python_version > '3'"),
                ("dependency", "numpy>=2"),
                ("dependency", "npm:@huggingface/transformers@3.0.0"),
                ("dependency", "!!"),
            ),
        ),
    )


__all__ = ["digest", "hub_folder", "says", "tensor"]
