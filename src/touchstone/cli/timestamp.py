"""`touchstone timestamp`: a timestamping authority of one's own, for want of a better one."""

from __future__ import annotations

import re
from pathlib import Path

import click

from touchstone.cli.language import say
from touchstone.cli.signing import PASSPHRASE_FILE


@click.group(
    "timestamp",
    help=say(
        "Run a timestamping authority (RFC 3161). Your own clock proves little to others: run one for each other.",
        "运行时间戳机构（RFC 3161）。自己的时钟对他人证明力有限：宜由各机构互为签发。",
    ),
)
def command() -> None:
    """Groups the commands of a timestamping authority."""


@command.command(
    "create",
    help=say("Make an authority in FOLDER: its key and its certificates.", "在 FOLDER 中建立机构：密钥与证书。"),
)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", required=True, help=say("name of whoever runs it", "运营者名称"))
@click.option(
    "--passphrase-file", type=click.Path(path_type=Path), help=say("file with a passphrase for its key", "密钥口令文件")
)
@click.option("--without-passphrase", is_flag=True, help=say("do not encrypt the private key", "不加密私钥"))
def create(folder: Path, name: str, passphrase_file: Path | None, *, without_passphrase: bool) -> None:
    """Make an authority; asks for a passphrase unless told where it is."""
    from datetime import UTC, datetime

    from touchstone.cli.signing import new_passphrase
    from touchstone.laboratory.timestamp_authority import CERTIFICATES, KEY, TimestampAuthority

    passphrase = new_passphrase(folder / KEY, passphrase_file, without_passphrase=without_passphrase)
    TimestampAuthority.create(folder, name, passphrase, datetime.now(UTC))
    click.echo(say("certificates to hand out", "可公开的证书") + f": {folder / CERTIFICATES}")
    click.echo(
        say(
            "A timestamp by whoever made the statement proves little: it is that laboratory's own clock.",
            "由声明者自己签发的时间戳证明力有限：仅为该实验室自己的时钟。",
        ),
        err=True,
    )


@command.command("serve", help=say("Answer requests for timestamps over HTTP.", "通过 HTTP 应答时间戳请求。"))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--listen", default="127.0.0.1:8601", show_default=True, metavar="HOST:PORT")
@PASSPHRASE_FILE
@click.option(
    "--policy",
    required=True,
    help=say(
        "object identifier of the policy under which you stamp for others (of your own arc)",
        "为他人签发时间戳所依据策略的对象标识符（属您自己的弧）",
    ),
)
def serve(folder: Path, listen: str, passphrase_file: Path | None, policy: str) -> None:
    """Answer until interrupted."""
    from datetime import UTC, datetime

    from touchstone.cli.signing import passphrase_of
    from touchstone.laboratory.timestamp_authority import KEY, TimestampAuthority
    from touchstone.laboratory.timestamp_server import serve_timestamps

    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdecimal():
        raise click.UsageError(say("--listen takes HOST:PORT", "--listen 的格式为 HOST:PORT"))
    if not re.fullmatch(r"([01]\.[1-3]?[0-9]|2\.(0|[1-9][0-9]{0,8}))(\.(0|[1-9][0-9]{0,8}))+", policy):
        raise click.UsageError(say("--policy takes an object identifier", "--policy 的值应为对象标识符"))
    authority = TimestampAuthority.open(folder, passphrase_of(str(folder / KEY), passphrase_file))
    with serve_timestamps(authority, (host, int(port)), lambda: datetime.now(UTC), policy) as server:
        click.echo(f"http://{host}:{server.server_address[1]}")
        server.serve_forever()
