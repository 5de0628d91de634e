"""TensorFlow: SavedModel, GraphDef, MetaGraphDef, and the files that lie beside them.

A SavedModel is a program. Its graphs and functions may read and write files; its assets and its Keras metadata name
further files and classes. What an operator does is looked up (`tensorflow_operators`), never guessed.

Source: tensorflow/core/protobuf/saved_model.proto, meta_graph.proto, saved_object_graph.proto,
tensorflow/core/framework/graph.proto; "TensorFlow models are programs"
(https://github.com/tensorflow/tensorflow/blob/master/SECURITY.md).
"""

from __future__ import annotations

import math
from itertools import islice
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.external_paths import leads_out
from touchstone.scan.findings import Rule
from touchstone.scan.formats.tensorflow_graph import GraphReading
from touchstone.scan.formats.tensorflow_operators import LARGE_CONSTANT, OPERATOR_RULES, PATH_LEADS_OUT
from touchstone.scan.formats.tensorflow_types import BYTES_OF, NAME_OF
from touchstone.scan.plain_json import read_plain_json
from touchstone.scan.protobuf import Message, message_of
from touchstone.scan.protobuf_schema import Walk, messages_of
from touchstone.scan.source import Source
from touchstone.scan.tensor_beginnings import look_at_beginning

RULES: Final[tuple[Rule, ...]] = OPERATOR_RULES

_LARGEST_CONSTANT: Final = 2**31
"""A message ends at 2 GiB; only a constant that repeats one value can be larger."""
_LONGEST_METADATA: Final = 16 * 2**20


def read_saved_model(source: Source, examination: Examination) -> None:
    """`saved_model.pb`."""
    _read(source, examination, "SavedModel")


def read_graph(source: Source, examination: Examination) -> None:
    """A frozen graph."""
    _read(source, examination, "GraphDef")


def read_meta_graph(source: Source, examination: Examination) -> None:
    """`.meta` beside a checkpoint."""
    _read(source, examination, "MetaGraphDef")


def read_fingerprint(source: Source, examination: Examination) -> None:
    """`fingerprint.pb`: checksums of a SavedModel, of which nothing is loaded."""
    walk = Walk(messages_of("tensorflow"), examination, {})
    walk.message(message_of(source, examination.budget), "FingerprintDef")


def read_keras_metadata(source: Source, examination: Examination) -> None:
    """`keras_metadata.pb`: the configuration of every Keras object, as JSON."""
    examination.fact("framework", "keras")
    examination.runs_code()
    keras = _KerasMetadata(examination)
    walk = Walk(messages_of("tensorflow"), examination, {"KerasSavedObject": keras.saved_object})
    keras.walk = walk
    walk.message(message_of(source, examination.budget), "KerasSavedMetadata")


def _read(source: Source, examination: Examination, kind: str) -> None:
    examination.runs_code()
    reading = _Reading(examination)
    try:
        reading.walk.message(message_of(source, examination.budget), kind)
    finally:
        reading.finish()


class _KerasMetadata:
    """Keras objects in a SavedModel: which ones there are is written as JSON, and checked as such."""

    walk: Walk

    def __init__(self, examination: Examination) -> None:
        self._examination = examination

    def saved_object(self, message: Message) -> None:
        """SavedObject of Keras' own metadata file."""
        path = identifier = ""
        metadata = b""
        for name, each in self.walk.fields(message, "KerasSavedObject"):
            match name:
                case "node_path":
                    path = each.text()
                case "identifier":
                    identifier = each.text()
                case "metadata":
                    metadata = each.bytes(_LONGEST_METADATA)
                case _:
                    self.walk.enter(each)
        self.judge(path or identifier, metadata)

    def judge(self, where: str, metadata: bytes) -> None:
        """The JSON of one object."""
        from touchstone.scan.formats.keras import examine_config

        if metadata:
            examine_config(read_plain_json(metadata).document, self._examination.inside(where))


class _Reading:
    """One walk over one file."""

    def __init__(self, examination: Examination) -> None:
        self.examination = examination
        self.graphs = GraphReading(examination)
        self.keras = _KerasMetadata(examination)
        self.walk = Walk(
            messages_of("tensorflow"),
            examination,
            {
                "GraphDef": lambda message: self.graphs.graph(message, self.walk),
                "NodeDef": lambda message: self.graphs.node(message, self.walk),
                "NameAttrList": lambda message: self.graphs.function_name(message, self.walk),
                "FunctionDef": lambda message: self.graphs.function(message, self.walk),
                "MetaGraphDef.MetaInfoDef": self._information,
                "MetaGraphDef.SignatureDefEntry": self._signature,
                "AssetFileDef": self._asset,
                "SavedUserObject": self._user_object,
                "TensorProto": self._tensor,
            },
        )
        self.keras.walk = self.walk
        self.framework = "tensorflow"

    def finish(self) -> None:
        """Judge what only makes sense when everything is known."""
        self.examination.fact("framework", self.framework)
        self.graphs.finish()

    def _information(self, message: Message) -> None:
        for name, each in self.walk.fields(message, "MetaGraphDef.MetaInfoDef"):
            if name == "tensorflow_version":
                self.framework = f"tensorflow {each.text()}"
            self.walk.enter(each)

    def _signature(self, message: Message) -> None:
        title = ""
        for name, each in self.walk.fields(message, "MetaGraphDef.SignatureDefEntry"):
            if name == "key":
                title = each.text()
            elif not title.startswith("__saved_model"):
                self._ends(each.message())
                self.walk.enter(each)

    def _ends(self, message: Message) -> None:
        """Inputs and outputs of a SignatureDef, as facts."""
        for each in message.fields():
            if each.number in (1, 2):
                self.examination.fact("input" if each.number == 1 else "output", _described(each.message()))

    def _asset(self, message: Message) -> None:
        for name, each in self.walk.fields(message, "AssetFileDef"):
            if name == "filename":
                path = each.text()
                if leads_out(path):
                    self.examination.report(PATH_LEADS_OUT, path, offset=each.offset, length=each.length)
                self.examination.refers_to(f"assets/{path}", "data")
            self.walk.enter(each)

    def _user_object(self, message: Message) -> None:
        """SavedUserObject: Keras before 2.5 wrote its configuration here."""
        identifier, metadata = "", b""
        for name, each in self.walk.fields(message, "SavedUserObject"):
            if name == "identifier":
                identifier = each.text()
            elif name == "metadata":
                metadata = each.bytes(_LONGEST_METADATA)
            self.walk.enter(each)
        if identifier.startswith("_tf_keras"):
            self.keras.judge(identifier, metadata)

    def _tensor(self, message: Message) -> None:
        """TensorProto: a constant."""
        dtype, shape = 0, list[int]()
        data = message.part(message.start, 0)
        for name, each in self.walk.fields(message, "TensorProto"):
            if name == "dtype":
                dtype = each.integer()
            elif name == "tensor_shape":
                shape = _shape(each.message())
            elif name == "tensor_content":
                data = each.part()
            self.walk.enter(each)
        size = math.prod(shape) * BYTES_OF.get(dtype, 0) if all(each >= 0 for each in shape) else 0
        if size > _LARGEST_CONSTANT:
            fact = f"{NAME_OF.get(dtype, dtype)}{shape[:8]}"
            self.examination.report(LARGE_CONSTANT, fact, offset=message.start)
        if data.size:
            title = f"constant at {message.start}"
            self.examination.tensor(title, NAME_OF.get(dtype, f"type-{dtype}"), shape, data)
            look_at_beginning(data, title, message.start, self.examination)


def _described(entry: Message) -> str:
    """One input or output of a signature: `x: float32[-1,4]`."""
    title, dtype, shape = "", "?", list[int]()
    for each in entry.fields():
        if each.number == 1:
            title = each.text()
        elif each.number == 2:
            for inner in each.message().fields():
                if inner.number == 2:
                    dtype = NAME_OF.get(inner.integer(), "?")
                elif inner.number == 3:
                    shape = _shape(inner.message())
    return f"{title}: {dtype}[{','.join('?' if size < 0 else str(size) for size in shape)}]"


def _shape(message: Message) -> list[int]:
    """TensorShapeProto."""
    sizes = (
        next((inner.signed() for inner in each.message().fields() if inner.number == 1), 0)
        for each in message.fields()
        if each.number == 2
    )
    return list(islice(sizes, 64))
