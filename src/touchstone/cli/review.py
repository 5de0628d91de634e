"""`touchstone review`: documents read by people, where the standard cannot be measured."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchstone.cli.language import chosen, say
from touchstone.cli.signing import PASSPHRASE_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from touchstone.laboratory.reviewing import Asked
    from touchstone.text import Text

_PATH = click.Path(path_type=Path)

STATES = {
    "missing": ("missing", "缺失"),
    "unreviewed": ("handed in, unreviewed", "已提交，未评审"),
    "accepted": ("accepted", "已接受"),
    "needs-work": ("needs work", "需补充"),
    "rejected": ("rejected", "不接受"),
    "expired": ("expired", "已过期"),
}


@click.group("review", help=say("Review the documents of a system.", "评审系统提交的文件。"))
def command() -> None:
    """Groups the commands about documents."""


@command.command(
    "sign",
    help=say(
        "Judge DOCUMENT, one of the documents that SYSTEM names, and sign the judgement.",
        "评审 SYSTEM 所列文件之一 DOCUMENT，并签署评审结论。",
    ),
)
@click.argument("system", type=_PATH)
@click.argument("document")
@click.option(
    "--control", "controls", multiple=True, required=True, help=say("control it is read for", "所针对的控制项")
)
@click.option(
    "--kind", "kinds", multiple=True, required=True, help=say("kind of document it serves as", "充当的文件类别")
)
@click.option(
    "--judgement",
    type=click.Choice(["accepted", "needs-work", "rejected"]),
    required=True,
    help=say("what was found", "评审结论"),
)
@click.option("--reason", required=True, help=say("why, for everyone to read", "理由，将公开"))
@click.option(
    "--value",
    "values",
    multiple=True,
    metavar="METRIC=NUMBER",
    help=say("what the document shows for a metric of these controls", "文件所示的控制项指标数值"),
)
@click.option("--reviewer", required=True, help=say("name of the reviewer", "评审人姓名"))
@click.option("--organisation", required=True, help=say("whom the reviewer works for", "评审人所属机构"))
@click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%d"]),
    help=say("day from which it no longer holds", "失效日期"),
)
@click.option("--key", required=True, help=say("the reviewer's signing key", "评审人的签名密钥"))
@PASSPHRASE_FILE
@click.option("--output", type=_PATH, required=True, help=say("folder of the reviews", "评审记录目录"))
def sign(
    system: Path,
    document: str,
    controls: tuple[str, ...],
    kinds: tuple[str, ...],
    judgement: str,
    reason: str,
    values: tuple[str, ...],
    reviewer: str,
    organisation: str,
    expires: datetime | None,
    key: str,
    passphrase_file: Path | None,
    output: Path,
) -> None:
    """Write one signed review; exit 0."""
    from touchstone.api import open_system
    from touchstone.cli.signing import signing_key
    from touchstone.files import make_folder
    from touchstone.laboratory.reviewing import SUFFIX, require_known, require_reviewable
    from touchstone.standard.catalog import load_standard
    from touchstone.standard.reviews import Review, SignedReview

    subject = open_system(system)
    record = require_known(subject, load_standard(), document, controls, kinds)
    review = Review.from_json(
        {
            "document": record.digest,
            "title": next(each.title for each in subject.description.documents if each.path == document),
            "controls": controls,
            "kinds": kinds,
            "judgement": judgement,
            "reason": reason,
            "values": dict(_value(text) for text in values),
            "reviewer": reviewer,
            "organisation": organisation,
            "reviewed": datetime.now(UTC).date().isoformat(),
            "expires": None if expires is None else expires.date().isoformat(),
        },
        say("review", "评审记录"),
    )
    require_reviewable(review, subject, document)
    signed = SignedReview.of(review, signing_key(key, passphrase_file))
    make_folder(output)
    path = output / f"{review.own_digest().removeprefix('sha256:')[:16]}{SUFFIX}"
    path.write_bytes(signed.to_bytes())
    click.echo(str(path))


@command.command(
    "list",
    help=say(
        "List the documents that a profile asks for and where each stands.",
        "列出档案所要求的文件及各自的状态。",
    ),
)
@click.argument("system", type=_PATH)
@click.option("--profile", required=True, help=say("profile that asks for documents", "所依据的档案"))
@click.option("--reviews", type=_PATH, help=say("folder of the reviews", "评审记录目录"))
@click.option("--reviewer-key", "keys", multiple=True, type=_PATH, help=say("public key of a reviewer", "评审人公钥"))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help=say("output", "输出格式"))
def listing(system: Path, profile: str, reviews: Path | None, keys: tuple[Path, ...], form: str) -> None:
    """Print every kind of document asked for; exit 0 when all are accepted, else 1."""
    from touchstone.api import open_system
    from touchstone.laboratory.reviewing import asked_documents, read_reviews
    from touchstone.signatures.keys import load_public_key
    from touchstone.standard.catalog import load_standard

    subject, resolved = open_system(system), load_standard().profile(profile)
    read = [] if reviews is None else read_reviews(reviews, [load_public_key(key) for key in keys], subject)
    rows = list(asked_documents(resolved, subject, read, datetime.now(UTC).date()))
    if form == "json":
        fields = [{"control": row.control, "kind": row.kind, "state": row.state, "by": row.by} for row in rows]
        click.echo(json.dumps(fields, ensure_ascii=False, indent=2))
    else:
        _show(rows, resolved.documents)
    sys.exit(0 if all(row.state == "accepted" for row in rows) else 1)


def _show(rows: list[Asked], titles: Mapping[str, Text]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text as Line

    language = chosen()
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for row in rows:
        state = STATES[row.state][0 if language == "en" else 1]
        table.add_row(Line(row.control), Line(titles[row.kind].render(language)), Line(state), Line(row.by))
    Console(highlight=False).print(table)


def _value(text: str) -> tuple[str, str]:
    """`members=9` as name and number."""
    name, equals, figure = text.partition("=")
    try:
        value = Decimal(figure)
    except InvalidOperation:
        value = Decimal("NaN")
    if not equals or not name.strip() or not value.is_finite():
        raise click.BadParameter(
            say(f"{text!r} is not METRIC=NUMBER, for example members=9", f"{text!r} 不是 指标=数值，例如 members=9"),
            param_hint="--value",
        )
    return name.strip(), figure.strip()
