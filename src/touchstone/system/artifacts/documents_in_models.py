"""JSON and YAML that travel with models, and the keys in them that make a loader run code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from touchstone.system.artifacts.constructs import Construct, shown
from touchstone.text import Text

LARGEST_JSON = 2**26
LARGEST_YAML = 2**22

_CODE_KEYS = {
    "auto_map": Text("loads Python files of the repository (`auto_map`)", "加载代码仓库中的 Python 文件（`auto_map`）"),
    "_target_": Text("names a callable for Hydra to call (`_target_`)", "指定由 Hydra 调用的对象（`_target_`）"),
}
_YAML_TAG = re.compile(rb"!!|!<|%TAG|(^|[\s\[{,-])![A-Za-z]", re.MULTILINE)
_PLAIN_TAG = "tag:yaml.org,2002:"
_PYTHON_TAG = _PLAIN_TAG + "python/"


def load_json(data: bytes | memoryview) -> Any:
    """JSON of bounded size and depth without repeated keys. Raises `ValueError` for anything else."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        document = dict(pairs)
        if len(document) != len(pairs):
            raise ValueError("the same key twice")
        return document

    if len(data) > LARGEST_JSON:
        raise ValueError("too large")
    try:
        return json.loads(bytes(data).decode("utf-8-sig"), object_pairs_hook=unique)
    except RecursionError:
        raise ValueError("too deep") from None


def objects_in(document: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object inside a document, however deep, without recursion."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def screen_json(data: memoryview, where: str) -> tuple[list[Construct], list[Text]]:
    """Keys that make a known loader import or call something."""
    try:
        document = load_json(data)
    except ValueError:
        return [], [Text("is not plain JSON of ordinary size", "不是常规大小的标准 JSON")]
    constructs = []
    for item in objects_in(document):
        for key, what in _CODE_KEYS.items():
            if key in item:
                constructs.append(Construct("custom-code", "high", where, None, shown(f"{key}: {item[key]!r}"), what))
        if item.get("class_name") == "Lambda":
            constructs.append(keras_lambda(where))
    return constructs, []


def keras_lambda(where: str) -> Construct:
    """The layer of Keras that holds marshalled Python bytecode."""
    return Construct(
        "code-execution",
        "critical",
        where,
        None,
        "keras.layers.Lambda",
        Text("holds Python bytecode that runs with the model", "含有随模型运行的 Python 字节码"),
    )


def screen_yaml(data: memoryview, where: str, *, certainly_yaml: bool) -> tuple[list[Construct], list[Text]]:
    """Tags that make an unsafe YAML loader build Python objects. Reads events only, constructs nothing."""
    import yaml

    if len(data) > LARGEST_YAML:
        return [], [Text("is YAML larger than is read", "YAML 超过读取上限")] if certainly_yaml else []
    text = bytes(data)
    if not _YAML_TAG.search(text):
        return [], []
    constructs: list[Construct] = []
    problems: list[Text] = []
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            tag = getattr(event, "tag", None)
            if not isinstance(tag, str):
                continue
            if tag.startswith(_PYTHON_TAG):
                offset = 0 if event.start_mark is None else event.start_mark.index
                constructs.append(
                    Construct(
                        "code-execution",
                        "critical",
                        where,
                        offset,
                        shown(tag.removeprefix(_PLAIN_TAG)),
                        Text("builds a Python object when loaded as YAML", "作为 YAML 加载时会构造 Python 对象"),
                    )
                )
            elif not tag.startswith(_PLAIN_TAG) and certainly_yaml:
                problems.append(Text(f"uses the YAML tag {shown(tag, 80)}", f"使用了 YAML 标签 {shown(tag, 80)}"))
    except (yaml.YAMLError, ValueError, RecursionError):
        if certainly_yaml:
            problems.append(Text("is not well-formed YAML", "不是格式正确的 YAML"))
    return constructs, problems
