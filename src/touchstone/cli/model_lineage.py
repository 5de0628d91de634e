"""`touchstone model tensors` and `touchstone model lineage`: what a model's weights are, and whose they were."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchstone.cli.language import say

if TYPE_CHECKING:
    from touchstone.methods.fingerprint.lineage import Declared
    from touchstone.scan.tensor_digests import Lineage, Relation
    from touchstone.scan.tensor_tables import TensorTable

_LARGEST_TABLE = 256 * 1024 * 1024


@click.command(
    "tensors",
    help=say(
        "Print the SHA-256 of every tensor in MODEL, a file or folder, as a table to compare others with.",
        "输出 MODEL（文件或文件夹）中每个张量的 SHA-256，形成可供比对的清单。",
    ),
)
@click.argument("model", type=click.Path(path_type=Path))
def tensors(model: Path) -> None:
    """Scan with digests; print JSON."""
    import json

    from touchstone.scan.tensor_tables import table_document

    table = _table_of(model)
    click.echo(json.dumps(table_document(table.model, table.tensors), ensure_ascii=False, indent=1))


@click.command(
    "lineage",
    help=say(
        "Compare the tensors of MODEL with those of each KNOWN model, a file, folder or table of `model tensors`, and "
        "say what was done to them where the weights themselves are there.",
        "将 MODEL 的张量与各 KNOWN 模型（文件、文件夹或 `model tensors` 输出的清单）逐一比对；"
        "若提供了权重本身，则说明其经历了何种变更。",
    ),
    epilog=say(
        "Exit codes: 0 compared, and as --declared; 1 not as --declared; 2 wrong input. Judged is what form a change "
        "has: a fine-tuning that plants a backdoor is a fine-tuning.",
        "退出码：0 已比对且与 --declared 一致；1 与 --declared 不符；2 输入有误。"
        "仅判断变更的形式：植入后门的微调仍属微调。",
    ),
)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("known", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option(
    "--declared",
    type=click.Choice(["identical", "precision-change", "re-quantised", "pruned", "head-replaced", "fine-tuned"]),
    help=say("what MODEL is said to be of every KNOWN", "声称 MODEL 由各 KNOWN 经何种变更得到"),
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help=say("output", "输出格式"))
def lineage(model: Path, known: tuple[Path, ...], declared: Declared | None, form: str) -> int:
    """For each known model what is equal, what changed and how; with 1 when that is not what was declared."""
    import json

    from touchstone.cli.weight_lineage import compared_weights, document, lines, without_weights
    from touchstone.scan.findings import shown
    from touchstone.scan.tensor_digests import lineage_of_tables

    ours = _table_of(model)
    documents, as_declared = [], True
    for path in known:
        theirs = _table_of(path)
        found = lineage_of_tables(ours.tensors, theirs.tensors)
        weights = None if _is_table(path) or _is_table(model) else compared_weights(path, model)
        if declared is not None:
            if weights is None:
                raise without_weights(path, model)
            as_declared &= weights.judgement.fits(declared)
        if form == "json":
            documents.append(document(theirs.model, found, weights, declared))
            continue
        click.echo(f"{shown(theirs.model)}: {_words(found.relation)}, {_shares(found)}")
        _tell_changed(found)
        for line in () if weights is None else lines(weights, declared):
            click.echo(f"    {line}")
    if form == "json":
        click.echo(json.dumps(documents, ensure_ascii=False, indent=1))
    return 0 if as_declared else 1


def _tell_changed(found: Lineage) -> None:
    from touchstone.scan.findings import shown

    for change in found.changed[:20]:
        click.echo(f"    {shown(change.name)}: {change.first} / {change.second}")
    if len(found.changed) > 20:
        left = len(found.changed) - 20
        click.echo(say(f"    and {left} more that differ", f"    另有 {left} 个不同"))


def _words(relation: Relation) -> str:
    words = {
        "same": say("the same weights", "权重相同"),
        "shared": say("weights in common", "有共同权重"),
        "none": say("nothing in common", "无共同权重"),
    }
    return words[relation]


def _shares(found: Lineage) -> str:
    return say(
        f"{found.share_of_first:.1%} of its weights are in there, {found.share_of_second:.1%} of those are in it",
        f"其权重的 {found.share_of_first:.1%} 见于对方，对方权重的 {found.share_of_second:.1%} 见于其中",
    )


def _is_table(path: Path) -> bool:
    return path.suffix == ".json" and path.is_file()


def _table_of(path: Path) -> TensorTable:
    """The tensors of a model, or of a table written before. Raises `UserError` when there are none."""
    from touchstone.errors import UserError
    from touchstone.evidence.files import read_regular
    from touchstone.scan.scanning import ScanOptions, scan
    from touchstone.scan.tensor_tables import TensorTable, read_table
    from touchstone.text import Text

    if _is_table(path):
        return read_table(read_regular(path, str(path), largest=_LARGEST_TABLE), str(path))
    result = scan([path], ScanOptions(tensors=True))
    found = tuple(entry for file in result.files for entry in file.tensors if entry.sha256)
    if not found:
        raise UserError(
            Text("holds no tensors whose bytes could be read", "不含可读取的张量"),
            str(path),
            Text("name weights that are stored as they are", "请指定未压缩存储的权重"),
        )
    return TensorTable(path.name, found)
