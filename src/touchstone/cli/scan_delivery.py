"""How `touchstone scan` hands its result out: printed or written, and only ever to a file that may be written."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from touchstone.cli.language import chosen, say
from touchstone.errors import UserError
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.scan.findings import ScanResult
    from touchstone.scan.output.cyclonedx import Declared

_BASELINE_DAYS = 90


def rendered(
    result: ScanResult, form: str, paths: tuple[Path, ...], declared: Declared | None, *, verbose: bool, colour: bool
) -> bytes:
    """The result in the format that was asked for; only that one is imported."""
    language = chosen()
    if form == "json":
        from touchstone.scan.output.json import to_json

        return to_json(result)
    if form == "sarif":
        from touchstone.scan.output.sarif import to_sarif

        return to_sarif(result, language, _folder_below_the_current(paths)) + b"\n"
    if form == "cyclonedx":
        from touchstone.scan.output.cyclonedx import to_cyclonedx

        return to_cyclonedx(result, language, declared) + b"\n"
    if form == "html":
        from touchstone.scan.output.html import to_html
        from touchstone.scan.walk import shown_path

        return to_html(result, language, shown_path(paths[0].resolve().name) if len(paths) == 1 else "").encode()
    from touchstone.scan.output.text import to_text

    return to_text(result, language, verbose=verbose, colour=colour).encode()


def _folder_below_the_current(paths: tuple[Path, ...]) -> str:
    """Where the files lie seen from the current folder: in a pipeline, the repository's root."""
    from touchstone.scan.walk import shown_path

    if len(paths) != 1:
        return ""
    folder = paths[0] if paths[0].is_dir() else paths[0].parent
    root, here = folder.resolve(), Path.cwd().resolve()
    return shown_path(f"{root.relative_to(here).as_posix()}/") if here in root.parents else ""


def unreviewed_names(result: ScanResult) -> bytes:
    """Names and how often they occur, the most frequent first."""
    from collections import Counter

    from touchstone.scan.allow_file import symbol_of

    found = (finding for file in result.files for finding in file.findings if finding.nature == "unreviewed")
    counts = Counter(filter(None, map(symbol_of, found)))
    in_order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return "".join(f"{count}\t{name}\n" for name, count in in_order).encode()


def require_writable(target: Path, paths: tuple[Path, ...]) -> None:
    """Refuse, before anything is scanned, what cannot be written, or what would overwrite a scanned file."""
    _require_folder(target)
    if not os.path.lexists(target):
        return
    place = target.resolve()
    if not place.is_file():
        raise _unwritable(target, Text("is not a regular file", "不是普通文件"))
    for path in paths:
        root = path.resolve()
        if root == place or root in place.parents:
            raise _unwritable(target, Text("is one of the files to be scanned", "是要扫描的文件之一"))


def require_new(target: Path) -> None:
    _require_folder(target)
    if os.path.lexists(target):
        raise _unwritable(target, Text("exists already and is not overwritten", "已存在，不会覆盖"))


def _require_folder(target: Path) -> None:
    if not target.parent.is_dir():
        raise _unwritable(target, Text("lies in a folder that does not exist", "所在文件夹不存在"))


def _unwritable(target: Path, what: Text) -> UserError:
    return UserError(what, str(target), Text("choose another file", "请另选文件"))


def write(target: Path, content: bytes, result: ScanResult) -> None:
    from touchstone.scan.output.text import conclusion
    from touchstone.scan.walk import shown_path

    _write_file(target, content)
    name = shown_path(str(target))
    click.echo(conclusion(result, chosen(), colour=in_colour()))
    click.echo(say(f"written to {name}", f"已写入 {name}"))


def write_baseline(target: Path, result: ScanResult) -> None:
    from datetime import date, timedelta

    from touchstone.scan.baseline import baseline
    from touchstone.scan.walk import shown_path

    _write_file(target, baseline(result, date.today() + timedelta(days=_BASELINE_DAYS)))
    name = shown_path(str(target))
    told = say(f"baseline written to {name}: fill in its reasons", f"基线已写入 {name}：请填写其中的理由")
    click.echo(told, err=True)


def _write_file(target: Path, content: bytes) -> None:
    from touchstone.evidence.files import write_durably
    from touchstone.files import unreadable

    try:
        write_durably(target, content)
    except OSError as error:
        raise _unwritable(target, unreadable(error, "").what) from None


def in_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


class Progress:
    """How many files are done, on a terminal, once a scan takes longer than a moment."""

    def __init__(self) -> None:
        self._next = time.monotonic() + 1

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now >= self._next and done < total:
            self._next = now + 0.2
            click.echo(f"\r{done} / {total}", nl=False, err=True)
        elif done == total:
            click.echo("\r\x1b[K", nl=False, err=True)
