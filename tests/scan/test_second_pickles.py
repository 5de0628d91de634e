"""Files of other formats that run something when they are unpickled."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.scan.file import scan_bytes

PLANTED = b"cos\nsystem\n(S'echo planted'\ntR."


def also_pickle(content: bytes, name: str = "f") -> list[str]:
    return [f.shown for f in scan_bytes(content, name).findings if f.rule == "file/also-pickle"]


def test_a_tar_archive_whose_first_name_is_a_pickle() -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo(PLANTED.decode()), io.BytesIO())
    assert also_pickle(stream.getvalue()) == ["tar, and os.system('echo planted')"]


def test_texts_that_are_pickles() -> None:
    assert (
        also_pickle(PLANTED + b"\nprint('hello')\n", "tool.py") != [] or "pickle" in scan_bytes(PLANTED, "x.py").format
    )
    assert scan_bytes(PLANTED, "notes.txt").verdict == "unsafe"


def test_gguf_begins_with_a_float() -> None:
    assert also_pickle(b"GGUF\x03\0\0\0\0" + PLANTED) == ["gguf, and os.system('echo planted')"]


@pytest.mark.parametrize(
    "content",
    [
        b"import os\nimport sys\n",
        b"class Model:\n    pass\n",
        b"(see the manual)\n",
        b"Please read this.\nIt matters.\n",
        b"cos\nsin\ntan\n",
        b"items\nnames\n",
        b"I am a text.\n",
        b"",
        b"N",
        b"P5\n3 3\n255\n" + bytes(9),
    ],
)
def test_other_files_are_not(content: bytes) -> None:
    assert also_pickle(content) == []


@given(st.text())
def test_texts_are_hardly_ever_pickles(content: str) -> None:
    result = scan_bytes(content.encode(), "notes.txt")
    assert [f.rule for f in result.findings if f.rule.startswith(("pickle/", "file/also-pickle"))] == []
