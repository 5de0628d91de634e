"""How many samples a verdict on robustness needs, and what bounds it has earned by then.

Samples are attacked in random order and looked at as their number grows. At each look the share of broken samples has
exact Clopper-Pearson bounds at the error divided by the number of looks, so that all of them hold together whenever
one stops. A broken sample is a proof, whatever broke it: a limit is missed on the strength of a quick attack. That a
limit is met is said only after the survivors of the quick attack withstood the whole ensemble (the audit).

Where survivors are many a random part of them is audited, and all of them as soon as one of these breaks. If none did,
the upper bound pays for those that were left out: of samples that stood, the audit breaks at most the Clopper-Pearson
bound of none in the part.
"""

from __future__ import annotations

from typing import Final

from touchstone.statistics import LOOKS, proportion_bounds

MOST_AUDITED: Final = 100
"""Survivors up to this number are all audited."""
AUDIT_SAMPLE: Final = 60
"""Survivors that are audited first where there are more."""


def looks_at(samples: int) -> list[int]:
    """Numbers of samples at which the test may stop."""
    return [*(look for look in LOOKS if look < samples), samples]


def questions(looks: int, samples: int) -> int:
    """Statements among which the error is divided: a look has two ways to answer where a part may be audited."""
    return 2 * looks if samples > MOST_AUDITED else looks


def broken_bounds(broken: int, n: int, *, looks: int, part: int | None = None) -> tuple[float, float]:
    """Bounds of the share of samples that quick attack or audit break, valid over `looks` statements together.

    `part` is the size of the random part of the survivors that was audited, and stood; `None` when none was left out.
    """
    if part is None:
        return proportion_bounds(broken, n, looks=looks)
    low, _ = proportion_bounds(broken, n, looks=looks)
    _, quick = proportion_bounds(broken, n, looks=2 * looks)
    _, missed = proportion_bounds(0, part, looks=2 * looks)
    return low, quick + (1.0 - quick) * missed
