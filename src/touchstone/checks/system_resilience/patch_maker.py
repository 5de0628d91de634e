"""The patch maker of the physical check: stickers by whatever the access allows.

Kinds, the weaker a start for the stronger:

* `texture` and `bars`: textures and tape, tried by labels;
* `search`: content and place by scores, one patch for each picture;
* `gradient`: content by gradient, one patch for each picture;
* `universal`: one patch for all pictures, made on other pictures, seen anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import Run
from touchstone.checks.system_resilience.seeing_system import Rows, SeeingSystem
from touchstone.errors import UnavailableError
from touchstone.methods.attacks.patch.judging import by_answer, by_both, by_lead, worth_in_views
from touchstone.methods.attacks.patch.patch_climb import Slope, climb_patches
from touchstone.methods.attacks.patch.patch_search import search_patches
from touchstone.methods.attacks.patch.placement import Patches, Surface
from touchstone.methods.attacks.patch.texture_search import search_textures
from touchstone.methods.attacks.patch.textures import bars, photographs, plain, textures
from touchstone.methods.attacks.patch.views import Pictures, Poses, Stickers, draws_for
from touchstone.methods.attacks.threat_model import Classes
from touchstone.records import Budget
from touchstone.text import Text

FITTING, CHOOSING, HELD_OUT = 1, 2, 3
"""Streams of views: those a patch is made in, those the best of several is chosen in, those it is judged in."""
CHOOSING_VIEWS: Final = 10
BAR_ASPECT: Final = 6.0
PHOTOGRAPHS: Final = 3
"""Pictures of another class that are tried as a sticker."""
FEWEST_PIXELS: Final = 4


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard the attacker tries."""

    samples: int
    texture_views: int
    search_rounds: int
    search_views: int
    steps: int
    views: int
    restarts: int
    pictures: int
    """Pictures on which a universal patch is made."""
    universal_steps: int
    universal_views: int
    targets: int
    """Classes a universal patch is aimed at, one patch for each."""


EFFORTS: Final[dict[Budget, Effort]] = {
    "quick": Effort(
        samples=50,
        texture_views=3,
        search_rounds=40,
        search_views=4,
        steps=20,
        views=4,
        restarts=2,
        pictures=40,
        universal_steps=40,
        universal_views=16,
        targets=2,
    ),
    "standard": Effort(
        samples=200,
        texture_views=6,
        search_rounds=300,
        search_views=6,
        steps=60,
        views=6,
        restarts=3,
        pictures=100,
        universal_steps=150,
        universal_views=48,
        targets=5,
    ),
    "full": Effort(
        samples=400,
        texture_views=8,
        search_rounds=1500,
        search_views=8,
        steps=150,
        views=8,
        restarts=5,
        pictures=200,
        universal_steps=400,
        universal_views=64,
        targets=9,
    ),
}


class PatchMaker:
    """Makes stickers of at most `share` of the pixels against one system."""

    def __init__(self, system: SeeingSystem, effort: Effort, share: float, run: Run) -> None:
        self.system, self.effort = system, effort
        channels, *size = system.others.x.shape[1:]
        self.channels, self.size = channels, (size[0], size[1])
        self.square, self.tape = Surface(share), Surface(share, BAR_ASPECT)
        _require_room(self.square, *self.size)
        self.library = textures(channels, self.square.cells(*self.size), run.generator("textures"))
        self.by_answer = by_answer(system.labels, system.abstention)
        self.by_lead = by_lead(system.scores, system.scale, system.abstention)
        self.by_both = by_both(system.scores, system.scale, system.abstention)
        self.universal = self._universal(run)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of stickers this access allows."""
        by_scores = ("search",) if self.system.scored else ()
        by_gradient = ("gradient",) if self.system.slope is not None else ()
        return ("texture", "bars", *by_scores, *by_gradient, "universal")

    def made(self, rows: Rows, *, share: float | None = None, led: bool = True) -> dict[str, tuple[Surface, Stickers]]:
        """Stickers for single pictures; those not `led` by the textures begin grey, in the middle of the picture."""
        square, tape = (self.square, self.tape) if share is None else (Surface(share), Surface(share, BAR_ASPECT))
        pictures, seeds = self.system.pictures_at(rows), self.system.seeds[rows]
        fitting = draws_for(seeds, FITTING, max(self.effort.texture_views, self.effort.search_views))
        shown_on = np.arange(len(rows))[:, None]
        tried = fitting[:, : self.effort.texture_views]
        texture = search_textures(self.by_answer, pictures, square, self._textures(rows), _places(), tried, shown_on)
        tapes = np.broadcast_to(bars(self.channels, tape.cells(*self.size)), (len(rows), *self._tape_shape(tape)))
        bar = search_textures(self.by_answer, pictures, tape, tapes, _tape_places(), tried, shown_on)
        found = {"texture": (square, texture), "bars": (tape, bar)}
        best = texture if led else self._grey(len(rows))
        if self.system.scored:
            views = fitting[:, : self.effort.search_views]
            rounds = self.effort.search_rounds
            searched = search_patches(self.by_lead, pictures, square, best, views, shown_on, seeds, rounds=rounds)
            found["search"] = (square, searched)
            best = searched if led else best
        if self.system.slope is not None:
            found["gradient"] = (square, self._climbed(self.system.slope, pictures, square, best, seeds))
        return found

    def _grey(self, count: int) -> Stickers:
        channels, cells = self.library.shape[1:3]
        patches = np.broadcast_to(plain(0.5, channels, cells), (count, channels, cells, cells))
        return Stickers(patches, np.tile([0.5, 0.5, 0.0], (count, 1)))

    def _climbed(self, slope: Slope, pictures: Pictures, surface: Surface, first: Stickers, seeds: Rows) -> Stickers:
        """The best of several climbs: from the sticker given, then from grey anywhere, towards likely classes."""
        n, effort = len(first), self.effort
        shown_on, choosing = np.arange(n)[:, None], draws_for(seeds, CHOOSING, CHOOSING_VIEWS)
        likely = np.argsort(-self.system.scores(pictures.x), axis=1, kind="stable")
        best, value = first, worth_in_views(self.by_both, pictures, surface, first, choosing, shown_on)
        for restart in range(effort.restarts):
            start, wanted = first, np.full(n, -1, dtype=np.int64)
            if restart:
                places = _places()[np.array([int(seed) % len(_places()) for seed in seeds // (restart + 1)])]
                start = Stickers(self._grey(n).patches, places)
                if self.system.model.classes > 2:
                    rank = 1 + (restart - 1) % (self.system.model.classes - 1)
                    wanted = likely[:, rank]
            climbed = climb_patches(
                slope,
                pictures,
                surface,
                start,
                wanted,
                shown_on,
                seeds + restart,
                steps=effort.steps,
                views=effort.views,
            )
            found = worth_in_views(self.by_both, pictures, surface, climbed, choosing, shown_on)
            best = _better(best, climbed, found > value)
            value = np.maximum(value, found)
        return best

    def _universal(self, run: Run) -> Stickers:
        """One patch for all pictures, made on the others: the one that changes most answers among those tried."""
        effort = self.effort
        wanted = self._likely_targets()
        count = len(wanted)
        seeds = run.generator("universal").integers(2**53, size=count)
        shown_on = np.tile(np.arange(len(self.system.others.x)), (count, 1))
        draws = draws_for(seeds, FITTING, effort.universal_views)
        library = np.broadcast_to(self.library, (count, *self.library.shape))
        others, square = self.system.others, self.square
        stickers = search_textures(
            self.by_answer, others, square, library, None, draws, shown_on, first=effort.universal_views
        )
        if self.system.slope is not None:
            grey = self._grey(count).patches.copy()
            grey[0] = stickers.patches[0]
            stickers = climb_patches(
                self.system.slope,
                others,
                square,
                Stickers(grey, None),
                wanted,
                shown_on,
                seeds,
                steps=effort.universal_steps,
                views=effort.universal_views,
            )
        elif self.system.scored:
            rounds = effort.search_rounds
            stickers = search_patches(self.by_lead, others, square, stickers, draws, shown_on, seeds, rounds=rounds)
        choosing = draws_for(np.repeat(seeds[:1], count), CHOOSING, effort.universal_views)
        worth = self.by_both if self.system.scored else self.by_answer
        value = worth_in_views(worth, others, square, stickers, choosing, shown_on)
        return stickers.take(np.array([int(value.argmax())]))

    def _likely_targets(self) -> Classes:
        """-1 for any other class, then, where there is a gradient, the classes most often next to the answer."""
        if self.system.slope is None or self.system.model.classes <= 2:
            return np.array([-1])
        second = np.argsort(-self.system.scores(self.system.others.x), axis=1, kind="stable")[:, 1]
        frequent = np.argsort(-np.bincount(second, minlength=self.system.model.classes), kind="stable")
        return np.concatenate([[-1], frequent[: self.effort.targets]]).astype(np.int64)

    def _textures(self, rows: Rows) -> Patches:
        """The library and, where pictures may be shown, photographs of other classes; one set for each sample."""
        sets = np.broadcast_to(self.library, (len(rows), *self.library.shape))
        if not self.system.shown or not (self.system.others.y != self.system.others.y[0]).any():
            return sets
        low, high = self.system.range.low, self.system.range.high
        unit = np.clip((self.system.others.x - low) / (high - low), 0, 1).astype(np.float32)
        reduced = photographs(unit, self.library.shape[-1])
        chosen = []
        for seed, target in zip(self.system.seeds[rows], self.system.y[rows], strict=True):
            foreign = np.flatnonzero(self.system.others.y != target)
            chosen.append(reduced[np.random.default_rng([int(seed), 6]).choice(foreign, PHOTOGRAPHS)])
        return np.concatenate([sets, np.stack(chosen)], axis=1)

    def _tape_shape(self, tape: Surface) -> tuple[int, ...]:
        return bars(self.channels, tape.cells(*self.size)).shape


def _require_room(surface: Surface, height: int, width: int) -> None:
    if surface.pixels(height, width) < FEWEST_PIXELS:
        raise UnavailableError(
            Text(
                f"{surface.share:.1%} of {height} by {width} pixels is too little to stick anything on",
                f"{height}×{width} 像素的 {surface.share:.1%} 面积过小，无法放置贴片",
            ),
            "model.input.shape",
            Text("allow a larger area_share_max", "请放宽 area_share_max"),
        )


def _places() -> Poses:
    """Nine places on a picture, upright."""
    return np.array([[down, across, 0.0] for down in (0.5, 0.28, 0.72) for across in (0.5, 0.28, 0.72)])


def _tape_places() -> Poses:
    """Tape across the middle and off it, in four directions."""
    return np.array(
        [
            [down, across, np.pi * turn / 4]
            for turn in range(4)
            for down, across in ((0.5, 0.5), (0.33, 0.33), (0.67, 0.67), (0.33, 0.67), (0.67, 0.33))
        ]
    )


def _better(before: Stickers, after: Stickers, taken: NDArray[np.bool_]) -> Stickers:
    assert before.poses is not None  # noqa: S101 - stickers on single pictures are stuck somewhere
    assert after.poses is not None  # noqa: S101
    return Stickers(
        np.where(taken[:, None, None, None], after.patches, before.patches),
        np.where(taken[:, None], after.poses, before.poses),
    )
