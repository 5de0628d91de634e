"""Every object of a Keras configuration is judged: modelling code is clean, what acts or holds code is not."""

from __future__ import annotations

import base64
import json
import marshal
from typing import Any, Final

import pytest
from hypothesis import given, settings

from tests.scan.formats.damage import damaged, facts, rules, scanned

CODE: Final = base64.b64encode(marshal.dumps(compile("__import__('os').getpid()", "f", "eval"))).decode()


def node(
    name: str, module: str | None = "keras.layers", registered: str | None = None, **config: Any
) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": config, "registered_name": registered}


def model(*layers: dict[str, Any], **parts: Any) -> bytes:
    config = {"name": "m", "layers": list(layers)}
    document = {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None}
    return json.dumps(document | parts).encode()


def function(name: str, module: str = "builtins") -> dict[str, Any]:
    return {"module": module, "class_name": "function", "config": name, "registered_name": "function"}


def old(name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": name, "config": config}


PLAIN: Final = (
    node("Dense", units=3, activation="relu", kernel_initializer=node("GlorotUniform", "keras.initializers")),
    node("Dense", units=3, activation=function("relu"), dtype=node("DTypePolicy", "keras", source="float32")),
    node("Add", "keras.src.ops.numpy"),
    node("SGD", "keras.src.backend.torch.optimizers.torch_sgd"),
    node("BertBackbone", "keras_hub.src.models.bert.bert_backbone", "keras_hub>BertBackbone"),
    node("StringLookup", vocabulary=["a", "b"]),
    node("ReLU", "keras.layers.activations", "Keras>ReLU"),
    old("Bidirectional", layer=old("LSTM", units=3)),
    old("TFOpLambda", function="math.multiply"),
    old("Custom>Adam", learning_rate=0.1),
    {"class_name": "__tuple__", "items": [1, 2]},
    {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 2], "dtype": "float32", "keras_history": ["a", 0, 0]},
    },
)


@pytest.mark.parametrize("layer", PLAIN)
def test_modelling_code_is_clean(layer: dict[str, Any]) -> None:
    result = scanned(model(layer), "config.json")
    assert (result.verdict, result.findings) == ("clean", ())


def test_what_the_model_is_becomes_a_fact() -> None:
    assert {("architecture", "Sequential"), ("framework", "keras")} <= facts(model(*PLAIN))


HOSTILE: Final = (
    (node("Lambda", function=[CODE, None, None], function_type="lambda"), "keras/bytecode"),
    (node("Lambda", function={"class_name": "__lambda__", "config": {"code": CODE}}), "keras/bytecode"),
    (node("Dense", activation={"class_name": "__lambda__", "config": {"value": CODE}}), "keras/bytecode"),
    (node("Whatever", setting=CODE), "keras/bytecode"),
    (old("Lambda", function=[CODE, None, None]), "keras/bytecode"),
    (old("TorchModuleWrapper", module="gAJjb3MKZ2V0cGlkCilSLg=="), "keras/torch-module"),
    (old("TorchModuleWrapper", module="gAJjb3MKZ2V0cGlkCilSLg=="), "pickle/dangerous-call"),
    (node("TFSMLayer", filepath="../elsewhere"), "keras/external-model"),
    (node("KerasLayer", handle="https://example.org/model"), "keras/external-model"),
    (node("get_file", "keras.utils"), "keras/acting-name"),
    (function("get_file", "keras.utils"), "keras/acting-name"),
    (function("load_model", "keras.models"), "keras/acting-name"),
    (function("enable_unsafe_deserialization", "keras.config"), "keras/acting-name"),
    (node("system", "keras.src.utils.file_utils.os"), "keras/acting-name"),
    (node("Popen", "subprocess"), "keras/foreign-module"),
    (function("system", "os"), "keras/foreign-module"),
    (function("eval"), "keras/foreign-module"),
    (old("Lambda", function="getpid", function_type="function", module="os"), "keras/foreign-module"),
    ({"class_name": "__typespec__", "spec_name": "getpid", "module": "os", "registered_name": None, "config": []},
     "keras/foreign-module"),
    (node("StringLookup", vocabulary="/etc/hostname"), "keras/file-path"),
    (old("TextVectorization", vocabulary="https://example.org/words"), "keras/file-path"),
    (old("TFOpLambda", function="io.read_file"), "keras/tensorflow-function"),
    (old("TFOpLambda", function="py_function"), "keras/tensorflow-function"),
    (node("Planted", "planted_module"), "keras/custom-object"),
    (node("Dense", registered="planted>Dense"), "keras/custom-object"),
    (old("Planted"), "keras/custom-object"),
    (function("planted_loss"), "keras/custom-object"),
    (node("Lambda", function=function("planted")), "keras/lambda-by-name"),
    (node("JaxLayer", call_fn=None), "keras/lambda-by-name"),
    (node("Dense", units=2**40), "keras/size-bomb"),
)  # fmt: skip


@pytest.mark.parametrize(("layer", "rule"), HOSTILE)
def test_what_acts_or_holds_code_is_found_wherever_it_stands(layer: dict[str, Any], rule: str) -> None:
    assert rule in rules(model(node("Wrapper", layer=layer)), "config.json")
    assert rule in rules(model(compile_config={"loss": [layer]}), "config.json")
    assert rule in rules(model(build_config={"deep": {"er": [[layer]]}}), "config.json")


def test_names_within_bytecode_are_shown() -> None:
    result = scanned(model(node("Lambda", function=[CODE, None, None])))
    assert any("getpid" in finding.shown for finding in result.findings)


def test_the_model_that_is_loaded_from_elsewhere_is_named() -> None:
    references = scanned(model(node("TFSMLayer", filepath="../elsewhere"))).references
    assert [reference.path for reference in references] == ["../elsewhere"]


@settings(max_examples=200, deadline=None)
@given(damaged(model(*PLAIN)))
def test_damage_never_breaks_the_reader(content: bytes) -> None:
    scanned(content, "config.json")
