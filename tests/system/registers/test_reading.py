"""Registers are read as the hostile input they are, and every entry that does not fit is named with its line."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.errors import DescriptionError, UserError
from touchstone.system.registers.entry import Entry, Moment, told
from touchstone.system.registers.kinds import REGISTERS
from touchstone.system.registers.reading import parse_register
from touchstone.text import Text


class Visit(Entry):
    register: ClassVar[str] = "visits"
    about: ClassVar[Text] = Text("visits", "来访")

    at: Moment = told("when", "时间")
    who: str = told("who came", "来访者")
    badge: Literal["red", "blue"] = told("colour of the badge", "证件颜色", "red")


class Rule(Entry):
    register: ClassVar[str] = "rule"
    about: ClassVar[Text] = Text("the rule", "规则")
    single: ClassVar[bool] = True

    days: int = told("how long", "天数", gt=0)


LINE = '{"at": "2026-11-23T08:30:00+08:00", "who": "王"}'


def said(content: str, path: str = "v.jsonl", kind: type[Entry] = Visit) -> str:
    with pytest.raises(DescriptionError) as caught:
        parse_register(content.encode(), path, kind)
    return caught.value.render("en")


def test_both_forms_say_the_same() -> None:
    as_lines = parse_register(f"{LINE}\n\n".encode(), "v.jsonl", Visit)
    as_yaml = parse_register("- at: 2026-11-23T08:30:00+08:00\n  who: 王\n".encode(), "v.yaml", Visit)
    assert as_lines == as_yaml
    assert as_lines[0].at == datetime(2026, 11, 23, 0, 30, tzinfo=UTC)


def test_a_single_register_is_one_mapping() -> None:
    assert parse_register(b"days: 184\n", "r.yaml", Rule)[0].days == 184
    assert "r.yaml:1: days: expected more than 0" in said("days: 0", "r.yaml", Rule)


def test_every_problem_is_named_with_its_line() -> None:
    told_ = said('{"at": "2026-11-23", "who": "a"}\n' + LINE + '\n{"at": "x", "whom": "b", "badge": "green"}')
    assert "v.jsonl, line 1: at: expected a date and time with its zone" in told_
    assert "v.jsonl, line 3: whom: is not a known field\n  → did you mean `who`?" in told_
    assert "v.jsonl, line 3: badge: expected one of red, blue, found the text 'green'" in told_
    assert "line 2" not in told_


def test_lines_of_yaml_are_those_of_the_field() -> None:
    assert "v.yaml:3: badge: expected one of" in said(
        "- at: 2026-11-23T08:30:00Z\n  who: a\n  badge: green\n", "v.yaml"
    )
    assert "is not a list of entries" in said("who: a\n", "v.yaml")


@pytest.mark.parametrize("content", ["[1]", "{", '{"who": 1, "who": 2}', "\x00", '{"who": NaN}'])
def test_what_is_no_object_is_refused(content: str) -> None:
    assert "v.jsonl, line 1: is not a JSON object" in said(content)


def test_numbers_do_not_become_times() -> None:
    assert "expected a date and time" in said('{"at": 1700000000, "who": "a"}')


def test_a_time_that_other_zones_have_no_day_for_is_refused() -> None:
    for at in ("0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-08:00"):
        assert "expected a date and time" in said(f'{{"at": "{at}", "who": "a"}}')


@given(st.binary(max_size=300))
def test_no_bytes_do_anything_but_be_read_or_refused(content: bytes) -> None:
    for path, kind in (("v.jsonl", Visit), ("v.yaml", Visit), ("r.yaml", Rule)):
        with contextlib.suppress(UserError):
            parse_register(content, path, kind)


def test_every_field_of_every_register_is_told_in_both_languages() -> None:
    for kind in REGISTERS.values():
        schema = kind.model_json_schema()
        for node in (schema, *schema.get("$defs", {}).values()):
            for name, field in node.get("properties", {}).items():
                assert field.get("description"), f"{kind.register}: {name}"
                assert field.get("x-description-zh"), f"{kind.register}: {name}"
