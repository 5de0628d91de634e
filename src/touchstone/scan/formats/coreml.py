"""Core ML models (`.mlmodel`, and `model.mlmodel` in a `.mlpackage`).

Core ML computes; a file cannot bring code along. What it can do is ask the application for a class of its own (custom
models and layers), read another model or its weights from a path, or hold data that only Apple's libraries read.

Source: the `.proto` files of coremltools (https://github.com/apple/coremltools/tree/main/mlmodel/format).
"""

from __future__ import annotations

from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.external_paths import leads_out
from touchstone.scan.findings import FactName, Rule
from touchstone.scan.operator_packs import operator_pack
from touchstone.scan.protobuf import Message, message_of
from touchstone.scan.protobuf_schema import Handler, Walk, messages_of
from touchstone.scan.source import Source
from touchstone.scan.tensor_beginnings import look_at_beginning
from touchstone.text import Text

CUSTOM_CODE: Final = Rule(
    "coreml/custom-code",
    "high",
    "threat",
    Text("Asks the application for a class that computes a part of the model", "要求应用程序提供计算模型部分内容的类"),
    Text("Review the class of that name in the application.", "审查应用程序中的同名类。"),
    ("CWE-470", "AML.T0011"),
)
LINKED_MODEL: Final = Rule(
    "coreml/linked-model",
    "medium",
    "unreviewed",
    Text("Loads another model by its path", "按路径加载另一个模型"),
    Text("Scan the other model as well.", "请一并扫描另一个模型。"),
    ("CWE-829",),
)
PATH_LEADS_OUT: Final = Rule(
    "coreml/external-path",
    "critical",
    "threat",
    Text("Reads from outside the model's folder", "从模型目录之外读取"),
    Text("Do not load the model: it may read any file of the user.", "不要加载：该模型可读取用户的任意文件。"),
    ("CWE-22",),
)
UNKNOWN_OPERATOR: Final = Rule(
    "coreml/unknown-operator",
    "medium",
    "unreviewed",
    Text("An operator that the format is not known to have", "格式中未见过的算子"),
    Text("Find out what the operator does.", "确认该算子的作用。"),
    ("CWE-829",),
)
RULES: Final[tuple[Rule, ...]] = (CUSTOM_CODE, LINKED_MODEL, PATH_LEADS_OUT, UNKNOWN_OPERATOR)

_MODEL_PATH: Final = "@model_path/"
"""How weights beside a model are written."""
_OPAQUE: Final = {
    "CoreMLModels.Gazetteer": "modelParameterData",
    "CoreMLModels.TextClassifier": "modelParameterData",
    "CoreMLModels.WordEmbedding": "modelParameterData",
    "CoreMLModels.WordTagger": "modelParameterData",
    "SerializedModel": "model",
}
"""Messages with bytes that only Apple's libraries read."""
_METADATA: Final[dict[str, FactName]] = {"versionString": "version", "author": "author", "license": "licence"}


def read_coreml(source: Source, examination: Examination) -> None:
    """Go through the model, and the models within it."""
    reading = _Reading(examination)
    reading.walk.message(message_of(source, examination.budget), "Model")
    examination.fact("framework", "coreml")


class _Reading:
    """One walk over one model."""

    def __init__(self, examination: Examination) -> None:
        self._examination = examination
        self.walk = Walk(
            messages_of("coreml"),
            examination,
            {
                "ModelDescription": self._description,
                "Metadata": self._metadata,
                "CustomModel": lambda message: self._custom(message, "CustomModel"),
                "CustomLayerParams": lambda message: self._custom(message, "CustomLayerParams"),
                "LinkedModelFile": self._linked,
                "MILSpec.Operation": self._operation,
                "MILSpec.Value.BlobFileValue": self._blob,
                "WeightParams": self._weights,
                **{kind: self._opaque(kind) for kind in _OPAQUE},
            },
        )

    def _description(self, message: Message) -> None:
        for name, field in self.walk.fields(message, "ModelDescription"):
            if name in ("input", "output"):
                title = next((each.text() for each in field.message().fields() if each.number == 1), "")
                self._examination.fact("input" if name == "input" else "output", title)
            self.walk.enter(field)

    def _metadata(self, message: Message) -> None:
        for name, field in self.walk.fields(message, "Metadata"):
            if name in _METADATA:
                self._examination.fact(_METADATA[name], field.text())
            self.walk.enter(field)

    def _custom(self, message: Message, kind: str) -> None:
        for name, field in self.walk.fields(message, kind):
            if name == "className":
                self._examination.report(CUSTOM_CODE, field.text(), offset=field.offset, length=field.length)
            self.walk.enter(field)

    def _linked(self, message: Message) -> None:
        """LinkedModelFile: a name, and a path to look for it in."""
        path = {"linkedModelFileName": "", "linkedModelSearchPath": ""}
        for name, field in self.walk.fields(message, "LinkedModelFile"):
            path[name] = next((each.text() for each in field.message().fields() if each.number == 1), "")
            self.walk.enter(field)
        written = "/".join(part for part in (path["linkedModelSearchPath"], path["linkedModelFileName"]) if part)
        self._examination.report(LINKED_MODEL, written, offset=message.start)
        self._refer(written, message.start)

    def _operation(self, message: Message) -> None:
        """An operator of an `mlprogram`."""
        for name, field in self.walk.fields(message, "MILSpec.Operation"):
            if name == "type":
                # Operators of an opset of their own are written with it: `ios15.conv`.
                operator = field.text()
                if operator.rsplit(".", 1)[-1] not in operator_pack("coreml").known:
                    self._examination.report(UNKNOWN_OPERATOR, operator, offset=field.offset)
            self.walk.enter(field)

    def _blob(self, message: Message) -> None:
        """Weights in a file beside the model."""
        for name, field in self.walk.fields(message, "MILSpec.Value.BlobFileValue"):
            if name == "fileName":
                self._refer(field.text().removeprefix(_MODEL_PATH), field.offset)

    def _refer(self, path: str, offset: int) -> None:
        if leads_out(path):
            self._examination.report(PATH_LEADS_OUT, path, offset=offset)
        self._examination.refers_to(path, "tensors")

    def _weights(self, message: Message) -> None:
        """WeightParams of the older neural networks."""
        for name, field in self.walk.fields(message, "WeightParams"):
            if name in ("float16Value", "rawValue", "int8RawValue"):
                title = f"weights at {field.start}"
                self._examination.tensor(title, name.removesuffix("Value"), (field.length,), field.part())
                look_at_beginning(field.part(), title, field.start, self._examination)
            self.walk.enter(field)

    def _opaque(self, kind: str) -> Handler:
        def handler(message: Message) -> None:
            for name, field in self.walk.fields(message, kind):
                if name == _OPAQUE[kind]:
                    self._examination.gap(
                        Text(f"holds data of a kind that is not read ({kind})", f"含未解析的数据（{kind}）"), "format"
                    )
                self.walk.enter(field)

        return handler
