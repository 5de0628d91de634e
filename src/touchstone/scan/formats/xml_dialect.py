"""What a kind of XML document is to its reader: events, in the order of the document."""

from __future__ import annotations

from typing import ClassVar

from touchstone.scan.examination import Examination


class Dialect:
    """A kind of document of which nothing is known; the dialects that mean something derive from it."""

    name: ClassVar = "xml"

    def __init__(self, examination: Examination) -> None:
        self.examination = examination

    def start(self, tag: str, attributes: dict[str, str], offset: int) -> None:
        """An element begins, with its name free of namespaces."""

    def end(self, tag: str) -> None:
        """An element ends."""

    def text(self, text: str) -> None:
        """Some characters of an element."""

    def finish(self) -> None:
        """The document ended as it should."""
