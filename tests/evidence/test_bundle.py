"""The bundle: same inputs, same bytes; and no byte, file, link or zip trick goes unnoticed."""

import io
import os
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.canonical import digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence.bundle import Bundle, BundleWriter, Problem, pack
from touchstone.evidence.layout import BLOBS, MANIFEST

JSON = "application/json"


def write(folder: Path, *, started: bytes = b'"now"', turned: bool = False) -> str:
    """A small bundle; `turned`: its entries are added in another order."""
    contents = [
        ("facts.json", b"{}", "facts"),
        ("exhibit/rows.csv", b"a,b\n1,2\n", "exhibit"),
        ("z.json", b"{}", "plan"),
    ]
    writer = BundleWriter(folder)
    for name, content, role in reversed(contents) if turned else contents:
        writer.add(name, JSON, content, role=role)
    writer.add("execution/check.json", JSON, started, role="execution", volatile=True)
    return writer.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "evidence")
    return tmp_path / "evidence"


@pytest.fixture
def packed(folder: Path) -> Path:
    path = folder.with_name("evidence.zip")
    path.write_bytes(pack(folder))
    return path


def problems(path: Path) -> list[Problem]:
    """All problems, also those that keep the bundle from opening at all."""
    try:
        return list(Bundle.open(path, "evidence").check())
    except EvidenceError as error:
        return [Problem(error.where or "", (), error.what)]


def blob_of(folder: Path, content: bytes) -> Path:
    return folder / BLOBS / digest_of(content).removeprefix("sha256:")


def test_reads_back_what_was_written(folder: Path, packed: Path) -> None:
    for path in (folder, packed):
        bundle = Bundle.open(path)
        names = [entry.name for entry in bundle.entries]
        assert names == ["execution/check.json", "exhibit/rows.csv", "facts.json", "z.json"]
        assert bundle.read("exhibit/rows.csv") == b"a,b\n1,2\n"
        assert bundle.read_role("facts") == b"{}"
        assert [entry.name for entry in bundle.with_role("execution")] == ["execution/check.json"]
        assert bundle.check() == ()
    assert Bundle.open(folder).manifest_digest == Bundle.open(packed).manifest_digest


def test_equal_contents_share_a_blob(folder: Path) -> None:
    assert len(list((folder / BLOBS).iterdir())) == 3


def test_two_runs_differ_only_in_what_is_volatile(tmp_path: Path) -> None:
    first = write(tmp_path / "first", started=b'"monday"')
    second = write(tmp_path / "second", started=b'"tuesday"', turned=True)
    one, two = Bundle.open(tmp_path / "first").manifest, Bundle.open(tmp_path / "second").manifest
    assert first != second
    assert one.reproducible == two.reproducible
    assert one.entries == two.entries


def test_a_packed_bundle_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    write(tmp_path / "one")
    write(tmp_path / "two", turned=True)
    for file in (tmp_path / "two").rglob("*"):
        os.utime(file, (0, 0))
    data = pack(tmp_path / "one")
    assert data == pack(tmp_path / "two")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(archive.namelist())
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_nothing_is_left_of_a_bundle_that_failed(tmp_path: Path) -> None:
    def fail() -> None:
        with BundleWriter(tmp_path / "evidence") as bundle:
            bundle.add("facts.json", JSON, b"{}", role="facts")
            raise RuntimeError("the run was stopped")

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_evidence_is_never_overwritten(folder: Path) -> None:
    before = (folder / MANIFEST).read_bytes()
    with pytest.raises(EvidenceError, match="never overwritten"):
        BundleWriter(folder)
    assert (folder / MANIFEST).read_bytes() == before


@pytest.mark.parametrize("name", ["", "../x", "/x", "a//b", "a/../b", ".hidden", "a b", "a\\b", "C:x", "x" * 300, "日"])
def test_a_name_is_plain(tmp_path: Path, name: str) -> None:
    writer = BundleWriter(tmp_path / "evidence")
    with pytest.raises(ValueError, match="name"):
        writer.add(name, JSON, b"", role="facts")
    writer.discard()


def test_a_name_is_used_once(tmp_path: Path) -> None:
    writer = BundleWriter(tmp_path / "evidence")
    writer.add("a", JSON, b"1", role="facts")
    with pytest.raises(ValueError, match="exists already"):
        writer.add("a", JSON, b"2", role="facts")
    writer.discard()


def test_asking_for_what_is_not_there_is_a_clear_error(folder: Path) -> None:
    bundle = Bundle.open(folder)
    with pytest.raises(EvidenceError, match="does not list an entry 'nothing'"):
        bundle.read("nothing")
    with pytest.raises(EvidenceError, match="0 entries of role 'profile'"):
        bundle.read_role("profile")


def test_every_changed_byte_of_a_folder_is_noticed_and_named(folder: Path) -> None:
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        original = file.read_bytes()
        for position in range(len(original)):
            changed = bytearray(original)
            changed[position] ^= 1 << (position % 8)
            file.write_bytes(changed)
            found = [problem.file for problem in problems(folder)]
            if file.name == MANIFEST:  # what it says of a volatile entry only its own digest, which is signed, covers
                assert found or Bundle.open(folder).manifest_digest != digest_of(original), position
            else:
                assert found == [f"evidence/{file.relative_to(folder)}"], position
        file.write_bytes(original)
    assert problems(folder) == []


def test_every_changed_byte_of_a_zip_is_noticed(packed: Path) -> None:
    original = packed.read_bytes()
    for position in range(len(original)):
        changed = bytearray(original)
        changed[position] ^= 1 << (position % 8)
        packed.write_bytes(changed)
        found = problems(packed)
        assert found, position
        assert all(problem.file.startswith("evidence") for problem in found)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_truncation_and_insertion_in_a_zip_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("zip")
    write(folder / "evidence")
    original = pack(folder / "evidence")
    cut = data.draw(st.integers(0, len(original)))
    inserted = data.draw(st.binary(max_size=30))
    changed = original[:cut] + inserted + original[data.draw(st.integers(cut, min(len(original), cut + 40))) :]
    (folder / "evidence.zip").write_bytes(changed)
    assert bool(problems(folder / "evidence.zip")) == (changed != original)


def test_a_changed_blob_is_named_for_people(folder: Path) -> None:
    blob_of(folder, b"a,b\n1,2\n").write_bytes(b"a,b\n1,3\n")
    (problem,) = problems(folder)
    assert problem.names == ("exhibit/rows.csv",)
    assert digest_of(b"a,b\n1,2\n") in problem.text.en
    assert digest_of(b"a,b\n1,3\n") in problem.text.zh
    with pytest.raises(EvidenceError, match=r"exhibit/rows\.csv.*was changed"):
        Bundle.open(folder).read("exhibit/rows.csv")


def test_a_shared_blob_names_all_its_entries(folder: Path) -> None:
    blob_of(folder, b"{}").unlink()
    (problem,) = problems(folder)
    assert problem.names == ("facts.json", "z.json")


Change = Callable[[Path], None]
CHANGES: dict[str, tuple[Change, str]] = {
    "blob missing": (lambda folder: blob_of(folder, b"{}").unlink(), BLOBS),
    "blob grown": (lambda folder: blob_of(folder, b"{}").write_bytes(b"{}" * 9), "larger"),
    "manifest missing": (lambda folder: (folder / MANIFEST).unlink(), MANIFEST),
    "manifest in other spelling": (
        lambda folder: (folder / MANIFEST).write_bytes((folder / MANIFEST).read_bytes() + b"\n"),
        "canonical",
    ),
    "unknown blob": (lambda folder: blob_of(folder, b"new").write_bytes(b"new"), "not listed"),
    "unknown file": (lambda folder: (folder / "notes.txt").touch(), "notes.txt"),
    "unknown folder": (lambda folder: (folder / "blobs" / "md5").mkdir(), "blobs/md5"),
    "unknown link": (lambda folder: (folder / "link").symlink_to("/"), "link"),
    "blob is a link": (lambda folder: _move_behind_link(blob_of(folder, b"{}")), "is a link"),
    "manifest is a link": (lambda folder: _move_behind_link(folder / MANIFEST), "is a link"),
    "blobs are behind a link": (lambda folder: _move_behind_link(folder / "blobs"), "behind a link"),
    "blob is a pipe": (lambda folder: _replace_by_pipe(blob_of(folder, b"{}")), "pipe"),
    "blob is a folder": (lambda folder: _replace_by_folder(blob_of(folder, b"{}")), "directory"),
}


def _move_behind_link(path: Path) -> None:
    elsewhere = path.parents[len(path.parts) - path.parts.index("evidence") - 1] / path.name
    shutil.move(path, elsewhere)
    path.symlink_to(elsewhere)


def _replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(("change", "named"), CHANGES.values(), ids=CHANGES)
def test_every_other_change_of_a_folder_is_noticed(folder: Path, change: Change, named: str) -> None:
    change(folder)
    found = problems(folder)
    assert any(named in f"{problem.file} {problem.text.en}" for problem in found), found


def test_a_manifest_must_be_true_to_itself(folder: Path) -> None:
    manifest = Bundle.open(folder).manifest
    first, *rest = manifest.entries
    lies = {
        "by name": manifest.model_copy(update={"entries": manifest.entries[::-1]}),
        "same name twice": manifest.model_copy(update={"volatile": (first,)}),
        "two sizes": manifest.model_copy(
            update={"volatile": (first.model_copy(update={"name": "other", "size": first.size + 1}),)}
        ),
        "not theirs": manifest.model_copy(update={"entries": tuple(rest)}),
    }
    for message, lie in lies.items():
        (folder / MANIFEST).write_bytes(lie.to_bytes())
        with pytest.raises(EvidenceError, match=message):
            Bundle.open(folder)


def rezipped(packed: Path, edit: Callable[[zipfile.ZipFile, dict[str, bytes]], None]) -> None:
    """Write the zip again with the members as `edit` wants them."""
    with zipfile.ZipFile(packed) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(packed, "w") as archive:
        edit(archive, contents)


def _all(archive: zipfile.ZipFile, contents: dict[str, bytes], **options: int) -> None:
    for name, content in contents.items():
        archive.writestr(zipfile.ZipInfo(name), content, **options)


def _twice(archive: zipfile.ZipFile, contents: dict[str, bytes]) -> None:
    _all(archive, contents)
    with pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(MANIFEST, b"{}")


def _bomb(archive: zipfile.ZipFile, contents: dict[str, bytes]) -> None:
    _all(archive, contents)
    archive.writestr(zipfile.ZipInfo("bomb"), bytes(10_000_000), zipfile.ZIP_DEFLATED)


def _escape(archive: zipfile.ZipFile, contents: dict[str, bytes]) -> None:
    _all(archive, contents)
    archive.writestr(zipfile.ZipInfo("../../escaped"), b"")


def _comment(archive: zipfile.ZipFile, contents: dict[str, bytes]) -> None:
    _all(archive, contents)
    archive.comment = b"hidden"


ZIP_TRICKS: dict[str, Callable[[zipfile.ZipFile, dict[str, bytes]], None]] = {
    "same contents, other attributes": _all,
    "compressed": lambda archive, contents: _all(archive, contents, compress_type=zipfile.ZIP_DEFLATED),
    "duplicate member": _twice,
    "bomb": _bomb,
    "path escape": _escape,
    "comment": _comment,
    "empty": lambda archive, contents: None,
}


@pytest.mark.parametrize("trick", ZIP_TRICKS.values(), ids=ZIP_TRICKS)
def test_zip_tricks_are_refused(packed: Path, trick: Callable[[zipfile.ZipFile, dict[str, bytes]], None]) -> None:
    rezipped(packed, trick)
    assert problems(packed)
    assert not (packed.parent.parent / "escaped").exists()


def test_bytes_before_and_behind_a_zip_are_refused(packed: Path) -> None:
    original = packed.read_bytes()
    for changed in (b"x" + original, original + b"x", original + bytes(22), b"", b"PK"):
        packed.write_bytes(changed)
        assert problems(packed), changed[:4]


def test_an_encrypted_member_is_refused(packed: Path) -> None:
    data = bytearray(packed.read_bytes())
    directory = data.index(b"PK\x01\x02")
    for flags in (6, directory + 8):
        data[flags] |= 1
    packed.write_bytes(data)
    assert "encrypted" in problems(packed)[0].text.en


def test_a_directory_too_large_to_trust_is_never_parsed(packed: Path) -> None:
    data = bytearray(packed.read_bytes())
    struct.pack_into("<L", data, len(data) - 10, 2**31)
    packed.write_bytes(data)
    assert "not a zip file as Touchstone packs it" in problems(packed)[0].text.en


def test_what_is_damaged_is_not_packed(folder: Path) -> None:
    blob_of(folder, b"{}").write_bytes(b"[]")
    with pytest.raises(EvidenceError, match="was changed"):
        pack(folder)


def test_no_bundle_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="neither a folder nor a file"):
        Bundle.open(tmp_path / "nowhere")
    with pytest.raises(EvidenceError, match=MANIFEST):
        Bundle.open(tmp_path)
