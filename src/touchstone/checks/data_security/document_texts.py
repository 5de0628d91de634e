"""The text of office documents and PDF files, taken out without running or rendering anything of them.

Office documents (OOXML and OpenDocument) are zips of XML: members are bounded before they are unpacked, and a document
type definition, which no office program writes, is refused because entities can expand without end (CWE-776). PDF is
read by `pypdf` (extra `documents`), which is pure Python, inside the walls of the worker.
"""

from __future__ import annotations

import io
import logging
import re
import zipfile
import zlib
from itertools import islice
from typing import Any
from xml.parsers import expat

OFFICE_ENDINGS = (".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp")
PDF_ENDING = ".pdf"
LARGEST_MEMBER = 64 * 1024 * 1024
LARGEST_DOCUMENT = 256 * 1024 * 1024
"""Unpacked, all members together."""
MOST_PAGES = 5_000

_WITH_TEXT = re.compile(r"(word|xl|ppt)/[\w/.-]+\.xml|content\.xml|styles\.xml|meta\.xml|docProps/\w+\.xml", re.ASCII)
_PROPERTIES = ("docProps/", "meta.xml")
_PARTS = frozenset({"p", "h", "si", "c", "creator", "lastModifiedBy", "author"})
"""Elements at whose end a piece of text ends: paragraphs, shared strings and cells, and who wrote it."""

_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    expat.ExpatError,
    NotImplementedError,  # a way of packing that zipfile does not know
    RuntimeError,  # encrypted
    OSError,
    EOFError,
    ValueError,
)


class UnreadableError(Exception):
    """The document is damaged, encrypted or larger than is read."""


def document_texts(content: bytes, path: str, *, properties: bool = True) -> list[str] | None:
    """Pieces of text of one document; `None` when it is of no kind that is read, or its reader is not installed.

    Without `properties`, only what a reader of the document sees. Raises `UnreadableError`.
    """
    ending = path.lower()
    if ending.endswith(OFFICE_ENDINGS):
        return _office(content, properties)
    if ending.endswith(PDF_ENDING):
        return _pdf(content)
    return None


def _office(content: bytes, properties: bool) -> list[str]:
    pieces: list[str] = []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [each for each in archive.infolist() if _WITH_TEXT.fullmatch(each.filename)]
            members = [each for each in members if properties or not each.filename.startswith(_PROPERTIES)]
            if sum(each.file_size for each in members) > LARGEST_DOCUMENT:
                raise UnreadableError
            for member in members:
                with archive.open(member) as stream:
                    pieces += _xml(stream.read(LARGEST_MEMBER + 1))
    except _DAMAGED:
        raise UnreadableError from None
    return pieces


def _xml(content: bytes) -> list[str]:
    """Text of the XML, one piece for each paragraph or cell."""
    if len(content) > LARGEST_MEMBER:
        raise UnreadableError
    pieces: list[str] = []
    current: list[str] = []

    def ended(name: str) -> None:
        if name.rpartition(":")[2] in _PARTS and (text := "".join(current).strip()):
            pieces.append(text)
            current.clear()

    def refuse(*_: Any) -> None:
        raise UnreadableError

    parser = expat.ParserCreate()
    parser.CharacterDataHandler = current.append
    parser.EndElementHandler = ended
    parser.StartDoctypeDeclHandler = refuse
    parser.Parse(content, True)
    if rest := "".join(current).strip():
        pieces.append(rest)
    return pieces


def _pdf(content: bytes) -> list[str] | None:
    try:
        import pypdf
    except ImportError:
        return None
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # what it thinks of the file's making is nobody's concern
    try:
        pages = pypdf.PdfReader(io.BytesIO(content)).pages
        texts = [page.extract_text() for page in islice(pages, MOST_PAGES + 1)]
    except Exception:  # a parser of damaged files raises whatever it stumbles over; a broken file is no fault of ours
        raise UnreadableError from None
    if len(texts) > MOST_PAGES:
        raise UnreadableError
    return [line for text in texts for line in text.splitlines() if line.strip()]
