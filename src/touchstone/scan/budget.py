"""What one file may cost, so that hostile bytes cannot make us work, wait or fill memory without end.

A limit that is reached ends that reading as a gap: the file is incomplete, never clean.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

from touchstone.scan.source import Unreadable
from touchstone.text import Text

MEBIBYTE: Final = 2**20


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one top-level file. They are printed with the result; changing them changes what is understood."""

    opcodes: int = 50_000_000
    """Pickle opcodes over all streams."""
    seconds: float = 60.0
    """Processor seconds; one more for each gibibyte of the file."""
    depth: int = 8
    """Archives, compressed streams and payloads within one another."""
    members: int = 100_000
    """Members over all archives."""
    unpacked: int = 8 * 2**30
    """Bytes unpacked in all, at most; also at most 64 times the file plus 256 MiB."""
    findings: int = 2_000
    gaps: int = 500
    facts: int = 20_000
    tensors: int = 200_000


class LimitReached(Unreadable):
    """A limit ended the reading."""


@dataclass(slots=True)
class Budget:
    """What is left of the limits while one file is read."""

    limits: Limits
    size: int
    """Bytes of the file itself."""
    opcodes: int = 0
    members: int = 0
    unpacked: int = 0
    _started: float = field(default_factory=time.thread_time)

    def spend_opcodes(self, count: int) -> None:
        """Account for opcodes followed."""
        self.opcodes += count
        if self.opcodes > self.limits.opcodes:
            raise LimitReached(
                Text(f"has more than {self.limits.opcodes} opcodes", f"操作码超过 {self.limits.opcodes} 个")
            )
        self.check_time()

    def spend_members(self, count: int) -> None:
        """Account for archive members looked at."""
        self.members += count
        if self.members > self.limits.members:
            raise LimitReached(
                Text(f"has more than {self.limits.members} members", f"成员超过 {self.limits.members} 个")
            )

    def spend_unpacked(self, count: int) -> None:
        """Account for bytes that were unpacked."""
        self.unpacked += count
        if self.unpacked > min(self.limits.unpacked, 64 * self.size + 256 * MEBIBYTE):
            raise LimitReached(Text("unpacks to too much", "解包后体积过大"))
        self.check_time()

    def check_time(self) -> None:
        """Raise `LimitReached` when the processor time is used up."""
        allowed = self.limits.seconds + self.size / 2**30
        if time.thread_time() - self._started > allowed:
            raise LimitReached(Text("takes too long to read", "解析耗时过长"))
