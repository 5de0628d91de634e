"""Make the benign half of the scan corpus: real files that real libraries write.

    python benchmarks/scan_corpus/benign.py OUT [--only NAME ...]

It runs in an environment of its own (`requirements-benign.txt`), not in Touchstone's. PaddlePaddle and MindSpore pin
old versions of what the others need; give them an environment each and run it there with `--only paddle` or
`--only mindspore` and the same OUT. What was made is listed in `OUT/manifest.json`: path, library and version, kind,
digest. A maker whose library is not installed is named there as absent, so that nobody takes half a corpus for a whole.

Seeds are fixed. Some formats write the time into their files, so digests differ from run to run.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Final

from benign_room import Room

MAKERS: Final = (
    # name on the command line: module benign_<name>, function make(room)
    "python",
    "arrays",
    "sklearn",
    "joblib",
    "statistics",
    "companions",
    "torch",
    "torch_programs",
    "boosting",
    "graphs",
    "keras",
    "tensorflow",
    "hub",
    "training",
    "vision",
    "language",
    "weights",
    "documents",
    "containers",
    "paddle",
    "mindspore",
)


def main() -> int:
    """Run the makers that were asked for and write the manifest; exits with 1 when one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="+", choices=MAKERS, default=MAKERS)
    options = parser.parse_args()
    room = Room(options.out)
    failed = False
    for name in options.only:
        try:
            import_module(f"benign_{name}").make(room.of(name))
        except ModuleNotFoundError as missing:
            room.absent(name, str(missing.name))
        except Exception:
            traceback.print_exc()
            failed = True
        room.write_manifest()
    print(f"{len(room.entries)} files in {options.out}; absent: {room.missing or 'nothing'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
