"""Raw evidence in bytes that are the same for the same content: arrays and sheets of pictures."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
"""`(channels, height, width)`, values in `[0, 1]`."""

SMALLEST_TILE = 64
"""Pixels: smaller pictures are enlarged, so that a person sees them."""
GAP = 4
MOST_ACROSS = 12
"""Columns beside each other: more would be too small to see in a report."""
LINE = 14
"""Pixels above each column for a line of its name."""
EPOCH = (1980, 1, 1, 0, 0, 0)


def arrays_file(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """An uncompressed `.npz` of plain arrays, without times."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            content = BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", EPOCH), content.getvalue())
    return buffer.getvalue()


def picture_sheet(columns: Mapping[str, Sequence[Picture]]) -> bytes:
    """A PNG with one named column of pictures per entry, names broken at `_`; all pictures have the same size.

    More columns than fit beside each other go on in a band below.
    """
    from PIL import Image, ImageDraw

    named = [(name.replace("_", "\n"), [_tile(picture) for picture in column]) for name, column in columns.items()]
    height, width = named[0][1][0].shape[:2]
    above = LINE * max(2, *(name.count("\n") + 1 for name, _ in named))
    band = above + max(len(column) for _, column in named) * (height + GAP)
    across = min(len(named), MOST_ACROSS)
    size = (across * (width + GAP) - GAP, -(-len(named) // across) * band - GAP)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    for position, (name, column) in enumerate(named):
        left, top = position % across * (width + GAP), position // across * band
        draw.multiline_text((left + width // 2, top + above // 2), name, fill="black", anchor="mm", align="center")
        for down, tile in enumerate(column):
            sheet.paste(Image.fromarray(tile), (left, top + above + down * (height + GAP)))
    buffer = BytesIO()
    sheet.save(buffer, format="PNG")
    return buffer.getvalue()


def _tile(picture: Picture) -> NDArray[np.uint8]:
    """RGB octets, enlarged by whole pixels. Other than three channels are shown as the grey of the first."""
    colours = picture if picture.shape[0] == 3 else np.repeat(picture[:1], 3, axis=0)
    times = max(1, -(-SMALLEST_TILE // min(picture.shape[1:])))
    octets = np.rint(np.clip(colours, 0, 1) * 255).astype(np.uint8)
    return octets.transpose(1, 2, 0).repeat(times, axis=0).repeat(times, axis=1)
