"""PaddlePaddle programs: real ones are clean; operators that act are found in any block, of either format."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.formats.damage import damaged, facts, made, rules, scanned
from tests.scan.formats.graphs import is_plainly_clean, shown
from tests.scan.protobuf_writer import block, number
from touchstone.scan.operator_packs import operator_pack

ACTING = [
    ("py_func", "paddle/python-operator"),
    ("py_layer", "paddle/python-operator"),
    ("save_combine", "paddle/writes-files"),
    ("read_file", "paddle/reads-files"),
    ("load_combine", "paddle/reads-files"),
    ("c_gen_nccl_id", "paddle/uses-network"),
    ("run_program", "paddle/native-call"),
    ("planted_operator", "paddle/custom-operator"),
]


def operator(kind: str, *settings_of_it: bytes) -> bytes:
    """OpDesc."""
    return block(3, kind) + b"".join(block(4, each) for each in settings_of_it)


def setting(name: str, value: str) -> bytes:
    """A text attribute."""
    return block(1, name) + number(2, 2) + block(5, value)


def program(*blocks: bytes) -> bytes:
    """ProgramDesc of blocks of one operator each."""
    written = (number(1, index) + number(2, index - 1) + block(4, each) for index, each in enumerate(blocks))
    return b"".join(block(1, each) for each in written) + block(4, number(1, 3_000_000))


def pir(*operations: dict[str, Any]) -> bytes:
    """A program of Paddle 3."""
    region = {"#": "region_0", "blocks": [{"#": "block_0", "args": [], "ops": list(operations)}]}
    return json.dumps({"base_code": {"magic": "pir", "version": 4}, "program": {"regions": [region]}}).encode()


def operation(title: str, **inner: Any) -> dict[str, Any]:
    """One operator of Paddle 3, with a file name among its attributes."""
    return {"#": title, "A": [{"N": "filename", "AT": {"#": "0.a_str", "D": "/planted"}}], "I": [], "O": [], **inner}


@pytest.mark.parametrize(("name", "kind"), [("program.pdmodel", "paddle"), ("pir.json", "json")])
def test_real_programs_are_clean(name: str, kind: str) -> None:
    result = scanned(made(name), name)
    assert result.format in {kind, "paddle"}
    assert is_plainly_clean(result)
    assert [each.path for each in result.references] == [f"{name.split('.', maxsplit=1)[0]}.pdiparams"]
    assert ("framework", "paddlepaddle") in facts(made(name), name)


@pytest.mark.parametrize(("kind", "rule"), ACTING)
def test_operators_that_act_are_found_in_any_block(kind: str, rule: str) -> None:
    acting = operator(kind, setting("file_path", "/planted"))
    for data in (program(acting), program(operator("relu"), acting)):
        assert rules(data) == {rule}


@pytest.mark.parametrize(("kind", "rule"), ACTING)
def test_operators_that_act_are_found_in_paddle_3(kind: str, rule: str) -> None:
    inner = {"#": "region_1", "blocks": [{"#": "block_1", "ops": [operation(f"1.{kind}")]}]}
    for data in (pir(operation(f"1.{kind}")), pir(operation("1.if", regions=[inner]))):
        assert rules(data, "model.json") == {rule}


def test_the_file_is_shown() -> None:
    result = scanned(program(operator("load", setting("file_path", "/planted"))))
    assert shown(result, "paddle/reads-files") == ["load(file_path='/planted')"]


@pytest.mark.parametrize("title", ["3.planted", "4.shard_tensor", "custom_op.planted"])
def test_a_dialect_of_somebody_else_is_found(title: str) -> None:
    assert rules(pir(operation(title)), "model.json") == {"paddle/custom-operator"}


def test_an_attribute_without_a_name_is_shown_all_the_same() -> None:
    nameless = {"#": "1.read_file", "A": [{"AT": {"#": "0.a_str", "D": "/planted"}}]}
    assert shown(scanned(pir(nameless), "model.json"), "paddle/reads-files") == ["read_file(None='/planted')"]


def test_gradients_and_operators_in_place_are_known() -> None:
    assert is_plainly_clean(scanned(program(operator("relu_grad"), operator("relu_"), operator("matmul_v2_grad_grad"))))


def test_a_compiled_engine_is_a_gap() -> None:
    assert [gap.code for gap in scanned(program(operator("tensorrt_engine"))).gaps] == ["format"]


def test_no_operator_is_on_two_lists() -> None:
    for framework in ("paddle", "mindspore", "mxnet", "tensorflow", "onnx", "coreml"):
        pack = operator_pack(framework)
        assert pack.known
        assert not pack.known & pack.does.keys()


@pytest.mark.parametrize(
    "document",
    [
        {"regions": 5},
        {"regions": [{"blocks": [{"ops": [{"A": []}]}]}]},
        {"regions": [{"blocks": [{"ops": ["relu"]}]}]},
        [],
    ],
)
def test_what_is_not_built_like_a_program_is_a_gap(document: object) -> None:
    data = json.dumps({"base_code": {"magic": "pir"}, "program": document}).encode()
    assert scanned(data, "model.json").verdict == "incomplete"


@settings(max_examples=100)
@given(st.data())
def test_damage_never_breaks_the_reader(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["program.pdmodel", "pir.json"]))
    scanned(data.draw(damaged(made(name))), name)
