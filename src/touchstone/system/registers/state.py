"""The state of a system that somebody decided on: its version, and the digests of the files that were in front of them.

No register can hold the digest of the whole system, because the system's digest covers its registers.
"""

from __future__ import annotations

from touchstone.system.description import Line, RelativePath
from touchstone.system.registers.entry import EntryPart, Fingerprint, told


class State(EntryPart):
    """What exactly was looked at."""

    version: Line = told("version of the system", "系统版本", examples=["1.4.0"])
    files: dict[RelativePath, Fingerprint] = told(
        "digest of every file of the model, and of others that were looked at, by path as in system.yaml",
        "模型全部文件以及其他所审阅文件的摘要，路径与 system.yaml 一致",
        {},
    )
