"""Every way a system.yaml can be wrong gives one clear error, in both languages, with its line."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.system.described import SYSTEM_YAML, write_system
from touchstone.documents import FieldPath, parse_yaml
from touchstone.errors import DescriptionError
from touchstone.system.loading import MOST_PROBLEMS, load_description

# (what is changed in the good description, line of the error, what it says in English, in Chinese, remedy)
BROKEN: list[tuple[tuple[str, str], int, str, str, str]] = [
    # the schema
    (("touchstone.system/v1", "touchstone.system/v2"), 1, "expected `touchstone.system/v1`", "schema：应为", "v1"),
    (("  name: pump-watch\n", ""), 2, "system.name: is missing", "system.name：缺失", "name: progression-risk"),
    (('"1.0"', "1.0"), 4, "system.version: expected text, found 1.0", "应为文本", 'version: "1.0"'),
    (('"1.0"', "true"), 4, "expected text, found true", "应为文本", 'version: "true"'),
    (('"1.0"', "null"), 4, "expected text, found nothing", "实为空值", "version under test"),
    (("{name: Example Ltd., country: CN}", "Example Ltd."), 5, "a mapping of fields", "应为字段映射", "it needs name"),
    (("CN}", "China}"), 5, "system.supplier.country: expected an ISO 3166", "ISO 3166", "country: CN"),
    (("intended_use", "intendet_use"), 6, "is not a known field", "不是已知字段", "`intended_use`"),
    (("manufacturing", "factory"), 7, "expected one of healthcare, smart-city", "以下之一", "picks the profile"),
    (("synthetic: true", "synthetic: maybe"), 8, "expected true or false", "true 或 false", "made up"),
    (("data.personal: false", "data.personal: {a: 1}"), 10, "facts.data.personal: expected true", "映射", "facts"),
    (("access: artefact", "access: white-box"), 13, "model.access: expected one of", "以下之一", "predictions"),
    (("[a, b]\n", "a\n"), 17, "model.input.columns: expected a list", "应为列表", "[\"age\", \"income\"]"),
    (("low: 0", "low: zero"), 18, "model.input.low: expected a number", "应为数值", "low: 0.0"),
    (("labels: [\"no\", \"yes\"]", "labels: [\"yes\"]"), 22, "fewer than two classes", "少于两个类别", "class names"),
    (("    kind: logits", "    labels: []"), 22, "a second time; the first is on line 21", "重复", "keep one"),
    (("origin: made up", "origin: ''"), 29, "data.test.origin: expected text that is not empty", "非空文本", "licence"),
    (("format: csv", "format: xlsx"), 27, "data.test.format: expected one of csv, parquet", "以下之一", "format: csv"),
    (("controls: [GA-01]", "controls: GA-01"), 32, "documents[0].controls: expected a list", "应为列表", "GA-01"),
    (("controls: [GA-01]", "controls: []"), 32, "expected at least 1 entries", "至少 1 项", "GA-01"),
    (("  format: onnx", "  labels: a\n  format: onnx"), 12, "not a known field", "不是已知", "`model.output.labels`"),
    (("low: 0", "shape: [0]"), 18, "model.input.shape[0]: expected more than 0", "大于 0", "batch"),
    (("low: 0", "shape: [1.5]"), 18, "expected a whole number, found 1.5", "应为整数", "batch"),
    (("positive: \"yes\"", "positive: \"<fill in: class>\""), 23, "still to be filled in", "尚未填写", "replace"),
    # between fields
    (("data.personal: false", "personal: false"), 10, "expected group.name", "组.名称", "data.personal: true"),
    (("data.personal: false", "data.personal: no"), 10, "is the text 'no'", "是文本", "without quotes"),
    (("  file: model.onnx\n", ""), 11, "model.file: is missing", "缺失", "file: model.onnx"),
    (("  file:", "  endpoint: http://x\n  file:"), 14, "does not belong to a model of format onnx", "不属于", "remove"),
    (("format: onnx", "format: safetensors"), 11, "model.architecture: is missing", "缺失", "kind: linear"),
    (("format: onnx", "format: http"), 11, "model.endpoint: is missing", "缺失", "endpoint: http://"),
    (("format: onnx", "format: predictions"), 13, "at most predictions", "至多提供 predictions", "access: predictions"),
    (("    columns: [a, b]\n", ""), 15, "model.input.columns: is missing", "缺失", "columns:"),
    (("columns: [a, b]", "columns: [a, b, a]"), 17, "'a' is listed 2 times", "出现 2 次", ""),
    (("kind: tabular", "kind: image"), 15, "model.input.shape: is missing", "缺失", "batch axis"),
    (("low: 0", "low: 2"), 18, "not below high", "未小于 high", ""),
    (("[\"no\", \"yes\"]", "[\"yes\", \"yes\"]"), 22, "is listed 2 times", "出现 2 次", ""),
    (("positive: \"yes\"", "positive: maybe"), 23, "is not one of the labels", "不在标签之中", "no, yes"),
    (("target: y", "target: a"), 28, "also one of the model's inputs", "同时是模型输入", "model.input.columns"),
    (("target: y", "target: y\n    predictions: [p, q, r]"), 29, "names 3 columns for 2 labels", "3 列", "per class"),
    # paths
    (("model.onnx", "absent.onnx"), 14, "'absent.onnx' does not exist", "不存在", ""),
    (("model.onnx", "../model.onnx"), 14, "leads out of the system's folder", "目录之外", "relative"),
    (("model.onnx", "notes/../../x"), 14, "leads out of the system's folder", "目录之外", "relative"),
    (("model.onnx", "/etc/passwd"), 14, "is not a relative path", "不是相对路径", "relative"),
    (("model.onnx", "C:model.onnx"), 14, "is not a relative path", "不是相对路径", "relative"),
    (("model.onnx", "'notes\\plan.md'"), 14, "is not a relative path", "不是相对路径", "with /"),
    (("model.onnx", "notes"), 14, "is a directory", "是目录", ""),
    (("model.onnx", "."), 14, "is a directory", "是目录", ""),
    (("model.onnx", "outside"), 14, "is a link that leads out", "指向系统目录之外的链接", "file itself"),
    (("model.onnx", "loop"), 14, "leads back to itself", "首尾相接", ""),
    (("model.onnx", "dangling"), 14, "does not exist", "不存在", ""),
    (("model.onnx", "pipe"), 14, "is a pipe, socket or device", "管道", ""),
    (("model.onnx", "socket"), 14, "is a pipe, socket or device", "套接字", ""),
    (("model.onnx", "null"), 14, "model.file: is missing", "缺失", "model.onnx"),
    (("model.onnx", "test.csv/x"), 14, "part of its path is a file", "不存在", ""),
    (("model.onnx", "x" * 300), 14, "too long a name", "名称过长", ""),
]  # fmt: skip


@pytest.mark.parametrize(("change", "line", "en", "zh", "remedy"), BROKEN, ids=lambda value: str(value)[:50])
def test_each_mistake_is_named_with_its_line(
    tmp_path: Path, change: tuple[str, str], line: int, en: str, zh: str, remedy: str
) -> None:
    folder = tmp_path / "system"
    folder.mkdir()
    path = write_system(folder, change)
    (tmp_path / "secret").write_text("not yours")
    (folder / "outside").symlink_to("../secret")
    (folder / "loop").symlink_to("loop")
    (folder / "dangling").symlink_to("nowhere")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(folder)  # the address of a socket may not be longer than 108 bytes
        listener.bind("socket")
        os.chdir(here)
        with pytest.raises(DescriptionError) as caught:
            load_description(path)
    matching = [problem for problem in caught.value.problems if en in problem.what.en]
    assert matching, caught.value.render("en")
    assert matching[0].where == f"{path}:{line}"
    assert re.search(r"[\u4e00-\u9fff]", matching[0].what.zh)
    assert zh in matching[0].what.zh
    if remedy:
        assert matching[0].remedy is not None
        assert remedy in matching[0].remedy.en
        assert re.search(r"[\u4e00-\u9fff]", matching[0].remedy.zh)


def test_all_problems_are_told_at_once_in_the_order_of_their_lines(tmp_path: Path) -> None:
    path = write_system(
        tmp_path, ("model.onnx", "absent.onnx"), ("test.csv", "absent.csv"), ("low: 0", "low: 9"), ("notes/", "../")
    )
    with pytest.raises(DescriptionError) as caught:
        load_description(path)
    assert [problem.where for problem in caught.value.problems] == [f"{path}:{line}" for line in (14, 18, 26, 31)]
    assert len(caught.value.render("zh").splitlines()) >= 4


def test_nothing_else_is_said_about_a_placeholder(tmp_path: Path) -> None:
    path = write_system(
        tmp_path,
        ("model.onnx", '"<fill in: the model file>"'),
        ("manufacturing", '"<请填写：行业>"'),
        ("[a, b]", '"<fill in: columns>"'),
    )
    with pytest.raises(DescriptionError) as caught:
        load_description(path)
    assert [problem.what.zh.partition("：")[2] for problem in caught.value.problems] == ["尚未填写"] * 3


@pytest.mark.parametrize("content", [b"", b"- a\n", b"just text\n", b"null\n", b"a: [\n", b"\xff", b"[" * 10**6])
def test_what_is_no_description_at_all(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "system.yaml"
    path.write_bytes(content)
    with pytest.raises(DescriptionError) as caught:
        load_description(path)
    assert caught.value.where is not None
    assert caught.value.where.startswith(str(path))


def test_a_description_that_is_not_there_or_a_link_out_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "theirs").mkdir()
    write_system(tmp_path / "theirs")
    (tmp_path / "mine" / "system.yaml").symlink_to("../theirs/system.yaml")
    with pytest.raises(DescriptionError, match="leads out of the system's folder"):
        load_description(tmp_path / "mine" / "system.yaml")
    with pytest.raises(DescriptionError) as caught:
        load_description(tmp_path / "absent.yaml")
    assert caught.value.remedy is not None
    assert "touchstone init" in caught.value.remedy.en


def test_a_good_description(tmp_path: Path) -> None:
    description, document = load_description(write_system(tmp_path))
    assert description.model.input.columns == ["a", "b"]
    assert document.line_of(("documents", 0, "title")) == 33


def test_a_name_no_file_can_have() -> None:
    with pytest.raises(DescriptionError, match="a name that no file can have"):
        load_description(Path("a\0b"))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats(-1e6, 1e6) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [path for path in parse_yaml(SYSTEM_YAML.encode(), "system.yaml").lines if path and isinstance(path[-1], str)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(field=st.sampled_from(FIELDS), value=VALUES)
def test_any_value_in_any_field_is_accepted_or_refused_in_words(tmp_path: Path, field: FieldPath, value: Any) -> None:
    path = write_system(tmp_path)
    whole = parse_yaml(SYSTEM_YAML.encode(), "system.yaml").value
    node = whole
    for part in field[:-1]:
        node = node[part]
    node[field[-1]] = value
    path.write_text(json.dumps(whole, ensure_ascii=False), encoding="utf-8", errors="replace")
    try:
        load_description(path)
    except DescriptionError as error:
        for problem in error.problems:
            assert problem.where is not None
            assert problem.where.startswith(str(path))
            assert re.search(r"[\u4e00-\u9fff]", problem.what.zh)
            assert problem.what.en


@pytest.mark.parametrize(
    "line", ["u{}: 1", 'p{}: "<fill in: x>"', "model{}: {{a: [1, {{b: c}}]}}"], ids=["unknown", "placeholder", "nested"]
)
def test_countless_problems_cost_little_and_are_not_all_printed(tmp_path: Path, line: str) -> None:
    path = tmp_path / "system.yaml"
    path.write_text("\n".join(line.format(number) for number in range(20_000)))
    started = time.process_time()
    with pytest.raises(DescriptionError) as caught:
        load_description(path)
    assert time.process_time() - started < 5
    assert len(caught.value.problems) == MOST_PROBLEMS + 1
    assert "more" in caught.value.problems[-1].what.en


def test_columns_repeated_countless_times(tmp_path: Path) -> None:
    names = ", ".join(f"c{number}" for number in range(20_000))
    started = time.process_time()
    with pytest.raises(DescriptionError, match="is listed 2 times"):
        load_description(write_system(tmp_path, ("[a, b]", f"[{names}, {names}]")))
    assert time.process_time() - started < 5
