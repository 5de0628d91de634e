"""What the report of group fairness shows beside the gaps: every group, and what to know of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from touchstone.canonical import canonical_json
from touchstone.checks.governance.group_gaps import JUDGED, RATE_TITLES, Groups, comparable
from touchstone.methods.group_fairness import RATES, Group, Rate, Share, differs
from touchstone.methods.multiplicity import holm
from touchstone.records import Note, number, plain
from touchstone.statistics import CONFIDENCE, proportion_bounds
from touchstone.text import Text

Json = dict[str, Any]

LISTED = 20
"""Groups named in a warning; the exhibit holds them all."""


def group_table(groups: Groups) -> bytes:
    """Counts of every group, and all its rates with bounds of their own."""

    def shown(share: Share) -> Json:
        if share.n == 0:
            return {"n": 0}
        low, high = proportion_bounds(share.successes, share.n)
        return {"n": share.n} | {
            name: plain(number(each)) for name, each in (("rate", share.value), ("low", low), ("high", high))
        }

    def row(group: Group) -> Json:
        return {
            "group": group.name,
            "samples": group.samples,
            "selected": group.selected,
            "positives": group.positives,
            "selected_positives": group.selected_positives,
            "rates": {rate: shown(group.share(rate)) for rate in RATES},
        }

    return canonical_json(
        [
            {"attributes": list(attributes), "groups": [row(group) for group in members]}
            for attributes, members in groups.items()
        ]
    )


def standing_out(groups: Groups, least: int) -> Iterator[Note]:
    """Groups whose rate certainly differs from that of all others, and to which side: where a remedy begins.

    Exact tests of every large enough group against the rest, all of them together wrong once in twenty times (Holm).
    """
    tested: list[tuple[Group, Rate, bool]] = []
    p_values: list[float] = []
    for rate in JUDGED:
        for members in groups.values():
            large = [group for group in members if group.share(rate).n >= least]
            if len(large) < 2:
                continue
            successes, n = (sum(getattr(group.share(rate), part) for group in large) for part in ("successes", "n"))
            tested += [(group, rate, group.share(rate).value * n < successes) for group in large]
            p_values += differs(large, rate).tolist()
    certain = holm(np.array(p_values), 1.0 - CONFIDENCE)
    found = [each for each, is_certain in zip(tested, certain, strict=True) if is_certain]
    if found:
        more = f" … ({len(found)})" if len(found) > LISTED else ""
        english = "; ".join(
            f"{group.name}: {RATE_TITLES[rate].en} {'below' if below else 'above'} the others"
            for group, rate, below in found[:LISTED]
        )
        chinese = "；".join(
            f"{group.name}：{RATE_TITLES[rate].zh}{'低于' if below else '高于'}其他群体"
            for group, rate, below in found[:LISTED]
        )
        yield Note(
            code="groups-that-stand-out",
            text=Text(f"proven, all together: {english}{more}", f"（整体显著）已证实：{chinese}{more}"),
        )


def small_groups(groups: Groups, least: int) -> Iterator[Note]:
    """Groups that were not compared, because too few members are behind a rate."""
    small = [
        (group.name, rate, group.share(rate).n)
        for members in groups.values()
        for group in members
        for rate in JUDGED
        if group.share(rate).n < least
    ]
    if small:
        more = f" … ({len(small)})" if len(small) > LISTED else ""
        english = "; ".join(f"{name}: {RATE_TITLES[rate].en} (n = {n})" for name, rate, n in small[:LISTED])
        chinese = "；".join(f"{name}：{RATE_TITLES[rate].zh}（n = {n}）" for name, rate, n in small[:LISTED])
        yield Note(
            code="small-groups",
            text=Text(
                f"not compared, fewer than {least} samples behind the rate: {english}{more}",
                f"以下群体的比率所依据的样本少于 {least}，未参与比较：{chinese}{more}",
            ),
        )


def nothing_to_compare(groups: Groups, least: int) -> Iterator[Note]:
    """Rates of which no two groups are large enough."""
    for rate in JUDGED:
        if not comparable(groups, rate, least):
            yield Note(
                code="nothing-to-compare",
                text=Text(
                    f"no two groups are large enough to compare their {RATE_TITLES[rate].en}",
                    f"没有两个群体大到足以比较其{RATE_TITLES[rate].zh}",
                ),
            )
