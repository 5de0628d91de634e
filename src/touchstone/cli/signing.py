"""A signing key for a command: from its file, with the passphrase from a file or from the person at the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchstone.cli.language import say

if TYPE_CHECKING:
    from touchstone.evidence.keys import SigningKey


def signing_key(path: Path, passphrase_file: Path | None) -> SigningKey:
    """Load the key at `path`; asks for the passphrase when the key is encrypted and no file holds it."""
    from touchstone.evidence.keys import is_encrypted, load_signing_key, read_passphrase

    if passphrase_file is not None:
        return load_signing_key(path, read_passphrase(passphrase_file))
    if is_encrypted(path):
        prompt = say(f"Passphrase of {path}", f"{path} 的口令")
        return load_signing_key(path, click.prompt(prompt, hide_input=True).encode())
    return load_signing_key(path, None)
