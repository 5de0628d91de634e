"""`touchstone scan`: what model files would do to whoever loads them, told without loading them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchstone.cli.language import say
from touchstone.cli.scan_delivery import (
    Progress,
    in_colour,
    rendered,
    require_new,
    require_writable,
    unreviewed_names,
    write,
    write_baseline,
)

if TYPE_CHECKING:
    from touchstone.scan.advisories import AdvisoryPack
    from touchstone.scan.budget import Limits
    from touchstone.scan.findings import ScanResult, Severity
    from touchstone.scan.output.cyclonedx import Declared
    from touchstone.scan.signed import SignedFiles

FORMATS = ("text", "json", "sarif", "cyclonedx", "html")
CLEAN, FOUND, INCOMPLETE = 0, 1, 3


@click.command(
    "scan",
    help=say(
        "Look for code, tricks and damage in model files, folders of them, or whole repositories at PATH. Nothing in "
        "them is executed, imported or loaded. Every byte must be understood for a file to be clean.",
        "检查 PATH 处的模型文件、文件夹或整个仓库中的代码、陷阱与损坏。不执行、不导入、不加载其中任何内容；"
        "全部字节均被理解的文件才判为未发现问题。",
    ),
    epilog=say(
        "Exit codes: 0 nothing at or above --fail-on, 1 findings at or above it, 2 wrong input, 3 no such finding, but "
        "not everything was understood, 4 fault of Touchstone.",
        "退出码：0 无达到 --fail-on 级别的发现；1 有此类发现；2 输入有误；"
        "3 无此类发现，但有内容未能解析；4 程序自身故障。",
    ),
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", help=say("output", "输出格式"))
@click.option(
    "--output", type=click.Path(path_type=Path), help=say("file to write instead of printing", "写入文件而不是打印")
)
@click.option(
    "--fail-on",
    type=click.Choice(["critical", "high", "medium", "low"]),
    default="high",
    show_default=True,
    help=say("least severity of a finding that makes the exit code 1", "使退出码为 1 的最低严重级别"),
)
@click.option(
    "--allow",
    "allow_file",
    type=click.Path(path_type=Path),
    help=say("findings somebody answers for, with reason and last day", "已有人负责接受的发现，含理由与期限"),
)
@click.option(
    "--write-baseline",
    "baseline_file",
    type=click.Path(path_type=Path),
    help=say(
        "write what is open as an allow file, its reasons still to be filled in", "把未决的发现写成放行文件，理由待填"
    ),
)
@click.option(
    "--advisories",
    "advisories_file",
    type=click.Path(path_type=Path),
    help=say(
        "advisories as osv.dev publishes them, to look packages up in: a folder, a zip or JSON lines",
        "用于查询软件包的 osv.dev 格式公告：文件夹、zip 或 JSON 行文件",
    ),
)
@click.option(
    "--signature",
    "signature_file",
    type=click.Path(path_type=Path),
    help=say("OpenSSF model signature that every file must fit", "每个文件都须与之相符的 OpenSSF 模型签名"),
)
@click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path),
    help=say("public key of the signer, from the signer", "签名方的公钥，须由签名方本身提供"),
)
@click.option(
    "--system",
    "system_file",
    type=click.Path(path_type=Path),
    help=say(
        "system.yaml that names suppliers and origins, for cyclonedx", "为 cyclonedx 提供供应方与来源的 system.yaml"
    ),
)
@click.option(
    "--tensors", is_flag=True, help=say("give the digest of every tensor, in json", "在 json 中给出每个张量的摘要")
)
@click.option(
    "--inspect-tensors",
    is_flag=True,
    help=say(
        "look at samples of the weights for hidden text; information only, shown with --verbose",
        "抽样检查权重中是否藏有文本；仅作提示，配合 --verbose 显示",
    ),
)
@click.option(
    "--unknown-symbols",
    is_flag=True,
    help=say(
        "print only the names that nobody reviewed, with how often each occurs; no data, fit to be sent in",
        "只打印未经审查的名称及出现次数；不含数据，可直接提交",
    ),
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help=say("workers at a time; by default one a core", "并行工作进程数，默认每核一个"),
)
@click.option(
    "--limit-seconds",
    type=click.IntRange(min=1),
    help=say("processor time one file may take; default 60", "单个文件的处理器时间上限，默认 60 秒"),
)
@click.option(
    "--limit-unpacked",
    type=click.IntRange(min=1),
    metavar="MIB",
    help=say("how much one file may unpack to; default 8192", "单个文件解包后的体积上限（MiB），默认 8192"),
)
@click.option("--verbose", is_flag=True, help=say("list every file and every finding", "列出全部文件与全部发现"))
def command(
    paths: tuple[Path, ...],
    form: str,
    output: Path | None,
    fail_on: Severity,
    allow_file: Path | None,
    baseline_file: Path | None,
    advisories_file: Path | None,
    signature_file: Path | None,
    key_file: Path | None,
    system_file: Path | None,
    tensors: bool,
    inspect_tensors: bool,
    unknown_symbols: bool,
    jobs: int | None,
    limit_seconds: int | None,
    limit_unpacked: int | None,
    verbose: bool,
) -> None:
    """Read what one was told, scan, show, and end with the code that says what was found."""
    from touchstone.scan.allow_file import read_allow_file
    from touchstone.scan.scanning import ScanOptions, scan

    if output is not None:
        require_writable(output, paths)
    if baseline_file is not None:
        require_new(baseline_file)
    options = ScanOptions(
        limits=_limits(limit_seconds, limit_unpacked),
        jobs=jobs,
        tensors=tensors,
        inspect_tensors=inspect_tensors,
        allow=None if allow_file is None else read_allow_file(allow_file),
        advisories=None if advisories_file is None else _advisories(advisories_file),
        signed=_signed(paths, signature_file, key_file),
    )
    declared = None if system_file is None else _declared(system_file)
    result = scan(paths, options, Progress() if sys.stderr.isatty() else None)
    if baseline_file is not None:
        write_baseline(baseline_file, result)
    if unknown_symbols:
        content = unreviewed_names(result)
    else:
        content = rendered(result, form, paths, declared, verbose=verbose, colour=output is None and in_colour())
    if output is None:
        click.echo(content, nl=False)
    else:
        write(output, content, result)
    sys.exit(exit_code(result, fail_on))


def exit_code(result: ScanResult, fail_on: Severity) -> int:
    """What the result says to whoever called: findings win over what was not understood."""
    from touchstone.scan.findings import at_or_above

    for file in result.files:
        for finding in file.findings:
            if finding.nature != "information" and at_or_above(finding.severity, fail_on):
                return FOUND
    return INCOMPLETE if any(file.gaps for file in result.files) else CLEAN


def _limits(seconds: int | None, unpacked: int | None) -> Limits:
    from dataclasses import replace

    from touchstone.scan.budget import MEBIBYTE, Limits

    limits = Limits()
    if seconds is not None:
        limits = replace(limits, seconds=float(seconds))
    return limits if unpacked is None else replace(limits, unpacked=unpacked * MEBIBYTE)


def _advisories(path: Path) -> AdvisoryPack:
    from touchstone.scan.advisories import read_osv

    return read_osv(path)


def _signed(paths: tuple[Path, ...], signature_file: Path | None, key_file: Path | None) -> SignedFiles | None:
    """What a signature says, once it is known to be by that key."""
    if signature_file is None and key_file is None:
        return None
    if signature_file is None or key_file is None:
        raise click.UsageError(say("give --signature and --key together", "请同时提供 --signature 与 --key"))
    if len(paths) != 1:
        raise click.UsageError(say("a signature is about one PATH", "签名只针对一个 PATH"))
    from touchstone.evidence.files import read_regular
    from touchstone.scan.signed import SignedFiles
    from touchstone.scan.walk import shown_path
    from touchstone.signatures.keys import load_public_key
    from touchstone.system.model_signing import LARGEST_SIGNATURE, left_out, signed_files

    where = str(signature_file)
    key = load_public_key(key_file)
    data = read_regular(signature_file, where, largest=LARGEST_SIGNATURE)
    digests = {shown_path(name): digest for name, digest in signed_files(data, where, key).items()}
    root, place = paths[0].resolve(), signature_file.resolve()
    itself = {place.relative_to(root).as_posix()} if root in place.parents else set()
    return SignedFiles(digests, {*map(shown_path, left_out(data, where, key)), *map(shown_path, itself)})


def _declared(system_file: Path) -> Declared:
    """Who supplied the whole and what else it consists of, as its `system.yaml` says."""
    from touchstone.evidence.projections.cyclonedx.bom import declared_components, declared_services
    from touchstone.interchange import bom_property
    from touchstone.scan.output.cyclonedx import Declared
    from touchstone.system.loading import description_file, load_description

    description, _ = load_description(description_file(system_file))
    identity = description.system
    whole: dict[str, object] = {
        "name": identity.name,
        "version": identity.version,
        "supplier": {"name": identity.supplier.name},
        "description": identity.intended_use,
    }
    if identity.supplier.country is not None:
        whole["properties"] = [bom_property("origin", identity.supplier.country)]
    return Declared(whole, declared_components(description), declared_services(description))
