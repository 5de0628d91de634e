"""ONNX Runtime's own format: the ONNX graph as a FlatBuffer, as mobile builds load it.

The same threats as in an ONNX file: operators that need a library or call Python, and tensors kept in other files.

Source: onnxruntime/core/flatbuffers/schema/ort.fbs.
"""

from __future__ import annotations

import math
from typing import Final

from touchstone.scan import flatbuffers
from touchstone.scan.examination import Examination
from touchstone.scan.findings import shown
from touchstone.scan.flatbuffers import Buffer, Schema, Table
from touchstone.scan.formats.onnx_operators import judge_operator
from touchstone.scan.formats.onnx_tensors import SIZE_MISMATCH
from touchstone.scan.formats.onnx_types import BITS_OF, NAME_OF
from touchstone.scan.source import Source
from touchstone.scan.tensor_beginnings import look_at_beginning
from touchstone.text import Text

_SCHEMA: Final = Schema(
    {
        "InferenceSession": (
            "ort_version text, model Model, session_state unread, kernel_type_str_resolver KernelTypeStrResolver"
        ),
        "Model": (
            "ir_version i64, opset_import* OperatorSetId, producer_name text, producer_version text, domain text, "
            "model_version i64, doc_string text, graph Graph, graph_doc_string text, metadata_props* StringStringEntry"
        ),
        "OperatorSetId": "domain text, version i64",
        "StringStringEntry": "key text, value text",
        "Graph": (
            "initializers* Tensor, node_args* ValueInfo, nodes* Node, max_node_index u32, node_edges* NodeEdge, "
            "inputs* text, outputs* text, sparse_initializers* SparseTensor, runtime_optimizations RuntimeOptimizations"
        ),
        "Node": (
            "name text, doc_string text, domain text, since_version i32, index u32, op_type text, type i32, "
            "execution_provider_type text, inputs* text, outputs* text, attributes* Attribute, input_arg_counts* i32, "
            "implicit_inputs* text"
        ),
        "NodeEdge": "node_index u32, input_edges* struct12, output_edges* struct12",
        "Attribute": (
            "name text, doc_string text, type i32, f f32, i i64, s text, t Tensor, g Graph, floats* f32, ints* i64, "
            "strings* text, tensors* Tensor, graphs* Graph"
        ),
        "Tensor": (
            "name text, doc_string text, dims* i64, data_type i32, raw_data bytes, string_data* text, "
            "external_data_offset i64"
        ),
        "SparseTensor": "values Tensor, indices Tensor, dims* i64",
        "ValueInfo": "name text, doc_string text, type TypeInfo",
        "TypeInfo": "denotation text, value_type u8, value TypeInfoValue",
        "TensorTypeAndShape": "elem_type i32, shape Shape",
        "Shape": "dim* Dimension",
        "Dimension": "value DimensionValue, denotation text",
        "DimensionValue": "dim_type i8, dim_value i64, dim_param text",
        "SequenceType": "elem_type TypeInfo",
        "MapType": "key_type i32, value_type TypeInfo",
        "KernelTypeStrResolver": "op_kernel_type_str_args* OpIdKernelTypeStrArgsEntry",
        "OpIdKernelTypeStrArgsEntry": "op_id text, kernel_type_str_args* KernelTypeStrArgsEntry",
        "KernelTypeStrArgsEntry": "kernel_type_str text, args* ArgTypeAndIndex",
        "ArgTypeAndIndex": "arg_type i8, index u32",
        "RuntimeOptimizations": "records* RuntimeOptimizationRecordContainerEntry",
        "RuntimeOptimizationRecordContainerEntry": (
            "optimizer_name text, runtime_optimization_records* RuntimeOptimizationRecord"
        ),
        "RuntimeOptimizationRecord": (
            "action_id text, nodes_to_optimize_indices NodesToOptimizeIndices, produced_nodes unread, "
            "produced_op_ids* text"
        ),
        "NodesToOptimizeIndices": (
            "node_indices* u32, num_inputs u32, num_outputs u32, has_variadic_input bool, has_variadic_output bool, "
            "num_variadic_inputs u32, num_variadic_outputs u32"
        ),
    },
    unions={"TypeInfoValue": {1: "TensorTypeAndShape", 2: "SequenceType", 3: "MapType"}},
)


def read_ort(source: Source, examination: Examination) -> None:
    """Go through all tables."""
    buffer = Buffer(source, _SCHEMA, examination.budget)
    reading = _Reading(source, examination)
    flatbuffers.walk(
        buffer.root("InferenceSession"),
        {
            "Model": reading.model,
            "OperatorSetId": reading.operator_set,
            "Node": reading.node,
            "Tensor": reading.tensor,
        },
        examination,
    )
    reading.finish()
    for start, length in buffer.unseen():
        flatbuffers.report_unseen(start, length, examination)


class _Reading:
    """One walk over one model."""

    def __init__(self, source: Source, examination: Examination) -> None:
        self._source = source
        self._examination = examination
        self._operators: dict[tuple[str, str], int] = {}
        self._parameters = 0

    def finish(self) -> None:
        """Judge the operators."""
        self._examination.fact("framework", "onnx")
        if self._parameters:
            self._examination.fact("parameters", str(self._parameters))
        for (domain, operator), offset in self._operators.items():
            judge_operator(domain, operator, offset, self._examination)

    def model(self, table: Table) -> None:
        """Model: who wrote it, what goes in and out."""
        producer = (table.text("producer_name"), table.text("producer_version"))
        self._examination.fact("producer", " ".join(word for word in producer if word))
        graph = table.table("graph")
        if graph is not None:
            initialised = {tensor.text("name") for tensor in graph.tables("initializers")}
            for name in graph.texts("inputs"):
                if name not in initialised:
                    self._examination.fact("input", name)
            for name in graph.texts("outputs"):
                self._examination.fact("output", name)

    def operator_set(self, table: Table) -> None:
        """OperatorSetId."""
        self._examination.fact("operator-set", f"{table.text('domain') or 'ai.onnx'} {table.integer('version')}")

    def node(self, table: Table) -> None:
        """Node."""
        self._operators.setdefault((table.text("domain") or "ai.onnx", table.text("op_type")), table.position)

    def tensor(self, table: Table) -> None:
        """Tensor, with its bytes here or in a file of its own beside this one."""
        name, kind = table.text("name"), table.integer("data_type")
        dims = table.integers("dims", most=64)
        if table.integer("external_data_offset", -1) >= 0:
            self._examination.gap(
                Text("has tensors in a file whose name is not written here", "部分张量位于未注明名称的文件中"), "absent"
            )
            return
        start, length = table.vector("raw_data")
        data = self._source.part(start, length)
        elements = math.prod(dims) if all(size >= 0 for size in dims) else -1
        bits = BITS_OF.get(kind, 0)
        if bits and (elements * bits + 7) // 8 != length:
            self._examination.report(
                SIZE_MISMATCH,
                f"{shown(name, 100)}: {NAME_OF.get(kind, kind)}{dims[:8]} in {length} bytes",
                offset=table.position,
            )
        self._parameters += max(elements, 0)
        self._examination.tensor(name, NAME_OF.get(kind, f"type-{kind}"), dims, data)
        look_at_beginning(data, name, start, self._examination)
