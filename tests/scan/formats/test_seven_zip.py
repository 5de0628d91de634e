"""7z: archives written by py7zr 1.1.4 are unpacked; what cannot be, or was changed, is never clean."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult

_WRITTEN: Final = {
    "lzma2": (
        "N3q8ryccAAQbH4cNmgAAAAAAAAAVAAAAAAAAABMPH3fgAEoAF10AOBsIR4KynP44Rynn+vPuDyoTvwNlAAAA4ACQAHNdAACBMweuD8/8"
        "8GwP6+qcvwzdeyijSdf5K2ENwPUTZ49KnEmSjJ6ygSf5Z7Jr7z82Uksu/rWJpx1OU+VJ1EuVDvOzo43UuY1IQVuupsHpN/JYljvAMpuY"
        "2Js/8K1Ts7ift/9zWpdzmVXlb5N4zWApB34AAAAAFwYfAQl7AAcLAQABISEBGAyAkQAA"
    ),
    "lzma1": (
        "N3q8ryccAARaevHIoAAAAAAAAAAWAAAAAAAAADVaUOYAOBsIR4KynP44Rynn+vPuDyoTvxp2c///9NDAAOAAnAB7XQAAgTMHrg/P2W+8"
        "D+vqngENYgON00xCPw66HT0YZ+VfDzVSMXdagSwloUnHWHp+bNyQU0UalJEtS7sZdftS+4wVh/o6sHQC1cDzu9tgioLpaJrRg7QFgeln"
        "Ho8QvWKck3Vfb9AbwlAQM+2mCOL+3JCADkFoga9MbjQAAAAAFwYdAQmAgwAHCwEAASEhARgMgJ0AAA=="
    ),
    "bcj": (
        "N3q8ryccAATK5EsvoAAAAAAAAAAWAAAAAAAAAAahN6zgAEoAF10AOBsIR4KynP44Rynn+vPuDyoTvwNlAAAA4ACYAHldAACBMweuD8/8"
        "8GwP1GpefeXX3Qg9eTikv3P5ayXBTborPTE8COblKwDm5sOmPxnPLdos2Zs4CvYV+YEVj/SFPbQ4ekKKXWJQkUgy7R+YH/y++0C9EKm/"
        "ONPtfsJRM/LVDSuXUao4wtQc8l5eHWByqcowelg3QpsAAAAAFwYfAQmAgQAHCwEAASEhARgMgJkAAA=="
    ),
    "delta": (
        "N3q8ryccAAQRccvcpAAAAAAAAAAWAAAAAAAAAMNfwlfgAEoAGF0AOD8aoHwq3Tku9uauxwMPpdbVlSVK/QAAAOAAnAB8XQAAgTMHrg/Q"
        "DrA8nzkQnHGULHhjP8LiLwhrcd7U9aOhGs0gYG0Q42zKktBIFF06RvxtEdceiW4/vCgqqBGvc8CgpRLS7H1zVSzyHdywTB1EB/iGSj7a"
        "dGzsKrv8gYW5Qb3OfzoP8uDsrihSN3HY2NtDsGzSa7CN0GRNAAAAABcGIAEJgIQABwsBAAEhIQEYDICdAAA="
    ),
    "bzip2": (
        "N3q8ryccAASIQ54VugAAAAAAAAAVAAAAAAAAAAd5m1FCWmg5MUFZJlNZEeU6CgAAB92AQBBAAABAAwQiJURAoAAxTAATQo0ZGmnij4uP"
        "MpkRRIRS+LuSKcKEgI8p0FDgAJAAc10AAIEzB64P0ePZhKCQoHJD1LHinhdEZhq0rJnW1QTmUsSmQB0TyHEMUo+hcafP1XYFYJMbvVdC"
        "TWd3CkrmetiwxWkxTZHhocODitezOiAnnFKKitlYa95Qakdb9J5DigyuwRcypbA1PAHKWTG4iUl0JAAAAAAXBj8BCXsABwsBAAEhIQEY"
        "DICRAAA="
    ),
    "deflate": (
        "N3q8ryccAAQ6HpewjgAAAAAAAAAVAAAAAAAAAK4FgHMryEnMzFMoSa0o4ap39XFjoAAAAOAAkAByXQAAgTMHrg/PObAMB8hDbALXhTqT"
        "rXXcJ6Fn8G2Q6o9WY42ykH0DE6adTH0uPvDgBGhX5IbLbF5GcSZwE9h8rsclP9C34JWWBGpDv0ByKgLm+Rt8abQG4GSMxzQZ7z3cTf6I"
        "dg9bDfLS5Hcs+pj9YlUAAAAAFwYUAQl6AAcLAQABISEBGAyAkQAA"
    ),
    "copy": (
        "N3q8ryccAASN5f9myAAAAAAAAAAVAAAAAAAAAOsUpZRwbGFpbiB0ZXh0Cn9FTEYAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADgAJQAdV0AAIEzB64P0oDrvUDAkPGtwTpBMaDMoPjVZv4GdgU0LF0py7pNwzxUnpJJ"
        "S+JGGjp9okcSIkRzLT760ZoEMsFdPw4SgJT+gv+KvBV1ikdhC89c8mhcxk5VsAKyinHTcdO0t0RNpXoO7T1NmpJAe994lQ6IAAAAABcG"
        "SwEJfQAHCwEAASEhARgMgJUAAA=="
    ),
    "ppmd": (
        "N3q8ryccAATu4B1nlgAAAAAAAAAWAAAAAAAAAGPd4/oAb/pQUuF/KdsvuDyftsQ9cRgAAAAA4ACYAHhdAACBMweuD89dLwwHyEOAg4Li"
        "wAQskCbH9EsrA3LEzFKLJmAc3FMAXGN1jv9jVJavUCKlqqpBOVKncswGvkx9RX8qd0eVO7i0RLh/iT/ahb/GRRKDzJi/1Q+Cttzu7xOG"
        "mNMFW/1cbISo9YYInjCiWNtE3RJcYQAAAAAXBhYBCYCAAAcLAQABISEBGAyAmQAA"
    ),
    "plain header": (
        "N3q8ryccAAROD4fwSwAAAAAAAACSAAAAAAAAAGpa57twbGFpbiB0ZXh0Cn9FTEYAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABBAYAAQlLAAcLAQABAQAMSwAIDQMJC0AKASI2Kfc6qmK6AAAAAAAABQMZAQARNQBh"
        "AC4AdAB4AHQAAABkAC8AZQB2AGkAbAAuAHMAbwAAAGUAbQBwAHQAeQAuAHQAeAB0AAAAFBoBAICdaSNrfd0BAKFpI2t93QHwo2kja33d"
        "ARUOAQAggICBIICAgSCAgIEAAA=="
    ),
    "encrypted": (
        "N3q8ryccAATqBpkgvgAAAAAAAAAWAAAAAAAAACnMCHPSTXy9yMU8DpTA7m3VMWOXWGIcw1XDJTbaO6D8I73qM+AAtACWXQAAgTMHrg/Q"
        "Dv4S+luN1zuT0IY8wQ2yzqET1J3bcfQahJI0dpbt2luuo17joi0Wz7XDPymC49v9NTwr7vKw2BPeWqRMMZGNOvcacODZVVJL+vRj/Eyd"
        "snMYA45aoLK4d6wiCfB7UXvHQp94hM0tzrX2gStMi8KlTqVxEN+pcCIkopE19ruHYp09+Ako/AuHjZcXr4ugAAAAFwYgAQmAngAHCwEA"
        "ASEhARgMgLUAAA=="
    ),
    "encrypted header": (
        "N3q8ryccAASsgDuK4AAAAAAAAAAqAAAAAAAAAHWgyStNqeG5/mihz5wnVdcS5DC/tHpgx1fPivrEvK5bjnww+fWYdf7/ueor5MZwzr4V"
        "h/MH/W/wtXn9XUrYNoITY40EpTqyH7pbYhndw6WQ44LlTRzagT2koxphrgXUVPgsVCn5vE4hngqSmmbis9V6G/GhYnKHwKTHB19USwiK"
        "jePcnLocyxoTZ7bVY0lYgQYyVu4X/GXaP4wsrcAWEQqcda2asjfSIzUeHAusZbVYc+fnr3z6ZEq7XniMiQmzIBh+FO7Ob8GnpoxX49pw"
        "k+E++n+UX8gimfCFal8AJHsDl4oU2RcGIAEJgMAABwsBAAEkBvEHARJTD0xk1HpPEdBZIuoZpO0PO9sMgLUAAA=="
    ),
}
"""Each holds `a.txt` (one line), `d/evil.so` (the beginning of an ELF program) and `empty.txt`."""

WRITTEN: Final = {name: base64.b64decode(content) for name, content in _WRITTEN.items()}
UNPACKED: Final = ("lzma2", "lzma1", "bcj", "delta", "bzip2", "deflate", "copy", "plain header")
PLAIN: Final = WRITTEN["plain header"]


def scan(content: bytes) -> FileResult:
    return scan_bytes(content, "f.7z")


def rules(content: bytes) -> list[str]:
    return [finding.rule for finding in scan(content).findings]


def sealed(content: bytes) -> bytes:
    """The same archive with the checksums that its header should have."""
    offset, size = struct.unpack_from("<QQ", content, 12)
    header = content[32 + offset : 32 + offset + size]
    start = struct.pack("<QQI", offset, size, zlib.crc32(header))
    return content[:8] + struct.pack("<I", zlib.crc32(start)) + start + content[32:]


@pytest.mark.parametrize("method", UNPACKED)
def test_files_are_unpacked(method: str) -> None:
    result = scan(WRITTEN[method])
    assert [(finding.rule, finding.where) for finding in result.findings] == [
        ("programs/native-code", "f.7z!d/evil.so")
    ]
    assert result.gaps == ()


@pytest.mark.parametrize(
    ("method", "code"), [("ppmd", "format"), ("encrypted", "encrypted"), ("encrypted header", "encrypted")]
)
def test_what_cannot_be_unpacked_is_a_gap(method: str, code: str) -> None:
    result = scan(WRITTEN[method])
    assert {gap.code for gap in result.gaps} == {code}
    assert result.verdict == "incomplete"


def test_an_archive_without_files_is_clean() -> None:
    start = struct.pack("<QQI", 0, 0, 0)
    assert scan(b"7z\xbc\xaf\x27\x1c\x00\x04" + struct.pack("<I", zlib.crc32(start)) + start).verdict == "clean"


@pytest.mark.parametrize("place", [9, 20, 40])
def test_wrong_checksums(place: int) -> None:
    content = bytearray(PLAIN)
    content[place] ^= 1
    assert "7z/checksum" in rules(bytes(content)) or scan(bytes(content)).gaps
    assert "programs/native-code" in rules(bytes(content)) or place == 20


def test_a_wrong_checksum_of_a_file_does_not_hide_it() -> None:
    content = bytearray(PLAIN)
    content[60] ^= 1
    assert rules(bytes(content)) == ["7z/checksum", "programs/native-code"]


def test_paths_that_lead_out() -> None:
    content = PLAIN.replace("a.txt".encode("utf-16-le"), "../xy".encode("utf-16-le"))
    assert "archive/escaping-name" in rules(sealed(content))


def test_two_files_of_one_name() -> None:
    longer, other = "empty.txt".encode("utf-16-le"), "d/evil.so".encode("utf-16-le")
    assert "archive/duplicate-name" in rules(sealed(PLAIN.replace(longer, other)))


def test_links() -> None:
    ordinary, link = bytes.fromhex("20808081"), bytes.fromhex("2080ffa1")
    assert ordinary in PLAIN
    content = PLAIN.replace(ordinary, link, 1).replace(b"plain text\n", b"/etc/passwd")
    assert {"archive/escaping-link", "7z/checksum"} <= set(rules(sealed(content)))


def test_bytes_behind_the_archive() -> None:
    assert {"7z/hidden-bytes", "programs/native-code"} == set(rules(WRITTEN["lzma2"] + b"\x7fELF" + bytes(60)))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(WRITTEN)), st.integers(0), st.integers(0, 255), st.booleans())
def test_changed_bytes_are_never_clean_and_never_fail_the_reader(
    method: str, place: int, value: int, seal: bool
) -> None:
    content = bytearray(WRITTEN[method])
    place %= len(content)
    content[place] = value
    result = scan(sealed(bytes(content)) if seal else bytes(content))
    assert "reader" not in [gap.code for gap in result.gaps]
    assert result.verdict != "clean"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=120))
def test_any_header_is_read_without_failing(header: bytes) -> None:
    content = b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(4) + struct.pack("<QQI", 0, len(header), 0) + b"\x01" + header
    assert "reader" not in [gap.code for gap in scan(sealed(content)).gaps]
