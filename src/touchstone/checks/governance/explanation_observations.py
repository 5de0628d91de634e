"""Measured for information: explanations under attack, without what was learnt, and of the model as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from touchstone.checks.declaration import Run
from touchstone.checks.governance.explained_system import ExplainedSystem
from touchstone.checks.governance.explanation_metrics import mean_metric
from touchstone.checks.governance.explanation_worth import Portion
from touchstone.errors import UnavailableError
from touchstone.methods.explanation.attribution import Attributions, integrated_gradients
from touchstone.methods.explanation.importance import replacement_losses
from touchstone.methods.explanation.parts import Parts
from touchstone.methods.explanation.stability import rank_correlation, top_overlap
from touchstone.records import Metric
from touchstone.system.models.handle import LayeredModel

ATTACKED: Final = {"quick": 20, "standard": 50, "full": 150}
TOP_SHARE: Final = 8
"""One part of so many counts as the top of an explanation, at least two parts."""
LISTED: Final = 20
"""Columns whose importance for the model as a whole is measured: those with the largest attributions."""
MOST_ROWS: Final = 1000
"""Rows that this is measured on: asking is cheap where nothing is explained."""


def of_the_weights(system: ExplainedSystem, run: Run, portion: Portion, explained: Attributions) -> Iterator[Metric]:
    """Integrated gradients of the same layers with the weights exchanged: like nothing that was learnt."""
    if system.function is None or not isinstance(system.model, LayeredModel):
        return
    from touchstone.methods.explanation.white_box import answers_of, randomised

    try:
        network = system.model.network()
    except UnavailableError:
        return  # not a chain of layers, so there are no weights to exchange
    _, slopes = answers_of(randomised(network, run.generator("exchanged weights")))
    other = integrated_gradients(slopes, portion.x, portion.y, portion.baseline)
    correlation = rank_correlation(explained, system.explainer.parts.sums(other))
    yield mean_metric("model_randomisation_rank_correlation", "spearman", correlation, better="lower")


def under_attack(system: ExplainedSystem, run: Run, portion: Portion, explained: Attributions) -> Iterator[Metric]:
    """How many of the top parts of integrated gradients an attacker leaves, who must not change the answer."""
    if system.function is None or not system.radius.any():
        return
    from touchstone.methods.explanation.white_box import attack_explanations

    parts, few = system.explainer.parts, slice(ATTACKED[run.budget])
    top = min(parts.count, max(2, parts.count // TOP_SHARE))
    x, y, baseline = portion.x[few], portion.y[few], portion.baseline[few]
    moved = attack_explanations(
        system.function, x, y, baseline, parts, top, system.box(x), run.generator("attack on explanations")
    )
    contradicted = system.model.labels(moved) != y
    moved[contradicted] = x[contradicted]
    after = system.explainer.explain("integrated_gradients", moved, y, run.generator("attacked"))
    overlap = top_overlap(explained[few], after, top)
    yield mean_metric("top_part_overlap_under_attack", "share", overlap)


def of_the_columns(system: ExplainedSystem, run: Run, explained: Attributions) -> Iterator[Metric]:
    """What the accuracy of a classifier of tables rests on, with bounds that hold for all columns together."""
    rows = slice(MOST_ROWS)
    target = system.target(rows)
    if not system.explainer.table or target is None:
        return
    listed = np.argsort(-np.abs(explained).mean(axis=0), kind="stable")[:LISTED]
    place = np.full(system.explainer.parts.count, len(listed))
    place[listed] = np.arange(len(listed))
    losses = replacement_losses(
        system.model.labels,
        system.samples(rows),
        target,
        system.explainer.contrast.background,
        Parts(place),
        run.generator("importance"),
    )
    names = system.names()
    for at, column in enumerate(listed):
        yield mean_metric("global_importance", "points", losses[:, at], names[column], looks=len(listed))
