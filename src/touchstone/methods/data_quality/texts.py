"""Texts that share most of their wording: MinHash signatures find candidates, the shared shingles decide.

Broder 1997 (resemblance of documents); Leskovec, Rajaraman and Ullman 2020, Mining of Massive Datasets, chapter 3
(banding). Shingles are of characters, so that Chinese needs no segmentation.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SHINGLE = 5
"""Characters of a shingle."""
SHORTEST = 24
"""Characters below which two texts may be equal by chance."""
BANDS, ROWS = 32, 4
"""Two texts with resemblance `s` become candidates with probability `1 - (1 - s**4)**32`: 0.999 at 0.7."""
LEAST_RESEMBLANCE = 0.6
"""Resemblance at which a pair is near whatever the rest of the set is like."""
_PRIME = np.uint64(2**31 - 1)


def normal_form(text: str) -> str:
    """The text without what spelling leaves open: width of letters, case, spaces, punctuation."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(letter for letter in folded if letter.isalnum())


def shingles(text: str) -> frozenset[int]:
    """Hashes of all runs of `SHINGLE` characters of the normal form."""
    letters = normal_form(text)
    runs = {letters[at : at + SHINGLE] for at in range(max(1, len(letters) - SHINGLE + 1))}
    return frozenset(int.from_bytes(hashlib.blake2b(run.encode(), digest_size=4).digest(), "big") >> 1 for run in runs)


def most_alike(
    texts: Sequence[frozenset[int]], others: Sequence[frozenset[int]], *, skip_self: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each text the place of the most alike of the others, and the resemblance (Jaccard), -1 and 0 for none."""
    buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
    for place, bands in enumerate(map(_bands, others)):
        for band, key in enumerate(bands):
            buckets[band, key].append(place)
    nearest, resemblance = np.full(len(texts), -1, dtype=np.int64), np.zeros(len(texts))
    for row, text in enumerate(texts):
        candidates = {place for band, key in enumerate(_bands(text)) for place in buckets.get((band, key), ())}
        for place in sorted(candidates - ({row} if skip_self else set())):
            shared = len(text & others[place])
            alike = shared / (len(text) + len(others[place]) - shared)
            if alike > resemblance[row]:
                nearest[row], resemblance[row] = place, alike
    return nearest, resemblance


def threshold(texts: Sequence[frozenset[int]]) -> float:
    """Resemblance from which two texts are near duplicates: half way from what is usual among these texts to equal.

    Letters and forms share their wording without being copies of one another. The usual is the highest resemblance of
    a text to any other of the same set, exceeded by one text in twenty.
    """
    usual = float(np.quantile(most_alike(texts, texts, skip_self=True)[1], 0.95)) if texts else 0.0
    return max(LEAST_RESEMBLANCE, (1.0 + usual) / 2.0)


def _bands(text: frozenset[int]) -> list[bytes]:
    values = np.fromiter(sorted(text), dtype=np.uint64, count=len(text))
    signature = ((_FACTORS[:, None] * values + _OFFSETS[:, None]) % _PRIME).min(axis=1)
    return [part.tobytes() for part in signature.reshape(BANDS, ROWS)]


def _constants(name: str) -> NDArray[np.uint64]:
    """Coefficients of the hash functions, the same everywhere: derived from a name, not drawn."""
    digests = (hashlib.sha256(f"{name}/{index}".encode()).digest() for index in range(BANDS * ROWS))
    return np.array([int.from_bytes(digest[:4], "big") >> 2 | 1 for digest in digests], dtype=np.uint64)


_FACTORS, _OFFSETS = _constants("factor"), _constants("offset")
