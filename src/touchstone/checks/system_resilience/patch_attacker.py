"""The attacker of pictures in the physical world: every kind of sticker, each judged in views it was not made in.

Beside them stand what happens without an attacker: plain stickers of the same size, and changes of light.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import Run
from touchstone.checks.system_resilience.inputs import portions
from touchstone.checks.system_resilience.patch_maker import EFFORTS, HELD_OUT, PatchMaker
from touchstone.checks.system_resilience.seeing_system import Rows, SeeingSystem
from touchstone.methods.attacks.patch.judging import answers_in_views
from touchstone.methods.attacks.patch.light import LIGHTS, relit
from touchstone.methods.attacks.patch.placement import Surface
from touchstone.methods.attacks.patch.textures import PLAIN, plain
from touchstone.methods.attacks.patch.views import Draws, Poses, Stickers, draws_for
from touchstone.methods.attacks.threat_model import Classes
from touchstone.system.subject import Subject

AT_ONCE: Final = 50
"""Pictures attacked together."""
OCCLUDERS: Final = ("grey", "black", "random")
"""What sticks on a camera's view by accident, anywhere."""
SAME_PLACE: Final = "same-place"
"""Grey where an attacker would stick the patch: what the place alone does."""


@dataclass(slots=True)
class Record:
    """What one kind of sticker did to the attacked pictures, in the order of attack."""

    surface: Surface
    stickers: list[Stickers] = field(default_factory=list)
    answers: list[Classes] = field(default_factory=list)

    @property
    def all_answers(self) -> Classes:
        """`(attacked, views)`."""
        return np.concatenate(self.answers)


class PatchAttacker:
    """What the stickers did to the pictures reached so far."""

    def __init__(self, subject: Subject, share: float, views: int, run: Run) -> None:
        effort = EFFORTS[run.budget]
        self.views = views
        self.system = SeeingSystem(subject, run, samples=effort.samples, others=effort.pictures)
        self.maker = PatchMaker(self.system, effort, share, run)
        self.correct = np.zeros(self.system.samples, dtype=bool)
        self.reached = 0
        square, tape = self.maker.square, self.maker.tape
        self.records = {kind: Record(tape if kind == "bars" else square) for kind in self.maker.kinds}
        self.occluded = {name: Record(square) for name in (*OCCLUDERS, SAME_PLACE)}
        self.relit: dict[str, list[Classes]] = {name: [] for name in LIGHTS}

    @property
    def attacked(self) -> Rows:
        """Samples that were answered correctly, and therefore attacked."""
        return np.flatnonzero(self.correct)

    def attack_up_to(self, look: int) -> None:
        """Attack the samples from where the last look ended."""
        for start in range(self.reached, look, AT_ONCE):
            for rows in portions(np.arange(start, min(start + AT_ONCE, look)), self.system.inputs[0].size):
                self.correct[rows] = self.system.labels(self.system.samples_at(rows)) == self.system.y[rows]
                answered = rows[self.correct[rows]]
                if answered.size:
                    self._attack(answered)
        self.reached = look

    def answers(self, rows: Rows, surface: Surface, stickers: Stickers) -> Classes:
        """Answers in the held-out views, shape `(n, views)`."""
        shown_on = np.arange(len(rows))[:, None]
        return answers_in_views(
            self.system.labels, self.system.pictures_at(rows), surface, stickers, self.held_out(rows), shown_on
        )

    def held_out(self, rows: Rows) -> Draws:
        """The views that stickers are judged in."""
        return draws_for(self.system.seeds[rows], HELD_OUT, self.views)

    def changed(self, answers: Classes, rows: Rows) -> NDArray[np.bool_]:
        """Where an answer is another class than the right one; to abstain is no success of the attacker."""
        return np.asarray((answers != self.system.y[rows][:, None]) & (answers != self.system.abstention))

    def _attack(self, rows: Rows) -> None:
        made = self.maker.made(rows)
        made["universal"] = (self.maker.square, self.maker.universal.take(np.zeros(len(rows), dtype=np.int64)))
        for kind, (surface, stickers) in made.items():
            self.records[kind].stickers.append(stickers)
            self.records[kind].answers.append(self.answers(rows, surface, stickers))
        strongest = next(kind for kind in ("gradient", "search", "texture") if kind in made)
        for name, stickers in self._accidents(rows, made[strongest][1].poses).items():
            self.occluded[name].stickers.append(stickers)
            self.occluded[name].answers.append(self.answers(rows, self.maker.square, stickers))
        x, seeds = self.system.samples_at(rows), self.system.seeds[rows]
        for name in LIGHTS:
            changed = relit(name, x, seeds, low=self.system.range.low, high=self.system.range.high)
            self.relit[name].append(self.system.labels(changed)[:, None])

    def _accidents(self, rows: Rows, poses: Poses | None) -> dict[str, Stickers]:
        shape = self.maker.library.shape[1:]
        noise = np.stack(
            [np.random.default_rng([int(seed), 9]).random(shape, dtype=np.float32) for seed in self.system.seeds[rows]]
        )
        grey, black = (np.broadcast_to(plain(PLAIN[name], *shape[:2]), noise.shape) for name in ("grey", "black"))
        return {
            "grey": Stickers(grey, None),
            "black": Stickers(black, None),
            "random": Stickers(noise, None),
            SAME_PLACE: Stickers(grey, poses),
        }
