"""scikit-learn classifiers saved with skops.

A skops file names every type it will build. All of them must be on skops' own list of safe types, or among the few
of scikit-learn's own in :data:`REVIEWED_TYPES`; a file that needs anything else is refused, never trusted. Pickles
and joblib files are not opened at all.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from touchstone.errors import ArtifactError, UnavailableError
from touchstone.records import Access
from touchstone.system.classes import ClassNames
from touchstone.system.models.answers import AnsweringModel, first_line
from touchstone.system.models.sklearn_texts import unsafe_vectoriser
from touchstone.system.models.sklearn_trees import unsafe_tree
from touchstone.system.samples import sample_shape
from touchstone.text import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from touchstone.system.description import ModelDeclaration
    from touchstone.system.subject import Subject

LARGEST_UNPACKED = 2 * 1024**3
MOST_MEMBERS = 100_000

BATCH = 4096
"""Samples per call: a forest spends milliseconds on every call, whatever its size."""

REVIEWED_TYPES = frozenset(
    {
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        "sklearn.gaussian_process.kernels.ConstantKernel",
        "sklearn.gaussian_process.kernels.Product",
        "sklearn.gaussian_process.kernels.RBF",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
    }
)
"""Types of scikit-learn that skops leaves to the reader. Being built has no effect outside the object; the two kinds
of tree are compiled, and their indices are checked by :mod:`touchstone.system.models.sklearn_trees` before use.
Nearest-neighbour trees are left out: nothing checks what theirs point to."""

_METHODS = {"probabilities": "predict_proba", "logits": "decision_function", "labels": "predict"}


def open_skops(subject: Subject, path: str) -> SklearnModel:
    """Open the skops file at `path`. Raises `ArtifactError` for one that is unsafe, broken or not as declared."""
    return SklearnModel(subject.description.model, load_trusted(subject.read(path), path), path)


def load_trusted(data: bytes, where: str) -> Any:
    """The object in a skops file made of safe types only. Raises `ArtifactError` otherwise."""
    try:
        import skops.io
    except ImportError:
        raise UnavailableError(
            Text("skops is not installed", "未安装 skops"),
            where,
            Text("pip install 'touchstone[assess]'", "pip install 'touchstone[assess]'"),
        ) from None

    _refuse_bombs(data, where)
    try:
        unknown = set(skops.io.get_untrusted_types(data=data))
    except Exception as error:  # a hostile schema can make the reader fail in any way
        raise _unreadable(error, where) from None
    if unknown - REVIEWED_TYPES:
        names = ", ".join(sorted(unknown - REVIEWED_TYPES))[:500]
        raise ArtifactError(
            Text(f"holds types that are not known to be safe: {names}", f"含未确认安全的类型：{names}"),
            where,
            Text(
                "save a model made of scikit-learn types only, or export it to ONNX",
                "请保存仅由 scikit-learn 类型构成的模型，或导出为 ONNX",
            ),
        )
    try:
        estimator = skops.io.loads(data, trusted=sorted(unknown))
        fault = unsafe_tree(estimator) or unsafe_vectoriser(estimator)
    except Exception as error:  # as above
        raise _unreadable(error, where) from None
    if fault is not None:
        raise ArtifactError(
            Text(f"holds a part that is not safe to run: {fault}", f"含不可安全运行的部件：{fault}"),
            where,
            Text("save the fitted model again, or export it to ONNX", "请重新保存已训练的模型，或导出为 ONNX"),
        )
    return estimator


class SklearnModel(AnsweringModel):
    """A fitted scikit-learn classifier or pipeline, its columns put in the order of the declared classes."""

    def __init__(self, declaration: ModelDeclaration, estimator: Any, where: str) -> None:
        super().__init__(declaration, where, batch=BATCH)
        self._estimator = estimator
        self._shown = declaration.access is Access.ARTEFACT
        method = _METHODS[self._kind]
        self._answer: Any = getattr(estimator, method, None)
        if not callable(self._answer):
            raise self.fault(
                Text(
                    f"a {type(estimator).__name__} has no {method}, needed for output.kind {self._kind}",
                    f"{type(estimator).__name__} 没有 output.kind {self._kind} 所需的方法 {method}",
                )
            )
        self._check_features(declaration)
        self._order = self._class_order(declaration)

    def fitted(self) -> tuple[Any, list[int]]:
        """The classifier itself, and the place of each declared class among its own.

        Raises `UnavailableError` where the access does not show it, or where inputs are changed before they reach it.
        """
        if not self._shown or self._normalises:
            why = (
                Text("inputs are normalised first", "输入先经归一化处理")
                if self._shown
                else Text("the access declared is not artefact", "所声明的访问级别不是 artefact")
            )
            raise UnavailableError(
                Text(f"the classifier itself is not shown: {why.en}", f"无法查看分类器本身：{why.zh}"),
                self.where,
                Text("assess it as a black box", "可按黑盒评测"),
            )
        return self._estimator, self._order

    def forward(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """`predict_proba`, `decision_function` or `predict`, on this thread only."""
        import joblib

        try:
            with joblib.parallel_config(backend="sequential"), warnings.catch_warnings():
                # The names of the columns were compared once, when the model was opened.
                warnings.filterwarnings("ignore", message="X does not have valid feature names")
                answer = np.asarray(self._answer(self.normalised(batch)))
        except Exception as error:  # any estimator may raise anything
            raise self.fault(Text(f"failed to run: {first_line(error)}", f"运行失败：{first_line(error)}")) from None
        if self._kind == "labels":
            return answer
        if answer.ndim == 1:  # decision_function of two classes scores the second of them
            answer = np.stack([np.zeros_like(answer), answer], axis=1)
        return answer[:, self._order] if answer.ndim == 2 and answer.shape[1] == len(self._order) else answer

    def _check_features(self, declaration: ModelDeclaration) -> None:
        if declaration.input.kind == "text":
            self._check_takes_texts()
            return
        expected = int(np.prod(sample_shape(declaration.input)))
        fitted = getattr(self._estimator, "n_features_in_", expected)
        if fitted != expected:
            raise self.fault(
                Text(
                    f"was fitted on {fitted} features, the description declares {expected}",
                    f"训练时有 {fitted} 个特征，而描述文件声明 {expected} 个",
                )
            )
        names = getattr(self._estimator, "feature_names_in_", None)
        columns = declaration.input.columns
        if names is None or columns is None or [str(name) for name in names] == columns:
            return
        place = next(i for i, (name, column) in enumerate(zip(names, columns, strict=True)) if str(name) != column)
        raise self.fault(
            Text(
                f"was fitted with column {str(names[place])[:100]!r} in place {place + 1}, "
                f"the description has {columns[place][:100]!r} there",
                f"训练时第 {place + 1} 列为 {str(names[place])[:100]!r}，描述文件中该列为 {columns[place][:100]!r}",
            )
        )

    def _check_takes_texts(self) -> None:
        """Raise for a model that was fitted on numbers."""
        fitted = getattr(self._estimator, "n_features_in_", None)
        if fitted is not None:
            raise self.fault(
                Text(
                    f"was fitted on {fitted} numbers per sample, the description declares texts",
                    f"训练时每个样本为 {fitted} 个数值，而描述文件声明输入为文本",
                )
            )

    def _class_order(self, declaration: ModelDeclaration) -> list[int]:
        """For each declared class, the model's column that scores it."""
        fitted = getattr(self._estimator, "classes_", None)
        if fitted is None:
            raise self.fault(
                Text(
                    f"a {type(self._estimator).__name__} is no fitted classifier",
                    f"{type(self._estimator).__name__} 不是已训练的分类器",
                )
            )
        written = np.asarray(fitted).tolist()
        indices = ClassNames(declaration.output.labels).indices_of(written)
        if len(indices) != self.classes or set(indices) != set(range(self.classes)):
            have, want = str(written)[:200], str(declaration.output.labels)[:200]
            raise self.fault(
                Text(
                    f"tells apart the classes {have}, the description declares {want}",
                    f"模型区分的类别为 {have}，描述文件声明的是 {want}",
                )
            )
        return [indices.index(index) for index in range(self.classes)]


def _refuse_bombs(data: bytes, where: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except Exception as error:  # a hostile archive can make the reader fail in any way
        raise _unreadable(error, where) from None
    if len(members) > MOST_MEMBERS or sum(member.file_size for member in members) > LARGEST_UNPACKED:
        raise ArtifactError(
            Text("unpacks to more than 2 GiB or 100,000 members", "解压后超过 2 GiB 或 10 万个成员"),
            where,
            Text("hand in a smaller model", "请提交更小的模型"),
        )


def _unreadable(error: BaseException, where: str) -> ArtifactError:
    return ArtifactError(
        Text(f"is not a readable skops file: {first_line(error)}", f"不是可读取的 skops 文件：{first_line(error)}"),
        where,
        Text(
            "save it again with skops.io.dump and the scikit-learn version installed here",
            "请用此处安装的 scikit-learn 版本及 skops.io.dump 重新保存",
        ),
    )
