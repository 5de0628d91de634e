"""`touchstone log`: begin, look into and check a transparency log; ask witnesses to cosign it, or be one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchstone.cli.language import chosen, say
from touchstone.cli.signing import PASSPHRASE_FILE

if TYPE_CHECKING:
    from touchstone.tlog.log import Log
    from touchstone.tlog.note import VerifierKey

_FOLDER = click.argument("folder", type=click.Path(path_type=Path))
_LOG_KEY = click.option(
    "--key", required=True, type=click.Path(path_type=Path), help=say("signing key of the log", "日志的签名密钥")
)


@click.group("log", help=say("Keep a transparency log, or witness others.", "维护透明日志，或见证他人的日志。"))
def command() -> None:
    """Groups the log commands."""


@command.command("create", help=say("Begin an empty log in FOLDER.", "在 FOLDER 中新建空日志。"))
@_FOLDER
@click.option(
    "--origin",
    required=True,
    help=say("name of the log, unique in the world: a domain name", "日志名称，须全球唯一，如域名"),
)
@_LOG_KEY
@PASSPHRASE_FILE
def create(folder: Path, origin: str, key: Path, passphrase_file: Path | None) -> None:
    """Sign the empty tree, write its checkpoint and print the key as verifiers want it."""
    from touchstone.cli.signing import log_signing_key
    from touchstone.evidence.log_errors import log_errors
    from touchstone.tlog.log import Log
    from touchstone.tlog.note import VerifierKey

    private = log_signing_key(key, passphrase_file)
    with log_errors():
        log = Log.create(folder, origin, private)
    click.echo(f"{log.checkpoint.origin}: {folder}")
    click.echo(VerifierKey.of(origin, private.public).line)


@command.command("show", help=say("List the entries of a log.", "列出日志的记录。"))
@_FOLDER
def show(folder: Path) -> None:
    """Print origin, size, root and one line per entry."""
    from touchstone.evidence.leaf import named_by
    from touchstone.evidence.log_errors import log_errors
    from touchstone.tlog.log import Log

    with log_errors():
        log = Log.open(folder)
        entries = list(log.entries())
    click.echo(say("origin", "名称") + f" {log.checkpoint.origin}")
    click.echo(say("entries", "记录数") + f" {log.checkpoint.size}")
    click.echo(say("root", "根") + f" {log.checkpoint.root.hex()}")
    for index, entry in enumerate(entries):
        signed, key = named_by(entry, f"{folder}: {index}")
        click.echo(f"{index}  {signed}  " + say("signed by", "签名者") + f" {key}")


@command.command("prove", help=say("Print the receipt of one entry.", "输出一条记录的回执。"))
@_FOLDER
@click.argument("index", type=click.IntRange(min=0))
def prove(folder: Path, index: int) -> None:
    """Print a receipt (C2SP tlog-proof) that proves offline that the log holds the entry."""
    from touchstone.errors import EvidenceError
    from touchstone.evidence.log_errors import log_errors
    from touchstone.text import Text
    from touchstone.tlog.log import Log

    with log_errors():
        log = Log.open(folder)
        if index >= log.checkpoint.size:
            raise EvidenceError(
                Text(
                    f"has no entry {index}, only {log.checkpoint.size}",
                    f"没有第 {index} 条记录，共 {log.checkpoint.size} 条",
                ),
                str(folder),
                Text(
                    "entries are counted from 0; see `touchstone log show`", "记录从 0 起编号；见 `touchstone log show`"
                ),
            )
        click.echo(log.prove(index).to_bytes().decode(), nl=False)


@command.command(
    "check",
    help=say(
        "Check a log's entries and signature, and that it only grew since an earlier checkpoint.",
        "检查日志的记录与签名，以及自某个旧检查点以来是否只增不改。",
    ),
)
@_FOLDER
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
    from touchstone.evidence.log_errors import log_errors
    from touchstone.signatures.keys import load_log_public_key
    from touchstone.text import Text
    from touchstone.tlog.log import Log, read_checkpoint
    from touchstone.tlog.note import VerifierKey

    public = load_log_public_key(key_file)
    faults = []
    with log_errors():
        log = Log.open(folder)
        size = sum(1 for _ in log.entries())
        key = VerifierKey.of(log.checkpoint.origin, public)
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
    click.echo(
        "✓ " + say(f"{size} entries, all covered by the signed checkpoint", f"{size} 条记录均由已签名的检查点涵盖")
    )


@command.command(
    "rebuild", help=say("Make tiles and checkpoint again from the database.", "由数据库重建瓦片与检查点。")
)
@_FOLDER
@_LOG_KEY
@PASSPHRASE_FILE
def rebuild(folder: Path, key: Path, passphrase_file: Path | None) -> None:
    """Repair what readers see after files were lost or changed."""
    from touchstone.evidence.log_errors import log_errors

    with log_errors(), _own_log(folder, key, passphrase_file) as log:
        log.rebuild()
        size = log.checkpoint.size
    click.echo(say(f"{size} entries rebuilt", f"已重建 {size} 条记录"))


@command.command(
    "cosign",
    help=say(
        "Ask witnesses to cosign the present checkpoint, and publish it with their signatures.",
        "请见证方联署当前检查点，并连同其签名一并发布。",
    ),
)
@_FOLDER
@_LOG_KEY
@PASSPHRASE_FILE
@click.option(
    "--witness",
    "witnesses",
    multiple=True,
    metavar="URL=KEY",
    help=say("address of a witness and its verifier key (name+id+key)", "见证方地址及其验证密钥（名称+标识+密钥）"),
)
@click.option(
    "--policy",
    type=click.Path(path_type=Path),
    help=say("ask all witnesses with an address in this log policy", "向该日志策略中列有地址的全部见证方请求联署"),
)
def cosign(
    folder: Path, key: Path, passphrase_file: Path | None, witnesses: tuple[str, ...], policy: Path | None
) -> None:
    """Exit with 1 when a witness did not cosign; what the others gave is published all the same."""
    from touchstone.errors import EvidenceError
    from touchstone.evidence.log_errors import log_errors
    from touchstone.tlog.witness_client import ask_to_cosign

    with log_errors():
        asked = [*_named_witnesses(witnesses), *_witnesses_of(policy)]
        if not asked:
            raise click.UsageError(
                say("name a witness with --witness or --policy", "请用 --witness 或 --policy 指定见证方")
            )
        log = _own_log(folder, key, passphrase_file)
    lines = []
    for url, witness in asked:
        try:
            with log_errors():
                lines.append(ask_to_cosign(log, url, witness))
            click.echo(f"✓ {witness.name}")
        except EvidenceError as refusal:
            click.echo("✗ " + refusal.render(chosen()))
    if lines:
        with log_errors():
            log.add_cosignatures(lines)
    if len(lines) < len(asked):
        sys.exit(1)


@command.command(
    "receipts",
    help=say(
        "Let the receipts in the output folder OUT rest on the log's present checkpoint, with its cosignatures.",
        "使输出文件夹 OUT 中的回执依据日志的当前检查点及其联署签名。",
    ),
)
@_FOLDER
@click.argument("out", type=click.Path(path_type=Path))
def receipts(folder: Path, out: Path) -> None:
    """Renew the receipts after witnesses have cosigned."""
    from touchstone.evidence.log_errors import log_errors
    from touchstone.laboratory.issuing import renew_receipts
    from touchstone.tlog.log import Log

    with log_errors():
        log = Log.open(folder)
    for path in renew_receipts(out, log):
        click.echo(path)


@command.command(
    "publish",
    help=say(
        "Write the log and what is kept beside it as a web site that any plain server can host.",
        "将日志及随其保存的声明写成任何静态服务器均可托管的网站。",
    ),
)
@_FOLDER
@click.option("--output", required=True, type=click.Path(path_type=Path), help=say("folder of the site", "网站文件夹"))
@click.option(
    "--outputs",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="OUT",
    help=say(
        "output folder whose timestamps and further receipts are published too",
        "一并公布其时间戳与其他回执的输出文件夹",
    ),
)
@click.option(
    "--status",
    type=click.Path(path_type=Path),
    help=say("the issuer's current snapshot of its certificates", "发证方当前的证书状态快照"),
)
def publish(folder: Path, output: Path, outputs: tuple[Path, ...], status: Path | None) -> None:
    """Publish the conclusions with the digests: whoever keeps a log decides when."""
    from touchstone.laboratory.publishing import publish as write

    shown = write(folder, output, outputs=outputs, status=status)
    click.echo(f"{output}: " + say(f"{shown} decisions", f"{shown} 个决定"))


@command.command(
    "witness",
    help=say(
        "Be a witness: cosign the checkpoints of other logs over HTTP as long as they only grow.",
        "作为见证方：只要他人的日志只增不改，就通过 HTTP 联署其检查点。",
    ),
)
@click.option("--listen", default="127.0.0.1:8600", show_default=True, metavar="HOST:PORT")
@click.option(
    "--key", required=True, type=click.Path(path_type=Path), help=say("signing key of the witness", "见证方的签名密钥")
)
@PASSPHRASE_FILE
@click.option("--name", required=True, help=say("name of the witness: a domain name", "见证方名称，如域名"))
@click.option(
    "--state",
    required=True,
    type=click.Path(path_type=Path),
    help=say("folder in which the witness remembers what it saw", "见证方保存所见检查点的文件夹"),
)
@click.option(
    "--log",
    "logs",
    required=True,
    multiple=True,
    metavar="ORIGIN=PUBKEY",
    help=say(
        "a log to witness: its name and public key file, or its verifier key",
        "所见证的日志：名称与公钥文件，或其验证密钥",
    ),
)
def witness(
    listen: str, key: Path, passphrase_file: Path | None, name: str, state: Path, logs: tuple[str, ...]
) -> None:
    """Serve until interrupted."""
    from touchstone.cli.signing import log_signing_key
    from touchstone.evidence.log_errors import log_errors
    from touchstone.tlog.witness import Witness
    from touchstone.tlog.witness_server import WitnessServer

    private = log_signing_key(key, passphrase_file)
    with log_errors():
        serving = Witness(name, private, [_log_key(log) for log in logs], state)
    with WitnessServer(_address(listen), serving) as server:
        click.echo(serving.key.line)
        host, port = server.server_address[:2]
        click.echo(say("listening on", "监听") + f" http://{host!s}:{port}")
        server.serve_forever()


def _own_log(folder: Path, key: Path, passphrase_file: Path | None) -> Log:
    from touchstone.cli.signing import log_signing_key
    from touchstone.tlog.log import Log

    return Log.open(folder, log_signing_key(key, passphrase_file))


def _log_key(text: str) -> VerifierKey:
    """`ORIGIN=FILE` with a public key in PEM, or a verifier key line, whose name is the origin."""
    from touchstone.signatures.keys import load_log_public_key
    from touchstone.tlog.note import VerifierKey

    origin, separator, file = text.partition("=")
    if "+" in origin or not (separator and file):
        return VerifierKey.parse(text, "--log")
    return VerifierKey.of(origin, load_log_public_key(Path(file)))


def _named_witnesses(texts: tuple[str, ...]) -> Iterator[tuple[str, VerifierKey]]:
    from touchstone.tlog.note import VerifierKey

    for text in texts:
        url, _, line = text.partition("=")
        yield url, VerifierKey.parse(line, f"--witness {url}")


def _witnesses_of(file: Path | None) -> Iterator[tuple[str, VerifierKey]]:
    from touchstone.evidence.files import read_regular
    from touchstone.tlog.policy import LARGEST_POLICY, Policy

    if file is not None:
        policy = Policy.parse(read_regular(file, str(file), largest=LARGEST_POLICY), str(file))
        for each in policy.witnesses.values():
            if each.url is not None:
                yield each.url, each.key


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and int(port) < 2**16):
        raise click.BadParameter(say(f"{text} is not HOST:PORT", f"{text} 不是 HOST:PORT"), param_hint="--listen")
    return host.strip("[]"), int(port)
