"""Tensors are read from where the scanner found them, over all files of a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.scan.formats.test_safetensors import entry, safetensors
from touchstone.errors import ArtifactError, UserError
from touchstone.system.models.stored_tensors import tensor_places

NUMBERS = np.arange(6, dtype="<f4")


def write(path: Path, name: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(safetensors({name: entry(0, 24, "F32", [2, 3])}, NUMBERS.tobytes()))
    return path


def test_tensors_of_all_files_of_a_folder_are_read(tmp_path: Path) -> None:
    write(tmp_path / "one.safetensors", "a")
    write(tmp_path / "below" / "two.safetensors", "b")
    places = tensor_places(tmp_path)
    assert set(places) == {"a", "b"}
    assert (places["b"].dtype, places["b"].shape) == ("f32", (2, 3))
    assert all(place.read() == NUMBERS.tobytes() for place in places.values())
    assert tensor_places(tmp_path / "one.safetensors")["a"].read() == NUMBERS.tobytes()


def test_what_cannot_be_told_apart_or_read_is_said(tmp_path: Path) -> None:
    write(tmp_path / "one.safetensors", "a")
    write(tmp_path / "two.safetensors", "a")
    with pytest.raises(UserError, match="two tensors called 'a'"):
        tensor_places(tmp_path)
    place = tensor_places(tmp_path / "one.safetensors")["a"]
    place.file.write_bytes(b"short")
    with pytest.raises(ArtifactError, match="changed while it was read"):
        place.read()
    (tmp_path / "text").write_text("no model")
    with pytest.raises(UserError, match="no tensors"):
        tensor_places(tmp_path / "text")
