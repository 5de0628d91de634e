"""Which bytes of a file belong to something, which to nothing, and which to two things at once."""

from __future__ import annotations

from touchstone.scan.source import Source


class Spans:
    """Stretches of bytes, each from its first byte to the one after its last."""

    def __init__(self) -> None:
        self._taken: set[tuple[int, int]] = set()

    def add(self, start: int, stop: int) -> None:
        """These bytes belong to something. The same stretch twice is one stretch."""
        if stop > start:
            self._taken.add((start, stop))

    def has(self, start: int, stop: int) -> bool:
        """Whether exactly this stretch was added."""
        return (start, stop) in self._taken

    def gaps(self, size: int) -> list[tuple[int, int]]:
        """Stretches below `size` that belong to nothing."""
        found, reached = [], 0
        for start, stop in sorted(self._taken):
            if start > reached:
                found.append((reached, min(start, size)))
            reached = max(reached, stop)
        if reached < size:
            found.append((reached, size))
        return found

    def overlaps(self) -> list[tuple[int, int]]:
        """Stretches that belong to two things."""
        found, reached = [], 0
        for start, stop in sorted(self._taken):
            if start < reached:
                found.append((start, min(stop, reached)))
            reached = max(reached, stop)
        return found


def is_zero(source: Source) -> bool:
    """Whether all bytes are zero, as padding is."""
    return not any(window.strip(b"\x00") for window in source.windows())
