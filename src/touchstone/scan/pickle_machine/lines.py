"""Arguments that are written as lines of text, as protocol 0 does."""

from __future__ import annotations

import re
from typing import Final

from touchstone.scan.pickle_machine.stream import LONGEST_INLINE, Malformed
from touchstone.scan.pickle_machine.values import Stretch
from touchstone.text import Text

_ESCAPE: Final = re.compile(rb"\\(x[0-9a-fA-F]{2}|[0-7]{1,3}|.|$)", re.DOTALL)
_NAMED: Final = {
    b"\\": b"\\",
    b"'": b"'",
    b'"': b'"',
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
    b"\n": b"",
}


LONGEST_DECIMAL: Final = 4_300
"""Digits beyond which Python itself refuses to read an integer, for that takes quadratic time (CVE-2020-10735)."""


def decimal_integer(line: bytes) -> int | Stretch:
    """The integer of an INT, LONG, GET or PUT line; any base that Python writes."""
    if len(line) > LONGEST_INLINE:
        return Stretch("integer", -1, len(line), line[:40])
    text = line.strip(b" \t\r\v\f")
    try:
        try:
            return int(text, 0)
        except ValueError:
            return int(text)  # leading zeros
    except ValueError:
        raise Malformed(Text("an integer is not one", "整数格式错误")) from None


def decimal_or_boolean(line: bytes) -> bool | int | Stretch:
    """The argument of INT, which also writes booleans."""
    return line == b"01" if line in {b"00", b"01"} else decimal_integer(line)


def float_of_line(line: bytes) -> float:
    """The argument of FLOAT."""
    try:
        return float(line)
    except ValueError:
        raise Malformed(Text("a float is not one", "浮点数格式错误")) from None


def text_of_string_line(line: bytes) -> str:
    """The argument of STRING: quoted, with the escapes of Python's byte strings."""
    quoted = line.strip()
    if len(quoted) < 2 or quoted[:1] != quoted[-1:] or quoted[:1] not in {b"'", b'"'}:
        raise Malformed(Text("a string is not quoted", "字符串缺少引号"))
    return _ESCAPE.sub(_unescaped, quoted[1:-1]).decode("latin-1")


def _unescaped(match: re.Match[bytes]) -> bytes:
    escape = match[1]
    if escape[:1] == b"x" and len(escape) == 3:
        return bytes([int(escape[1:], 16)])
    if escape[:1].isdigit() and escape[:1] not in {b"8", b"9"}:
        return bytes([int(escape, 8) & 0xFF])
    if escape in {b"x", b""}:
        raise Malformed(Text("a string escape is wrong", "字符串转义错误"))
    return _NAMED.get(escape, match[0])


def text_of_unicode_line(line: bytes) -> str:
    """The argument of UNICODE: raw unicode escapes."""
    try:
        return line.decode("raw_unicode_escape")
    except UnicodeDecodeError:
        raise Malformed(Text("a unicode escape is wrong", "Unicode 转义错误")) from None
