"""Tar: what Python, GNU and old tars write is clean; what unpackers disagree on is found."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.formats.zips import zipped
from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult

TEXT = b"plain text\n"
PROGRAM = b"\x7fELF" + bytes(60)


def tarred(*members: tuple[str | tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for member, content in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def checked(block: bytes) -> bytes:
    """A header block with the checksum it should have."""
    total = sum(block[:148]) + sum(block[156:512]) + 8 * 32
    return block[:148] + b"%06o\x00 " % total + block[156:]


def changed(content: bytes, place: int, value: bytes) -> bytes:
    block = content[:512]
    return checked(block[:place] + value + block[place + len(value) :]) + content[512:]


def scan(content: bytes) -> FileResult:
    return scan_bytes(content, "f.tar")


def rules(content: bytes) -> list[str]:
    return [finding.rule for finding in scan(content).findings]


PLAIN = tarred(("a.txt", TEXT), ("b/c.txt", TEXT * 100))
END = bytes(1024)
BODY = PLAIN[: PLAIN.index(b"b/c.txt") + 512 + 1536]
"""The members without the end of the archive."""


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        tarred(("x" * 300 + ".txt", TEXT)),
        tarred(("x" * 300 + ".txt", TEXT), form=tarfile.GNU_FORMAT),
        tarred(("d/" * 70 + "a.txt", TEXT), form=tarfile.USTAR_FORMAT),
        tarred(("名.txt", TEXT)),
        tarred((special("d", tarfile.DIRTYPE), b""), ("d/a.txt", TEXT)),
        tarred((special("./", tarfile.DIRTYPE), b""), ("./a.txt", TEXT)),
        tarred(("data.zip", zipped(("a.txt", TEXT)))),
        tarred(),
        BODY,
    ],
    ids=["pax", "long", "gnu", "prefix", "utf8", "folder", "dot", "zip", "empty", "no end"],
)
def test_ordinary_archives_are_clean(content: bytes) -> None:
    result = scan(content)
    assert (result.findings, result.gaps) == ((), ()) or (content == tarred() and result.format != "tar")


def test_archives_from_before_posix_are_recognised_by_their_checksum() -> None:
    old = checked(PLAIN[:257] + bytes(255)) + PLAIN[512:]
    result = scan(old)
    assert (result.format, result.verdict) == ("tar", "clean")


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,8}(/[a-z]{1,120}\.txt)?", fullmatch=True), st.text("ab \n"), max_size=5),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
)
def test_what_the_standard_library_writes_is_clean(members: dict[str, str], form: int) -> None:
    content = tarred(("first.txt", TEXT), *((name, text.encode()) for name, text in members.items()), form=form)
    assert scan(content).verdict == "clean"


@pytest.mark.parametrize(
    ("member", "rule"),
    [
        (tarfile.TarInfo("../x"), "archive/escaping-name"),
        (tarfile.TarInfo("/etc/x"), "archive/escaping-name"),
        (special("a/link", tarfile.SYMTYPE, "../../x"), "archive/escaping-link"),
        (special("link", tarfile.SYMTYPE, "/etc/passwd"), "archive/escaping-link"),
        (special("a/link", tarfile.SYMTYPE, "../x"), "archive/link"),
        (special("a/link", tarfile.LNKTYPE, "../x"), "archive/escaping-link"),
        (special("a/link", tarfile.LNKTYPE, "x"), "archive/link"),
        (special("null", tarfile.CHRTYPE), "archive/device"),
        (special("pipe", tarfile.FIFOTYPE), "archive/device"),
    ],
)
def test_members_that_reach_out(member: tarfile.TarInfo, rule: str) -> None:
    assert rules(tarred((member, b""))) == [rule]


def test_permissions_that_go_beyond() -> None:
    info = tarfile.TarInfo("a.txt")
    info.mode = 0o6755
    assert rules(tarred((info, TEXT))) == ["archive/set-user-id"]


def test_links_inside_the_archive_are_only_mentioned() -> None:
    assert scan(tarred(("x", TEXT), (special("a/link", tarfile.SYMTYPE, "../x"), b""))).verdict == "clean"


def test_duplicates() -> None:
    assert rules(tarred(("a.txt", TEXT), ("./a.txt", TEXT), ("A.TXT", TEXT))) == []
    assert rules(tarred(("a.txt", TEXT), ("a.txt", TEXT))) == ["archive/duplicate-name"]


def test_members_behind_the_end() -> None:
    hidden = tarred(("evil.so", PROGRAM))
    for separation in (bytes(512), END, bytes(5120)):
        assert set(rules(BODY + separation + hidden)) == {"tar/hidden-members", "programs/native-code"}


def test_members_behind_a_damaged_header() -> None:
    content = BODY + b"\x01" * 512 + tarred(("evil.so", PROGRAM))
    assert {"tar/hidden-bytes", "tar/hidden-members", "programs/native-code"} <= set(rules(content))


def test_bytes_behind_the_end() -> None:
    assert set(rules(BODY + END + PROGRAM)) == {"tar/hidden-bytes", "programs/native-code"}


def test_a_member_with_two_sizes() -> None:
    """CVE-2025-62518: pax records give a size, the header gives zero."""
    info = tarfile.TarInfo("inner.tar")
    info.pax_headers = {"size": "2048"}
    content = tarred((info, tarred(("evil.so", PROGRAM))[:2048]))
    header = content.rindex(b"inner.tar")
    zeroed = content[:header] + changed(content[header:], 124, b"00000000000\x00")
    assert {"tar/two-sizes", "programs/native-code"} <= set(rules(zeroed))


def test_a_folder_with_a_size() -> None:
    content = tarred((special("d", tarfile.DIRTYPE), b""), ("a.txt", TEXT))
    assert "tar/two-sizes" in rules(changed(content, 124, b"00000001000\x00"))


@pytest.mark.parametrize(
    "content",
    [
        changed(PLAIN, 156, b"S"),
        changed(PLAIN, 156, b"Z"),
        PLAIN[:520],
        PLAIN[:1024] + b"\x01" + PLAIN[1025:],
        changed(PLAIN, 124, b"77777777777\x00"),
        changed(PLAIN, 124, b"\x80" + b"\xff" * 11),
        tarred((special("x", b"x"), b"no records")),
        tarred((special("x", b"L"), b"n" * (2**20 + 1))),
    ],
    ids=["sparse", "unknown kind", "cut off", "bad checksum", "too long", "too long binary", "bad pax", "long name"],
)
def test_what_is_not_understood_is_a_gap(content: bytes) -> None:
    result = scan(content)
    assert result.gaps
    assert "reader" not in [gap.code for gap in result.gaps]


def test_a_zip_archive_across_members() -> None:
    archive = zipped(("evil.so", PROGRAM))
    whole = tarred(("a.bin", archive))
    assert "file/also-archive" not in rules(whole)
    split = tarred(("a.txt", TEXT), ("b.txt", TEXT))[:2048] + archive
    assert "file/also-archive" in rules(split)


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (("model_config.yaml", "weights.txt"), "nemo"),
        (("pickle", "storages", "tensors", "sys_info"), "torch-tar"),
        (("oci-layout", "index.json", "blobs/a"), "oci-image"),
    ],
)
def test_kinds_of_archives(names: tuple[str, ...], kind: str) -> None:
    assert scan(tarred(*((name, b"a: 1\n") for name in names))).format == kind


def _random(changes: Callable[[bytearray], None]) -> bytes:
    content = bytearray(tarred(("evil.so", PROGRAM), ("b.txt", TEXT), form=tarfile.GNU_FORMAT))
    changes(content)
    return bytes(content)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2559), st.integers(0, 255)), min_size=1, max_size=4))
def test_changed_bytes_never_fail_the_reader(changes: list[tuple[int, int]]) -> None:
    def change(content: bytearray) -> None:
        for place, value in changes:
            content[place] = value

    assert "reader" not in [gap.code for gap in scan(_random(change)).gaps]


def test_no_single_changed_header_byte_makes_an_archive_with_a_program_clean() -> None:
    for place in range(512):
        for value in (0, 0xFF, ord("0"), ord("7")):
            result = scan(_random(lambda content, place=place, value=value: content.__setitem__(place, value)))
            assert result.verdict != "clean", (place, value)
