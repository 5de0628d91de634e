"""All metadata of one file, read by what its bytes are, whatever its name says.

A name counts only for texts, which have no bytes of their own to tell them by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from touchstone.methods.labelling import gif, id3, jpeg, office, pdf, png, riff
from touchstone.methods.labelling.exif import exif_fields
from touchstone.methods.labelling.fields import LONGEST_OF_ALL, MOST_FIELDS, DamagedError, Field, UnsupportedError
from touchstone.methods.labelling.iso_media import iso_fields
from touchstone.methods.labelling.markup import html_fields, json_fields, markdown_fields

PLAIN = "text"
_ENDINGS = {".html": "html", ".htm": "html", ".md": "markdown", ".markdown": "markdown", ".json": "json"}
_PLAIN_ENDINGS = (".txt", ".csv", ".log", ".text")
_STILL = (b"heic", b"heix", b"avif", b"avis", b"mif1", b"msf1")
"""Brands of pictures in the boxes of MP4, which keep their metadata elsewhere than films do."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """What was read of one file."""

    format: str
    fields: tuple[Field, ...]

    @property
    def has_place(self) -> bool:
        """Whether files of this format can carry metadata at all."""
        return self.format != PLAIN


def embedded(content: bytes, name: str) -> Embedded:
    """The fields of metadata in the bytes of the file called `name`.

    Raises `DamagedError` when they cannot be read to their end, `UnsupportedError` when nothing here reads the format.
    """
    format_ = format_of(content, name)
    if format_ is None:
        raise UnsupportedError
    return Embedded(format_, tuple(_bounded(_READERS[format_](content))))


def _bounded(fields: Iterable[Field]) -> Iterator[Field]:
    """The fields as long as they are not more than metadata ever are, however small the file that they unpack from."""
    total = 0
    for number, field in enumerate(fields, 1):
        total += len(field.value)
        if number > MOST_FIELDS or total > LONGEST_OF_ALL:
            raise DamagedError
        yield field


def format_of(content: bytes, name: str) -> str | None:
    """What the bytes are; `None` for what is not read."""
    for format_, signature in _SIGNATURES:
        if content.startswith(signature):
            return format_
    if content.startswith(riff.SIGNATURE):
        return riff.FORMS.get(content[8:12])
    if content[4:8] == b"ftyp":
        return None if content[8:12] in _STILL else "mp4"
    if content[:1] == b"\xff" and content[1:2] >= b"\xe0":  # frames of MP3 without a tag
        return "mp3"
    return _text_format(content, name.lower())


def _text_format(content: bytes, name: str) -> str | None:
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    if b"\x00" in content:
        return None
    ending = "." + name.rpartition(".")[2]
    return PLAIN if ending in _PLAIN_ENDINGS else _ENDINGS.get(ending)


def _as_text(fields: Callable[[str], Iterator[Field]]) -> Callable[[bytes], Iterator[Field]]:
    return lambda content: fields(content.decode("utf-8-sig"))


def _nothing(_: bytes) -> Iterable[Field]:
    return ()


_SIGNATURES = (
    ("png", png.SIGNATURE),
    ("jpeg", jpeg.SIGNATURE),
    *(("gif", signature) for signature in gif.SIGNATURES),
    ("tiff", b"II*\x00"),
    ("tiff", b"MM\x00*"),
    ("id3", id3.SIGNATURE),
    ("office", office.SIGNATURE),
    ("pdf", pdf.SIGNATURE),
)
_READERS: Mapping[str, Callable[[bytes], Iterable[Field]]] = MappingProxyType(
    {
        "png": png.png_fields,
        "jpeg": jpeg.jpeg_fields,
        "gif": gif.gif_fields,
        "tiff": lambda content: exif_fields(content, "tiff"),
        "webp": riff.riff_fields,
        "wav": riff.riff_fields,
        "avi": riff.riff_fields,
        "id3": id3.id3_fields,
        "mp3": _nothing,
        "mp4": iso_fields,
        "pdf": pdf.pdf_fields,
        "office": office.office_fields,
        "html": _as_text(html_fields),
        "markdown": _as_text(markdown_fields),
        "json": json_fields,
        PLAIN: _nothing,
    }
)
