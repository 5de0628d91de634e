"""Tests of the test of group fairness: groups drawn by lot, and a gap made on purpose."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.governance.group_gaps import GAPS, TRUE_POSITIVE_RATE_GAP, comparable, comparisons
from touchstone.methods.group_fairness import groups_by_attribute
from touchstone.methods.groups import Membership
from touchstone.records import ControlRun
from touchstone.text import Text

NULL_CONFIDENCE = 0.9999
"""Confidence of the bounds in the null control, so that all gaps together cry wolf about once in a thousand runs."""

PLANTED_GAP = 0.3
"""Difference in true positive rate that the planted control makes."""


def permuted_groups(
    selected: NDArray[np.bool_],
    positive: NDArray[np.bool_],
    attributes: Mapping[str, Membership],
    least: int,
    generator: np.random.Generator,
) -> ControlRun:
    """Among groups drawn by lot there is no gap, and none may be proven."""
    lot = generator.permutation(len(selected))
    groups = groups_by_attribute(selected[lot], positive[lot], attributes)
    proven = []
    for gap in GAPS:
        by_attribute = comparisons(gap, groups, least, NULL_CONFIDENCE)
        if any(each.high < 1 if gap.better == "higher" else each.low > 0 for each in by_attribute.values()):
            proven.append(gap.metric)
    listed = ", ".join(proven)
    return ControlRun(
        kind="null",
        expected=Text("people assigned to groups by lot: no gap proven", "随机分组：不应检出差距"),
        seen=Text(f"gap in {listed}", f"检出差距：{listed}") if proven else Text("no gap proven", "未检出差距"),
        passed=not proven,
    )


def planted_gap(
    selected: NDArray[np.bool_],
    positive: NDArray[np.bool_],
    attributes: Mapping[str, Membership],
    least: int,
    generator: np.random.Generator,
) -> ControlRun:
    """A gap made in the smallest group compared must be proven, or the groups are too small for this test."""
    groups = groups_by_attribute(selected, positive, attributes)
    candidates = [
        (group.positives, group.name, attribute)
        for attribute in sorted(attributes)
        if (attribute,) in comparable(groups, "true_positive_rate", least)
        for group in groups[attribute,]
        if group.positives >= least
    ]
    if not candidates:
        return ControlRun(
            kind="planted",
            expected=Text("a planted gap is found", "应检出植入的差距"),
            seen=Text(
                f"no two groups with {least} positive samples each to plant it in",
                f"没有两个各含至少 {least} 个阳性样本的群体可供植入",
            ),
            passed=False,
        )
    positives, name, attribute = min(candidates)
    of = attributes[attribute]
    members = positive & (of.of == of.names.index(name.removeprefix(f"{attribute}=")))
    spoilt = _without_gap(selected, positive, generator)
    withheld = bool(spoilt[positive].mean() >= 0.5)
    changeable = np.flatnonzero(members & (spoilt == withheld))
    changed = generator.choice(changeable, size=min(len(changeable), round(PLANTED_GAP * positives)), replace=False)
    spoilt[changed] = not withheld
    by_attribute = comparisons(TRUE_POSITIVE_RATE_GAP, groups_by_attribute(spoilt, positive, attributes), least)
    found = by_attribute[attribute,]
    return ControlRun(
        kind="planted",
        expected=Text(
            f"true positive rate of {name} ({positives} positives) moved by {PLANTED_GAP}: a gap is found",
            f"将 {name}（{positives} 个阳性样本）的真阳性率移动 {PLANTED_GAP}：应检出差距",
        ),
        seen=Text(
            f"gap of {found.value:.3f}, at least {found.low:.3f}",
            f"差距 {found.value:.3f}，至少为 {found.low:.3f}",
        ),
        passed=found.low > 0,
    )


def _without_gap(
    selected: NDArray[np.bool_], positive: NDArray[np.bool_], generator: np.random.Generator
) -> NDArray[np.bool_]:
    """The same decisions, exchanged by lot among people with the same truth."""
    exchanged = selected.copy()
    for truth in (positive, ~positive):
        exchanged[truth] = generator.permutation(selected[truth])
    return exchanged
