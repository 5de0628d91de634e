"""`touchstone verify`: check evidence, a certificate or any signed statement, offline."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchstone.cli.language import chosen, say

if TYPE_CHECKING:
    from touchstone.evidence.verification import Step, Verification

_MARKS = {"ok": "✓", "failed": "✗", "not-checked": "–"}


@click.command(
    "verify",
    help=say(
        "Check an output folder, an evidence bundle or one signed statement. Uses no network.",
        "验证输出文件夹、证据包或单个签名声明。不使用网络。",
    ),
    epilog=say(
        "Exit codes: 0 everything checked holds, 1 something was changed or has expired, 2 wrong input.",
        "退出码：0 所验证内容全部成立；1 有改动或已过期；2 输入有误。",
    ),
)
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--key",
    "key_file",
    required=True,
    type=click.Path(path_type=Path),
    help=say("public key of the tester, from the tester", "测评方的公钥，须由测评方本身提供"),
)
@click.option(
    "--log-key",
    "log_key_file",
    type=click.Path(path_type=Path),
    help=say("public key of the transparency log", "透明日志的公钥"),
)
@click.option(
    "--system",
    type=click.Path(path_type=Path),
    help=say("also compare the system in this folder", "同时比对该文件夹中的系统"),
)
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    help=say("UTC time at which a certificate must be valid; now by default", "证书须有效的 UTC 时刻，默认为当前"),
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def command(
    path: Path, key_file: Path, log_key_file: Path | None, system: Path | None, at: datetime | None, form: str
) -> None:
    """Verify and print; exits with 1 when anything is false."""
    from touchstone.evidence.keys import load_public_key
    from touchstone.evidence.verify import verify

    verification = verify(
        path,
        key=load_public_key(key_file),
        log_key=None if log_key_file is None else load_public_key(log_key_file),
        system=system,
        at=datetime.now(UTC) if at is None else at.replace(tzinfo=UTC),
    )
    if form == "json":
        click.echo(json.dumps(verification.to_json(), ensure_ascii=False, indent=2))
    else:
        _print(verification)
    if not verification.ok:
        sys.exit(1)


def _print(verification: Verification) -> None:
    language = chosen()
    _line(verification.title.render(language))
    for step in verification.steps:
        _line(f"  {_MARKS[step.status]} {_about(step)}")
        if step.remedy is not None:
            _line(f"      → {step.remedy.render(language)}")
    for file in verification.uncovered:
        _line("  ! " + say(f"{file}: no signature covers this file", f"{file}：没有签名涵盖该文件"))
    if verification.ok:
        _line(say("VALID. This proves:", "有效。由此可证："))
        for text in verification.proves:
            _line(f"  + {text.render(language)}")
    else:
        _line(say("NOT VALID: see the lines marked ✗.", "无效：见标有 ✗ 的行。"))
    _line(say("It does not prove:", "不能证明："))
    for text in verification.does_not_prove:
        _line(f"  - {text.render(language)}")


def _about(step: Step) -> str:
    """File, names of the evidence in it, and what was found."""
    text = step.text.render(chosen())
    if step.file is None:
        return text
    names = f" ({', '.join(step.names)})" if step.names else ""
    return f"{step.file}{names}: {text}"


def _line(text: str) -> None:
    """Print one line from which nothing can steer the terminal."""
    click.echo("".join(character if character.isprintable() else "�" for character in text))
