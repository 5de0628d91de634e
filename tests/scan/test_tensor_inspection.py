"""A message in the low bits is seen where it is plain; noise is noise, and nothing of it fails a file."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path

import pytest

from touchstone.scan import ScanOptions, scan
from touchstone.scan.findings import FileResult
from touchstone.scan.tensor_inspection import SPELLS_TEXT, STATISTICS

MESSAGE = b"attack at dawn, and bring the keys of the castle"


def weights(count: int = 20_000) -> bytearray:
    return bytearray(struct.pack(f"<{count}f", *(0.02 * math.sin(number * number) for number in range(count))))


def scanned(folder: Path, data: bytes, dtype: str = "F32") -> FileResult:
    shape = [len(data) // (2 if dtype == "F16" else 4)]
    header = json.dumps({"w": {"dtype": dtype, "shape": shape, "data_offsets": [0, len(data)]}}).encode()
    (folder / "m.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + data)
    (file,) = scan(folder, ScanOptions(inspect_tensors=True)).files
    return file


def rules(file: FileResult) -> list[str]:
    return [finding.rule for finding in file.findings]


def test_trained_weights_are_noise(tmp_path: Path) -> None:
    file = scanned(tmp_path, bytes(weights()))
    assert (rules(file), file.verdict) == ([STATISTICS.id], "clean")
    assert "1 of 1 tensors, entropy 7.9" in file.findings[0].shown


@pytest.mark.parametrize("start", [0, 9_000])
def test_text_in_the_lowest_bytes_is_seen(tmp_path: Path, start: int) -> None:
    data = weights(10_000)
    data[4 * start : 4 * (start + len(MESSAGE)) : 4] = MESSAGE
    file = scanned(tmp_path, bytes(data))
    assert (rules(file), file.verdict) == ([SPELLS_TEXT.id, STATISTICS.id], "clean")
    assert MESSAGE.decode() in file.findings[0].shown


def test_text_in_the_lowest_bits_is_seen(tmp_path: Path) -> None:
    data = weights()
    for position, bit in enumerate(f"{int.from_bytes(MESSAGE, 'big'):0{8 * len(MESSAGE)}b}"):
        data[4 * position] = data[4 * position] & 0xFE | int(bit)
    assert MESSAGE.decode() in scanned(tmp_path, bytes(data)).findings[0].shown


def test_weights_of_low_precision_say_so(tmp_path: Path) -> None:
    file = scanned(tmp_path, bytes(20_000), "F16")
    assert file.findings[0].shown.endswith("entropy 0.00 to 0.00 bits of 8")


def test_equal_weights_are_no_text(tmp_path: Path) -> None:
    assert rules(scanned(tmp_path, struct.pack("<e", 0.1) * 20_000, "F16")) == [STATISTICS.id]


def test_small_tensors_and_other_files_are_left_alone(tmp_path: Path) -> None:
    assert scanned(tmp_path, bytes(400)).findings == ()
    (tmp_path / "m.safetensors").unlink()
    (tmp_path / "notes.txt").write_text("words\n")
    assert scan(tmp_path, ScanOptions(inspect_tensors=True)).files[0].findings == ()
