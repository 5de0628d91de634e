"""Writes the SHA-256 of every data set into a `system.yaml`, keeping its comments.

Run by the `make_*.py` scripts; a supplier can run it alone: `python record_digests.py path/to/system.yaml`.
"""

import hashlib
import re
import sys
from pathlib import Path

DATA_SET = re.compile(r"(?P<before>\bpath: (?P<path>\S+)\n(?:(?! *path:).*\n)*?.*\bsha256: ).*")


def record_digests(description: Path) -> None:
    """Replaces what follows `sha256:` in each block that names a `path:`. Paths are relative to the description."""

    def with_digest(found: re.Match[str]) -> str:
        data = (description.parent / found["path"]).read_bytes()
        return found["before"] + hashlib.sha256(data).hexdigest()

    text = description.read_text(encoding="utf-8")
    description.write_text(DATA_SET.sub(with_digest, text), encoding="utf-8")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        record_digests(Path(name))
