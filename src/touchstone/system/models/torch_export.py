"""Graphs exported with `torch.export`, read as data and interpreted.

PyTorch's own loader unpickles sample inputs, evaluates symbolic expressions and looks operators up by any name, so
it is not fit for files from strangers. A `.pt2` archive also holds the same graph as JSON and the weights as raw
bytes; this module reads those two and runs the operators of :data:`OPERATORS`, all of which compute and none of
which draws random numbers, keeps state, or touches a file. Everything else in the archive is left unread.

Source: `torch/_export/serde/schema.py` (schema 8) and `torch/export/pt2_archive/constants.py` of PyTorch 2.13.
"""

from __future__ import annotations

import io
import json
import operator
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

from touchstone.errors import ArtifactError
from touchstone.system.models.answers import first_line
from touchstone.text import Text

SCHEMA = 8
LARGEST_GRAPH = 64 * 1024**2
LARGEST_WEIGHTS = 2 * 1024**3

OPERATORS = frozenset(
    [
        *("_adaptive_avg_pool2d", "_native_batch_norm_legit_no_training", "_softmax", "_log_softmax", "_to_copy"),
        *("_unsafe_view", "abs", "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_max_pool1d"),
        *("adaptive_max_pool2d", "add", "add_", "addmm", "alias", "amax", "amin", "arange", "avg_pool1d", "avg_pool2d"),
        *("baddbmm", "batch_norm", "bmm", "cat", "ceil", "chunk", "clamp", "clamp_", "clamp_max", "clamp_min", "clone"),
        *("constant_pad_nd", "contiguous", "conv1d", "conv2d", "conv3d", "convolution", "cos", "cumsum", "detach"),
        *("detach_", "div", "div_", "dropout", "dropout_", "elu", "elu_", "eq", "erf", "exp", "expand", "expand_as"),
        *("feature_dropout", "flatten", "floor", "full", "full_like", "ge", "gelu", "group_norm", "gt"),
        *("hardsigmoid", "hardsigmoid_", "hardswish", "hardswish_", "hardtanh", "hardtanh_", "index_select"),
        *("instance_norm", "layer_norm", "le", "leaky_relu", "leaky_relu_", "lift_fresh_copy", "linear", "log"),
        *("log1p", "log_softmax", "logical_not", "lt", "masked_fill", "matmul", "max", "max_pool1d", "max_pool2d"),
        *("max_pool2d_with_indices", "max_pool3d", "maximum", "mean", "min", "minimum", "mish", "mm", "mul", "mul_"),
        *("native_group_norm", "native_layer_norm", "ne", "neg", "ones", "ones_like", "pad", "permute", "pow"),
        *("prelu", "reciprocal", "relu", "relu6", "relu_", "repeat", "reshape", "rsqrt", "rsub"),
        *("scaled_dot_product_attention", "select", "selu", "sigmoid", "sigmoid_", "silu", "silu_", "sin", "slice"),
        *("softmax", "softplus", "split", "split_with_sizes", "sqrt", "squeeze", "stack", "std", "sub", "sub_", "sum"),
        *("sym_size", "t", "tanh", "tanh_", "to", "transpose", "unbind", "unflatten", "unsqueeze"),
        *("upsample_bilinear2d", "upsample_nearest2d", "var", "view", "where", "zeros", "zeros_like"),
    ]
)
"""Operators of `torch.ops.aten` that may be run; their overloads are pure as well."""

INTEGER_OPERATORS: dict[str, Callable[..., Any]] = {
    f"_operator.{name}": getattr(operator, name) for name in ("add", "sub", "mul", "floordiv", "getitem", "neg")
}
"""Arithmetic on sizes, and taking one of several results."""

TRAINING_ARGUMENTS = frozenset({"training", "train", "use_input_stats", "dropout_p"})
"""Arguments that, unless false or zero, make an operator random or dependent on the rest of the batch."""

_TARGET = re.compile(r"torch\.ops\.aten\.([a-z0-9_]+)\.([A-Za-z0-9_]+)")
_PLAIN: dict[str, tuple[type, ...]] = {
    "as_int": (int,),
    "as_float": (int, float),
    "as_bool": (bool,),
    "as_string": (str,),
}
_PLAIN_LISTS: dict[str, tuple[type, ...]] = {"as_ints": (int,), "as_floats": (int, float), "as_bools": (bool,)}
_DEVICE_ARGUMENTS = frozenset({"as_device", "as_layout", "as_memory_format"})
"""Where and how memory lies; left out, because everything here is dense and on the CPU."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operator applied to earlier values."""

    apply: Callable[..., Any]
    positional: tuple[Any, ...]
    keyword: dict[str, Any]
    results: tuple[str, ...]
    unpack: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """An argument that is the value of an earlier step."""

    name: str


@dataclass(frozen=True, slots=True)
class ExportedGraph:
    """A function of one tensor, as a list of steps. `batch` is the batch size it was exported for, if fixed."""

    constants: dict[str, Any]
    source: str
    steps: tuple[Step, ...]
    result: str
    batch: int | None

    def __call__(self, x: Any) -> Any:
        """The graph's output for the batch `x`. Raises `RuntimeError` when a weight changed on the way."""
        versions = [tensor._version for tensor in self.constants.values()]
        values = self.constants | {self.source: x}
        for step in self.steps:
            arguments = [_resolved(argument, values) for argument in step.positional]
            answer = step.apply(*arguments, **{name: _resolved(item, values) for name, item in step.keyword.items()})
            if step.unpack:
                values.update(zip(step.results, answer, strict=False))
            else:
                values[step.results[0]] = answer
        if versions != [tensor._version for tensor in self.constants.values()]:
            raise RuntimeError("it changes its own weights when it runs")
        return values[self.result]


def read_exported_graph(data: bytes, where: str) -> ExportedGraph:
    """Read a `.pt2` archive. Raises `ArtifactError` for anything outside the subset described above."""
    archive = _Archive(data, where)
    try:
        return _graph(archive)
    except ArtifactError:
        raise
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RuntimeError, RecursionError) as error:
        # A graph that lacks a part, or has one of another kind, fails where that part is used.
        raise archive.fault(
            Text(f"its graph is damaged: {first_line(error)}", f"计算图已损坏：{first_line(error)}")
        ) from None


class _Archive:
    """The members of a `.pt2` zip that are data."""

    def __init__(self, data: bytes, where: str) -> None:
        self._where = where
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except Exception as error:  # a hostile archive can make the reader fail in any way
            raise self.unreadable(error) from None
        self._members = {member.filename.partition("/")[2]: member for member in self._zip.infolist()}
        if sum(member.file_size for member in self._zip.infolist()) > LARGEST_WEIGHTS:
            raise self.fault(Text("unpacks to more than 2 GiB", "解压后超过 2 GiB"))

    def read(self, name: str) -> bytes:
        """One member's bytes."""
        if name not in self._members:
            raise self.fault(Text(f"has no member {name[:200]!r}", f"没有成员 {name[:200]!r}"))
        try:
            return self._zip.read(self._members[name])
        except Exception as error:  # encrypted, truncated, forged members
            raise self.unreadable(error) from None

    def json(self, name: str) -> Any:
        """One member as JSON."""
        content = self.read(name)
        if len(content) > LARGEST_GRAPH:
            raise self.fault(Text("has a graph larger than 64 MiB", "计算图大于 64 MiB"))
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise self.unreadable(error) from None

    def unreadable(self, error: BaseException) -> ArtifactError:
        """The archive breaks its own format."""
        return self.fault(
            Text(f"is not a readable .pt2 archive: {first_line(error)}", f"不是可读取的 .pt2 文件：{first_line(error)}")
        )

    def fault(self, what: Text) -> ArtifactError:
        """An error of this file."""
        return ArtifactError(
            what,
            self._where,
            Text(
                "export an evaluation-mode classifier with torch.export.save of PyTorch 2.13, or hand in ONNX",
                "请用 PyTorch 2.13 的 torch.export.save 导出评估模式的分类器，或提交 ONNX",
            ),
        )


def _graph(archive: _Archive) -> ExportedGraph:
    program = archive.json("models/model.json")
    if program["schema_version"]["major"] != SCHEMA:
        version = str(program["schema_version"])[:60]
        raise archive.fault(Text(f"has schema version {version}", f"模式版本为 {version}"))
    module = program["graph_module"]
    constants, source = _inputs(archive, module["signature"]["input_specs"])
    outputs = module["signature"]["output_specs"]
    if len(outputs) != 1 or "user_output" not in outputs[0]:
        raise archive.fault(Text("has several outputs, or changes its own state", "有多个输出，或会改变自身状态"))
    first = module["graph"]["tensor_values"][source]["sizes"][0]
    return ExportedGraph(
        constants=constants,
        source=source,
        steps=tuple(_step(archive, node) for node in module["graph"]["nodes"]),
        result=outputs[0]["user_output"]["arg"]["as_tensor"]["name"],
        batch=first.get("as_int"),
    )


def _inputs(archive: _Archive, specifications: list[dict[str, Any]]) -> tuple[dict[str, Any], str]:
    """Every weight and constant by its name in the graph, and the name of the one real input."""
    stored = {
        "parameter": ("parameter_name", "weights"),
        "buffer": ("buffer_name", "weights"),
        "tensor_constant": ("tensor_constant_name", "constants"),
    }
    folders = {
        folder: archive.json(f"data/{folder}/model_{folder}_config.json")["config"] for _, folder in stored.values()
    }
    constants: dict[str, Any] = {}
    sources: list[str] = []
    for specification in specifications:
        ((kind, content),) = specification.items()
        if kind == "user_input":
            sources.append(content["arg"]["as_tensor"]["name"])
            continue
        if kind not in stored:
            raise archive.fault(Text(f"takes an input of kind {kind[:60]}", f"含类型为 {kind[:60]} 的输入"))
        field, folder = stored[kind]
        if kind == "buffer" and not content["persistent"]:
            folder = "constants"
        entry = folders[folder][content[field]]
        constants[content["arg"]["name"]] = _stored_tensor(archive, f"data/{folder}/{entry['path_name']}", entry)
    if len(sources) != 1:
        raise archive.fault(
            Text(f"takes {len(sources)} inputs; one is supported", f"有 {len(sources)} 个输入；仅支持一个")
        )
    return constants, sources[0]


def _stored_tensor(archive: _Archive, member: str, entry: dict[str, Any]) -> Any:
    import torch

    if entry["use_pickle"]:
        raise archive.fault(Text("keeps a tensor as a pickle", "以 pickle 形式保存张量"))
    meta = entry["tensor_meta"]
    kind = _element_type(archive, meta["dtype"])
    sizes = [size["as_int"] for size in meta["sizes"]]
    strides = [stride["as_int"] for stride in meta["strides"]]
    offset = meta["storage_offset"]["as_int"]
    content = archive.read(member)
    if prod(sizes) == 0:
        return torch.empty(sizes, dtype=kind)
    last = offset + sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True))
    if min([offset, *strides, *sizes]) < 0 or (last + 1) * kind.itemsize > len(content):
        raise archive.fault(Text("has a tensor that reaches beyond its bytes", "张量超出其存储范围"))
    flat = torch.frombuffer(bytearray(content), dtype=kind, count=len(content) // kind.itemsize)
    return flat.as_strided(sizes, strides, offset).clone()


def _element_type(archive: _Archive, code: int) -> Any:
    import torch

    types = {
        1: torch.uint8,
        2: torch.int8,
        3: torch.int16,
        4: torch.int32,
        5: torch.int64,
        6: torch.float16,
        7: torch.float32,
        8: torch.float64,
        12: torch.bool,
        13: torch.bfloat16,
    }
    if code not in types:
        raise archive.fault(Text(f"uses element type {code}", f"使用了元素类型 {code}"))
    return types[code]


def _step(archive: _Archive, node: dict[str, Any]) -> Step:
    target = node["target"]
    apply = _operator(archive, target)
    positional, keyword = [], {}
    for given in node["inputs"]:
        ((kind, content),) = given["arg"].items()
        if kind in _DEVICE_ARGUMENTS:
            if given["kind"] == 1:
                raise archive.fault(Text(f"places memory in {target[:100]}", f"{target[:100]} 指定了内存布局"))
            continue
        argument = _argument(archive, kind, content)
        if given["name"] in TRAINING_ARGUMENTS and argument not in (False, 0, 0.0):
            raise archive.fault(
                Text(f"was exported in training mode ({target[:100]})", f"在训练模式下导出（{target[:100]}）")
            )
        if given["kind"] == 1:
            positional.append(argument)
        else:
            keyword[given["name"]] = argument
    results, unpack = _results(node["outputs"])
    return Step(apply, tuple(positional), keyword, results, unpack)


def _operator(archive: _Archive, target: str) -> Callable[..., Any]:
    import torch

    if target in INTEGER_OPERATORS:
        return INTEGER_OPERATORS[target]
    match = _TARGET.fullmatch(target)
    packet = getattr(torch.ops.aten, match[1]) if match is not None and match[1] in OPERATORS else None
    if match is None or packet is None or match[2] not in packet.overloads():
        raise archive.fault(Text(f"uses the operator {target[:100]}", f"使用了不受支持的算子 {target[:100]}"))
    found: Callable[..., Any] = getattr(packet, match[2])
    return found


def _argument(archive: _Archive, kind: str, content: Any) -> Any:
    """One argument of an operator: a plain value, or a :class:`Reference` (or list of them) to resolve."""
    readers: dict[str, Callable[[], Any]] = {
        "as_none": lambda: None,
        "as_tensor": lambda: Reference(content["name"]),
        "as_tensors": lambda: [Reference(item["name"]) for item in content],
        "as_optional_tensors": lambda: [
            Reference(item["as_tensor"]["name"]) if "as_tensor" in item else None for item in content
        ],
        "as_sym_int": lambda: _size(content),
        "as_sym_ints": lambda: [_size(item) for item in content],
        "as_scalar_type": lambda: _element_type(archive, content),
    }
    if kind in readers:
        return readers[kind]()
    plain = isinstance(content, _PLAIN.get(kind, ()))
    if plain or (kind in _PLAIN_LISTS and all(isinstance(item, _PLAIN_LISTS[kind]) for item in content)):
        return content
    raise archive.fault(Text(f"has an argument of kind {kind[:60]}", f"含类型为 {kind[:60]} 的参数"))


def _size(content: dict[str, Any]) -> int | Reference:
    return Reference(content["as_name"]) if "as_name" in content else int(content["as_int"])


def _results(outputs: list[dict[str, Any]]) -> tuple[tuple[str, ...], bool]:
    """Names of a step's results, and whether they are parts of one answer."""
    if len(outputs) == 1:
        ((kind, content),) = outputs[0].items()
        if kind == "as_tensors":
            return tuple(item["name"] for item in content), True
        return (content["as_name"] if kind == "as_sym_int" else content["name"],), False
    return tuple(output["as_tensor"]["name"] if "as_tensor" in output else "" for output in outputs), True


def _resolved(argument: Any, values: dict[str, Any]) -> Any:
    if isinstance(argument, Reference):
        return values[argument.name]
    if isinstance(argument, list):
        return [_resolved(item, values) for item in argument]
    return argument
