"""Stepping over runs of harmless opcodes never changes an answer; it only makes it come sooner."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.pickle_writer import ARGUMENT, PLANTED, PROTOCOL_4, followed, name, noted, number, standings, text
from touchstone.scan.pickle_machine import runs, stack, values
from touchstone.scan.pickle_machine.machine import Loader

EXACT = Loader(fast=False)
NAMES = standings(
    constructors="collections:OrderedDict datetime:date decimal:Decimal", classes="x:C", functions="x:f", values="x:v"
)


def answer(content: bytes, loader: Loader) -> tuple[Any, ...]:
    """Everything that a reader learns about a stream."""
    notes, reading = followed(content, loader, NAMES)
    return (
        notes.notices,
        notes.problems,
        list(notes.modules),
        notes.facts,
        [(offset, data.read(0, data.size)) for offset, data in notes.candidates],
        notes.payloads,
        notes.files,
        (reading.end, reading.stopped, reading.truncated, reading.limited),
        reading.tensors,
        sorted(reading.storages),
    )


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Few elements are kept, and runs are short, so that small streams have all that large ones have."""
    with monkeypatch.context() as small:
        small.setattr(stack, "MOST_KEPT", 4)
        small.setattr(values, "MOST_KEPT", 4)
        small.setattr(stack, "_LONGEST_WAIT", 8)
        small.setattr(stack, "_LONG_STREAM", 64)
        small.setattr(runs, "LEAST", 8)
        yield


class Recorder:
    """Counts runs, so that a test that wants some knows there were any."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.found: list[runs.Found] = []
        self.followed_again = 0
        find, again = runs.find_run, stack.StackMachine._values_of

        def find_and_count(*arguments: Any) -> runs.Found:
            found = find(*arguments)
            if found.end > arguments[1]:
                self.found.append(found)
            return found

        def again_and_count(machine: stack.StackMachine, run: runs.Run) -> list[values.Value]:
            self.followed_again += run.values is None
            return again(machine, run)

        monkeypatch.setattr(runs, "find_run", find_and_count)
        monkeypatch.setattr(stack.StackMachine, "_values_of", again_and_count)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    return Recorder(monkeypatch)


WORDS = [f"word {i}" for i in range(60)]
SHAPES: dict[str, Any] = {
    "integers": list(range(300)),
    "large integers": [i * 10**7 for i in range(100)],
    "floats": [i / 7 for i in range(100)],
    "texts": WORDS,
    "words of another script": [f"词{i}汉字" for i in range(80)],
    "a vocabulary": {word: index for index, word in enumerate(WORDS)},
    "both directions": {"to": {word: i for i, word in enumerate(WORDS)}, "from": dict(enumerate(WORDS))},
    "a tuple": tuple(range(200)),
    "a set": set(range(200)),
    "a set of texts": set(WORDS),
    "a frozen set": frozenset(WORDS),
    "pairs": [(word, index) for index, word in enumerate(WORDS)],
    "long tuples": [(word, index, None, 1.5, True) for index, word in enumerate(WORDS)],
    "keys that are pairs": {(word, index): index for index, word in enumerate(WORDS)},
    "lists in a list": [[i, str(i), i / 3] for i in range(60)],
    "lists of one": [[i] for i in range(60)],
    "empty ones": [[] if i % 3 else {} if i % 2 else () for i in range(60)],
    "records": [{"name": f"n{i}", "count": i, "tags": ["a", "b"], "point": (i, 1.0)} for i in range(40)],
    "records of one": [{"name": f"n{i}"} for i in range(40)],
    "deeper records": [{"a": {"b": [i, {"c": i}]}} for i in range(40)],
    "lists of sets": [{i, str(i)} for i in range(40)],
    "special names": {f"__{i}__" if i % 5 == 0 else f"a{i}": i for i in range(60)},
    "long texts among short ones": ["x" * (i % 40) for i in range(80)],
    "bytes": [bytes([i] * (i % 14)) for i in range(80)],
    "other objects in between": [i if i % 7 else complex(i) for i in range(80)],
    "booleans": [None, True, False] * 40,
    "nothing": [None] * 200,
    "the same list again": [WORDS] * 40,
    "the same words again": WORDS + WORDS[::-1] + [(word, word) for word in WORDS],
}


@pytest.mark.parametrize("value", SHAPES.values(), ids=SHAPES.keys())
def test_real_shapes_give_the_same_answer(value: Any) -> None:
    for protocol in range(6):
        content = pickle.dumps(value, protocol)
        assert answer(content, Loader()) == answer(content, EXACT)
        for cut in range(0, len(content), 7 + len(content) // 200):
            assert answer(content[:cut], Loader()) == answer(content[:cut], EXACT)


@pytest.mark.parametrize(
    "value",
    [
        SHAPES["a vocabulary"],
        SHAPES["pairs"],
        SHAPES["records"],
        SHAPES["lists in a list"],
        {(str(index), index): index for index in range(1_200)},
    ],
    ids=["a vocabulary", "pairs", "records", "lists in a list", "pairs for keys"],
)
def test_there_are_runs_in_them(value: Any, recorder: Recorder) -> None:
    content = pickle.dumps(value, 4)
    followed(content)
    assert sum(found.memoized for found in recorder.found) > 30
    assert recorder.followed_again <= 1
    assert answer(content, Loader()) == answer(content, EXACT)


def test_what_was_stepped_over_is_found_when_somebody_asks(recorder: Recorder) -> None:
    before = b"".join(text(f"w{i}") + b"\x94" for i in range(40))
    words = b"".join(text(word) + b"\x94" for word in ["os", "system", "echo planted"])
    content = PROTOCOL_4 + b"]\x94(" + before + words + before + b"e0h\x29h\x2a\x93h\x2b\x85R."
    assert noted(content) == [("pickle/dangerous-call", "os.system('echo planted')")]
    assert recorder.found and recorder.followed_again == 1


def test_a_key_that_was_stepped_over_is_no_special_key_unnoticed() -> None:
    words = b"".join(text(word) + b"\x94" for word in ["a", "b", "c", "d", "e", "__class__", "f", "g", "h"])
    content = PROTOCOL_4 + b"](" + words + b"e0" + name("x", "C") + b")\x81}(h\x05Nub."
    assert noted(content, NAMES) == [("pickle/special-attribute", "x.C().__class__ = ...")]


def test_a_special_key_at_the_end_of_a_run_is_seen() -> None:
    pairs = b"".join(text(f"w{i}") + b"N" for i in range(40))
    for before in (b"", text("a"), b"K\x01" + text("b"), text("a") + b"N" + text("b")):
        state = b"}(" + before + b"N" * (before != b"") + pairs + text("extend") + name("os", "system") + b"u"
        content = PROTOCOL_4 + name("x", "C") + b")\x81" + state + b"b."
        assert answer(content, Loader()) == answer(content, EXACT)
    assert "pickle/special-attribute" in {rule for rule, _ in noted(content, NAMES)}


def test_values_on_the_stack_are_wanted_alone(recorder: Recorder) -> None:
    numbers = b"K\x05" * 40
    for use, found in {
        b"b0R": ("pickle/computed-call", "5(5)"),
        b"0R": ("pickle/computed-call", "5(5)"),
        b"N\x87R": ("pickle/computed-call", "5(5, 5, None)"),
        b"0" * 30 + PLANTED: ("pickle/dangerous-call", "os.system('echo planted')"),
    }.items():
        content = PROTOCOL_4 + b"](" + numbers + use + b"."
        assert found in noted(content)
        assert answer(content, Loader()) == answer(content, EXACT)
    assert recorder.found and recorder.followed_again


def test_structures_that_explode_are_found_behind_runs() -> None:
    words = b"".join(text(f"w{i}") + b"\x94" for i in range(30))
    levels = b"".join(b"(" + b"j" + (30 + i).to_bytes(4, "little") + b"j" + (30 + i).to_bytes(4, "little") + b"l\x94"
                      for i in range(60))  # fmt: skip
    content = PROTOCOL_4 + b"](" + words + b"e\x94" + levels + b"."
    assert "pickle/bomb" in {rule for rule, _ in noted(content)}
    assert answer(content, Loader()) == answer(content, EXACT)


# ---- random streams, and random damage to them

_literal = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.integers(0, 300)
    | st.floats()
    | st.text(max_size=25)
    | st.sampled_from(["a", "b", "__class__", "extend", "\x94", "x" * 30, "os", "system"])
    | st.binary(max_size=12)
)
_few = st.recursive(
    _literal,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner)
        | st.tuples(inner, inner)
        | st.tuples(inner, inner, inner)
        | st.lists(inner, min_size=4, max_size=7).map(tuple)
        | st.dictionaries(st.text(max_size=8) | st.integers(0, 9), inner, max_size=4)
        | st.dictionaries(st.tuples(st.text(max_size=3), st.integers(0, 9)), inner, max_size=3)
        | st.sets(st.text(max_size=3) | st.integers(), max_size=4)
    ),
    max_leaves=12,
)
_many = st.lists(_few, min_size=1, max_size=8).flatmap(
    lambda units: st.sampled_from(
        [
            units * 6,
            tuple(units * 6),
            dict(enumerate(units * 6)),
            {f"k{index}": unit for index, unit in enumerate(units * 6)},
            [units, units] * 3,
            {"a": units * 4, "b": [units * 4, {str(i): i for i in range(20)}]},
        ]
    )
)


@settings(max_examples=250, deadline=None)
@given(_many, st.integers(0, 5))
def test_random_streams_give_the_same_answer(value: Any, protocol: int) -> None:
    content = pickle.dumps(value, protocol)
    assert answer(content, Loader()) == answer(content, EXACT)


@settings(max_examples=400, deadline=None)
@given(_many, st.integers(2, 5), st.data())
def test_damaged_streams_give_the_same_answer(value: Any, protocol: int, data: st.DataObject) -> None:
    content = bytearray(pickle.dumps(value, protocol))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(
            st.sampled_from(list(b"NK]}()tuesa\x85\x86\x87\x94h.R0122bq\x93\x81")) | st.integers(0, 255)
        )
    assert answer(bytes(content), Loader()) == answer(bytes(content), EXACT)
    assert answer(bytes(content), Loader(persistent=True)) == answer(
        bytes(content), Loader(persistent=True, fast=False)
    )


_pushes = st.sampled_from(
    [b"K\x07", b"N", b"\x88", text("a"), text("bc") + b"\x94", number(70_000), b"]", b"}\x94", b")"]
)
_rarely = st.integers(0, 40).map(lambda index: b"h" + bytes([index])) | st.sampled_from(
    [b"e", b"u", b"t", b"\x90", b"\x86", b"\x87\x94", b"\x85", b"a", b"s", b"(", b"j\x02\0\0\0", b"0", b"1", b"2",
     b"\x93", b"0\x93", b"d", b"l", b"\x91", b"R", b"b", b"\x94", b"q\x01", b"r\x09\0\0\0", PLANTED,
     name("x", "C") + b")\x81", text("extend"), name("os", "system"), b"}(", b"](", b"\x95\x10\0\0\0\0\0\0\0"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.lists(_pushes, max_size=12).map(b"".join) | _rarely, max_size=40).map(b"".join))
def test_opcode_soup_gives_the_same_answer(body: bytes) -> None:
    content = PROTOCOL_4 + b"N\x94](" + body + b"."
    assert answer(content, Loader()) == answer(content, EXACT)


# ---- cost


@pytest.mark.parametrize(
    "content",
    [
        PROTOCOL_4 + b"(" * 90_000 + b"t" * 90_000 + b".",
        PROTOCOL_4 + b"N" + b"(1" * 200_000 + b".",
        PROTOCOL_4 + b"]" + b"(K\x01K\x02\x86" * 60_000 + b".",
        PROTOCOL_4 + b"](" + b"K\x01" * 150_000 + b"0" * 100_000 + b"e.",
        PROTOCOL_4 + b"](" + (b"K\x01" * 60 + b"0") * 3_000 + b"e.",
        PROTOCOL_4 + b"](" + b"".join(text(f"{i}") + b"\x94" for i in range(40_000)) + b"e"
        + b"".join(b"j" + i.to_bytes(4, "little") + b"0" for i in range(0, 40_000, 7)) + b".",
        b"V" + b"x" * 3_000_000 + b"\n.",
        b"I" + b"1" * 3_000_000 + b"\n.",
        b"Vx\n0" * 100_000 + b"N.",
        PROTOCOL_4 + b"Np" + b"1" * 1_000_000 + b"\n.",
        PROTOCOL_4 + b"Nr\xff\xff\xff\x03" + b"\x94" * 100_000 + b".",
        PROTOCOL_4 + b"]\x94" + b"h\x00a" * 100_000 + b".",
        PROTOCOL_4 + b"]\x94(" + b"h\x00" * 200_000 + b"e.",
        PROTOCOL_4 + (name("x", "C") + b"\x940") * 20_000 + b"N.",
        PROTOCOL_4 + (text("0" * 60) + b"0") * 50_000 + b"N.",
        PROTOCOL_4 + (b"\x95\x01\0\0\0\0\0\0\0N0") * 50_000 + b"N.",
    ],
    ids=range(16),
)  # fmt: skip
def test_hostile_streams_cost_no_more_than_their_length(content: bytes) -> None:
    def seconds(data: bytes) -> float:
        started = time.process_time()
        followed(data)
        return time.process_time() - started

    assert seconds(content) < 12


def test_a_call_at_the_end_of_a_long_stream() -> None:
    body = b"".join(text(f"word {i}") + b"\x94" + number(i) for i in range(3_000))
    content = PROTOCOL_4 + b"}\x94(" + body + b"u0" + name("os", "system") + ARGUMENT + b"\x85R."
    assert [shown for _, shown in noted(content)] == ["os.system('echo planted')"]


# ---- what is forgotten to save memory


def test_what_was_forgotten_is_no_way_around_a_contract() -> None:
    """Hooks in a dictionary that was memoized fifty thousand values ago."""
    lookup = standings(
        {"t:rebuild": "empty-ordered-dict-hooks"}, functions="t:rebuild x:f", constructors="c:OrderedDict"
    )
    hooks = name("c", "OrderedDict") + b")R\x94" + text("a") + name("x", "f") + b"s0"
    empty = name("c", "OrderedDict") + b")R\x940"
    filler = b"]\x940" * 60_000
    for first, second in ((hooks, empty), (empty, hooks)):
        content = PROTOCOL_4 + first + second + filler + name("t", "rebuild") + b"h\x00\x85Rh\x01\x85R."
        for loader in (Loader(), EXACT):
            notes, _ = followed(content, loader, lookup)
            assert notes.problems or notes.notices


def test_a_state_that_was_forgotten_keeps_its_special_keys() -> None:
    state = b"}\x94" + text("__class__") + b"Ns0"
    content = PROTOCOL_4 + state + b"]\x940" * 60_000 + name("x", "C") + b")\x81h\x00b."
    assert "pickle/special-attribute" in {rule for rule, _ in noted(content, NAMES)}


def test_names_that_were_forgotten_are_a_gap() -> None:
    content = PROTOCOL_4 + text("o" * 100) + b"\x940" + b"]\x940" * 60_000 + b"h\x00h\x00\x93."
    notes, _ = followed(content)
    assert [code for _, code in notes.problems.values()] == ["limit"]


def test_memory_is_bounded_by_limits() -> None:
    names = b"".join(b"c" + f"m{i}".encode() + b"\nn\n0" for i in range(100_010))
    _, reading = followed(names + b"N.")
    assert reading.limited
    _, reading = followed(PROTOCOL_4 + b"(" + b"]0)" * 2_000_000)
    assert reading.limited
