"""The zip reader: real writers' archives pass, and each way for two unpackers to disagree is reported."""

from __future__ import annotations

import io
import stat
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.system.artifacts.archives import Archive, has_zip_directory, read_zip


def _zip(*members: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


def _read(content: bytes) -> Archive:
    return read_zip(memoryview(content), "f")


def _tricks(content: bytes) -> list[str]:
    return [construct.what.en for construct in _read(content).constructs]


PLAIN = _zip(("a", b"alpha"), ("b/c", b"x" * 1000), method=zipfile.ZIP_DEFLATED)


def _patched(content: bytes, old: bytes, new: bytes, count: int = 1) -> bytes:
    assert old in content
    return content.replace(old, new, count)


def _streamed() -> bytes:
    """As written to a pipe: sizes follow in data descriptors."""

    class Pipe(io.BytesIO):
        def seek(self, offset: int, whence: int = 0, /) -> int:
            raise io.UnsupportedOperation

        def tell(self) -> int:
            raise io.UnsupportedOperation

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"alpha")
        archive.writestr("b", b"beta" * 100)
    return pipe.getvalue()


def _wide() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, archive.open("a", "w", force_zip64=True) as member:
        member.write(b"alpha")
    return stream.getvalue()


def _wide_end(content: bytes) -> bytes:
    """The same archive with a zip64 end record, as PyTorch always writes."""
    end = content.rindex(b"PK\x05\x06")
    here, count, size, offset = struct.unpack_from("<HHII", content, end + 8)
    record = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 30, 45, 0, 0, here, count, size, offset)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, end, 1)
    return content[:end] + record + locator + content[end:]


@pytest.mark.parametrize("content", [PLAIN, _streamed(), _wide(), _wide_end(PLAIN), _zip()])
def test_ordinary_archives_pass(content: bytes) -> None:
    archive = _read(content)
    assert archive.constructs == []
    assert archive.problems == []
    with zipfile.ZipFile(io.BytesIO(content)) as expected:
        assert {member.name: bytes(member.data) for member in archive.members} == {
            name: expected.read(name) for name in expected.namelist()
        }
    assert has_zip_directory(memoryview(content)) == bool(archive.members)


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8})?", fullmatch=True), st.binary(max_size=200), max_size=5),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_what_was_written_is_read(members: dict[str, bytes], method: int) -> None:
    archive = _read(_zip(*members.items(), method=method))
    assert archive.constructs == []
    assert archive.problems == []
    assert {member.name: bytes(member.data) for member in archive.members} == members


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "C:x", "a\\b"])
def test_paths_that_lead_out(name: str) -> None:
    content = _zip(("x" * len(name), b"1")).replace(b"x" * len(name), name.encode())
    assert _tricks(content) == ["a member's path leads out of the archive"]


def test_links() -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert _tricks(_zip((link, b"/etc/passwd"))) == ["a member is a link or a device"]


@pytest.mark.parametrize("other", ["a", "A"])
def test_duplicates(other: str) -> None:
    content = _zip(("a", b"1"), ("z", b"2")).replace(b"z", other.encode())
    assert _tricks(content) == ["two members have the same name"]


DIFFERENCES = {
    "name": _patched(PLAIN, b"b/c", b"b/d"),
    "method": _patched(PLAIN, b"PK\x03\x04\x14\x00\x00\x00\x08\x00", b"PK\x03\x04\x14\x00\x00\x00\x00\x00"),
    "flags": _patched(PLAIN, b"PK\x03\x04\x14\x00\x00\x00", b"PK\x03\x04\x14\x00\x01\x00"),
    "crc": PLAIN[:14] + b"\x00\x00\x00\x00" + PLAIN[18:],
    "unpacked size": PLAIN[:22] + b"\x09\x00\x00\x00" + PLAIN[26:],
    "packed size": PLAIN[:18] + b"\x01\x00\x00\x00" + PLAIN[22:],
}


@pytest.mark.parametrize(("label", "content"), DIFFERENCES.items(), ids=DIFFERENCES.keys())
def test_headers_that_differ(label: str, content: bytes) -> None:
    constructs = _read(content).constructs
    assert any(construct.shown.endswith(f": {label}") for construct in constructs)


def test_wrong_checksum_in_both_headers() -> None:
    content = _zip(("a", b"alpha"))
    assert _tricks(_patched(content, b"alpha", b"alphb")) == [
        "a member's checksum is wrong: strict readers refuse what lax ones load"
    ]


def test_encrypted_members_are_reported_and_not_understood() -> None:
    content = _patched(
        _patched(PLAIN, b"PK\x03\x04\x14\x00\x00\x00", b"PK\x03\x04\x14\x00\x01\x00"),
        b"PK\x01\x02\x14\x03\x14\x00\x00\x00",
        b"PK\x01\x02\x14\x03\x14\x00\x01\x00",
    )
    archive = _read(content)
    assert "a member is encrypted and cannot be read" in [construct.what.en for construct in archive.constructs]
    assert archive.problems


def test_bytes_in_front() -> None:
    archive = _read(b"#!/bin/sh\n" + PLAIN)
    assert any("before the archive" in construct.what.en for construct in archive.constructs)
    assert [member.name for member in archive.members] == ["a", "b/c"]


def test_bytes_in_front_with_corrected_offsets() -> None:
    stream = io.BytesIO(b"prefix bytes")
    stream.seek(0, io.SEEK_END)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("a", b"1")
    assert "bytes stand before the first member" in _tricks(stream.getvalue())


def test_bytes_between_members() -> None:
    first, second = _zip(("a", b"1")), _zip(("b", b"2"))
    hidden = b"hidden bytes that no member owns, longer than a descriptor"
    local_a, local_b = first[: first.index(b"PK\x01\x02")], second[: second.index(b"PK\x01\x02")]
    central_a = first[len(local_a) : first.rindex(b"PK\x05\x06")]
    central_b = second[len(local_b) : second.rindex(b"PK\x05\x06")]
    start_b = len(local_a) + len(hidden)
    central_b = central_b[:42] + struct.pack("<I", start_b) + central_b[46:]
    directory = central_a + central_b
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 2, 2, len(directory), start_b + len(local_b), 0)
    archive = _read(local_a + hidden + local_b + directory + end)
    assert [member.name for member in archive.members] == ["a", "b"]
    assert any("belong to no member" in problem.en for problem in archive.problems)


def test_two_end_records() -> None:
    inner = PLAIN
    fake = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 0, 0, 0, 0, 0)
    outer = inner[:-2] + struct.pack("<H", len(fake)) + fake
    assert "has two directories" in _tricks(outer)


def test_members_that_overlap() -> None:
    content = _zip(("a", b"1" * 100), ("b", b"2" * 100))
    second = content.rindex(b"PK\x01\x02")
    overlapping = content[: second + 42] + bytes(4) + content[second + 46 :]
    assert "two members share the same bytes" in _tricks(overlapping)


def test_bombs_are_not_unpacked() -> None:
    content = _zip(("a", bytes(70 * 1024 * 1024)), method=zipfile.ZIP_DEFLATED)
    archive = _read(content)
    assert [construct.kind for construct in archive.constructs] == ["resource-bomb"]
    assert archive.members == []


def test_a_member_that_unpacks_to_more_than_declared() -> None:
    content = _zip(("a", b"x" * 5000), method=zipfile.ZIP_DEFLATED)
    lying = content.replace(struct.pack("<I", 5000), struct.pack("<I", 10))
    assert _tricks(lying) == ["a member does not unpack to its declared size"]


def test_unknown_methods_are_not_understood() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a", b"alpha")
    assert any("method 14" in problem.en for problem in _read(stream.getvalue()).problems)


def test_zip64_record_that_differs() -> None:
    content = bytearray(_wide_end(PLAIN))
    record = bytes(content).index(b"PK\x06\x06")
    content[record + 32] = 1
    archive = _read(bytes(content))
    assert any("differ" in construct.what.en for construct in archive.constructs)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_raise(content: bytes) -> None:
    _read(content)
    _read(content + PLAIN[PLAIN.index(b"PK\x01\x02") :])
    has_zip_directory(memoryview(content))


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(PLAIN) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_changed_archive_is_never_clean_with_other_content(changes: list[tuple[int, int]]) -> None:
    changed = bytearray(_wide_end(PLAIN))
    for position, byte in changes:
        changed[position] = byte
    archive = _read(bytes(changed))
    if not archive.constructs and not archive.problems:
        contents = sorted(bytes(member.data) for member in archive.members)
        assert contents == [b"alpha", b"x" * 1000]
