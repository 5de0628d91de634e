"""What a person can look at: heat maps over samples, and how much each part counts on average."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.canonical import canonical_json
from touchstone.checks.governance.explained_system import ExplainedSystem
from touchstone.checks.governance.explainer import Method
from touchstone.checks.system_resilience.pictures import Picture, picture_sheet
from touchstone.methods.explanation.attribution import Attributions
from touchstone.records import number, plain

SHOWN: Final = 6
GROUND: Final = 0.35
"""How much of the sample shines through its heat map."""


def part_table(names: list[str], explained: Mapping[Method, Attributions]) -> bytes:
    """Mean attribution and mean size of the attribution of each part, for each method."""
    return canonical_json(
        {
            method: [
                {"part": name, "mean": plain(number(float(mean))), "mean_size": plain(number(float(size)))}
                for name, mean, size in zip(
                    names, attributions.mean(axis=0), np.abs(attributions).mean(axis=0), strict=True
                )
            ]
            for method, attributions in explained.items()
        }
    )


def heat_maps(system: ExplainedSystem, labels: list[str], explained: Mapping[Method, Attributions]) -> bytes:
    """A PNG: samples on top, below each the heat map of every method; red speaks for the answer, blue against it."""
    x = system.samples(slice(SHOWN))
    answers = system.model.labels(x)
    low, width = np.float32(system.range.low), np.float32(system.range.high - system.range.low)
    columns: dict[str, list[Picture]] = {}
    for place, sample in enumerate((system.layout.channels_first(x) - low) / width):
        columns[f"{system.rows[place]}_{labels[answers[place]][:12]}"] = [
            sample if len(sample) == 3 else np.repeat(sample[:1], 3, axis=0),
            *(_heat(sample, each[place], system) for each in explained.values()),
        ]
    return picture_sheet(columns)


def _heat(sample: Picture, attribution: NDArray[np.float64], system: ExplainedSystem) -> Picture:
    strongest = float(np.abs(attribution).max())
    strength = system.explainer.parts.picture(attribution / strongest if strongest > 0 else attribution).astype(
        np.float32
    )
    signed = system.layout.channels_first(strength[None])[0][0]
    grey = GROUND * sample.mean(axis=0)
    against, speaks = np.clip(-signed, 0, 1), np.clip(signed, 0, 1)
    shade = [grey + (1 - GROUND) * speaks, grey, grey + (1 - GROUND) * against]
    return np.asarray(shade, dtype=np.float32)
