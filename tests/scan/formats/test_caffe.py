"""Caffe: plain networks are clean; layers that import, read or write are found, as text and with weights."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.formats.damage import damaged, facts, rules, scanned
from tests.scan.formats.graphs import OUTSIDE, is_plainly_clean, shown
from tests.scan.protobuf_writer import block, number

NETWORK = """
name: "LeNet"
input: "data" input_dim: [1, 3, 8, 8]
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" param { lr_mult: 1 }
  convolution_param { num_output: 20 kernel_size: 5 weight_filler { type: "xavier" } } include { phase: TRAIN } }
layer { name: "relu" type: "ReLU" bottom: "conv1" top: "conv1" }
layers { name: "prob" type: SOFTMAX bottom: "conv1" top: "prob" }
"""


def layer(name: str, kind: str, *settings_of_it: bytes) -> bytes:
    """LayerParameter within a NetParameter."""
    return block(100, block(1, name) + block(2, kind) + b"".join(settings_of_it))


def blob(values: int) -> bytes:
    """BlobProto."""
    return block(7, block(7, number(1, values)) + block(5, struct.pack(f"<{values}f", *range(values))))


MODEL = block(1, "net") + layer("ip", "InnerProduct", blob(6), block(117, number(1, 2))) + layer("relu", "ReLU")


def test_a_plain_network_is_clean() -> None:
    result = scanned(NETWORK.encode(), "deploy.prototxt")
    assert result.format == "prototxt"
    assert is_plainly_clean(result)
    assert ("name", "LeNet") in facts(NETWORK.encode(), "deploy.prototxt")


def test_a_plain_network_with_weights_is_clean() -> None:
    result = scanned(MODEL, "net.caffemodel")
    assert result.format == "caffe"
    assert is_plainly_clean(result)
    assert ("parameters", "6") in facts(MODEL)
    assert [(each.name.split()[0], each.bytes) for each in result.tensors] == [("ip", 24)]


@pytest.mark.parametrize("kind", ['"Python"', "PYTHON", "'Pyt' 'hon'"])
def test_a_python_layer_is_found_in_text(kind: str) -> None:
    text = NETWORK + f'layer {{ type: {kind} python_param {{ module: "planted" layer: "Run" param_str: "x" }} }}'
    result = scanned(text.encode(), "net.prototxt")
    assert shown(result, "caffe/python-layer") == ["planted.Run('x')"]
    assert result.runs_code


def test_a_python_layer_is_found_with_weights() -> None:
    settings_of_it = block(130, block(1, "planted") + block(2, "Run"))
    for kind in ("Python", "InnerProduct"):
        result = scanned(block(1, "net") + layer("p", kind, settings_of_it))
        assert shown(result, "caffe/python-layer") == ["planted.Run('')"]


@pytest.mark.parametrize("path", OUTSIDE)
def test_paths_that_lead_out_are_found(path: str) -> None:
    text = f"layer {{ type: 'ImageData' image_data_param {{ source: {path!r} }} }}"
    assert rules(text.encode(), "net.prototxt") == {"caffe/external-path"}
    assert rules(f"net: {path!r}\nbase_lr: 0.1\n".encode(), "solver.prototxt") == {"caffe/external-path"}
    assert rules(layer("d", "ImageData", block(115, block(1, path)))) == {"caffe/external-path"}


def test_layers_that_write_or_that_nobody_knows_are_found() -> None:
    text = "layer { type: 'HDF5Output' hdf5_output_param { file_name: 'out.h5' } } layer { type: 'Planted' }"
    assert rules(text.encode(), "net.prototxt") == {"caffe/writes-files", "caffe/custom-layer"}
    both = layer("o", "HDF5Output", block(113, block(1, "out.h5"))) + layer("p", "Planted")
    assert rules(both) == {"caffe/writes-files", "caffe/custom-layer"}


def test_a_program_among_the_weights_is_found() -> None:
    assert "tensor/other-content" in rules(layer("w", "ReLU", block(7, block(5, b"\x7fELF\x02\x01\x01" + bytes(25)))))


def test_bytes_behind_the_network_are_never_clean() -> None:
    assert scanned(MODEL + b"\x00planted", "net.caffemodel").verdict == "incomplete"
    assert scanned(NETWORK.encode() + b" }", "net.prototxt").verdict == "incomplete"


@settings(max_examples=100)
@given(st.data())
def test_damage_never_breaks_the_reader(data: st.DataObject) -> None:
    original, name = data.draw(st.sampled_from([(MODEL, "net.caffemodel"), (NETWORK.encode(), "net.prototxt")]))
    scanned(data.draw(damaged(original)), name)
