"""Files that are an archive to whoever looks for one: reported, and the archive is read as well."""

from __future__ import annotations

import io
import pickle
import tarfile

import pytest

from tests.scan.formats.zips import made, zipped
from touchstone.scan.file import scan_bytes

PROGRAM = b"\x7fELF" + bytes(60)
ARCHIVE = zipped(("evil.so", PROGRAM))


def found(content: bytes) -> set[tuple[str, str]]:
    return {(finding.rule, finding.severity) for finding in scan_bytes(content, "f").findings}


@pytest.mark.parametrize(
    "front", [b"plain text\n", b'{"a": 1}\n', b"#!/bin/sh\necho planted\n", b"GGUF" + bytes(60), b"\x00" * 100]
)
def test_an_archive_behind_something_else(front: bytes) -> None:
    assert {("file/also-archive", "high"), ("programs/native-code", "high")} <= found(front + ARCHIVE)


def test_the_offsets_may_count_from_the_start_of_the_file() -> None:
    behind = made(before=b"plain text\n" * 20)
    assert ("file/also-archive", "high") in found(behind)


def test_a_pickled_archive_is_for_review_but_read() -> None:
    content = pickle.dumps({"model": zipped(("a.txt", b"plain text\n"))})
    assert ("file/also-archive", "medium") in found(content)
    assert ("programs/native-code", "high") in found(pickle.dumps({"model": ARCHIVE}))


def test_a_tar_archive_that_begins_like_something_else() -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        info = tarfile.TarInfo("GIF89a.so")
        info.size = len(PROGRAM)
        archive.addfile(info, io.BytesIO(PROGRAM))
    assert {("file/also-archive", "high"), ("programs/native-code", "high")} <= found(stream.getvalue())


@pytest.mark.parametrize("content", [b"PK\x05\x06 is how a zip archive ends\n", b"text " * 30_000, b""])
def test_other_files_are_no_archives(content: bytes) -> None:
    assert found(content) == set()
