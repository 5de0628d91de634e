"""`touchstone certificate`: what becomes of a certificate after it was issued."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from touchstone.cli.language import chosen, say
from touchstone.cli.signing import PASSPHRASE_FILE

if TYPE_CHECKING:
    from touchstone.evidence.status import Action
    from touchstone.laboratory.certifying import Issued

_FOLDER = click.Path(path_type=Path)


@click.group("certificate", help=say("Suspend, withdraw and follow certificates.", "暂停、撤销与跟踪证书。"))
def command() -> None:
    """Groups the commands about certificates."""


def _changing(function: Callable[..., None]) -> Callable[..., None]:
    """The options that every change of status has."""
    for option in (
        click.option(
            "--log-passphrase-file",
            type=_FOLDER,
            help=say("file with the passphrase of the log's key", "日志密钥的口令文件"),
        ),
        click.option("--log-key", help=say("signing key of that log", "该日志的签名密钥")),
        click.option("--log", type=_FOLDER, help=say("transparency log to append to", "透明日志目录")),
        click.option(
            "--effective",
            type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
            help=say("UTC time from which it counts [now]", "生效的 UTC 时间［默认为当前］"),
        ),
        PASSPHRASE_FILE,
        click.option("--key", required=True, help=say("key that signed the certificate", "签发证书的密钥")),
        click.option("--reason", required=True, help=say("why, for everyone to read", "变更原因，将公开")),
        click.argument("folder", type=_FOLDER),
    ):
        function = option(function)
    return function


@command.command("suspend", help=say("Suspend the certificate in FOLDER for now.", "暂停 FOLDER 中的证书。"))
@_changing
def suspend(**given: Any) -> None:
    """A suspended certificate may be reinstated."""
    _change("suspend", **given)


@command.command("reinstate", help=say("End the suspension of a certificate.", "恢复已暂停的证书。"))
@_changing
def reinstate(**given: Any) -> None:
    """Only a suspended certificate can be reinstated."""
    _change("reinstate", **given)


@command.command("reduce", help=say("Take controls out of the scope of a certificate.", "缩减证书范围。"))
@click.option(
    "--remove",
    "removed",
    multiple=True,
    required=True,
    help=say("control to take out (repeatable)", "移除的控制项（可重复）"),
)
@_changing
def reduce(**given: Any) -> None:
    """Scope only ever shrinks; for more scope a new certificate is issued."""
    _change("reduce", **given)


@command.command("withdraw", help=say("Withdraw a certificate for good.", "永久撤销证书。"))
@_changing
def withdraw(**given: Any) -> None:
    """There is no way back."""
    _change("withdraw", **given)


@command.command("supersede", help=say("Put another certificate in its place.", "以另一证书取代。"))
@click.option(
    "--by",
    "superseded_by",
    required=True,
    type=_FOLDER,
    help=say("folder of the certificate that takes its place", "取代它的证书所在文件夹"),
)
@_changing
def supersede(**given: Any) -> None:
    """There is no way back."""
    _change("supersede", **given)


def _change(
    action: Action,
    *,
    folder: Path,
    reason: str,
    key: str,
    passphrase_file: Path | None,
    effective: datetime | None,
    log: Path | None,
    log_key: str | None,
    log_passphrase_file: Path | None,
    removed: tuple[str, ...] = (),
    superseded_by: Path | None = None,
) -> None:
    from touchstone.cli.signing import log_signing_key, signing_key
    from touchstone.laboratory.certifying import change_status
    from touchstone.laboratory.issuing import OwnLog

    if (log is None) != (log_key is None):
        raise click.UsageError(say("--log and --log-key belong together", "--log 与 --log-key 须同时给出"))
    own = None if log is None or log_key is None else OwnLog(log, log_signing_key(log_key, log_passphrase_file))
    written = change_status(
        folder,
        action,
        signing_key(key, passphrase_file),
        reason=reason,
        effective=datetime.now(UTC).replace(microsecond=0) if effective is None else effective.replace(tzinfo=UTC),
        removed=removed,
        superseded_by=superseded_by,
        log=own,
    )
    click.echo(written)
    click.echo(
        say(
            "Publish a new snapshot, so that those who verify offline learn of it.",
            "请发布新的状态快照，供离线验证者获知。",
        )
    )


@command.command("show", help=say("Show where the certificate in FOLDER stands.", "查看 FOLDER 中证书的状态。"))
@click.argument("folder", type=_FOLDER)
@click.option("--key", required=True, type=_FOLDER, help=say("public key of the issuer", "发证方的公钥"))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def show(folder: Path, key: Path, form: str) -> None:
    """Print the standing, the scope and every change."""
    from touchstone.laboratory.certifying import read_issued
    from touchstone.signatures.keys import load_public_key

    issued = read_issued(folder, load_public_key(key))
    if form == "json":
        click.echo(json.dumps(_plain(issued), ensure_ascii=False, indent=2))
        return
    click.echo(_line(issued))
    click.echo(say("scope", "范围") + ": " + ", ".join(issued.life.scope))
    validity = issued.certificate.validity
    click.echo(say("validity", "有效期") + f": {validity.not_before} – {validity.not_after}")
    for change in issued.changes:
        removed = f" ({', '.join(change.removed)})" if change.removed else ""
        click.echo(f"  {change.position}. {change.effective}  {change.action}{removed}: {_safe(change.reason)}")


@command.command("list", help=say("List the certificates in FOLDERS.", "列出 FOLDERS 中的证书。"))
@click.argument("folders", nargs=-1, required=True, type=_FOLDER)
@click.option("--key", required=True, type=_FOLDER, help=say("public key of the issuer", "发证方的公钥"))
def list_certificates(folders: tuple[Path, ...], key: Path) -> None:
    """Print one line for each."""
    from touchstone.laboratory.certifying import read_issued
    from touchstone.signatures.keys import load_public_key

    public = load_public_key(key)
    for folder in folders:
        click.echo(_line(read_issued(folder, public)))


@command.command(
    "snapshot",
    help=say(
        "Sign where the certificates in FOLDERS stand, for those who verify offline.",
        "签发 FOLDERS 中各证书的状态快照，供离线验证。",
    ),
)
@click.argument("folders", nargs=-1, required=True, type=_FOLDER)
@click.option("--output", required=True, type=_FOLDER, help=say("file to write", "输出文件"))
@click.option("--key", required=True, help=say("key that signed the certificates", "签发证书的密钥"))
@PASSPHRASE_FILE
@click.option("--issuer", default="unnamed laboratory", help=say("name of who signs", "签发者名称"))
@click.option(
    "--valid-days",
    type=click.IntRange(1, 366),
    default=7,
    show_default=True,
    help=say("days until the next snapshot", "距下一快照的天数"),
)
@click.option("--log", type=_FOLDER, help=say("log whose present state it names", "所对应的透明日志"))
def snapshot(
    folders: tuple[Path, ...],
    output: Path,
    key: str,
    passphrase_file: Path | None,
    issuer: str,
    valid_days: int,
    log: Path | None,
) -> None:
    """Certificates that are not given are not known to be good to whoever reads the snapshot."""
    from touchstone.cli.signing import signing_key
    from touchstone.laboratory.certifying import write_snapshot

    written = write_snapshot(
        folders,
        output,
        signing_key(key, passphrase_file),
        issuer=issuer,
        as_of=datetime.now(UTC).replace(microsecond=0),
        valid_for=timedelta(days=valid_days),
        log=log,
    )
    click.echo(written)


def _line(issued: Issued) -> str:
    from touchstone.evidence.status import STANDINGS

    system = issued.certificate.decision.system
    standing = STANDINGS[issued.life.standing].render(chosen())
    since = issued.life.since.strftime("%Y-%m-%dT%H:%M:%SZ")
    return _safe(f"{issued.certificate.id}  {standing}  {since}  {system.name} {system.version}")


def _plain(issued: Issued) -> dict[str, object]:
    return {
        "id": issued.certificate.id,
        "certificate": issued.envelope,
        "standing": issued.life.standing,
        "since": issued.life.since.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "scope": list(issued.life.scope),
        "changes": [change.to_json() for change in issued.changes],
    }


def _safe(text: str) -> str:
    """Text from a file, without anything that could steer the terminal."""
    return "".join(character if character.isprintable() else "�" for character in text)
