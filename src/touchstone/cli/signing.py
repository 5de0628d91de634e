"""A signing key for a command: from its file, with the passphrase from a file or from the person at the terminal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchstone.cli.language import say

if TYPE_CHECKING:
    from touchstone.evidence.keys import SigningKey


def signing_key(path: Path, passphrase_file: Path | None) -> SigningKey:
    """Load the key at `path`; asks for the passphrase when the key is encrypted and no file holds it."""
    from touchstone.errors import EvidenceError
    from touchstone.evidence.keys import is_encrypted, load_signing_key, read_passphrase
    from touchstone.text import Text

    if passphrase_file is not None:
        return load_signing_key(path, read_passphrase(passphrase_file))
    if is_encrypted(path) and not sys.stdin.isatty():
        raise EvidenceError(
            Text(
                "is encrypted, and there is no terminal to ask for its passphrase", "已加密，而当前没有终端可供输入口令"
            ),
            str(path),
            Text("name a file that holds it with --passphrase-file", "请用 --passphrase-file 指定存有口令的文件"),
        )
    if is_encrypted(path):
        prompt = say(f"Passphrase of {path}", f"{path} 的口令")
        return load_signing_key(path, click.prompt(prompt, hide_input=True).encode())
    return load_signing_key(path, None)
