"""XMP packets (ISO 16684-1): properties by namespace, taken out of their XML without resolving anything."""

from __future__ import annotations

from collections.abc import Iterator
from xml.parsers import expat

from touchstone.methods.labelling.fields import AIGC, LONGEST_VALUE, DamagedError, Field

SOURCE_TYPE = "DigitalSourceType"
"""Name of the IPTC property that says how a medium came about."""

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_NAMES = {
    "http://www.tc260.org.cn/ns/AIGC/1.0/ AIGC": AIGC,  # TC260-PG-20258A, as files of several products have it
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/ DigitalSourceType": SOURCE_TYPE,
}
_DEEPEST = 64


def xmp_fields(packet: bytes, place: str) -> Iterator[Field]:
    """The labels of a packet. Raises `DamagedError` for what is not well-formed or defines entities (CWE-776)."""
    if len(packet) > LONGEST_VALUE:
        raise DamagedError
    reader = _Reader()
    try:
        reader.parser.Parse(packet.strip(b"\x00 \r\n\t"), True)
    except (expat.ExpatError, ValueError, LookupError):
        raise DamagedError from None
    return (Field(place, name, value) for name, value in reader.found)


class _Reader:
    """Values of known properties: attributes, text of elements, items of lists, references."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []
        self._open: list[str] = []
        self._text: list[str] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text.append
        self.parser.StartDoctypeDeclHandler = _refuse

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._open.append(name)
        self._text.clear()
        if len(self._open) > _DEEPEST:
            raise DamagedError
        for attribute, value in attributes.items():
            property_ = self._property() if attribute == f"{_RDF} resource" else _NAMES.get(attribute)
            if property_ is not None:
                self.found.append((property_, value))

    def _end(self, name: str) -> None:
        property_ = self._property()
        value = "".join(self._text).strip()
        if property_ is not None and value:
            self.found.append((property_, value))
        self._text.clear()
        self._open.pop()

    def _property(self) -> str | None:
        """The property that the element belongs to; `rdf:Alt`, `rdf:li` and the like stand between."""
        own = (name for name in reversed(self._open) if not name.startswith(_RDF))
        return _NAMES.get(next(own, ""))


def _refuse(*_: object) -> None:
    raise DamagedError
