import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.system.made import data_set, describe, make
from touchstone.errors import DataError
from touchstone.system.data.dataset import LabelledData
from touchstone.system.data.reading import read_data

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)


def encoded(pixels: Any, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


PICTURE = encoded(PIXELS)
FILES = {
    "pics/yes/b.png": PICTURE,
    "pics/no/c.bmp": encoded(PIXELS[::-1].copy(), "BMP"),
    "pics/no/a.JPG": encoded(np.full((4, 6, 3), 200, dtype=np.uint8), "JPEG"),
}


def read(folder: Path, files: dict[str, bytes], **changes: Any) -> LabelledData:
    test = data_set("pics", "image-folder")
    settings = {"kind": "image", "shape": [3, 4, 6], "low": 0.0, "high": 255.0, "data": {"test": test}}
    description = describe(**{**settings, "format_": "onnx", "file": "m.onnx", **changes})
    return read_data(make(folder, description, files | {"m.onnx": b"x"}), "test")


def test_images_come_sorted_with_their_classes(tmp_path: Path) -> None:
    data = read(tmp_path, FILES)
    assert data.identifiers == ("no/a.JPG", "no/c.bmp", "yes/b.png")
    assert data.target is not None
    assert data.target.tolist() == [0, 0, 1]
    assert np.array_equal(data.inputs[2], PIXELS.transpose(2, 0, 1))
    assert np.array_equal(data.inputs[1], PIXELS[::-1].transpose(2, 0, 1))
    assert np.abs(data.inputs[0] - 200).max() < 3


def test_channels_last(tmp_path: Path) -> None:
    assert np.array_equal(read(tmp_path, FILES, shape=[4, 6, 3], layout="HWC").inputs[2], PIXELS)


@pytest.mark.parametrize(("low", "wanted"), [(0.0, PIXELS / 255.0), (-1.0, PIXELS / 127.5 - 1), (None, PIXELS / 255.0)])
def test_a_unit_range_scales_the_pixels(tmp_path: Path, low: float | None, wanted: Any) -> None:
    data = read(tmp_path, FILES, low=low, high=1.0)
    assert np.allclose(data.inputs[2], wanted.transpose(2, 0, 1), atol=1e-6)
    assert data.inputs.max() <= 1


def test_grey_images(tmp_path: Path) -> None:
    grey = PIXELS[:, :, 0].copy()
    files = {"pics/no/a.png": encoded(grey), "pics/yes/b.png": encoded(grey)}
    assert np.array_equal(read(tmp_path, files, shape=[1, 4, 6]).inputs[0, 0], grey)


def enormous() -> bytes:
    """A PNG of a few bytes that claims 30000 × 30000 pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    size = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def also(name: str, content: bytes) -> dict[str, bytes]:
    return FILES | {name: content}


@pytest.mark.parametrize(
    ("files", "changes", "reason"),
    [
        (also("pics/yes/z.png", encoded(PIXELS[:2].copy())), {}, "yes/z.png: is 6×2 pixels, 6×4 are declared"),
        (also("pics/yes/z.png", encoded(PIXELS[:, :, 0].copy())), {}, "z.png: has pixel mode L, RGB is needed"),
        (also("pics/yes/z.png", enormous()), {}, "not a readable image|30000×30000"),
        (also("pics/yes/z.png", PICTURE[:-40]), {}, "z.png: is not a readable image"),
        (also("pics/yes/z.png", b"\x80\x04."), {}, "z.png: is not a readable image"),
        (also("pics/yes/z.png", encoded(PIXELS, "GIF")), {}, "z.png: is not a readable image"),
        (also("pics/yes/notes.txt", b"hello"), {}, "notes.txt: is not at <class>/<image>"),
        (also("pics/loose.png", PICTURE), {}, "loose.png: is not at <class>/<image>"),
        (also("pics/yes/deep/z.png", PICTURE), {}, "z.png: is not at <class>/<image>"),
        (also("pics/maybe/z.png", PICTURE), {}, "'maybe' is no declared class"),
        ({"pics/no/a.png": PICTURE}, {}, "class 'no' only"),
        (FILES, {"shape": [2, 4, 6]}, "1 or 3 channels"),
        (FILES, {"high": 100.0}, "above the declared largest"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, files: dict[str, bytes], changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(DataError, match=reason) as caught:
        read(tmp_path, files, **changes)
    assert caught.value.remedy is not None
