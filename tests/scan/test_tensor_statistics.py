"""Payloads in the low bits of weights are noticed; weights that nobody touched are not."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.scan.formats.test_safetensors import entry, safetensors
from touchstone.scan.file import scan_file
from touchstone.scan.source import MemorySource
from touchstone.scan.tensor_statistics import bit_plane_entropies, suspect_payloads, suspicion_of

COUNT = 16_384
TEXT = b"Nobody noticed what these weights carried: a text, hidden bit by bit. " * 6


def weights(seed: int = 5, count: int = COUNT) -> list[int]:
    """Bits of normally distributed numbers of 32 bits."""
    generator = random.Random(seed)  # noqa: S311 - test data
    return list(
        struct.unpack(f"<{count}I", struct.pack(f"<{count}f", *(generator.gauss(0, 0.02) for _ in range(count))))
    )


def packed(words: Sequence[int]) -> MemorySource:
    return MemorySource(struct.pack(f"<{len(words)}I", *words))


def planted(words: list[int], payload: bytes, bits: int, *, start: int = 0, lowest_first: bool = False) -> list[int]:
    """The words with a payload in their lowest bits."""
    step = -1 if lowest_first else 1
    digits = "".join(format(byte, "08b")[::step] for byte in payload)
    digits = digits[: len(digits) // bits * bits]
    changed = list(words)
    for number in range(len(digits) // bits):
        group = digits[number * bits : (number + 1) * bits][::step]
        place = start + number
        changed[place] = changed[place] >> bits << bits | int(group, 2)
    return changed


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("planted.txt", random.Random(1).randbytes(300))  # noqa: S311 - test data
    return file.getvalue()


@pytest.mark.parametrize("lowest_first", [False, True])
@pytest.mark.parametrize("bits", range(1, 9))
def test_text_and_archives_in_the_low_bits_are_found(bits: int, lowest_first: bool) -> None:
    for payload, rule in ((TEXT, "tensor/text-in-low-bits"), (zipped(), "tensor/file-in-low-bits")):
        found = suspicion_of(packed(planted(weights(), payload, bits, lowest_first=lowest_first)), 4)
        assert found is not None
        assert found.rule.id == rule


@pytest.mark.parametrize("count", [2, 3])
def test_whole_low_bytes_are_read_in_either_order(count: int) -> None:
    for order in (1, -1):
        words = weights()
        for number in range(len(TEXT) // count):
            group = TEXT[number * count : (number + 1) * count][::order]
            words[number] = words[number] >> 8 * count << 8 * count | int.from_bytes(group, "little")
        found = suspicion_of(packed(words), 4)
        assert found is not None
        assert found.rule.id == "tensor/text-in-low-bits"


def test_weights_that_nobody_touched_look_like_nothing() -> None:
    assert [suspicion_of(packed(weights(seed, 4096)), 4) for seed in range(10)] == [None] * 10


def test_random_bytes_cannot_be_told_from_low_bits() -> None:
    payload = random.Random(2).randbytes(1000)  # noqa: S311 - test data
    assert suspicion_of(packed(planted(weights(), payload, 8)), 4) is None


def test_random_low_bits_stand_out_where_all_others_are_zero() -> None:
    converted = [word >> 16 << 16 for word in weights()]
    assert suspicion_of(packed(converted), 4) is None
    payload = random.Random(2).randbytes(2000)  # noqa: S311 - test data
    found = suspicion_of(packed(planted(converted, payload, 8, start=COUNT // 2)), 4)
    assert found is not None
    assert found.rule.id == "tensor/uneven-low-bits"


def test_steps_of_rounded_weights_are_no_text() -> None:
    generator = random.Random(4)  # noqa: S311 - test data
    levels = [word >> 8 << 8 | generator.choice(b"abcdefghijklmnop qrstuvwxyz") for word in weights(9, 200)]
    assert suspicion_of(packed([generator.choice(levels) for _ in range(COUNT)]), 4) is None


def test_a_file_is_inspected_tensor_by_tensor(tmp_path: Path) -> None:
    touched = struct.pack(f"<{COUNT}I", *planted(weights(), TEXT, 2))
    plain = struct.pack(f"<{COUNT}I", *weights(6))
    size = 4 * COUNT
    header = {"plain": entry(0, size, "F32", [COUNT]), "touched": entry(size, 2 * size, "F32", [COUNT])}
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors(header, plain + touched))
    result = scan_file(path, "model.safetensors")
    (finding,) = suspect_payloads(path, result)
    assert (finding.rule, finding.nature) == ("tensor/text-in-low-bits", "information")
    assert finding.shown.startswith("touched: low 2 bits read")
    assert finding.offset == path.stat().st_size - size


def test_entropies_of_bit_planes() -> None:
    entropies = bit_plane_entropies(struct.pack("<4096I", *weights(7, 4096)), 4)
    assert len(entropies) == 32
    assert all(entropy > 0.99 for entropy in entropies[:16])
    assert entropies[30] < 0.1
