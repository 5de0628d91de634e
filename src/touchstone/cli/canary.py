"""`touchstone canary`: watch whether a model behind an endpoint is still the one that was tested."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from touchstone.cli.language import say
from touchstone.cli.signing import PASSPHRASE_FILE

if TYPE_CHECKING:
    from touchstone.checks.model_integrity.canary_making import Power
    from touchstone.methods.fingerprint.canaries import Canaries
    from touchstone.methods.fingerprint.poll import Verdict

FORMAT = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", help=say("output", "输出格式")
)


@click.group(
    "canary",
    help=say(
        "Inputs on which the smallest change of a model shows, to ask a model in service from time to time.",
        "对模型最微小的改动都会显现的输入，用于定期询问在用模型。",
    ),
)
def command() -> None:
    """Groups the commands about canaries."""


@command.command(
    "make",
    help=say(
        "Make canaries of SYSTEM from its test data, and measure what tampering they would show. Keep the file secret.",
        "由 SYSTEM 的测试数据生成金丝雀，并测量其能发现何种篡改。请对文件保密。",
    ),
    epilog=say("Exit codes: 0 made, 2 wrong input.", "退出码：0 已生成；2 输入有误。"),
)
@click.argument("system", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help=say("file to write", "写入的文件"))
@click.option(
    "--count", type=click.IntRange(4, 4096), default=32, show_default=True, help=say("canaries", "金丝雀数量")
)
@click.option(
    "--tries",
    type=click.IntRange(1, 10_000),
    default=20,
    show_default=True,
    help=say("simulated tampers", "模拟篡改次数"),
)
@PASSPHRASE_FILE
@FORMAT
def make(system: Path, output: Path, count: int, tries: int, passphrase_file: Path | None, form: str) -> int:
    """Draw, measure, write; the draw cannot be repeated by anybody else."""
    import numpy as np

    from touchstone.checks.model_integrity.canary_making import make_canaries, measured_power, simulation_of
    from touchstone.evidence.secret_file import write_secret
    from touchstone.methods.fingerprint.document import document_of
    from touchstone.signatures.keys import read_passphrase
    from touchstone.system.subject import open_system

    passphrase = None if passphrase_file is None else read_passphrase(passphrase_file)
    subject = open_system(system)
    generator = np.random.default_rng(secrets.randbits(128))
    simulation = simulation_of(subject)
    canaries = make_canaries(subject, simulation, generator, count)
    if not len(canaries):
        raise _none_stands(str(system))
    power: tuple[Power, ...] = ()
    if simulation is not None:
        asked = len(canaries)
        power = measured_power(canaries, simulation, generator, asked=asked, tries=tries)
        power += measured_power(canaries, simulation, generator, asked=max(asked // 2, 1), tries=tries)
    document = {"system": subject.digest, **document_of(canaries)}
    write_secret(output, json.dumps(document).encode(), passphrase)
    if form == "json":
        click.echo(json.dumps(_made(canaries, power), ensure_ascii=False, indent=1))
    else:
        _tell_made(canaries, power, output)
    return 0


@command.command(
    "poll",
    help=say(
        "Ask the model of SYSTEM, a file or an endpoint, a random part of CANARIES and judge its labels.",
        "以 CANARIES 的随机一部分询问 SYSTEM 的模型（文件或端点），并据其标签作出判断。",
    ),
    epilog=say(
        "Exit codes: 0 unchanged, or a form named with --allow; 1 changed, another form, or unclear; 2 wrong input.",
        "退出码：0 未改变，或为 --allow 指定的形态；1 已改变、为其他形态或无法判断；2 输入有误。",
    ),
)
@click.argument("canary_file", metavar="CANARIES", type=click.Path(path_type=Path))
@click.argument("system", type=click.Path(path_type=Path))
@click.option("--ask", type=click.IntRange(1), help=say("canaries to ask [half]", "询问数量［默认一半］"))
@click.option("--allow", type=click.Choice(["int8"]), help=say("form that may be in service", "允许在用的形态"))
@PASSPHRASE_FILE
@FORMAT
def poll(
    canary_file: Path, system: Path, ask: int | None, allow: str | None, passphrase_file: Path | None, form: str
) -> int:
    """One poll; the model may be any that takes the same inputs."""
    import numpy as np

    from touchstone.methods.fingerprint.poll import some_of, verdict
    from touchstone.system.subject import open_system

    canaries = _read(canary_file, passphrase_file)
    subject = open_system(system)
    some = some_of(canaries, ask or max(len(canaries) // 2, 1), np.random.default_rng(secrets.randbits(128)))
    _require_fitting(canaries, subject.description.model.input, str(canary_file))
    found = verdict(some, subject.model().labels(some.inputs))
    allowed = found.state == "other-form" and allow is not None and (found.form or "").startswith(allow)
    if form == "json":
        click.echo(json.dumps(_polled(found), ensure_ascii=False, indent=1))
    else:
        click.echo(_words(found))
    return 0 if found.state == "unchanged" or allowed else 1


def _read(path: Path, passphrase_file: Path | None) -> Canaries:
    from touchstone.errors import EvidenceError
    from touchstone.evidence.secret_file import read_secret
    from touchstone.methods.fingerprint.document import canaries_of
    from touchstone.signatures.keys import read_passphrase
    from touchstone.text import Text

    data = read_secret(path, None if passphrase_file is None else read_passphrase(passphrase_file))
    try:
        return canaries_of(json.loads(data))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise EvidenceError(
            Text("holds no canaries", "不含金丝雀"),
            str(path),
            Text("make them with `touchstone canary make`", "可用 `touchstone canary make` 生成"),
        ) from None


def _require_fitting(canaries: Canaries, declared: Any, where: str) -> None:
    from touchstone.errors import DataError
    from touchstone.system.samples import sample_shape
    from touchstone.text import Text

    have, want = canaries.inputs.shape[1:], sample_shape(declared)
    if have != want:
        raise DataError(
            Text(f"holds inputs of shape {have}, the system takes {want}", f"输入形状为 {have}，而系统要求 {want}"),
            where,
            Text("poll the system they were made for", "请询问生成时所用的系统"),
        )


def _none_stands(where: str) -> Exception:
    from touchstone.errors import DataError
    from touchstone.text import Text

    return DataError(
        Text("no input near a boundary keeps its answer under rounding", "没有任何临界输入在舍入下保持判定"),
        where,
        Text("hand in more test data, of several classes", "请提交更多、涵盖多个类别的测试数据"),
    )


def _made(canaries: Canaries, power: tuple[Power, ...]) -> dict[str, Any]:
    return {
        "canaries": len(canaries),
        "rounding_simulated": bool(power),
        "benign_rate": canaries.benign_rate,
        "power": [
            {
                "tamper": each.tamper,
                "asked": each.asked,
                "detected": each.detected,
                "tries": each.tries,
                "low_95": each.low,
            }
            for each in power
        ],
    }


def _tell_made(canaries: Canaries, power: tuple[Power, ...], output: Path) -> None:
    click.echo(say(f"{len(canaries)} canaries: {output}", f"{len(canaries)} 个金丝雀：{output}"))
    if not power:
        click.echo(
            say(
                "The weights cannot be changed here: tolerance of rounding and power are not known.",
                "此处无法改动权重：对舍入的容忍度与检出力未知。",
            )
        )
    for each in power:
        click.echo(
            say(
                f"{each.tamper}: {each.asked} canaries see {each.detected} of {each.tries} (at least {each.low:.2f})",
                f"{each.tamper}：{each.asked} 个金丝雀检出 {each.detected}/{each.tries}（下界 {each.low:.2f}）",
            )
        )


def _polled(found: Verdict) -> dict[str, Any]:
    return {
        "state": found.state,
        "form": found.form,
        "asked": found.asked,
        "turned": found.turned,
        "alarm_at": found.alarm_at,
        "p_value": found.p_value,
    }


def _words(found: Verdict) -> str:
    counted = say(
        f"{found.turned} of {found.asked} canaries turned; {found.alarm_at} are an alarm (p = {found.p_value:.2g})",
        f"{found.asked} 个金丝雀中有 {found.turned} 个改变；达到 {found.alarm_at} 个即告警（p = {found.p_value:.2g}）",
    )
    states = {
        "unchanged": say("✓ unchanged: ", "✓ 未改变："),
        "other-form": say(f"! the tested model as {found.form}: ", f"! 为被测模型的 {found.form} 形态："),
        "unclear": say("? unclear, poll again: ", "? 无法判断，请再次询问："),
        "changed": say("✗ changed: ", "✗ 已改变："),
    }
    return states[found.state] + counted
