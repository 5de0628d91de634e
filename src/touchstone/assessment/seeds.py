"""Randomness that nobody chooses: every seed follows from the digest of the system and the identity of the check."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from touchstone.canonical import Digest

if TYPE_CHECKING:
    import numpy as np


def seed_of(system: Digest, check_id: str, check_version: str) -> str:
    """Seed of one check on one system: 64 hexadecimal digits."""
    return hashlib.sha256(f"touchstone-seed/v1\n{system}\n{check_id}\n{check_version}".encode()).hexdigest()


def generator_of(seed: str, purpose: str) -> np.random.Generator:
    """An independent generator for each purpose a check names."""
    import numpy as np

    entropy = hashlib.sha256(f"{seed}\n{purpose}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(entropy, "big")))
