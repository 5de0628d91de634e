"""Copies that go without restricted entries: the digest stays, withheld is stated, missing is refused."""

from pathlib import Path

import pytest

from touchstone.canonical import digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence.bundle import Bundle, BundleWriter, attach, pack
from touchstone.evidence.delivery import write_files
from touchstone.evidence.image import REDACTION_TYPE, Redaction, Withheld
from touchstone.evidence.layout import BLOBS
from touchstone.evidence.redaction import REDACTION, redacted

JSON = "application/json"
ROWS = "exhibits/rows.csv"
COUNTS = "exhibits/counts.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with BundleWriter(tmp_path / "evidence") as bundle:
        bundle.add("profile.json", JSON, b"1", role="profile")
        bundle.add("exhibits/public.json", JSON, b"2", role="exhibit")
        bundle.add(ROWS, "text/csv", b"name,age\nli,3\n", role="exhibit", disclosure="restricted")
        bundle.add(COUNTS, JSON, b"[3]", role="exhibit", disclosure="restricted")
    attach(tmp_path / "evidence", JSON, b'"signed"', "application/vnd.in-toto+json", name="plan.dsse.json")
    return tmp_path / "evidence"


def copy_without(folder: Path, *withhold: str, name: str = "copy") -> Path:
    write_files(redacted(Bundle.open(folder), withhold), folder.with_name(name))
    return folder.with_name(name)


def blob_of(folder: Path, content: bytes) -> Path:
    return folder / BLOBS / digest_of(content).removeprefix("sha256:")


@pytest.mark.parametrize("name", ["copy", "copy.zip", "copy.tar"])
def test_a_copy_has_the_same_digest_and_says_what_it_goes_without(folder: Path, name: str) -> None:
    whole, copy = Bundle.open(folder), Bundle.open(copy_without(folder, ROWS, name=name))
    assert copy.manifest_digest == whole.manifest_digest
    assert copy.check() == ()
    assert [entry.name for entry in copy.withheld] == [ROWS]
    assert copy.entries == whole.entries
    assert copy.read(COUNTS) == b"[3]"
    with pytest.raises(EvidenceError, match="was withheld"):
        copy.read(ROWS)
    assert [item.name for item in copy.attachments] == ["plan.dsse.json", REDACTION]
    assert whole.withheld == ()


def test_the_content_is_not_in_the_copy(folder: Path) -> None:
    copy = copy_without(folder, ROWS, name="copy.zip")
    assert b"li,3" in pack(folder)
    assert b"li,3" not in copy.read_bytes()


def test_a_role_means_its_restricted_entries(folder: Path) -> None:
    copy = Bundle.open(copy_without(folder, "exhibit"))
    assert [entry.name for entry in copy.withheld] == [COUNTS, ROWS]
    assert copy.read("exhibits/public.json") == b"2"


def test_a_copy_of_a_copy_goes_without_both(folder: Path) -> None:
    again = copy_without(copy_without(folder, ROWS), COUNTS, name="again")
    assert pack(again) == pack(copy_without(folder, "exhibit", name="at-once"))


def test_redacting_twice_gives_the_same_bytes(folder: Path) -> None:
    assert redacted(Bundle.open(folder), [ROWS, COUNTS]) == redacted(Bundle.open(folder), ["exhibit"])


@pytest.mark.parametrize(
    ("withhold", "message"),
    [
        ("profile", "is public"),
        ("exhibits/public.json", "is public"),
        ("no-such-thing", "neither an entry nor a role"),
    ],
)
def test_only_what_is_restricted_can_be_withheld(folder: Path, withhold: str, message: str) -> None:
    with pytest.raises(EvidenceError, match=message) as error:
        redacted(Bundle.open(folder), [withhold])
    assert error.value.remedy is not None
    assert ROWS in error.value.remedy.en


def test_content_that_stays_elsewhere_cannot_be_withheld(tmp_path: Path) -> None:
    with BundleWriter(tmp_path / "evidence") as bundle:
        bundle.add("a.json", JSON, b"[1]", role="facts")
        bundle.add("b.json", JSON, b"[1]", role="exhibit", disclosure="restricted")
    with pytest.raises(EvidenceError, match=r"same content as a\.json"):
        redacted(Bundle.open(tmp_path / "evidence"), ["exhibit"])


def test_what_is_absent_without_a_declaration_is_missing(folder: Path) -> None:
    blob_of(folder, b"[3]").unlink()
    (problem,) = Bundle.open(folder).check()
    assert problem.names == (COUNTS,)
    assert Bundle.open(folder).withheld == ()


def test_what_is_absent_beyond_the_declaration_is_missing(folder: Path) -> None:
    copy = copy_without(folder, ROWS)
    blob_of(copy, b"[3]").unlink()
    (problem,) = Bundle.open(copy).check()
    assert problem.names == (COUNTS,)
    assert [entry.name for entry in Bundle.open(copy).withheld] == [ROWS]


def test_nobody_can_declare_a_public_entry_withheld(folder: Path) -> None:
    lie = Redaction(withheld=(Withheld(name="profile.json", digest=digest_of(b"1")),))
    attach(folder, JSON, lie.to_bytes(), REDACTION_TYPE, name=REDACTION)
    blob_of(folder, b"1").unlink()
    bundle = Bundle.open(folder)
    assert bundle.withheld == ()
    assert {problem.names for problem in bundle.check()} == {("profile.json",)}
    assert any("does not call restricted" in problem.text.en for problem in bundle.check())


def test_a_declaration_must_name_the_very_content(folder: Path) -> None:
    lie = Redaction(withheld=(Withheld(name=ROWS, digest=digest_of(b"1")),))
    attach(folder, JSON, lie.to_bytes(), REDACTION_TYPE, name=REDACTION)
    assert Bundle.open(folder).check() != ()


def test_changed_bytes_of_a_redacted_copy_are_refused_and_named(folder: Path) -> None:
    copy = copy_without(folder, ROWS)
    for file in sorted(path for path in copy.rglob("*") if path.is_file()):
        original = file.read_bytes()
        for position in range(0, len(original), 3):
            changed = bytearray(original)
            changed[position] ^= 1 << (position % 8)
            file.write_bytes(changed)
            try:
                named = [problem.file for problem in Bundle.open(copy, "copy").check()]
            except EvidenceError as error:
                named = [error.where or ""]
            assert f"copy/{file.relative_to(copy)}" in named, (file.name, position, named)
        file.write_bytes(original)


def test_what_is_damaged_is_not_copied(folder: Path) -> None:
    blob_of(folder, b"2").write_bytes(b"3")
    with pytest.raises(EvidenceError, match="was changed"):
        redacted(Bundle.open(folder), [ROWS])


def test_nothing_is_overwritten(folder: Path) -> None:
    for name in ("copy", "copy.zip"):
        folder.with_name(name).touch()
        with pytest.raises(EvidenceError, match="exists already"):
            copy_without(folder, ROWS, name=name)
        assert folder.with_name(name).read_bytes() == b""
