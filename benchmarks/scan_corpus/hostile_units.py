"""What a unit of the hostile corpus is: bytes, and what is known about them because we wrote them.

Every payload is inert: it asks for the process number, prints, echoes, or names a path or host that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

SEED: Final = 20260901
"""The published seed. The same seed gives the same bytes."""

Class = Literal["code", "resource", "integrity"]
"""Runs code or reaches files or the network (must be caught) · exhausts the loader · hides, adds or contradicts."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One file of the corpus, or one folder of files that belong together."""

    path: str
    """Below the corpus folder. The first part is the family."""
    data: bytes | Mapping[str, bytes]
    """Bytes of the file; or the files of a folder by their paths."""
    kind: Class
    format: str
    threat: str
    """What the bytes do, in one line."""
    loader: str
    """Who is affected: the function that acts on the bytes."""
    expect: str
    """What a scanner should say."""
    load_with: str = ""
    """Harness that may load it to prove the label (`hostile_verify.py`); empty where loading is not inert."""
    proof: str = ""
    """What the harness must see: `module:function` that is called, or `audit:event`."""

    @property
    def pickle_family(self) -> bool:
        """Whether a pickle does the harm, bare or within arrays and archives."""
        return self.path.split("/", 1)[0] in PICKLE_FAMILIES


PICKLE_FAMILIES: Final = frozenset({"pickle", "joblib", "numpy", "torch", "nested"})
