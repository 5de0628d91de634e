"""The pickle machine: every way to call is seen, nothing harmless is accused, nothing makes it fail."""

from __future__ import annotations

import pickle
import pickletools
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.pickle_writer import (
    ARGUMENT,
    PLANTED,
    PROTOCOL_2,
    PROTOCOL_4,
    SYSTEM,
    blob,
    followed,
    name,
    noted,
    number,
    problems,
    standings,
    text,
)
from touchstone.scan.budget import Limits
from touchstone.scan.findings import LONGEST_SHOWN
from touchstone.scan.pickle_machine.machine import Loader

CALLS = {
    "REDUCE, STACK_GLOBAL": SYSTEM + ARGUMENT + b"\x85R.",
    "REDUCE, GLOBAL": b"cos\nsystem\n(S'echo planted'\ntR.",
    "REDUCE, tuple from a mark": b"\x80\x02cos\nsystem\n(X\x0c\x00\x00\x00echo plantedtR.",
    "REDUCE, long tuple": b"cos\nsystem\n(S'echo planted'\nS'x'\nS'x'\nS'x'\ntR.",
    "INST": b"(S'echo planted'\nios\nsystem\n.",
    "OBJ": b"(cos\nsystem\nS'echo planted'\no.",
    "NEWOBJ": b"\x80\x02cos\nsystem\nU\x0cecho planted\x85\x81.",
    "NEWOBJ_EX": SYSTEM + ARGUMENT + b"\x85}\x92.",
    "result thrown away": SYSTEM + ARGUMENT + b"\x85R0N.",
    "thrown away with a mark": PROTOCOL_4 + b"(" + PLANTED + b"1N.",
    "names through the memo": PROTOCOL_4 + text("os") + b"q\x05" + text("system") + b"r\x09\x00\x00\x000h\x05j"
    b"\x09\x00\x00\x00\x93" + ARGUMENT + b"\x85R.",
    "function through the memo": PROTOCOL_4 + name("os", "system") + b"\x940h\x00" + ARGUMENT + b"\x85R.",
    "function duplicated": SYSTEM + b"20" + ARGUMENT + b"\x85R.",
    "names as BINSTRING": b"\x80\x04T\x02\x00\x00\x00osU\x06system\x93U\x0cecho planted\x85R.",
    "names as UNICODE lines": PROTOCOL_4 + b"Vos\nVsystem\n\x93Vecho planted\n\x85R.",
    "names as long texts": PROTOCOL_4 + b"\x8d\x02\0\0\0\0\0\0\0osX\x06\0\0\0system\x93" + ARGUMENT + b"\x85R.",
    "names by memo lines": PROTOCOL_4 + b"Vos\np7\n0Vsystem\np8\n0g7\ng8\n\x93Vecho planted\n\x85R.",
    "broken afterwards": SYSTEM + ARGUMENT + b"\x85R\xff\xff",
    "cut off afterwards": SYSTEM + ARGUMENT + b"\x85R",
    "inside a list": b"\x80\x04](" + name("os", "system") + ARGUMENT + b"\x85RK\x01e.",
    "as a key": b"\x80\x04}(" + name("os", "system") + ARGUMENT + b"\x85RK\x01u.",
    "as an argument": PROTOCOL_4 + name("builtins", "list") + PLANTED + b"\x85R.",
    "a mark popped before": b"\x80\x04(N1" + name("os", "system") + ARGUMENT + b"\x85R.",
    "a mark popped by POP": b"\x80\x04(0" + name("os", "system") + ARGUMENT + b"\x85R.",
    "names escaped": PROTOCOL_4 + b"S'o\\x73'\nS'syst\\145m'\n\x93S'echo planted'\n\x85R.",
    "names escaped as unicode": PROTOCOL_4 + b"Vo\\u0073\nVsystem\n\x93" + ARGUMENT + b"\x85R.",
    "frame": PROTOCOL_4 + b"\x95\x2b\0\0\0\0\0\0\0" + name("os", "system") + ARGUMENT + b"\x85R.",
    "protocol changed": b"\x80\x00\x80\x04" + name("os", "system") + ARGUMENT + b"\x85R.",
}


@pytest.mark.parametrize("content", CALLS.values(), ids=CALLS.keys())
def test_every_way_to_call(content: bytes) -> None:
    notes, _ = followed(content)
    found = [notice for notice in notes.notices if notice.rule.id == "pickle/dangerous-call"]
    assert len(found) == 1
    assert found[0].shown.startswith("os.system('echo planted'")
    assert content[found[0].offset : found[0].offset + 1] in (b"R", b"i", b"o", b"\x81", b"\x92")


_identifiers = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,12}", fullmatch=True)
_arguments = st.lists(
    st.one_of(st.integers(), st.text(max_size=20), st.binary(max_size=20), st.booleans(), st.none()), max_size=3
)


def _call_written_like_python(module: str, attribute: str, arguments: tuple[Any, ...], protocol: int) -> bytes:
    """A pickle of an object whose `__reduce__` answers this call, put together and never loaded."""
    written = pickle.dumps(arguments, protocol)
    body = written[:-1]
    header = b""
    if protocol >= 2:
        header, body = body[:2], body[2:]
    if protocol >= 4 and body[:1] == b"\x95":
        body = body[9:]
    return header + f"c{module}\n{attribute}\n".encode() + body + b"R."


@given(_identifiers, _identifiers, _arguments, st.integers(0, 5))
def test_reconstructed_calls_name_the_function(
    module: str, attribute: str, arguments: list[Any], protocol: int
) -> None:
    content = _call_written_like_python(f"x_{module}", attribute, tuple(arguments), protocol)
    assert any(shown.startswith(f"x_{module}.{attribute}(") for _, shown in noted(content))


@given(st.lists(st.integers(-(2**70), 2**70), max_size=3), st.integers(2, 5))
def test_reconstructed_arguments_are_those_given(arguments: list[int], protocol: int) -> None:
    found = noted(_call_written_like_python("subprocess", "run", tuple(arguments), protocol))
    assert found[0] == ("pickle/dangerous-call", f"subprocess.run({', '.join(map(str, arguments))})")


THREATS = {
    "resolve_name": (name("pkgutil", "resolve_name") + text("os:system") + b"\x85R", "pickle/dangerous-call"),
    "unknown class": (name("somelib.layers", "Swish") + b")\x81", "pickle/unreviewed-call"),
    "unknown function": (name("somelib.layers", "swish") + b")R", "pickle/unreviewed-call"),
    "unknown class inside a class": (name("somelib", "Outer.Inner") + b")\x81", "pickle/unreviewed-call"),
    "import only, dangerous": (name("os", "system"), "pickle/dangerous-import"),
    "import only, unknown": (name("antigravity2", "fly"), "pickle/unreviewed-import"),
    "known class, not for calling": (name("sklearn.tree._classes", "DecisionTreeClassifier.predict") + b")R",
                                     "pickle/attribute-walk"),
    "walk into a module": (name("random", "_os.getpid") + b")R", "pickle/attribute-walk"),
    "walk into a library": (name("torch", "ops.load_library") + text("x.so") + b"\x85R", "pickle/attribute-walk"),
    "walk to the globals": (name("collections", "OrderedDict.__init__.__globals__"), "pickle/attribute-walk"),
    "method of a known class": (name("pathlib", "Path.write_text") + b")R", "pickle/attribute-walk"),
    "computed name": (name("x", "f") + b")R" + text("system") + b"\x93", "pickle/computed-name"),
    "computed call": (name("x", "f") + b")R)R", "pickle/computed-call"),
    "call of data": (b"K\x01)R", "pickle/computed-call"),
    "getattr chain": (
        name("builtins", "getattr") + name("os", "path") + text("x") + b"\x86R)R",
        "pickle/computed-call",
    ),
    "extension registry": (b"\x82\x07", "pickle/extension-code"),
    "extension registry, two bytes": (b"\x83\x07\x01", "pickle/extension-code"),
    "extension registry, four bytes": (b"\x84\x07\x01\x00\x00", "pickle/extension-code"),
    "state of an imported function": (name("numpy", "sum") + b"}" + text("__code__") + b"Nsb", "pickle/changes-import"),
    "item of an imported object": (name("numpy", "sum") + text("k") + text("v") + b"s", "pickle/changes-import"),
    "items of an imported object": (name("sys", "modules") + b"(" + text("k") + text("v") + b"u",
                                    "pickle/changes-import"),
    "element of an imported object": (name("sys", "path") + text("folder") + b"a", "pickle/changes-import"),
    "elements of an imported object": (name("sys", "path") + b"(" + text("folder") + b"e", "pickle/changes-import"),
    "members of an imported object": (name("numpy", "sum") + b"(K\x01\x90", "pickle/changes-import"),
    "class replaced by state": (name("builtins", "set") + b")R}" + text("__class__") + b"Nsb",
                                "pickle/special-attribute"),
    "class replaced by slots": (name("builtins", "set") + b")RN}" + text("__class__") + b"Ns\x86b",
                                "pickle/special-attribute"),
    "special attribute among hundreds": (
        name("builtins", "set") + b")R}(" + b"".join(text(f"a{i}") + b"N" for i in range(400)) + text("__reduce__")
        + b"Nub",
        "pickle/special-attribute",
    ),
    "extend replaced by state": (
        name("builtins", "set") + b")R}" + text("extend") + name("os", "system") + b"sb(" + ARGUMENT + b"e",
        "pickle/special-attribute",
    ),
    "code of dill": (name("dill._dill", "_create_code") + b")R", "pickle/code-object"),
    "code of cloudpickle": (name("cloudpickle.cloudpickle", "_make_function") + b")R", "pickle/code-object"),
    "code of a bundled cloudpickle": (
        name("joblib.externals.cloudpickle.cloudpickle", "_make_skel_func") + b")R",
        "pickle/code-object",
    ),
    "code": (name("types", "CodeType") + b")R", "pickle/code-object"),
    "registers an extension": (
        name("copyreg", "add_extension") + text("os") + text("system") + b"K\x07\x87R",
        "pickle/dangerous-call",
    ),
    "frame in a frame": (
        b"\x95\x0a\0\0\0\0\0\0\0" + b"\x95\x01\0\0\0\0\0\0\0" + b"N",
        "pickle/frame-mismatch",
    ),
    "frame behind the file": (b"\x95\xff\0\0\0\0\0\0\0N", "pickle/frame-mismatch"),
    "frame across an argument": (b"\x95\x04\0\0\0\0\0\0\0" + blob(bytes(32)), "pickle/frame-straddle"),
    "frame across a line": (b"\x95\x04\0\0\0\0\0\0\0" + b"Vabcdefg\n", "pickle/frame-straddle"),
    "huge memo": (b"Nr\xff\xff\xff\xff", "pickle/bomb"),
    "huge memo by a line": (b"Np999999999\n", "pickle/bomb"),
    "duplicates": (b"N" + b"2" * 20_000, "pickle/bomb"),
    "memo flood": (b"N" + b"\x94" * 50_000, "pickle/bomb"),
    "stack flood": (b"N" * 50_000, "pickle/bomb"),
    "fan-out": (b"]\x94" + b"".join(b"(" + b"h" + bytes([i]) + b"h" + bytes([i]) + b"l\x94" for i in range(60)),
                "pickle/bomb"),
    "fan-out of tuples": (b"N" + b"2\x86" * 60, "pickle/bomb"),
    "nesting": (b"N" + b"\x85" * 5_000, "pickle/bomb"),
    "nested lists": (b"]" * 3_000 + b"a" * 2_999, "pickle/bomb"),
    "decimal digits": (b"I" + b"9" * 5_000 + b"\n", "pickle/bomb"),
    "persistent id": (b"K\x01Q", "pickle/persistent-id"),
    "persistent id as a line": (b"Pstorage\n", "pickle/persistent-id"),
    "buffer": (b"\x97", "pickle/out-of-band-buffer"),
    "array of pointers": (
        name("numpy", "dtype") + text("O8") + b"\x89\x88\x87R(K\x03" + text("|") + b"NNN" + number(-1) + number(-1)
        + b"K\x00tb",
        "pickle/array-of-pointers",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "rule"), THREATS.values(), ids=THREATS.keys())
def test_threats(body: bytes, rule: str) -> None:
    assert rule in {found for found, _ in noted(PROTOCOL_4 + body + b".")}


def test_claims_beyond_the_file() -> None:
    for claim in (b"\x8e", b"\x8d", b"\x96"):
        assert ("pickle/bomb", f"{2**40} bytes claimed, 1 there") in noted(
            PROTOCOL_4 + claim + (2**40).to_bytes(8, "little") + b"x"
        )
    assert noted(PROTOCOL_2 + b"\x8b" + (2**30).to_bytes(4, "little"))[0][0] == "pickle/bomb"
    assert noted(PROTOCOL_2 + b"X" + (2**20).to_bytes(4, "little")) == []


def test_newer_opcodes_than_declared() -> None:
    assert noted(PROTOCOL_2 + b"\x8c\x01a.") == [("pickle/protocol-mismatch", "protocol 2 declared")]
    assert noted(b"\x8c\x01a.") == [("pickle/protocol-mismatch", "protocol 0 declared")]
    assert noted(PROTOCOL_4 + b"\x8c\x01a.") == []


def test_marks_are_bounded() -> None:
    notes, reading = followed(b"(" * 200_000)
    assert reading.limited
    assert [notice.rule.id for notice in notes.notices] == ["pickle/bomb"]


def test_python_2_names_are_judged_by_what_python_3_imports() -> None:
    assert noted(b"c__builtin__\neval\n(S'1'\ntR.") == [("pickle/dangerous-call", "__builtin__.eval('1')")]
    assert noted(PROTOCOL_2 + b"ccommands\ngetoutput\n(S'id'\ntR.")[0][0] == "pickle/dangerous-call"
    assert noted(PROTOCOL_2 + b"c__builtin__\nxrange\n(K\x03tR.") == []


def test_a_class_is_used_only_in_reviewed_ways() -> None:
    lookup = standings(values="a:v", classes="a:C", constructors="a:K", functions="a:f")
    state = b"}" + text("x") + b"Nsb"
    used = {
        "mention": (b"", "values classes constructors functions"),
        "call": (b")R", "constructors functions"),
        "new": (b")\x81", "classes constructors"),
        "new, then state": (b")\x81" + state, "classes constructors"),
        "call, then state": (b")R" + state, "constructors"),
    }
    for use, (opcodes, allowed) in used.items():
        for tier, listed in (("values", "v"), ("classes", "C"), ("constructors", "K"), ("functions", "f")):
            found = noted(PROTOCOL_4 + name("a", listed) + opcodes + b".", lookup)
            assert (found == []) == (tier in allowed.split()), (use, tier, found)
            assert {rule for rule, _ in found} <= {"pickle/unreviewed-use"}


def test_a_method_that_is_known_by_its_full_name_may_be_called() -> None:
    lookup = standings(functions="zone:Info._unpickle", classes="zone:Info", constructors="builtins:getattr",
                       contracts={"builtins:getattr": "enum-getattr"})  # fmt: skip
    assert noted(PROTOCOL_4 + name("zone", "Info._unpickle") + text("Berlin") + b"\x85R.", lookup) == []
    reached = name("builtins", "getattr") + name("zone", "Info") + text("_unpickle") + b"\x86R"
    assert noted(PROTOCOL_4 + reached + text("Berlin") + b"\x85R.", lookup) == []
    assert noted(PROTOCOL_4 + name("zone", "Info._other") + b")R.", lookup)[0][0] == "pickle/attribute-walk"


def test_one_class_is_reported_a_few_times_only() -> None:
    content = PROTOCOL_4 + (name("somelib", "Thing") + b")\x810") * 500 + b"N."
    assert len(noted(content)) == 20


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (PROTOCOL_4 + b"N", "ends inside an opcode"),
        (PROTOCOL_4 + b"\x8c\xffabc", "ends inside an opcode"),
        (PROTOCOL_4 + b"K", "ends inside an opcode"),
        (PROTOCOL_4 + b"Vabc", "ends inside an opcode"),
        (PROTOCOL_4 + b"X\xff\xff\xff\x7fabc", "ends inside an opcode"),
        (b"\x80\x07N.", "protocol 7"),
        (PROTOCOL_4 + b"R.", "stack is empty"),
        (PROTOCOL_4 + b"N\x86.", "stack is empty"),
        (PROTOCOL_4 + b"(R.", "stack is empty"),
        (PROTOCOL_4 + b"\x94.", "stack is empty"),
        (PROTOCOL_4 + b"t.", "no mark"),
        (PROTOCOL_4 + b"N(o.", "no class to call"),
        (PROTOCOL_4 + b"}(K\x01u.", "no value"),
        (PROTOCOL_4 + b"(K\x01d.", "no value"),
        (PROTOCOL_4 + b"}K\x01a.", "elements to a dictionary"),
        (PROTOCOL_4 + b"}(" + text("extend") + b"e.", "elements to a dictionary"),
        (PROTOCOL_4 + b"}(K\x01\x90.", "elements to a dictionary"),
        (PROTOCOL_4 + b"h\x05.", "never written"),
        (PROTOCOL_4 + b"j\x05\x00\x00\x00.", "never written"),
        (PROTOCOL_4 + b"g5\n.", "never written"),
        (PROTOCOL_4 + b"Ng-1\n.", "memo index is wrong"),
        (PROTOCOL_4 + b"\xff", "0xff is no opcode"),
        (PROTOCOL_4 + b".", "stack is empty"),
        (b"I12x\n.", "integer"),
        (b"Fx\n.", "float"),
        (b"Sx\n.", "not quoted"),
        (b"S'\\x4'\n.", "escape is wrong"),
        (b"V\\u12\n.", "unicode escape"),
        (b"c\xff\nx\n.", "UTF-8"),
        (PROTOCOL_2 + b"\x8b\xff\xff\xff\xff.", "negative length"),
        (PROTOCOL_2 + b"T\xff\xff\xff\xff.", "negative length"),
    ],
)
def test_what_is_not_understood_is_said(content: bytes, reason: str) -> None:
    found = problems(content)
    assert any(reason in problem for problem in found), found


def test_opcodes_are_bounded() -> None:
    content = PROTOCOL_4 + b"]0" * 10_000 + b"N."
    notes, reading = followed(content, limits=Limits(opcodes=5_000))
    assert reading.limited and not reading.stopped
    assert [code for _, code in notes.problems.values()] == ["limit"]


def test_hostile_text_is_escaped_and_bounded() -> None:
    content = PROTOCOL_4 + text("os") + text("\u202e\x1b[31m" + "x" * 900) + b"\x93)R."
    shown = noted(content)[0][1]
    assert shown.isascii() and shown.isprintable()
    assert len(shown) <= LONGEST_SHOWN


def test_self_containing_and_exploding_values_are_shown_shortly() -> None:
    fan_out = b"]" + b"\x94" + b"".join(b"(h" + bytes([i]) + b"h" + bytes([i]) + b"l\x94" for i in range(60))
    exploding = PROTOCOL_4 + fan_out + name("os", "system") + b"h\x3c\x85R."
    assert max(len(shown) for _, shown in noted(exploding)) <= LONGEST_SHOWN
    itself = PROTOCOL_4 + b"]\x94h\x00a" + name("os", "system") + b"h\x00\x85R."
    assert noted(itself)[0][1].startswith("os.system([[[")


def test_bytes_written_as_text_are_bytes() -> None:
    encoded = name("_codecs", "encode") + text("echo") + text("latin1") + b"\x86R"
    assert noted(PROTOCOL_4 + name("os", "system") + encoded + b"\x85R.") == [
        ("pickle/dangerous-call", "os.system(b'echo')")
    ]


def test_long_arguments_are_stepped_over_and_shown_by_their_beginning() -> None:
    long_text = b"X" + (300_000).to_bytes(4, "little") + b"echo " + b"x" * 299_995
    assert noted(PROTOCOL_4 + name("os", "system") + long_text + b"\x85R.")[0][1].startswith("os.system('echo xxx")
    assert noted(PROTOCOL_4 + long_text + text("system") + b"\x93.")[0][0] == "pickle/computed-name"


def test_pytorch_persistent_ids() -> None:
    storage = b"(" + text("storage") + name("torch", "FloatStorage") + text("0") + text("cpu") + b"K\x06tQ"
    notes, reading = followed(PROTOCOL_4 + storage + b".", Loader(persistent=True))
    assert notes.notices == []
    assert [(key, kind.name, elements) for key, (kind, elements) in reading.storages.items()] == [
        ("0", "FloatStorage", 6)
    ]
    module = b"(" + text("module") + name("torch.nn.modules.linear", "Linear") + text("f.py") + text("class") + b"tQ"
    assert noted(PROTOCOL_4 + module + b")\x81.", persistent=True) == []
    assert noted(PROTOCOL_4 + text("other") + b"Q.", persistent=True) == [("pickle/persistent-id", "'other'")]


def test_tensors_are_listed() -> None:
    storage = b"(" + text("storage") + name("torch", "HalfStorage") + text("7") + text("cpu") + b"K\x0ctQ"
    tensor = (
        name("torch._utils", "_rebuild_tensor_v2") + b"(" + storage + b"K\x02" + b"K\x02K\x05\x86" + b"K\x05K\x01\x86"
        + b"\x89" + name("collections", "OrderedDict") + b")RtR"
    )  # fmt: skip
    notes, reading = followed(PROTOCOL_4 + b"}" + text("weight") + tensor + b"s.", Loader(persistent=True))
    assert notes.notices == []
    (found,) = reading.tensors
    assert (found.name, found.storage, found.offset, found.shape, found.storage_type) == (
        "weight", "7", 2, (2, 5), "HalfStorage",
    )  # fmt: skip


# ---- against CPython's own description of the opcodes

_plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.complex_numbers(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner) | st.frozensets(
        st.integers()
    ) | st.sets(st.text()),
    max_leaves=20,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(_plain, st.integers(0, 5), st.data())
def test_a_stream_breaks_at_the_opcode_that_pickletools_sees(value: Any, protocol: int, data: st.DataObject) -> None:
    content = pickle.dumps(value, protocol)
    starts = [position for _, _, position in pickletools.genops(content) if position is not None]
    notes, reading = followed(content)
    assert (notes.notices, notes.problems, reading.end, reading.stopped) == ([], {}, len(content), True)
    cut = data.draw(st.integers(0, len(content) - 1))
    (problem,) = problems(content[:cut])
    broken_at = int(re.match(r"breaks at byte (\d+)", problem)[1])  # type: ignore[index]
    assert broken_at == cut if cut in starts else broken_at == max(start for start in starts if start <= cut)


# ---- nothing makes it fail

_opcode_soup = st.lists(
    st.sampled_from([bytes([code]) for code in b"(.012FGIJKLMNPQRSTUVX]abcdeghijlopqrstu}BC)"])
    | st.sampled_from([bytes([code]) for code in range(0x80, 0x99)])
    | st.binary(max_size=4)
    | st.sampled_from([b"os\n", b"system\n", b"\x8c\x01a", b"0\n", b"K\x01", b"h\x00", b"q\x00", b"\x80\x04"]),
    max_size=80,
).map(b"".join)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=300), _opcode_soup), st.booleans(), st.booleans())
def test_arbitrary_bytes_never_raise(content: bytes, joblib: bool, persistent: bool) -> None:
    notes, reading = followed(content, Loader(joblib=joblib, persistent=persistent))
    assert 0 <= reading.end <= len(content)
    assert reading.stopped or notes.problems
    assert all(0 <= notice.offset < len(content) for notice in notes.notices)


@settings(max_examples=200, deadline=None)
@given(_plain, st.integers(2, 5), st.booleans())
def test_a_call_planted_into_a_plain_pickle_is_found(value: Any, protocol: int, at_start: bool) -> None:
    content = pickle.dumps(value, protocol)
    planted = content[:2] + PLANTED + b"0" + content[2:] if at_start else content[:-1] + PLANTED + b"."
    assert ("pickle/dangerous-call", "os.system('echo planted')") in noted(planted)
