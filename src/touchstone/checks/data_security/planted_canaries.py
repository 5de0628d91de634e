"""Canaries in the training data: those of a supplier's ledger, or our own, planted in a training of the same kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.data_security.members import (
    answers_of,
    drawn,
    fingerprint,
    labelled_test,
    strangers,
    target_of,
)
from touchstone.checks.declaration import Run
from touchstone.errors import DataError, UnavailableError
from touchstone.methods.inference.answers import log_odds, paired_halves
from touchstone.system.data.reading import read_declared
from touchstone.system.description import CanaryLedger, DataSet
from touchstone.system.models.handle import Capability
from touchstone.system.subject import Subject
from touchstone.text import Text
from touchstone.training.shadows import Lesson, train_again

FEWEST = 20
"""Canaries on either side below which nothing can be said."""
LEARNT = 20_000
"""Most training rows of a model of ours."""
PLANTED_SHARE = 0.05
"""Of the training data of one model: more would change what is learnt."""
PAIRS = {"quick": 1, "standard": 4, "full": 16}
"""Pairs of models; canaries of each pair are in the training data of one and new to the other."""
WHERE = "training.canaries"


@dataclass(frozen=True, slots=True)
class Canaries:
    """What became of canaries: whether they get their planted label, and how sure the answer is.

    `given_in` and `scores_in` `(n,)` are of those trained on, the others `(m,)` of those left out.
    """

    source: Literal["ledger", "estimator", "network"]
    given_in: NDArray[np.bool_]
    given_out: NDArray[np.bool_]
    scores_in: NDArray[np.float64] | None
    scores_out: NDArray[np.float64] | None
    strange: int = 0
    """Canaries of the ledger that the training data contradict: said to be in them and not, or the other way round."""


def canaries_of(subject: Subject, run: Run) -> Canaries:
    """The supplier's canaries where there is a ledger, else ours. Raises `UnavailableError` where neither can be."""
    declared = None if subject.description.training is None else subject.description.training.canaries
    return _planted(subject, run) if declared is None else _of_ledger(subject, declared)


def _of_ledger(subject: Subject, declared: CanaryLedger) -> Canaries:
    """The canaries of which the ledger says the same as the training data."""
    data = read_declared(
        subject,
        "canaries",
        DataSet(
            path=declared.path,
            format=declared.format,
            target=declared.target,
            features=declared.features,
            sensitive=[declared.included],
            origin="canaries",
        ),
    )
    said = data.sensitive[declared.included]
    if not np.isin(said, ("0", "1")).all():
        raise DataError(
            Text(
                f"the column {declared.included!r} holds more than 0 and 1",
                f"列 {declared.included!r} 含 0、1 以外的取值",
            ),
            declared.path,
            Text("write 1 for rows that were trained on, 0 for those left out", "参与训练的行填 1，未参与的填 0"),
        )
    prints = [fingerprint(row) for row in data.inputs]
    if len(set(prints)) < len(prints):
        raise DataError(
            Text("names a canary more than once", "同一金丝雀出现多次"),
            declared.path,
            Text("give each canary a row of its own", "每个金丝雀只占一行"),
        )
    known = {fingerprint(row) for row in subject.data("train").inputs}
    trained = np.array([each in known for each in prints])
    inside, outside = (said == "1") & trained, (said == "0") & ~trained
    if min(inside.sum(), outside.sum()) < FEWEST:
        raise UnavailableError(
            Text(
                f"{inside.sum()} canaries that the training data hold and {outside.sum()} that they do not hold; at "
                f"least {FEWEST} of each are needed",
                f"训练数据中的金丝雀 {inside.sum()} 个、不在其中的 {outside.sum()} 个；两者均至少需要 {FEWEST} 个",
            ),
            declared.path,
            what_to_plant(),
        )
    model, y = subject.model(), target_of(data)
    answers = answers_of(model, data.inputs)
    given = answers.argmax(axis=1) == y
    scores = log_odds(answers, y) if Capability.PROBABILITIES in model.capabilities else None
    return Canaries(
        "ledger",
        given[inside],
        given[outside],
        None if scores is None else scores[inside],
        None if scores is None else scores[outside],
        int((~inside & ~outside).sum()),
    )


def _planted(subject: Subject, run: Run) -> Canaries:
    """Test rows under labels that are not theirs, planted in the training of models of the system's own kind.

    Every canary is in the training data of one model of a pair and new to the other, by lot.
    """
    train, test = subject.data("train"), labelled_test(subject)
    if test is None:
        raise UnavailableError(
            Text("no labelled test data to draw canaries from", "无带标签的测试数据可供抽取金丝雀"), "data.test"
        )
    generator = run.generator("canaries")
    rows = drawn(np.arange(len(train)), LEARNT, generator)
    size = 2 * int(PLANTED_SHARE * len(rows))
    chosen = generator.permutation(strangers(test, train))
    pairs = min(PAIRS[run.budget], len(chosen) // size) if size >= 2 * FEWEST else 0
    if not pairs:
        raise UnavailableError(
            Text("too few rows to plant canaries of our own", "数据行数不足以植入自备金丝雀"), "data", what_to_plant()
        )
    chosen = chosen[: pairs * size]
    classes = subject.model().classes
    wrong = (target_of(test)[chosen] + 1 + generator.integers(classes - 1, size=len(chosen))) % classes
    taught = np.zeros((2 * pairs, len(chosen)), dtype=np.bool_)
    for pair in range(pairs):
        taught[2 * pair : 2 * pair + 2, pair * size : (pair + 1) * size] = paired_halves(size, 2, generator)
    x = np.concatenate([train.inputs[rows], test.inputs[chosen]])
    y = np.concatenate([target_of(train)[rows], wrong])
    trained = np.hstack([np.ones((2 * pairs, len(rows)), dtype=np.bool_), taught])
    kind, models = train_again(subject, Lesson(x, y, trained), run.generator("models with canaries"))
    answers = np.array([each[len(rows) :] for each in models])
    given = answers.argmax(axis=2) == wrong
    scores = np.array([log_odds(each, wrong) for each in answers])
    own = np.repeat(np.arange(pairs), size) == np.repeat(np.arange(pairs), 2)[:, None]
    inside, outside = taught, own & ~taught
    return Canaries(
        "estimator" if kind == "estimator" else "network",
        given[inside],
        given[outside],
        scores[inside],
        scores[outside],
    )


def what_to_plant() -> Text:
    """How a supplier makes memorisation measurable."""
    return Text(
        "plant at least 3,700 rows with clearly wrong labels in the training data, hand the data in with them, leave "
        f"as many out that were drawn alike, and declare both under `{WHERE}`",
        "请在训练数据中植入至少 3700 条标签明显错误的样本（所交训练数据应包含它们），"
        f"另留出同样方式抽取的同等数量样本，并在 `{WHERE}` 中声明",
    )
