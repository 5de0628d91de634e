"""How a gate has one item scanned: from the folder it alone lies in, so that a link out of it is seen as one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from touchstone.scan import symbols
from touchstone.scan.allow_file import AllowFile
from touchstone.scan.findings import ScanResult
from touchstone.scan.scanning import ScanOptions, scan

if TYPE_CHECKING:
    from touchstone.admission.gate import Scan


def item_scanner(allow: AllowFile | None = None) -> Scan:
    """The scan of one item, under an allow file. An item without any file has an empty result."""
    options = ScanOptions(allow=allow)

    def scan_item(item: Path) -> ScanResult:
        if item.is_dir() and not item.is_symlink() and not _holds_something(item):
            return ScanResult((), symbols.digest())
        return scan([item.parent], options)

    return scan_item


def _holds_something(folder: Path) -> bool:
    return any(path.is_symlink() or not path.is_dir() for path in folder.rglob("*"))
