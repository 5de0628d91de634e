"""Where the files of a system are, and where they may not be."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.files import FileError
from touchstone.system.references import files_below, normal, resolve


@given(st.text(st.sampled_from("a./\\:Cé \0"), max_size=12))
def test_a_normal_path_stays_below_its_folder_and_is_its_own_normal_form(path: str) -> None:
    try:
        found = normal(path)
    except FileError:
        return
    parts = PurePosixPath(found).parts
    assert not found.startswith("/")
    assert ".." not in parts
    assert normal(found) == found


@given(st.text(st.sampled_from("ab./"), max_size=10))
def test_no_path_resolves_outside(tmp_path_factory: pytest.TempPathFactory, path: str) -> None:
    root = tmp_path_factory.getbasetemp().resolve() / "inside"
    (root / "a").mkdir(parents=True, exist_ok=True)
    (root / "a" / "b").touch()
    try:
        assert resolve(root, path) == root / "a" / "b"
    except FileError:
        return


def test_too_many_files_are_refused_before_they_are_all_listed(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / "pictures" / str(number)).mkdir(parents=True)
        (tmp_path / "pictures" / str(number) / "1.png").touch()
    assert len(files_below(tmp_path.resolve(), "pictures", most=4)) == 4
    with pytest.raises(FileError, match="more than"):
        files_below(tmp_path.resolve(), "pictures", most=3)
