"""Texts are told by content, and by name where their own loaders go by the name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.scan.recognise import HEAD, recognise
from touchstone.scan.source import MemorySource
from touchstone.scan.text_encoding import whole_text


def kind(content: bytes, name: str = "file") -> str:
    return recognise(MemorySource(content), name)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a": [1, 2]}', "json"),
        (b'[\n  {"a": 1}\n]', "json"),
        (b'{"a": 1}\n{"a": 2}\n', "json-lines"),
        (b"schema: x\nmodel:\n  a: 1\n  b:\n  - c\n", "yaml"),
        (b"---\n- a\n", "yaml"),
        (b"Dear reader,\nplease note: this is prose.\nIt goes on.\n", "text"),
        (b"Note:\nThis is prose as well, with a colon.\n", "text"),
        (b"age,sex\n1,F\n2,M\n", "csv"),
        (b"a;b\n1;2\n", "csv"),
        ("年龄,性别\n1,男\n".encode("gb18030"), "csv"),
        ("年龄,性别\n1,男\n".encode("utf-8-sig"), "csv"),
        ("年龄\t性别\n1\t男\n".encode("utf-16"), "csv"),
        (b"#!/bin/sh\nls\n", "script"),
        (b"#!/usr/bin/env python3\nprint(1)\n", "python"),
        (b"import os\nprint(os)\n", "python"),
        (b'"""About."""\nfrom a.b import c\n', "python"),
        (b"import duties are rising\nsays the paper\n", "text"),
        (b"x = __import__('os')\n", "python"),
        (b"<?xml version='1.0'?><PMML/>", "xml"),
        (b"<!DOCTYPE html><html></html>", "html"),
        (b"{% for m in messages %}{{ m }}{% endfor %}", "chat-template"),
        (b"tree\nversion=v4\nnum_class=1\n", "lightgbm"),
        (b'name: "net"\nlayer {\n  name: "a"\n}\n', "prototxt"),
        (b'node {\n  name: "a"\n  op: "PyFunc"\n}\n', "tensorflow-text"),
        (b"version https://git-lfs.github.com/spec/v1\n", "lfs-pointer"),
        ("普通文本\n".encode(), "text"),
        ("caf\xe9 cr\xe8me for everybody\n".encode("latin-1"), "text"),
        (b"\x00\x01\x02\x03", "unknown"),
        (b"text with \x00 in it", "unknown"),
    ],
)
def test_content_decides(content: bytes, expected: str) -> None:
    assert kind(content) == expected


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("modeling_x.py", b"# nothing that looks like Python\n", "python"),
        ("Dockerfile", b"FROM scratch\n", "dockerfile"),
        ("Dockerfile.gpu", b"FROM scratch\n", "dockerfile"),
        ("requirements-dev.txt", b"torch\n", "requirements"),
        ("notes.txt", b"torch\n", "text"),
        ("setup.cfg", b"[metadata]\n", "requirements"),
        ("a.ipynb", b"{}", "notebook"),
        ("pyproject.toml", b"[project]\n", "toml"),
        ("chat_template.jinja", b"hello", "chat-template"),
        ("run.sh", b"ls\n", "script"),
        ("kernel.cu", b"__global__ void f() {}\n", "source-code"),
        ("README.md", b"---\nlicense: mit\n---\n# a\n", "model-card"),
        ("README.md", b"import torch\n", "text"),
        ("a.yaml", b"plain scalar", "yaml"),
        ("a.json", b'{"a": 1}\n{"a": 2}\n', "json-lines"),
        ("notes.txt", b"[1] Smith et al., 2020\n", "text"),
        ("notes.txt", b"a: b\nc: d\n", "text"),
    ],
)
def test_names_decide_where_loaders_go_by_them(name: str, content: bytes, expected: str) -> None:
    assert kind(content, name) == expected


@pytest.mark.parametrize("name", ["a.py", "a.json", "Dockerfile", "README.md", "a.yaml"])
def test_no_name_makes_bytes_a_text(name: str) -> None:
    assert kind(b"\x80\x02\x00\x01", name) not in {"python", "json", "dockerfile", "text", "yaml"}


def test_a_head_that_ends_inside_a_character_is_still_text() -> None:
    assert kind(("x" + "试" * HEAD).encode()) == "text"


@given(st.text(max_size=200), st.sampled_from(["a", "a.py", "a.md", "a.json", "a.txt"]))
def test_text_never_raises(content: str, name: str) -> None:
    assert kind(content.encode("utf-8", "surrogatepass"), name)


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
    st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
)
def test_offsets_are_those_of_bytes(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    decoded = whole_text(MemorySource(data))
    if decoded.text == text:
        assert decoded.offset(len(text)) == len(data)
