"""TorchScript: program text as PyTorch writes it is clean; what reaches beyond tensors is found."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.formats.zips import NUMBER, zipped
from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult

CODE = """\
class Net(Module):
  __parameters__ = ["weight", ]
  __buffers__ = []
  weight : Tensor
  training : bool
  names : List[str]
  __annotations__["0"] = __torch__.torch.nn.modules.linear.Linear
  _packed : __torch__.torch.classes.quantized.LinearPackedParamsBase
  def forward(self: __torch__.Net,
    x: Tensor,
    k: Optional[int]=None) -> Dict[str, Tensor]:
    _0 = __torch__.torch.nn.functional.relu
    _1 = uninitialized(Tensor)
    out = annotate(Dict[str, Tensor], {})
    linear = getattr(self, "0")
    if torch.__isnot__(k, None):
      k0 = unchecked_cast(int, k)
    else:
      ops.prim.RaiseException("AssertionError: k", "builtins.AssertionError")
      k0 = 1
    for i in range(torch.len(self.names)):
      y = _0((linear).forward(x, ), )
      torch._set_item(out, str(i), torch.add(y, CONSTANTS.c0, alpha=inf))
    _2, _3 = torch.max(x, 1), fork(_0, x)
    with torch.autograd.profiler(x):
      pass
    print("done")
    z = ops.quantized.linear_dynamic(x, self._packed)
    return out
def helper(x: Tensor) -> Tensor:
  return (x).relu()
"""


def scan(code: str, **members: bytes) -> FileResult:
    others = [(f"m/{name.replace('__', '.')}", content) for name, content in members.items()]
    return scan_bytes(zipped(("m/constants.pkl", NUMBER), ("m/code/__torch__.py", code.encode()), *others), "m.pt")


def facts(code: str) -> list[tuple[str, str]]:
    return [(finding.rule, finding.shown) for finding in scan(code).findings]


def test_program_text_as_pytorch_writes_it_is_clean() -> None:
    result = scan(CODE)
    assert (result.format, result.findings, result.gaps) == ("torchscript", (), ())
    assert result.runs_code


def test_archives_of_pytorch_1_2_are_clean() -> None:
    code = b"op_version_set = 1\nimport __torch__.torch.nn.modules.linear\nclass Net(Module):\n  weight : Tensor\n"
    members = (("m/model.json", b"{}"), ("m/code/net.py", code), ("m/tensors/0", bytes(range(40))))
    result = scan_bytes(zipped(*members), "m.pt")
    assert (result.format, result.verdict) == ("torchscript", "clean")


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ('torch.from_file("/etc/passwd", False, 10)', "aten::from_file"),
        ('ops.aten.from_file("/etc/passwd")', "aten::from_file"),
        ('ops.aten.from_file.out("/etc/passwd")', "aten::from_file"),
        ('torch.save(x, "/tmp/x")', "aten::save"),
        ('(x).save("/tmp/x")', "x.save"),
        ('"/etc/passwd".from_file()', "from_file"),
        ('getattr(x, "save")("/tmp/x")', "getattr(..., 'save')"),
        ('ops.image.write_file("/tmp/x", x)', "image::write_file"),
        ('rpc_sync("worker", x)', "rpc_sync(...)"),
        ("torch.save", "aten::save"),
        ('torch.rpc_sync("worker", "f", (x,), {}, -1.)', "aten::rpc_sync"),
    ],
)
def test_operators_that_reach_beyond_tensors(expression: str, shown: str) -> None:
    assert ("torch/reaching-operator", shown) in facts(f"def f(x: Tensor) -> Tensor:\n  return {expression}\n")
    assert scan(f"def f(x: Tensor):\n  y = {expression}\n").verdict == "unsafe"


@pytest.mark.parametrize(
    ("expression", "rule", "shown"),
    [
        ("ops.mine.thing(x)", "torch/unreviewed-operator", "mine::thing"),
        ("unheard_of(x)", "torchscript/unreviewed-call", "unheard_of(...)"),
        ("getattr(x, x)", "torchscript/unreviewed-call", "getattr of a name that is computed"),
        ("f(torch)", "torchscript/unreviewed-call", "passes on the module torch"),
        ("(lambda y: y)(x)", "torchscript/foreign-code", "Lambda"),
        ("__torch__.torch.classes.mine.Thing(x)", "torchscript/custom-class", "__torch__.torch.classes.mine.Thing"),
    ],
)
def test_what_nobody_reviewed(expression: str, rule: str, shown: str) -> None:
    assert (rule, shown) in facts(f"def f(x: Tensor) -> Tensor:\n  return {expression}\n")


@pytest.mark.parametrize("code", ["import os\n", "def f():\n  global x\n", "async def f():\n  pass\n"])
def test_python_that_torchscript_does_not_have(code: str) -> None:
    assert "torchscript/foreign-code" in [rule for rule, _ in facts(code)]


def test_a_call_of_a_python_function() -> None:
    """`^` is how a graph that still had one was printed; nothing loads it, so the text is not understood either."""
    result = scan("def f(x: Tensor) -> Tensor:\n  return ^Mine()(x)\n")
    assert [(finding.rule, finding.severity) for finding in result.findings] == [("torchscript/foreign-code", "high")]
    assert [gap.code for gap in result.gaps] == ["damaged"]


def test_a_loop_that_nothing_ends() -> None:
    code = "def f(x: Tensor):\n  while True:\n    x = torch.add(x, x)\n"
    assert facts(code) == [("torchscript/endless-loop", "while True")]
    assert facts(code + "    break\n") == []
    assert facts(code.replace("True", "_0")) == []


def test_findings_say_where_they_are() -> None:
    code = "def f(x: Tensor):\n  y = torch.save(x)\n"
    (finding,) = scan(code).findings
    assert (finding.where, finding.offset) == ("m.pt!m/code/__torch__.py", code.index("torch.save"))


@pytest.mark.parametrize("code", ["def f(:\n", "x = " + "(" * 5000 + ")" * 5000, "\x00", "x = 1\n" + "  y" * 400_000])
def test_what_cannot_be_parsed_is_a_gap(code: str) -> None:
    result = scan(code)
    assert result.gaps
    assert "reader" not in [gap.code for gap in result.gaps]


def test_long_text_is_read_to_its_end() -> None:
    code = "".join(f"def f{number}(x: Tensor):\n  return torch.add(x, {number})\n" for number in range(8000))
    result = scan(code + "def g(x: Tensor):\n  return torch.save(x)\n")
    assert [finding.offset for finding in result.findings] == [len(code) + len("def g(x: Tensor):\n  return ")]
    assert result.gaps == ()


def test_bytecode_runs_instead_of_the_text() -> None:
    name = b"aten::save"
    bytecode = b"\x80\x02X" + len(name).to_bytes(4, "little") + name + b"."
    result = scan("x = 1\n", bytecode__pkl=bytecode)
    assert [(finding.rule, finding.shown, finding.offset) for finding in result.findings] == [
        ("torch/reaching-operator", "aten::save", 7)
    ]
    assert scan("x = 1\n", bytecode__pkl=bytecode.replace(b"save", b"relu")).verdict == "clean"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_read_without_failing(code: str) -> None:
    assert "reader" not in [gap.code for gap in scan(code.encode("utf-8", "replace").decode()).gaps]
