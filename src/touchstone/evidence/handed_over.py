"""What a relying party hands over to be trusted: files of keys, certificates, roots and policies, opened safely."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from touchstone.evidence.files import read_regular
from touchstone.evidence.trust import Trusted
from touchstone.signatures.keys import load_public_key, read_key_file

if TYPE_CHECKING:
    from touchstone.evidence.sm2 import Sm2VerifyingKey
    from touchstone.evidence.timestamp import Authority
    from touchstone.tlog.policy import Policy as LogPolicy


def trusted_parties(keys: Collection[Path], root: Path | None, at: datetime) -> Trusted:
    """Everyone whose key was handed over, and everyone in the pinned root."""
    trusted = Trusted.of_keys(*map(load_public_key, keys))
    if root is not None:
        from touchstone.evidence.root import LARGEST_ROOT, read_root

        trusted += read_root(read_regular(root, str(root), largest=LARGEST_ROOT), str(root), at=at).trusted
    return trusted


def timestamping_authority(path: Path) -> Authority:
    """A timestamping authority by its certificates in PEM."""
    from touchstone.evidence.timestamp import LARGEST_RESPONSE, Authority

    return Authority.of_pem(read_regular(path, str(path), largest=LARGEST_RESPONSE), str(path))


def sm2_key(path: Path) -> Sm2VerifyingKey:
    """A public SM2 key in PEM."""
    from touchstone.evidence.sm2 import Sm2VerifyingKey

    return Sm2VerifyingKey.of_pem(read_key_file(path), str(path))


def log_policy(path: Path) -> LogPolicy:
    """The logs and witnesses that are trusted (C2SP tlog-policy)."""
    from touchstone.evidence.log_errors import log_errors
    from touchstone.tlog.policy import LARGEST_POLICY, Policy

    with log_errors():
        return Policy.parse(read_regular(path, str(path), largest=LARGEST_POLICY), str(path))
