"""What every reader must bear: bytes that were flipped, cut off or put in."""

from __future__ import annotations

from pathlib import Path

from hypothesis import strategies as st

from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult

MADE = Path(__file__).with_name("made_by_libraries")


def made(name: str) -> bytes:
    """A file that a real library wrote."""
    return (MADE / name).read_bytes()


def damaged(data: bytes) -> st.SearchStrategy[bytes]:
    """The data with a few bytes changed, and perhaps cut short or with bytes put in."""

    @st.composite
    def change(draw: st.DrawFn) -> bytes:
        changed = bytearray(data)
        for _ in range(draw(st.integers(1, 6))):
            place = draw(st.integers(0, len(changed) - 1))
            changed[place] = draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255))
        if draw(st.booleans()):
            del changed[draw(st.integers(1, len(changed))) :]
        if draw(st.booleans()):
            place = draw(st.integers(0, len(changed)))
            changed[place:place] = draw(st.binary(max_size=40))
        return bytes(changed)

    return change()


def scanned(data: bytes, name: str = "file") -> FileResult:
    """The result, which must never stem from a failure of our own."""
    result = scan_bytes(data, name)
    assert [gap.why.en for gap in result.gaps if gap.code == "reader"] == []
    return result


def rules(data: bytes, name: str = "file") -> set[str]:
    """Rules of all findings."""
    return {finding.rule for finding in scanned(data, name).findings}


def facts(data: bytes, name: str = "file") -> set[tuple[str, str]]:
    """What the file says about itself."""
    return {(fact.name, fact.value) for fact in scanned(data, name).facts}
