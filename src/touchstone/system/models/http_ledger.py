"""What was asked of a service, and what may still be asked: the query budget, and the log that evidence can show."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from typing import Any, Final

from touchstone.errors import BudgetSpentError
from touchstone.text import Text

LATENCIES: Final = (1, 3, 10, 30, 100, 300, 1000, 3000, 10_000, 30_000)
"""Upper edges, in milliseconds, of the classes in which latencies are counted."""


class RequestLedger:
    """Counts of all requests of one handle; safe to use from several threads.

    `queries` is the most samples that may be sent, `retries` the most times that requests may be sent again, both over
    the life of the handle; a budget of `None` is no limit.
    """

    def __init__(self, where: str, queries: int | None, retries: int) -> None:
        self._where = where
        self._lock = threading.Lock()
        self._budget = queries
        self._retries_allowed = retries
        self._sent = 0
        self._remembered = 0
        self._requests = 0
        self._waited = 0.0
        self._batches: Counter[int] = Counter()
        self._retried: Counter[str] = Counter()
        self._latencies = [0] * (len(LATENCIES) + 1)

    @property
    def left(self) -> int | None:
        """Samples that may still be sent; `None` where nothing limits them."""
        return None if self._budget is None else self._budget - self._sent

    def take(self, samples: int) -> None:
        """Draw on the budget before sending. Raises `BudgetSpentError`, and draws nothing, when it does not suffice."""
        with self._lock:
            left = self.left
            if left is not None and samples > left:
                raise BudgetSpentError(
                    Text(
                        f"the query budget of {self._budget:,} samples is spent: {samples:,} more were needed, "
                        f"{left:,} are left",
                        f"查询预算（{self._budget:,} 个样本）已用尽：还需 {samples:,} 个，仅剩 {left:,} 个",
                    ),
                    self._where,
                    Text(
                        "raise model.endpoint_queries, or choose a smaller budget for the assessment",
                        "请调高 model.endpoint_queries，或为评测选择较小的预算",
                    ),
                )
            self._sent += samples

    def give_back(self, samples: int) -> None:
        """The service turned the request away unanswered."""
        with self._lock:
            self._sent -= samples

    def asked(self, samples: int, seconds: float) -> None:
        """One request was answered, after that time."""
        with self._lock:
            self._requests += 1
            if samples:
                self._batches[samples] += 1
            self._latencies[bisect_left(LATENCIES, 1000 * seconds)] += 1

    def may_retry(self, reason: str, wait: float) -> bool:
        """Count one more attempt at a request that failed for that reason; false once too many were made."""
        with self._lock:
            if self._retried.total() >= self._retries_allowed:
                return False
            self._retried[reason] += 1
            self._waited += wait
            return True

    def recalled(self, samples: int) -> None:
        """Answers came from memory, and were not asked for again."""
        with self._lock:
            self._remembered += samples

    def summary(self) -> dict[str, Any]:
        """The log as plain data. What is under `timing` differs between runs of the same questions."""
        with self._lock:
            return {
                "samples_sent": self._sent,
                "samples_remembered": self._remembered,
                "budget": self._budget,
                "budget_left": self.left,
                "batch_sizes": {str(size): count for size, count in sorted(self._batches.items())},
                "timing": {
                    "answered_requests": self._requests,
                    "latencies_ms": {
                        **{f"<= {edge}": self._latencies[place] for place, edge in enumerate(LATENCIES)},
                        f"> {LATENCIES[-1]}": self._latencies[-1],
                    },
                    "retries": dict(sorted(self._retried.items())),
                    "waited_ms": round(1000 * self._waited),
                },
            }
