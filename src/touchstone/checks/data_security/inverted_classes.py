"""What a model holds for the best example of each class, drawn for people to look at. Never a verdict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.data_security.members import labelled_test, strangers, target_of
from touchstone.checks.declaration import Run
from touchstone.checks.system_resilience.inputs import Layout, Samples, ValueRange, may_be_shown, value_range
from touchstone.checks.system_resilience.pictures import arrays_file, picture_sheet
from touchstone.errors import UnavailableError
from touchstone.methods.privacy.inversion import nearer_to_training, nearness, representatives
from touchstone.records import Exhibit, Note, number
from touchstone.system.models.handle import Capability
from touchstone.system.subject import Subject
from touchstone.text import Text

MOST_CLASSES = 10
MOST_ROWS = 1_000
"""Rows of a class, on either side, that its representative is compared with."""
FEWEST_ROWS = 5


@dataclass(frozen=True, slots=True)
class Inverted:
    """What there is to show and to say of it."""

    listed: object = None
    exhibits: tuple[Exhibit, ...] = ()
    notes: tuple[Note, ...] = ()


def invert(subject: Subject, run: Run) -> Inverted:
    """Representatives of some classes, and whether they are nearer to training rows than to others."""
    model, train, test = subject.model(), subject.data("train"), labelled_test(subject)
    if Capability.GRADIENTS not in model.capabilities or test is None:
        return Inverted()
    specification = subject.description.model.input
    usual = train.inputs[run.generator("what is usual").permutation(len(train))[:MOST_ROWS]]
    try:
        legal = value_range(specification, usual)
    except UnavailableError:  # the pictures are all of one colour: there is nothing to draw
        return Inverted()
    new = strangers(test, train)
    sides = [(train.inputs, target_of(train)), (test.inputs[new], target_of(test)[new])]
    common = [c for c in range(model.classes) if all((y == c).sum() >= FEWEST_ROWS for _, y in sides)][:MOST_CLASSES]
    if not common:
        return Inverted()
    points = representatives(model.differentiable(), usual, np.array(common), low=legal.low, high=legal.high)
    generator = run.generator("rows beside representatives")
    rows = [_of_class(sides, each, generator) for each in common]
    near = [(nearness(point, x), trained) for point, (x, trained) in zip(points, rows, strict=True)]
    excess, p_value = nearer_to_training(near, generator)
    listed = {
        "classes": common,
        "nearest_trained": [str(number(values[trained].max())) for values, trained in near],
        "nearest_other": [str(number(values[~trained].max())) for values, trained in near],
        "excess": str(number(excess)),
        "p_value": str(number(p_value)),
    }
    nearest = [
        [x[side][values[side].argmax()] for side in (trained, ~trained)]
        for (x, trained), (values, _) in zip(rows, near, strict=True)
    ]
    # What is drawn of a model of real people may be one of them, so it is compared and not kept.
    shown = (_exhibit(subject, run, common, points, nearest, legal),) if may_be_shown(subject) else ()
    return Inverted(listed, shown, (_note(excess, p_value),))


def _of_class(
    sides: list[tuple[Samples, NDArray[np.int64]]], which: int, generator: np.random.Generator
) -> tuple[Samples, NDArray[np.bool_]]:
    """Rows of a class, as many that were trained on as others, and which they are."""
    own = [x[generator.permutation(np.flatnonzero(y == which))] for x, y in sides]
    most = min(MOST_ROWS, *(len(x) for x in own))
    return np.concatenate([x[:most] for x in own]), np.arange(2 * most) < most


def _exhibit(
    subject: Subject,
    run: Run,
    classes: list[int],
    points: Samples,
    nearest: list[list[Samples]],
    legal: ValueRange,
) -> Exhibit:
    """A sheet of pictures where inputs are pictures, else the arrays."""
    names = subject.description.model.output.labels
    specification = subject.description.model.input
    if specification.kind != "image":
        return run.exhibit("inverted_classes.npz", "application/octet-stream", arrays_file({"representatives": points}))
    layout = Layout(specification, points.shape[1:])
    columns = {
        names[each]: [
            (layout.channels_first(picture[None])[0] - legal.low) / (legal.high - legal.low)
            for picture in (point, *others)
        ]
        for each, point, others in zip(classes, points, nearest, strict=True)
    }
    return run.exhibit("inverted_classes.png", "image/png", picture_sheet(columns))


def _note(excess: float, p_value: float) -> Note:
    remembered = p_value <= 0.05
    return Note(
        code="inversion-nearer-to-training-rows" if remembered else "inversion-shown",
        text=Text(
            "what the model holds for the best example of each class is "
            + ("nearer to rows it was trained on" if remembered else "no nearer to rows it was trained on")
            + f" than to others (correlation with the nearest higher by {excess:.3f}, p = {p_value:.3f}); for people "
            "to look at, no verdict rests on it; pictures show, from above, what the model holds, the "
            "nearest training row and the nearest other, unless they could be of real people",
            "模型所认定的各类最佳样例与训练数据"
            + ("更为接近" if remembered else "并不更接近")
            + f"（与最近样本的相关系数相差 {excess:.3f}，p = {p_value:.3f}）；仅供人工查看，不作为判定依据；"
            "图片自上而下为模型所认定的样例、最近的训练样本与最近的其他样本（可能涉及真实个人时不予展示）",
        ),
    )
