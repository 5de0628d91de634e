"""`touchstone assess`: the main job, one system in, a verdict that anyone can verify offline out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchstone.cli.language import chosen, say
from touchstone.cli.signing import PASSPHRASE_FILE

if TYPE_CHECKING:
    from touchstone.records import Budget


@click.command(
    name="assess",
    help=say(
        "Test the system described by SYSTEM (a system.yaml or its folder) and write evidence, reports and, with a "
        "key, a signed certificate or refusal.",
        "测评 SYSTEM（system.yaml 或其所在目录）所描述的系统，生成证据与报告；提供密钥时签发证书或拒绝声明。",
    ),
)
@click.argument("system", type=click.Path(path_type=Path))
@click.option("--profile", help=say("profile to test against [by sector]", "所依据的档案［默认按行业选择］"))
@click.option("--output", type=click.Path(path_type=Path), help=say("folder for the results", "结果目录"))
@click.option(
    "--budget",
    type=click.Choice(["quick", "standard", "full"]),
    default="quick",
    show_default=True,
    help=say("how much effort to spend", "测评投入"),
)
@click.option(
    "--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help=say("checks at a time", "并行数")
)
@click.option(
    "--only", multiple=True, help=say("only this check or control (repeatable)", "仅执行此检查或控制项（可重复）")
)
@click.option("--skip", multiple=True, help=say("leave out this check or control", "排除此检查或控制项"))
@click.option("--resume", is_flag=True, help=say("go on with an interrupted assessment", "继续中断的测评"))
@click.option(
    "--key",
    help=say("sign with this key: a file, env:NAME or a pkcs11: URI", "签名密钥：文件、env:变量名 或 pkcs11: URI"),
)
@PASSPHRASE_FILE
@click.option("--log", type=click.Path(path_type=Path), help=say("transparency log to append to", "透明日志目录"))
@click.option("--log-key", help=say("signing key of the log: a file or env:NAME", "日志的签名密钥：文件或 env:变量名"))
@click.option(
    "--log-passphrase-file",
    type=click.Path(path_type=Path),
    help=say("file with the passphrase of the log's key", "日志密钥的口令文件"),
)
@click.option(
    "--tsa",
    help=say(
        "have every signature timestamped (RFC 3161): by the authority at this address, the only use of a network, "
        "or by your own in this folder",
        "为每个签名加盖时间戳（RFC 3161）：由该地址的机构签发（唯一的联网操作），或由该目录中的自建机构签发",
    ),
)
@click.option(
    "--tsa-passphrase-file",
    type=click.Path(path_type=Path),
    help=say("file with the passphrase of your own authority's key", "自建时间戳机构密钥的口令文件"),
)
@click.option(
    "--nonce",
    help=say(
        "given by whom the plan names, after `touchstone plan`", "由计划所指一方在 `touchstone plan` 之后给出的随机数"
    ),
)
@click.option("--reviews", type=click.Path(path_type=Path), help=say("folder of signed reviews", "评审记录目录"))
@click.option(
    "--reviewer-key",
    "reviewer_keys",
    multiple=True,
    type=click.Path(path_type=Path),
    help=say("public key of a reviewer whose word counts (repeatable)", "其评审有效的评审人公钥（可重复）"),
)
@click.option(
    "--decision-key",
    help=say(
        "sign the certificate or refusal with this key, where another person decides than tests",
        "由测试者以外的人作出决定时，签署证书或拒绝决定的密钥",
    ),
)
@click.option(
    "--decision-passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=say("file with the passphrase of that key", "该密钥的口令文件"),
)
@click.option("--issuer", default="unnamed laboratory", help=say("name of who signs", "签发者名称"))
def command(
    system: Path,
    profile: str | None,
    output: Path | None,
    budget: Budget,
    jobs: int,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    resume: bool,
    key: str | None,
    passphrase_file: Path | None,
    log: Path | None,
    log_key: str | None,
    log_passphrase_file: Path | None,
    tsa: str | None,
    tsa_passphrase_file: Path | None,
    nonce: str | None,
    reviews: Path | None,
    reviewer_keys: tuple[Path, ...],
    decision_key: str | None,
    decision_passphrase_file: Path | None,
    issuer: str,
) -> None:
    """Run the assessment; exit 0 when all required controls passed, else 1."""
    from rich.console import Console

    from touchstone.api import assess, open_system
    from touchstone.cli.progress import Watch, show_reach, show_verdicts
    from touchstone.cli.signing import log_signing_key, signing_key, stamper

    console = Console(highlight=False)
    signing = None if key is None else signing_key(key, passphrase_file)
    subject = open_system(system)
    identity = subject.description.system
    folder = output or Path(f"{_plain(identity.name)}-{_plain(identity.version)}.assessment")
    console.print(f"{identity.name} {identity.version}  {subject.digest[:23]}…", markup=False)
    with Watch(console, chosen()) as watch:
        outcome = assess(
            subject,
            profile,
            output=folder,
            budget=budget,
            jobs=jobs,
            only=only,
            skip=skip,
            resume=resume,
            key=signing,
            log=log,
            log_key=None if log_key is None else log_signing_key(log_key, log_passphrase_file),
            tsa=None if tsa is None else stamper(tsa, tsa_passphrase_file),
            nonce=nonce,
            reviews=reviews,
            reviewer_keys=reviewer_keys,
            issuer=issuer,
            decision_key=None if decision_key is None else signing_key(decision_key, decision_passphrase_file),
            watcher=watch,
        )
    recorded = outcome.recorded
    show_verdicts(console, recorded.assessment, recorded.profile, recorded.cards, chosen())
    show_reach(console, recorded.circumstances, recorded.executions.values(), chosen())
    decision = (
        say("unsigned: no --key was given", "未签名：未提供 --key") if outcome.decision is None else outcome.decision
    )
    console.print(f"{folder / 'report.en.html'}\n{folder / 'report.zh.html'}\n{decision}", markup=False)
    sys.exit(0 if outcome.passed else 1)


def _plain(name: str) -> str:
    """A name as part of a file name."""
    return (
        "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)[:80].lstrip(".") or "system"
    )
