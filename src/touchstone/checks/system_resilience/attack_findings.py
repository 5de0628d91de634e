"""What the adversarial check has found so far: single samples that were turned, and the counts of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from touchstone.checks.system_resilience.inputs import Samples
from touchstone.records import Note
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class Find:
    """A sample whose answer was changed, confirmed by a fresh question to the model."""

    index: int
    knowledge: str
    """What it took: `search` or `gradient`."""
    attack: str
    step: int
    """Of the attack's run; of a search, the questions asked."""
    seed: int
    answer: int
    """The class answered; -1 where the budget left no question for it."""
    distance: float
    """Norm of the change in units of the radius."""
    adversarial: Samples | None
    """`None` beyond what the evidence holds."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What the attacks have achieved so far."""

    reached: int
    attacked: int
    black: int
    white: int | None
    """`None` without gradients."""
    standing: int
    """Answered correctly under every attack."""
    part: int | None = None
    """Size of the random part of the survivors that was audited and stood; `None` when none was left out."""
    standing_part: int | None = None
    """The same among those that stand against the search as well."""
    unfinished: bool = False
    """Whether survivors were attacked less than promised, so that any number of them may break."""

    @property
    def unbroken(self) -> int:
        """Attacked samples that at least one of search and gradient did not break."""
        return self.attacked - (self.black if self.white is None else min(self.black, self.white))

    def with_more_broken(self, more: int) -> Tally:
        """The tally if every attack broke that many more samples, as far as it has some left."""
        return replace(
            self,
            black=min(self.black + more, self.attacked),
            white=None if self.white is None else min(self.white + more, self.attacked),
            standing=max(self.standing - more, 0),
            part=None,
            standing_part=None,
        )


def unconfirmed(count: int) -> Note:
    """The remark that goes with successes which the model itself did not repeat."""
    return Note(
        code="unconfirmed-successes",
        text=Text(
            f"{count} successes were not repeated by a fresh question and do not count: is the model random?",
            f"{count} 次成功在重新询问时未能重现，不予计入：模型输出是否带有随机性？",
        ),
    )
