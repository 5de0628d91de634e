"""A draft holds what the files say; once its placeholders are filled it opens."""

from __future__ import annotations

import pickle
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.system import onnx_writer
from touchstone.documents import parse_yaml
from touchstone.errors import DescriptionError, UserError
from touchstone.system.drafting import FactQuestion, placeholders, write_draft
from touchstone.system.guessing import guess
from touchstone.system.inspection import read_arrays, read_table
from touchstone.system.meanings import MEANINGS
from touchstone.system.schema_problems import schema
from touchstone.system.subject import Subject, open_system
from touchstone.text import Language, Text

FACTS = {
    "data.personal": FactQuestion(Text("Do data contain personal information?", "是否含个人信息？"), ("true", "false"))
}

ANSWERS = {
    "system.sector": "healthcare",
    "model.format": "skops",
    "model.access": "artefact",
    "model.input.kind": "tabular",
    "model.output.kind": "probabilities",
    "model.output.labels": "[a, b]",
    "model.input.columns": "[p, q]",
    "model.input.shape": "[1, 8, 8]",
    "model.architecture": "[{kind: linear, name: fc, inputs: 2, outputs: 2}]",
    "data.test.target": "y",
}


def filled_in(folder: Path, language: Language = "en", *files: str) -> Subject:
    """Write a draft from `files`, fill in exactly the places that the error names, and open the system."""
    draft = write_draft(guess([folder / file for file in files], folder), FACTS, language)
    path = folder / "system.yaml"
    path.write_text(draft, encoding="utf-8")
    with pytest.raises(DescriptionError) as caught:
        open_system(path)
    problems = caught.value.problems
    assert all("still to be filled in" in problem.what.en for problem in problems), caught.value.render("en")
    assert len(problems) == placeholders(draft)
    lines = draft.splitlines()
    for problem in problems:
        assert problem.where is not None
        number = int(problem.where.rpartition(":")[2]) - 1
        field = problem.what.en.partition(":")[0]
        lines[number] = re.sub(r'"<.*>"', ANSWERS.get(field, "something"), lines[number])
    path.write_text("\n".join(lines), encoding="utf-8")
    return open_system(path)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_table_and_a_model(tmp_path: Path, language: Language) -> None:
    (tmp_path / "model.skops").write_bytes(b"PK\x03\x04")
    for name in ("train.csv", "test.csv"):
        rows = "patient_id,sex,age,bp,diagnosis\n1,F,30,1.0,ill\n2,M,40,2,well\n"
        (tmp_path / name).write_text(rows)
    subject = filled_in(tmp_path, language, "model.skops", "train.csv", "test.csv")
    model, data = subject.description.model, subject.description.data
    assert (model.format, model.file, model.input.columns) == ("skops", "model.skops", ["sex", "age", "bp"])
    assert model.output.labels == ["ill", "well"]
    assert data.test is not None
    assert (data.test.target, data.test.identifier, data.test.sensitive) == ("diagnosis", "patient_id", ["sex"])
    assert data.train is not None
    assert data.train.path == "train.csv"


def test_arrays_of_images_and_an_onnx_model(tmp_path: Path) -> None:
    np.savez(tmp_path / "test.npz", x=np.zeros((4, 8, 8, 3), np.float32), y=np.zeros(4, np.int64))
    graph = onnx_writer.graph(
        [],
        [onnx_writer.value("pixels", ["n", 8, 8, 3])],
        [onnx_writer.value("label", ["n"], onnx_writer.INT64), onnx_writer.value("scores", ["n", 2])],
        [onnx_writer.external_tensor("w", "weights.bin")],
    )
    (tmp_path / "m.onnx").write_bytes(onnx_writer.model(graph))
    (tmp_path / "weights.bin").write_bytes(b"\0" * 8)
    model = filled_in(tmp_path, "en", "m.onnx", "test.npz").description.model
    assert (model.input.kind, model.input.shape, model.input.layout) == ("image", [8, 8, 3], "HWC")
    assert (model.output.tensor, model.more_files) == ("scores", ["weights.bin"])


def test_a_folder_of_images(tmp_path: Path) -> None:
    for name in ("go", "stop"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        (tmp_path / "pictures" / name / "1.png").write_bytes(b"\x89PNG")
    (tmp_path / "w.safetensors").write_bytes(b"\0" * 8)
    subject = filled_in(tmp_path, "zh", "w.safetensors", "pictures")
    assert subject.description.model.output.labels == ["go", "stop"]
    assert len(subject.below("pictures")) == 2


def test_nothing_at_all_gives_a_form_to_fill_in(tmp_path: Path) -> None:
    (tmp_path / "something").write_text("the model")
    with pytest.raises(DescriptionError, match=r"model\.input\.columns: is missing"):
        filled_in(tmp_path, "en")


def test_the_draft_shows_every_field_of_the_parts_it_opens(tmp_path: Path) -> None:
    draft = write_draft(guess([], tmp_path), FACTS, "en")
    for name in schema()["$defs"]["InputSpecification"]["properties"]:
        assert re.search(rf"^ *(# )?{name}:", draft, re.MULTILINE)
    for name in schema()["properties"]:
        assert re.search(rf"^(# )?{name}:", draft, re.MULTILINE)


def test_facts_are_asked_and_not_answered(tmp_path: Path) -> None:
    draft = write_draft({}, FACTS, "zh")
    assert "# facts:\n  # 是否含个人信息？ (true|false)\n  # data.personal:\n" in draft
    answered = draft.replace("# facts:", "facts:").replace("# data.personal:", "data.personal: false")
    assert parse_yaml(answered.encode(), "x").value["facts"] == {"data.personal": False}


def test_an_array_that_claims_to_be_enormous_costs_nothing(tmp_path: Path) -> None:
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (9, 999999999999999999), }"
    with zipfile.ZipFile(tmp_path / "test.npz", "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    assert len(write_draft(guess([tmp_path / "test.npz"], tmp_path), {}, "en")) < 10_000


def test_every_field_has_a_meaning_and_every_meaning_a_field() -> None:
    models = {"SystemDescription": schema(), **schema()["$defs"]}
    fields = {f"{model}.{name}" for model, node in models.items() for name in node.get("properties", {})}
    assert set(MEANINGS) == fields | {"SystemDescription"}


def test_files_that_init_does_not_take(tmp_path: Path) -> None:
    folder = tmp_path / "system"
    folder.mkdir()
    (tmp_path / "outside.csv").write_text("a,b\n")
    (folder / "m.pkl").write_bytes(pickle.dumps({"a": 1}))
    (folder / "m.onnx").write_bytes(pickle.dumps({"a": 1}))
    (folder / "m.pt").write_bytes(b"PK\x03\x04")
    (folder / "m.exe").write_bytes(b"MZ")
    for file, said in (
        (tmp_path / "outside.csv", "not in the system's folder"),
        (folder / "m.pkl", "may be a pickle"),
        (folder / "m.onnx", "may be a pickle"),
        (folder / "m.pt", "may be a pickle"),
        (folder / "m.exe", "no known kind"),
        (folder / "absent.csv", "does not exist"),
    ):
        with pytest.raises(UserError) as caught:
            guess([file], folder)
        assert said in caught.value.what.en


@pytest.mark.parametrize(
    ("content", "columns", "target", "classes"),
    [
        ("a,b,label\n1,2,x\n3,4,y\n", ("a", "b", "label"), "label", ("x", "y")),
        ("y;a\n1;2\n0;2\n", ("y", "a"), "y", ("0", "1")),
        ("\ufeffage\tout\n1\t1\n2\t2\n", ("age", "out"), "out", ("1", "2")),
        ("a,b\n1,2\n1,2\n", ("a", "b"), "b", ()),
        ("a,b\n" + "".join(f"1,{row}\n" for row in range(100)), ("a", "b"), "b", ()),
        ('"a, first",标签\n"x\ny",甲\nz,乙\n', ("a, first", "标签"), "标签", ("乙", "甲")),
    ],
)
def test_what_a_table_says(
    tmp_path: Path, content: str, columns: tuple[str, ...], target: str, classes: tuple[str, ...]
) -> None:
    (tmp_path / "t.csv").write_text(content, encoding="utf-8")
    table = read_table(tmp_path / "t.csv")
    assert table is not None
    assert (table.columns, table.target, table.classes) == (columns, target, classes)


@pytest.mark.parametrize("content", ["", "a,a\n1,2\n", "a,,b\n1,2,3\n", "\n"])
def test_a_table_without_a_usable_header_says_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "t.csv").write_text(content)
    assert read_table(tmp_path / "t.csv") is None


def test_array_headers_are_read_without_their_content(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((5, 3)), names=np.array(["a"] * 5), o=np.array([{}], object))
    found = {array.name: array.shape for array in read_arrays(tmp_path / "a.npz")}
    assert found == {"x": (5, 3), "names": (5,), "o": (1,)}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(content=st.binary(max_size=200), name=st.sampled_from(["x.csv", "x.npz", "x.onnx", "x.parquet"]))
def test_hostile_files_cost_a_placeholder_and_nothing_else(tmp_path: Path, content: bytes, name: str) -> None:
    """Whatever is in a file, the draft is YAML that can be read, or the file is refused in words."""
    file = tmp_path / name
    file.write_bytes(content)
    try:
        draft = write_draft(guess([file], tmp_path), FACTS, "zh")
    except UserError:
        return
    try:
        parse_yaml(draft.encode(), "system.yaml")
    except UserError as error:
        assert "invisible character" in error.what.en


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(header=st.binary(max_size=120))
def test_hostile_array_headers(tmp_path: Path, header: bytes) -> None:
    with zipfile.ZipFile(tmp_path / "h.npz", "w") as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    read_arrays(tmp_path / "h.npz")
