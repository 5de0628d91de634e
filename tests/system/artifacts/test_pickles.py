"""The pickle machine: every way to call is seen, nothing harmless is accused, nothing makes it fail."""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import io
import pickle
import uuid
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as np_st

from touchstone.system.artifacts.constructs import LONGEST_SHOWN, Construct
from touchstone.system.artifacts.pickle_machine import interpret
from touchstone.system.artifacts.pickles import reads_as_pickle, screen_pickle


def _short(text: str) -> bytes:
    raw = text.encode()
    return b"\x8c" + bytes([len(raw)]) + raw


def _global(module: str, name: str) -> bytes:
    return _short(module) + _short(name) + b"\x93"


def _constructs(content: bytes) -> list[Construct]:
    return screen_pickle(memoryview(content), "f")[0]


def _problems(content: bytes) -> list[str]:
    return [problem.en for problem in screen_pickle(memoryview(content), "f")[1]]


SYSTEM = b"\x80\x04" + _global("os", "system")
ARGUMENT = _short("echo hi")

CALLS = {
    "REDUCE, STACK_GLOBAL": SYSTEM + ARGUMENT + b"\x85R.",
    "REDUCE, GLOBAL": b"cos\nsystem\n(S'echo hi'\ntR.",
    "REDUCE, tuple from a mark": b"\x80\x02cos\nsystem\n(X\x07\x00\x00\x00echo hitR.",
    "INST": b"(S'echo hi'\nios\nsystem\n.",
    "OBJ": b"(cos\nsystem\nS'echo hi'\no.",
    "NEWOBJ": b"\x80\x02cos\nsystem\nU\x07echo hi\x85\x81.",
    "NEWOBJ_EX": SYSTEM + ARGUMENT + b"\x85}\x92.",
    "result thrown away": SYSTEM + ARGUMENT + b"\x85R0N.",
    "names through the memo": b"\x80\x04" + _short("os") + b"q\x05" + _short("system") + b"r\x09\x00\x00\x000h\x05j"
    b"\x09\x00\x00\x00\x93" + ARGUMENT + b"\x85R.",
    "function duplicated": SYSTEM + b"20" + ARGUMENT + b"\x85R.",
    "names as BINSTRING": b"\x80\x02T\x02\x00\x00\x00osU\x06system\x93U\x07echo hi\x85R.",
    "names as UNICODE lines": b"Vos\nVsystem\n\x93Vecho hi\n\x85R.",
    "names by memo lines": b"Vos\np7\n0Vsystem\np8\n0g7\ng8\n\x93Vecho hi\n\x85R.",
    "second stream": b"\x80\x04N." + SYSTEM + ARGUMENT + b"\x85R.",
    "broken afterwards": SYSTEM + ARGUMENT + b"\x85R\xff\xff",
    "cut off afterwards": SYSTEM + ARGUMENT + b"\x85R",
    "inside a list": b"\x80\x04](" + _global("os", "system") + ARGUMENT + b"\x85RK\x01e.",
    "a mark popped before": b"\x80\x04(N1" + _global("os", "system") + ARGUMENT + b"\x85R.",
    "names escaped": b"S'o\\x73'\nS'syst\\x65m'\n\x93S'echo hi'\n\x85R.",
}


@pytest.mark.parametrize("content", CALLS.values(), ids=CALLS.keys())
def test_every_way_to_call(content: bytes) -> None:
    found = _constructs(content)
    assert [construct.kind for construct in found] == ["code-execution"]
    assert found[0].shown.startswith("os.system('echo hi'")
    assert found[0].severity == "critical"
    assert found[0].offset is not None
    assert content[found[0].offset : found[0].offset + 1] in (b"R", b"i", b"o", b"\x81", b"\x92")


def _made_by_python(module: str, name: str, arguments: tuple[Any, ...], protocol: int) -> bytes:
    """A pickle of an object whose `__reduce__` answers this call, written by opcodes and never loaded."""
    written = pickle.dumps(arguments, protocol)
    body = written[:-1]
    header = b""
    if protocol >= 2:
        header, body = body[:2], body[2:]
    if protocol >= 4 and body[:1] == b"\x95":
        body = body[9:]
    return header + f"c{module}\n{name}\n".encode() + body + b"R."


_names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)
_arguments = st.lists(
    st.one_of(st.integers(), st.text(max_size=20), st.binary(max_size=20), st.booleans(), st.none()), max_size=3
)


@given(_names, _names, _arguments, st.integers(0, 5))
def test_reconstructed_calls_name_the_function(module: str, name: str, arguments: list[Any], protocol: int) -> None:
    found = _constructs(_made_by_python(f"x_{module}", name, tuple(arguments), protocol))
    assert any(construct.shown.startswith(f"x_{module}.{name}(") for construct in found)


@given(st.lists(st.integers(-(2**70), 2**70), max_size=3), st.integers(2, 5))
def test_reconstructed_arguments_are_those_given(arguments: list[int], protocol: int) -> None:
    found = _constructs(_made_by_python("subprocess", "run", tuple(arguments), protocol))
    assert found[0].shown == f"subprocess.run({', '.join(map(str, arguments))})"


BYPASSES = {
    # Non-obvious gadgets that deny-lists missed, and structural tricks.
    "timeit": (b"\x80\x04" + _global("timeit", "timeit") + _short("pass") + b"\x85R.", "timeit.timeit('pass')"),
    "resolve_name": (
        b"\x80\x04" + _global("pkgutil", "resolve_name") + _short("os:system") + b"\x85R.",
        "pkgutil.resolve_name('os:system')",
    ),
    "dictConfig": (
        b"\x80\x04" + _global("logging.config", "dictConfig") + b"}\x85R.",
        "logging.config.dictConfig({})",
    ),
    "dotted walk": (b"\x80\x04" + _global("random", "_os.getpid") + b")R.", "random._os.getpid()"),
    "dotted walk, collections": (b"\x80\x04" + _global("collections", "_sys.exit") + b")R.", "collections._sys.exit()"),
    "dotted walk, torch": (
        b"\x80\x04" + _global("torch", "ops.load_library") + _short("x.so") + b"\x85R.",
        "torch.ops.load_library('x.so')",
    ),
    "torch helper": (
        b"\x80\x04" + _global("torch.utils.collect_env", "run") + _short("id") + b"\x85R.",
        "torch.utils.collect_env.run('id')",
    ),
    "numpy helper": (
        b"\x80\x04" + _global("numpy.testing._private.utils", "runstring") + _short("1") + b"}\x86R.",
        "numpy.testing._private.utils.runstring('1', {})",
    ),
    "getattr chain": (
        b"\x80\x04" + _global("builtins", "getattr") + _global("os", "path") + _short("x") + b"\x86R)R.",
        "builtins.getattr(os.path, 'x')()",
    ),
    "computed name": (
        b"\x80\x04" + _global("x", "f") + b")R" + _short("system") + b"\x93.",
        "import x.f().'system'",
    ),
    "extension registry": (b"\x80\x02\x82\x07.", "copyreg extension 7"),
    "state of an imported function": (
        b"\x80\x04" + _global("numpy", "sum") + b"}" + _short("__code__") + b"Nsb.",
        "numpy.sum.__setstate__({'__code__': None})",
    ),
    "item of an imported object": (
        b"\x80\x04" + _global("numpy", "sum") + _short("k") + _short("v") + b"s.",
        "numpy.sum += ['k', 'v']",
    ),
    "class replaced by state": (
        b"\x80\x04" + _global("builtins", "set") + b")R}" + _short("__class__") + b"Nsb.",
        "builtins.set().__class__ = ...",
    ),
    "state of slots": (
        b"\x80\x04" + _global("builtins", "set") + b")RN}" + _short("__class__") + b"Ns\x86b.",
        "builtins.set().__class__ = ...",
    ),
    "unexpected codec": (
        b"\x80\x04" + _global("_codecs", "encode") + _short("x") + _short("zip") + b"\x86R.",
        "_codecs.encode('x', 'zip')",
    ),
    "import only": (b"\x80\x04" + _global("antigravity", "fly") + b".", "antigravity.fly"),
    "Python 2 name": (b"c__builtin__\neval\n(S'1'\ntR.", "__builtin__.eval('1')"),
    "call of data": (b"\x80\x04K\x01)R.", "1()"),
    "huge buffer": (
        b"\x80\x04" + _global("builtins", "bytearray") + b"J\xff\xff\xff\x7f\x85R.",
        "builtins.bytearray(2147483647)",
    ),
    "huge memo": (b"\x80\x04Nr\xff\xff\xff\xff.", "memo[4294967295]"),
}


@pytest.mark.parametrize(("content", "expected"), BYPASSES.values(), ids=BYPASSES.keys())
def test_known_bypasses(content: bytes, expected: str) -> None:
    assert expected in [construct.shown for construct in _constructs(content)]


def test_frame_straddle() -> None:
    """An argument across a frame's end: CPython 3.11's C unpickler runs what `pickletools` shows as bytes."""
    content = b"\x80\x04\x95" + (4).to_bytes(8, "little") + b"B\x20\x00\x00\x00" + bytes(0x20) + b"."
    assert [construct.kind for construct in _constructs(content)] == ["parser-differential"]


def test_frame_in_frame() -> None:
    inner = b"\x95" + (2).to_bytes(8, "little") + b"N."
    content = b"\x80\x04\x95" + len(inner).to_bytes(8, "little") + inner
    assert [construct.kind for construct in _constructs(content)] == ["parser-differential"]


def test_an_unknown_class_is_named_and_told_from_a_dangerous_one() -> None:
    found = _constructs(b"\x80\x04" + _global("somelib.layers", "Swish") + b")\x81.")
    assert [(construct.kind, construct.shown) for construct in found] == [("unknown-global", "somelib.layers.Swish()")]


def test_names_that_only_look_known_are_not() -> None:
    assert _constructs(b"\x80\x04" + _global("sklearn.linear_model", "os") + b")R.")
    assert _constructs(b"\x80\x04" + _global("builtins", "list.append") + b")R.")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", ""),
        (b"\x80\x04N", "ends inside an opcode"),
        (b"\x80\x04\x8c\xffabc", "ends inside an opcode"),
        (b"\x80\x04N.garbage", "follow the pickle"),
        (b"\x80\x04N.\x00\x00", "follow the pickle"),
        (b"\x80\x07N.", "protocol 7"),
        (b"\x80\x04R.", "stack is empty"),
        (b"\x80\x04t.", "no mark"),
        (b"\x80\x04h\x05.", "never written"),
        (b"\x80\x04\xff", "0xff is no opcode"),
        (b"\x80\x04.", "stack is empty"),
        (b"\x80\x02K\x01Q.", "not in the file"),
        (b"Pstorage\n.", "not in the file"),
        (b"\x80\x05\x97.", "buffers that are not in the file"),
        (b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.", "frame is longer"),
        (b"I12x\n.", "integer"),
        (b"Fx\n.", "float"),
        (b"Sx\n.", "not quoted"),
        (b"c\xff\nx\n.", "UTF-8"),
    ],
)
def test_what_is_not_understood_is_said(content: bytes, reason: str) -> None:
    problems = _problems(content)
    assert any(reason in problem for problem in problems) if reason else not problems


def test_opcodes_are_bounded() -> None:
    reading = interpret(memoryview(b"\x80\x04" + b"N0" * 1000 + b"N."), "f", most_opcodes=500)
    assert not reading.stopped
    assert "more than 500" in reading.problems[0].en


def test_streams_are_bounded() -> None:
    assert any("more streams" in problem for problem in _problems(b"N." * 3000))


def test_hostile_text_is_escaped_and_bounded() -> None:
    name = "\u202e\x1b[31m" + "x" * 2000
    raw = name.encode()
    content = b"\x80\x04" + _short("os") + b"X" + len(raw).to_bytes(4, "little") + raw + b"\x93)R."
    found = _constructs(content)[0].shown
    assert found.isascii()
    assert found.isprintable()
    assert len(found) <= LONGEST_SHOWN


def test_self_containing_and_exploding_values_are_shown_shortly() -> None:
    fan_out = b"]" + b"\x94" + b"".join(b"(h" + bytes([i]) + b"h" + bytes([i]) + b"l\x94" for i in range(60))
    content = b"\x80\x04" + fan_out + _global("os", "system") + b"h\x3c\x85R."
    assert len(_constructs(content)[0].shown) <= LONGEST_SHOWN
    itself = b"\x80\x04]\x94h\x00a" + _global("os", "system") + b"h\x00\x85R."
    assert _constructs(itself)[0].shown.startswith("os.system([[[")


def test_torch_legacy_layout() -> None:
    """Five pickles, then raw storages; persistent ids are at home in the fourth only (torch/serialization.py)."""
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
    head = magic + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    storage = b"\x80\x02(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ."
    content = head + storage + pickle.dumps(["0"], 2) + bytes(24)
    assert _constructs(content) == []
    assert _problems(content) == []
    computed = b"\x80\x02c__builtin__\nint\nK\x01\x85R." + content[len(magic) :]
    assert _problems(computed)


def test_joblib_arrays_are_stepped_over_and_what_follows_is_seen() -> None:
    stream = io.BytesIO()
    joblib.dump({"a": np.arange(1000.0), "b": np.array(["x", None], dtype=object), "c": [1]}, stream)
    content = stream.getvalue()
    assert _constructs(content) == []
    assert _problems(content) == []
    planted = content[:-1] + b"0" + _global("os", "system") + ARGUMENT + b"\x85R."
    assert [construct.shown for construct in _constructs(planted)] == ["os.system('echo hi')"]


def test_opcodes_hidden_in_a_joblib_array_are_seen_as_other_loaders_see_them() -> None:
    hidden = b"0" + _global("os", "system") + ARGUMENT + b"\x85R."
    stream = io.BytesIO()
    joblib.dump(np.frombuffer(hidden.ljust(64), dtype="u1"), stream)
    content = stream.getvalue()
    array = content.index(hidden)
    legacy = content.replace(b"\x8c\x1bnumpy_array_alignment_bytes", b"\x8c\x1bnumpy_array_alignment_by__")
    padding = legacy[:array].rindex(b"b") + 1
    legacy = legacy[:padding] + legacy[array:]
    assert "os.system('echo hi')" in [construct.shown for construct in _constructs(legacy)]


def test_joblib_array_of_impossible_size() -> None:
    stream = io.BytesIO()
    joblib.dump(np.arange(1000.0), stream)
    assert _problems(stream.getvalue()[:-4000])


@pytest.mark.parametrize("protocol", range(6))
def test_standard_values_are_clean(protocol: int) -> None:
    values = [
        collections.OrderedDict(a=1),
        collections.defaultdict(list, a=[1]),
        collections.deque([1]),
        collections.Counter("aab"),
        datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        decimal.Decimal("1.5"),
        fractions.Fraction(1, 3),
        bytearray(b"x"),
        {1, 2},
        frozenset({3}),
        range(3),
        complex(1, 2),
        slice(1, 2),
        uuid.UUID(int=1),
        np.float64(1.5),
        np.int8(3),
        np.random.RandomState(0),
        np.ma.masked_array([1, 2], [False, True]),
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    ]
    content = pickle.dumps(values, protocol)
    assert [construct.shown for construct in _constructs(content)] == []
    assert _problems(content) == []


_benign = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(),
        st.binary(),
        st.complex_numbers(),
        st.decimals(allow_nan=False),
        st.dates(),
        np_st.arrays(
            st.sampled_from(["f8", "f4", "i8", "u1", "?", "c8", "U3", "S2", "M8[s]"]),
            np_st.array_shapes(max_dims=3, max_side=3, min_side=0),
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.tuples(inner, inner),
        st.dictionaries(st.text(), inner, max_size=5),
        st.sets(st.integers() | st.text(), max_size=5),
        st.frozensets(st.integers(), max_size=5),
        st.dictionaries(st.text(), inner, max_size=5).map(collections.OrderedDict),
    ),
    max_leaves=30,
)


@settings(max_examples=300, deadline=None)
@given(_benign, st.integers(0, 5))
def test_benign_values_yield_nothing(value: Any, protocol: int) -> None:
    content = pickle.dumps(value, protocol)
    assert _constructs(content) == []
    assert _problems(content) == []
    assert reads_as_pickle(content, whole=True)


@settings(max_examples=200, deadline=None)
@given(_benign, st.integers(2, 5), st.booleans())
def test_a_call_planted_into_a_benign_pickle_is_found(value: Any, protocol: int, at_start: bool) -> None:
    content = pickle.dumps(value, protocol)
    call = _global("os", "system") + ARGUMENT + b"\x85R0"
    planted = content[:2] + call + content[2:] if at_start else content[:-1] + call + b"."
    assert "os.system('echo hi')" in [construct.shown for construct in _constructs(planted)]


_opcode_soup = st.lists(
    st.sampled_from(
        [bytes([code]) for code in b"(.012FGIJKLMNPQRSTUVX]abcdeghijlopqrstu}BC)\x80\x81\x82\x85\x86\x87\x88\x8c"]
    )
    | st.binary(max_size=4)
    | st.sampled_from([b"os\n", b"system\n", b"\x8c\x01a", b"\x93", b"\x94", b"\x95", b"\x92", b"\x96", b"\x91"]),
    max_size=60,
).map(b"".join)


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.binary(max_size=300), _opcode_soup))
def test_arbitrary_bytes_never_raise(content: bytes) -> None:
    screen_pickle(memoryview(content), "f")
    reads_as_pickle(content, whole=False)
