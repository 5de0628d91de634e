"""Caffe networks: as text (`.prototxt`), and with weights (`.caffemodel`).

A layer of the type `Python` imports a module and makes a class of it: loading the network runs code. Data layers read
files, and one layer writes them, at paths written in the network.

Source: src/caffe/proto/caffe.proto, src/caffe/layer_factory.cpp (`GetPythonLayer`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.external_paths import leads_out
from touchstone.scan.findings import Rule
from touchstone.scan.formats.caffe_layers import KNOWN_LAYERS, SCHEMA
from touchstone.scan.protobuf import Message, message_of
from touchstone.scan.protobuf_schema import Walk
from touchstone.scan.prototext import events
from touchstone.scan.source import Source
from touchstone.scan.tensor_beginnings import look_at_beginning
from touchstone.text import Text

PYTHON_LAYER: Final = Rule(
    "caffe/python-layer",
    "critical",
    "threat",
    Text("A layer that imports a Python module when the network is loaded", "加载网络时会导入 Python 模块的层"),
    Text("Do not load the network unless you wrote the module.", "除非模块由自己编写，否则不要加载。"),
    ("CWE-94", "AML.T0011"),
)
WRITES_FILES: Final = Rule(
    "caffe/writes-files",
    "high",
    "threat",
    Text("A layer that writes a file while the network runs", "网络运行时会写入文件的层"),
    Text("Remove the layer.", "请删除该层。"),
    ("CWE-73", "AML.T0011"),
)
PATH_LEADS_OUT: Final = Rule(
    "caffe/external-path",
    "high",
    "threat",
    Text("Reads a file outside the model's folder", "读取模型目录之外的文件"),
    Text(
        "Check the path, or use the deployment network.",
        "核实该路径，或改用部署网络。",
    ),
    ("CWE-22",),
)
CUSTOM_LAYER: Final = Rule(
    "caffe/custom-layer",
    "medium",
    "unreviewed",
    Text("A layer that Caffe itself does not have", "Caffe 自身没有的层"),
    Text("Review the build of Caffe that provides the layer.", "审查提供该层的 Caffe 版本。"),
    ("CWE-829",),
)
RULES: Final[tuple[Rule, ...]] = (PYTHON_LAYER, WRITES_FILES, PATH_LEADS_OUT, CUSTOM_LAYER)

_LARGEST_TEXT: Final = 16 * 2**20
_PATHS: Final = frozenset(
    {"source", "mean_file", "root_folder", "net", "train_net", "test_net", "snapshot_prefix", "label_map_file"}
    | {"name_size_file", "class_name_file", "weights"}
)
_WRITES: Final = frozenset({"HDF5Output", "HDF5_OUTPUT"})
_PYTHON: Final = frozenset({"Python", "PYTHON"})


@dataclass(slots=True)
class _Layer:
    """What counts of one layer."""

    name: str = ""
    kind: str = ""
    python: dict[str, str] = field(default_factory=dict)
    file: str = ""

    def judge(self, offset: int, examination: Examination) -> None:
        """Report what the layer does besides computing."""
        if self.kind in _PYTHON or self.python:
            examination.runs_code()
            called = ".".join(self.python.get(key, "?") for key in ("module", "layer"))
            examination.report(PYTHON_LAYER, f"{called}({self.python.get('param_str', '')!r})", offset=offset)
        elif self.kind in _WRITES:
            examination.report(WRITES_FILES, f"{self.kind}({self.file!r})", offset=offset)
        elif self.kind and self.kind.lower().replace("_", "") not in KNOWN_LAYERS:
            examination.report(CUSTOM_LAYER, self.kind, offset=offset)


def read_prototxt(source: Source, examination: Examination) -> None:
    """A network or a solver as text."""
    text = source.whole(_LARGEST_TEXT).decode("utf-8", "replace")
    examination.fact("framework", "caffe")
    layer, depth = _Layer(), 0
    for event in events(text, examination.budget):
        match event.kind:
            case "begin":
                depth += 1
                if depth == 1:
                    layer = _Layer()
            case "end":
                depth -= 1
                if depth == 0 and event.name in ("layer", "layers"):
                    layer.judge(event.offset, examination)
            case "value":
                if event.name == "name" and depth == 0:
                    examination.fact("name", event.value)
                elif event.name == "type" and depth == 1:
                    layer.kind = event.value
                elif event.name in ("module", "layer", "param_str"):
                    layer.python[event.name] = event.value
                elif event.name == "file_name":
                    layer.file = event.value
                elif event.name in _PATHS and leads_out(event.value):
                    examination.report(PATH_LEADS_OUT, f"{event.name}: {event.value}", offset=event.offset)


def read_caffemodel(source: Source, examination: Examination) -> None:
    """A network with its weights."""
    examination.fact("framework", "caffe")
    reading = _Reading(examination)
    reading.walk.message(message_of(source, examination.budget), "NetParameter")
    if reading.parameters:
        examination.fact("parameters", str(reading.parameters))


class _Reading:
    """One walk over one network."""

    def __init__(self, examination: Examination) -> None:
        self._examination = examination
        self._layer = _Layer()
        self.parameters = 0
        self.walk = Walk(
            SCHEMA,
            examination,
            {
                "NetParameter": self._net,
                "LayerParameter": self._one_layer,
                "PythonParameter": self._python,
                "HDF5OutputParameter": self._output,
                "FileParameter": self._file,
                "BlobProto": self._blob,
            },
        )

    def _net(self, message: Message) -> None:
        for name, each in self.walk.fields(message, "NetParameter"):
            if name == "name":
                self._examination.fact("name", each.text())
            self.walk.enter(each)

    def _one_layer(self, message: Message) -> None:
        self._layer = _Layer()
        for name, each in self.walk.fields(message, "LayerParameter"):
            match name:
                case "name":
                    self._layer.name = each.text()
                case "type":
                    self._layer.kind = each.text()
            self.walk.enter(each)
        self._layer.judge(message.start, self._examination)

    def _python(self, message: Message) -> None:
        for name, each in self.walk.fields(message, "PythonParameter"):
            if name in ("module", "layer", "param_str"):
                self._layer.python[name] = each.text()

    def _output(self, message: Message) -> None:
        for _, each in self.walk.fields(message, "HDF5OutputParameter"):
            self._layer.file = each.text()

    def _file(self, message: Message) -> None:
        """The parameters of a layer that reads: the file comes first, a folder may follow."""
        for each in message.fields():
            if each.number in (1, 12, 13) and each.length <= 4096:
                path = each.text() if each.wire == 2 else ""
                if leads_out(path):
                    self._examination.report(PATH_LEADS_OUT, path, offset=each.offset)

    def _blob(self, message: Message) -> None:
        for name, each in self.walk.fields(message, "BlobProto"):
            if name in ("data", "double_data", "raw_data") and each.wire == 2:
                width = {"data": 4, "double_data": 8}.get(name, 1)
                title = f"{self._layer.name} at {each.start}"
                self.parameters += each.length // width
                self._examination.tensor(title, f"float{8 * width}", (each.length // width,), each.part())
                look_at_beginning(each.part(), title, each.start, self._examination)
            self.walk.enter(each)
