"""Every file is found, in one order; what is no file, or leads elsewhere, is said and never opened."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from touchstone.scan.walk import LINK_OUT, LINK_TO_FOLDER, ScanError, Walked, shown_path, still_the_same, walk


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "sub" / ".hidden").mkdir(parents=True)
    for name in ("b.bin", "a.bin", ".dot", "sub/c.bin", "sub/.hidden/d.bin", "sub.bin"):
        (folder / name).write_bytes(name.encode())
    return folder


def shown(walked: Walked) -> list[str]:
    return [place.shown for place in walked.places]


def refused(walked: Walked) -> dict[str, tuple[list[str], list[str]]]:
    return {
        file.path: ([finding.rule for finding in file.findings], [gap.code for gap in file.gaps])
        for file in walked.refused
    }


def test_hidden_files_are_files_and_the_order_is_that_of_the_paths(model: Path) -> None:
    assert shown(walk([model])) == [".dot", "a.bin", "b.bin", "sub/.hidden/d.bin", "sub/c.bin", "sub.bin"]


def test_a_file_named_alone_has_its_name_and_several_have_their_paths(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(model.parent)
    assert shown(walk(["model/a.bin"])) == ["a.bin"]
    assert shown(walk(["model/a.bin", "./model/sub"])) == [
        "model/a.bin",
        "model/sub/.hidden/d.bin",
        "model/sub/c.bin",
    ]


def test_what_is_named_twice_is_listed_once(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(model)
    assert shown(walk(["sub", "sub/c.bin", "./sub/"])) == ["sub/.hidden/d.bin", "sub/c.bin"]


def test_links_inside_are_followed_and_links_out_are_findings(model: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (model / "inside").symlink_to("sub/c.bin")
    (model / "outside").symlink_to("../secret")
    (model / "absolute").symlink_to(tmp_path / "secret")
    (model / "folder").symlink_to("sub")
    (model / "broken").symlink_to("nowhere")
    (model / "loop").symlink_to("loop")
    walked = walk([model])
    followed = next(place for place in walked.places if place.shown == "inside")
    assert Path(followed.path) == model / "sub" / "c.bin"
    assert refused(walked) == {
        "absolute": ([LINK_OUT.id], ["unopened"]),
        "outside": ([LINK_OUT.id], ["unopened"]),
        "folder": ([LINK_TO_FOLDER.id], []),
        "broken": ([], ["unopened"]),
        "loop": ([], ["unopened"]),
    }


def test_a_link_through_a_folder_that_leads_out_is_no_way_out(model: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.bin").write_bytes(b"x")
    (model / "way").symlink_to("../elsewhere")
    (model / "x").symlink_to("way/x.bin")
    walked = walk([model])
    assert {"x", "way"} <= refused(walked).keys()
    assert not [place for place in walked.places if "elsewhere" in place.path]


def test_the_layout_of_the_hugging_face_cache_is_followed(tmp_path: Path) -> None:
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "0ff1ce"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    (blobs / "aa").write_bytes(b"weights")
    (snapshot / "model.bin").symlink_to("../../blobs/aa")
    walked = walk([snapshot])
    assert (shown(walked), walked.refused) == (["model.bin"], [])


def test_pipes_and_sockets_are_never_opened(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(model / "pipe")
    monkeypatch.chdir(model)  # the path of a socket may not be long
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert refused(walk([model])) == {"pipe": ([], ["unopened"]), "socket": ([], ["unopened"])}


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may enter any folder")
def test_a_folder_that_may_not_be_entered_is_a_gap(model: Path) -> None:
    (model / "sub").chmod(0)
    try:
        assert refused(walk([model])) == {"sub/": ([], ["unopened"])}
    finally:
        (model / "sub").chmod(0o755)


def test_wrong_paths(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").mkdir()
    for paths in ([], ["/no/such/path"], [tmp_path / "pipe"], [tmp_path / "empty"], ["/dev/null"], ["a\0b"]):
        with pytest.raises(ScanError):
            walk(paths)


def test_names_are_shown_safely_and_differ_when_the_files_do(tmp_path: Path) -> None:
    names = ["\x1b[31mred", "new\nline", "\u202egnp.exe", "a!b", "a\\x21b", "模型.bin", os.fsdecode(b"\xff")]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    found = shown(walk([tmp_path]))
    assert sorted(found) == sorted(map(shown_path, names))
    assert len(set(found)) == len(names)
    assert all(name.isprintable() and "!" not in name for name in found)
    assert "模型.bin" in found


def test_a_file_that_is_replaced_is_another_one(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"one")
    (place,) = walk([file]).places
    assert still_the_same(place)
    (tmp_path / "y").write_bytes(b"two")
    (tmp_path / "y").rename(file)
    assert not still_the_same(place)
    file.unlink()
    assert not still_the_same(place)
