"""ONNX models, answered by ONNX Runtime on one core.

The file's structure is read and judged from its bytes first (:mod:`touchstone.system.models.onnx_structure`):
a model that would open other files or needs code from outside never reaches the runtime.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from touchstone.errors import ArtifactError, UnavailableError, UserError
from touchstone.records import Access
from touchstone.system.classes import ClassNames
from touchstone.system.models.answers import BATCH, AnsweringModel, first_line
from touchstone.system.models.handle import Capability
from touchstone.system.models.onnx_batch import with_free_batch
from touchstone.system.models.onnx_differentiable.agreement import legal_inputs
from touchstone.system.models.onnx_structure import OnnxStructure, TensorDescription, read_onnx_structure
from touchstone.system.models.stages import Stage, not_stages
from touchstone.system.samples import sample_shape
from touchstone.text import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from touchstone.system.description import ModelDeclaration
    from touchstone.system.models.handle import Loss
    from touchstone.system.models.onnx_differentiable.white_box import WhiteBox
    from touchstone.system.subject import Subject

OPERATOR_DOMAINS = frozenset({"ai.onnx", "ai.onnx.ml", "com.microsoft"})
"""Domains whose operators are compiled into ONNX Runtime; any other needs a library of the supplier's."""

REFUSED_OPERATORS = frozenset({("com.microsoft", "EPContext")})
"""Operators that carry, or name a file of, code compiled for an accelerator."""

FLOAT_TYPES = {"float32": np.float32, "float64": np.float64, "float16": np.float16}
"""Input types that hold the values of the description unrounded (up to half precision)."""

SessionOpener = Callable[[bytes, str], Any]
"""Gives, for the bytes of an ONNX file and where they came from, what answers like a session of ONNX Runtime."""

_COMPARED = 4
"""Samples on which a rewritten graph is compared with the original."""


def open_onnx(subject: Subject, path: str, open_session: SessionOpener | None = None) -> OnnxModel:
    """Open the ONNX file at `path`. Raises `ArtifactError` for one that is unsafe, broken or not as declared.

    It runs on ONNX Runtime, or on what `open_session` gives.
    """
    data = subject.read(path)
    structure = read_onnx_structure(data, path)
    refuse_foreign_code(structure, path)
    return OnnxModel(subject.description.model, structure, data, path, open_session or _session)


def refuse_foreign_code(structure: OnnxStructure, where: str) -> None:
    """Raise `ArtifactError` when running the model would open other files or need operators from outside.

    External data is refused whatever it names: besides paths, ONNX Runtime reads marked locations as memory
    addresses.
    """
    if structure.external_data:
        raise ArtifactError(
            Text(
                f"keeps weights outside the file, at {structure.external_data[0][:200]!r}",
                f"权重存放在文件之外：{structure.external_data[0][:200]!r}",
            ),
            where,
            Text(
                "save the model with its weights inside (onnx.save_model without save_as_external_data)",
                "保存模型时将权重写入文件内（onnx.save_model 不使用 save_as_external_data）",
            ),
        )
    foreign = [
        (domain, operator)
        for domain, operator in structure.operators
        if (domain not in OPERATOR_DOMAINS and (domain, operator) not in structure.functions)
        or (domain, operator) in REFUSED_OPERATORS
    ]
    if foreign:
        domain, operator = foreign[0]
        raise ArtifactError(
            Text(
                f"uses the operator {domain}::{operator}"[:200] + ", which needs code from outside the file",
                f"使用算子 {domain}::{operator}"[:200] + "，需要文件之外的代码",
            ),
            where,
            Text(
                "export with standard operators only (domains ai.onnx, ai.onnx.ml, com.microsoft)",
                "仅用标准算子导出（域 ai.onnx、ai.onnx.ml、com.microsoft）",
            ),
        )


class OnnxModel(AnsweringModel):
    """One session of a runtime: CPU, one thread, deterministic kernels, no custom operator libraries.

    Gradients come from the same graph, followed by operators of our own on PyTorch tensors. They are given only after
    both gave the same answers; that is found out when somebody first asks for them, so that nobody else pays for it.
    """

    def __init__(
        self,
        declaration: ModelDeclaration,
        structure: OnnxStructure,
        data: bytes,
        where: str,
        open_session: SessionOpener,
    ) -> None:
        source = _chosen(structure.inputs, declaration.input.tensor, "input", where)
        _fits(source, sample_shape(declaration.input), where)
        size = source.shape[0] if source.shape else None
        super().__init__(declaration, where, batch=size or BATCH, fixed=size is not None)
        self._source = source.name
        self._type = FLOAT_TYPES[source.element_type]
        self._open_session = open_session
        self._session = open_session(data, where)
        self._output = declaration.output.tensor or _answering_output(structure, declaration.output.kind)
        if self._output not in [tensor.name for tensor in structure.outputs]:
            raise _absent(self._output, structure.outputs, "output", where)
        self._declaration, self._element, self._data = declaration, source.element_type, data
        if self._fixed:
            self._free_batch()
        self._no_gradients = _closed(declaration)
        if self._no_gradients is not None:
            self._data = b""
        self._white_box: WhiteBox | None = None

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this handle can answer. Asking is what opens the white box."""
        return super().capabilities | ({Capability.GRADIENTS} if self.no_gradients is None else frozenset())

    @property
    def no_gradients(self) -> Text | None:
        """Why this model gives no gradients, or `None` when it does."""
        if self._no_gradients is None and self._white_box is None:
            self._open_white_box()
        return self._no_gradients

    def confirm_gradients(self, x: NDArray[np.float32]) -> Text | None:
        """Compare both readings of the graph on these samples too; where they differ, gradients are given no longer.

        Returns the reason, or `None` when the gradients stand. The samples count as no queries.
        """
        if self.no_gradients is None and self._white_box is not None:
            try:
                self._no_gradients = self._white_box.compare(np.ascontiguousarray(x, dtype=np.float32), self._uncounted)
            except UnavailableError as error:
                self._no_gradients = error.what
        return self._no_gradients

    def weights(self) -> dict[str, Any]:
        """The tensors of the white box that training changes, by their names in the graph."""
        self._require(Capability.GRADIENTS)
        assert self._white_box is not None  # noqa: S101 - the capability says so
        return self._white_box.weights()

    def tensor_scores(self, batch: Any) -> Any:
        """Scores of our own reading of the graph."""
        self._require(Capability.GRADIENTS)
        assert self._white_box is not None  # noqa: S101 - the capability says so
        try:
            return self._white_box(batch)
        except UnavailableError as error:
            raise self.fault(error.what) from None

    def network(self) -> Any:
        """The graph as a `torch.nn.Sequential`, where it is a chain of layers."""
        import torch

        self._require(Capability.GRADIENTS)
        assert self._white_box is not None  # noqa: S101 - the capability says so
        x = legal_inputs(self._declaration, seed=0, count=self._batch if self._fixed else _COMPARED)
        return self._white_box.network(torch.from_numpy(x))

    def stages(self) -> tuple[Stage, ...]:
        """Our own reading of the graph, cut wherever one value alone leads on."""
        self._require(Capability.GRADIENTS)
        assert self._white_box is not None  # noqa: S101 - the capability says so
        if self._fixed:
            size = self._batch
            raise not_stages(Text(f"takes exactly {size} samples", f"每次须恰好输入 {size} 个样本"), self.where)
        return self.counted(self._white_box.stages())

    def backward(self, batch: NDArray[np.float32], y: NDArray[np.int64], loss: Loss) -> NDArray[np.float32]:
        """Gradients in portions, as every value on the way there is kept until the way back."""
        assert self._white_box is not None  # noqa: S101 - the capability says so
        size = self._white_box.portion
        starts = range(0, len(batch), size)
        backward = super().backward
        return np.concatenate([backward(batch[at : at + size], y[at : at + size], loss) for at in starts])

    def _require(self, capability: Capability) -> None:
        reason = self.no_gradients if capability is Capability.GRADIENTS else None
        if reason is not None:
            raise UnavailableError(
                Text(f"gives no gradients: {reason.en}", f"不提供梯度：{reason.zh}"),
                self.where,
                Text("assess it as a black box, or hand in the network itself", "可按黑盒评测，或提交网络本身"),
            )
        if capability is not Capability.GRADIENTS:
            super()._require(capability)

    def _free_batch(self) -> None:
        """Go on with a graph that takes any batch, when one can be made that gives the same answers."""
        freed = with_free_batch(self._data, self._batch, self.where)
        if freed is None:
            return
        size = self._batch
        x = legal_inputs(self._declaration, seed=size, count=max(_COMPARED, 2 * size))
        parts = [x[at : at + size] for at in range(0, len(x), size)]
        try:
            session = self._open_session(freed, self.where)
            before = [self._run(self._session, part) for part in parts]
            after = [self._run(session, part) for part in parts]
            together = self._run(session, x)
        except ArtifactError:
            return
        same = all(np.array_equal(old, new) for old, new in zip(before, after, strict=True))
        if same and _close(np.concatenate(before), together):
            self._session, self._data, self._batch, self._fixed = session, freed, BATCH, False

    def _open_white_box(self) -> None:
        from touchstone.system.models.onnx_differentiable.white_box import open_white_box

        batch = self._batch if self._fixed else None
        try:
            self._white_box = open_white_box(
                self._data, self.where, self._output, self._declaration, self._element, batch, self._uncounted
            )
        except UserError as error:
            self._no_gradients = error.what
        self._data = b""

    def _uncounted(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Answers that are no questions of a check."""
        before = self._queries
        answers = self._score(x)
        self._queries = before
        return answers

    def forward(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """The output tensor, or the columns of a ZipMap (a list of `{class: probability}`) as one array."""
        return self._run(self._session, batch)

    def _run(self, session: Any, batch: NDArray[np.float32]) -> NDArray[Any]:
        inputs = {self._source: self.normalised(batch).astype(self._type, copy=False)}
        try:
            answer = session.run([self._output], inputs)[0]
        except Exception as error:  # the runtime has no common base for its own errors
            raise self.fault(
                Text(f"failed to run: {first_line(error)}", f"运行失败：{first_line(error)}"),
            ) from None
        return self._columns(answer) if isinstance(answer, list) else np.asarray(answer)

    def _columns(self, rows: list[Any]) -> NDArray[np.float64]:
        names = ClassNames(self._names.labels)
        columns = np.full((len(rows), self.classes), np.nan)
        for number, row in enumerate(rows):
            for written, probability in row.items() if isinstance(row, dict) else ():
                index = names.index_of(written)
                if index is None:
                    raise self.fault(
                        Text(
                            f"answered the class {str(written)[:60]!r}, which is not declared",
                            f"输出了未声明的类别 {str(written)[:60]!r}",
                        )
                    )
                columns[number, index] = probability
        return columns


def _close(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether answers are equal but for the order in which a batch is summed up."""
    if one.shape != other.shape or one.dtype.kind not in "fiu":
        return np.array_equal(one, other)
    return np.allclose(one, other, rtol=1e-5, atol=1e-5 * float(np.abs(one).max(initial=0)))


def _closed(declaration: ModelDeclaration) -> Text | None:
    """Why nobody need try to open the white box, or `None`."""
    if declaration.access is not Access.ARTEFACT:
        return Text("the access declared is not artefact", "所声明的访问级别不是 artefact")
    if declaration.output.kind == "labels":
        return Text("it answers labels, not scores", "其输出为标签而非分数")
    if importlib.util.find_spec("torch") is None:
        return Text("PyTorch is not installed", "未安装 PyTorch")
    return None


def _session(data: bytes, where: str) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    # Without this the runtime would also take its own binary format, which we have not looked at.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has no common base for its own errors
        raise ArtifactError(
            Text(f"ONNX Runtime refuses it: {first_line(error)}", f"ONNX Runtime 拒绝加载：{first_line(error)}"),
            where,
            Text("export the model again with a supported opset", "请用受支持的 opset 重新导出模型"),
        ) from None


def _chosen(tensors: tuple[TensorDescription, ...], name: str | None, role: str, where: str) -> TensorDescription:
    """The one input a sample goes to."""
    if len(tensors) != 1:
        names = ", ".join(tensor.name for tensor in tensors)[:300]
        raise ArtifactError(
            Text(
                f"takes {len(tensors)} inputs ({names}); one is supported",
                f"有 {len(tensors)} 个输入（{names}）；仅支持一个输入",
            ),
            where,
            Text("export the model with one input tensor", "导出为单输入张量的模型"),
        )
    if name is not None and tensors[0].name != name:
        raise _absent(name, tensors, role, where)
    return tensors[0]


def _absent(name: str, tensors: tuple[TensorDescription, ...], role: str, where: str) -> ArtifactError:
    names = ", ".join(tensor.name for tensor in tensors)[:300]
    return ArtifactError(
        Text(f"has no {role} tensor {name!r}; it has {names}", f"没有名为 {name!r} 的张量（{role}）；现有：{names}"),
        where,
        Text(f"correct model.{role}.tensor", f"请更正 model.{role}.tensor"),
    )


def _fits(tensor: TensorDescription, shape: tuple[int, ...], where: str) -> None:
    """Raise `ArtifactError` unless samples of `shape` can be given to the input `tensor`."""
    if tensor.element_type not in FLOAT_TYPES:
        raise ArtifactError(
            Text(
                f"takes {tensor.element_type or 'no tensor'} inputs; float inputs are supported",
                f"输入类型为 {tensor.element_type or '非张量'}；仅支持浮点输入",
            ),
            where,
            Text("export the model with a float32 input", "导出为 float32 输入的模型"),
        )
    declared = tensor.shape
    if declared is None:
        return
    if len(declared) != len(shape) + 1 or any(
        size is not None and size != wanted for size, wanted in zip(declared[1:], shape, strict=True)
    ):
        raise ArtifactError(
            Text(
                f"takes inputs of shape {_written(declared)}, the description declares samples of {shape}",
                f"输入形状为 {_written(declared)}，而描述文件声明的样本形状为 {shape}",
            ),
            where,
            Text(
                "correct model.input.columns or model.input.shape",
                "请更正 model.input.columns 或 model.input.shape",
            ),
        )


def _written(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("?" if size is None else str(size) for size in shape) + ")"


def _answering_output(structure: OnnxStructure, kind: str) -> str:
    """The output that carries the answer when none is named.

    Exporters of classical models give two: integer or string labels first, then scores.
    """
    labels = [tensor for tensor in structure.outputs if tensor.element_type in ("int64", "int32", "string")]
    scores = [tensor for tensor in structure.outputs if tensor not in labels]
    wanted = (labels if kind == "labels" else scores) or list(structure.outputs)
    return wanted[0].name if wanted else ""
