"""What all model handles share: batches in, checked answers out, counted, and limited to the access given.

A runtime adds one method, :meth:`AnsweringModel.forward`; everything a check may rely on (shapes, finite numbers,
rows that sum to one, query counts, access) is held here, once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from touchstone.errors import ArtifactError, DescriptionError, UnavailableError, UserError
from touchstone.records import Access
from touchstone.system.classes import ClassNames
from touchstone.system.models.handle import Capability, Loss
from touchstone.system.samples import channel_axis, sample_shape
from touchstone.text import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from touchstone.system.description import ModelDeclaration
    from touchstone.system.models.stages import Stage

BATCH = 256
"""Samples per call of a runtime that takes batches of any size."""

PROBABILITY_TOLERANCE = 1e-3
"""How far a row of float32 (or half-precision) probabilities may be from summing to one before it is an error."""

SMALLEST_PROBABILITY = 1e-30
"""What stands for a probability of zero where its logarithm is taken in float32."""

_ANSWERS = {
    "labels": frozenset({Capability.LABELS}),
    "probabilities": frozenset({Capability.LABELS, Capability.PROBABILITIES}),
    "logits": frozenset({Capability.LABELS, Capability.PROBABILITIES, Capability.LOGITS}),
}
"""What an output of each kind can answer."""

_SHOWN = {
    Access.PREDICTIONS: frozenset[Capability](),
    Access.LABELS: frozenset({Capability.LABELS, Capability.ANY_INPUT}),
    Access.PROBABILITIES: frozenset({Capability.LABELS, Capability.PROBABILITIES, Capability.ANY_INPUT}),
    Access.ARTEFACT: frozenset(Capability),
}
"""What each access lets the tester see."""


class AnsweringModel(ABC):
    """A :class:`~touchstone.system.models.handle.ModelHandle` over one forward pass.

    `where` names the model in errors. `batch` is the size of one call; when `fixed`, every call has exactly that
    size and a short one is filled up with copies of its last sample, whose answers are dropped.
    """

    def __init__(
        self,
        declaration: ModelDeclaration,
        where: str,
        *,
        batch: int = BATCH,
        fixed: bool = False,
        differentiable: bool = False,
    ) -> None:
        self.where = where
        self._names = ClassNames(declaration.output.labels)
        self._kind = declaration.output.kind
        self._shape = sample_shape(declaration.input)
        self._sample_type: type[np.generic] = np.object_ if declaration.input.kind == "text" else np.float32
        self._batch = batch
        self._fixed = fixed
        self._mean, self._scale = normalisation(declaration)
        self._normalises = declaration.normalisation is not None
        own = _ANSWERS[self._kind] | {Capability.ANY_INPUT}
        if differentiable and self._kind != "labels":
            own |= {Capability.GRADIENTS}
        self._capabilities = own & _SHOWN[declaration.access]
        self._queries = 0

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What this handle can answer: what the runtime gives, less what the access hides."""
        return self._capabilities

    @property
    def classes(self) -> int:
        """Number of classes, K."""
        return len(self._names.labels)

    @property
    def queries(self) -> int:
        """Samples answered since the handle was opened."""
        return self._queries

    @abstractmethod
    def forward(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """The model's own output for one batch `(b, *shape)` in the units of the description, unchecked.

        `(b, K)` scores (for K = 2 also the score of class 1 alone), or `(b,)` labels by index or by name.
        """

    def backward(self, batch: NDArray[np.float32], y: NDArray[np.int64], loss: Loss) -> NDArray[np.float32]:
        """Gradient of the loss for one batch of a differentiable runtime."""
        from touchstone.system.models.gradients import gradient_of_loss

        try:
            return gradient_of_loss(self._checked_scores, batch, y, loss)
        except RuntimeError as error:
            raise self.fault(
                Text(f"has no gradient: {first_line(error)}", f"无法求梯度：{first_line(error)}"),
            ) from None

    def tensor_forward(self, batch: Any) -> Any:
        """What `forward` gives, as a differentiable function of a tensor; only differentiable runtimes have one."""
        raise NotImplementedError

    def tensor_scores(self, batch: Any) -> Any:
        """Scores `(n, K)` of a tensor in a logarithmic scale; a runtime that knows them exactly gives its own."""
        return self.log_scores(self.tensor_forward(batch))

    def log_scores(self, raw: Any) -> Any:
        """Scores `(n, K)` in a logarithmic scale from the output tensor."""
        import torch

        if self.classes == 2 and raw.shape in ((len(raw),), (len(raw), 1)):
            second = raw.reshape(-1, 1)
            first = 1.0 - second if self._kind == "probabilities" else torch.zeros_like(second)
            raw = torch.cat([first, second], dim=1)
        return raw.clamp_min(SMALLEST_PROBABILITY).log() if self._kind == "probabilities" else raw

    def labels(self, x: NDArray[np.float32]) -> NDArray[np.int64]:
        """Predicted class indices, shape `(n,)`; the first of equal scores wins."""
        self._require(Capability.LABELS)
        if self._kind == "labels":
            return self._joined([self._label_batch(part) for part in self._parts(x)], np.int64, ())
        return np.asarray(self._score(x).argmax(axis=1), dtype=np.int64)

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Class probabilities, shape `(n, K)`, each row summing to one."""
        self._require(Capability.PROBABILITIES)
        scores = self._score(x)
        return softmax(scores) if self._kind == "logits" else scores

    def logits(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores before the softmax, shape `(n, K)`."""
        self._require(Capability.LOGITS)
        return self._score(x)

    def gradient(self, x: NDArray[np.float32], y: NDArray[np.int64], loss: Loss) -> NDArray[np.float32]:
        """Gradient of the loss with respect to `x`, same shape as `x`.

        Both losses grow as a sample is classified worse: `cross-entropy` is `-log p_y`, `margin` is
        `max_{j != y} z_j - z_y`, positive exactly when the sample is misclassified.
        """
        self._require(Capability.GRADIENTS)
        if len(y) != len(x):
            raise ValueError(f"{len(x)} samples but {len(y)} classes")
        parts, start = [], 0
        for part in self._parts(x):
            wanted = y[start : start + len(part)]
            full = self._filled(part)
            gradient = self.backward(full, np.pad(wanted, (0, len(full) - len(part)), mode="edge"), loss)[: len(part)]
            if not np.isfinite(gradient).all():
                raise self.fault(Text("its gradient is not finite", "梯度含非有限值"))
            parts.append(gradient)
            start += len(part)
        return self._joined(parts, np.float32, self._shape)

    def differentiable(self) -> Callable[[Any], Any]:
        """The model as a function from tensors `(n, *shape)` to scores `(n, K)` in a logarithmic scale."""
        self._require(Capability.GRADIENTS)
        return self._scores_of_tensor

    def counted(self, stages: Sequence[Stage]) -> tuple[Stage, ...]:
        """The same stages; what goes into the first is counted as queries, what leaves the last is checked."""
        first, last = stages[0], stages[-1]

        def entering(x: Any) -> Any:
            self._queries += len(x)
            return first.function(x)

        def leaving(x: Any) -> Any:
            return self.checked(last.function(x))

        return (first._replace(function=entering), *stages[1:-1], last._replace(function=leaving))

    def normalised(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """The declared preprocessing applied: `(x - mean) / scale`."""
        return (batch - self._mean) / self._scale if self._normalises else batch

    def fault(self, what: Text) -> ArtifactError:
        """An error of this model that its supplier has to mend."""
        return ArtifactError(
            what,
            self.where,
            Text(
                "check model.input, model.output and model.normalisation in the description against the model",
                "请对照模型核对描述文件中的 model.input、model.output 与 model.normalisation",
            ),
        )

    def _require(self, capability: Capability) -> None:
        if capability not in self._capabilities:
            raise UnavailableError(
                Text(
                    f"the model does not give {capability} under the access declared",
                    f"在所声明的访问级别下，模型不提供 {capability}",
                ),
                self.where,
                Text(
                    "grant more access in model.access, or hand in a model whose output carries it",
                    "在 model.access 中给予更高访问级别，或提交输出包含该信息的模型",
                ),
            )

    def _parts(self, x: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        inputs = np.ascontiguousarray(x, dtype=self._sample_type)
        if inputs.shape[1:] != self._shape:
            raise ValueError(f"samples of shape {inputs.shape[1:]} for a model of inputs {self._shape}")
        return [inputs[start : start + self._batch] for start in range(0, len(inputs), self._batch)]

    def _filled(self, part: NDArray[np.float32]) -> NDArray[np.float32]:
        """One batch of the size the runtime takes. Counts its samples as asked."""
        self._queries += len(part)
        missing = self._batch - len(part)
        return np.concatenate([part, np.repeat(part[-1:], missing, axis=0)]) if self._fixed and missing else part

    def _score(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        return self._joined([self._score_batch(part) for part in self._parts(x)], np.float64, (self.classes,))

    def _score_batch(self, part: NDArray[np.float32]) -> NDArray[np.float64]:
        full = self._filled(part)
        raw = self._numeric(self.forward(full))
        if self.classes == 2 and raw.shape in ((len(full),), (len(full), 1)):
            second = raw.reshape(-1, 1)
            first = 1.0 - second if self._kind == "probabilities" else np.zeros_like(second)
            raw = np.concatenate([first, second], axis=1)
        if raw.shape != (len(full), self.classes):
            raise self.fault(
                Text(
                    f"answered shape {raw.shape} to {len(full)} samples of {self.classes} classes",
                    f"对 {len(full)} 个样本、{self.classes} 个类别给出了形状 {raw.shape} 的输出",
                )
            )
        if not np.isfinite(raw).all():
            raise self.fault(
                Text("answered a number that is not finite (NaN or infinity)", "输出含非有限值（NaN 或无穷大）")
            )
        scores = raw[: len(part)]
        return self._checked_probabilities(scores) if self._kind == "probabilities" else scores

    def _checked_probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        fault = probability_fault(scores)
        if fault is not None:
            raise self.fault(fault)
        return unit_rows(scores)

    def _scores_of_tensor(self, x: Any) -> Any:
        import torch

        parts = [self._scores_of_part(torch, part) for part in x.split(self._batch)] if len(x) else []
        return torch.cat(parts) if parts else x.new_zeros((0, self.classes))

    def _scores_of_part(self, torch: Any, part: Any) -> Any:
        self._queries += len(part)
        missing = self._batch - len(part) if self._fixed else 0
        full = torch.cat([part, part[-1:].detach().expand(missing, *part.shape[1:])]) if missing else part
        return self._checked_scores(full)[: len(part)]

    def _checked_scores(self, full: Any) -> Any:
        return self.checked(self.tensor_scores(full))

    def checked(self, scores: Any) -> Any:
        """Scores of a batch as they are, if they are finite and one for each class. Raises `ArtifactError`."""
        if scores.shape[1:] != (self.classes,):
            raise self.fault(
                Text(
                    f"answered shape {tuple(scores.shape)}, gradients need one score per class",
                    f"输出形状为 {tuple(scores.shape)}，计算梯度需要每个类别一个分数",
                )
            )
        if not bool(scores.isfinite().all()):
            raise self.fault(
                Text("answered a number that is not finite (NaN or infinity)", "输出含非有限值（NaN 或无穷大）")
            )
        return scores

    def _label_batch(self, part: NDArray[np.float32]) -> NDArray[np.int64]:
        full = self._filled(part)
        raw = np.asarray(self.forward(full))
        if raw.shape not in ((len(full),), (len(full), 1)):
            raise self.fault(
                Text(
                    f"answered shape {raw.shape} where {len(full)} labels were expected",
                    f"应给出 {len(full)} 个标签，实际输出形状为 {raw.shape}",
                )
            )
        written = raw.reshape(-1)[: len(part)].tolist()
        indices = self._names.indices_of(written)
        known = [index for index in indices if index is not None]
        if len(known) < len(indices):
            stranger = written[indices.index(None)]
            raise self.fault(
                Text(
                    f"answered the label {str(stranger)[:60]!r}, which is not among the declared classes",
                    f"输出了未声明的类别标签 {str(stranger)[:60]!r}",
                )
            )
        return np.array(known, dtype=np.int64)

    def _numeric(self, raw: NDArray[Any]) -> NDArray[np.float64]:
        try:
            return np.asarray(raw, dtype=np.float64)
        except (TypeError, ValueError):
            raise self.fault(Text("answered something that is not an array of numbers", "输出不是数值数组")) from None

    @staticmethod
    def _joined(parts: Sequence[NDArray[Any]], kind: type[np.generic], shape: tuple[int, ...]) -> NDArray[Any]:
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.empty((0, *shape), dtype=kind)


def first_line(error: BaseException) -> str:
    """The first line of a library's message, short enough to print."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of logits `(n, K)`, computed without overflow."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def unit_rows(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of float32 probabilities, made to sum to one in float64."""
    bounded = np.clip(probabilities, 0.0, 1.0)
    return np.asarray(bounded / bounded.sum(axis=1, keepdims=True))


def probability_fault(rows: NDArray[np.float64]) -> Text | None:
    """Why finite rows `(n, K)` are not probabilities, or `None` when they are."""
    if not len(rows):
        return None
    low, high = float(rows.min()), float(rows.max())
    if low < -PROBABILITY_TOLERANCE or high > 1.0 + PROBABILITY_TOLERANCE:
        return Text(
            f"probabilities range from {low:.4g} to {high:.4g}; is the output logits?",
            f"概率取值范围为 {low:.4g} 至 {high:.4g}；输出是否为 logits？",
        )
    worst = float(rows.sum(axis=1)[np.abs(rows.sum(axis=1) - 1.0).argmax()])
    if abs(worst - 1.0) > PROBABILITY_TOLERANCE:
        return Text(f"a row of probabilities sums to {worst:.4g}", f"某行概率之和为 {worst:.4g}")
    return None


def normalisation(declaration: ModelDeclaration) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and scale, shaped to broadcast over one sample. Raises `DescriptionError` when they do not fit it."""
    shape = sample_shape(declaration.input)
    if declaration.normalisation is None:
        return np.zeros((), dtype=np.float32), np.ones((), dtype=np.float32)
    axis = channel_axis(declaration.input)
    channels = shape[axis]
    mean, scale = declaration.normalisation.mean, declaration.normalisation.scale
    for name, values in (("mean", mean), ("scale", scale)):
        if len(values) not in (1, channels):
            raise DescriptionError(
                [
                    UserError(
                        Text(
                            f"{len(values)} numbers for {channels} channels",
                            f"给出 {len(values)} 个数，而通道（列）数为 {channels}",
                        ),
                        f"model.normalisation.{name}",
                        Text("give one number, or one per channel or column", "给出一个数，或每个通道（列）一个数"),
                    )
                ]
            )
    broadcast = [1] * len(shape)
    broadcast[axis] = -1
    return (
        np.array(mean, dtype=np.float32).reshape(broadcast if len(mean) > 1 else ()),
        np.array(scale, dtype=np.float32).reshape(broadcast if len(scale) > 1 else ()),
    )
