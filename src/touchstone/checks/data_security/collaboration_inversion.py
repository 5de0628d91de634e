"""Gradient inversion of what the server sees: do reconstructions name the training rows they were made of?

What is seen is computed here with the model under test and the declared protocol: one update, or what becomes of those
of the smallest cohort. It is inverted before the first round (fresh weights) and after the last (those handed in). One
row of each update is drawn; it is identified where a reconstruction names it out of all candidates and is nearer than
reconstructions of other rows come by chance. Where more parties, steps or rows are declared than can be computed, fewer
are: fewer hide less.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from touchstone.checks.data_security.collaboration_effort import affordable, gradient_seconds
from touchstone.checks.data_security.collaboration_learner import Trained, trained_model
from touchstone.checks.data_security.collaboration_matching import match_rows
from touchstone.checks.data_security.collaboration_part import Part
from touchstone.checks.data_security.collaboration_updates import (
    Outcome,
    Pools,
    Seen,
    drawn_rows,
    pools_of,
    seen_under,
    states_of,
)
from touchstone.checks.declaration import Run
from touchstone.checks.shares import share_metric
from touchstone.errors import UnavailableError
from touchstone.methods.federated.inversion import CHANCE, Candidates, candidates, ratios, threshold
from touchstone.methods.federated.learner import Classes, LocalTraining, Rows, SoftmaxRegression
from touchstone.methods.federated.rules import Vector
from touchstone.records import Budget, ControlRun, Note
from touchstone.system.description import Collaboration
from touchstone.system.subject import Subject
from touchstone.text import Text

UPDATES: dict[Budget, int] = {"quick": 480, "standard": 1_000, "full": 3_000}
"""Updates that are attacked: enough at least to show a share below 1 % with one of them identified."""
NULLS: dict[Budget, int] = {"quick": 200, "standard": 400, "full": 600}
"""Updates of rows that are no candidates, of which the threshold is learnt; as many again test it."""
PLANTED = 20
"""Updates of one row each, with nothing in the way."""
FALSE_NAMES = 10
"""Times the stated chance at which rows may be named wrongly in a test of that chance."""


def invert_updates(subject: Subject, declared: Collaboration, cohort: int, run: Run) -> Part:
    """Attack updates as the server sees them. Raises `UnavailableError` where no gradient or no row is at hand."""
    trained = trained_model(subject)
    pools = pools_of(subject, trained, run.generator("rows of inversion"))
    states = states_of(trained, run)
    level = affordable(
        run.budget, lambda level: _seconds(trained, states, pools, seen_under(declared, cohort, level), level)
    )
    seen = seen_under(declared, cohort, level or "quick")
    tried = [
        _ratios(trained, states, pools, seen, level, run),
        _matching(trained, states, pools, seen, run),
    ]
    parts = [each for each in tried if isinstance(each, Part)]
    if not parts:
        why = [each for each in tried if isinstance(each, Text)]
        raise UnavailableError(
            Text(", and ".join(each.en for each in why), "，且".join(each.zh for each in why)),
            "model",
            Text("no attack of ours applies; let an expert judge the protocol", "现有攻击均不适用；请由专家评估该协议"),
        )
    # The attack that provably identifies most decides; of equals the one that was tried most often.
    worst = max((metric for part in parts for metric in part.metrics), key=lambda metric: (metric.low, metric.n))
    return Part(
        (worst.model_copy(update={"slice": None}), *(metric for part in parts for metric in part.metrics)),
        tuple(control for part in parts for control in part.controls),
        (_scope(seen, declared, cohort, len(pools.x)),),
        [part.listed for part in parts],
    )


def _seconds(trained: Trained, states: Mapping[str, Vector], pools: Pools, seen: Seen, level: Budget) -> float:
    """What reading ratios costs with the effort of that budget: all of it is to make what the server sees."""
    each = gradient_seconds(trained.learner, pools.x, seen.training.batch)
    return len(states) * (UPDATES[level] + 2 * NULLS[level]) * seen.parties * seen.training.steps * each


def _ratios(
    trained: Trained, states: Mapping[str, Vector], pools: Pools, seen: Seen, level: Budget | None, run: Run
) -> Part | Text:
    """The closed form, with the effort of `level`; or why there is none."""
    if not trained.inverts:
        return Text("the model has no dense layer with a bias", "模型没有带偏置的全连接层")
    if level is None:
        return Text("the network is too large for updates of it to be made so often", "网络过大，无法多次计算其更新")
    bare = Seen(1, LocalTraining(1, 1, seen.training.rate), seen.declared)
    found, planted = (
        attack(trained, states, pools, each, updates, NULLS[level], run.generator(purpose))
        for each, updates, purpose in (
            (seen, UPDATES[level], "inversion"),
            (bare, PLANTED, "planted inversion"),
        )
    )
    return _part("ratios of the first dense layer", found, planted)


def _matching(trained: Trained, states: Mapping[str, Vector], pools: Pools, seen: Seen, run: Run) -> Part | Text | None:
    """Gradient matching at the first weights, of networks; with a quick budget only where nothing else applies."""
    if isinstance(trained.learner, SoftmaxRegression) or (trained.inverts and run.budget == "quick"):
        return None
    weights = next(iter(states.values()))
    both = match_rows(trained, weights, pools, seen, run.budget, run.generator("gradient matching"))
    return both if isinstance(both, Text) else _part("gradient matching", *both)


def _part(name: str, found: Outcome, planted: Outcome) -> Part:
    hits, tried = int(found.identified.sum()), len(found.identified)
    listed = {
        "attack": name,
        "updates": tried,
        "identified": hits,
        "false_names": found.false_names,
        "chances_of_false_names": found.chances,
    }
    metric = share_metric("inversion_success", hits, tried, "lower", part=name)
    return Part((metric,), _controls(found, planted), listed=listed)


def attack(
    trained: Trained,
    states: Mapping[str, Vector],
    pools: Pools,
    seen: Seen,
    updates: int,
    nulls: int,
    generator: np.random.Generator,
) -> Outcome:
    """Attack so many updates in every state; a row that either of them gives away is identified."""
    in_each = seen.parties * seen.training.rows
    drawn = [drawn_rows(len(pools.x), in_each, generator) for _ in range(updates)]
    targets = [int(generator.choice(rows)) for rows in drawn]
    identified = np.zeros(updates, dtype=np.bool_)
    false_names = 0
    for weights in states.values():
        pool = candidates(trained.learner.features(weights, pools.x))

        def named(x: Rows, y: Classes, weights: Vector = weights, pool: Candidates = pool) -> dict[int, float]:
            update = seen.of(trained, weights, x, y, generator)
            return pool.named(ratios(*trained.learner.first_dense(update)))

        null = []
        for _ in range(2 * nulls):
            rows = drawn_rows(len(pools.other_x), in_each, generator)
            null.append(named(pools.other_x[rows], pools.other_y[rows]))
        nearer = threshold(null[:nulls], len(pools.x), CHANCE / len(states))
        false_names += sum(distance < nearer for each in null[nulls:] for distance in each.values())
        for number, (rows, target) in enumerate(zip(drawn, targets, strict=True)):
            if not identified[number]:
                identified[number] = named(pools.x[rows], pools.y[rows]).get(target, np.inf) < nearer
    return Outcome(identified, false_names, nulls * len(pools.x))


def _controls(found: Outcome, planted: Outcome) -> tuple[ControlRun, ControlRun]:
    allowed = max(1, int(FALSE_NAMES * CHANCE * found.chances))
    recovered, tried = int(planted.identified.sum()), len(planted.identified)
    return (
        ControlRun(
            kind="null",
            expected=Text(
                f"updates of rows that are no candidates: of {found.chances} chances to name one, at most {allowed} do",
                f"不含候选行的更新：{found.chances} 次机会中至多误认 {allowed} 次",
            ),
            seen=Text(f"{found.false_names} named", f"误认 {found.false_names} 次"),
            passed=found.false_names <= allowed,
        ),
        ControlRun(
            kind="planted",
            expected=Text(
                "updates of one row each, not summed, clipped or noised: at least half of the rows identified",
                "单行更新且未聚合、未裁剪、未加噪：至少识别出半数",
            ),
            seen=Text(f"{recovered} of {tried}", f"{tried} 个中识别 {recovered} 个"),
            passed=2 * recovered >= tried,
        ),
    )


def _scope(seen: Seen, declared: Collaboration, cohort: int, rows: int) -> Note:
    training = seen.training
    less = (seen.parties, training.steps, training.batch) != (cohort, declared.local_steps, declared.batch_size)
    fewer_en, fewer_zh = (", fewer than declared, which hides less", "，少于声明值，隐藏性更弱") if less else ("", "")
    return Note(
        code="what-was-inverted",
        text=Text(
            f"what is seen of {seen.parties} parties with {training.steps} steps of {training.batch} rows each"
            f"{fewer_en}; {rows} candidates",
            f"{seen.parties} 个参与方、各 {training.steps} 步、每步 {training.batch} 行{fewer_zh}；候选行 {rows} 个",
        ),
    )
