"""Claim: a verdict on robust accuracy that may stop early is wrong in at most 5 % of runs, whatever the true value.

Simulates 1,000 streams of samples for each of several true robust accuracies around a limit, with the looks and bounds
of the check `robust.adversarial`: quick attacks at each look, an audit of the survivors before the limit counts as met,
a part of them where they are many. A run is wrong when it says that the limit is met by a model whose robust accuracy
under the audit is below it, or missed by one that meets it. Samples are counted as drawn, audits as carried out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from record import keep
from touchstone.methods.attacks.sequential import AUDIT_SAMPLE, MOST_AUDITED, broken_bounds, looks_at, questions

LIMIT = 0.5
STREAMS = 1000
SAMPLES = 1000
FEWEST = 100
"""Samples before the limit may count as met: the standard budget."""
MISSED_BY_QUICK = (0.0, 0.01, 0.05)
"""Share of the survivors of quick attacks that the audit breaks."""
TRUE = (0.0, 0.1, 0.3, 0.4, 0.45, 0.49, 0.4999, 0.5, 0.51, 0.55, 0.6, 0.7, 0.9, 1.0)

bounds: Callable[[int, int, int | None, int], tuple[float, float]] = cache(
    lambda broken, n, part, looks: broken_bounds(broken, n, looks=looks, part=part)
)


Attack = Callable[[np.ndarray], np.ndarray]
"""Which of the samples with these numbers it breaks."""


def verdict(
    quick: Attack, audit: Attack, lot: np.random.Generator, *, samples: int = SAMPLES, limit: float = LIMIT
) -> tuple[str, int, int]:
    """One run: what it says, the samples it used and the audits it took."""
    looks = looks_at(samples)
    shared = questions(len(looks), samples)
    broken, audited = np.zeros((2, samples), dtype=bool)
    reached = 0
    for look in looks:
        broken[reached:look] = quick(np.arange(reached, look))
        reached = look
        low, high = bounds(int(broken[:look].sum()), look, None, shared)
        if 1 - low < limit:
            return "missed", look, int(audited.sum())
        if look < samples and (look < FEWEST or 1 - high < limit):
            continue
        for everyone in (False, True):
            left = np.flatnonzero(~broken[:look] & ~audited[:look])
            chosen = left
            if len(left) > MOST_AUDITED and not everyone:
                chosen = lot.choice(left, AUDIT_SAMPLE, replace=False)
            audited[chosen] = True
            broken[chosen] = audit(chosen)
            if len(chosen) < len(left) and broken[chosen].any():
                rest = np.setdiff1d(left, chosen)
                audited[rest] = True
                broken[rest] = audit(rest)
                chosen = left
            part = len(chosen) if len(chosen) < len(left) else None
            count = int(broken[:look].sum())
            low, high = bounds(count, look, part, shared)
            if part is None or 1 - high >= limit or 1 - bounds(count, look, None, shared)[1] < limit:
                break
        if 1 - low < limit:
            return "missed", look, int(audited.sum())
        if 1 - high >= limit:
            return "met", look, int(audited.sum())
    return "open", samples, int(audited.sum())


def simulated(true: float, missed: float, generator: np.random.Generator) -> dict[str, Any]:
    """All streams of one truth: `true` is the robust accuracy after the audit."""
    survives_quick = min(true / (1 - missed), 1.0)
    standing_after = true / survives_quick if survives_quick else 1.0
    said = []
    for _ in range(STREAMS):
        falls = generator.random(SAMPLES) >= survives_quick
        breaks = generator.random(SAMPLES) >= standing_after
        said.append(verdict(falls.__getitem__, breaks.__getitem__, generator))
    wrong = "missed" if true >= LIMIT else "met"
    return {
        "robust_accuracy": true,
        "audit_breaks": missed,
        "wrong": sum(word == wrong for word, _, _ in said) / STREAMS,
        "open": sum(word == "open" for word, _, _ in said) / STREAMS,
        "samples": round(float(np.mean([samples for _, samples, _ in said]))),
        "audits": round(float(np.mean([audits for _, _, audits in said]))),
    }


def main() -> None:
    """Every truth with every weakness of the quick attacks."""
    generator = np.random.default_rng(20250101)
    cells = [simulated(true, missed, generator) for missed in MISSED_BY_QUICK for true in TRUE]
    worst = max(cell["wrong"] for cell in cells)
    keep(
        "sequential_verdict",
        "realised error <= 5 % at every true robust accuracy",
        {
            "limit": LIMIT,
            "streams": STREAMS,
            "looks": looks_at(SAMPLES),
            "samples_of_a_fixed_test": SAMPLES,
            "worst_error": worst,
            "holds": worst <= 0.05,
            "cells": cells,
        },
    )


if __name__ == "__main__":
    main()
