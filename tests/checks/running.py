"""A real `Run` inside the test process, for tests that call a check directly."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from touchstone.canonical import digest_of
from touchstone.checks.declaration import Measurement
from touchstone.records import Budget, Exhibit, Metric, StoppingLimit

METHOD_CODE = re.compile(r"[a-z0-9-]+(/[a-z0-9+-]+)*")
"""What names the way bounds were found: a short code, the same in every language, never prose."""


class InProcessRun:
    """Runs a check here and now; keeps what it exhibits in `kept`, its last progress in `fraction`."""

    def __init__(self, seed: str = "test", budget: Budget = "quick", limits: Sequence[StoppingLimit] = ()) -> None:
        self._seed = seed
        self._budget = budget
        self._limits = tuple(limits)
        self.kept: dict[str, bytes] = {}
        self.fraction = 0.0

    @property
    def budget(self) -> Budget:
        return self._budget

    def generator(self, purpose: str) -> np.random.Generator:
        entropy = int.from_bytes(hashlib.sha256(f"{self._seed}/{purpose}".encode()).digest(), "big")
        return np.random.default_rng(np.random.SeedSequence(entropy))

    def decided(self, metrics: Sequence[Metric]) -> bool:
        """Whether every limit is met or missed by the bounds; never without limits."""
        return bool(self._limits) and all(
            any(metric.id == limit.metric for metric in metrics)
            and all(_settled(metric, limit) for metric in metrics if metric.id == limit.metric)
            for limit in self._limits
        )

    def exhibit(self, name: str, media_type: str, content: bytes) -> Exhibit:
        assert "/" not in name
        assert name not in self.kept
        self.kept[name] = content
        return Exhibit(name=name, media_type=media_type, digest=digest_of(content), size=len(content))

    def progress(self, fraction: float) -> None:
        assert 0.0 <= fraction <= 1.0
        self.fraction = fraction


def _settled(metric: Metric, limit: StoppingLimit) -> bool:
    if limit.bound in ("point", "exact"):
        return True
    if metric.low is None or metric.high is None:
        return False
    if limit.op == ">=":
        return metric.low >= limit.value or metric.high < limit.value
    return metric.high <= limit.value or metric.low > limit.value


def metric(measurement: Measurement, name: str, part: str | None = None) -> Metric:
    """The one metric of that name, on that slice."""
    [found] = [each for each in measurement.metrics if (each.id, each.slice) == (name, part)]
    return found


def codes(measurement: Measurement) -> list[str]:
    """What the warnings are about."""
    return [note.code for note in measurement.warnings]
