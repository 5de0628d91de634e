"""Formats are told from content: real writers' output must be recognised, whatever the name would be."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import tarfile
import zlib

import joblib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.system import onnx_writer
from touchstone.system.artifacts.sniff import HEAD, sniff


def _npy() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.ones(3))
    return stream.getvalue()


def _npz() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, a=np.ones(3))
    return stream.getvalue()


def _image(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (3, 3)).save(stream, kind)
    return stream.getvalue()


def _tar() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return stream.getvalue()


def _joblib(compress: str) -> bytes:
    stream = io.BytesIO()
    joblib.dump({"a": list(range(100))}, stream, compress=(compress, 3))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty"),
        (_npy(), "npy"),
        (_npz(), "zip"),
        (_image("PNG"), "png"),
        (_image("JPEG"), "jpeg"),
        (_image("GIF"), "gif"),
        (_image("BMP"), "bmp"),
        (_image("TIFF"), "tiff"),
        (_image("WEBP"), "webp"),
        (_tar(), "tar"),
        (gzip.compress(b"x"), "gzip"),
        (bz2.compress(b"x"), "bzip2"),
        (lzma.compress(b"x"), "xz"),
        (zlib.compress(bytes(100)), "zlib"),
        (_joblib("zlib"), "zlib"),
        (_joblib("lzma"), "lzma"),
        (b"\x7fELF\x02\x01\x01" + bytes(60), "elf"),
        (b"MZ\x90\x00" + bytes(60), "pe"),
        (b"PAR1" + bytes(20), "parquet"),
        (b"GGUF\x03\x00\x00\x00" + bytes(16), "gguf"),
        (b"\x89HDF\r\n\x1a\n" + bytes(20), "hdf5"),
        (bytes(512) + b"\x89HDF\r\n\x1a\n", "hdf5"),
        ((20).to_bytes(8, "little") + b'{"a":1}', "safetensors"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(20), "7z"),
        (b'{"a": [1, 2]}', "json"),
        (b'[\n  {"a": 1}\n]', "json"),
        (b"schema: x\nmodel:\n  a: 1\n", "yaml"),
        (b"---\n- a\n", "yaml"),
        (b"age,sex\n1,F\n2,M\n", "csv"),
        (b"class,a\n5,1\n6,2\n", "csv"),
        (b"V1,V2\n2.3,4\n", "csv"),
        (b"a;b\n1;2\n", "csv"),
        ("年龄,性别\n1,男\n".encode("gb18030"), "csv"),
        ("年龄,性别\n1,男\n".encode("utf-8-sig"), "csv"),
        (b"#!/bin/sh\nls\n", "script"),
        (b"#!/usr/bin/env python3\nprint(1)\n", "python"),
        (b"import os\nprint(os)\n", "python"),
        (b"x = __import__('os')\n", "python"),
        (b"<?xml version='1.0'?><PMML/>", "xml"),
        ("普通文本\n".encode(), "text"),
        (b"\x00\x01\x02\x03", "unknown"),
    ],
)
def test_content_decides(content: bytes, expected: str) -> None:
    assert sniff(content[:HEAD]) == expected


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_every_protocol(protocol: int) -> None:
    assert sniff(pickle.dumps({"weights": [1.0, 2.0], "name": "x"}, protocol)) == "pickle"


def test_a_pickle_that_calls_and_then_breaks_is_still_a_pickle() -> None:
    assert sniff(b"cos\nsystem\n(S'id'\ntR\xff broken") == "pickle"


def test_a_long_old_pickle_is_recognised_from_its_head() -> None:
    content = pickle.dumps(["word"] * 3000, 0)
    assert len(content) > HEAD
    assert sniff(content[:HEAD]) == "pickle"


def test_onnx() -> None:
    graph = onnx_writer.block(7, onnx_writer.block(2, "g"))
    content = onnx_writer.number(1, 8) + onnx_writer.block(2, "test") + graph
    assert sniff(content) == "onnx"
    assert sniff(content.replace(b"\x08\x08", b"\x10\x08", 1)) != "onnx"


def test_a_head_that_ends_inside_a_character_is_still_text() -> None:
    content = ("x" + "试" * HEAD).encode()
    assert sniff(content[:HEAD]) == "text"


@given(st.binary(max_size=2 * HEAD))
def test_never_raises(content: bytes) -> None:
    assert sniff(content)


@given(st.text(max_size=200))
def test_text_never_raises(content: str) -> None:
    assert sniff(content.encode("utf-8", "surrogatepass"))
