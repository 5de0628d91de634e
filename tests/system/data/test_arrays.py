import io
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.system.made import data_set, describe, make
from touchstone.errors import DataError, UserError
from touchstone.system.data.arrays import Archive
from touchstone.system.data.dataset import LabelledData
from touchstone.system.data.reading import read_data

X = np.arange(12, dtype=np.float64).reshape(4, 3)
Y = np.array([0, 1, 1, 0])


def packed(compressed: bool = False, **arrays: Any) -> bytes:
    buffer = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(buffer, **arrays)
    return buffer.getvalue()


def read(folder: Path, content: bytes, named: dict[str, Any] | None = None, **changes: Any) -> LabelledData:
    declared = data_set("t.npz", "npz", **({"features": "x", "target": "y"} if named is None else named))
    data = {"reference": declared}
    settings = {"columns": ["a", "b", "c"], "data": data, "format_": "onnx", "file": "t.npz", **changes}
    return read_data(make(folder, describe(**settings), {"t.npz": content}), "reference")


@pytest.mark.parametrize("compressed", [False, True])
def test_every_part_is_read(tmp_path: Path, compressed: bool) -> None:
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [1, 0]])
    content = packed(
        compressed, x=X, y=Y, i=np.array(["p", "q", "r", "s"]), g=np.array(["F", "M", "F", "M"]), w=Y[:, None], p=p
    )
    named = {"features": "x", "target": "y", "identifier": "i", "sensitive": ["g"], "site": "w", "predictions": ["p"]}
    data = read(tmp_path, content, named)
    assert np.array_equal(data.inputs, X.astype(np.float32))
    assert data.target is not None
    assert data.target.tolist() == Y.tolist()
    assert data.identifiers == ("p", "q", "r", "s")
    assert data.sensitive["g"].tolist() == ["F", "M", "F", "M"]
    assert data.sites is not None
    assert data.sites.tolist() == ["0", "1", "1", "0"]
    assert data.predictions is not None
    assert np.array_equal(data.predictions, p)


@pytest.mark.parametrize(
    "y", [Y.astype(float), Y.astype(bool), Y.astype(np.uint8), np.array(["no", "yes", "yes", "no"])]
)
def test_classes_may_be_written_in_many_ways(tmp_path: Path, y: Any) -> None:
    data = read(tmp_path, packed(x=X, y=y))
    assert data.target is not None
    assert data.target.tolist() == [0, 1, 1, 0]


def test_one_prediction_array_may_hold_labels(tmp_path: Path) -> None:
    named = {"features": "x", "predictions": ["p"]}
    data = read(tmp_path, packed(x=X, p=Y), named)
    assert data.predictions is not None
    assert data.predictions.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize(("layout", "shape"), [("CHW", (3, 4, 5)), ("HWC", (4, 5, 3))])
def test_images_keep_layout_and_units(tmp_path: Path, layout: str, shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, *shape), dtype=np.uint8)
    settings = {"columns": None, "kind": "image", "shape": list(shape), "layout": layout, "low": 0.0, "high": 255.0}
    data = read(tmp_path, packed(x=pixels, y=Y), **settings)
    assert np.array_equal(data.inputs, pixels.astype(np.float32))


def member(name: str, content: bytes, **changes: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", changes.get("compression", zipfile.ZIP_STORED)) as archive:
        archive.writestr(name, content)
        for extra in range(changes.get("extra", 0)):
            archive.writestr(f"{extra}.npy", b"")
    return buffer.getvalue()


def header(shape: str, kind: str = "<f8") -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


class Bomb:
    def __reduce__(self) -> Any:
        return Path.touch, (Path("unpickled"),)


BAD: dict[str, tuple[bytes, dict[str, Any] | None, dict[str, Any], str]] = {
    "no zip": (b"PK not a zip", None, {}, "not a readable npz"),
    "a pickle": (pickle.dumps(X), None, {}, "not a readable npz"),
    "cut": (packed(x=X, y=Y)[:-30], None, {}, "not a readable npz"),
    "three scores for two classes": (
        packed(x=X, p=np.full((4, 3), 1 / 3)),
        {"features": "x", "predictions": ["p"]},
        {},
        "3 prediction columns for 2 classes",
    ),
    "absent array": (packed(x=X), None, {}, "no array 'y'; it has x"),
    "objects": (packed(x=np.array([Bomb()] * 4, dtype=object), y=Y), None, {}, "holds object"),
    "complex": (packed(x=X * 1j, y=Y), None, {}, "holds complex128"),
    "text features": (packed(x=X.astype(str), y=Y), None, {}, "plain numbers"),
    "structured": (packed(x=np.zeros(4, dtype=[("a", "f8")]), y=Y), None, {}, "plain numbers"),
    "dates": (packed(x=X, y=Y.astype("M8[D]")), None, {}, "plain numbers"),
    "one axis": (packed(x=X[:, 0], y=Y), None, {}, "no sample axis"),
    "other width": (packed(x=X[:, :2], y=Y), None, {}, r"samples of shape \(2,\), the model takes \(3,\)"),
    "no samples": (packed(x=X[:0], y=Y[:0]), None, {}, "no rows"),
    "fewer classes than samples": (packed(x=X, y=Y[:3]), None, {}, "y has 3 entries for 4 samples"),
    "two-dimensional classes": (packed(x=X, y=np.eye(4)), None, {}, r"shape \(4, 4\), one entry per sample"),
    "NaN": (packed(x=np.where(X == 7, np.nan, X), y=Y), None, {}, "row 3, column b: is not a finite"),
    "out of range": (packed(x=X, y=Y), None, {"high": 10.0}, "row 4, column c: is 11.0, above"),
    "fractional class": (packed(x=X, y=Y + 0.5), None, {}, "'0.5' is no declared class"),
    "member is no array": (member("x.npy", b"hello"), None, {}, "not a readable npz"),
    "header claims more": (member("x.npy", header("(1000000000, 3)")), None, {}, "more than the file holds"),
    "header is code": (member("x.npy", header("__import__('os').getpid()")), None, {}, "not a readable npz"),
    "negative shape": (member("x.npy", header("(-1, 3)") + bytes(24)), None, {}, "not a readable npz|more than"),
    "too many members": (member("x.npy", b"", extra=1001), None, {}, "more than 1000 arrays"),
    "bomb": (
        member("x.npy", header("(40000000, 3)") + bytes(300_000_000), compression=zipfile.ZIP_DEFLATED),
        None,
        {},
        "would unpack to 300,0",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_named(tmp_path: Path, name: str) -> None:
    content, named, changes, reason = BAD[name]
    with pytest.raises(DataError, match=reason) as caught:
        read(tmp_path, content, named, **changes)
    assert str(caught.value).startswith("t.npz")
    assert caught.value.remedy is not None


GOOD = packed(x=X, y=Y)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(GOOD)), st.binary(max_size=10), st.booleans())
def test_a_damaged_archive_raises_user_errors_only(place: int, patch: bytes, insert: bool) -> None:
    content = GOOD[:place] + patch + GOOD[place if insert else place + len(patch) :]
    try:
        Archive(content, "t.npz").array("x", "fiub")
        Archive(content, "t.npz").column("y")
    except UserError:
        pass
