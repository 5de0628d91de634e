"""What files of one folder mean to each other."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult, Reference
from touchstone.scan.repository import judge_repository

PICKLE = pickle.dumps({"weights": [1.0, 2.0], "name": "x"}, 4)
SAFETENSORS = (2).to_bytes(8, "little") + b"{}"
CODE = b"import torch\nimport requests\n\n\nclass Model(torch.nn.Module):\n    pass\n"
CONFIG = json.dumps({"auto_map": {"AutoModel": "modeling_x.Model"}}).encode()


def judged(files: dict[str, bytes]) -> dict[str, FileResult]:
    results = [scan_bytes(content, path) for path, content in files.items()]
    return {result.path: result for result in judge_repository(results)}


def rules(result: FileResult) -> dict[str, str]:
    return {finding.rule: finding.severity for finding in result.findings}


def with_reference(path: str, role: Any, where: str = "sub/model.json") -> FileResult:
    result = scan_bytes(b"{}", where.split("!", maxsplit=1)[0])
    return FileResult(**{**_fields(result), "references": (Reference(where, path, role),)})


def _fields(result: FileResult) -> dict[str, Any]:
    return {name: getattr(result, name) for name in FileResult.__slots__}


RAW = bytes(range(1, 200)) * 10


def test_raw_tensors_lose_their_gap_when_a_graph_names_them() -> None:
    alone = scan_bytes(RAW, "sub/data.bin")
    assert (alone.format, alone.verdict) == ("unknown", "incomplete")
    by_path = {file.path: file for file in judge_repository([alone, with_reference("data.bin", "tensors")])}
    assert (by_path["sub/data.bin"].format, by_path["sub/data.bin"].verdict) == ("raw-tensors", "clean")


@pytest.mark.parametrize(("role", "where"), [("data", "sub/model.json"), ("tensors", "sub/model.json!inner")])
def test_nothing_else_frees_a_file(role: str, where: str) -> None:
    alone = scan_bytes(RAW, "sub/data.bin")
    by_path = {file.path: file for file in judge_repository([alone, with_reference("data.bin", role, where)])}
    assert by_path["sub/data.bin"].verdict == "incomplete"


def test_a_pickle_named_as_tensors_stays_a_pickle() -> None:
    planted = scan_bytes(b"\x80\x04cos\ngetpid\n)R.", "sub/data.bin")
    by_path = {file.path: file for file in judge_repository([planted, with_reference("data.bin", "tensors")])}
    assert by_path["sub/data.bin"].verdict == "unsafe"


@pytest.mark.parametrize("role", ["tensors", "shard", "code"])
def test_parts_that_are_not_here_are_gaps(role: str) -> None:
    (result,) = judge_repository([with_reference("part-1.bin", role)])
    assert [gap.code for gap in result.gaps] == ["absent"]


@pytest.mark.parametrize(("path", "role"), [("more.txt", "data"), ("../x.bin", "tensors"), ("/etc/passwd", "shard")])
def test_other_parts_are_none(path: str, role: str) -> None:
    (result,) = judge_repository([with_reference(path, role)])
    assert result.gaps == ()


def test_shards_that_are_here_are_found() -> None:
    index = json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "./model-2.safetensors"}}).encode()
    files = {"x/model.safetensors.index.json": index, "x/model-1.safetensors": SAFETENSORS}
    gaps = judged(files)["x/model.safetensors.index.json"].gaps
    assert [gap.why.en for gap in gaps] == ["needs ./model-2.safetensors, which is not here"]


def test_code_that_a_configuration_loads_weighs_more() -> None:
    script = judged({"modeling_x.py": CODE})["modeling_x.py"]
    assert rules(script) == {"python/program": "low"}
    files = {
        "config.json": CONFIG,
        "modeling_x.py": b"from . import deeper\nfrom .parts.layer import Layer\n" + CODE,
        "deeper.py": CODE,
        "parts/layer.py": CODE,
        "train.py": CODE,
    }
    loaded = judged(files)
    for path in ("modeling_x.py", "deeper.py", "parts/layer.py"):
        assert rules(loaded[path]) == {"python/program": "medium", "repository/loaded-code": "medium"}
    assert rules(loaded["train.py"]) == {"python/program": "low"}


def test_a_pickle_under_the_name_of_a_safe_format() -> None:
    for name in ("model.safetensors", "model.onnx", "a.json", "a.png", "model.gguf"):
        assert rules(judged({name: PICKLE})[name])["repository/disguised-pickle"] == "high"
    for name in ("model.bin", "model.pt", "model.pkl", "model"):
        assert "repository/disguised-pickle" not in rules(judged({name: PICKLE})[name])


def test_programs_and_harmless_mistakes_under_other_names() -> None:
    program = judged({"a.png": b"#!/bin/sh\necho planted\n"})["a.png"]
    assert rules(program)["repository/disguised-program"] == "high"
    mistaken = judged({"a.png": b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"})["a.png"]
    assert rules(mistaken)["repository/other-format"] == "information"
    assert (
        rules(judged({"notes.txt": b"import torch\nprint(torch)\n"})["notes.txt"])["repository/other-format"]
        == "information"
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("model.bin", "Model.bin"),
        ("model.bin", "mоdel.bin"),
        ("model.bin", "ｍodel.bin"),
        ("café.txt", "cafe\u0301.txt"),
    ],
)
def test_names_that_look_the_same(first: str, second: str) -> None:
    found = judged({first: b"text\n", second: b"text\n"})
    assert "repository/same-look" in rules(found[second])


def test_names_of_different_files_do_not_look_the_same() -> None:
    found = judged(dict.fromkeys(("模型.txt", "模形.txt", "a/b.txt", "b.txt", "é.txt", "ö.txt"), b"text\n"))
    assert all(rules(result) == {} for result in found.values())


def test_a_name_that_hides_its_ending() -> None:
    path = "model\\u202egnp.exe"  # as the walker shows it
    assert rules(judged({path: b"text\n"})[path])["repository/misleading-name"] == "high"


def test_a_pickle_beside_safetensors_is_noted() -> None:
    files = {"pytorch_model.bin": PICKLE, "model.safetensors": SAFETENSORS, "other.bin": PICKLE}
    found = judged(files)
    assert rules(found["pytorch_model.bin"])["repository/pickle-beside-safetensors"] == "information"
    assert "repository/pickle-beside-safetensors" not in rules(found["other.bin"])
