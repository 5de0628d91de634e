"""Messages by name: what the schema does not know is a gap, what is written twice is a finding."""

from __future__ import annotations

from tests.scan.protobuf_writer import block, number
from touchstone.scan.budget import Budget, Limits
from touchstone.scan.examination import Examination
from touchstone.scan.protobuf import Message, message_of
from touchstone.scan.protobuf_schema import Schema, Walk, messages_of
from touchstone.scan.source import MemorySource

SCHEMA = Schema({"Graph": "1 node* Node, 2 name text", "Node": "1 op text, 2 graph Graph, 3 sizes ints"})


def walked(data: bytes) -> tuple[list[str], Examination]:
    """Operators met in a graph, wherever they are, and what was reported."""
    examination = Examination("file", Budget(Limits(), len(data)))
    operators = []

    def node(message: Message) -> None:
        for name, field in walk.fields(message, "Node"):
            if name == "op":
                operators.append(field.text())
            walk.enter(field)

    walk = Walk(SCHEMA, examination, {"Node": node})
    walk.message(message_of(MemorySource(data), examination.budget), "Graph")
    return operators, examination


def test_a_handler_meets_its_message_at_any_depth() -> None:
    inner = block(1, block(1, "inner") + number(3, 4) + block(3, b"\x05\x06"))
    operators, examination = walked(block(1, block(1, "outer") + block(2, inner)))
    assert operators == ["outer", "inner"]
    assert not examination.collected.gaps
    assert not examination.collected.findings


def test_an_unknown_field_is_a_gap() -> None:
    for data in (block(9, b"x"), number(2, 7), block(1, number(1, 3))):
        _, examination = walked(data)
        assert [gap.code for gap in examination.collected.gaps] == ["format"]


def test_one_value_written_twice_is_a_finding() -> None:
    _, examination = walked(block(2, "a") + block(2, "b"))
    assert [finding.rule for finding in examination.collected.findings] == ["protobuf/written-twice"]


def test_every_message_pack_is_closed() -> None:
    """Each kind that a field names is a message of the pack."""
    for pack in ("onnx", "tensorflow", "coreml", "paddle", "mindspore", "mindspore_checkpoint"):
        schema = messages_of(pack)
        plain = {"int", "ints", "float", "floats", "double", "doubles", "text", "bytes"}
        for kind in list(schema):
            for field in schema.fields(kind).values():
                assert field.kind in plain or field.kind in schema, (pack, kind, field)
