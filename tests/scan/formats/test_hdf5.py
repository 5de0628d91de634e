"""HDF5 files of every version are walked to the end, and whatever leads out of the file is found."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from tests.scan.formats.damage import damaged, facts, made, rules, scanned


@pytest.mark.parametrize("name", ["earliest.h5", "latest.h5", "user_block.h5"])
def test_ordinary_files_are_clean(name: str) -> None:
    result = scanned(made(name), name)
    assert (result.format, result.verdict, result.findings) == ("hdf5", "clean", ())


@pytest.mark.parametrize("name", ["earliest.h5", "latest.h5"])
def test_tensors_attributes_and_the_model_in_them_are_read(name: str) -> None:
    content = made(name)
    tensors = {tensor.name: tensor for tensor in scanned(content).tensors}
    kernel = tensors["model_weights/dense/kernel"]
    assert (kernel.dtype, kernel.shape, kernel.bytes) == ("float32", (4, 3), 48)
    assert kernel.offset > 0
    assert tensors["with_named_type"].dtype == "float64"
    assert tensors["chunked"].offset == -1
    assert {("framework", "keras 3.15.1"), ("architecture", "Sequential"), ("parameters", "415")} <= facts(content)


@pytest.mark.parametrize(
    ("name", "rule", "verdict"),
    [
        ("external_link.h5", "hdf5/external-link", "unsafe"),
        ("external_link_latest.h5", "hdf5/external-link", "unsafe"),
        ("external_data.h5", "hdf5/external-data", "unsafe"),
        ("virtual.h5", "hdf5/virtual-dataset", "unsafe"),
        ("link_circle.h5", "hdf5/link-circle", "review"),
        ("shape_bomb.h5", "hdf5/shape-bomb", "review"),
        ("pickled_attribute.h5", "pickle/dangerous-call", "unsafe"),
    ],
)
def test_what_leads_out_of_the_file_is_found(name: str, rule: str, verdict: str) -> None:
    result = scanned(made(name))
    assert rule in {finding.rule for finding in result.findings}
    assert result.verdict == verdict


def test_the_other_file_is_named() -> None:
    assert "/etc/hostname" in {reference.path for reference in scanned(made("external_data.h5")).references}
    assert "../other.h5" in {reference.path for reference in scanned(made("external_link.h5")).references}


def test_bytecode_in_the_model_of_an_attribute_is_found() -> None:
    content = made("earliest.h5").replace(b'"Dense"', b'"Lambda"'[:7].ljust(7))
    assert scanned(content).verdict != "clean"
    content = made("earliest.h5").replace(b'{"name": "d", "units": 3}', b'{"function": ["4wAA"]   }')
    assert "keras/bytecode" not in rules(content)
    content = content.replace(b'"class_name": "Dense", ', b'"class_name":"Lambda", ')
    assert "keras/bytecode" in rules(content)


def test_bytes_around_the_file_are_found_and_examined() -> None:
    call = b"\x80\x02cos\ngetpid\n)R."
    assert {"hdf5/hidden-bytes", "pickle/dangerous-call"} <= rules(made("earliest.h5") + call)
    block = made("user_block.h5")
    assert "hdf5/user-block" in rules(b"#!/bin/sh\necho planted\n".ljust(512, b"\0") + block[512:])
    assert "hdf5/user-block" not in rules(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + block[512:])


def test_programs_and_pickles_in_unused_space_are_found() -> None:
    program, call = b"\x7fELF\x02\x01\x01" + bytes(9), b"\x80\x02cos\ngetpid\n)R."
    content = made("earliest.h5")
    places = [place for place in range(0, len(content), 8) if content[place : place + 64] == bytes(64)]
    for payload, rule in ((program, "programs/native-code"), (call, "pickle/dangerous-call")):
        with_it = [
            content[:place] + payload + content[place + len(payload) :] for place in places[:: len(places) // 20]
        ]
        hidden = [rules(planted) for planted in with_it]
        assert any({"hdf5/hidden-bytes", rule} <= found for found in hidden)


def test_a_file_that_is_cut_off_is_never_clean() -> None:
    content = made("latest.h5")
    assert all(scanned(content[:length]).verdict != "clean" for length in range(100, len(content), 509))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(damaged(made("earliest.h5")) | damaged(made("latest.h5")) | damaged(made("external_link_latest.h5")))
def test_damage_never_breaks_the_reader(content: bytes) -> None:
    scanned(content)
