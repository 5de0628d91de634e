"""The bundle: same inputs, same bytes; and no byte, file, link or archive trick goes unnoticed."""

import io
import os
import shutil
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.canonical import digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence.archives import TAR_END, Form, tar_header
from touchstone.evidence.bundle import Bundle, BundleWriter, Problem, attach, pack
from touchstone.evidence.image import Attachment, Entry, EntryAnnotations, Index, Manifest
from touchstone.evidence.layout import BLOBS, INDEX, OCI_LAYOUT

JSON = "application/json"


def write(folder: Path, *, started: bytes = b'"now"', turned: bool = False) -> str:
    """A small bundle; `turned`: its entries are added in another order."""
    contents = [
        ("facts.json", b"[]", "facts"),
        ("exhibit/rows.csv", b"a,b\n1,2\n", "exhibit"),
        ("z.json", b"[]", "plan"),
    ]
    writer = BundleWriter(folder)
    for name, content, role in reversed(contents) if turned else contents:
        writer.add(name, JSON, content, role=role)
    writer.add("execution/check.json", JSON, started, role="execution", volatile=True)
    return writer.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bundle with one attachment."""
    write(tmp_path / "evidence")
    attach(tmp_path / "evidence", JSON, b'{"signed":1}', "application/vnd.in-toto+json", name="plan.dsse.json")
    return tmp_path / "evidence"


@pytest.fixture
def packed(folder: Path) -> Path:
    path = folder.with_name("evidence.zip")
    path.write_bytes(pack(folder))
    return path


@pytest.fixture
def tarred(folder: Path) -> Path:
    path = folder.with_name("evidence.tar")
    path.write_bytes(pack(folder, "tar"))
    return path


def manifest_of(folder: Path) -> Path:
    """The blob that is the evidence manifest."""
    return folder / BLOBS / Bundle.open(folder).manifest_digest.removeprefix("sha256:")


def problems(path: Path) -> list[Problem]:
    """All problems, also those that keep the bundle from opening at all."""
    try:
        return list(Bundle.open(path, "evidence").check())
    except EvidenceError as error:
        return [Problem(error.where or "", (), error.what)]


def blob_of(folder: Path, content: bytes) -> Path:
    return folder / BLOBS / digest_of(content).removeprefix("sha256:")


def test_reads_back_what_was_written(folder: Path, packed: Path, tarred: Path) -> None:
    for path in (folder, packed, tarred):
        bundle = Bundle.open(path)
        names = [entry.name for entry in bundle.entries]
        assert names == ["execution/check.json", "exhibit/rows.csv", "facts.json", "z.json"]
        assert bundle.read("exhibit/rows.csv") == b"a,b\n1,2\n"
        assert bundle.read_role("facts") == b"[]"
        assert [(item.name, bundle.read_attached(item)) for item in bundle.attachments] == [
            ("plan.dsse.json", b'{"signed":1}')
        ]
        assert [entry.name for entry in bundle.with_role("execution")] == ["execution/check.json"]
        assert bundle.check() == ()
    digests = {Bundle.open(path).manifest_digest for path in (folder, packed, tarred)}
    assert digests == {digest_of(manifest_of(folder).read_bytes())}


def test_equal_contents_share_a_blob(tmp_path: Path) -> None:
    write(tmp_path / "evidence")
    entries, manifest, config = 3, 1, 1
    assert len(list((tmp_path / "evidence" / BLOBS).iterdir())) == entries + manifest + config


def test_two_runs_differ_only_in_what_is_volatile(tmp_path: Path) -> None:
    first = write(tmp_path / "first", started=b'"monday"')
    second = write(tmp_path / "second", started=b'"tuesday"', turned=True)
    one, two = Bundle.open(tmp_path / "first").manifest, Bundle.open(tmp_path / "second").manifest
    assert first != second
    assert one.reproducible == two.reproducible
    assert [entry for entry in one.layers if not entry.volatile] == [
        entry for entry in two.layers if not entry.volatile
    ]


@pytest.mark.parametrize("form", ["zip", "tar"])
def test_a_packed_bundle_is_the_same_bytes_every_time(tmp_path: Path, form: Form) -> None:
    write(tmp_path / "one")
    write(tmp_path / "two", turned=True)
    for file in (tmp_path / "two").rglob("*"):
        os.utime(file, (0, 0))
    assert pack(tmp_path / "one", form) == pack(tmp_path / "two", form)


def test_archives_are_plain_to_the_standard_library(folder: Path, packed: Path, tarred: Path) -> None:
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with zipfile.ZipFile(packed) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == files
        assert archive.namelist() == sorted(archive.namelist())
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    with tarfile.open(tarred, "r:") as tar:
        found = {member.name: tar.extractfile(member) for member in tar}
        assert {name: file.read() for name, file in found.items() if file is not None} == files
        assert {(member.mtime, member.mode, member.uid) for member in tar} == {(0, 0o644, 0)}


def test_nothing_is_left_of_a_bundle_that_failed(tmp_path: Path) -> None:
    def fail() -> None:
        with BundleWriter(tmp_path / "evidence") as bundle:
            bundle.add("facts.json", JSON, b"{}", role="facts")
            raise RuntimeError("the run was stopped")

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_evidence_is_never_overwritten(folder: Path) -> None:
    before = (folder / INDEX).read_bytes()
    with pytest.raises(EvidenceError, match="never overwritten"):
        BundleWriter(folder)
    assert (folder / INDEX).read_bytes() == before


@pytest.mark.parametrize("name", ["", "../x", "/x", "a//b", "a/../b", ".hidden", "a b", "a\\b", "C:x", "x" * 300, "日"])
def test_a_name_is_plain(tmp_path: Path, name: str) -> None:
    writer = BundleWriter(tmp_path / "evidence")
    with pytest.raises(ValueError, match="title"):
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


def test_every_changed_byte_of_a_folder_is_refused_and_named(folder: Path) -> None:
    """Without any signature, but for what only the digest of the manifest covers: that is signed."""
    known, manifest = Bundle.open(folder).manifest_digest, manifest_of(folder)
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        original = file.read_bytes()
        for position in range(len(original)):
            changed = bytearray(original)
            changed[position] ^= 1 << (position % 8)
            file.write_bytes(changed)
            found = [problem.file for problem in problems(folder)]
            assert f"evidence/{file.relative_to(folder)}" in found, (file.name, position, found)
            if file == manifest:
                assert found == [f"evidence/{manifest.relative_to(folder)}"]
        file.write_bytes(original)
    assert problems(folder) == []
    assert Bundle.open(folder).manifest_digest == known


EVERY_BYTE = [
    ("zip", 7),
    ("tar", 17),
    pytest.param("zip", 1, marks=pytest.mark.slow),
    pytest.param("tar", 1, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("form", "step"), EVERY_BYTE)
def test_every_changed_byte_of_an_archive_is_noticed(folder: Path, form: Form, step: int) -> None:
    original = pack(folder, form)
    archive = folder.with_name(f"evidence.{form}")
    for position in range(0, len(original), step):
        changed = bytearray(original)
        changed[position] ^= 1 << (position % 8)
        archive.write_bytes(changed)
        found = problems(archive)
        assert found, position
        assert all(problem.file.startswith("evidence") for problem in found)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(["zip", "tar"]))
def test_every_truncation_and_insertion_in_an_archive_is_noticed(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, form: Form
) -> None:
    folder = tmp_path_factory.mktemp("archive")
    write(folder / "evidence")
    original = pack(folder / "evidence", form)
    cut = data.draw(st.integers(0, len(original)))
    inserted = data.draw(st.binary(max_size=30))
    changed = original[:cut] + inserted + original[data.draw(st.integers(cut, min(len(original), cut + 40))) :]
    archive = folder / f"evidence.{form}"
    archive.write_bytes(changed)
    assert bool(problems(archive)) == (changed != original)


def test_a_changed_blob_is_named_for_people(folder: Path) -> None:
    blob_of(folder, b"a,b\n1,2\n").write_bytes(b"a,b\n1,3\n")
    (problem,) = problems(folder)
    assert problem.names == ("exhibit/rows.csv",)
    assert digest_of(b"a,b\n1,2\n") in problem.text.en
    assert digest_of(b"a,b\n1,3\n") in problem.text.zh
    with pytest.raises(EvidenceError, match=r"exhibit/rows\.csv.*was changed"):
        Bundle.open(folder).read("exhibit/rows.csv")


def test_a_shared_blob_names_all_its_entries(folder: Path) -> None:
    blob_of(folder, b"[]").unlink()
    (problem,) = problems(folder)
    assert problem.names == ("facts.json", "z.json")


Change = Callable[[Path], None]
CHANGES: dict[str, tuple[Change, str]] = {
    "blob missing": (lambda folder: blob_of(folder, b"[]").unlink(), BLOBS),
    "blob grown": (lambda folder: blob_of(folder, b"[]").write_bytes(b"[]" * 9), "larger"),
    "index missing": (lambda folder: (folder / INDEX).unlink(), INDEX),
    "index in other spelling": (
        lambda folder: (folder / INDEX).write_bytes((folder / INDEX).read_bytes() + b"\n"),
        "canonical",
    ),
    "mark of the layout missing": (lambda folder: (folder / OCI_LAYOUT).unlink(), OCI_LAYOUT),
    "manifest missing": (lambda folder: manifest_of(folder).unlink(), "which is missing"),
    "configuration missing": (lambda folder: blob_of(folder, b"{}").unlink(), "does not exist"),
    "attachment missing": (lambda folder: blob_of(folder, b'{"signed":1}').unlink(), "does not exist"),
    "unknown blob": (lambda folder: blob_of(folder, b"new").write_bytes(b"new"), "not listed"),
    "unknown file": (lambda folder: (folder / "notes.txt").touch(), "notes.txt"),
    "unknown folder": (lambda folder: (folder / "blobs" / "md5").mkdir(), "blobs/md5"),
    "unknown link": (lambda folder: (folder / "link").symlink_to("/"), "link"),
    "blob is a link": (lambda folder: _move_behind_link(blob_of(folder, b"[]")), "is a link"),
    "index is a link": (lambda folder: _move_behind_link(folder / INDEX), "is a link"),
    "manifest is a link": (lambda folder: _move_behind_link(manifest_of(folder)), "is a link"),
    "blobs are behind a link": (lambda folder: _move_behind_link(folder / "blobs"), "behind a link"),
    "blob is a pipe": (lambda folder: _replace_by_pipe(blob_of(folder, b"[]")), "pipe"),
    "blob is a folder": (lambda folder: _replace_by_folder(blob_of(folder, b"[]")), "directory"),
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


def substitute(folder: Path, manifest: Manifest) -> None:
    """Put another evidence manifest in place, with the index that belongs to it."""
    (folder / BLOBS / manifest.descriptor.digest.removeprefix("sha256:")).write_bytes(manifest.to_bytes())
    (folder / INDEX).write_bytes(Index.of(manifest.descriptor, ()).to_bytes())


def test_a_manifest_must_be_true_to_itself(folder: Path) -> None:
    manifest = Bundle.open(folder).manifest
    first, *rest = manifest.layers
    larger = Entry(
        media_type=first.media_type,
        digest=first.digest,
        size=first.size + 1,
        annotations=EntryAnnotations(title="zz", role=first.role, disclosure="public", volatile="false"),
    )
    lies = {
        "by name": manifest.model_copy(update={"layers": manifest.layers[::-1]}),
        "same name twice": manifest.model_copy(update={"layers": (first, first, *rest)}),
        "two sizes": manifest.model_copy(update={"layers": (*manifest.layers, larger)}),
        "not theirs": manifest.model_copy(update={"layers": manifest.layers[:-1]}),
    }
    for message, lie in lies.items():
        substitute(folder, lie)
        with pytest.raises(EvidenceError, match=message):
            Bundle.open(folder)


def test_what_is_volatile_is_known_by_the_manifest_alone(folder: Path) -> None:
    """A manifest may lie about a volatile entry without contradicting itself; its digest, which is signed, may not."""
    before = Bundle.open(folder).manifest
    volatile, *rest = before.layers
    substitute(folder, before.model_copy(update={"layers": (volatile.model_copy(update={"size": 1}), *rest)}))
    assert Bundle.open(folder).manifest_digest != before.descriptor.digest


def test_attaching_changes_no_evidence(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    digest = write(folder)
    signed = "application/vnd.in-toto+json"
    first = attach(folder, JSON, b"1", signed, name="b.json")
    attach(folder, JSON, b"2", signed, name="a.json")
    before = pack(folder)
    assert attach(folder, JSON, b"1", signed, name="b.json") == first
    assert pack(folder) == before
    bundle = Bundle.open(folder)
    assert bundle.check() == ()
    assert bundle.manifest_digest == digest
    assert [(item.name, item.artifact_type, item.subject.digest) for item in bundle.attachments] == [
        ("a.json", signed, digest),
        ("b.json", signed, digest),
    ]


def test_what_is_attached_to_other_evidence_is_refused(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    write(one)
    write(other, started=b'"later"')
    digest = attach(other, JSON, b"1", "application/vnd.in-toto+json", name="plan.dsse.json")
    for content in (b"1", (other / BLOBS / digest.removeprefix("sha256:")).read_bytes()):
        blob_of(one, content).write_bytes(content)
    evidence = Bundle.open(one).manifest.descriptor
    (one / INDEX).write_bytes(Index.of(evidence, Bundle.open(other).attachments).to_bytes())
    assert any("attached to other evidence" in problem.text.en for problem in problems(one))


def test_an_attachment_listed_twice_is_refused(folder: Path) -> None:
    bundle = Bundle.open(folder)
    (folder / INDEX).write_bytes(Index.of(bundle.manifest.descriptor, bundle.attachments * 2).to_bytes())
    assert [problem.file for problem in problems(folder)] == [f"evidence/{INDEX}"]


@pytest.mark.parametrize("size", [1, 3, 2**40])
def test_an_attachment_that_lies_about_its_size_is_refused(folder: Path, size: int) -> None:
    """Its content is a blob of the evidence too, whose size is right there."""
    evidence = Bundle.open(folder).manifest.descriptor
    truth = Attachment.of(evidence, "x.json", JSON, b"[]", "application/vnd.example.note.v1+json")
    lie = truth.model_copy(update={"layers": (truth.content.model_copy(update={"size": size}),)})
    (folder / lie.blob).write_bytes(lie.to_bytes())
    (folder / INDEX).write_bytes(Index.of(evidence, (*Bundle.open(folder).attachments, lie)).to_bytes())
    assert any("x.json" in problem.names for problem in problems(folder))


def test_an_attachment_taken_off_leaves_traces(folder: Path) -> None:
    (folder / INDEX).write_bytes(Index.of(Bundle.open(folder).manifest.descriptor, ()).to_bytes())
    assert {problem.text.en for problem in problems(folder)} == {"is not listed in any manifest"}


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
        archive.writestr(INDEX, b"{}")


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
    blob_of(folder, b"[]").write_bytes(b"{}")
    with pytest.raises(EvidenceError, match="was changed"):
        pack(folder)


def test_no_bundle_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="neither a folder nor a file"):
        Bundle.open(tmp_path / "nowhere")
    with pytest.raises(EvidenceError, match=INDEX):
        Bundle.open(tmp_path)


def retarred(tarred: Path, edit: Callable[[tarfile.TarFile, dict[str, bytes]], None]) -> None:
    """Write the tar again with the members as `edit` wants them."""
    with tarfile.open(tarred) as archive:
        contents = {member.name: file.read() for member in archive if (file := archive.extractfile(member))}
    with tarfile.open(tarred, "w") as archive:
        edit(archive, contents)


def _every(archive: tarfile.TarFile, contents: dict[str, bytes], **attributes: int | str) -> None:
    for name, content in contents.items():
        member = tarfile.TarInfo(name)
        member.size = len(content)
        for attribute, value in attributes.items():
            setattr(member, attribute, value)
        archive.addfile(member, io.BytesIO(content))


def _every_twice(archive: tarfile.TarFile, contents: dict[str, bytes]) -> None:
    _every(archive, contents)
    _every(archive, contents)


def _with_member(**attributes: int | str | bytes) -> Callable[[tarfile.TarFile, dict[str, bytes]], None]:
    def edit(archive: tarfile.TarFile, contents: dict[str, bytes]) -> None:
        _every(archive, contents)
        member = tarfile.TarInfo("blobs/sha256/" + "0" * 64)
        for attribute, value in attributes.items():
            setattr(member, attribute, value)
        archive.addfile(member)

    return edit


TAR_TRICKS: dict[str, Callable[[tarfile.TarFile, dict[str, bytes]], None]] = {
    "longer padding at the end": _every,
    "dated": lambda archive, contents: _every(archive, contents, mtime=1),
    "owned": lambda archive, contents: _every(archive, contents, uname="root"),
    "duplicate member": _every_twice,
    "path escape": _with_member(name="../../escaped"),
    "link": _with_member(type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "hard link": _with_member(type=tarfile.LNKTYPE, linkname="index.json"),
    "device": _with_member(type=tarfile.CHRTYPE, devmajor=1, devminor=3),
    "sparse file": _with_member(type=tarfile.GNUTYPE_SPARSE),
    "long name": _with_member(name="blobs/sha256/" + "0" * 300),
    "empty": lambda archive, contents: None,
}


@pytest.mark.parametrize("trick", TAR_TRICKS.values(), ids=TAR_TRICKS)
def test_tar_tricks_are_refused(tarred: Path, trick: Callable[[tarfile.TarFile, dict[str, bytes]], None]) -> None:
    retarred(tarred, trick)
    assert problems(tarred)
    assert not (tarred.parent.parent / "escaped").exists()


def test_a_tar_that_claims_more_than_it_holds_is_refused(tarred: Path) -> None:
    for size in (2**33 - 1, 4096):
        tarred.write_bytes(tar_header(INDEX, size))
        assert "not a tar file as Touchstone packs it" in problems(tarred)[0].text.en


def test_members_of_a_tar_in_another_order_are_refused(folder: Path, tarred: Path) -> None:
    original = tarred.read_bytes()
    with tarfile.open(tarred) as archive:
        last = archive.getmembers()[-1].offset
    end = len(original) - len(TAR_END)
    tarred.write_bytes(original[last:end] + original[:last] + original[end:])
    assert "byte form" in problems(tarred)[0].text.en
