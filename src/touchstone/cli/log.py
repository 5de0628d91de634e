"""`touchstone log`: begin a transparency log, look into it, prove an entry, check that it only grew."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from touchstone.cli.language import chosen, say


@click.group("log", help=say("Begin and inspect a transparency log.", "新建与查看透明日志。"))
def command() -> None:
    """Groups the log commands."""


@command.command("create", help=say("Begin an empty log in FOLDER.", "在 FOLDER 中新建空日志。"))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--origin",
    required=True,
    help=say("name of the log, unique in the world: a domain name", "日志名称，须全球唯一，如域名"),
)
@click.option(
    "--key", required=True, type=click.Path(path_type=Path), help=say("signing key of the log", "日志的签名密钥")
)
@click.option(
    "--passphrase-file", type=click.Path(path_type=Path), help=say("file with the key's passphrase", "密钥口令文件")
)
def create(folder: Path, origin: str, key: Path, passphrase_file: Path | None) -> None:
    """Sign the empty tree and write its checkpoint."""
    from touchstone.cli.signing import signing_key
    from touchstone.evidence.log import Log

    log = Log.create(folder, origin, signing_key(key, passphrase_file))
    click.echo(f"{log.checkpoint.origin}: {folder}")


@command.command("show", help=say("List the entries of a log.", "列出日志的记录。"))
@click.argument("folder", type=click.Path(path_type=Path))
def show(folder: Path) -> None:
    """Print origin, size, root and one line per entry."""
    from touchstone.evidence.log import Log

    log = Log.open(folder)
    click.echo(say("origin", "名称") + f" {log.checkpoint.origin}")
    click.echo(say("entries", "记录数") + f" {log.checkpoint.size}")
    click.echo(say("root", "根") + f" {log.checkpoint.root.hex()}")
    for index, leaf in enumerate(log.entries):
        click.echo(f"{index}  {leaf.predicate_type}  {leaf.envelope}  " + say("about", "对象") + f" {leaf.subject}")


@command.command("prove", help=say("Print the receipt of one entry.", "输出一条记录的回执。"))
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("index", type=click.IntRange(min=0))
def prove(folder: Path, index: int) -> None:
    """Print a receipt that proves offline that the log holds the entry."""
    from touchstone.errors import EvidenceError
    from touchstone.evidence.log import Log
    from touchstone.text import Text

    log = Log.open(folder)
    if index >= log.checkpoint.size:
        raise EvidenceError(
            Text(
                f"has no entry {index}: it holds {log.checkpoint.size}",
                f"没有第 {index} 条记录，共 {log.checkpoint.size} 条",
            ),
            str(folder),
            Text("entries are counted from 0; see `touchstone log show`", "记录从 0 起编号；见 `touchstone log show`"),
        )
    click.echo(log.receipts([index])[0].to_bytes().decode(), nl=False)


@command.command(
    "check",
    help=say(
        "Check a log's entries and signature, and that it only grew since an earlier checkpoint.",
        "检查日志的记录与签名，以及自某个旧检查点以来是否只增不改。",
    ),
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--log-key",
    "key_file",
    required=True,
    type=click.Path(path_type=Path),
    help=say("public key of the log", "日志的公钥"),
)
@click.option(
    "--since",
    type=click.Path(path_type=Path),
    help=say("an earlier checkpoint that you kept", "您保存的旧检查点"),
)
def check(folder: Path, key_file: Path, since: Path | None) -> None:
    """Exit with 1 when the log is not what its key signed, or took something back."""
    from touchstone.evidence.keys import load_public_key
    from touchstone.evidence.log import Log, read_checkpoint
    from touchstone.text import Text

    key = load_public_key(key_file)
    log = Log.open(folder)
    faults = []
    if not log.note.signed_by(key):
        faults.append(Text("the checkpoint is not signed by this key", "检查点不是由该密钥签名"))
    if since is not None:
        note, earlier = read_checkpoint(since)
        if not note.signed_by(key):
            faults.append(Text(f"{since}: is not signed by this key", f"{since}：不是由该密钥签名"))
        elif not log.extends(earlier):
            faults.append(
                Text(
                    f"the log does not extend the checkpoint of {earlier.size} entries: its history was rewritten",
                    f"日志并非由 {earlier.size} 条记录的旧检查点延续而来：历史已被改写",
                )
            )
    for fault in faults:
        click.echo("✗ " + fault.render(chosen()))
    if faults:
        sys.exit(1)
    size = log.checkpoint.size
    click.echo(
        "✓ " + say(f"{size} entries, all covered by the signed checkpoint", f"{size} 条记录均由已签名的检查点涵盖")
    )
