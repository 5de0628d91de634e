"""Hostile YAML gives one clear error; honest YAML gives plain values and their lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from touchstone.documents import DEEPEST, LARGEST_BYTES, MOST_NODES, DocumentError, parse_yaml, read_yaml
from touchstone.errors import UserError
from touchstone.files import FileError


def value_of(text: str) -> object:
    return parse_yaml(text.encode(), "x.yaml").value


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        # YAML 1.2.2, example 10.9 (core schema), and the words that YAML 1.1 took for booleans and dates.
        ("~", None),
        ("null", None),
        ("True", True),
        ("FALSE", False),
        ("no", "no"),
        ("on", "on"),
        ("NO", "NO"),
        ("y", "y"),
        ("0", 0),
        ("-19", -19),
        ("0o7", 7),
        ("0x3A", 58),
        ("0.", 0.0),
        ("-0.5", -0.5),
        (".5", 0.5),
        ("+12e03", 12000.0),
        ("-2E+05", -200000.0),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2026-11-23", "2026-11-23"),
        ("1.4.0", "1.4.0"),
        ("'true'", "true"),
        ('"1"', "1"),
        ("'~'", "~"),
        ("|\n  12\n", "12\n"),
        ("<<", "<<"),
    ],
)
def test_scalars_follow_the_core_schema(written: str, expected: object) -> None:
    found = value_of(f"a: {written}\n")
    assert found == {"a": expected}
    assert type(found["a"]) is type(expected)  # type(True) is not type(1)


@pytest.mark.parametrize(
    ("content", "line", "en", "zh"),
    [
        (b"", None, "is empty", "内容为空"),
        (b"# nothing\n", None, "is empty", "内容为空"),
        (b"---\n# nothing", None, "is empty", "内容为空"),
        (b"a: 1\nb: &x [1]\n", 2, "uses &x", "使用了 &x"),
        (b"a: 1\nb: *x\n", 2, "uses *x", "使用了 *x"),
        (b"a: !!python/object/apply:os.system [id]\n", 1, "python/object/apply:os.system", "使用了标签"),
        (b"a: !!str 1\n", 1, "uses the tag", "使用了标签"),
        (b"a: ! 1\n", 1, "uses the tag", "使用了标签"),
        (b"a: 1\n---\nb: 2\n", 2, "second document", "第二个文档"),
        (b"a: 1\nb: 2\na: 3\n", 3, "the first is on line 1", "首次出现在第 1 行"),
        (b"1: x\n", 1, "uses 1 as a key", "作为键"),
        (b"true: x\n", 1, "uses True as a key", "作为键"),
        (b"? [a]\n: x\n", 1, "a collection as a key", "以集合作为键"),
        (b"a:\n\tb: 1\n", 2, "indented with a tab", "制表符"),
        (b"a: [1,\n", 2, "not valid YAML", "不是合法的 YAML"),
        (b"a: b: c\n", 1, "not valid YAML", "不是合法的 YAML"),
        (b"a: 1\nb: \xff\n", 2, "not UTF-8 at byte 8", "不是 UTF-8"),
        ("a: ü\n".encode("utf-16"), 1, "not UTF-8", "不是 UTF-8"),
        (b"a: 1\nb: \x00\n", 2, "U+0000", "不可见字符"),
        (b'a: "\\e[31m"\n', 1, "U+001B", "不可见字符"),
        ("a: x\u202ey\n".encode(), 1, "U+202E", "不可见字符"),
        ("a: x\u2028y\n".encode(), 1, "U+2028", "不可见字符"),
        (b"a: .inf\n", 1, ".inf", "不是有限数值"),
        (b"a: .NaN\n", 1, ".NaN", "不是有限数值"),
        (b"a: 1e999\n", 1, "too large", "过大"),
        (b"a: " + b"9" * 100_000, 1, "beyond 2^53", "超过 2^53"),
        (b"a: " + b"9" * 100_000 + b".5", 1, "too large", "过大"),
        (b"a: 9007199254740992\n", 1, "beyond 2^53", "超过 2^53"),
        (b"- x\n" * (MOST_NODES + 1), MOST_NODES, "more than", "超过"),
        (b"a: " + b"x" * LARGEST_BYTES, None, "larger than", "大于"),
    ],
)
def test_what_is_not_accepted_is_said_with_its_line(content: bytes, line: int | None, en: str, zh: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_yaml(content, "x.yaml")
    assert caught.value.where == ("x.yaml" if line is None else f"x.yaml:{line}")
    assert en in caught.value.what.en
    assert zh in caught.value.what.zh


@pytest.mark.parametrize("opening", [b"[", b"{a: ", b"- ", b"[{a: "])
def test_a_million_levels_are_refused_at_once(opening: bytes) -> None:
    started = time.process_time()
    with pytest.raises(DocumentError, match=f"deeper than {DEEPEST}"):
        parse_yaml(opening * (1_000_000 // len(opening)), "x.yaml")
    assert time.process_time() - started < 1


def test_the_deepest_accepted_document() -> None:
    assert parse_yaml(b"[" * DEEPEST + b"]" * DEEPEST, "x.yaml").value is not None
    with pytest.raises(DocumentError):
        parse_yaml(b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), "x.yaml")


def test_an_alias_bomb_expands_nothing() -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 20)
    )
    with pytest.raises(DocumentError, match=r"x\.yaml:1: uses &a0"):
        parse_yaml(bomb.encode(), "x.yaml")


def test_a_byte_order_mark_is_fine() -> None:
    assert parse_yaml(b"\xef\xbb\xbfa: 1\r\n", "x.yaml").value == {"a": 1}


def test_lines_are_those_of_keys_and_items() -> None:
    document = parse_yaml(
        b"a:\n  b: 1\n\n  c:\n    - x\n    - y: 2\n      z: 3\nd: >-\n  long\n  text\ne: {f: 1}\n", "x.yaml"
    )
    assert document.line_of(()) == 1
    assert document.line_of(("a", "b")) == 2
    assert document.line_of(("a", "c")) == 4
    assert document.line_of(("a", "c", 0)) == 5
    assert document.line_of(("a", "c", 1, "z")) == 7
    assert document.line_of(("e", "f")) == 11
    assert document.line_of(("a", "c", 7, "missing")) == 4
    assert document.line_of(("nothing",)) == 1
    assert document.at(("d",)) == "x.yaml:8"


@given(st.binary(max_size=300))
def test_arbitrary_bytes_never_raise_anything_else(data: bytes) -> None:
    try:
        parse_yaml(data, "x.yaml")
    except UserError as error:
        assert error.where is not None
        assert error.render("zh")


YAML_PIECES = st.sampled_from(
    [
        *"ab-?:[]{},|>'\"#~\n\té试",
        *("b: ", "- ", "? ", ": ", "  ", "&x ", "*x", "!t ", "---\n", "...\n", "%YAML 1.2\n", "%TAG ! x:\n"),
        *("\\U00110000", "\\ud800", "\\x07", "0x", "1e5", "<<: "),
    ]
)


@given(st.lists(YAML_PIECES, max_size=40).map("".join))
def test_arbitrary_yaml_text_never_raises_anything_else(text: str) -> None:
    try:
        document = parse_yaml(text.encode(), "x.yaml")
    except UserError:
        return
    assert all(1 <= line <= text.count("\n") + 1 for line in document.lines.values())


PLAIN_KEYS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | PLAIN_KEYS
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PLAIN_KEYS, inner, max_size=4),
    max_leaves=20,
)


@example({"0": 0, "1": 1})
@given(st.dictionaries(PLAIN_KEYS, TREES, min_size=1, max_size=5))
def test_values_and_lines_agree_with_the_source(tree: dict[str, object]) -> None:
    """Whatever PyYAML writes is read back equal, and each key stands on the line we say it does."""
    source = yaml.safe_dump(tree, default_flow_style=False, default_style='"', width=10_000)
    # With every scalar quoted only the tags PyYAML adds would differ; they are taken out.
    for tag in ("!!bool ", "!!int ", "!!null "):
        source = source.replace(tag, "")
    lines = source.splitlines()
    document = parse_yaml(source.encode(), "x.yaml")
    assert _as_text(document.value) == _as_text(tree)
    for path, line in document.lines.items():
        if path and isinstance(path[-1], str):
            assert yaml.safe_dump(path[-1], default_style='"', width=10_000).strip() in lines[line - 1]


def _as_text(value: object) -> object:
    if isinstance(value, dict):
        return {key: _as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item) for item in value]
    return value if isinstance(value, str) else json.dumps(value)


def test_files_that_are_not_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").write_text("a: 1")
    for name, en in (
        ("absent", "does not exist"),
        ("pipe", "named pipe"),
        ("loop", "leads back to itself"),
        (".", "directory"),
        ("file/below", "part of its path is a file"),
        ("x" * 300, "too long a name"),
    ):
        with pytest.raises(FileError) as caught:
            read_yaml(tmp_path / name)
        assert en in caught.value.what.en
        assert caught.value.where == str(tmp_path / name)
    with pytest.raises(FileError, match="device"):
        read_yaml(Path("/dev/zero"))
    assert read_yaml(tmp_path / "file").value == {"a": 1}


def test_a_huge_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as stream:
        stream.truncate(2**40)
    with pytest.raises(DocumentError, match="larger than"):
        read_yaml(huge)


def test_the_parser_without_the_c_library_refuses_the_same() -> None:
    program = """
import yaml
del yaml.CSafeLoader
from touchstone.documents import parse_yaml
from touchstone.errors import UserError
hostile = [b"[" * 10**6, b'a: "\\\\U00110000"', b"%YAML 1." + b"9" * 10**4 + b"\\n---\\na", b"a: &x 1"]
for content in [*hostile, b"a:\\n\\tb: 1"]:
    try:
        parse_yaml(content, "x")
    except UserError as error:
        print(error.what.en.partition(":")[0])
print(parse_yaml(b"a: [no, 1, 'x']", "x").value)
"""
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert finished.stdout.splitlines() == [
        "is nested deeper than 32 levels",
        "is not valid YAML",
        "is not valid YAML",
        "uses &x",
        "is indented with a tab",
        "{'a': ['no', 1, 'x']}",
    ]
