"""The little of DER (X.690) that timestamps need: read strictly, written in the one way there is.

>>> sequence(integer(1), object_identifier("1.2.840.10045.4.3.2")).hex()
'300d02010106082a8648ce3d040302'
>>> Element.parse(bytes.fromhex("3003020101")).children[0].content
b'\\x01'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

INTEGER: Final = 0x02
OCTET_STRING: Final = 0x04
NULL: Final = b"\x05\x00"
OBJECT_IDENTIFIER: Final = 0x06
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31


@dataclass(frozen=True, slots=True)
class Element:
    """One value with its tag; constructed values hold further elements."""

    tag: int
    """The identifier octet; tags of more than one octet are not read."""
    content: bytes

    @classmethod
    def parse(cls, data: bytes) -> Element:
        """The one element that `data` is, all of it. Raises `ValueError` for anything else."""
        element, rest = cls._first(data)
        if rest:
            raise ValueError("more than one element")
        return element

    @property
    def children(self) -> tuple[Element, ...]:
        """The elements inside a constructed one. Raises `ValueError` when it is none."""
        if not self.tag & 0x20:
            raise ValueError("holds no elements")
        children, rest = [], self.content
        while rest:
            child, rest = self._first(rest)
            children.append(child)
        return tuple(children)

    def expect(self, tag: int) -> Element:
        """This element, if it has that tag. Raises `ValueError` otherwise."""
        if self.tag != tag:
            raise ValueError(f"has tag {self.tag:#04x}, not {tag:#04x}")
        return self

    @property
    def encoded(self) -> bytes:
        """Tag, length and content."""
        return encode(self.tag, self.content)

    @staticmethod
    def _first(data: bytes) -> tuple[Element, bytes]:
        if len(data) < 2 or data[0] & 0x1F == 0x1F:
            raise ValueError("is not DER")
        length, start = data[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[2:start], "big")
        element = Element(data[0], data[start : start + length])
        if data[:start] != encode(element.tag, element.content)[:start] or len(element.content) != length:
            raise ValueError("is not DER")
        return element, data[start + length :]


def encode(tag: int, content: bytes) -> bytes:
    """Tag, length in its shortest form, content."""
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def sequence(*elements: bytes) -> bytes:
    """Elements in their order."""
    return encode(SEQUENCE, b"".join(elements))


def set_of(*elements: bytes) -> bytes:
    """Elements in the order of their encodings, which DER wants for a SET OF."""
    return encode(SET, b"".join(sorted(elements)))


def tagged(number: int, content: bytes) -> bytes:
    """A constructed context-specific element."""
    return encode(0xA0 | number, content)


def integer(value: int) -> bytes:
    """A whole number, not negative."""
    return encode(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octet_string(content: bytes) -> bytes:
    """Bytes."""
    return encode(OCTET_STRING, content)


def object_identifier(dotted: str) -> bytes:
    """An object identifier from its dotted form."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = b""
    for arc in (40 * first + second, *rest):
        digits = [arc & 0x7F]
        while arc := arc >> 7:
            digits.append(0x80 | arc & 0x7F)
        content += bytes(reversed(digits))
    return encode(OBJECT_IDENTIFIER, content)
