"""The same text as it may be meant: without spacing and disguise, with numbers joined, with encodings taken off."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

_THOUSANDS: Final = re.compile(r"(?<=\d)(?:[,'’_ \u00a0\u202f]|\{,\}|\\,)(?=\d{3}(?!\d))")
_NUMBER: Final = re.compile(r"\d+")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2}[ :-]?){6,}")
_CHINESE_DIGITS: Final = str.maketrans("〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖", "00123456789123456789")


def compact(text: str) -> str:
    """Letters and digits only, in one case and one form: what is left of a word however it is spaced or disguised.

    >>> compact("V-u-k-o–4\\u200b2, Ｏｋ")
    'vuko42ok'
    """
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def numbers_in(text: str) -> frozenset[str]:
    r"""Every whole number of a text, whatever stands between its thousands, in TeX as well.

    >>> sorted(numbers_in(r"9,591 and 12 345.50, 359{,}784 or 7\,001"))
    ['12345', '359784', '50', '7001', '9591']
    """
    return frozenset(_NUMBER.findall(_THOUSANDS.sub("", unicodedata.normalize("NFKC", text))))


def readings(text: str) -> Iterator[str]:
    """Every :func:`compact` reading: as written, backwards, ROT13, Chinese digits, decoded from base64 and hex."""
    plain = compact(text)
    yield plain
    yield plain[::-1]
    yield codecs.encode(plain, "rot13")
    yield compact(text.translate(_CHINESE_DIGITS))
    for decoded in decoded_parts(text):
        yield compact(decoded)


def decoded_parts(text: str) -> Iterator[str]:
    """What parts of a text say that are written in base64 or in hexadecimal digits."""
    for found in _BASE64.finditer(text):
        written = found.group().replace("-", "+").replace("_", "/")
        try:
            decoded = base64.b64decode(written + "=" * (-len(written) % 4))
        except binascii.Error:  # a length that no encoding has
            continue
        yield decoded.decode("utf-8", "ignore")
    for found in _HEX.finditer(text):
        yield bytes.fromhex(re.sub("[ :-]", "", found.group())).decode("utf-8", "ignore")
