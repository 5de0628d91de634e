"""`touchstone gate`: admit, set aside or refuse models at the door, every decision signed and on the log."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from touchstone.cli.language import chosen, say
from touchstone.cli.signing import PASSPHRASE_FILE

if TYPE_CHECKING:
    from touchstone.admission.gate import Decided, Gate


def _shared(function: Callable[..., Any]) -> Callable[..., Any]:
    """What both ways of running a gate are told."""
    options = (
        click.argument("folder", type=click.Path(path_type=Path)),
        click.option(
            "--policy",
            "policy_file",
            type=click.Path(path_type=Path),
            help=say(
                "policy (YAML); without it threats are refused, what is unreviewed or not understood is set aside",
                "策略文件（YAML）；缺省时拒绝威胁，隔离未审查或未能解析者",
            ),
        ),
        click.option(
            "--allow",
            "allow_file",
            type=click.Path(path_type=Path),
            help=say("allow file of the scan", "扫描的放行文件"),
        ),
        click.option("--key", "key_file", required=True, help=say("key that signs decisions", "签署决定的密钥")),
        click.option(
            "--log",
            "log_folder",
            required=True,
            type=click.Path(path_type=Path),
            help=say("transparency log that takes every decision", "记录全部决定的透明日志"),
        ),
        click.option("--log-key", "log_key_file", required=True, help=say("signing key of the log", "日志的签名密钥")),
        PASSPHRASE_FILE,
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.group(
    "gate",
    help=say(
        "Scan models at the door: admit, set aside or refuse, with reasons, signed and logged.",
        "在入口处扫描模型：准入、隔离或拒绝，附理由，签名并记入日志。",
    ),
)
def command() -> None:
    """Groups the ways of running a gate."""


@command.command(
    "watch",
    help=say(
        "Decide about everything that is put into FOLDER/inbox, and move it to admitted, quarantined or refused.",
        "对放入 FOLDER/inbox 的全部条目作出决定，并移至 admitted、quarantined 或 refused。",
    ),
    epilog=say(
        "Exit codes: 0 (with --once) everything was admitted, 1 something was not, 2 wrong input.",
        "退出码：0（用 --once 时）全部准入；1 有条目未准入；2 输入有误。",
    ),
)
@_shared
@click.option("--once", is_flag=True, help=say("decide about what is there now, then end", "处理现有条目后结束"))
@click.option(
    "--settle",
    default=5.0,
    show_default=True,
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help=say("leave items alone that changed within this time", "在此时间内有变动的条目暂不处理"),
)
def watch(once: bool, settle: float, **shared: Any) -> int:
    """Look, decide, sleep; ends on Ctrl-C between two items with nothing half done."""
    gate = _gate(**shared)
    refused = False
    with gate.store.locked():
        for decided in gate.resume():
            refused |= _tell(decided)
        while True:
            for decided in gate.decide_waiting(settle):
                refused |= _tell(decided)
            if once:
                return 1 if refused else 0
            time.sleep(1)


@command.command(
    "serve",
    help=say(
        "Decide about files that are posted to this address, as a hook of a model hub, registry or build.",
        "对提交到该地址的文件作出决定，供模型库、镜像仓库或构建流程调用。",
    ),
)
@_shared
@click.option("--listen", default="127.0.0.1:8787", show_default=True, metavar="HOST:PORT")
@click.option(
    "--token-file",
    required=True,
    type=click.Path(path_type=Path),
    help=say("file with the token that callers must send", "存有调用方令牌的文件"),
)
def serve(listen: str, token_file: Path, **shared: Any) -> None:
    """Serve until stopped."""
    from touchstone.admission.server import GateServer
    from touchstone.cli import listening

    address = listening.address(listen)
    token = listening.only_token(token_file)
    gate = _gate(**shared)
    with gate.store.locked():
        for decided in gate.resume():
            _tell(decided)
        try:
            server = GateServer(address, gate, token)
        except OSError as error:
            raise listening.cannot_listen(listen, error) from None
        with server:
            click.echo(
                say("listening on ", "监听 ") + f"http://{server.server_address[0]!s}:{server.server_address[1]}"
            )
            server.serve_forever()


def _gate(
    folder: Path,
    policy_file: Path | None,
    allow_file: Path | None,
    key_file: str,
    log_folder: Path,
    log_key_file: str,
    passphrase_file: Path | None,
) -> Gate:
    from touchstone.admission.gate import Gate
    from touchstone.admission.policy import DEFAULT, GatePolicy
    from touchstone.admission.scanning import item_scanner
    from touchstone.admission.store import Store
    from touchstone.cli.signing import log_signing_key, signing_key
    from touchstone.evidence.log_errors import log_errors
    from touchstone.laboratory.issuing import OwnLog
    from touchstone.scan.allow_file import read_allow_file
    from touchstone.tlog.log import Log
    from touchstone.version import __version__

    policy = DEFAULT if policy_file is None else GatePolicy.read(policy_file)
    scan = item_scanner(None if allow_file is None else read_allow_file(allow_file))
    key = signing_key(key_file, passphrase_file)
    log = OwnLog(log_folder, log_signing_key(log_key_file, passphrase_file))
    with log_errors():
        Log.open(log.folder, log.key).close()
    return Gate(Store(folder), policy, scan, f"touchstone {__version__}", key, log)


def _tell(decided: Decided) -> bool:
    """Print one decision; answers whether the item was kept out."""
    from touchstone.scan.findings import shown

    decision = decided.decision
    mark = {"admit": "✓", "quarantine": "!", "refuse": "✗"}[decision.outcome]
    words = {
        "admit": say("admitted", "准入"),
        "quarantine": say("quarantined", "隔离"),
        "refuse": say("refused", "拒绝"),
    }
    click.echo(f"{mark} {words[decision.outcome]}  {shown(decision.item)}  {decided.ticket}")
    for reason in decision.reasons:
        place = " ".join(part for part in (shown(reason.where), reason.shown) if part)
        click.echo(f"    {place}: {reason.text.render(chosen())} ({reason.rule})")
    return decision.outcome != "admit"
