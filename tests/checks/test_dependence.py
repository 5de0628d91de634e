"""What a check is found to depend on holds at least everything that it asks a system for when it runs."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.checks.running import InProcessRun
from tests.system import onnx_writer as onnx
from tests.system.made import data_set, describe, make
from touchstone.checks.declaration import Check, Measurement, Needs, Parameters, Run, check
from touchstone.checks.dependence import ANY_FILE, affected, inputs_of
from touchstone.checks.registry import installed_checks
from touchstone.errors import UserError
from touchstone.system.parts import parts_of_file
from touchstone.system.registers.kinds import REGISTERS
from touchstone.system.subject import Subject
from touchstone.text import Text

CHECKS = installed_checks()


def table(rows: int, seed: int) -> bytes:
    generator = np.random.default_rng(seed)
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(["id", "a", "b", "sex", "y"])
    for row in range(rows):
        a, b = generator.normal(size=2)
        writer.writerow([f"{seed}-{row}", f"{a:.4f}", f"{b:.4f}", "fm"[row % 2], "yes" if a > b else "no"])
    return buffer.getvalue().encode()


def model_file() -> bytes:
    parts = [
        onnx.tensor("W", np.array([[-4, 4], [4, -4]], dtype=np.float32)),
        onnx.tensor("c", np.zeros(2, dtype=np.float32)),
    ]
    nodes = [
        onnx.node("Gemm", ["x", "W", "c"], ["z"]),
        onnx.node("Softmax", ["z"], ["p"], onnx.integer_attribute("axis", 1)),
    ]
    return onnx.model(onnx.graph(nodes, [onnx.value("x", ["n", 2])], [onnx.value("p", ["n", 2])], parts))


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    """A system with some of everything: what is asked of it is what counts, not what comes out."""
    data = {
        role: data_set(f"{role}.csv", "csv", target="y", identifier="id", sensitive=["sex"])
        for role in ("test", "train", "reference")
    }
    description = describe(
        columns=["a", "b"],
        format_="onnx",
        file="model.onnx",
        data=data,
        tensors={"input": "x", "output": "p"},
        deployed=[{"name": "edge", "format": "onnx", "file": "model.onnx"}],
        low=-5.0,
        high=5.0,
    )
    description["registers"] = {name: f"registers/{name}.yaml" for name in REGISTERS}
    description["documents"] = [{"path": "notes.txt", "controls": ["GA-01"], "title": "notes"}]
    description["components"] = [{"name": "numerics", "kind": "library"}]
    files = {f"registers/{name}.yaml": b"[]" for name in REGISTERS}
    files |= {f"{role}.csv": table(60, seed) for seed, role in enumerate(data)}
    return make(tmp_path_factory.mktemp("system"), description, files | {"model.onnx": model_file(), "notes.txt": b""})


def traced(name: str, part_of: Callable[..., set[str]], asked: set[str], depth: list[int]) -> Callable[..., Any]:
    """A method of `Subject` that notes what the check itself asked for, not what followed from that."""
    method = getattr(Subject, name)

    def ask(self: Subject, *arguments: Any) -> Any:
        if not depth[0]:
            asked.update(part_of(self, *arguments))
        depth[0] += 1
        try:
            return method(self, *arguments)
        finally:
            depth[0] -= 1

    return ask


RUN = [
    name
    for name, one in CHECKS.items()
    if not one.needs.run and (one.needs.access is None or "tabular" in one.needs.inputs)
]


@pytest.mark.parametrize("name", RUN)
def test_a_check_depends_on_all_that_it_asks_for(subject: Subject, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()
    depth = [0]
    parts_of: dict[str, Callable[..., set[str]]] = {
        "data": lambda _, role: {f"data.{role}"},
        "model": lambda _: {"model"},
        "deployed": lambda *_: {"model"},
        "register": lambda _, kind: {f"registers.{kind.register}"},
        **{each: lambda one, path: set(parts_of_file(one.description, path)) for each in ("read", "locate", "record")},
    }
    for method, part_of in parts_of.items():
        monkeypatch.setattr(Subject, method, traced(method, part_of, asked, depth))
    tested = CHECKS[name]
    with contextlib.suppress(UserError):  # asked for more than this system has
        tested.function(subject, tested.parameters(), InProcessRun())
    missing = {part for part in asked if tested.id not in affected({part}, [tested])}
    assert missing == set()


def test_what_plainly_is_no_input_is_none() -> None:
    assert "robust.corruption" in affected({"model"}, CHECKS.values())
    assert "runtime.monitor" not in affected({"model"}, CHECKS.values())
    assert "model.weak_slices" not in affected({"data.train"}, CHECKS.values())
    assert "method.contamination" in affected({"data.train"}, CHECKS.values())
    assert "supply.disruption" in affected({"components"}, CHECKS.values())
    assert "model.performance" not in affected({"components", "deployment"}, CHECKS.values())
    assert {"runtime.monitor"} == affected({"registers.alerts"}, CHECKS.values()) & {"runtime.monitor", "robust.ood"}


def test_everything_depends_on_the_declaration_and_nothing_on_nothing() -> None:
    assert affected({"declaration"}, CHECKS.values()) == set(CHECKS)
    assert affected((), CHECKS.values()) == frozenset()
    audits = {name for name, one in CHECKS.items() if one.needs.run}
    assert audits <= affected({"registers.alerts"}, CHECKS.values())


@check(
    id="elsewhere.check",
    version="1",
    title=Text("t", "题"),
    measures=Text("m", "测"),
    cannot_tell=Text("c", "不"),
    remedy=Text("r", "改"),
    threats=(),
    source="",
    needs=Needs(),
    metrics=(),
)
def of_another_package(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    subject.read(subject.description.documents[0].path)
    return Measurement(metrics=())


def without_source(one: Check) -> Check:
    def function(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
        return Measurement(metrics=())

    function.__module__ = "zlib"  # a module without a Python source
    return Check(**{name: getattr(one, name) for name in Check.__slots__} | {"function": function})


def test_checks_of_other_packages_are_looked_through_too() -> None:
    assert {ANY_FILE, "documents"} <= inputs_of(of_another_package)


def test_a_check_whose_source_cannot_be_read_depends_on_everything() -> None:
    hidden = without_source(of_another_package)
    for part in ("model", "data.test", "components", "deployment", "training", "documents", "registers.alerts"):
        assert affected({part}, [hidden]) == {"elsewhere.check"}
