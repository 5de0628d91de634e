"""The scripts make the shipped data again, byte for byte."""

import csv
import shutil
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.examples.scripts import EXAMPLES, load_script


def made_again(path: str, folder: Path) -> ModuleType:
    """The script at `path`, made to write below a copy of its folder that holds no data."""
    original = EXAMPLES / Path(path).parent
    copy = folder / original.name
    shutil.copytree(original, copy, ignore=shutil.ignore_patterns("*.csv", "*.npz", "*.skops", "__pycache__"))
    script = load_script(path)
    script.HERE = copy
    return script


@pytest.mark.parametrize("path", ["healthcare/make_progression.py", "manufacturing/make_pumps.py"])
def test_tables_come_out_the_same(path: str, tmp_path: Path) -> None:
    script = made_again(path, tmp_path)
    script.write_data()
    for name in ("data/train.csv", "data/test.csv", "system.yaml"):
        assert (script.HERE / name).read_bytes() == (EXAMPLES / Path(path).parent / name).read_bytes()


def test_halves_of_the_patients_are_balanced() -> None:
    counts = []
    for name in ("train", "test"):
        with (EXAMPLES / "healthcare" / "data" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        counts.append([sum(row["progression"] == "high" and row["sex"] == sex for row in rows) for sex in "12"])
        assert len(rows) == 221
    assert np.abs(np.subtract(*counts)).max() <= 2


def test_planted_pickle_would_run_a_command_and_is_shipped_as_made() -> None:
    import pickletools

    script = load_script("manufacturing/make_pumps.py")
    planted = script.planted_pickle()
    assert planted == (EXAMPLES / "manufacturing" / "model" / "preprocessing.pkl").read_bytes()
    operations = [(opcode.name, argument) for opcode, argument, _ in pickletools.genops(planted)]
    assert ("GLOBAL", "os system") in operations
    assert "REDUCE" in dict(operations)
    assert any(isinstance(argument, str) and ".example/" in argument for _, argument in operations)
