"""A system once opened is known by its digest, and a file that changes afterwards is noticed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from tests.system.described import write_system
from touchstone.canonical import digest_of
from touchstone.errors import ArtifactError, DescriptionError
from touchstone.standard.applicability import applies
from touchstone.system.references import normal
from touchstone.system.subject import open_system


def test_every_file_is_hashed_and_named_by_its_bytes(tmp_path: Path) -> None:
    subject = open_system(write_system(tmp_path))
    assert [file.path for file in subject.files] == ["model.onnx", "notes/plan.md", "test.csv"]
    for file in subject.files:
        content = (tmp_path / file.path).read_bytes()
        assert (file.size, file.digest) == (len(content), digest_of(content))
    assert subject.record("test.csv").format == "csv"
    assert subject.read("./test.csv") == (tmp_path / "test.csv").read_bytes()
    assert subject.locate("notes//plan.md") == (tmp_path / "notes" / "plan.md").resolve()


def test_a_file_larger_than_one_chunk(tmp_path: Path) -> None:
    path = write_system(tmp_path)
    content = os.urandom(1024) * 3 * 1024 + b"end"
    (tmp_path / "model.onnx").write_bytes(content)
    record = open_system(path).record("model.onnx")
    assert (record.size, record.digest) == (len(content), "sha256:" + hashlib.sha256(content).hexdigest())


def test_the_folder_or_its_description_open_the_same_system(tmp_path: Path) -> None:
    path = write_system(tmp_path)
    assert open_system(path) == open_system(tmp_path)


def test_the_digest_is_the_same_wherever_the_system_lies_and_whatever_the_comments_say(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    here = write_system(tmp_path / "here")
    there = write_system(tmp_path / "there", ("synthetic: true", "synthetic: true  # really\n"), ("1.5", "1.50"))
    assert open_system(here).digest == open_system(there).digest


def test_the_digest_is_stable_across_releases(tmp_path: Path) -> None:
    """Recorded from this system; a change here makes every issued certificate point at nothing."""
    assert (
        open_system(write_system(tmp_path)).digest
        == "sha256:d9a6aec8ac6337d1a9e3e5e042a15404df383f34db608017047cc92a49831091"
    )


@pytest.mark.parametrize(
    "change", [("1.5", "1.5000000001"), ("pump-watch", "pump-watcher"), ("[a, b]", "[b, a]"), ("false", "true")]
)
def test_the_digest_follows_the_description(tmp_path: Path, change: tuple[str, str]) -> None:
    before = open_system(write_system(tmp_path)).digest
    assert open_system(write_system(tmp_path, change)).digest != before


def test_the_digest_follows_every_file(tmp_path: Path) -> None:
    path = write_system(tmp_path)
    before = open_system(path).digest
    (tmp_path / "notes" / "plan.md").write_text("# another plan\n")
    assert open_system(path).digest != before


def test_a_digest_that_the_supplier_recorded_and_that_differs_does_not_prevent_opening(tmp_path: Path) -> None:
    path = write_system(tmp_path, ("target: y", f"target: y\n    sha256: '{'0' * 64}'"))
    assert open_system(path).record("test.csv").digest != "sha256:" + "0" * 64


def test_a_file_that_changed_is_named(tmp_path: Path) -> None:
    subject = open_system(write_system(tmp_path))
    (tmp_path / "test.csv").write_text("a,b,y\n9,9,yes\n0.1,0,no\n\n")
    (tmp_path / "model.onnx").unlink()
    for asked in (subject.read, subject.locate):
        with pytest.raises(ArtifactError, match=r"test\.csv: changed since"):
            asked("test.csv")
        with pytest.raises(ArtifactError, match=r"model\.onnx: does not exist"):
            asked("model.onnx")


def test_a_file_that_became_a_link_to_elsewhere_is_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "system"
    folder.mkdir()
    subject = open_system(write_system(folder))
    (folder / "test.csv").rename(tmp_path / "test.csv")
    (folder / "test.csv").symlink_to("../test.csv")
    with pytest.raises(ArtifactError, match="leads out"):
        subject.read("test.csv")


@pytest.mark.parametrize("path", ["system.yaml", "../x", "/etc/passwd", "nothing", ""])
def test_only_files_of_the_system_are_given_out(tmp_path: Path, path: str) -> None:
    subject = open_system(write_system(tmp_path))
    with pytest.raises(ArtifactError):
        subject.read(path)


def test_links_inside_the_folder_are_followed_and_their_content_is_hashed(tmp_path: Path) -> None:
    path = write_system(tmp_path)
    plain = open_system(path)
    (tmp_path / "model.onnx").rename(tmp_path / "v1.onnx")
    (tmp_path / "model.onnx").symlink_to("v1.onnx")
    assert open_system(path) == plain


IMAGES = (
    ("kind: tabular", "kind: image"),
    ("columns: [a, b]", "shape: [1, 8, 8]"),
    ("path: test.csv", "path: pictures"),
    ("format: csv", "format: image-folder"),
    ("    target: y\n", ""),
)


def test_all_files_below_an_image_folder_belong_to_the_system(tmp_path: Path) -> None:
    path = write_system(tmp_path, *IMAGES)
    for name in ("yes/2.png", "yes/1.png", "no/1.png", "no/.hidden"):
        file = tmp_path / "pictures" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    subject = open_system(path)
    below = [file.path for file in subject.below("pictures/")]
    assert below == ["pictures/no/.hidden", "pictures/no/1.png", "pictures/yes/1.png", "pictures/yes/2.png"]
    assert subject.read("pictures/yes/2.png") == b"yes/2.png"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("link to a folder", "is a link to a directory"),
        ("link out", "leads out of the system's folder"),
        ("loop", "leads back to itself"),
        ("pipe", "pipe, socket or device"),
        ("name", "unprintable name"),
        ("file", "not a folder of images"),
    ],
)
def test_what_may_not_lie_in_an_image_folder(tmp_path: Path, kind: str, said: str) -> None:
    path = write_system(tmp_path, *IMAGES)
    folder = tmp_path / "pictures"
    if kind == "file":
        folder.write_text("not a folder")
    else:
        folder.mkdir()
        (folder / "1.png").write_bytes(b"x")
    if kind == "link to a folder":
        (folder / "again").symlink_to(".")
    elif kind == "link out":
        (folder / "2.png").symlink_to("/etc/hostname")
    elif kind == "loop":
        (folder / "2.png").symlink_to("2.png")
    elif kind == "pipe":
        os.mkfifo(folder / "2.png")
    elif kind == "name":
        (folder / "a\x1b[31m.png").write_bytes(b"x")
    with pytest.raises(DescriptionError) as caught:
        open_system(path)
    assert said in caught.value.what.en
    assert "\x1b" not in caught.value.render("zh")


def test_facts_that_the_description_shows_and_those_it_declares(tmp_path: Path) -> None:
    facts = open_system(write_system(tmp_path)).facts
    assert facts == {"model.task": "classification", "input.modality": "tabular", "data.personal": False}
    path = write_system(
        tmp_path,
        ("data.personal: false", "input.modality: multimodal"),
        ("target: y", "target: y\n    sensitive: [b]\n    site: b"),
        ("documents:", "deployment: {edge_devices: [{name: x, kind: camera}]}\ndocuments:"),
    )
    facts = open_system(path).facts
    assert facts == {
        "model.task": "classification",
        "input.modality": ["tabular", "multimodal"],
        "deploy.edge_devices": True,
        "data.sites_declared": True,
        "data.groups_declared": True,
    }


@pytest.mark.parametrize("declared", ["other", "[]", "[other, agent]", "unknown"])
def test_what_the_model_does_cannot_be_declared_away(tmp_path: Path, declared: str) -> None:
    """Another word for the task must not end every control of models with that task."""
    facts = open_system(
        write_system(tmp_path, ("data.personal: false", f"model.task: {declared}\n  input.modality: {declared}"))
    ).facts
    assert applies("model.task in [classification, detection]", {}, facts) == "true"
    assert applies("not input.modality == tabular", {}, facts) == "false"


def test_data_are_read_once(tmp_path: Path) -> None:
    subject = open_system(write_system(tmp_path))
    assert len(subject.data("test")) == 2
    (tmp_path / "test.csv").unlink()
    assert subject.data("test") is subject.data("test")


@pytest.mark.parametrize(("written", "path"), [("a", "a"), ("./a//b/", "a/b"), ("a b/ü", "a b/ü")])
def test_one_spelling_for_one_path(written: str, path: str) -> None:
    assert normal(written) == path
