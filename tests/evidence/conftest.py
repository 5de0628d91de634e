"""One laboratory and one good output folder for all tests of the room."""

from pathlib import Path

import pytest

from tests.evidence.made import Laboratory


@pytest.fixture(scope="session")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    return Laboratory.in_folder(tmp_path_factory.mktemp("laboratory"))


@pytest.fixture(scope="session")
def good(laboratory: Laboratory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A passed assessment, complete. Tests copy it before they change it."""
    return laboratory.assess(tmp_path_factory.mktemp("good") / "out", zipped=True)
