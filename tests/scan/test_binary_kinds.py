"""Formats without a magic number are told apart by what their first fields say, and nothing is guessed."""

from __future__ import annotations

import hashlib
import lzma
import os
import zlib

import pytest

from tests.scan.formats.damage import made
from tests.scan.protobuf_writer import block, float32, number
from touchstone.scan.recognise import recognise
from touchstone.scan.source import MemorySource

PIECE = block(1, "the") + float32(2, -3.5)


def kind(data: bytes, name: str = "file.bin") -> str:
    """What bytes are recognised as."""
    return recognise(MemorySource(data), name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("torch.onnx", "onnx"),
        ("saved_model.pb", "tensorflow-saved-model"),
        ("meta_graph.meta", "tensorflow-meta-graph"),
        ("frozen_graph.pb", "tensorflow-graph"),
        ("fingerprint.pb", "tensorflow-fingerprint"),
        ("variables.index", "tensorflow-checkpoint"),
        ("program.mlmodel", "coreml"),
        ("coreml_weight.bin", "coreml-weights"),
        ("program.pdmodel", "paddle"),
        ("parameters.pdiparams", "paddle-parameters"),
        ("network.mindir", "mindspore"),
        ("network.ckpt", "mindspore-checkpoint"),
    ],
)
def test_real_files_are_told_apart(name: str, expected: str) -> None:
    assert kind(made(name)) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (zlib.compress(b"text" * 100), "zlib"),
        (lzma.compress(b"text" * 100, lzma.FORMAT_ALONE), "lzma"),
        (b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\x00\x00", "pe"),
        ((20).to_bytes(8, "little") + b'{"__metadata__":{}} ', "safetensors"),
        (block(1, PIECE) * 40 + block(2, number(3, 1)), "sentencepiece"),
        (bytes.fromhex("000000000000000029039807d8ea82a2"), "tfrecord"),
    ],
)
def test_other_kinds(data: bytes, expected: str) -> None:
    assert kind(data) == expected


def test_numbers_and_noise_are_none_of_them() -> None:
    """Weights without a header must not be taken for a format: a reader that is none of theirs would say nonsense."""
    graphs = {"onnx", "coreml", "paddle", "mindspore", "caffe", "tensorflow-graph", "lzma", "zlib", "tfrecord"}
    taken = [kind(hashlib.shake_128(bytes([seed & 0xFF, seed >> 8])).digest(2000)) for seed in range(300)]
    taken += [kind(bytes(2000)), kind(b"\xff" * 2000), kind(os.urandom(64)), kind(b"\x02\x00\x00\x00" * 500)]
    assert not graphs & set(taken)


def test_the_order_of_fields_does_not_matter() -> None:
    """A loader takes fields in any order; hiding behind an odd order must at least not look like something else."""
    first = block(8, number(2, 17)) + block(7, b"") + number(1, 8)
    assert kind(first) == "onnx"
