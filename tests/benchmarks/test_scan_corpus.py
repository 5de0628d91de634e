"""The hostile corpus is what its manifest says, and none of it passes for clean."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from touchstone.scan.file import scan_bytes

HERE = Path(__file__).parents[2] / "benchmarks" / "scan_corpus"

QUICK = (
    "hostile_pickle_calls",
    "hostile_pickle_names",
    "hostile_pickle_places",
    "hostile_numpy",
    "hostile_torch",
    "hostile_torch_programs",
    "hostile_zip",
    "hostile_nested",
    "hostile_keras",
    "hostile_onnx",
    "hostile_gguf",
    "hostile_graphs",
    "hostile_weights",
    "hostile_text",
)
"""Families whose units take no time to make: not those with bombs of 256 MiB."""


@pytest.fixture(autouse=True)
def _corpus_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))


def units(family: str) -> list[Any]:
    return list(import_module(family).units())


def alarms(data: bytes, name: str) -> bool:
    result = scan_bytes(data, name)
    return any(f.nature != "information" and f.severity in {"critical", "high"} for f in result.findings)


@pytest.mark.parametrize("family", QUICK)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_units_are_distinct_and_the_same_every_time(family: str) -> None:
    first, second = units(family), units(family)
    assert first == second
    assert len({unit.path for unit in first}) == len(first)
    for unit in first:
        paths = [unit.path, *(() if isinstance(unit.data, bytes) else unit.data)]
        assert not any(path.startswith("/") or ".." in path.split("/") for path in paths)


@pytest.mark.parametrize("family", QUICK)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_unit_that_must_be_caught_is_clean(family: str) -> None:
    code = [unit for unit in units(family) if unit.kind == "code" and isinstance(unit.data, bytes)]
    assert [unit.path for unit in code if scan_bytes(unit.data, Path(unit.path).name).verdict == "clean"] == []


@pytest.mark.parametrize("family", [family for family in QUICK if "pickle" in family or family == "hostile_nested"])
def test_every_hostile_pickle_is_an_alarm(family: str) -> None:
    code = [unit for unit in units(family) if unit.kind == "code" and unit.pickle_family]
    assert len(code) > 20
    assert [unit.path for unit in code if not alarms(unit.data, Path(unit.path).name)] == []


@pytest.mark.parametrize("seed", range(3))
def test_every_drawn_pickle_is_an_alarm(seed: int) -> None:
    mixed = import_module("hostile_mixed")
    lot = mixed.Lot(seed)
    drawn = [mixed.drawn(lot, number) for number in range(60)]
    assert [unit.threat for unit in drawn if not alarms(unit.data, unit.path)] == []


def test_mutants_differ_from_their_file_only_by_the_call() -> None:
    mutations = import_module("hostile_mutations")
    benign = import_module("hostile_opcodes").stream(b"]", protocol=4)
    made = dict(mutations.mutants(benign, "pickle", import_module("hostile_mixed").Lot(1)))
    assert set(made) == {"start", "middle", "end", "second-stream", "broken-tail", "frame-straddle"}
    assert all(b"getpid" in mutant and mutant != benign for mutant in made.values())
    assert [way for way, mutant in made.items() if not alarms(mutant, "a.pkl")] == []
