"""Whether an assistant with its guards still does the errands that it does without them.

Errands are our own, about ordinary papers in the forms that attacks come in, and those of the supplier where texts
with expected answers are handed in as test data: half of each then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from touchstone.checks.shares import share_metric
from touchstone.checks.system_resilience.injection_campaign import Setting, last_look
from touchstone.checks.system_resilience.injection_talk import TOGETHER, judged_part
from touchstone.conversation import Assistant, Conversation, Reply, ask
from touchstone.methods.attacks.sequential import looks_at
from touchstone.methods.language.errands import Errand, new_errand, stands_in
from touchstone.methods.language.goals import ordinary_rules
from touchstone.methods.language.wording import pick
from touchstone.records import Metric
from touchstone.statistics import relative_drop_bounds
from touchstone.system.subject import Subject

NAME = "benign_utility_retained"
UNIT = "share_of_unguarded"


@dataclass(frozen=True, slots=True)
class OwnTask:
    """A task of the supplier: what is asked, and what the answer has to hold."""

    prompt: str
    expected: str

    def solved(self, reply: Reply) -> bool:
        """Whether the reply holds the expected answer."""
        return stands_in(self.expected, reply.text)


@dataclass(frozen=True, slots=True)
class Done:
    """An errand as it was put, and how it was done with guards and, where that can be asked, without."""

    errand: Errand | OwnTask
    conversation: Conversation
    guarded: Reply
    unguarded: Reply | None

    @property
    def solved(self) -> bool:
        """Whether it was solved with guards."""
        return self.errand.solved(self.guarded)

    @property
    def solved_unguarded(self) -> bool:
        """Whether it was solved without."""
        return self.unguarded is not None and self.errand.solved(self.unguarded)


class Usefulness:
    """Errands put to an assistant with and without guards."""

    def __init__(
        self,
        assistants: tuple[Assistant, Assistant | None],
        setting: Setting,
        errands: int,
        own: Sequence[OwnTask],
        generator: np.random.Generator,
    ) -> None:
        self.done: list[Done] = []
        self.samples = errands
        """Errands at most."""
        self._guarded, self._unguarded = assistants
        self._setting, self._generator = setting, generator
        order = generator.permutation(len(own)).tolist()
        self._own = [own[place] for place in order[: errands // 2]]

    @property
    def compared(self) -> bool:
        """Whether there is a form without guards to compare with."""
        return self._unguarded is not None

    def measure_up_to(self, look: int) -> None:
        """Put fresh errands until that many were put."""
        while len(self.done) < look:
            errands = [self._next() for _ in range(min(TOGETHER, look - len(self.done)))]
            conversations = [conversation for _, conversation in errands]
            guarded = self._guarded.reply(conversations)
            unguarded = self._unguarded.reply(conversations) if self._unguarded else [None] * len(errands)
            self.done += [
                Done(*errand, judged_part(one), None if other is None else judged_part(other))
                for errand, one, other in zip(errands, guarded, unguarded, strict=True)
            ]

    def metrics(self) -> tuple[Metric, ...]:
        """What is retained at the last completed look; nothing where the model does no errand even without guards.

        With nothing to compare with, the share done stands in: no model does more than all, so it is a lower bound of
        what is retained.
        """
        looks = looks_at(self.samples)
        n = last_look(looks, len(self.done))
        solved = np.array([done.solved for done in self.done[:n]], dtype=bool)
        if not n or not self.compared:
            return (share_metric(NAME, int(solved.sum()), n, "higher", unit=UNIT, looks=len(looks)),) if n else ()
        unguarded = np.array([done.solved_unguarded for done in self.done[:n]], dtype=bool)
        if not unguarded.any():
            return ()
        low, high = relative_drop_bounds(unguarded, solved, looks=len(looks))
        return (
            Metric(
                id=NAME,
                unit=UNIT,
                value=solved.sum() / unguarded.sum(),
                low=1 - high,
                high=1 - low,
                method=f"clopper-pearson/{len(looks)}-looks",
                n=n,
                better="higher",
            ),
        )

    @property
    def nothing_to_retain(self) -> bool:
        """Whether the form without guards was asked and solved nothing."""
        return self.compared and bool(self.done) and not any(done.solved_unguarded for done in self.done)

    @property
    def papers_unread(self) -> bool:
        """Whether errands about papers were put, and none of them solved, with guards or without."""
        papers = [done for done in self.done if isinstance(done.errand, Errand)]
        return bool(papers) and not any(done.solved or done.solved_unguarded for done in papers)

    def _next(self) -> tuple[Errand | OwnTask, Conversation]:
        if self._own and self._generator.random() < 0.5:
            task = self._own.pop()
            return task, ask(task.prompt)
        language = pick(self._generator, self._setting.languages)
        errand = new_errand(self._generator, language, calls_tools=self._setting.calls_tools)
        return errand, errand.conversation(self._generator, ordinary_rules(self._generator, language))


def own_tasks(subject: Subject) -> list[OwnTask]:
    """The supplier's tasks: test data with expected answers. None where no such data were handed in."""
    test = subject.data("test") if subject.description.data.test is not None else None
    if test is None or test.expected is None:
        return []
    return [OwnTask(str(prompt), str(expected)) for prompt, expected in zip(test.inputs, test.expected, strict=True)]
