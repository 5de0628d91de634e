"""What a file is, whether opening it runs code, and what it consists of: told from its bytes, never by opening it.

    from touchstone.scan import scan
    result = scan("model.pt")
    result.verdict               # 'unsafe', 'review', 'incomplete', 'accepted' or 'clean'

A *reader* (one file in `formats/`) turns the bytes of one format into findings, gaps and facts. `recognise` picks the
reader from the content; `examination` collects what readers report and hands parts to further readers; `budget` bounds
what hostile bytes can make us do. Whatever a reader did not understand is a *gap*; a file with a gap is never clean.

Nothing here executes, imports, unpickles or renders anything of a file, needs numpy or a model framework, or knows
controls and profiles: what a finding means for a verdict is decided above. No name, size or origin lowers a finding.
"""

from typing import TYPE_CHECKING, Any

from touchstone.scan.findings import FileResult, Finding, Gap, ScanResult

if TYPE_CHECKING:
    from touchstone.scan.scanning import ScanOptions, scan

__all__ = ["FileResult", "Finding", "Gap", "ScanOptions", "ScanResult", "scan"]


def __getattr__(name: str) -> Any:
    # Imported on first use: a reader that needs a record must not bring the whole scan along.
    if name in {"ScanOptions", "scan"}:
        from touchstone.scan import scanning

        return getattr(scanning, name)
    raise AttributeError(f"module 'touchstone.scan' has no attribute {name!r}")
