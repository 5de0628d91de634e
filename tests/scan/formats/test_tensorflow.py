"""TensorFlow: real exports are clean; operators that act are found in graphs and functions, fixed paths everywhere."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.formats.damage import damaged, facts, made, rules, scanned
from tests.scan.formats.graphs import OUTSIDE, is_plainly_clean, shown
from tests.scan.formats.tensorflow_messages import (
    attribute,
    call,
    function,
    graph,
    meta_graph,
    node,
    saved_model,
    text_constant,
)
from tests.scan.protobuf_writer import block, number
from touchstone.scan.formats.tensorflow_operators import operators

Wrapping = Callable[[bytes], bytes]


def in_graph(acting: bytes) -> bytes:
    return graph((acting,))


def in_function(acting: bytes) -> bytes:
    return graph((call("c", "f", ()),), (function("f", (), acting),))


WRAPPINGS: list[Wrapping] = [
    in_graph,
    lambda acting: meta_graph(in_graph(acting)),
    lambda acting: meta_graph(in_function(acting)),
    lambda acting: saved_model(in_graph(acting)),
    lambda acting: saved_model(in_function(acting)),
]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("saved_model.pb", "tensorflow-saved-model"),
        ("vocabulary_saved_model.pb", "tensorflow-saved-model"),
        ("frozen_graph.pb", "tensorflow-graph"),
        ("meta_graph.meta", "tensorflow-meta-graph"),
        ("fingerprint.pb", "tensorflow-fingerprint"),
        ("frozen_graph.pbtxt", "tensorflow-text"),
    ],
)
def test_real_exports_are_clean(name: str, kind: str) -> None:
    result = scanned(made(name), name)
    assert result.format == kind
    assert is_plainly_clean(result)


def test_it_says_what_it_is() -> None:
    said = facts(made("vocabulary_saved_model.pb"))
    assert ("framework", "tensorflow 2.21.0") in said
    assert any(name == "input" and value.endswith("string[?]") for name, value in said)


def test_assets_are_referred_to() -> None:
    result = scanned(made("vocabulary_saved_model.pb"), "model/saved_model.pb")
    assert [(each.path, each.role) for each in result.references] == [("assets/vocab.txt", "data")]


def test_real_hostile_exports_show_their_calls() -> None:
    saves = scanned(made("saves_and_prints_saved_model.pb"))
    assert shown(saves, "tensorflow/path-leads-out") == ["SaveV2('/home/user/.ssh/x')"]
    assert shown(saves, "tensorflow/writes-files") == ["PrintV2(output_stream='file:///tmp/planted2')"]
    writes = scanned(made("writes_files_saved_model.pb"))
    assert shown(writes, "tensorflow/writes-files") == ["WriteFile('/tmp/planted')"]
    assert shown(writes, "tensorflow/reads-files") == ["ReadFile('/etc/hostname')"]


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize(
    ("operator", "rule", "verdict"),
    [
        ("PyFunc", "tensorflow/python-operator", "unsafe"),
        ("EagerPyFunc", "tensorflow/python-operator", "unsafe"),
        ("WriteFile", "tensorflow/writes-files", "unsafe"),
        ("ReadFile", "tensorflow/reads-files", "unsafe"),
        ("TextLineDataset", "tensorflow/reads-files", "unsafe"),
        ("RpcClient", "tensorflow/uses-network", "unsafe"),
        ("XlaCustomCall", "tensorflow/native-call", "unsafe"),
        ("PlantedOperator", "tensorflow/unknown-operator", "review"),
    ],
)
def test_operators_that_act_are_found(wrapping: Wrapping, operator: str, rule: str, verdict: str) -> None:
    result = scanned(wrapping(node("n", operator)))
    assert {finding.rule for finding in result.findings} == {rule}
    assert result.verdict == verdict


@pytest.mark.parametrize("operator", sorted(operators().does))
def test_every_operator_that_acts_is_more_than_clean(operator: str) -> None:
    assert scanned(saved_model(in_graph(node("n", operator)))).verdict != "clean"


def test_known_operators_that_only_compute_are_clean() -> None:
    nodes = tuple(node(f"n{index}", operator) for index, operator in enumerate(sorted(operators().known)))
    result = scanned(saved_model(graph(nodes)))
    assert is_plainly_clean(result)


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_fixed_path_of_a_checkpoint_is_followed_through_operators_and_calls(path: str) -> None:
    save = node("save", "SaveV2", ("joined", "names", "slices"))
    join = node("joined", "StringJoin", ("prefix", "suffix"))
    plain = graph((text_constant("prefix", path), text_constant("suffix", ".tmp"), join, save))
    called = graph(
        (text_constant("p", path), call("c", "f", ("x", "p:output:0"))),
        (
            function(
                "f", ("other", "prefix"), node("i", "Identity", ("prefix",)), node("save", "SaveV2", ("i:output:0",))
            ),
        ),
    )
    for graph_def in (plain, called):
        assert rules(saved_model(graph_def)) == {"tensorflow/path-leads-out"}


def test_a_fixed_path_is_followed_into_loops_and_functions_called_by_name() -> None:
    save = function("f", ("prefix",), node("save", "SaveV2", ("prefix",)))
    loop = node("l", "While", ("x", "p"), attribute("body", block(10, block(1, "f"))))
    by_name = node("c", "f", ("p:0",))
    for caller in (loop, by_name):
        data = graph((text_constant("p", "/planted"), caller), (save,))
        assert "tensorflow/path-leads-out" in rules(saved_model(data))


def test_a_path_that_is_computed_is_found() -> None:
    nodes = (text_constant("a", "L3BsYW50ZWQ"), node("d", "DecodeBase64", ("a",)), node("save", "SaveV2", ("d",)))
    result = scanned(saved_model(graph(nodes)))
    assert shown(result, "tensorflow/computed-path") == ["SaveV2(d)"]
    assert result.verdict == "review"


@pytest.mark.parametrize("before", [node("x" * 100_000, "NoOp"), node("x", "y" * 100_000)])
def test_long_names_do_not_end_the_reading(before: bytes) -> None:
    assert "tensorflow/writes-files" in rules(saved_model(graph((before, node("n", "WriteFile")))))


def test_what_was_met_before_the_damage_is_reported() -> None:
    result = scanned(saved_model(in_graph(node("n", "WriteFile")) + block(1, b"\x0f\x0f")))
    assert result.verdict == "unsafe"
    assert [gap.code for gap in result.gaps] == ["damaged"]


def test_a_path_that_the_caller_gives_is_normal() -> None:
    save = node("save", "SaveV2", ("prefix",))
    default = node("prefix", "PlaceholderWithDefault", ("default",))
    assert is_plainly_clean(scanned(saved_model(graph((text_constant("default", "model"), default, save)))))


@pytest.mark.parametrize(
    ("operator", "key", "value", "rule"),
    [
        ("PrintV2", "output_stream", "file:///planted", "tensorflow/writes-files"),
        ("DecodeProtoV2", "descriptor_source", "/planted", "tensorflow/reads-files"),
        ("PrintV2", "output_stream", "stderr", None),
        ("DecodeProtoV2", "descriptor_source", "local://", None),
    ],
)
def test_settings_that_name_files_are_found(operator: str, key: str, value: str, rule: str | None) -> None:
    acting = node("n", operator, (), attribute(key, block(2, value)))
    assert rules(saved_model(in_graph(acting))) == ({rule} if rule else set())


def test_an_asset_that_leads_out_is_found() -> None:
    asset = block(6, block(1, block(1, "path:0")) + block(2, "../../planted"))
    assert rules(saved_model(b"", asset)) == {"tensorflow/path-leads-out"}


def test_a_function_that_calls_itself_is_found() -> None:
    loop = attribute("body", block(10, block(1, "w"))) + attribute("cond", block(10, block(1, "w")))
    data = graph((node("n", "While", (), loop),), (function("w", (), node("n", "While", (), loop)),))
    assert rules(saved_model(data)) == {"tensorflow/recursion"}
    chain = graph((), (function("a", (), call("x", "b", ())), function("b", (), call("y", "a", ()))))
    assert rules(saved_model(chain)) == {"tensorflow/recursion"}


def test_functions_that_are_used_twice_are_no_recursion() -> None:
    data = graph(
        (call("a", "f", ()), call("b", "f", ())),
        (function("f", (), call("c", "g", ())), function("g", (), node("n", "Add"))),
    )
    assert is_plainly_clean(scanned(saved_model(data)))


def test_a_constant_that_grows_is_found() -> None:
    tensor = number(1, 1) + block(2, block(2, number(1, 2**40))) + block(5, bytes(4))
    constant = node("c", "Const", (), attribute("value", block(8, tensor)))
    assert rules(saved_model(in_graph(constant))) == {"tensorflow/large-constant"}


def test_a_compiled_module_is_a_gap() -> None:
    result = scanned(saved_model(in_graph(node("n", "XlaCallModule"))))
    assert [gap.code for gap in result.gaps] == ["format"]


def test_operators_of_reviewed_libraries_are_a_dependency() -> None:
    result = scanned(saved_model(in_graph(node("n", "SentencepieceTokenizeOp"))))
    assert is_plainly_clean(result)
    assert ("dependency", "tensorflow-text") in {(fact.name, fact.value) for fact in result.facts}


@pytest.mark.parametrize("config", [{"class_name": "Lambda", "config": {"function": ["4wEA", None, None]}}])
def test_keras_metadata_is_read_as_keras(config: object) -> None:
    saved_object = number(2, 1) + block(3, "root.layer-0") + block(4, "_tf_keras_layer") + block(5, json.dumps(config))
    result = scanned(block(1, saved_object), "keras_metadata.pb")
    assert result.format == "keras-saved-metadata"
    assert result.verdict == "unsafe"


def test_text_graphs_show_their_operators() -> None:
    text = 'node { name: "n" op: "WriteFile" }\nlibrary { function { node_def { name: "m" op: "PyFunc" } } }\n'
    assert rules(text.encode(), "graph.pbtxt") == {"tensorflow/writes-files", "tensorflow/python-operator"}


@settings(max_examples=100)
@given(st.data(), st.sampled_from(["frozen_graph.pb", "meta_graph.meta", "fingerprint.pb", "frozen_graph.pbtxt"]))
def test_damage_never_breaks_the_reader(data: st.DataObject, name: str) -> None:
    scanned(data.draw(damaged(made(name))), name)
