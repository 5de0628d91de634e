"""Office documents (ISO/IEC 29500, ISO/IEC 26300): custom and core properties."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from xml.parsers import expat

from touchstone.methods.labelling.fields import LONGEST_VALUE, DamagedError, Field

SIGNATURE = b"PK\x03\x04"
_MEMBERS = ("docProps/custom.xml", "docProps/core.xml", "meta.xml")
_NAMING = ("name", "urn:oasis:names:tc:opendocument:xmlns:meta:1.0 name")
"""Attributes that name a property: of `property` in OOXML, of `user-defined` in OpenDocument."""
_DAMAGED = (zipfile.BadZipFile, zlib.error, expat.ExpatError, NotImplementedError, RuntimeError, OSError, EOFError,
            ValueError, LookupError)  # fmt: skip


def office_fields(content: bytes) -> Iterator[Field]:
    """Every property with a text. Raises `DamagedError`."""
    found: list[Field] = []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [member for member in archive.infolist() if member.filename in _MEMBERS]
            if len(members) > len(_MEMBERS):  # one of them twice
                raise DamagedError
            for member in members:
                with archive.open(member) as stream:
                    xml = stream.read(LONGEST_VALUE + 1)
                if len(xml) > LONGEST_VALUE:
                    raise DamagedError
                found += _properties(xml, f"office {member.filename}")
    except _DAMAGED:
        raise DamagedError from None
    return iter(found)


def _properties(xml: bytes, place: str) -> list[Field]:
    found: list[Field] = []
    names: list[str] = []
    text: list[str] = []

    def started(element: str, attributes: dict[str, str]) -> None:
        own = next((attributes[each] for each in _NAMING if each in attributes), None)
        inherited = names[-1] if names and element.rpartition(" ")[0].endswith("docPropsVTypes") else None
        names.append(own or inherited or element.rpartition(" ")[2])
        text.clear()

    def ended(_: str) -> None:
        name = names.pop()
        if value := "".join(text).strip():
            found.append(Field(place, name, value))
        text.clear()

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = started
    parser.EndElementHandler = ended
    parser.CharacterDataHandler = text.append
    parser.StartDoctypeDeclHandler = _refuse
    parser.Parse(xml, True)
    return found


def _refuse(*_: object) -> None:
    raise DamagedError
