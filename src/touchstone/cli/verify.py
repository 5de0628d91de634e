"""`touchstone verify`: check evidence, a certificate or any signed statement, offline."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from touchstone.cli.language import chosen, say

if TYPE_CHECKING:
    from touchstone.evidence.verification import Step, Verification

_MARKS = {"ok": "✓", "failed": "✗", "not-checked": "–", "stale": "⌛", "unmet": "✗"}
_FILE = click.Path(path_type=Path)


@click.command(
    "verify",
    help=say(
        "Check an output folder, an evidence bundle or one signed statement. Uses no network.",
        "验证输出文件夹、证据包或单个签名声明。不使用网络。",
    ),
    epilog=say(
        "Exit codes: 0 everything checked holds, 1 something is false, was changed, withdrawn or has expired, "
        "2 wrong input, 3 good but stale, 4 good but not what the policy asks for.",
        "退出码：0 所验证内容全部成立；1 有不实、改动、撤销或过期；2 输入有误；3 成立但状态陈旧；4 成立但不符合政策。",
    ),
)
@click.argument("path", type=_FILE)
@click.option(
    "--key",
    "key_files",
    multiple=True,
    type=_FILE,
    help=say("public key of the tester, from the tester (repeatable)", "测评方的公钥，须由测评方本身提供（可重复）"),
)
@click.option("--log-key", "log_key_file", type=_FILE, help=say("public key of the transparency log", "透明日志的公钥"))
@click.option(
    "--log-policy",
    "log_policy_file",
    type=_FILE,
    help=say("logs and witnesses you trust (C2SP tlog-policy)", "您信任的日志与见证方（C2SP tlog-policy）"),
)
@click.option(
    "--tsa-certificate",
    "authority_files",
    multiple=True,
    type=_FILE,
    help=say("certificates of a timestamping authority (repeatable)", "时间戳机构的证书（可重复）"),
)
@click.option("--trust", "root_file", type=_FILE, help=say("trust root that you pinned", "您固定的信任根"))
@click.option("--policy", "policy_file", type=_FILE, help=say("what you ask of a certificate", "您的采信政策"))
@click.option("--status", type=_FILE, help=say("the issuer's snapshot of its certificates", "发证方的证书状态快照"))
@click.option(
    "--max-age",
    type=click.IntRange(min=0),
    help=say("days for which a snapshot counts [the certificate's own]", "快照可用天数［默认依证书所载］"),
)
@click.option(
    "--recognition",
    "recognitions",
    multiple=True,
    type=_FILE,
    help=say("statement that recognises an issuer (repeatable)", "承认发证方的声明（可重复）"),
)
@click.option(
    "--sm2-key",
    "sm2_key_file",
    type=_FILE,
    help=say("public SM2 key that every statement must be signed with as well", "每个声明还须以之签名的 SM2 公钥"),
)
@click.option(
    "--log-folder",
    type=_FILE,
    help=say("copy of the whole log: what else is on it by the same signer?", "整份日志副本：同一签名方另有哪些记录？"),
)
@click.option("--system", type=_FILE, help=say("also compare the system in this folder", "同时比对该文件夹中的系统"))
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    help=say("UTC time at which a certificate must be valid; now by default", "证书须有效的 UTC 时刻，默认为当前"),
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def command(
    path: Path,
    key_files: tuple[Path, ...],
    log_key_file: Path | None,
    log_policy_file: Path | None,
    authority_files: tuple[Path, ...],
    root_file: Path | None,
    policy_file: Path | None,
    status: Path | None,
    max_age: int | None,
    recognitions: tuple[Path, ...],
    log_folder: Path | None,
    sm2_key_file: Path | None,
    system: Path | None,
    at: datetime | None,
    form: str,
) -> None:
    """Verify and print; the exit code says how it ended."""
    from touchstone.api import verify

    if not key_files and root_file is None:
        raise click.UsageError(say("give --key or --trust: whom do you trust?", "请提供 --key 或 --trust：您信任谁？"))
    verification = verify(
        path,
        key=key_files,
        log_key=log_key_file,
        log_policy=log_policy_file,
        authorities=authority_files,
        trust=root_file,
        policy=policy_file,
        status=status,
        max_age_days=max_age,
        recognitions=recognitions,
        log_folder=log_folder,
        sm2_key=sm2_key_file,
        system=system,
        at=None if at is None else at.replace(tzinfo=UTC),
    )
    if form == "json":
        click.echo(json.dumps(verification.to_json(), ensure_ascii=False, indent=2))
    else:
        _print(verification)
    if not verification.ok:
        sys.exit(verification.exit_code)


def _print(verification: Verification) -> None:
    from touchstone.evidence.verification import NO_WITNESS

    language = chosen()
    _line(verification.title.render(language))
    for step in verification.steps:
        _line(f"  {_MARKS[step.status]} {_about(step)}")
        if step.remedy is not None:
            _line(f"      → {step.remedy.render(language)}")
    if verification.uncovered:
        names = ", ".join(grouped(verification.uncovered))
        _line("  ! " + say(f"no signature covers: {names}", f"没有签名涵盖：{names}"))
    _line(_conclusion(verification), alarm=not verification.ok)
    for text in verification.proves:
        _line(f"  + {text.render(language)}")
    _line(say("It does not prove:", "不能证明："))
    for text in verification.does_not_prove:
        _line(f"  - {text.render(language)}", alarm=text == NO_WITNESS)


def _conclusion(verification: Verification) -> str:
    return {
        0: say("VALID. This proves:", "有效。由此可证："),
        1: say("NOT VALID: see the lines marked ✗.", "无效：见标有 ✗ 的行。"),
        3: say(
            "STALE: valid, but nobody says so today, see the line marked ⌛. This proves:",
            "陈旧：有效，但缺少近期状态，见标有 ⌛ 的行。由此可证：",
        ),
        4: say(
            "NOT ACCEPTED: valid, but less than is asked for, see the lines marked ✗. This proves:",
            "不予采信：有效，但未达到要求，见标有 ✗ 的行。由此可证：",
        ),
    }[verification.exit_code]


def grouped(files: Sequence[str]) -> list[str]:
    """File names in one line: those that differ only in their endings as `name.*`.

    >>> grouped(["junit.xml", "report.en.html", "report.zh.html"])
    ['junit.xml', 'report.*']
    """
    stems = [str(PurePosixPath(file).parent / PurePosixPath(file).name.partition(".")[0]) for file in files]
    count = Counter(stems)
    return list(
        dict.fromkeys(f"{stem}.*" if count[stem] > 1 else file for stem, file in zip(stems, files, strict=True))
    )


def _about(step: Step) -> str:
    """File, names of the evidence in it, and what was found."""
    text = step.text.render(chosen())
    if step.file is None:
        return text
    names = f" ({', '.join(step.names)})" if step.names else ""
    return f"{step.file}{names}: {text}"


def _line(text: str, *, alarm: bool = False) -> None:
    """Print one line from which nothing can steer the terminal; an alarm is red where the terminal knows colours."""
    safe = "".join(character if character.isprintable() else "�" for character in text)
    click.secho(safe, fg="red" if alarm else None, bold=alarm or None)
