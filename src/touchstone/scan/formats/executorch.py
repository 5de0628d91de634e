"""ExecuTorch programs: instructions for a small interpreter, with weights and delegated parts in segments behind.

The interpreter calls kernels by name and hands delegated parts to a backend. Kernels that ExecuTorch does not bring
along, and backends that take compiled code, are named; only the graph format of XNNPACK holds nothing but numbers.

Source: executorch/schema/program.fbs, executorch/schema/extended_header.h.
"""

from __future__ import annotations

import struct
from typing import Final

from touchstone.scan import flatbuffers
from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.flatbuffers import Buffer, Schema, Table
from touchstone.scan.operator_packs import engine_not_read
from touchstone.scan.source import Source
from touchstone.scan.tensor_beginnings import look_at_beginning
from touchstone.text import Text

CUSTOM_OPERATOR: Final = Rule(
    "executorch/custom-operator",
    "high",
    "unreviewed",
    Text("Needs a kernel that ExecuTorch does not bring along", "需要 ExecuTorch 自身没有的内核"),
    Text("Review the library that provides the kernel.", "审查提供该内核的库。"),
    ("CWE-829", "AML.T0011"),
)
NATIVE_CODE: Final = Rule(
    "executorch/native-code",
    "high",
    "threat",
    Text("A delegated part is a native program that the runtime loads", "委托部分是运行时会加载的本机程序"),
    Text("Do not load the program unless you built it yourself.", "除非自行构建，否则不要加载。"),
    ("CWE-829", "AML.T0011"),
)
OUT_OF_RANGE: Final = Rule(
    "executorch/segment-out-of-range",
    "high",
    "threat",
    Text("A segment lies outside the file", "数据段超出文件范围"),
    Text("Export the program again and use that file.", "请重新导出并使用新文件。"),
    ("CWE-125",),
)
RULES: Final[tuple[Rule, ...]] = (CUSTOM_OPERATOR, NATIVE_CODE, OUT_OF_RANGE)

_SCHEMA: Final = Schema(
    {
        "Program": (
            "version u32, execution_plan* ExecutionPlan, constant_buffer* Buffer, "
            "backend_delegate_data* BackendDelegateInlineData, segments* DataSegment, "
            "constant_segment SubsegmentOffsets, mutable_data_segments* SubsegmentOffsets, named_data* NamedData"
        ),
        "ExecutionPlan": (
            "name text, container_meta_type ContainerMetadata, values* EValue, inputs* i32, outputs* i32, "
            "chains* Chain, operators* Operator, delegates* BackendDelegate, non_const_buffer_sizes* i64, "
            "non_const_buffer_device* NonConstBufferDevice"
        ),
        "ContainerMetadata": "encoded_inp_str text, encoded_out_str text",
        "EValue": "val_type u8, val KernelTypes",
        "Null": "",
        "Int": "int_val i64",
        "Bool": "bool_val bool",
        "Double": "double_val f64",
        "String": "string_val text",
        "IntList": "items* i64",
        "DoubleList": "items* f64",
        "BoolList": "items* bool",
        "TensorList": "items* i32",
        "OptionalTensorList": "items* i32",
        "Tensor": (
            "scalar_type i8, storage_offset i32, sizes* i32, dim_order bytes, requires_grad bool, "
            "data_buffer_idx u32, allocation_info AllocationDetails, layout i8, shape_dynamism i8, "
            "extra_tensor_info ExtraTensorInfo"
        ),
        "AllocationDetails": "memory_id u32, memory_offset_low u32, memory_offset_high u32",
        "ExtraTensorInfo": (
            "mutable_data_segments_idx u64, fully_qualified_name text, location i8, device_type i8, device_index i8"
        ),
        "Chain": "inputs* i32, outputs* i32, instructions* Instruction, stacktrace* FrameList",
        "Instruction": "instr_args_type u8, instr_args InstructionArguments",
        "KernelCall": "op_index i32, args* i32",
        "DelegateCall": "delegate_index i32, args* i32",
        "MoveCall": "move_from i32, move_to i32",
        "JumpFalseCall": "cond_value_index i32, destination_instruction i32",
        "FreeCall": "value_index i32",
        "FrameList": "items* Frame",
        "Frame": "filename text, lineno i32, name text, context text",
        "Operator": "name text, overload text",
        "BackendDelegate": "id text, processed BackendDelegateDataReference, compile_specs* CompileSpec",
        "BackendDelegateDataReference": "location i8, index u32",
        "CompileSpec": "key text, value bytes",
        "NonConstBufferDevice": "buffer_idx i32, device_type i8, device_index i8",
        "Buffer": "storage bytes",
        "BackendDelegateInlineData": "data bytes",
        "DataSegment": "offset u64, size u64",
        "SubsegmentOffsets": "segment_index u32, offsets* u64",
        "NamedData": "key text, segment_index u32",
    },
    unions={
        "KernelTypes": {
            1: "Null",
            2: "Int",
            3: "Bool",
            4: "Double",
            5: "Tensor",
            6: "String",
            7: "IntList",
            8: "DoubleList",
            9: "BoolList",
            10: "TensorList",
            11: "OptionalTensorList",
        },
        "InstructionArguments": {1: "KernelCall", 2: "DelegateCall", 3: "MoveCall", 4: "JumpFalseCall", 5: "FreeCall"},
    },
)

_EXTENDED_HEADER: Final = b"eh00"
_KNOWN_NAMESPACES: Final = frozenset(
    {"aten", "executorch_prim", "quantized_decomposed", "dim_order_ops", "prims", "llama"}
)
"""Kernel libraries in ExecuTorch's own tree that compute and do nothing else."""
_KNOWN_BACKENDS: Final = frozenset({"XnnpackBackend"})
_INLINE: Final = 0
"""DataLocation.INLINE"""


def read_executorch(source: Source, examination: Examination) -> None:
    """Go through the program, then through its segments."""
    examination.fact("framework", "executorch")
    buffer = Buffer(source, _SCHEMA, examination.budget)
    base = _segment_base(source, buffer)
    root = buffer.root("Program")
    reading = _Reading(source, buffer, examination, base)
    reading.program(root)
    flatbuffers.walk(
        root,
        {
            "Operator": reading.operator,
            "BackendDelegate": reading.delegate,
            "ExtraTensorInfo": reading.extra_tensor_info,
        },
        examination,
    )
    for start, length in buffer.unseen():
        flatbuffers.report_unseen(start, length, examination)


def _segment_base(source: Source, buffer: Buffer) -> int:
    """Where segments begin: the extended header says so, behind the identifier of the program."""
    head = source.read(8, 32)
    if head[:4] != _EXTENDED_HEADER or len(head) < 24:
        return 0
    length, _, base = struct.unpack_from("<IQQ", head, 4)
    buffer.note(8, length)
    return int(base)


class _Reading:
    """One walk over one program."""

    def __init__(self, source: Source, buffer: Buffer, examination: Examination, base: int) -> None:
        self._source = source
        self._buffer = buffer
        self._examination = examination
        self._base = base
        self._segments: list[Source] = []
        self._inline: list[Source] = []

    def program(self, table: Table) -> None:
        """Program: where everything lies."""
        for index, segment in enumerate(table.tables("segments")):
            start, length = self._base + segment.integer("offset"), segment.integer("size")
            if start + length > self._source.size:
                self._examination.report(
                    OUT_OF_RANGE, f"segment {index} at {start} of {length} bytes", offset=segment.position
                )
            self._buffer.note(start, length)
            data = self._source.part(start, length)
            self._segments.append(data)
            look_at_beginning(data, f"segment {index}", start, self._examination)
        self._inline += [data.part("data") or self._nothing for data in table.tables("backend_delegate_data")]
        for index, constant in enumerate(table.tables("constant_buffer")):
            data = constant.part("storage") or self._nothing
            look_at_beginning(data, f"constant {index}", constant.position, self._examination)

    def operator(self, table: Table) -> None:
        """Operator: a kernel by its name."""
        name = table.text("name")
        if name.split("::", 1)[0] not in _KNOWN_NAMESPACES:
            overload = table.text("overload")
            self._examination.report(CUSTOM_OPERATOR, f"{name}.{overload}".rstrip("."), offset=table.position)

    def delegate(self, table: Table) -> None:
        """BackendDelegate: a part of the model that a backend runs."""
        backend = table.text("id")
        data = self._data_of(table.table("processed"))
        look_at_beginning(data, backend, table.position, self._examination)
        if data.read(0, 4) == b"\x7fELF":
            self._examination.report(NATIVE_CODE, f"{backend}: ELF", offset=table.position)
        elif backend not in _KNOWN_BACKENDS:
            self._examination.gap(engine_not_read(backend), "format")

    def extra_tensor_info(self, table: Table) -> None:
        """ExtraTensorInfo: weights that the application supplies from a data file."""
        if table.integer("location") == 1:
            self._examination.gap(Text("has weights in a separate data file", "部分权重位于独立的数据文件中"), "absent")

    @property
    def _nothing(self) -> Source:
        return self._source.part(0, 0)

    def _data_of(self, reference: Table | None) -> Source:
        if reference is None:
            return self._nothing
        places = self._inline if reference.integer("location") == _INLINE else self._segments
        index = reference.integer("index")
        return places[index] if index < len(places) else self._nothing
