"""Many near-identical questions from one client: what an attack that knows the answers only must ask.

Each picture is reduced to a few hashes of quantised windows, so that small changes leave most of them as they were
(as in Li et al. 2022, "Blacklight: scalable defense for neural networks against query-based black-box attacks", USENIX
Security). A question that shares many hashes with one of the same client's earlier questions is suspicious. Attackers
who spread over many clients, wait, or space their questions out (Feng et al. 2023, "Stateful defenses for machine
learning models are not yet secure against black-box attacks", CCS) are not seen.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.detectors.threshold import FALSE_ALARMS, conformal_threshold

_REMEMBERED: Final = 8
"""Most recent questions that are kept for one hash: an attack's latest questions are its nearest."""
_NONE: Final = np.uint64(2**64 - 1)


@dataclass(frozen=True, slots=True)
class QueryFingerprints:
    """How fingerprints are taken. Whoever knows the salt can plan around them: keep it secret."""

    low: float
    high: float
    levels: int
    """Levels of brightness that are told apart."""
    window: int
    """Elements of one window, in the order of memory."""
    kept: int
    """Hashes of a fingerprint: the smallest ones, so that the same windows are chosen again."""
    salt: int
    threshold: float


def fit(
    clean: NDArray[np.float32],
    held_out: NDArray[np.float32],
    *,
    low: float,
    high: float,
    salt: int,
    levels: int = 6,
    window: int = 20,
    kept: int = 50,
    false_alarms: float = FALSE_ALARMS,
) -> QueryFingerprints:
    """From clean pictures of distinct things with values from `low` to `high`.

    The threshold holds for a new picture against a history of as many distinct pictures as `clean` has.
    """
    unset = QueryFingerprints(low, high, levels, window, kept, salt, np.inf)
    history = QueryHistory(unset, lifetime=np.inf, most=len(clean))
    for row in fingerprints(unset, clean):
        history.remember(row, 0.0)
    scores = np.array([history.similarity(row) for row in fingerprints(unset, held_out)])
    return replace(unset, threshold=conformal_threshold(scores, false_alarms))


def fingerprints(record: QueryFingerprints, x: NDArray[np.float32]) -> NDArray[np.uint64]:
    """The fingerprint of each picture `(n, *shape)`: sorted hashes `(n, kept)`, filled up with the largest number.

    A hash is of the values of one window and its place. Windows without any change of brightness are left out: every
    picture has such.
    """
    levels = np.clip(np.rint((x - record.low) / (record.high - record.low) * (record.levels - 1)), 0, 255)
    flat = levels.reshape(len(x), -1).astype(np.uint64)
    window = min(record.window, flat.shape[1])
    powers = np.random.default_rng([record.salt, window]).integers(1, 2**63, size=window, dtype=np.uint64) | np.uint64(
        1
    )
    places = flat.shape[1] - window + 1
    sums = np.zeros((len(x), places), dtype=np.uint64)
    for offset in range(window):
        sums += flat[:, offset : offset + places] * powers[offset]
    changes = np.cumsum(np.pad(flat[:, 1:] != flat[:, :-1], ((0, 0), (1, 0))), axis=1)
    empty = changes[:, window - 1 :] == changes[:, :places]
    hashes = _mixed(sums + np.arange(places, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    hashes[empty] = _NONE
    missing = max(record.kept - places, 0)
    hashes = np.pad(hashes, ((0, 0), (0, missing)), constant_values=_NONE)
    return np.sort(np.partition(hashes, record.kept - 1, axis=1)[:, : record.kept], axis=1)


def score(history: QueryHistory, row: NDArray[np.uint64], now: float) -> float:
    """How much one client's new question resembles an earlier one, from 0 to 1; it joins the history.

    `row` is one row of :func:`fingerprints`, `now` the time in seconds on any clock that never goes back.
    """
    history.forget(now)
    found = history.similarity(row)
    history.remember(row, now)
    return found


@dataclass(slots=True)
class QueryHistory:
    """One client's questions of the last `lifetime` seconds, at most `most` of them."""

    record: QueryFingerprints
    lifetime: float
    most: int
    _questions: OrderedDict[int, tuple[float, tuple[int, ...]]] = field(default_factory=OrderedDict)
    _by_hash: dict[int, deque[int]] = field(default_factory=dict)
    _next: int = 0

    def __len__(self) -> int:
        return len(self._questions)

    def similarity(self, row: NDArray[np.uint64]) -> float:
        """The largest share of the hashes that one earlier question has as well."""
        counts: dict[int, int] = {}
        hashes = _present(row)
        for one in hashes:
            for question in self._by_hash.get(one, ()):
                counts[question] = counts.get(question, 0) + 1
        return max(counts.values(), default=0) / max(len(hashes), 1)

    def remember(self, row: NDArray[np.uint64], now: float) -> None:
        """Take a question up; the oldest makes room."""
        if len(self._questions) >= self.most:
            self._drop_oldest()
        hashes = _present(row)
        self._questions[self._next] = (now, hashes)
        for one in hashes:
            self._by_hash.setdefault(one, deque(maxlen=_REMEMBERED)).append(self._next)
        self._next += 1

    def forget(self, now: float) -> None:
        """Drop questions whose time is over."""
        while self._questions and next(iter(self._questions.values()))[0] < now - self.lifetime:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        number, (_, hashes) = self._questions.popitem(last=False)
        for one in hashes:
            questions = self._by_hash[one]
            if questions and questions[0] == number:
                questions.popleft()
            if not questions:
                del self._by_hash[one]


class QueryDetector:
    """The histories of all clients. Of more than `clients`, the one that was silent longest is forgotten."""

    def __init__(
        self, record: QueryFingerprints, *, lifetime: float = 3600.0, most: int = 10_000, clients: int = 10_000
    ) -> None:
        self.record = record
        self._lifetime, self._most, self._clients = lifetime, most, clients
        self._histories: OrderedDict[str, QueryHistory] = OrderedDict()

    def scores(self, client: str, x: NDArray[np.float32], now: float) -> NDArray[np.float64]:
        """How much each of a client's new questions `(n, *shape)` resembles an earlier one, `(n,)`."""
        history = self._histories.setdefault(client, QueryHistory(self.record, self._lifetime, self._most))
        self._histories.move_to_end(client)
        while len(self._histories) > self._clients:
            self._histories.popitem(last=False)
        return np.array([score(history, row, now) for row in fingerprints(self.record, x)])


def _present(row: NDArray[np.uint64]) -> tuple[int, ...]:
    return tuple(row[row != _NONE].tolist())


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A well mixed 64 bit number of each (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)))
