"""R's data are clean in every notation; promises, hooks, active bindings and kept calls are found."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings

from tests.scan.formats.damage import damaged, facts, made, rules, scanned

HEAD = b"X\n" + struct.pack(">3i", 2, 0x00040301, 0x00020300)
NIL, GLOBAL, UNBOUND = (struct.pack(">i", kind) for kind in (254, 253, 252))


def number(*values: int) -> bytes:
    return struct.pack(f">{len(values)}i", *values)


def characters(text: str) -> bytes:
    return number(9, len(text)) + text.encode()


def symbol(name: str) -> bytes:
    return number(1) + characters(name)


CALL = number(6) + symbol("system") + number(2) + number(16, 1) + characters("echo planted") + NIL
PROMISE = number(0x405) + GLOBAL + UNBOUND + CALL
FORCED = number(0x405) + GLOBAL + number(13, 1, 7) + CALL
LIST = number(19, 2) + number(13, 1, 7)


def environment(value: bytes, flags: int = 0x402) -> bytes:
    frame = number(flags) + symbol("x") + value + NIL
    return number(4, 0) + GLOBAL + frame + NIL + NIL


@pytest.mark.parametrize(
    "name", ["linear_model.rds", "two_objects.RData", "text.rds", "sequence.rds", "list.rds", "native.rds"]
)
def test_data_and_models_of_r_are_clean(name: str) -> None:
    result = scanned(made(name), name)
    assert (result.verdict, result.findings) == ("clean", ())
    assert ("framework", "R 4.2.2") in facts(made(name))


def test_the_class_of_an_object_is_its_architecture() -> None:
    assert ("architecture", "lm") in facts(made("linear_model.rds"))


@pytest.mark.parametrize(
    ("name", "rule", "verdict"),
    [
        ("function.rds", "rds/function", "review"),
        ("active_binding.rds", "rds/active-binding", "unsafe"),
        ("session_hook.RData", "rds/session-hook", "unsafe"),
        ("kept_call.rds", "rds/dangerous-call", "unsafe"),
        ("model_in_function.rds", "rds/promise-in-environment", "review"),
    ],
)
def test_programs_among_data_are_found(name: str, rule: str, verdict: str) -> None:
    assert rule in rules(made(name))
    assert scanned(made(name)).verdict == verdict


@pytest.mark.parametrize(
    "content",
    [
        HEAD + PROMISE,
        HEAD + FORCED,
        HEAD + LIST + PROMISE,
        HEAD + number(0x213, 0) + number(0x402) + symbol("names") + PROMISE + NIL,
        b"RDX2\n" + HEAD + number(0x402) + symbol("model") + PROMISE + NIL,
    ],
)
def test_a_promise_among_data_is_always_found(content: bytes) -> None:
    result = scanned(content)
    assert result.verdict == "unsafe"
    assert "promise: system echo planted" in {finding.shown for finding in result.findings}


def test_promises_of_an_environment_count_only_while_they_have_no_value() -> None:
    assert rules(HEAD + environment(PROMISE)) == {"rds/promise-in-environment"}
    assert scanned(HEAD + environment(FORCED)).verdict == "clean"


def test_an_active_binding_is_told_from_a_variable() -> None:
    assert "rds/active-binding" in rules(HEAD + environment(number(13, 1, 7), 0x402 | 1 << 27))
    assert scanned(HEAD + environment(number(13, 1, 7))).verdict == "clean"


def test_bytecode_outside_of_a_function_is_found() -> None:
    content = HEAD + number(21, 1) + number(13, 1, 8) + number(1, 6) + NIL + number(254) + number(254)
    assert "rds/bytecode" in rules(content)


def test_vectors_that_lie_in_other_files_are_found() -> None:
    def vector(name: str) -> bytes:
        return number(238) + number(2) + symbol(name) + number(2) + symbol("base") + NIL + NIL + NIL

    assert "rds/mapped-file" in rules(HEAD + vector("mmap_real"))
    assert "rds/foreign-vector" in rules(HEAD + vector("planted"))
    assert scanned(HEAD + vector("compact_intseq")).verdict == "clean"


@pytest.mark.parametrize(
    "content",
    [
        HEAD,
        HEAD + number(14, 2**31 - 1),
        HEAD + number(19, 2**31 - 1),
        HEAD + number(16, -1, 2**30, 0),
        HEAD + number(13, -5),
        HEAD + number(0x3FF),
        HEAD + number(77),
        b"X\n" + number(9, 0, 0) + NIL,
    ],
)
def test_what_is_not_understood_is_never_clean(content: bytes) -> None:
    assert scanned(content).verdict == "incomplete"


def test_depth_costs_no_recursion() -> None:
    assert scanned(HEAD + number(19, 1) * 100_000 + NIL).verdict == "clean"


def test_bytes_behind_the_last_object_are_examined() -> None:
    assert {"rds/hidden-bytes", "pickle/dangerous-call"} <= rules(HEAD + NIL + b"\x80\x02cos\ngetpid\n)R.")


@settings(max_examples=200, deadline=None)
@given(damaged(HEAD + environment(PROMISE)) | damaged(made("active_binding.rds")) | damaged(made("native.rds")))
def test_damage_never_breaks_the_reader(content: bytes) -> None:
    scanned(content)
