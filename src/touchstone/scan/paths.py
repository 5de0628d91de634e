"""Paths that a file names for other files: whether they stay in its own folder."""

from __future__ import annotations

import re
from typing import Final

_DRIVE_OR_ADDRESS: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def leads_out(path: str) -> bool:
    """Whether a path could name a file outside the folder it is written in, on any operating system.

    >>> leads_out("model-00001-of-00002.safetensors"), leads_out("../model.bin"), leads_out("C:\\\\model.bin")
    (False, True, True)
    """
    parts = path.replace("\\", "/").split("/")
    return (
        path.startswith(("/", "\\", "~"))
        or ".." in parts
        or "\x00" in path
        or _DRIVE_OR_ADDRESS.match(path) is not None
    )
