"""`touchstone bundle`: pack evidence into one file, take it back from a registry, copy it without restricted parts."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from touchstone.cli.language import say


@click.group(
    "bundle", help=say("Pack evidence, or copy it without restricted parts.", "打包证据，或导出不含受限内容的副本。")
)
def command() -> None:
    """Groups the bundle commands."""


@command.command(
    "pack",
    help=say(
        "Write evidence, with the statements and receipts beside it, as one .zip or .tar file.",
        "将证据连同其旁的声明与回执写为单个 .zip 或 .tar 文件。",
    ),
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help=say("file to write, ending in .zip or .tar", "要写入的文件，以 .zip 或 .tar 结尾"),
)
def pack(bundle: Path, output: Path) -> None:
    """Pack the bundle at, or in the output folder, BUNDLE."""
    from touchstone.evidence.delivery import with_attached, write_files
    from touchstone.laboratory.rejudging import find_bundle

    if output.suffix not in (".zip", ".tar"):
        raise click.UsageError(say("--output must end in .zip or .tar", "--output 须以 .zip 或 .tar 结尾"))
    opened = find_bundle(bundle)
    write_files(with_attached(opened, _beside(bundle)), output)
    click.echo(say(f"evidence {opened.manifest_digest}", f"证据 {opened.manifest_digest}"))


@command.command(
    "unpack",
    help=say(
        "Write the output folder from which an archive was packed, to be verified.",
        "将打包文件还原为输出文件夹，以供验证。",
    ),
)
@click.argument("archive", type=click.Path(path_type=Path))
@click.option("--output", required=True, type=click.Path(path_type=Path), help=say("new folder", "新文件夹"))
def unpack(archive: Path, output: Path) -> None:
    """Write evidence, statements and receipts as they lay before they were packed."""
    from touchstone.evidence.bundle import Bundle
    from touchstone.evidence.delivery import unpack as write_output_folder

    opened = Bundle.open(archive)
    write_output_folder(opened, output)
    click.echo(say(f"evidence {opened.manifest_digest}", f"证据 {opened.manifest_digest}"))


@command.command(
    "adopt",
    help=say(
        "Make a bundle again of an OCI layout that another tool fetched from a registry.",
        "将其他工具自镜像仓库取回的 OCI 布局还原为证据包。",
    ),
)
@click.argument("layout", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help=say("new folder, or a file ending in .zip or .tar", "新文件夹，或以 .zip 或 .tar 结尾的文件"),
)
def adopt(layout: Path, output: Path) -> None:
    """Write the bundle with the index it had when it was packed."""
    from touchstone.evidence.adoption import adopted
    from touchstone.evidence.bundle import Bundle
    from touchstone.evidence.delivery import write_files

    write_files(adopted(layout), output)
    digest = Bundle.open(output).manifest_digest
    click.echo(say(f"evidence {digest}", f"证据 {digest}"))


@command.command(
    "redact",
    help=say(
        "Copy a bundle without restricted entries; its digest and signatures stay valid.",
        "导出不含所选受限条目的证据包副本；摘要与签名仍然有效。",
    ),
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--withhold",
    multiple=True,
    required=True,
    metavar="ROLE|NAME",
    help=say(
        "name of an entry, or role of several, to leave out; may be repeated", "不予披露的条目名或角色名；可重复使用"
    ),
)
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help=say("new folder, or a file ending in .zip or .tar", "新文件夹，或以 .zip 或 .tar 结尾的文件"),
)
def redact(bundle: Path, withhold: tuple[str, ...], output: Path) -> None:
    """Write the copy and say what it goes without."""
    from touchstone.evidence.bundle import Bundle
    from touchstone.evidence.delivery import with_attached, write_files
    from touchstone.evidence.redaction import redacted
    from touchstone.laboratory.rejudging import find_bundle

    copy = Bundle.of_files(redacted(find_bundle(bundle), withhold), str(output))
    write_files(with_attached(copy, _beside(bundle)), output)
    for entry in copy.withheld:
        click.echo(say(f"withheld {entry.name} ({entry.digest})", f"不予披露 {entry.name}（{entry.digest}）"))
    click.echo(say(f"evidence {copy.manifest_digest}", f"证据 {copy.manifest_digest}"))


@command.command(
    "baseline",
    help=say(
        "Write the system as it was assessed as the register `previous-assessment` of the next assessment.",
        "将受测时的系统写为下次测评的 `previous-assessment` 登记。",
    ),
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help=say("file to write, ending in .yaml", "要写入的文件，以 .yaml 结尾"),
)
def baseline(bundle: Path, output: Path) -> None:
    """Write what the next assessment compares with."""
    from touchstone.evidence.baseline import baseline as baseline_of
    from touchstone.laboratory.rejudging import find_bundle
    from touchstone.signatures.keys import create_file

    if output.suffix != ".yaml":
        raise click.UsageError(say("--output must end in .yaml", "--output 须以 .yaml 结尾"))
    opened = find_bundle(bundle)
    create_file(output, baseline_of(opened), mode=0o644)
    click.echo(say(f"evidence {opened.manifest_digest}", f"证据 {opened.manifest_digest}"))


@command.command(
    "replay",
    help=say(
        "Put every stored adversarial sample to the model once and count those that are still answered wrongly.",
        "将所存的每个对抗样本交由模型重新判定一次，统计仍被误判的数量。",
    ),
    epilog=say(
        "Exit codes: 0 every stored sample is still broken, 1 at least one is not, 2 wrong input.",
        "退出码：0 所存样本均仍被攻破；1 至少一个未被攻破；2 输入有误。",
    ),
)
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--system", required=True, type=click.Path(path_type=Path), help=say("the system that was tested", "受测系统")
)
def replay(bundle: Path, system: Path) -> None:
    """Say how many of the samples are proofs: made of the test data within the threat, and answered wrongly."""
    from touchstone.laboratory.rejudging import find_bundle
    from touchstone.laboratory.replaying import replay as replay_samples
    from touchstone.system.subject import open_system

    done = replay_samples(find_bundle(bundle), open_system(system))
    click.echo(
        say(
            f"{done.broken} of {done.stored} stored samples are still broken; {done.genuine} are made of the test data "
            "within the threat model",
            f"所存 {done.stored} 个样本中仍被攻破 {done.broken} 个；{done.genuine} 个确由测试数据在威胁模型内改动而成",
        )
    )
    sys.exit(0 if done.broken == done.stored else 1)


def _beside(path: Path) -> dict[str, bytes]:
    """Statements and receipts to carry along, when `path` is an output folder."""
    from touchstone.evidence.delivery import beside, is_output_folder

    return beside(path) if is_output_folder(path) else {}
