"""Randomness that nobody chooses: every seed follows from where it comes from and the identity of the check.

It comes from the digest of the system, which its supplier could vary until the tests go well; or, stronger, from a
number (nonce) that somebody else gives once the plan is signed, so that nobody could know it beforehand.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from touchstone.canonical import Digest, digest_of

if TYPE_CHECKING:
    import numpy as np


def seed_of(origin: Digest, check_id: str, check_version: str) -> str:
    """Seed of one check: 64 hexadecimal digits. `origin` is the system's digest, or :func:`drawn` from a nonce."""
    return hashlib.sha256(f"touchstone-seed/v1\n{origin}\n{check_id}\n{check_version}".encode()).hexdigest()


def drawn(plan: Digest, nonce: str) -> Digest:
    """The origin of all seeds of a plan, once the nonce is given that the plan waited for."""
    return digest_of(f"touchstone-seed/v2\n{plan}\n{nonce}".encode())


def generator_of(seed: str, purpose: str) -> np.random.Generator:
    """An independent generator for each purpose a check names."""
    import numpy as np

    entropy = hashlib.sha256(f"{seed}\n{purpose}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(entropy, "big")))
