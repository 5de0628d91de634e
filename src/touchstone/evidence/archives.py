"""A bundle as one file, zip or tar: the same bytes on every machine, at any time.

Members are stored without compression, because compressors differ between versions of zlib, in the order of their
names, and dated with the format's beginning of time.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from typing import Literal

Form = Literal["zip", "tar"]

_BLOCK = 512


def archive_of(contents: Mapping[str, bytes], form: Form) -> bytes:
    """The archive that holds these files, by their POSIX paths in ASCII."""
    return _zip_of(contents) if form == "zip" else _tar_of(contents)


def tar_header(path: str, size: int) -> bytes:
    """The one header block (POSIX ustar) that a member of this name and size has."""
    member = tarfile.TarInfo(path)
    member.size = size
    return member.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")


def tar_padding(size: int) -> bytes:
    """The zero bytes that fill a member's last block."""
    return bytes(-size % _BLOCK)


TAR_END = bytes(2 * _BLOCK)


def _zip_of(contents: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(contents):
            member = zipfile.ZipInfo(path)
            member.create_system = 3
            member.external_attr = 0o100644 << 16
            archive.writestr(member, contents[path])
    return target.getvalue()


def _tar_of(contents: Mapping[str, bytes]) -> bytes:
    target = io.BytesIO()
    for path in sorted(contents):
        content = contents[path]
        target.write(tar_header(path, len(content)) + content + tar_padding(len(content)))
    target.write(TAR_END)
    return target.getvalue()
