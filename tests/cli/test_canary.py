"""`touchstone canary`: made once, polled often; the untouched model passes, the changed one does not."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from tests.checks.system_resilience.systems import striped_system
from tests.cli.program import run
from touchstone.system.models.altered import open_altered

pytestmark = pytest.mark.torch
Capture = pytest.CaptureFixture[str]


def _secret(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def test_a_changed_model_is_told_from_the_tested_one(capsys: Capture, tmp_path: Path) -> None:
    subject = striped_system(tmp_path, 4, output="logits", n=60)
    canaries = tmp_path / "canaries.json"
    finished = run(capsys, "canary", "make", tmp_path, "-o", canaries, "--tries", "5", "--format", "json")
    assert finished.code == 0, finished.err
    made = json.loads(finished.out)
    assert (made["canaries"], made["rounding_simulated"]) == (32, True)
    assert canaries.stat().st_mode & 0o777 == 0o600
    polled = run(capsys, "canary", "poll", canaries, tmp_path, "--ask", "32", "--format", "json")
    assert (polled.code, json.loads(polled.out)["state"]) == (0, "unchanged")

    model = open_altered(subject)
    noise = np.random.default_rng(1)
    shaken = {name: (each + 0.02 * noise.normal(size=each.shape)).astype("f4") for name, each in model.weights.items()}
    (tmp_path / "model.onnx").write_bytes(model.file(shaken))
    polled = run(capsys, "canary", "poll", canaries, tmp_path)
    assert polled.code == 1
    assert "✗ changed" in polled.out


def test_labels_are_enough_and_it_is_said_what_is_not_known(capsys: Capture, tmp_path: Path) -> None:
    striped_system(tmp_path, 3, output="labels", n=60)
    canaries = tmp_path / "canaries.json"
    finished = run(capsys, "canary", "make", tmp_path, "-o", canaries)
    assert finished.code == 0, finished.err
    assert "power are not known" in finished.out
    assert run(capsys, "canary", "poll", canaries, tmp_path).code == 0


def test_a_passphrase_seals_the_file(capsys: Capture, tmp_path: Path) -> None:
    striped_system(tmp_path, 3, output="labels", n=60)
    words = _secret(tmp_path, "words", b"correct horse\n")
    canaries = tmp_path / "canaries.json"
    assert run(capsys, "canary", "make", tmp_path, "-o", canaries, "--passphrase-file", words).code == 0
    refused = run(capsys, "canary", "poll", canaries, tmp_path)
    assert (refused.code, "no passphrase" in refused.err) == (2, True)
    assert run(capsys, "canary", "poll", canaries, tmp_path, "--passphrase-file", words).code == 0


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"schema": 1}', b"\xff"])
def test_a_file_without_canaries_is_said_to_be(capsys: Capture, tmp_path: Path, content: bytes) -> None:
    striped_system(tmp_path, 3, output="labels", n=20)
    finished = run(capsys, "canary", "poll", _secret(tmp_path, "c.json", content), tmp_path)
    assert (finished.code, "holds no canaries" in finished.err) == (2, True)


def test_canaries_of_another_shape_are_refused(capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    striped_system(tmp_path / "a", 3, output="labels", n=40)
    striped_system(tmp_path / "b", 4, output="labels", n=40)
    canaries = tmp_path / "canaries.json"
    assert run(capsys, "canary", "make", tmp_path / "a", "-o", canaries).code == 0
    finished = run(capsys, "canary", "poll", canaries, tmp_path / "b")
    assert (finished.code, "the system takes (1, 12, 5)" in finished.err) == (2, True)


def test_another_form_is_told_from_tampering_and_may_be_allowed(capsys: Capture, tmp_path: Path) -> None:
    """The file says that eight-bit weights answer otherwise on half of the canaries; here they all do."""
    striped_system(tmp_path, 3, output="labels", n=60)
    canaries = tmp_path / "canaries.json"
    assert run(capsys, "canary", "make", tmp_path, "-o", canaries).code == 0
    document = json.loads(canaries.read_text())
    answered = document["labels"]
    document["labels"] = [(label + place % 2) % 3 for place, label in enumerate(answered)]
    document["patterns"] = {"int8 per-tensor": answered}
    canaries.write_text(json.dumps(document))
    polled = run(capsys, "canary", "poll", canaries, tmp_path, "--ask", "32", "--format", "json")
    assert (polled.code, json.loads(polled.out)["form"]) == (1, "int8 per-tensor")
    assert run(capsys, "canary", "poll", canaries, tmp_path, "--ask", "32", "--allow", "int8").code == 0
