"""What the screen says about a file: the constructs in it that run code, and whether it understood all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from touchstone.text import Text

Kind = Literal[
    "code-execution",
    "unknown-global",
    "archive-trick",
    "custom-code",
    "parser-differential",
    "resource-bomb",
]
"""Calls or runs code · names code nobody reviewed · means two things to two unpackers · needs code beside the file ·
means two things to two parsers · exhausts whoever opens it."""

Severity = Literal["critical", "high", "medium"]

LONGEST_SHOWN = 240
"""Characters kept of anything quoted from a hostile file."""


@dataclass(frozen=True, slots=True)
class Construct:
    """One thing in a file that runs, or may run, code when the file is loaded."""

    kind: Kind
    severity: Severity
    where: str
    """File, and after each `!` the member inside it."""
    offset: int | None
    """Byte in that member where it happens."""
    shown: str
    """The reconstructed call (`os.system('id')`), name or member; escaped, printable ASCII."""
    what: Text


@dataclass(frozen=True, slots=True)
class FileScreen:
    """The screen's whole answer about one file.

    A file is clean only when it has no constructs *and* was understood: `not_understood` lists what was not read,
    and why.
    """

    where: str
    format: str
    constructs: tuple[Construct, ...]
    not_understood: tuple[Text, ...]
    unsafe_format: bool
    """Whether this format can run code by design, whatever this file does with it."""

    @property
    def understood(self) -> bool:
        """Whether every byte was accounted for."""
        return not self.not_understood

    @property
    def clean(self) -> bool:
        """Whether everything was understood and nothing runs code."""
        return self.understood and not self.constructs


def shown(text: str, longest: int = LONGEST_SHOWN) -> str:
    """Hostile text made safe to print: one line of printable ASCII of bounded length.

    >>> shown("a\\u202eb")
    'a\\\\u202eb'
    """
    safe = text[: longest + 1].encode("unicode_escape").decode("ascii")
    return safe if len(safe) <= longest else safe[: longest - 1] + "~"
