"""`touchstone keys`: make and show signing keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchstone.cli.language import say

if TYPE_CHECKING:
    from touchstone.signatures.keys import Purpose


@click.group("keys", help=say("Make and show signing keys.", "生成与查看签名密钥。"))
def command() -> None:
    """Groups the key commands."""


@command.command(
    "generate",
    help=say(
        "Write a new key pair: PATH (private, encrypted) and PATH.pub (to hand out).",
        "生成新的密钥对：PATH（私钥，加密）与 PATH.pub（可公开）。",
    ),
)
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--for",
    "purpose",
    type=click.Choice(["statements", "log", "witness"]),
    default="statements",
    show_default=True,
    help=say(
        "what the key will sign: statements (ECDSA P-256), or a log's or witness's checkpoints (Ed25519)",
        "密钥用途：签署声明（ECDSA P-256），或签署日志、见证方的检查点（Ed25519）",
    ),
)
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    help=say("take the passphrase from the first line of this file", "从该文件首行读取口令"),
)
@click.option("--without-passphrase", is_flag=True, help=say("do not encrypt the private key", "不加密私钥"))
def generate(path: Path, purpose: Purpose, passphrase_file: Path | None, *, without_passphrase: bool) -> None:
    """Make a key pair; asks for a passphrase unless told where it is."""
    from touchstone.cli.signing import new_passphrase
    from touchstone.signatures import keys

    passphrase = new_passphrase(path, passphrase_file, without_passphrase=without_passphrase)
    public = keys.generate(path, passphrase) if purpose == "statements" else keys.generate_log_key(path, passphrase)
    click.echo(say(f"private key: {path}", f"私钥：{path}"))
    click.echo(say(f"public key:  {keys.public_half(path)}", f"公钥：{keys.public_half(path)}"))
    click.echo(say(f"key id:      {public.id} ({public.algorithm})", f"密钥标识：{public.id}（{public.algorithm}）"))
    if passphrase is None:
        click.echo(say("The private key is not encrypted.", "私钥未加密。"), err=True)


@command.command("show", help=say("Show the id of a public key.", "查看公钥的标识。"))
@click.argument("path", type=click.Path(path_type=Path))
def show(path: Path) -> None:
    """Print what a public key is called in envelopes, and the key itself."""
    from touchstone.signatures.keys import load_any_public_key

    key = load_any_public_key(path)
    click.echo(f"{key.algorithm} {key.id}")
    click.echo(key.pem.decode(), nl=False)
