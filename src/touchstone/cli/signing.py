"""What a command signs with: keys, whose passphrase is in a file or typed at the terminal, and whoever says when."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchstone.cli.language import say

if TYPE_CHECKING:
    from touchstone.laboratory.timestamping import Stamper
    from touchstone.signatures.keys import LogSigningKey, SigningKey

PASSPHRASE_FILE = click.option(
    "--passphrase-file", type=click.Path(path_type=Path), help=say("file with the key's passphrase", "密钥口令文件")
)
"""The option of every command that opens a signing key."""


def signing_key(source: Path | str, passphrase_file: Path | None) -> SigningKey:
    """Open a key for statements; asks for the passphrase or PIN when there must be one and no file holds it."""
    from touchstone.evidence.key_sources import open_signing_key

    return open_signing_key(str(source), passphrase_of(str(source), passphrase_file))


def log_signing_key(source: Path | str, passphrase_file: Path | None) -> LogSigningKey:
    """Open the key of a log or a witness in the same way."""
    from touchstone.evidence.key_sources import open_log_signing_key

    return open_log_signing_key(str(source), passphrase_of(str(source), passphrase_file))


def stamper(source: str, passphrase_file: Path | None) -> Stamper:
    """The timestamping authority at an address, or one's own in a folder."""
    from datetime import UTC, datetime

    from touchstone.laboratory.timestamp_authority import KEY, TimestampAuthority
    from touchstone.laboratory.timestamping import OwnAuthority, RemoteAuthority

    if source.startswith(("http://", "https://")):
        return RemoteAuthority(source)
    folder = Path(source)
    authority = TimestampAuthority.open(folder, passphrase_of(str(folder / KEY), passphrase_file))
    return OwnAuthority(authority, lambda: datetime.now(UTC))


def passphrase_of(source: str, passphrase_file: Path | None) -> bytes | None:
    """What opens an existing key."""
    from touchstone.errors import EvidenceError
    from touchstone.evidence.key_sources import needs_passphrase
    from touchstone.signatures.keys import read_passphrase
    from touchstone.text import Text

    if passphrase_file is not None:
        return read_passphrase(passphrase_file)
    if needs_passphrase(source) and not sys.stdin.isatty():
        raise EvidenceError(
            Text(
                "is encrypted, and there is no terminal to ask for its passphrase", "已加密，而当前没有终端可供输入口令"
            ),
            source,
            Text("name a file that holds it with --passphrase-file", "请用 --passphrase-file 指定存有口令的文件"),
        )
    if needs_passphrase(source):
        prompt = say(f"Passphrase of {source}", f"{source} 的口令")
        return str(click.prompt(prompt, hide_input=True)).encode()
    return None


def new_passphrase(path: Path, passphrase_file: Path | None, *, without_passphrase: bool) -> bytes | None:
    """What a new key is to be locked with; asks for it unless told where it is, or that there is none.

    Raises `EvidenceError`, before anything is asked, when there is a key at `path` already.
    """
    from touchstone.signatures.keys import read_passphrase, require_new

    if without_passphrase and passphrase_file is not None:
        raise click.UsageError(
            say("--passphrase-file contradicts --without-passphrase", "--passphrase-file 与 --without-passphrase 冲突")
        )
    require_new(path)
    if without_passphrase:
        return None
    if passphrase_file is not None:
        return read_passphrase(passphrase_file)
    prompt = say("Passphrase for the private key", "私钥口令")
    return str(click.prompt(prompt, hide_input=True, confirmation_prompt=True)).encode()
