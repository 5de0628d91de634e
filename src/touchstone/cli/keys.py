"""`touchstone keys`: make and show signing keys."""

from __future__ import annotations

from pathlib import Path

import click

from touchstone.cli.language import say


@click.group("keys", help=say("Make and show Ed25519 signing keys.", "生成与查看 Ed25519 签名密钥。"))
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
    "--passphrase-file",
    type=click.Path(path_type=Path),
    help=say("take the passphrase from the first line of this file", "从该文件首行读取口令"),
)
@click.option("--without-passphrase", is_flag=True, help=say("do not encrypt the private key", "不加密私钥"))
def generate(path: Path, passphrase_file: Path | None, *, without_passphrase: bool) -> None:
    """Make a key pair; asks for a passphrase unless told where it is."""
    from touchstone.evidence import keys

    if without_passphrase and passphrase_file is not None:
        raise click.UsageError(
            say("--passphrase-file contradicts --without-passphrase", "--passphrase-file 与 --without-passphrase 冲突")
        )
    keys.require_new(path)
    if without_passphrase:
        passphrase = None
    elif passphrase_file is not None:
        passphrase = keys.read_passphrase(passphrase_file)
    else:
        prompt = say("Passphrase for the private key", "私钥口令")
        passphrase = click.prompt(prompt, hide_input=True, confirmation_prompt=True).encode()
    public = keys.generate(path, passphrase)
    click.echo(say(f"private key: {path}", f"私钥：{path}"))
    click.echo(say(f"public key:  {keys.public_half(path)}", f"公钥：{keys.public_half(path)}"))
    click.echo(say(f"key id:      {public.id}", f"密钥标识：{public.id}"))
    if passphrase is None:
        click.echo(say("The private key is not encrypted.", "私钥未加密。"), err=True)


@command.command("show", help=say("Show the id of a public key.", "查看公钥的标识。"))
@click.argument("path", type=click.Path(path_type=Path))
def show(path: Path) -> None:
    """Print what a public key is called in envelopes, and the key itself."""
    from touchstone.evidence.keys import load_public_key

    key = load_public_key(path)
    click.echo(f"Ed25519 {key.id}")
    click.echo(key.pem.decode(), nl=False)
