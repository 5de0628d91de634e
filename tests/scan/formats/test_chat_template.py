"""Templates of real families are clean; every way from a value to Python itself is found; nothing is rendered."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scan.formats.chat_templates import TEMPLATES
from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult
from touchstone.scan.formats.chat_template import LONGEST


def scan(template: str) -> FileResult:
    return scan_bytes(template.encode(), "chat_template.jinja")


def rules(template: str) -> set[str]:
    return {finding.rule.removeprefix("template/") for finding in scan(template).findings}


@pytest.mark.parametrize("family", TEMPLATES)
def test_templates_of_real_families_are_clean(family: str) -> None:
    result = scan(TEMPLATES[family])
    assert (result.format, result.verdict, result.findings, result.gaps) == ("chat-template", "clean", (), ())


def test_the_digest_of_the_template_is_stated() -> None:
    template = TEMPLATES["yi"]
    digest = hashlib.sha256(template.encode()).hexdigest()
    assert [(fact.name, fact.value) for fact in scan(template).facts] == [("template-digest", digest)]


@pytest.mark.parametrize(
    ("template", "rule"),
    [
        ("{{ ''.__class__ }}", "reaches-internals"),
        ("{{ messages['__class__'] }}", "reaches-internals"),
        ("{{ messages['\\x5f\\x5fclass\\x5f\\x5f'] }}", "reaches-internals"),
        ("{{ cycler.__init__.__globals__.os.popen('echo planted').read() }}", "calls-system"),
        ("{{ x.mro() }}", "reaches-internals"),
        ("{{ messages | attr('__class__') }}", "computed-name"),
        ("{{ messages | attr(name) }}", "computed-name"),
        ("{{ messages | map('attr', '__class__') | list }}", "computed-name"),
        ("{{ messages | map(attribute='__class__') | list }}", "reaches-internals"),
        ("{{ messages | groupby('role.__class__') }}", "reaches-internals"),
        ("{{ x['__cla' ~ 'ss__'] }}", "reaches-internals"),
        ("{{ x['__cla' + 'ss__'] }}", "reaches-internals"),
        ("{{ x['__ssalc__'[::-1]] }}", "reaches-internals"),
        ("{{ x[('__ssalc__' | reverse)] }}", "reaches-internals"),
        ("{{ x[['_', '_', 'class', '_', '_'] | join] }}", "reaches-internals"),
        ("{{ x['%c%cclass%c%c' | format(95, 95, 95, 95)] }}", "reaches-internals"),
        ("{{ x['{}{}'.format('__cla', 'ss__')] }}", "reaches-internals"),
        ("{{ x['XXclassXX'.replace('X', '_')] }}", "reaches-internals"),
        ("{{ x['__CLASS__' | lower] }}", "reaches-internals"),
        ("{% set u = '_' * 2 %}{{ x[u ~ 'class' ~ u] }}", "reaches-internals"),
        ("{% set k = ['_', 'x'] | map('lower') | join %}{{ x[k] }}", "computed-name"),
        ("{% set k %}__class__{% endset %}{{ x[k] }}", "computed-name"),
        ("{% macro k() %}__class__{% endmacro %}{{ x[k()] }}", "computed-name"),
        ("{% set a = '__class__' %}{{ x[a] }}{% set a = 'role' %}", "reaches-internals"),
        ("{{ '{0.__class__}'.format(x) }}", "computed-name"),
        ("{% set f = '{0.__class__}'.format %}{{ f(x) }}", "computed-name"),
        ("{{ os.system('echo planted') }}", "calls-system"),
        ("{% include '/etc/hostname' %}", "reads-file"),
        ("{% import 'a' as b %}", "reads-file"),
        ("{% extends 'a' %}", "reads-file"),
        ("{% for i in range(1000000000) %}{% endfor %}", "exhausts"),
        ("{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}", "exhausts"),
        ("{{ 'a' * 10000000000 }}", "exhausts"),
        ("{{ 9 ** 9 ** 9 }}", "exhausts"),
        ("{{ 'a'.center(1000000000) }}", "exhausts"),
        ("{{ '%0999999999d' % 1 }}", "exhausts"),
        ("{{ lipsum(n=100000) }}", "exhausts"),
        ("{% if 'quarterly report' in messages[-1].content %}x{% endif %}", "reacts-to-words"),
        ("See https://planted.example/a {{ x }}", "names-address"),
    ],
)
def test_each_abuse_is_found(template: str, rule: str) -> None:
    assert rule in rules(template)


@pytest.mark.parametrize("template", ["{{ x.y", "{% for %}", "{% unknown %}", "{{ x }} {% endif %}"])
def test_what_is_no_template_is_a_gap(template: str) -> None:
    assert scan(template).verdict == "incomplete"


def test_depth_and_length_are_limits() -> None:
    assert scan("{{" + "(" * 5000 + ")" * 5000 + "}}").gaps[0].code == "limit"
    assert scan("{{ x }}" + "a" * LONGEST).verdict == "incomplete"


def test_the_offset_is_that_of_the_line() -> None:
    (finding,) = scan("汉字\n\n  {{ x.__class__ }}\n").findings
    assert finding.offset == len("汉字\n\n".encode())


@pytest.mark.parametrize("value", ["{{ x.__class__ }}", [{"name": "default", "template": "{{ x.__class__ }}"}]])
def test_templates_inside_tokenizer_settings_are_judged(value: object) -> None:
    result = scan_bytes(json.dumps({"chat_template": value}).encode(), "tokenizer_config.json")
    assert result.verdict == "unsafe"
    assert {finding.where for finding in result.findings} == {"tokenizer_config.json!chat_template"}


_PIECES = st.sampled_from(
    [
        "{{",
        "}}",
        "{%",
        "%}",
        "x",
        ".",
        "[",
        "]",
        "'__class__'",
        "|attr(",
        ")",
        "(",
        "~",
        "for a in b",
        "endfor",
        "'",
        "\n",
    ]
)


@given(st.lists(_PIECES, max_size=40).map("".join))
def test_never_fails_on_pieces(template: str) -> None:
    assert "reader" not in {gap.code for gap in scan(template).gaps}


@given(st.text(max_size=30), st.text(max_size=30))
def test_what_stands_around_hides_nothing(before: str, after: str) -> None:
    result = scan(before + "{{ x.__class__.__base__ }}" + after)
    assert result.verdict != "clean" or any(mark in before for mark in ("{", "\x00"))
