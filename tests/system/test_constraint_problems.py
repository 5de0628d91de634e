"""What an attacker can change has to fit together, and fit the table."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.system.described import write_system
from tests.system.test_consistency import IMAGES
from touchstone.errors import DescriptionError
from touchstone.system.consistency import consistency_problems
from touchstone.system.description import InputSpecification, SystemDescription
from touchstone.system.loading import load_description
from touchstone.system.problem import dotted

CONSTRAINTS: dict[str, Any] = {
    "columns": {
        "age": {"kind": "integer", "may": "rise", "reach": 10, "cost": 2},
        "income": {"kind": "continuous", "low": 0, "step": 100, "cost": 0.01, "unit": "CNY"},
        "rating": {"kind": "ordinal", "low": 1, "high": 5},
        "owner": {"kind": "binary"},
    },
    "one_hot": [{"name": "occupation", "columns": ["clerk", "manager"], "cost": 5}],
    "rules": ["debt <= 0.5 * income"],
    "budget": 20,
}
TABLE: dict[str, Any] = {
    **{key: IMAGES[key] for key in ("schema", "system")},
    "model": {
        "format": "skops",
        "access": "artefact",
        "file": "m.skops",
        "input": {
            "kind": "tabular",
            "columns": ["age", "income", "debt", "rating", "owner", "clerk", "manager"],
            "constraints": CONSTRAINTS,
        },
        "output": {"kind": "probabilities", "labels": ["no", "yes"]},
    },
}


def problems_with(change: dict[str, Any], **columns: dict[str, Any]) -> list[tuple[str, str]]:
    raw = copy.deepcopy(TABLE)
    raw["model"]["input"]["constraints"] |= change
    for name, values in columns.items():
        raw["model"]["input"]["constraints"]["columns"].setdefault(name, {"kind": "continuous"}).update(values)
    found = list(consistency_problems(SystemDescription.model_validate(raw)))
    assert all(problem.what.zh != problem.what.en for problem in found)
    return [(dotted(problem.at).removeprefix("model.input.constraints"), problem.what.en) for problem in found]


def test_constraints_that_fit() -> None:
    assert problems_with({}) == []


@pytest.mark.parametrize(
    ("change", "columns", "at", "said"),
    [
        ({"columns": {}, "one_hot": []}, {}, "", "lets nothing be changed"),
        ({}, {"incme": {}}, ".columns.incme", "is not one of the model's columns"),
        ({}, {"income": {"high": 0}}, ".columns.income.low", "not below high"),
        ({}, {"owner": {"high": 1}}, ".columns.owner.high", "does not belong to a column of kind binary"),
        ({}, {"rating": {"step": 2}}, ".columns.rating.step", "does not belong to a column of kind ordinal"),
        ({}, {"rating": {"low": None}}, ".columns.rating.low", "first and a last level"),
        ({}, {"age": {"step": 0.5}}, ".columns.age.step", "no whole number"),
        ({}, {"clerk": {}}, ".one_hot[0].columns[0]", "constrained twice"),
        ({"one_hot": [{"name": "o", "columns": ["clerk", "clerk"]}]}, {}, ".one_hot[0].columns[1]", "twice"),
        ({"one_hot": [{"name": "o", "columns": ["clerk", "x"]}]}, {}, ".one_hot[0].columns[1]", "is not one of"),
        ({"rules": ["debt <= 1", "debt < income"]}, {}, ".rules[1]", "cannot be read"),
        ({"rules": ["depts <= income"]}, {}, ".rules[0]", "'depts' is not one of"),
    ],
)
def test_constraints_that_do_not_fit(
    change: dict[str, Any], columns: dict[str, dict[str, Any]], at: str, said: str
) -> None:
    ((place, what),) = problems_with(change, **columns)
    assert place == at
    assert said in what


def test_a_budget_without_costs_limits_nothing() -> None:
    ((at, what),) = problems_with({"columns": {"income": {"kind": "continuous"}}, "one_hot": []})
    assert (at, what) == (".budget", "limits nothing: no change costs anything")


def test_constraints_are_for_tables() -> None:
    raw = copy.deepcopy(IMAGES)
    raw["model"]["input"]["constraints"] = {"columns": {"a": {"kind": "binary"}}}
    (problem,) = consistency_problems(SystemDescription.model_validate(raw))
    assert problem.what.en == "does not belong to image input"


def test_a_description_without_constraints_keeps_its_digest() -> None:
    """The digest is taken over the dump; the field came after the first edition."""
    without = InputSpecification(kind="tabular", columns=["a"])
    assert "constraints" not in without.model_dump(mode="json")
    assert set(without.model_dump(mode="json")) == {"kind", "columns", "shape", "layout", "low", "high", "tensor"}


def test_read_from_a_file_and_named_where_they_are_wrong(tmp_path: Path) -> None:
    written = "high: 1.5\n    constraints:\n      columns:\n        a: {kind: continuous, reach: 2, cost: 1}"
    path = write_system(tmp_path, ("high: 1.5", written + "\n      rules: [a <= b + 1]\n      budget: 3"))
    constraints = load_description(path)[0].model.input.constraints
    assert constraints is not None
    assert constraints.columns["a"].reach == 2
    (tmp_path / "again").mkdir()
    wrong = write_system(tmp_path / "again", ("high: 1.5", written.replace("continuous", "wavy")))
    with pytest.raises(DescriptionError, match=r"columns\.a\.kind: expected one of continuous, integer"):
        load_description(wrong)
