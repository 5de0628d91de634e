"""Shadow models: what an attacker trains on data like the system's, to learn how such models answer what they know.

The nearer their kind to the system's own, the more they tell: an estimator is cloned with its settings, a network
learns again from its architecture. Of a model of which neither is known, small networks learn the same task.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from touchstone.errors import UnavailableError
from touchstone.methods.inference.answers import References, log_odds
from touchstone.system.models.answers import first_line, softmax
from touchstone.system.models.sklearn import SklearnModel
from touchstone.system.models.torch import require_torch
from touchstone.system.subject import Subject
from touchstone.text import Text
from touchstone.training.side_by_side import learn_side_by_side

Kind = Literal["estimator", "network", "small-network"]
"""An estimator with the same settings, a network of the same architecture, or a small network for the same task."""

MOST_ELEMENTS = 1_024
"""Of an input that a small network looks at, spread evenly."""
SEEN = 30_000
"""Samples that the training of one network sees, over all epochs."""
EPOCHS = 8, 60
"""Fewest and most."""
ANSWERED_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Lesson:
    """Inputs `(n, *shape)`, their classes `(n,)`, and which of them each of `R` models learns, `(R, n)`."""

    x: NDArray[Any]
    y: NDArray[np.int64]
    trained: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Shadows:
    """References, and what kind of model they are."""

    references: References
    kind: Kind


def train_shadows(subject: Subject, lesson: Lesson, generator: np.random.Generator) -> Shadows:
    """References for the model of a subject, of the nearest kind that can be trained.

    Raises `UnavailableError` where none can.
    """
    for kind, learn in _KINDS.items():
        try:
            found = np.array([log_odds(each, lesson.y) for each in learn(subject, lesson, generator)])
        except UnavailableError:
            continue
        if np.isfinite(found).all():  # some estimators answer no number after a training that went wrong
            return Shadows(References(found, lesson.trained), kind)
    raise _untrainable()


def train_again(
    subject: Subject, lesson: Lesson, generator: np.random.Generator
) -> tuple[Kind, list[NDArray[np.float64]]]:
    """What models of the system's own kind answer to all of the lesson: for each of them, probabilities `(n, K)`.

    An estimator with the same settings or a network of the same architecture. Raises `UnavailableError` for any other.
    """
    for kind in _OWN_KINDS:
        try:
            found = list(_KINDS[kind](subject, lesson, generator))
        except UnavailableError:
            continue
        if all(np.isfinite(each).all() for each in found):
            return kind, found
    raise _untrainable()


def _untrainable() -> UnavailableError:
    return UnavailableError(
        Text("nothing like this model can be trained here", "此处无法训练与该模型同类的参考模型"),
        "model.format",
        Text(
            "hand it in as skops, as safetensors with its layers declared, or as ONNX",
            "请以 skops、附层结构声明的 safetensors 或 ONNX 提交",
        ),
    )


def _estimators(subject: Subject, lesson: Lesson, generator: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """Probabilities by clones of the estimator that was handed in."""
    model = subject.model()
    if not isinstance(model, SklearnModel):
        raise UnavailableError(Text("is no scikit-learn estimator", "不是 scikit-learn 估计器"), "model.format")
    estimator, _ = model.fitted()
    for rows in lesson.trained:
        yield _clone_answers(estimator, lesson, rows, model.classes, generator)


def _clone_answers(
    estimator: Any, lesson: Lesson, rows: NDArray[np.bool_], classes: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Probabilities `(n, K)` by a clone that was fitted on some rows; classes that it never saw get none."""
    import joblib
    from sklearn.base import clone

    probabilities = np.zeros((len(lesson.x), classes))
    try:
        with joblib.parallel_config(backend="sequential"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what an estimator says of its own training is not about the system
            fresh = clone(estimator)
            seeds = [name for name in fresh.get_params() if name.split("__")[-1] == "random_state"]
            fresh.set_params(**{name: int(generator.integers(2**31)) for name in seeds})
            fresh.fit(lesson.x[rows], lesson.y[rows])
            probabilities[:, fresh.classes_] = fresh.predict_proba(lesson.x)
    except Exception as error:  # any estimator may raise anything
        reason = first_line(error)
        raise UnavailableError(
            Text(f"cannot be fitted again: {reason}", f"无法重新训练：{reason}"), "model.file"
        ) from None
    return probabilities


def _networks(subject: Subject, lesson: Lesson, generator: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """Probabilities by networks of the declared architecture."""
    require_torch("references")
    import torch

    from touchstone.training.blueprint import blueprint_of
    from touchstone.training.learning import Recipe, train

    blueprint = blueprint_of(subject)
    for rows in lesson.trained:
        seed = int(generator.integers(2**31))
        recipe = Recipe(seed=seed, epochs=_epochs(int(rows.sum())), weight_decay=0.0, shift=0, light=0.0)
        network = train(
            blueprint.architecture, lesson.x[rows], lesson.y[rows], recipe, blueprint.scaling, biases=blueprint.biases
        )
        with torch.inference_mode():
            parts = [network(part) for part in torch.split(torch.from_numpy(lesson.x), ANSWERED_AT_ONCE)]
        yield softmax(torch.cat(parts).numpy().astype(np.float64))


def _small_networks(subject: Subject, lesson: Lesson, generator: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """Probabilities by small networks on scaled inputs; for anything that is made of numbers."""
    declaration = subject.description.model
    if declaration.input.kind == "text":
        raise UnavailableError(Text("inputs are texts", "输入为文本"), "model.input.kind")
    rows, classes = scaled(lesson.x), len(declaration.output.labels)
    epochs = _epochs(int(lesson.trained.sum(axis=1).min()))
    networks = learn_side_by_side(rows, lesson.y, classes, lesson.trained, generator, epochs=epochs)
    for each in networks.logits(rows):
        yield softmax(each.astype(np.float64))


_KINDS: dict[Kind, Callable[[Subject, Lesson, np.random.Generator], Iterator[NDArray[np.float64]]]] = {
    "estimator": _estimators,
    "network": _networks,
    "small-network": _small_networks,
}
"""The kinds of references, nearest first. Each reference answers with probabilities `(n, K)`."""
_OWN_KINDS: tuple[Kind, ...] = ("estimator", "network")


def scaled(x: NDArray[Any]) -> NDArray[np.float32]:
    """Inputs as rows `(n, d)` with mean 0 and spread 1 in each element, of at most `MOST_ELEMENTS`."""
    rows = x.reshape(len(x), -1)
    rows = np.asarray(rows[:, :: -(-rows.shape[1] // MOST_ELEMENTS)], dtype=np.float32)
    spread = rows.std(axis=0)
    return np.asarray((rows - rows.mean(axis=0)) / np.where(spread > 0, spread, 1.0), dtype=np.float32)


def _epochs(rows: int) -> int:
    return int(np.clip(round(SEEN / rows), *EPOCHS))
