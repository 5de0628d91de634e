"""Paths that a model file writes for its loader to open, and whether they stay in the model's folder."""

from __future__ import annotations

import re

_DRIVE = re.compile(r"[A-Za-z]:")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:(//|\\\\)|file:", re.IGNORECASE)


def leads_out(path: str) -> bool:
    """Whether a path, on any system, may lead out of the folder it is relative to.

    A backslash divides folders on Windows; a NUL ends the path for a loader written in C.

    >>> leads_out("weights/part-1.bin"), leads_out("weights/../../etc/passwd"), leads_out("C:weights.bin")
    (False, True, True)
    """
    divided = re.split(r"[/\\]", path)
    return (
        path.startswith(("/", "\\", "~"))
        or ".." in divided
        or "\x00" in path
        or _DRIVE.match(path) is not None
        or _ADDRESS.match(path) is not None
    )
