"""What adds up in numbers that identify a person: check digits, lengths, dates that exist."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from operator import mul
from socket import AF_INET, AF_INET6, inet_pton
from string import ascii_letters

RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
"""GB 11643, ISO 7064 MOD 11-2."""
RESIDENT_DIGITS = "10X98765432"
PROVINCES = frozenset(
    str(first + second)
    for first, most in ((11, 5), (21, 3), (31, 7), (41, 6), (50, 5), (61, 5), (71, 1), (81, 3))
    for second in range(most)
)
IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "EE": 20,
    "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IS": 26, "IT": 27,
    "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18, "NO": 15, "PL": 28, "PT": 25, "RO": 24,
    "SA": 24, "SE": 24, "SI": 19, "SK": 24, "TR": 26,
}  # fmt: skip
"""Characters of an account number by country (ISO 13616 registry)."""
_VALUES = bytes((code - ord("0")) % 256 for code in range(256))
_NO_DIGITS = bytes(code for code in range(256) if not 0 <= code - ord("0") <= 9)
_DOUBLED = bytes(sum(divmod(2 * digit, 10)) % 256 for digit in range(256))
"""Twice a digit, its own digits added up."""
_LETTERS_AS_NUMBERS = {ord(letter): str(int(letter, 36)) for letter in ascii_letters}


def resident_id(text: str) -> bool:
    """An 18-digit resident identity number: a province, a date that exists, and its check digit."""
    if text[:2] not in PROVINCES or text[17].upper() != resident_digit(text[:17]):
        return False
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    return True


def resident_digit(first: str) -> str:
    """The check digit of the first 17 digits."""
    return RESIDENT_DIGITS[sum(map(mul, _digits(first), RESIDENT_WEIGHTS)) % 11]


def luhn(text: str) -> bool:
    """A card number whose digits add up (ISO/IEC 7812-1), not all of them alike."""
    digits = _digits(text)
    return len(set(digits)) > 1 and _luhn_sum(digits) % 10 == 0


def luhn_digit(first: str) -> str:
    """The digit that makes a number add up."""
    return str(-_luhn_sum(_digits(first + "0")) % 10)


def iban(text: str) -> bool:
    """An account number of the length its country gives it, with check digits (ISO 13616, ISO 7064 MOD 97-10)."""
    code = text.replace(" ", "")
    return len(code) == IBAN_LENGTHS.get(code[:2]) and _modulo_97(code[4:] + code[:4]) == 1


def iban_digits(country: str, account: str) -> str:
    """The two check digits of an account."""
    return f"{98 - _modulo_97(account + country + '00'):02d}"


def e164(text: str) -> bool:
    """Between 8 and 15 digits, as ITU-T E.164 allows."""
    return 8 <= len(_digits(text)) <= 15


def ipv4(text: str) -> bool:
    """An address of four numbers that names a host: neither unspecified nor this machine itself."""
    address = _address(AF_INET, text)
    return any(address) and address[0] != 127


def ipv6(text: str) -> bool:
    """An address of eight groups that names a host: neither unspecified nor this machine itself."""
    return int.from_bytes(_address(AF_INET6, text)) > 1


CHECKS: Mapping[str, Callable[[str], bool]] = {
    "resident-id": resident_id,
    "luhn": luhn,
    "iban": iban,
    "e164": e164,
    "ipv4": ipv4,
    "ipv6": ipv6,
}
"""By the names that packs use."""


def _address(family: int, text: str) -> bytes:
    """An internet address; empty where a text is none."""
    try:
        return inet_pton(family, text)
    except (OSError, ValueError):
        return b""


def _digits(text: str) -> bytes:
    """The value of each digit, whatever stands between them."""
    return text.encode("ascii", "ignore").translate(_VALUES, _NO_DIGITS)


def _luhn_sum(digits: bytes) -> int:
    return sum(digits[-1::-2]) + sum(digits[-2::-2].translate(_DOUBLED))


def _modulo_97(code: str) -> int:
    return int(code.translate(_LETTERS_AS_NUMBERS)) % 97
