"""`touchstone corpus`: what is in a training corpus, and the sheet on which people review it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from touchstone.cli.language import say

SYSTEM = click.argument("system", type=click.Path(path_type=Path))
OUTPUT = click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help=say("file to write", "写入的文件")
)


@click.group("corpus", help=say("Look at the training corpus of a generative model.", "检查生成式模型的训练语料。"))
def command() -> None:
    """Groups the commands about corpora."""


@command.command(
    "sample",
    help=say(
        "Draw the rows of the training data of SYSTEM that people have to read, and write a sheet to fill in. The lot"
        " follows from the data: it comes out the same for everybody, and changes with the data.",
        "抽取 SYSTEM 训练数据中须由人工阅读的行，生成待填写的抽检单。抽签由数据决定：任何人抽取结果相同，"
        "数据变化则重新抽取。",
    ),
    epilog=say("Exit codes: 0 written, 2 wrong input.", "退出码：0 已写出；2 输入有误。"),
)
@click.argument("system", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help=say("file to write", "写入的文件"))
@click.option(
    "--rows", type=click.IntRange(1), help=say("rows to read [as the standard asks]", "抽检行数［默认按标准要求］")
)
def sample(system: Path, output: Path, rows: int | None) -> int:
    """One line of JSON for each drawn row, in the order of the lot; nothing is overwritten."""
    from touchstone.checks.data_security.corpus_content import CorpusSamples
    from touchstone.checks.data_security.corpus_sheet import sheet
    from touchstone.system.subject import open_system

    lines = list(sheet(open_system(system), rows or CorpusSamples().n_min))
    _write_new(output, "".join(line + "\n" for line in lines))
    click.echo(
        say(
            f"{len(lines)} rows to read: {output}\n"
            "Fill in reviewer, verdict (pass or fail), for a fail the risk, and day; then declare the file as"
            " `corpus-review` under `registers:`.",
            f"待阅读 {len(lines)} 行：{output}\n"
            "请填写 reviewer、verdict（pass 或 fail）、未通过时的 risk 以及 day，然后在 `registers:` 下以 "
            "`corpus-review` 声明该文件。",
        )
    )
    return 0


@command.command(
    "search",
    help=say(
        "Search all of the training data of SYSTEM for the vocabulary of content risks, and write every row with"
        " something in it, and the words that were found.",
        "以内容风险词表检索 SYSTEM 的全部训练数据，写出所有命中的行及所命中的词语。",
    ),
    epilog=say(
        "Exit codes: 0 no row is unfit, 1 some are, 2 wrong input.", "退出码：0 无不良行；1 有不良行；2 输入有误。"
    ),
)
@SYSTEM
@OUTPUT
def search(system: Path, output: Path) -> int:
    """One line of JSON for each topic found in a row; the words are for the supplier and stay out of all evidence."""
    from touchstone.checks.data_security.corpus_sheet import found_rows
    from touchstone.system.subject import open_system

    found = list(found_rows(open_system(system)))
    _write_new(output, "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in found))
    unfit, any_row = ({each["row"] for each in found if each["unfit"] or every} for every in (False, True))
    click.echo(
        say(
            f"{output}: {len(any_row)} rows to look at, {len(unfit)} of them unfit",
            f"{output}：命中 {len(any_row)} 行，其中不良 {len(unfit)} 行",
        )
    )
    return 1 if unfit else 0


def _write_new(path: Path, content: str) -> None:
    from touchstone.errors import UserError
    from touchstone.text import Text

    try:
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(content)
    except FileExistsError:
        raise UserError(
            Text("exists and is not overwritten", "已存在，不会覆盖"),
            str(path),
            Text("name another file, or remove this one", "请指定其他文件，或删除此文件"),
        ) from None
    except OSError as error:
        raise UserError(
            Text(f"cannot be written: {error.strerror}", f"无法写入：{error.strerror}"),
            str(path),
            Text("name a file in a folder that exists", "请指定已存在文件夹中的文件"),
        ) from None
