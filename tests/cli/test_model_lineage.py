"""`touchstone model tensors` and `lineage`: weights that are equal are told, whatever the files are called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.program import run

Capture = pytest.CaptureFixture[str]


def _weights(path: Path, **tensors: bytes) -> Path:
    header, place = {}, 0
    for name, content in tensors.items():
        header[name] = {
            "dtype": "F32",
            "shape": [len(content) // 4],
            "data_offsets": [place, place + len(content)],
        }
        place += len(content)
    head = json.dumps(header).encode()
    path.write_bytes(len(head).to_bytes(8, "little") + head + b"".join(tensors.values()))
    return path


def _numbers(seed: int) -> bytes:
    import numpy as np

    return np.random.default_rng(seed).normal(size=4096).astype("<f4").tobytes()


def test_a_model_with_one_new_layer_is_derived(capsys: Capture, tmp_path: Path) -> None:
    base = _weights(tmp_path / "base.safetensors", a=_numbers(1), b=_numbers(2), head=_numbers(3))
    tuned = _weights(tmp_path / "tuned.safetensors", a=_numbers(1), b=_numbers(2), head=_numbers(4))
    other = _weights(tmp_path / "other.safetensors", a=_numbers(5), b=_numbers(6), head=_numbers(7))
    finished = run(capsys, "model", "lineage", tuned, base, other)
    assert finished.code == 0, finished.err
    first, second = (line for line in finished.out.splitlines() if not line.startswith(" ") and ":" in line)
    assert "66.7% of its weights" in first
    assert "    head: F32[4096] / F32[4096]" in finished.out
    assert "nothing in common" in second


def test_a_table_stands_for_the_model(capsys: Capture, tmp_path: Path) -> None:
    base = _weights(tmp_path / "base.safetensors", a=_numbers(1))
    table = tmp_path / "base.json"
    table.write_text(run(capsys, "model", "tensors", base).out)
    finished = run(capsys, "model", "lineage", base, table)
    assert "100.0% of its weights" in finished.out


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff"])
def test_a_table_that_is_none_is_said_to_be(capsys: Capture, tmp_path: Path, content: bytes) -> None:
    base = _weights(tmp_path / "base.safetensors", a=_numbers(1))
    (tmp_path / "table.json").write_bytes(content)
    finished = run(capsys, "model", "lineage", base, tmp_path / "table.json")
    assert finished.code == 2
    assert "table.json" in finished.err


def test_a_file_without_tensors_is_wrong_input(capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here\n")
    finished = run(capsys, "model", "tensors", tmp_path / "notes.txt")
    assert finished.code == 2
    assert "holds no tensors" in finished.err


def test_what_was_done_is_compared_with_what_was_declared(capsys: Capture, tmp_path: Path) -> None:
    import numpy as np

    base = _weights(tmp_path / "base.safetensors", a=_numbers(1), b=_numbers(2))
    edited = np.frombuffer(_numbers(2), "<f4").copy()
    edited[3:6] = 9.0
    changed = _weights(tmp_path / "changed.safetensors", a=_numbers(1), b=edited.tobytes())
    finished = run(capsys, "model", "lineage", changed, base, "--declared", "fine-tuned")
    assert finished.code == 1
    assert "sparse-edit (suspicious)" in finished.out
    assert "✗ declared fine-tuned, found sparse-edit" in finished.out
    assert run(capsys, "model", "lineage", changed, base).code == 0
    assert run(capsys, "model", "lineage", base, base, "--declared", "identical").code == 0


def test_the_comparison_of_weights_is_in_the_json(capsys: Capture, tmp_path: Path) -> None:
    import numpy as np

    base = _weights(tmp_path / "base.safetensors", a=_numbers(1), b=_numbers(2))
    tuned_bytes = (np.frombuffer(_numbers(2), "<f4") * np.float32(1.01)).tobytes()
    tuned = _weights(tmp_path / "tuned.safetensors", a=_numbers(1), b=tuned_bytes)
    finished = run(capsys, "model", "lineage", tuned, base, "--declared", "fine-tuned", "--format", "json")
    (told,) = json.loads(finished.out)
    assert (finished.code, told["change"], told["as_declared"]) == (0, "fine-tuned", True)
    (tensor,) = told["tensors"]
    assert tensor["name"] == "b"
    assert tensor["relative_norm"] == pytest.approx(0.01, rel=1e-3)


def test_a_declared_change_needs_the_weights(capsys: Capture, tmp_path: Path) -> None:
    base = _weights(tmp_path / "base.safetensors", a=_numbers(1))
    table = tmp_path / "base.json"
    table.write_text(run(capsys, "model", "tensors", base).out)
    finished = run(capsys, "model", "lineage", base, table, "--declared", "identical")
    assert finished.code == 2
    assert "not tables of digests" in finished.err
