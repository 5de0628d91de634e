"""Bytes that are the same on every machine: canonical JSON (RFC 8785) and SHA-256 digests.

Everything we hash or sign goes through :func:`canonical_json`. Floats are refused: numbers in signed JSON are
integers or decimal strings, which removes the one part of RFC 8785 that implementations disagree on.
"""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import rfc8785

from touchstone.errors import EvidenceError
from touchstone.text import Text

Digest = str
"""`sha256:` followed by 64 lower-case hexadecimal digits."""

LARGEST_SAFE_INTEGER = 2**53 - 1


def canonical_json(value: Any) -> bytes:
    """RFC 8785 bytes of `value`. Raises `TypeError` for a float: write it as a decimal string."""
    _refuse_floats(value)
    return rfc8785.dumps(value)


def digest_of(data: bytes) -> Digest:
    """SHA-256 of bytes, with its algorithm named.

    >>> digest_of(b"")
    'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
    """
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_of_json(value: Any) -> Digest:
    """SHA-256 of the canonical JSON of `value`."""
    return digest_of(canonical_json(value))


def parse_array(data: bytes, where: str) -> list[Any]:
    """Like :func:`parse_json`, for what must be an array."""
    value = parse_json(data, where)
    if not isinstance(value, list):
        raise EvidenceError(Text("is not a list", "不是列表"), where)
    return value


def parse_json(
    data: bytes, where: str, *, largest: int = 64 * 1024 * 1024, deepest: int = 64, any_number: bool = False
) -> Any:
    """Strict JSON from outside: UTF-8, no duplicate keys, no floats, no NaN, bounded size and depth.

    With `any_number`, for documents whose form others settled, every number is read, as an exact `Decimal`. Raises
    `EvidenceError` naming `where` for anything else.
    """

    def refuse(reason: Text) -> EvidenceError:
        return EvidenceError(reason, where)

    if len(data) > largest:
        raise refuse(Text(f"is larger than {largest} bytes", f"大于 {largest} 字节"))
    if _nesting(data) > deepest:
        raise refuse(Text(f"is nested deeper than {deepest} levels", f"嵌套超过 {deepest} 层"))

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            raise refuse(Text("has the same key twice", "存在重复的键"))
        return result

    def no_float(literal: str) -> Any:
        raise refuse(
            Text(
                f"holds the float {literal[:40]}; write decimals as strings",
                f"含浮点数 {literal[:40]}；小数须写为字符串",
            )
        )

    def bounded_integer(literal: str) -> int:
        if len(literal) > 17 or abs(int(literal)) > LARGEST_SAFE_INTEGER:
            raise refuse(Text("holds an integer beyond 2^53", "整数超过 2^53"))
        return int(literal)

    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=unique,
            parse_float=Decimal if any_number else no_float,
            parse_constant=no_float,
            parse_int=Decimal if any_number else bounded_integer,
        )
    except UnicodeDecodeError as error:
        raise refuse(Text(f"is not UTF-8 at byte {error.start}", f"第 {error.start} 字节不是 UTF-8")) from None
    except json.JSONDecodeError as error:
        raise refuse(
            Text(
                f"is not JSON at line {error.lineno}: {error.msg}",
                f"第 {error.lineno} 行不是合法 JSON：{error.msg}",
            )
        ) from None


def _nesting(data: bytes) -> int:
    """Greatest bracket depth outside strings, counted before any parser recurses into it."""
    depth = deepest = 0
    in_string = escaped = False
    for byte in data:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in (0x5B, 0x7B):
            depth += 1
            deepest = max(deepest, depth)
        elif byte in (0x5D, 0x7D):
            depth -= 1
    return deepest


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError(f"float {value!r} in canonical JSON; use a decimal string")
    if isinstance(value, Mapping):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)
