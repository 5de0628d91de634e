"""A Git LFS pointer stands for a file that is not here."""

from __future__ import annotations

import pytest

from touchstone.scan.file import scan_bytes

DIGEST = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{DIGEST}\nsize 12345\n".encode()


def test_a_pointer_is_a_gap_that_names_what_is_absent() -> None:
    result = scan_bytes(POINTER, "model.safetensors")
    assert (result.format, result.verdict) == ("lfs-pointer", "incomplete")
    assert [gap.code for gap in result.gaps] == ["absent"]
    assert DIGEST in result.gaps[0].why.en
    assert [fact.value for fact in result.facts] == [f"git-lfs sha256:{DIGEST} (12345 bytes)"]


@pytest.mark.parametrize("content", [POINTER[:-1], POINTER + b"more", POINTER.replace(b"4d7a", b"zzzz"), POINTER * 20])
def test_what_only_begins_like_a_pointer_is_damaged(content: bytes) -> None:
    assert [gap.code for gap in scan_bytes(content, "a").gaps] == ["damaged"]
