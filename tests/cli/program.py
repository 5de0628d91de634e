"""The program run in this process, as its entry point runs it."""

from __future__ import annotations

import sys
from typing import NamedTuple

import pytest

from touchstone.cli import main


class Finished(NamedTuple):
    """How a run of the program ended."""

    code: int
    out: str
    err: str


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> Finished:
    """Run `touchstone` with `arguments`."""
    before = sys.argv
    sys.argv = ["touchstone", *map(str, arguments)]
    try:
        main()
        code = 0
    except SystemExit as finished:
        code = int(finished.code or 0)
    finally:
        sys.argv = before
    out, err = capsys.readouterr()
    return Finished(code, out, err)
