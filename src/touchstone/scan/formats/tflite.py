"""TensorFlow Lite models: tables of operators, tensors and buffers, sometimes with an archive of files behind.

The interpreter runs built-in operators. A custom operator is native code that the application has to bring along; a
`Flex` operator is one of full TensorFlow's. The interpreter trusts indices and sizes unless it was built to verify
them, so they are verified here.

Source: tensorflow/compiler/mlir/lite/schema/schema.fbs; metadata and associated files:
https://ai.google.dev/edge/litert/conversion/tensorflow/metadata.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from touchstone.scan import flatbuffers
from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule, shown
from touchstone.scan.flatbuffers import Buffer, Schema, Table
from touchstone.scan.formats.tensorflow_operators import RULE_OF, UNKNOWN_OPERATOR, operators
from touchstone.scan.formats.tflite_flex import flex_texts
from touchstone.scan.operator_packs import engine_not_read
from touchstone.scan.protobuf import message_of
from touchstone.scan.second_archives import look_for_zip
from touchstone.scan.source import MemorySource, Source
from touchstone.scan.tensor_beginnings import look_at_beginning
from touchstone.text import Text

_CONVERT_AGAIN: Final = Text("Convert the model again and use that file.", "请重新转换模型并使用新文件。")

CUSTOM_OPERATOR: Final = Rule(
    "tflite/custom-operator",
    "high",
    "unreviewed",
    Text("Needs an operator that the application must bring along as native code", "需要应用程序自带的本机代码算子"),
    Text("Review the library that provides the operator.", "审查提供该算子的库。"),
    ("CWE-829", "AML.T0011"),
)
OUT_OF_RANGE: Final = Rule(
    "tflite/index-out-of-range",
    "high",
    "threat",
    Text("Refers to a tensor, buffer or operator that is not there", "引用了不存在的张量、缓冲区或算子"),
    _CONVERT_AGAIN,
    ("CWE-125", "CWE-787"),
)
SIZE_MISMATCH: Final = Rule(
    "tflite/size-mismatch",
    "high",
    "threat",
    Text("A tensor's buffer does not fit its type and shape", "张量缓冲区与类型、形状不符"),
    _CONVERT_AGAIN,
    ("CWE-125", "CWE-787"),
)
RULES: Final[tuple[Rule, ...]] = (CUSTOM_OPERATOR, OUT_OF_RANGE, SIZE_MISMATCH)

_SCHEMA: Final = Schema(
    {
        "Model": (
            "version u32, operator_codes* OperatorCode, subgraphs* SubGraph, description text, buffers* Buffer, "
            "metadata_buffer* i32, metadata* Metadata, signature_defs* SignatureDef, "
            "external_buffer_groups* ExternalBufferGroup, external_buffers* ExternalBuffer"
        ),
        "OperatorCode": "deprecated_builtin_code i8, custom_code text, version i32, builtin_code i32",
        "SubGraph": (
            "tensors* Tensor, inputs* i32, outputs* i32, operators* Operator, name text, debug_metadata_index i32"
        ),
        "Tensor": (
            "shape* i32, type i8, buffer u32, name text, quantization Quantization, is_variable bool, "
            "sparsity Sparsity, shape_signature* i32, has_rank bool, variant_tensors* VariantSubType, "
            "external_buffer u32"
        ),
        "Quantization": (
            "min* f32, max* f32, scale* f32, zero_point* i64, details_type u8, details QuantizationDetails, "
            "quantized_dimension i32"
        ),
        "Sparsity": "traversal_order* i32, block_map* i32, dim_metadata* DimensionMetadata",
        "DimensionMetadata": (
            "format i8, dense_size i32, array_segments_type u8, array_segments SparseIndexVector, "
            "array_indices_type u8, array_indices SparseIndexVector"
        ),
        "VariantSubType": "shape* i32, type i8, has_rank bool",
        "Operator": (
            "opcode_index u32, inputs* i32, outputs* i32, builtin_options_type u8, builtin_options unread, "
            "custom_options bytes, custom_options_format i8, mutating_variable_inputs* bool, intermediates* i32, "
            "large_custom_options_offset u64, large_custom_options_size u64, builtin_options2_type u8, "
            "builtin_options2 unread, debug_metadata_index i32"
        ),
        "Buffer": "data bytes, offset u64, size u64",
        "Metadata": "name text, buffer u32",
        "SignatureDef": "inputs* TensorMap, outputs* TensorMap, signature_key text, unused unread, subgraph_index u32",
        "TensorMap": "name text, tensor_index u32",
        "ExternalBufferGroup": "name text",
        "ExternalBuffer": "id u32, group u32, offset u64, length u64, packing text",
        "CustomQuantization": "custom bytes",
        "BlockwiseQuantization": "scales i32, zero_points i32, block_size i32",
        "Int32Vector": "values* i32",
        "Uint16Vector": "values* u16",
        "Uint8Vector": "values bytes",
    },
    unions={
        "QuantizationDetails": {1: "CustomQuantization", 2: "BlockwiseQuantization"},
        "SparseIndexVector": {1: "Int32Vector", 2: "Uint16Vector", 3: "Uint8Vector"},
    },
)

_CUSTOM: Final = 32
"""BuiltinOperator.CUSTOM"""
_KNOWN_CUSTOM_OPERATORS: Final = frozenset(
    {
        "TFLite_Detection_PostProcess",
        "AudioMicrofrontend",
        "AudioSpectrogram",
        "Mfcc",
        "NumericVerify",
        "RandomStandardNormal",
        "Convolution2DTransposeBias",
        "MaxPoolingWithArgmax2D",
        "MaxUnpooling2D",
        "TransformTensorBilinear",
        "TransformLandmarks",
        "Landmarks2TransformMatrix",
    }
)
"""Of TensorFlow Lite itself (tensorflow/lite/kernels) and of MediaPipe; they compute and do nothing else."""
_FLEX: Final = "Flex"
"""Begins the names of operators of full TensorFlow."""
_LARGEST_NODE: Final = 16 * 2**20
_ENGINES: Final = frozenset({"edgetpu-custom-op", "TfLiteHexagonDelegate", "DISPATCH_OP"})
"""Operators that hold a program compiled for one accelerator."""

_TYPES: Final = (
    "float32 4, float16 2, int32 4, uint8 1, int64 8, string 0, bool 1, int16 2, complex64 8, int8 1, float64 8, "
    "complex128 16, uint64 8, resource 0, variant 0, uint32 4, uint16 2, int4 0.5, bfloat16 2, int2 0.25, uint4 0.5"
)
_NAME_OF: Final = tuple(entry.split()[0] for entry in _TYPES.split(","))
_BYTES_OF: Final = tuple(float(entry.split()[1]) for entry in _TYPES.split(","))


def read_tflite(source: Source, examination: Examination) -> None:
    """Go through all tables, then through what lies behind them."""
    buffer = Buffer(source, _SCHEMA, examination.budget)
    reading = _Reading(source, buffer, examination)
    flatbuffers.walk(
        buffer.root("Model"),
        {
            "Model": reading.model,
            "SubGraph": reading.subgraph,
            "Operator": reading.operator,
            "SignatureDef": reading.signature,
            "ExternalBuffer": reading.external_buffer,
        },
        examination,
    )
    reading.finish()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the bytes of a buffer lie."""

    start: int
    length: int


class _Reading:
    """One walk over one model."""

    def __init__(self, source: Source, buffer: Buffer, examination: Examination) -> None:
        self._source = source
        self._buffer = buffer
        self._examination = examination
        self._buffers: list[_Place] = []
        self._codes: list[str] = []
        """Names of custom operators by operator code; empty for built-in ones."""

    def finish(self) -> None:
        """Bytes that no table refers to: an archive of associated files, or something nobody looks at."""
        is_archive_behind = False
        for start, length in self._buffer.unseen():
            if start + length == self._source.size and self._source.read(start, 4) == b"PK\x03\x04":
                is_archive_behind = True
                self._examination.examine(_Behind(self._source, start), "associated files", "zip")
            else:
                flatbuffers.report_unseen(start, length, self._examination)
        if not is_archive_behind:
            look_for_zip(self._source, "tflite", self._examination)

    # ---- tables

    def model(self, table: Table) -> None:
        """Model: operators, buffers, and what the rest of the tables point to."""
        self._examination.fact("framework", "tensorflow-lite")
        self._examination.fact("producer", table.text("description"))
        for code in table.tables("operator_codes"):
            is_custom = max(code.integer("deprecated_builtin_code"), code.integer("builtin_code")) == _CUSTOM
            self._codes.append(code.text("custom_code") if is_custom else "")
            if is_custom:
                self._custom(self._codes[-1], code.position)
        for each in table.tables("buffers"):
            self._buffers.append(self._place(each))
        for index, place in enumerate(self._buffers):
            data = self._source.part(place.start, place.length)
            look_at_beginning(data, f"buffer {index}", place.start, self._examination)
        for metadata in table.tables("metadata"):
            if metadata.integer("buffer") >= len(self._buffers):
                self._out_of_range(f"metadata {metadata.text('name')}", metadata.position)

    def _place(self, table: Table) -> _Place:
        """Buffer: within the tables, or, in files of more than 2 GiB, behind them."""
        start, length = table.vector("data")
        if table.integer("offset") > 1:
            start, length = table.integer("offset"), table.integer("size")
            if start + length > self._source.size:
                self._out_of_range(f"buffer at {start} of {length} bytes", table.position)
            self._buffer.note(start, length)
        return _Place(start, length)

    def subgraph(self, table: Table) -> None:
        """SubGraph: its tensors against the buffers, its operators against the tensors."""
        tensors = list(table.tables("tensors"))
        for tensor in tensors:
            self._tensor(tensor)
        for name in ("inputs", "outputs"):
            self._check_tensors(table, name, len(tensors), f"subgraph {table.text('name')}")
        for operator in table.tables("operators"):
            for name in ("inputs", "outputs", "intermediates"):
                self._check_tensors(operator, name, len(tensors), "operator")

    def _check_tensors(self, table: Table, name: str, tensors: int, whose: str) -> None:
        wrong = [index for index in table.integers(name) if not -1 <= index < tensors]
        if wrong:
            self._out_of_range(f"{whose}: {name} {wrong[:4]} of {tensors} tensors", table.position)

    def operator(self, table: Table) -> None:
        """Operator: one of the operator codes, with options behind the tables in large files."""
        code = table.integer("opcode_index")
        if code >= len(self._codes):
            self._out_of_range(f"operator code {code} of {len(self._codes)}", table.position)
        elif self._codes[code].startswith(_FLEX):
            self._flex_node(table)
        start, length = table.integer("large_custom_options_offset"), table.integer("large_custom_options_size")
        if start > 1:
            if start + length > self._source.size:
                self._out_of_range(f"options at {start} of {length} bytes", table.position)
            self._buffer.note(start, length)

    def signature(self, table: Table) -> None:
        """SignatureDef: what callers give and get."""
        for name in ("inputs", "outputs"):
            for entry in table.tables(name):
                self._examination.fact("input" if name == "inputs" else "output", entry.text("name"))

    def external_buffer(self, table: Table) -> None:
        """ExternalBuffer: weights in another file, which the application opens."""
        group = table.integer("group")
        self._examination.gap(
            Text(f"has weights in another file (group {group})", f"权重在其他文件中（第 {group} 组）"), "absent"
        )

    def _tensor(self, table: Table) -> None:
        name = table.text("name")
        index = table.integer("buffer")
        if index >= len(self._buffers):
            self._out_of_range(f"tensor {name}: buffer {index} of {len(self._buffers)}", table.position)
            return
        place = self._buffers[index]
        kind = table.integer("type")
        if not place.length or not 0 <= kind < len(_NAME_OF):
            return
        shape = table.integers("shape", most=64)
        wanted = math.ceil(math.prod(shape) * _BYTES_OF[kind])
        if _BYTES_OF[kind] and not table.has("sparsity") and wanted != place.length:
            self._examination.report(
                SIZE_MISMATCH,
                f"{shown(name, 100)}: {_NAME_OF[kind]}{shape[:8]} in {place.length} bytes",
                offset=place.start,
            )
        self._examination.tensor(name, _NAME_OF[kind], shape, self._source.part(place.start, place.length))

    def _custom(self, name: str, offset: int) -> None:
        if name in _ENGINES:
            self._examination.gap(engine_not_read(name), "format")
        elif name.startswith(_FLEX):
            self._flex(name.removeprefix(_FLEX), offset)
        elif name not in _KNOWN_CUSTOM_OPERATORS:
            self._examination.report(CUSTOM_OPERATOR, name, offset=offset)

    def _flex_node(self, table: Table) -> None:
        """A Flex operator runs the node in its options, whatever it is called."""
        options = table.part("custom_options")
        data = b"" if options is None else options.whole(_LARGEST_NODE)
        node = message_of(MemorySource(flex_texts(data)[1]), self._examination.budget)
        for field in node.fields():
            if field.number == 2:
                self._flex(field.name(), table.position)

    def _flex(self, operator: str, offset: int) -> None:
        lists = operators()
        if operator in lists.does:
            self._examination.report(RULE_OF.get(lists.does[operator], UNKNOWN_OPERATOR), operator, offset=offset)
        elif operator not in lists.known:
            self._examination.report(UNKNOWN_OPERATOR, operator, offset=offset)

    def _out_of_range(self, fact: str, offset: int) -> None:
        self._examination.report(OUT_OF_RANGE, fact, offset=offset)


class _Behind(Source):
    """The end of a source, with zeros in place of what comes before: an archive that was appended to a model counts
    its offsets from the beginning of the file."""

    def __init__(self, source: Source, start: int) -> None:
        self.size = source.size
        self._source = source
        self._start = start

    def read(self, start: int, length: int) -> bytes:
        if start < 0 or length <= 0 or start >= self.size:
            return b""
        blank = min(max(self._start - start, 0), length)
        return bytes(blank) + self._source.read(start + blank, length - blank)
