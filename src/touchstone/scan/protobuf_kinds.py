"""Which protocol-buffer message a file is: told by the numbers and wire types of its first fields.

A message has no magic number. Each kind is told by fields that must be there, by what the first of them holds, and by
the bytes being well-formed fields at all.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Final

from touchstone.scan.budget import Budget, Limits
from touchstone.scan.protobuf import LENGTH, VARINT, Field, Message, message_of
from touchstone.scan.source import Source, Unreadable

_LOOKED_AT: Final = 64
"""Fields of a message that are looked at."""

_CHECKSUM_MARK: Final = b"crc_num"
_CHECKSUM_SIZE: Final = 17

Outline = dict[int, Field]
"""The first field of each number among the first fields of a message."""


def recognise_message(source: Source) -> str | None:
    """Name the kind of message, or `None` when it is none we know."""
    if source.read(0, 1)[0] & 7 not in (VARINT, LENGTH):
        return None
    top = _outline(message_of(without_checksum(source), Budget(Limits(), source.size)))
    return next((kind for kind, fits in _KINDS if fits(top)), None) if top else None


def without_checksum(source: Source) -> Source:
    """The messages of a MindSpore checkpoint, which a mark and ten bytes of checksum may follow."""
    end = source.size - _CHECKSUM_SIZE
    return source.part(0, end) if source.read(end, len(_CHECKSUM_MARK)) == _CHECKSUM_MARK else source


def _outline(message: Message) -> Outline:
    """The first fields, as far as they are well formed: a file that is cut off is still of its kind."""
    found: Outline = {}
    try:
        for field in islice(message.fields(), _LOOKED_AT):
            found.setdefault(field.number, field)
    except Unreadable:
        return found
    return found


def _within(top: Outline, number: int) -> Outline:
    """The message in a field; empty when there is none."""
    field = top.get(number)
    return _outline(field.message()) if field is not None and field.wire == LENGTH else {}


def _wires(top: Outline, **wanted: int) -> bool:
    """Whether each field that is there has the wire type it must have: `_wires(top, f1=VARINT)`."""
    return all(top[int(name[1:])].wire == wire for name, wire in wanted.items() if int(name[1:]) in top)


def _is_onnx(top: Outline) -> bool:
    """onnx.ModelProto: `ir_version`, and a graph, operator sets or functions."""
    return (
        1 in top
        and top[1].wire == VARINT
        and 0 < top[1].scalar <= 0xFFFF
        and bool(top.keys() & {7, 8, 25})
        and top.keys() <= {1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26}
        and _wires(top, f2=LENGTH, f3=LENGTH, f4=LENGTH, f5=VARINT, f6=LENGTH, f7=LENGTH, f8=LENGTH, f25=LENGTH)
    )


def _is_saved_model(top: Outline) -> bool:
    """tensorflow.SavedModel: a schema version and `MetaGraphDef`s."""
    meta_graph = _within(top, 2)
    return (
        top.keys() == {1, 2}
        and _wires(top, f1=VARINT, f2=LENGTH)
        and 1 in meta_graph
        and meta_graph.keys() <= set(range(1, 8))
        and all(field.wire == LENGTH for field in meta_graph.values())
    )


def _is_meta_graph(top: Outline) -> bool:
    """tensorflow.MetaGraphDef: its information, and a `GraphDef`."""
    if not (1 in top and 2 in top and top.keys() <= set(range(1, 8)) and _wires(top, f1=LENGTH, f2=LENGTH)):
        return False
    information = _within(top, 1)
    graph = _within(top, 2)
    return bool(information) and information.keys() <= set(range(1, 9)) and (not graph or _is_graph(graph))


def _is_graph(top: Outline) -> bool:
    """tensorflow.GraphDef: nodes, each with a name and an operation, or a function library."""
    if not top.keys() <= {1, 2, 3, 4, 5} or not _wires(top, f1=LENGTH, f2=LENGTH, f3=VARINT, f4=LENGTH, f5=LENGTH):
        return False
    if 1 in top:
        node = _within(top, 1)
        return (
            1 in node and 2 in node and node.keys() <= set(range(1, 9)) and all(f.wire == LENGTH for f in node.values())
        )
    library = _within(top, 2)
    return bool(library) and library.keys() <= {1, 2, 3} and 1 in _within(library, 1)


def _is_coreml(top: Outline) -> bool:
    """CoreML.Specification.Model: a version, a description, and one of the model types from 200 upwards."""
    return (
        1 in top
        and top[1].wire == VARINT
        and 0 < top[1].scalar < 1000
        and _wires(top, f2=LENGTH, f10=VARINT)
        and any(200 <= number <= 3000 for number in top)
        and all(number in (1, 2, 10) or 200 <= number <= 3000 for number in top)
    )


def _is_paddle_program(top: Outline) -> bool:
    """paddle.framework.proto.ProgramDesc: blocks that begin with their index and their parent's."""
    block = _within(top, 1)
    return (
        top.keys() <= {1, 2, 3, 4, 5}
        and {1, 2} <= block.keys() <= {1, 2, 3, 4, 5}
        and _wires(block, f1=VARINT, f2=VARINT, f3=LENGTH, f4=LENGTH, f5=VARINT)
    )


def _is_caffe(top: Outline) -> bool:
    """caffe.NetParameter: layers (field 100), or old layers (field 2) that have a type number and blobs."""
    if not _wires(top, f1=LENGTH, f2=LENGTH, f3=LENGTH, f4=VARINT, f5=VARINT, f6=LENGTH, f7=VARINT, f8=LENGTH):
        return False
    if not top.keys() <= {1, 2, 3, 4, 5, 6, 7, 8, 100}:
        return False
    if 100 in top:
        return top[100].wire == LENGTH
    layer = _within(top, 2)
    return 5 in layer and 4 in layer and _wires(layer, f5=VARINT, f4=LENGTH)


def _is_mindir(top: Outline) -> bool:
    """mind_ir.ModelProto: a version in words, and a graph."""
    version = top[1].text() if 1 in top and top[1].wire == LENGTH and top[1].length < 32 else ""
    return (
        bool(version)
        and all(part.isdigit() for part in version.split("."))
        and 7 in top
        and top.keys() <= set(range(1, 20))
        and _wires(top, f2=LENGTH, f3=LENGTH, f4=LENGTH, f5=LENGTH, f6=LENGTH, f7=LENGTH, f8=LENGTH, f9=LENGTH)
    )


def _is_mindspore_checkpoint(top: Outline) -> bool:
    """mindspore Checkpoint: values, each with a tag and a tensor of dimensions, type in words, and content."""
    value = _within(top, 1)
    tensor = _within(value, 2)
    return (
        top.keys() == {1}
        and {1, 2} == value.keys()
        and _wires(value, f1=LENGTH)
        and {2, 3} <= tensor.keys() <= {1, 2, 3}
        and _wires(tensor, f2=LENGTH, f3=LENGTH)
        and tensor[2].length < 32
    )


def _is_keras_metadata(top: Outline) -> bool:
    """keras SavedMetadata: objects with node number, path, identifier and JSON."""
    node = _within(top, 1)
    return (
        top.keys() == {1}
        and {3, 4, 5} <= node.keys() <= {2, 3, 4, 5, 6}
        and _wires(node, f2=VARINT, f3=LENGTH, f4=LENGTH, f5=LENGTH, f6=LENGTH)
    )


def _is_fingerprint(top: Outline) -> bool:
    """tensorflow.FingerprintDef: five checksums, and a version."""
    return (
        2 in top
        and 3 in top
        and top.keys() <= {1, 2, 3, 4, 5, 6, 7}
        and _wires(top, f1=VARINT, f2=VARINT, f3=VARINT, f4=VARINT, f5=VARINT, f6=LENGTH, f7=LENGTH)
    )


def _is_sentencepiece(top: Outline) -> bool:
    """sentencepiece ModelProto: pieces with text and score, then how they were trained and how text is normalised."""
    piece = _within(top, 1)
    return top.keys() <= {1, 2, 3, 4, 5} and {1, 2} <= piece.keys() <= {1, 2, 3} and piece[2].wire == 5


_KINDS: Final[tuple[tuple[str, Callable[[Outline], bool]], ...]] = (
    ("onnx", _is_onnx),
    ("tensorflow-saved-model", _is_saved_model),
    ("coreml", _is_coreml),
    ("mindspore", _is_mindir),
    ("tensorflow-meta-graph", _is_meta_graph),
    ("paddle", _is_paddle_program),
    ("keras-saved-metadata", _is_keras_metadata),
    ("mindspore-checkpoint", _is_mindspore_checkpoint),
    ("sentencepiece", _is_sentencepiece),
    ("tensorflow-graph", _is_graph),
    ("caffe", _is_caffe),
    ("tensorflow-fingerprint", _is_fingerprint),
)
