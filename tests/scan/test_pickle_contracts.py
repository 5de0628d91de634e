"""Known names that are harmless only with harmless arguments."""

from __future__ import annotations

import pytest

from tests.scan.pickle_writer import PROTOCOL_4, blob, followed, name, noted, number, standings, text
from touchstone.scan.pickle_machine.contracts import CONTRACTS, LARGEST_ALLOCATION

KNOWN = "a:C a:f a:g collections:OrderedDict builtins:list builtins:object builtins:dict numpy:ndarray numpy:dtype"
C, F, UNKNOWN, SYSTEM = name("a", "C"), name("a", "f"), name("b", "g"), name("os", "system")
MARK, TUPLE = b"(", b"t"


def found(contract: str, arguments: bytes, behind: bytes = b"", right: bytes = b"R") -> set[str]:
    """Rules broken by the call of `x.y`, which is known and has this contract."""
    lookup = standings({"x:y": contract}, constructors=f"x:y {KNOWN}")
    content = PROTOCOL_4 + name("x", "y") + MARK + arguments + TUPLE + right + behind + b"."
    return {rule for rule, _ in noted(content, lookup)} - {"pickle/dangerous-import", "pickle/unreviewed-import"}


KEPT = {
    "no-arguments": [b""],
    "plain-codes": [b"", text("f8") + b"\x89\x88", b"NK\x01" + blob(b"x"), b"G" + bytes(8)],
    "plain-data": [b"", text("a") + b"K\x01\x86](K\x01K\x02e}", b")"],
    "plain-names": [text("real.imag"), b"K\x01", text("a") + text("b"), b"NK\x01\x86"],
    "codecs-latin1": [text("x") + text("latin1"), text("x") + text("latin-1")],
    "bounded-allocation": [b"", number(1_000), blob(b"x"), text("x") + text("latin-1"), b"](K\x01e"],
    "bounded-shape": [
        C + b"K\x00\x85" + blob(b"b"),
        name("numpy", "ndarray") + number(1_000) + number(1_000) + b"\x86" + blob(b"b"),
        name("numpy", "ndarray") + b"K\x00\x85" + text("b"),
    ],
    "known-class": [C, C + b"K\x01N", C + UNKNOWN],
    "known-callable": [b"N", F, F + b"K\x01}", C + b"](K\x01e", F + C],
    "plain-reconstruction": [C + name("builtins", "object") + b"N", C + name("builtins", "dict") + b"}"],
    "empty-ordered-dict-hooks": [
        b"K\x00K\x01\x85\x89" + name("collections", "OrderedDict") + b")R",
        b"N}",
        b"}(" + text("a") + b"K\x01u",
    ],
    "type-of-constant": [b"N", C, text("x")],
    "bit-generator": [text("MT19937"), C, C + b")R", b""],
    "nested-file": [blob(b"planted, but no file")],
    "scipy-distribution": [b"", text("a") + b"K\x01"],
    "bounded-range": [b"K\x05", b"K\x00" + number(1_000) + b"K\x02", number(-5)],
    "named-ufunc": [text("a") + text("f")],
    "statsmodels-data": [b""],
}
BROKEN = {
    "no-arguments": [b"N", text("x")],
    "plain-codes": [b"]", F, C + b")R", text("a") + b"K\x01\x86\x85"],
    "plain-data": [F, b"](" + F + b"e", b"}(" + text("a") + C + b")Ru"],
    "plain-names": [text("__class__"), text("a.__init__.b"), text("_private"), F, b"](" + text("_x") + b"e"],
    "codecs-latin1": [
        text("x"),
        text("x") + text("zip"),
        text("x") + text("rot13"),
        text("x") + text("latin1") + b"N",
        F + text("latin1"),
    ],
    "bounded-allocation": [number(LARGEST_ALLOCATION + 1), b"\x8a\x08" + bytes(7) + b"\x01"],
    "bounded-shape": [
        C + number(100_000) + number(100_000) + b"\x86" + blob(b"b"),
        number(LARGEST_ALLOCATION + 1),
        UNKNOWN + b"K\x00\x85" + blob(b"b"),
        UNKNOWN + b"K\x00\x85" + blob(b"c"),
    ],
    "known-class": [b"", UNKNOWN, SYSTEM, text("a.C"), b"K\x01"],
    "known-callable": [
        b"K\x01",
        SYSTEM,
        UNKNOWN,
        F + SYSTEM,
        F + b"](" + SYSTEM + b"e",
        F + b"}(" + text("a") + UNKNOWN + b"u",
        name("x", "y"),
    ],
    "plain-reconstruction": [
        C,
        C + F + b"N",
        UNKNOWN + name("builtins", "object") + b"N",
        C + name("a", "object") + b"N",
    ],
    "empty-ordered-dict-hooks": [
        name("collections", "OrderedDict") + b"](" + b"K\x01" + F + b"\x86e\x85R",
        name("collections", "OrderedDict") + b")RK\x01" + F + b"s",
        b"}(" + b"K\x01" + F + b"u",
        b"](" + name("collections", "OrderedDict") + b")RK\x01" + F + b"se",
        UNKNOWN,
    ],
    "type-of-constant": [text("X") + b")}", b"", UNKNOWN, F + b")R"],
    "bit-generator": [UNKNOWN, SYSTEM, C + UNKNOWN],
    "nested-file": [b"", text("x"), F, b"](K\x01e", blob(b"x") + b"N"],
    "scipy-distribution": [F],
    "bounded-range": [b"", text("x"), F, b"\x8a\x08" + bytes(7) + b"\x01", b"K\x00K\x05K\x00"],
    "named-ufunc": [text("os") + text("system"), text("a"), F + F, text("b") + text("g")],
    "statsmodels-data": [b"K\x01"],
}
_HARM = {"pickle/harmful-arguments", "pickle/bomb"}


def test_every_contract_is_tried() -> None:
    assert set(KEPT) | {"enum-getattr", "calls-argument"} == set(CONTRACTS)
    assert all(contract.__doc__ for contract in CONTRACTS.values())


@pytest.mark.parametrize(("contract", "arguments"), [(name, item) for name, items in KEPT.items() for item in items])
def test_kept(contract: str, arguments: bytes) -> None:
    assert found(contract, arguments) & _HARM == set()


@pytest.mark.parametrize(("contract", "arguments"), [(name, item) for name, items in BROKEN.items() for item in items])
def test_broken(contract: str, arguments: bytes) -> None:
    assert found(contract, arguments) & _HARM


def test_a_contract_nobody_wrote_is_kept_by_no_use() -> None:
    assert found("no-such-contract", b"") == {"pickle/harmful-arguments"}


def test_contracts_hold_for_instances_made_without_a_call() -> None:
    assert found("plain-codes", text("a"), right=b"\x81") == set()
    assert found("plain-codes", F, right=b"\x81") == {"pickle/harmful-arguments"}


def test_the_state_of_a_callable_holds_known_names_only() -> None:
    for function, rules in ((F, set()), (SYSTEM, {"pickle/harmful-arguments"})):
        state = MARK + function + b")}N" + TUPLE + b"b"
        assert found("known-callable", F, behind=state) == rules


def test_the_right_to_a_state_is_asked_of_the_class_that_is_made() -> None:
    lookup = standings(
        {"x:new": "known-class", "x:random": "bit-generator"},
        functions="x:new x:random", constructors="a:C", values="a:V", enumerations="a:E",
    )  # fmt: skip
    state = b"}" + text("x") + b"Nsb."
    new = PROTOCOL_4 + name("x", "new")
    assert noted(new + C + b"\x85R" + state, lookup) == []
    assert noted(new + name("a", "E") + b"\x85R" + state, lookup)[0][0] == "pickle/unreviewed-use"
    assert noted(PROTOCOL_4 + name("x", "random") + text("MT19937") + b"\x85R" + state, lookup) == []


def test_members_of_enumerations_are_taken_by_name() -> None:
    lookup = standings({"builtins:getattr": "enum-getattr"}, functions="builtins:getattr", constructors="a:C")
    getattr_ = PROTOCOL_4 + name("builtins", "getattr")
    member = name("enum", "Flag") + text("STRICT") + b"\x86R."
    assert noted(getattr_ + C + text("RED") + b"\x86R.", lookup)[0][0] == "pickle/harmful-arguments"
    assert noted(getattr_ + member)[:1] in ([], [("pickle/harmful-arguments", "builtins.getattr(enum.Flag, 'STRICT')")])
    assert noted(getattr_ + name("re", "RegexFlag") + text("IGNORECASE") + b"\x86R.") == []
    for reached in (text("__init__"), text("_private"), text("a.b"), b"K\x01"):
        assert noted(getattr_ + name("re", "RegexFlag") + reached + b"\x86R.")[0][0] == "pickle/harmful-arguments"
    instance = C + b")R"
    assert noted(getattr_ + instance + text("_entropy") + b"\x86R.", lookup) == []
    assert noted(getattr_ + instance + text("tofile") + b"\x86R.", lookup)[0][0] == "pickle/harmful-arguments"
    assert noted(getattr_ + instance + text("__reduce__") + b"\x86R.", lookup)[0][0] == "pickle/harmful-arguments"


def test_a_function_that_calls_its_argument_is_judged_by_both() -> None:
    lookup = standings({"t:from_type": "calls-argument"}, functions="t:from_type a:f", classes="a:C")
    call = PROTOCOL_4 + name("t", "from_type") + MARK
    assert noted(call + name("a", "f") + C + b"K\x01\x85}" + TUPLE + b"R.", lookup) == []
    assert ("pickle/dangerous-call", "os.system(1)") in noted(call + SYSTEM + C + b"K\x01\x85}" + TUPLE + b"R.", lookup)
    special = b"}" + text("__class__") + b"Ns"
    assert noted(call + name("a", "f") + C + b")" + special + TUPLE + b"R.", lookup)[0][0] == "pickle/special-attribute"
    assert noted(call + name("a", "f") + UNKNOWN + b")}" + TUPLE + b"R.", lookup)[0][0] == "pickle/harmful-arguments"


_TEMPLATE = (
    "\ndef _parse_args(self, a, b, loc=0, scale=1):\n    return (a, b, ), loc, scale\n"
    "\ndef _parse_args_rvs(self, a, b, loc=0, scale=1, size=None):\n"
    "    return self._argcheck_rvs(a, b, loc, scale, size=size)\n"
    "\ndef _parse_args_stats(self, a, b, loc=0, scale=1, moments='mv'):\n    return (a, b, ), loc, scale, moments\n"
)


@pytest.mark.parametrize(
    ("program", "harmless"),
    [
        (_TEMPLATE, True),
        (_TEMPLATE.replace("a, b, ", ""), True),
        (_TEMPLATE + "import os\n", False),
        (_TEMPLATE.replace("(a, b, )", "(a, exec(b), )"), False),
        (_TEMPLATE.replace("loc=0", "loc=print()"), False),
        ("", False),
    ],
)
def test_scipy_executes_only_what_scipy_wrote(program: str, harmless: bool) -> None:
    state = b"}(" + text("shapes") + text("a, b") + text("_parse_arg_template") + text(program) + b"ub"
    assert found("scipy-distribution", b"", behind=state) == (set() if harmless else {"pickle/harmful-arguments"})


def test_statsmodels_evaluates_no_formula() -> None:
    def state(key: str) -> set[str]:
        return found("statsmodels-data", b"", behind=b"}(" + text(key) + b"Nub")

    assert state("endog") == set()
    assert state("restore_design_info") == state("restore_model_spec") == {"pickle/harmful-arguments"}
    assert found("statsmodels-data", b"", behind=b"Nb") == {"pickle/harmful-arguments"}


def test_a_state_too_large_to_judge_is_a_gap() -> None:
    entries = b"".join(text(f"a{i}") + b"N" for i in range(200))
    state = b"}(" + entries + text("_parse_arg_template") + text(_TEMPLATE) + b"ub"
    lookup = standings({"x:y": "scipy-distribution"}, constructors="x:y")
    notes, _ = followed(PROTOCOL_4 + name("x", "y") + b")R" + state + b".", lookup=lookup)
    assert [code for _, code in notes.problems.values()] == ["limit"]
