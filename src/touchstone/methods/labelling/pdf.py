"""PDF (ISO 32000): the information dictionary and the XMP of the document, by `pypdf` (extra `documents`)."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

from touchstone.methods.labelling.fields import LONGEST_VALUE, DamagedError, Field, UnsupportedError
from touchstone.methods.labelling.xmp import xmp_fields

SIGNATURE = b"%PDF-"


def pdf_fields(content: bytes) -> Iterator[Field]:
    """Every entry with a text. Raises `DamagedError`, and `UnsupportedError` where `pypdf` is not installed."""
    try:
        import pypdf
    except ImportError:
        raise UnsupportedError from None
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = pypdf.PdfReader(io.BytesIO(content))
        entries = {str(name).removeprefix("/"): str(value) for name, value in (reader.metadata or {}).items()}
        packet = reader.root_object.get("/Metadata")
        xmp = b"" if packet is None else packet.get_object().get_data()
    except Exception:  # a parser of damaged files raises whatever it stumbles over
        raise DamagedError from None
    for name, value in entries.items():
        if len(value) > LONGEST_VALUE:
            raise DamagedError
        yield Field("pdf Info", name, value)
    if xmp:
        yield from xmp_fields(xmp, "pdf XMP")
