"""Claim: away from the limit, smoothing in looks decides as 100,000 fixed samples do, from a fraction of them.

Agreeing answers are drawn from a binomial distribution with the probability of the own class under noise, as a model
would give them. Both ways decide the same question, whether the smoothed classifier keeps its answer within the
radius, with the same error: in looks of growing size, and once after 100,000 samples. "Near" are probabilities within
0.005 of the demanded one, where neither is expected to settle everything. Where the two differ, one of them abstains;
decisions that contradict each other are counted, and errors allow for a few.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from record import keep
from touchstone.methods.certified.smoothing import ERROR, FIXED_SAMPLES, Plan

RATIOS = (0.5, 1.0, 2.0)
"""Radius over sigma."""
PROBABILITIES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.98, 0.99, 0.999, 0.9999)
DRAWS = 4000
DRAWS_AT_LIMIT = 200_000
NEAR = 0.005


def decide(
    plan: Plan, probability: float, generator: np.random.Generator, draws: int = DRAWS
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Decisions (1, -1, or 0 for abstained) and samples of many runs."""
    decisions, samples = np.zeros(draws, dtype=np.int64), np.full(draws, plan.looks[-1])
    agreeing, still, taken = np.zeros(draws, dtype=np.int64), np.ones(draws, dtype=bool), 0
    for look, size in enumerate(plan.looks):
        agreeing += generator.binomial(size - taken, probability, draws)
        taken = int(size)
        yes, no = plan.decide(look, agreeing)
        decisions[still & yes], decisions[still & no] = 1, -1
        samples[still & (yes | no)] = size
        still &= ~(yes | no)
    return decisions, samples


def main() -> None:
    """Every probability at every radius."""
    generator = np.random.default_rng(7)
    rows: list[dict[str, Any]] = []
    wrong, contradictions = 0.0, 0
    for ratio in RATIOS:
        looks, once = Plan.for_radius(ratio, 1.0), Plan.for_radius(ratio, 1.0, looks=1)
        at_limit, _ = decide(looks, looks.demanded, generator, DRAWS_AT_LIMIT)
        wrong = max(wrong, float((at_limit == 1).mean()), float((at_limit == -1).mean()))
        for probability in (*PROBABILITIES, looks.demanded - 0.003, looks.demanded + 0.003):
            decided, samples = decide(looks, probability, generator)
            fixed, _ = decide(once, probability, generator)
            contradictions += int((decided * fixed < 0).sum())
            rows.append(
                {
                    "radius_over_sigma": ratio,
                    "demanded_probability": round(looks.demanded, 4),
                    "probability": round(probability, 4),
                    "near": bool(abs(probability - looks.demanded) < NEAR),
                    "samples_mean": round(float(samples.mean()), 1),
                    "saving": round(FIXED_SAMPLES / float(samples.mean()), 1),
                    "certified": round(float((decided == 1).mean()), 4),
                    "abstained": round(float((decided == 0).mean()), 4),
                    "agrees_with_fixed": round(float((decided == fixed).mean()), 4),
                }
            )
    away = [row for row in rows if not row["near"]]
    keep(
        "smoothing_samples",
        "away from the limit, smoothing in looks decides as 100,000 fixed samples do, from a fraction of them",
        {
            "error": ERROR,
            "runs_per_row": DRAWS,
            "looks": [int(size) for size in Plan.for_radius(1.0, 1.0).looks],
            "least_agreement_away_from_the_limit": min(row["agrees_with_fixed"] for row in away),
            "least_saving_away_from_the_limit": min(row["saving"] for row in away),
            "median_saving_away_from_the_limit": float(np.median([row["saving"] for row in away])),
            "contradictions": contradictions,
            "largest_share_of_wrong_decisions_at_the_limit": wrong,
            "rows": rows,
        },
    )


if __name__ == "__main__":
    main()
