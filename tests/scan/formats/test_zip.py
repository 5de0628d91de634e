"""Real writers' archives are clean; each way for two unpackers to disagree is found, and nothing is hidden by it."""

from __future__ import annotations

import io
import os
import stat
import struct
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.formats.zips import CALL, NUMBER, Made, ended, made, streamed, widened, zipped
from touchstone.scan.budget import Limits
from touchstone.scan.file import scan_bytes, scan_file
from touchstone.scan.findings import FileResult

TEXT = b"plain text\n"
PROGRAM = b"\x7fELF" + bytes(60)
PLAIN = zipped(("a.txt", TEXT), ("b/c.txt", TEXT * 100), method=zipfile.ZIP_DEFLATED)
DEEPER = zipped(("inner.zip", PLAIN), ("z.txt", TEXT))


def scan(content: bytes) -> FileResult:
    return scan_bytes(content, "f.zip")


def rules(content: bytes) -> list[str]:
    return [finding.rule for finding in scan(content).findings]


def gaps(content: bytes) -> list[str]:
    return [gap.code for gap in scan(content).gaps]


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        DEEPER,
        zipped(),
        zipped(("folder/", b""), ("folder/a.txt", TEXT)),
        zipped(("a.txt", TEXT * 50), method=zipfile.ZIP_BZIP2),
        zipped(("a.txt", TEXT * 50), method=zipfile.ZIP_LZMA),
        zipped(("名.txt", TEXT)),
        streamed(("a.txt", TEXT), ("b.txt", TEXT * 9)),
        widened(PLAIN),
        made(Made(b"a.txt", TEXT, extra=b"FB\x05\x00ZZZZZ")),
        made(Made(b"a.txt", TEXT), comment=b"made by hand\n"),
        PLAIN + bytes(10240),
    ],
)
def test_ordinary_archives_are_clean(content: bytes) -> None:
    result = scan(content)
    assert (result.findings, result.gaps, result.format) == ((), (), "zip")


def test_ordinary_archives_with_wide_sizes_are_clean() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, archive.open("a.txt", "w", force_zip64=True) as member:
        member.write(TEXT)
    assert scan(stream.getvalue()).verdict == "clean"


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8}\.txt)?", fullmatch=True), st.text("ab \n"), max_size=5),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2]),
)
def test_what_the_standard_library_writes_is_clean(members: dict[str, str], method: int) -> None:
    assert scan(zipped(*((name, text.encode()) for name, text in members.items()), method=method)).verdict == "clean"


# ---- two headers


@pytest.mark.parametrize(
    ("label", "listed"),
    [
        ("name", Made(b"b.txt", TEXT)),
        ("method", Made(b"a.txt", TEXT, method=8)),
        ("flags", Made(b"a.txt", TEXT, flags=1)),
        ("checksum", Made(b"a.txt", TEXT, checksum=1)),
        ("packed size", Made(b"a.txt", TEXT, packed=3)),
        ("unpacked size", Made(b"a.txt", TEXT, unpacked=3)),
    ],
)
def test_headers_that_differ(label: str, listed: Made) -> None:
    (finding, *_) = [
        finding
        for finding in scan(made(Made(b"a.txt", TEXT, directory=listed))).findings
        if finding.rule == "zip/headers-differ"
    ]
    assert finding.shown.startswith(f"{label}: ")
    assert (finding.severity, finding.offset) == ("critical", 0)


def test_the_flag_for_utf8_matters_only_to_names_that_need_it() -> None:
    assert rules(made(Made(b"a.txt", TEXT, flags=0x800, directory=Made(b"a.txt", TEXT)))) == []
    name = "é.txt".encode()
    assert rules(made(Made(name, TEXT, flags=0x800, directory=Made(name, TEXT)))) == ["zip/headers-differ"]


def test_a_wrong_descriptor() -> None:
    content = streamed(("a.txt", TEXT))
    descriptor = content.index(b"PK\x07\x08")
    assert "zip/descriptor" in rules(content[: descriptor + 4] + bytes(4) + content[descriptor + 8 :])


def test_a_second_name_in_an_extra_field() -> None:
    def field(name: bytes) -> bytes:
        body = b"\x01" + struct.pack("<I", zlib.crc32(b"a.txt")) + name
        return struct.pack("<HH", 0x7075, len(body)) + body

    assert rules(made(Made(b"a.txt", TEXT, extra=field(b"data.pkl")))) == ["zip/two-names"]
    assert rules(made(Made(b"a.txt", TEXT, extra=field("á.txt".encode())))) == []


def test_bytes_hidden_in_padding() -> None:
    assert rules(made(Made(b"a.txt", TEXT, extra=b"FB\x06\x00secret"))) == ["zip/padding"]


def test_an_extra_field_nobody_knows_is_a_gap() -> None:
    assert gaps(made(Made(b"a.txt", TEXT, extra=b"??\x02\x00ab"))) == ["damaged"]


# ---- content


def test_a_wrong_checksum_does_not_hide_the_content() -> None:
    result = scan(made(Made(b"inner.zip", made(Made(b"../x", TEXT)), checksum=5)))
    assert {finding.rule for finding in result.findings} == {"zip/checksum", "archive/escaping-name"}


def test_a_wrong_size_does_not_hide_the_content() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(made(Made(b"../x", TEXT))) + packer.flush()
    content = made(Made(b"inner.zip", packed, method=8, unpacked=4, checksum=0))
    assert {"zip/size", "archive/escaping-name"} <= set(rules(content))


def test_bytes_after_the_compressed_data() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(TEXT) + packer.flush() + b"\x7fELF" + bytes(60)
    content = made(Made(b"a.txt", packed, method=8, unpacked=len(TEXT), checksum=zlib.crc32(TEXT)))
    assert set(rules(content)) == {"zip/size", "programs/native-code"}


@pytest.mark.parametrize(
    ("member", "code"),
    [
        (Made(b"a", TEXT, flags=1, checksum=5), "encrypted"),
        (Made(b"a", TEXT, method=99), "encrypted"),
        (Made(b"a", TEXT, method=97), "format"),
        (Made(b"a", b"\xff\xff", method=8), "damaged"),
        (Made(b"a", b"\x09\x04\x05\x00\xff\xff\xff\xff\xff", method=14), "damaged"),
    ],
)
def test_members_that_cannot_be_unpacked_are_gaps(member: Made, code: str) -> None:
    result = scan(made(member))
    assert result.verdict != "clean"
    assert code in [gap.code for gap in result.gaps]


@pytest.mark.parametrize("flag", [0x0001, 0x0040, 0x2000])
def test_a_mark_of_encryption_does_not_hide_a_member(flag: int) -> None:
    """CVE-2025-1945: PyTorch does not mind the mark, and neither its checksum."""
    assert set(rules(made(Made(b"evil.so", PROGRAM, flags=flag)))) == {"zip/false-encryption", "programs/native-code"}
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(PROGRAM) + packer.flush()
    member = Made(b"evil.so", packed, method=8, flags=flag, unpacked=len(PROGRAM), checksum=zlib.crc32(PROGRAM))
    assert set(rules(made(member))) == {"zip/false-encryption", "programs/native-code"}
    result = scan(made(Made(b"m/data.pkl", CALL, flags=flag, checksum=5)))
    assert {finding.where for finding in result.findings} == {"f.zip!m/data.pkl"}
    assert "zip/false-encryption" in [finding.rule for finding in result.findings]


def test_content_before_the_damage_is_examined() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    whole = b"\x7fELF" + bytes(60) + os.urandom(1000)
    packed = packer.compress(whole) + packer.flush()
    content = made(Made(b"a", packed[:-100], method=8, unpacked=len(whole), checksum=0))
    assert "programs/native-code" in rules(content)


# ---- names


@pytest.mark.parametrize("name", [b"../x", b"/etc/x", b"a/../../x", b"C:x", b"..\\x", b"a\\..\\..\\x"])
def test_paths_that_lead_out(name: bytes) -> None:
    assert rules(made(Made(name, TEXT))) == ["archive/escaping-name"]


@pytest.mark.parametrize(
    "name",
    [b"a\\b", b"a\x00b", b"", b"a\nb", "exe.\u202etxt".encode(), b"a/CON", b"nul/a", b"..../a", b"a. /b", b"a./b"],
)
def test_names_that_mean_different_places(name: bytes) -> None:
    assert "archive/ambiguous-name" in rules(made(Made(name, TEXT)))


@pytest.mark.parametrize(("other", "severity"), [(b"a.txt", "critical"), (b"A.TXT", "medium"), (b"./a.txt", "medium")])
def test_duplicates(other: bytes, severity: str) -> None:
    (finding,) = scan(made(Made(b"a.txt", TEXT), Made(other, TEXT))).findings
    assert (finding.rule, finding.severity) == ("archive/duplicate-name", severity)


def test_names_that_are_one_to_pytorch() -> None:
    result = scan(made(Made(b"m/data.pkl", CALL), Made(b"m/DATA.pkl", CALL)))
    assert result.format == "torch-archive"
    assert ("archive/duplicate-name", "critical") in [(finding.rule, finding.severity) for finding in result.findings]


def test_names_that_differ_in_normal_form() -> None:
    names = ("é.txt".encode(), "e\u0301.txt".encode())
    assert rules(made(*(Made(name, TEXT, flags=0x800) for name in names))) == ["archive/duplicate-name"]


@pytest.mark.parametrize(
    ("target", "rule"),
    [(b"/etc/passwd", "archive/escaping-link"), (b"../../x", "archive/escaping-link"), (b"../x", "archive/link")],
)
def test_links(target: bytes, rule: str) -> None:
    assert rules(made(Made(b"a/link", target, external=(stat.S_IFLNK | 0o777) << 16))) == [rule]


def test_devices() -> None:
    assert "archive/device" in rules(made(Made(b"a", b"", external=stat.S_IFBLK << 16)))


def test_permissions_that_go_beyond() -> None:
    assert rules(made(Made(b"a.txt", TEXT, external=(stat.S_IFREG | 0o4755) << 16))) == ["archive/set-user-id"]
    assert rules(made(Made(b"a.txt", TEXT, external=(stat.S_IFREG | 0o755) << 16))) == []


def test_a_folder_with_content() -> None:
    assert rules(made(Made(b"a/", TEXT))) == ["zip/folder-with-content"]


# ---- directories


def test_two_archives_in_one_file() -> None:
    result = scan(PLAIN + zipped(("../evil", TEXT)))
    assert {"zip/two-directories", "archive/escaping-name"} <= {finding.rule for finding in result.findings}


def test_a_second_directory_in_the_comment() -> None:
    hidden = made(Made(b"../evil", TEXT))
    found = rules(made(Made(b"a.txt", TEXT), comment=hidden))
    assert {"zip/two-directories", "archive/escaping-name"} <= set(found)


def test_an_end_record_before_the_last_one() -> None:
    content = PLAIN + ended(0, 0, 0)
    assert "zip/two-directories" in rules(content)


def test_an_end_record_that_says_the_same_again() -> None:
    content = made(Made(b"a.txt", TEXT))
    assert "zip/two-directories" in rules(content + content[content.index(b"PK\x05\x06") :])


def test_archives_in_a_row() -> None:
    """As PyTorch writes a distributed checkpoint: one archive for each tensor, all in one file."""
    one, other = made(Made(b"m/data.pkl", NUMBER)), made(Made(b"archive/data.pkl", NUMBER), Made(b"archive/x", TEXT))
    for content in (one + other, one + one + one, other + one + other):
        result = scan(content)
        assert (result.format, result.verdict) == ("torch-distributed-checkpoint", "clean")
    result = scan(one + made(Made(b"m/data.pkl", CALL)) + other)
    assert [finding.where for finding in result.findings] == [f"f.zip!archive at byte {len(one)}!m/data.pkl"]
    assert "zip/two-directories" in rules(PLAIN + PLAIN)
    assert "zip/two-directories" in rules(one + PLAIN)
    assert scan(one + b"x" + other).verdict == "unsafe"
    assert scan(one + other + b"x").verdict == "unsafe"


def test_archives_in_a_row_with_a_third_directory_in_a_member() -> None:
    """Read with offsets from the start of the file, the last end record leads into a member of the first archive."""
    second = made(Made(b"m/data.pkl", NUMBER))
    offset = second.index(b"PK\x01\x02")
    evil = made(Made(b"m/data.pkl", CALL))
    entry = evil[evil.index(b"PK\x01\x02") : evil.index(b"PK\x05\x06")]
    padding = offset - 30 - len(b"m/data/0")
    first = made(Made(b"m/data/0", bytes(padding) + entry), Made(b"m/data.pkl", NUMBER))
    assert "zip/two-directories" in rules(first + second)


def test_zip64_record_that_leads_elsewhere() -> None:
    first = made(Made(b"../evil", TEXT))
    directory = first.index(b"PK\x01\x02")
    end = first.index(b"PK\x05\x06")
    body = first[:end]
    second = made(Made(b"a.txt", TEXT), before=body)
    content = widened(second, here=1, count=1, size=end - directory, offset=directory)
    found = rules(content)
    assert {"zip/two-directories", "archive/escaping-name"} <= set(found)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_directory_with_other_entries_than_it_says(count: int) -> None:
    assert "zip/entry-count" in rules(made(Made(b"a.txt", TEXT), Made(b"b.txt", TEXT), count=count))


def test_archives_inside_archives_are_no_second_directory() -> None:
    assert rules(zipped(("a.zip", zipped(("b.zip", zipped(("c.txt", TEXT))))))) == []


def test_an_archive_without_directory_is_followed_from_its_start() -> None:
    content = made(Made(b"evil.so", b"\x7fELF" + bytes(60)))
    result = scan(content[: content.index(b"PK\x01\x02")])
    assert [finding.rule for finding in result.findings] == ["programs/native-code"]
    assert [gap.code for gap in result.gaps] == ["damaged"]


def test_an_archive_in_several_parts_is_a_gap() -> None:
    content = bytearray(PLAIN)
    end = content.rindex(b"PK\x05\x06")
    content[end + 4] = 1
    assert "absent" in gaps(bytes(content))


# ---- bytes that belong to nobody, or to two


def test_a_member_that_is_not_in_the_directory() -> None:
    hidden = made(Made(b"evil.so", b"\x7fELF" + bytes(60)))
    hidden = hidden[: hidden.index(b"PK\x01\x02")]
    assert set(rules(made(Made(b"a.txt", TEXT), before=hidden))) == {"zip/hidden-member", "programs/native-code"}
    assert set(rules(made(Made(b"a.txt", TEXT), between=hidden))) == {"zip/hidden-member", "programs/native-code"}


def test_bytes_between_members() -> None:
    assert set(rules(made(Made(b"a.txt", TEXT), between=b"\x7fELF" + bytes(60)))) == {
        "zip/hidden-bytes",
        "programs/native-code",
    }


def test_bytes_after_the_end() -> None:
    assert rules(PLAIN + b"more text\n") == ["zip/hidden-bytes"]


def test_members_that_share_bytes() -> None:
    inner = made(Made(b"b.txt", TEXT))
    inner = inner[: inner.index(b"PK\x01\x02")]
    outer = made(Made(b"a.txt", inner), Made(b"b.txt", TEXT))
    second = outer.index(b"PK\x01\x02", outer.index(b"PK\x01\x02") + 1)
    content = bytearray(outer)
    content[second + 42 : second + 46] = struct.pack("<I", 30 + len(b"a.txt"))
    assert "zip/overlap" in rules(bytes(content))


# ---- limits


def test_a_bomb() -> None:
    content = zipped(("zeros.bin", bytes(300 * 2**20)), method=zipfile.ZIP_DEFLATED)
    result = scan(content)
    assert ("archive/bomb", "high") in [(finding.rule, finding.severity) for finding in result.findings]
    assert "limit" in [gap.code for gap in result.gaps]


def test_a_member_that_shrinks_unusually_well_is_for_review() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", b"a" * (65 * 2**20))
    result = scan(stream.getvalue())
    assert [(finding.rule, finding.severity) for finding in result.findings] == [("archive/bomb", "medium")]


def test_tens_of_thousands_of_empty_members() -> None:
    content = made(*(Made(b"%d" % number, b"") for number in range(20_001)))
    assert rules(content) == ["archive/bomb"]


def test_too_many_members() -> None:
    content = zipped(*((f"{number}.txt", b"") for number in range(50)))
    result = scan_bytes(content, "f.zip", Limits(members=49))
    assert [gap.code for gap in result.gaps] == ["limit"]


def test_archives_nested_too_deeply() -> None:
    content = TEXT
    for _ in range(12):
        content = zipped(("a.zip", content))
    assert "limit" in gaps(content)
    assert "archive/bomb" in rules(content)


def test_large_stored_members_are_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "f.pt"
    size = 200 * 2**20
    name = b"m/data/0"
    head = b"PK\x03\x04\x14\x00" + struct.pack("<HHIIII", 0, 0, 0, 7, size, size) + struct.pack("<HH", len(name), 0)
    pickled = made(Made(b"m/data.pkl", b"\x80\x02K\x01."))
    pickled = pickled[: pickled.index(b"PK\x01\x02")]
    start = 30 + len(name) + size
    entries = b"PK\x01\x02\x14\x03\x14\x00" + struct.pack("<HHIIII", 0, 0, 0, 7, size, size)
    entries += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
    other = made(Made(b"m/data.pkl", b"\x80\x02K\x01."))
    entry = bytearray(other[other.index(b"PK\x01\x02") : other.index(b"PK\x05\x06")])
    entry[42:46] = struct.pack("<I", start)
    with path.open("wb") as file:
        file.write(head + name)
        file.seek(start)
        file.write(pickled)
        directory = file.tell()
        file.write(entries + entry)
        file.write(ended(2, len(entries) + len(entry), directory))
    tracemalloc.start()
    result = scan_file(path, "f.pt")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert result.format == "torch-archive"
    assert "zip/checksum" not in [finding.rule for finding in result.findings]
    assert peak < 20 * 2**20


# ---- hostile bytes


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([PLAIN, widened(DEEPER), streamed(("a.txt", TEXT))]), st.data())
def test_changed_bytes_never_fail_the_reader(content: bytes, data: st.DataObject) -> None:
    changed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    assert "reader" not in gaps(bytes(changed))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_anything_that_begins_like_an_archive_is_read_without_failing(rest: bytes) -> None:
    result = scan(b"PK\x03\x04" + rest)
    assert result.verdict != "clean"
    assert "reader" not in [gap.code for gap in result.gaps]


CARRIERS = [
    made(Made(b"a.txt", TEXT), Made(b"evil.so", PROGRAM)),
    zipped(("evil.so", PROGRAM), method=zipfile.ZIP_DEFLATED),
    streamed(("evil.so", PROGRAM)),
]


@pytest.mark.parametrize("content", CARRIERS)
def test_no_single_changed_byte_makes_an_archive_with_a_program_clean(content: bytes) -> None:
    headers = [place for place in range(len(content)) if content[max(0, place - 64) : place].rfind(PROGRAM[:8]) < 0]
    for place in headers:
        for value in {0, 0xFF, content[place] ^ 1, content[place] ^ 0x80}:
            if value != content[place]:
                changed = content[:place] + bytes((value,)) + content[place + 1 :]
                assert scan(changed).verdict != "clean", (place, value)
