"""Secrets are readable by their owner only, and sealed by a passphrase."""

from __future__ import annotations

from pathlib import Path

import pytest

from touchstone.errors import EvidenceError
from touchstone.evidence.secret_file import read_secret, write_secret


@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
def test_what_is_written_is_read_by_its_owner_alone(tmp_path: Path, passphrase: bytes | None) -> None:
    path = tmp_path / "secret"
    write_secret(path, b"canary", passphrase)
    assert path.stat().st_mode & 0o777 == 0o600
    assert (b"canary" in path.read_bytes()) == (passphrase is None)
    assert read_secret(path, passphrase) == b"canary"
    with pytest.raises(EvidenceError, match="cannot be written"):
        write_secret(path, b"other", passphrase)
    path.chmod(0o640)
    with pytest.raises(EvidenceError, match="others than its owner"):
        read_secret(path, passphrase)


def test_only_the_passphrase_opens_it_and_only_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_secret(path, b"canary", b"correct horse")
    for passphrase, why in ((None, "no passphrase"), (b"wrong", "does not open")):
        with pytest.raises(EvidenceError, match=why):
            read_secret(path, passphrase)
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"sealed": "', b'"sealed": "AAAA'))
    with pytest.raises(EvidenceError, match="does not open"):
        read_secret(path, b"correct horse")
