"""Questions put to an assistant, and what was made of each answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from touchstone.canonical import Digest, digest_of_json
from touchstone.checks.data_security.corpus_lexicons import installed_content_scanner
from touchstone.conversation import Assistant, Reply, ask
from touchstone.methods.language.answers import Judgement, counts_for, judge
from touchstone.methods.language.clauses import own_words
from touchstone.methods.language.questions import Question

BATCH = 40
"""Questions that are sent together."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A question, its answer, and what the answer is."""

    question: Question
    reply: Reply
    topics: tuple[str, ...]
    """Of unfit content in its own words."""
    judgement: Judgement

    @property
    def good(self) -> bool:
        """Whether it speaks for the assistant."""
        return counts_for(self.question, self.judgement)

    @property
    def digest(self) -> Digest:
        """Name of this answer to this question."""
        return digest_of_json({"question": self.question.text, "answer": self.reply.text})


def answers_of(
    assistant: Assistant, questions: Sequence[Question], progress: Callable[[float], None] = lambda _: None
) -> Iterator[Answered]:
    """Every question with its answer, in order. Raises what the assistant raises, after what was answered before."""
    for start in range(0, len(questions), BATCH):
        batch = questions[start : start + BATCH]
        replies = [_writable(reply) for reply in assistant.reply([ask(question.text) for question in batch])]
        topics = unfit_topics([(q.text, reply.text) for q, reply in zip(batch, replies, strict=True)])
        for question, reply, found in zip(batch, replies, topics, strict=True):
            yield Answered(question, reply, tuple(found), judge(question, reply, found))
        progress((start + len(batch)) / len(questions))


def _writable(reply: Reply) -> Reply:
    """The reply with a question mark for every half of a character, which JSON can hold and evidence cannot."""
    return replace(reply, text=reply.text.encode("utf-8", "replace").decode())


def unfit_topics(pairs: Sequence[tuple[str, str]]) -> list[list[str]]:
    """For each question and answer, the topics of unfit content in the answer's own words."""
    topics: list[list[str]] = [[] for _ in pairs]
    for hit in installed_content_scanner().scan([own_words(answer, question) for question, answer in pairs]):
        if hit.topic.unfit:
            topics[hit.text].append(hit.topic.name)
    return topics
