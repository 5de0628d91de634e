"""MindSpore Lite models (`.ms`): operators and tensors in a FlatBuffer.

Built-in operators compute. A custom operator is native code that the application brings along, or holds a model that
was compiled for one device.

Source: mindspore/lite/schema/model.fbs, ops.fbs.
"""

from __future__ import annotations

from typing import Final

from touchstone.scan import flatbuffers
from touchstone.scan.examination import Examination
from touchstone.scan.external_paths import leads_out
from touchstone.scan.findings import Rule
from touchstone.scan.flatbuffers import Buffer, Schema, Table
from touchstone.scan.formats.mindspore import PATH_LEADS_OUT
from touchstone.scan.source import Source
from touchstone.scan.tensor_beginnings import look_at_beginning
from touchstone.text import Text

CUSTOM_OPERATOR: Final = Rule(
    "mindspore-lite/custom-operator",
    "high",
    "unreviewed",
    Text(
        "Needs an operator that the application brings along, or holds one compiled for a device",
        "需要应用程序自带的算子，或含为特定设备编译的算子",
    ),
    Text("Review the library that provides the operator.", "审查提供该算子的库。"),
    ("CWE-829", "AML.T0011"),
)
OUT_OF_RANGE: Final = Rule(
    "mindspore-lite/index-out-of-range",
    "high",
    "threat",
    Text("Refers to a tensor or operator that is not there", "引用了不存在的张量或算子"),
    Text("Convert the model again and use that file.", "请重新转换模型并使用新文件。"),
    ("CWE-125", "CWE-787"),
)
RULES: Final[tuple[Rule, ...]] = (CUSTOM_OPERATOR, OUT_OF_RANGE)

_SCHEMA: Final = Schema(
    {
        "MetaGraph": (
            "name text, version text, fmk_type i32, input_index* u32, output_index* u32, mempool_size u32, "
            "nodes* CNode, all_tensors* Tensor, sub_graph* SubGraph, obfuscate bool, obf_meta_data bytes"
        ),
        "SubGraph": "name text, input_indices* u32, output_indices* u32, node_indices* u32, tensor_indices* u32",
        "CNode": (
            "name text, node_type i32, primitive Primitive, input_index* u32, output_index* u32, quant_type i32, "
            "device_type i32"
        ),
        "Primitive": "value_type u8, value PrimitiveType",
        "Custom": "type text, attr* Attribute",
        "Attribute": "name text, data bytes",
        "Tensor": (
            "node_type i32, data_type i32, dims* i32, format i32, ref_count i32, offset i32, data bytes, "
            "quant_params* QuantParam, quant_clusters* f32, name text, enable_huffman_code bool, "
            "weight_quant_compress_type i32, external_data* ExternalData"
        ),
        "ExternalData": "check_sum text, location text, offset i64, length i64",
        "QuantParam": (
            "scale f64, zero_point i32, min f64, max f64, narrow_range bool, num_bits i32, inited bool, "
            "var_corr f32, mean_corr f32, dst_dtype i32, round_type i32, multiplier i32"
        ),
    },
    unions={"PrimitiveType": {191: "Custom"}},
)


def read_lite(source: Source, examination: Examination) -> None:
    """Go through all tables."""
    buffer = Buffer(source, _SCHEMA, examination.budget)
    root = buffer.root("MetaGraph")
    reading = _Reading(examination, sum(1 for _ in root.tables("all_tensors")), sum(1 for _ in root.tables("nodes")))
    reading.model(root)
    flatbuffers.walk(
        root,
        {
            "CNode": reading.node,
            "Custom": reading.custom,
            "SubGraph": reading.subgraph,
            "Tensor": reading.tensor,
            "ExternalData": reading.external,
        },
        examination,
    )
    for start, length in buffer.unseen():
        flatbuffers.report_unseen(start, length, examination)


class _Reading:
    """One walk over one model."""

    def __init__(self, examination: Examination, tensors: int, nodes: int) -> None:
        self._examination = examination
        self._tensors = tensors
        self._nodes = nodes

    def model(self, table: Table) -> None:
        """MetaGraph."""
        self._examination.fact("framework", "mindspore-lite")
        self._examination.fact("producer", table.text("version"))
        self._examination.fact("name", table.text("name"))
        if table.integer("obfuscate"):
            self._examination.gap(Text("is obfuscated", "经过混淆"), "encrypted")
        for name in ("input_index", "output_index"):
            self._check(table, name, self._tensors)

    def node(self, table: Table) -> None:
        """CNode: an operator."""
        for name in ("input_index", "output_index"):
            self._check(table, name, self._tensors)

    def subgraph(self, table: Table) -> None:
        """SubGraph."""
        for name in ("input_indices", "output_indices", "tensor_indices"):
            self._check(table, name, self._tensors)
        self._check(table, "node_indices", self._nodes)

    def custom(self, table: Table) -> None:
        """An operator that is not built in."""
        self._examination.report(CUSTOM_OPERATOR, table.text("type"), offset=table.position)
        for attribute in table.tables("attr"):
            data = attribute.part("data")
            if data is not None:
                look_at_beginning(data, attribute.text("name"), attribute.position, self._examination)

    def tensor(self, table: Table) -> None:
        """Tensor; weights may be packed, so their size says nothing."""
        data = table.part("data")
        if data is not None and data.size:
            name = table.text("name")
            self._examination.tensor(name, f"type-{table.integer('data_type')}", table.integers("dims", 64), data)
            look_at_beginning(data, name, table.position, self._examination)

    def external(self, table: Table) -> None:
        """ExternalData: weights in another file."""
        path = table.text("location")
        if leads_out(path):
            self._examination.report(PATH_LEADS_OUT, path, offset=table.position)
        self._examination.refers_to(path, "tensors")

    def _check(self, table: Table, name: str, count: int) -> None:
        wrong = [index for index in table.integers(name) if index >= count]
        if wrong:
            self._examination.report(
                OUT_OF_RANGE, f"{table.kind}.{name}: {wrong[:4]} of {count}", offset=table.position
            )
