"""`touchstone plan`: say what will be tested, before anybody can know with which random numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchstone.cli.language import say
from touchstone.cli.signing import PASSPHRASE_FILE

if TYPE_CHECKING:
    from touchstone.records import Budget

_FILE = click.Path(path_type=Path)


@click.command(
    name="plan",
    help=say(
        "Sign and log the plan for SYSTEM. Its seeds will follow from a nonce that somebody else gives afterwards; "
        "then run `touchstone assess` with --resume and --nonce.",
        "签署并公布 SYSTEM 的测评计划。随机种子将由他方其后给出的随机数导出；随后以 --resume 与 --nonce 运行 "
        "`touchstone assess`。",
    ),
)
@click.argument("system", type=_FILE)
@click.option("--nonce-from", required=True, help=say("who will give the nonce", "将给出随机数的一方"))
@click.option("--profile", help=say("profile to test against [by sector]", "所依据的档案［默认按行业选择］"))
@click.option("--output", required=True, type=_FILE, help=say("folder for the results", "结果目录"))
@click.option(
    "--budget",
    type=click.Choice(["quick", "standard", "full"]),
    default="quick",
    show_default=True,
    help=say("how much effort to spend", "测评投入"),
)
@click.option(
    "--only", multiple=True, help=say("only this check or control (repeatable)", "仅执行此检查或控制项（可重复）")
)
@click.option("--skip", multiple=True, help=say("leave out this check or control", "排除此检查或控制项"))
@click.option("--key", required=True, help=say("sign with this key", "签名密钥"))
@PASSPHRASE_FILE
@click.option("--log", type=_FILE, help=say("transparency log to append to", "透明日志目录"))
@click.option("--log-key", help=say("signing key of the log", "日志的签名密钥"))
@click.option(
    "--log-passphrase-file", type=_FILE, help=say("file with the passphrase of the log's key", "日志密钥的口令文件")
)
@click.option("--issuer", default="unnamed laboratory", help=say("name of who signs", "签发者名称"))
def command(
    system: Path,
    nonce_from: str,
    profile: str | None,
    output: Path,
    budget: Budget,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    key: str,
    passphrase_file: Path | None,
    log: Path | None,
    log_key: str | None,
    log_passphrase_file: Path | None,
    issuer: str,
) -> None:
    """Write the signed plan and its receipt; runs nothing."""
    from touchstone.api import announce
    from touchstone.cli.signing import log_signing_key, signing_key

    plan = announce(
        system,
        profile,
        output=output,
        nonce_from=nonce_from,
        budget=budget,
        only=only,
        skip=skip,
        key=signing_key(key, passphrase_file),
        log=log,
        log_key=None if log_key is None else log_signing_key(log_key, log_passphrase_file),
        issuer=issuer,
    )
    click.echo(plan.own_digest())
    click.echo(say(f"Now ask {nonce_from} for the nonce.", f"请向 {nonce_from} 索取随机数。"))
