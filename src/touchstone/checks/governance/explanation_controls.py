"""Tests of the test of explanations: an order by lot gains nothing, and a model that cheats is found out."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.declaration import Run
from touchstone.checks.governance.explainer import Explainer
from touchstone.methods.explanation.contrast import Contrast
from touchstone.methods.explanation.shortcut import trained_classifier, with_shortcut
from touchstone.records import ControlRun
from touchstone.statistics import mean_bounds
from touchstone.text import Text

NULL_CONFIDENCE: Final = 0.999
"""Confidence of the bound in the null control, so that it cries wolf at most about once in a thousand runs."""
EXPOSED: Final = 0.9
"""Share of samples whose most important part must be the planted one."""
CHEATED: Final = 40
"""Answers of the cheating model that are explained."""


def random_order_control(gains: NDArray[np.float64]) -> ControlRun:
    """`gains` `(n,)` of one order by lot over the mean of others: none may be proven."""
    low, _ = mean_bounds(gains, smallest=-1.0, confidence=NULL_CONFIDENCE)
    return ControlRun(
        kind="null",
        expected=Text("parts deleted in an order by lot: no gain proven", "按随机次序删除：不应检出增益"),
        seen=Text(f"gain of at least {low:.3f}", f"增益至少为 {low:.3f}"),
        passed=low <= 0,
    )


def shortcut_control(explainer: Explainer, names: list[str], run: Run) -> ControlRun:
    """The methods explain a model trained to cheat, on inputs of the same kind."""
    generator = run.generator("planted shortcut")
    parts = explainer.parts
    part = int(generator.integers(parts.count))
    cheated, labels = with_shortcut(explainer.contrast.background, parts, part, generator)
    model = trained_classifier(cheated, labels)
    planted = Explainer(
        model.odds,
        None if explainer.slopes is None else model.slopes,
        Contrast(cheated, model.labels(cheated), explainer.contrast.centre),
        parts,
        explainer.table,
    )
    x = cheated[:CHEATED]
    y = model.labels(x)
    shares = {
        method: float((planted.explain(method, x, y, generator).argmax(axis=1) == part).mean())
        for method in planted.methods
    }
    worst = min(shares, key=lambda method: shares[method])
    return ControlRun(
        kind="planted",
        expected=Text(
            f"a model trained on labels by lot that are written into part {names[part]}: every method calls that part "
            f"the most important one for at least {EXPOSED:.0%} of the answers",
            f"以随机标签训练、且标签被写入部位 {names[part]} 的模型："
            f"每种方法须对至少 {EXPOSED:.0%} 的判定将该部位列为最重要",
        ),
        seen=Text(
            f"{shares[worst]:.0%} by {worst}, the least of {len(shares)} methods",
            f"{len(shares)} 种方法中最低为 {worst} 的 {shares[worst]:.0%}",
        ),
        passed=shares[worst] >= EXPOSED,
    )
