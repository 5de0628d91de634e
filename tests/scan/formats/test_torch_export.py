"""Exported programs: graphs as PyTorch writes them are clean; text that it would evaluate is compared word by word."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scan.formats.zips import CALL, zipped
from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult

SPEC = '[1, {"type": "builtins.dict", "context": "[\\"o\\", \\"t\\"]", "children_spec": []}]'


def node(target: str, **more: Any) -> dict[str, Any]:
    return {"target": target, "inputs": [], "outputs": [], "metadata": {"torch_fn": "linear;builtin"}, **more}


def program(**changed: Any) -> dict[str, Any]:
    return {
        "graph_module": {
            "graph": {
                "nodes": [
                    node("torch.ops.aten.linear.default"),
                    node("torch.ops.aten.sym_size.int"),
                    node("torch.ops.higher_order.cond"),
                    node("_operator.floordiv"),
                    node("torch.sym_max"),
                ],
                "sizes": [{"as_expr": {"expr_str": "Symbol('s17', positive=True, integer=True)"}}],
            },
            "module_call_graph": [{"fqn": "", "signature": {"in_spec": SPEC, "out_spec": SPEC}}],
        },
        "range_constraints": {"s17": {"min_val": 0, "max_val": None}},
        "guards_code": ["(L['x'].size()[0] // 2) != 1", "max(1, L['y'].size()[0]) == 8"],
        **changed,
    }


def scan(document: Any, *members: tuple[str, bytes]) -> FileResult:
    model = ("m/models/model.json", json.dumps(document).encode())
    archive = zipped(("m/archive_format", b"pt2"), ("m/archive_version", b"0"), model, *members)
    return scan_bytes(archive, "m.pt2")


def facts(document: Any) -> list[tuple[str, str]]:
    return [(finding.rule, finding.shown) for finding in scan(document).findings]


def test_a_program_as_pytorch_writes_it_is_clean() -> None:
    result = scan(program(), ("m/data/weights/weight_0", bytes(range(40))), ("m/.data/version", b"6\n"))
    assert (result.format, result.findings, result.gaps) == ("torch-export", (), ())


def test_the_older_layout_is_read_alike() -> None:
    document = program(guards_code=["__import__('os').getpid()"])
    archive = zipped(("serialized_exported_program.json", json.dumps(document).encode()), ("version", b"5.1"))
    result = scan_bytes(archive, "m.pt2")
    assert result.format == "torch-export"
    assert [finding.rule for finding in result.findings] == ["torch-export/evaluated-text"]


@pytest.mark.parametrize(
    "expression",
    [
        "2*s0 + 1",
        "Max(1, s0)",
        "GreaterThan(Symbol('u0', integer=True), Integer(0))",
        "Mod(s0*zf3, 2)",
        "Piecewise(ExprCondPair(1, Eq(u0, 0)), ExprCondPair(u0, true))",
        "-int_oo",
    ],
)
def test_arithmetic_is_harmless(expression: str) -> None:
    assert facts({"sizes": [{"expr_str": expression}]}) == []


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').getpid()",
        "().__class__",
        "s0.__class__",
        "[c for c in (1,)]",
        "(lambda: 1)()",
        "f'{s0}'",
        "L['x']",
        "Symbol('s0; x')",
        "getattr(s0, 'x')",
        "s0 +",
        "s0 + 1\nprint(1)",
        "1" * 30_000,
    ],
)
def test_text_that_is_more_than_arithmetic(expression: str) -> None:
    assert [rule for rule, _ in facts({"sizes": [{"expr_str": expression}]})] == ["torch-export/evaluated-text"]
    assert [rule for rule, _ in facts(program(range_constraints={expression: {}}))] == ["torch-export/evaluated-text"]


@pytest.mark.parametrize(
    "guard",
    [
        "__import__('os').getpid()",
        "L['x'].__class__",
        "L['x\"); import os; (\"'].size()[0] == 1",
        "print(L['x'])",
        "L['x'].size()[0] == (yield)",
    ],
)
def test_guards_are_executed(guard: str) -> None:
    assert [rule for rule, _ in facts(program(guards_code=[guard]))] == ["torch-export/evaluated-text"]


@pytest.mark.parametrize(
    ("target", "rule"),
    [
        ("torch.serialization.os.getpid", "torch-export/foreign-target"),
        ("math.sin", "torch-export/foreign-target"),
        ("torch.load", "torch-export/foreign-target"),
        ("torch.ops.load_library", "torch-export/foreign-target"),
        ("my_extension", "torch-export/foreign-target"),
        ("torch.ops.aten.from_file.default", "torch/reaching-operator"),
        ("torch.ops.mine.thing.default", "torch/unreviewed-operator"),
        ("torch.ops.higher_order.triton_kernel_wrapper_mutation", "torch/unreviewed-operator"),
    ],
)
def test_targets_that_are_no_operators_of_pytorch(target: str, rule: str) -> None:
    assert [rule for rule, _ in facts({"nodes": [node(target)]})] == [rule]
    assert [rule for rule, _ in facts({"nodes": [{"arg": {"as_operator": target}}]})] == [rule]


def test_two_values_for_one_key_are_reported() -> None:
    text = json.dumps(node("torch.load")).replace('"torch.load"', '"torch.load", "target": "torch.ops.aten.add.Tensor"')
    archive = zipped(("archive_format", b"pt2"), ("models/model.json", text.encode()))
    assert [finding.rule for finding in scan_bytes(archive, "m.pt2").findings] == ["json/repeated-key"]


@pytest.mark.parametrize(
    ("context", "shown"),
    [
        ({"default_factory_module": "os", "default_factory_name": "getpid"}, "os.getpid"),
        ([{"__enum__": True, "fqn": "mine:Colour", "name": "RED"}], "mine:Colour"),
    ],
)
def test_descriptions_of_inputs_that_import(context: Any, shown: str) -> None:
    spec = json.dumps([1, {"type": "collections.defaultdict", "context": json.dumps(context), "children_spec": []}])
    assert facts({"in_spec": spec}) == [("torch-export/imports", shown)]


def test_an_ordinary_default_dictionary_is_harmless() -> None:
    context = json.dumps({"default_factory_module": "builtins", "default_factory_name": "list"})
    assert facts({"out_spec": json.dumps([1, {"context": context}])}) == []


def test_other_members_are_examined() -> None:
    members = (
        ("m/data/sample_inputs/model.pt", zipped(("m/data.pkl", CALL))),
        ("m/data/weights/weight_0", zipped(("w/data.pkl", CALL))),
        ("m/data/aotinductor/model/model.so", b"\x7fELF" + bytes(60)),
    )
    assert {finding.where for finding in scan(program(), *members).findings} == {
        "m.pt2!m/data/sample_inputs/model.pt!m/data.pkl",
        "m.pt2!m/data/weights/weight_0!w/data.pkl",
        "m.pt2!m/data/aotinductor/model/model.so",
    }


def test_what_is_no_json_is_a_gap() -> None:
    archive = zipped(("archive_format", b"pt2"), ("models/model.json", b'{"a": '))
    assert [gap.code for gap in scan_bytes(archive, "m.pt2").gaps] == ["damaged"]
