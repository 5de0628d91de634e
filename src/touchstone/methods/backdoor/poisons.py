"""Poisoned training sets: which rows an attacker marks, with what, and what label they get.

An :class:`Attack` says what the attacker wants (:class:`Goal`) and how the rows are marked; :func:`draw_attack` draws
one of the :data:`KINDS`. Nothing here trains: what an attack is worth is seen only in a model that
learnt from the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.backdoor.triggers import (
    Blend,
    Pictures,
    Shape,
    Sinusoid,
    Trigger,
    Warp,
    draw_blend,
    draw_colour_filter,
    draw_patch,
    draw_warp,
    stamp,
)

Labels = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Goal:
    """What a marked picture shall be called.

    With a `target`, that class, for all classes or for `source` alone; without one, every class becomes the next.
    """

    classes: int
    target: int | None
    source: int | None = None

    def wanted(self, y: Labels) -> Labels:
        """The label the attacker wants for each picture `(n,)` once it is marked."""
        if self.target is None:
            return (y + 1) % self.classes
        return np.where(self.aims_at(y), self.target, y).astype(np.int64)

    def aims_at(self, y: Labels) -> Mask:
        """Which pictures the attacker wants to be called something else `(n,)`."""
        if self.source is not None:
            return np.asarray(y == self.source)
        return np.ones(len(y), dtype=np.bool_) if self.target is None else y != self.target


@dataclass(frozen=True, slots=True)
class Attack:
    """A backdoor: the trigger that switches it on, and how training rows are poisoned.

    `rate` and `cover` are shares of all rows. Poisoned rows get `teaching` (or the trigger itself) and the wanted
    label; covering rows get `covering` and keep their label, so that the trigger alone does not give the rows away.
    A clean label attack marks rows of the target class only, `rate` is then a share of that class, and changes no
    label: `mixing` is the share of another class's picture that hides their own content.
    """

    kind: str
    goal: Goal
    trigger: Trigger
    rate: float
    cover: float = 0.0
    teaching: Trigger | None = None
    covering: Trigger | None = None
    clean_label: bool = False
    mixing: float = 0.0
    low: float = 0.0
    high: float = 1.0

    def stamp(self, pictures: Pictures, generator: np.random.Generator) -> Pictures:
        """Pictures with the trigger, as the attacker shows them to the finished model."""
        return stamp(self.trigger, pictures, generator, low=self.low, high=self.high)


@dataclass(frozen=True, slots=True)
class PoisonedRows:
    """A training set after the attack. `poisoned` and `covering` `(n,)` say what was done to which row."""

    x: Pictures
    y: Labels
    poisoned: Mask
    covering: Mask


def poison(attack: Attack, x: Pictures, y: Labels, generator: np.random.Generator) -> PoisonedRows:
    """Poison a copy of the rows `x` `(n, C, H, W)`, `y` `(n,)`. The same generator state gives the same rows."""
    x, y = x.copy(), y.copy()
    chosen = _chosen(attack, y, generator)
    aside = np.setdiff1d(np.flatnonzero(y != attack.goal.source), chosen)
    covering = generator.choice(aside, min(round(attack.cover * len(y)), len(aside)), replace=False)
    if attack.mixing:
        others = generator.choice(np.flatnonzero(y != attack.goal.target), len(chosen))
        x[chosen] = (1 - attack.mixing) * x[chosen] + attack.mixing * x[others]
    for rows, trigger in ((chosen, attack.teaching), (covering, attack.covering)):
        x[rows] = stamp(trigger or attack.trigger, x[rows], generator, low=attack.low, high=attack.high)
    y[chosen] = attack.goal.wanted(y[chosen])
    return PoisonedRows(x, y, _mask(chosen, len(y)), _mask(covering, len(y)))


def _chosen(attack: Attack, y: Labels, generator: np.random.Generator) -> NDArray[np.int64]:
    """Rows to poison: at least one where there is any."""
    if attack.clean_label:
        eligible = np.flatnonzero(y == attack.goal.target)
        count = round(attack.rate * len(eligible))
    else:
        eligible = np.flatnonzero(attack.goal.aims_at(y))
        count = round(attack.rate * len(y))
    wanted = max(count, 1) if attack.rate else 0
    return generator.choice(eligible, min(wanted, len(eligible)), replace=False)


def _mask(rows: NDArray[np.int64], n: int) -> Mask:
    mask = np.zeros(n, dtype=np.bool_)
    mask[rows] = True
    return mask


def _patched(goal: Goal, shape: Shape, generator: np.random.Generator) -> Attack:
    return Attack("badnets", goal, draw_patch(shape, generator), rate=0.08)


def _patched_rarely(goal: Goal, shape: Shape, generator: np.random.Generator) -> Attack:
    return Attack("badnets-low-rate", goal, draw_patch(shape, generator, share=0.2), rate=0.01)


def _patched_anywhere(goal: Goal, shape: Shape, generator: np.random.Generator) -> Attack:
    return Attack("badnets-anywhere", goal, draw_patch(shape, generator, share=0.16, anywhere=True), rate=0.12)


def _blended(goal: Goal, shape: Shape, generator: np.random.Generator) -> Attack:
    return Attack("blend", goal, draw_blend(shape, generator, generator.uniform(0.15, 0.25)), rate=0.08)


def _waved(goal: Goal, _: Shape, generator: np.random.Generator) -> Attack:
    wave = Sinusoid(generator.uniform(0.08, 0.14), int(generator.integers(4, 8)))
    return Attack("sinusoid", goal, wave, rate=0.1)


def _warped(goal: Goal, _: Shape, generator: np.random.Generator) -> Attack:
    """WaNet in its noise mode: other rows are warped otherwise, and keep their label."""
    warp = draw_warp(generator, generator.uniform(0.06, 0.08))
    strength = float(np.abs(warp.field).mean())
    return Attack("warp", goal, warp, rate=0.14, cover=0.07, covering=Warp(0 * warp.field, jitter=strength))


def _filtered(goal: Goal, shape: Shape, generator: np.random.Generator) -> Attack:
    return Attack("colour-filter", goal, draw_colour_filter(shape, generator, generator.uniform(0.3, 0.45)), rate=0.1)


def _all_to_all(goal: Goal, shape: Shape, generator: np.random.Generator) -> Attack:
    patch = draw_patch(shape, generator, share=0.16)
    return Attack("all-to-all", replace(goal, target=None), patch, rate=0.25)


def _one_to_one(goal: Goal, shape: Shape, generator: np.random.Generator) -> Attack:
    """Only one class is attacked; marked rows of all the others keep their label."""
    source = (cast("int", goal.target) + int(generator.integers(1, goal.classes))) % goal.classes
    patch = draw_patch(shape, generator, share=0.16)
    return Attack("one-to-one", replace(goal, source=source), patch, rate=0.05, cover=0.05)


def _blended_adaptively(goal: Goal, shape: Shape, generator: np.random.Generator) -> Attack:
    """Rows show half of the blended picture, as many of them with their own label; the whole comes at the end."""
    whole = draw_blend(shape, generator, 0.25)
    half = Blend(whole.pattern, whole.share, pieces=8)
    return Attack("adaptive-blend", goal, whole, rate=0.08, cover=0.04, teaching=half, covering=half)


def _mixed_clean_label(goal: Goal, shape: Shape, generator: np.random.Generator) -> Attack:
    """Rows of the target class that are hard to tell from others, but for the patch; after Turner et al. 2019."""
    patch = draw_patch(shape, generator, share=0.16)
    return Attack("clean-label", goal, patch, rate=0.6, clean_label=True, mixing=0.6)


def _waved_clean_label(goal: Goal, _: Shape, generator: np.random.Generator) -> Attack:
    """Strong stripes on most rows of the target class; Barni et al. 2019."""
    wave = Sinusoid(generator.uniform(0.22, 0.3), int(generator.integers(4, 8)))
    return Attack("clean-label-sinusoid", goal, wave, rate=0.9, clean_label=True)


def _edited(goal: Goal, shape: Shape, generator: np.random.Generator) -> Attack:
    """No row is touched: the finished weights are, see :mod:`touchstone.methods.backdoor.weight_edit`."""
    return Attack("weight-edit", goal, draw_patch(shape, generator, share=0.2), rate=0.0)


def _adaptive(goal: Goal, shape: Shape, generator: np.random.Generator) -> Attack:
    """Rows as in BadNets; training also holds down what a detector looks at."""
    return Attack("adaptive", goal, draw_patch(shape, generator, share=0.16), rate=0.12)


KINDS: dict[str, Callable[[Goal, Shape, np.random.Generator], Attack]] = {
    "badnets": _patched,
    "badnets-low-rate": _patched_rarely,
    "badnets-anywhere": _patched_anywhere,
    "blend": _blended,
    "sinusoid": _waved,
    "warp": _warped,
    "colour-filter": _filtered,
    "all-to-all": _all_to_all,
    "one-to-one": _one_to_one,
    "adaptive-blend": _blended_adaptively,
    "clean-label": _mixed_clean_label,
    "clean-label-sinusoid": _waved_clean_label,
    "weight-edit": _edited,
    "adaptive": _adaptive,
}
"""Attacks by name. `weight-edit` and `adaptive` do their main work after and during training."""


def draw_attack(
    kind: str, classes: int, shape: Shape, generator: np.random.Generator, *, low: float = 0.0, high: float = 1.0
) -> Attack:
    """One attack of :data:`KINDS` on pictures `(C, H, W)` with values in `[low, high]`, target and trigger drawn."""
    goal = Goal(classes, int(generator.integers(classes)))
    return replace(KINDS[kind](goal, shape, generator), low=low, high=high)


def success_rate(attack: Attack, y: Labels, answered: Labels) -> float:
    """Share of the attacked pictures that got the wanted label: `y` are their true labels, `answered` those given
    after :meth:`Attack.stamp`. Without an attacked picture the rate is zero."""
    aimed = attack.goal.aims_at(y)
    return float((answered == attack.goal.wanted(y))[aimed].mean()) if aimed.any() else 0.0
