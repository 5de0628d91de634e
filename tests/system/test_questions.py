"""What is left out is asked for, and what is there is not."""

from __future__ import annotations

from pathlib import Path

from tests.system.described import write_system
from touchstone.system.loading import load_description
from touchstone.system.questions import open_questions


def asked(path: Path) -> set[str]:
    description, _ = load_description(path)
    return {question.en.partition(":")[0] for question in open_questions(description)}


def test_each_gap_is_asked_for(tmp_path: Path) -> None:
    assert asked(write_system(tmp_path)) == {
        "data.train",
        "data.reference",
        "data.test.sensitive",
        "model.claims",
        "components",
    }
    bare = write_system(tmp_path, ("    target: y\n", ""), ("    low: 0\n", ""), ('    positive: "yes"\n', ""))
    assert {"data.test.target", "model.input.low, high", "model.output.positive"} <= asked(bare)


def test_what_was_given_is_not_asked_again(tmp_path: Path) -> None:
    again = "{path: notes/plan.md, format: csv, origin: made up}"
    path = write_system(
        tmp_path,
        ("data:\n", f"data:\n  train: {again}\n  reference: {again}\n"),
        ("target: y", "target: y\n    sensitive: [a]"),
        ("  format: onnx", "  claims: {accuracy: 0.9}\n  format: onnx"),
        ("documents:", "components: [{name: onnxruntime, kind: framework}]\ndocuments:"),
    )
    assert asked(path) == set()
