"""Does the verdict depend on the machine? The same files in a bare environment, beside torch, and without a home.

    python benchmarks/scan_determinism.py --corpus CORPUS --environments ENVS --libraries SITE_PACKAGES

`SITE_PACKAGES` is a folder of libraries with numpy, torch and scikit-learn, added to the end of the module path for
the second of the three runs; in the third, nothing can be written to the home folder. For Touchstone whole results are
compared, byte for byte; for the peers only their verdicts. Writes `results/scan_determinism.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "scan_corpus"))

from scanners import SCANNERS, Room

from record import keep
from scan_detection import corpus, lot

CLAIM = (
    "touchstone scan gives the same result, byte for byte, whatever is installed beside it, and whether or not it can "
    "write to a home folder"
)


def main() -> None:
    """Ask three times and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--environments", type=Path, required=True)
    parser.add_argument("--libraries", type=Path, required=True)
    parser.add_argument("--only", type=lambda text: text.split(","), default=["touchstone", "modelaudit"])
    parser.add_argument("--sample", type=int, default=120, help="files of the hostile and the benign corpus together")
    options = parser.parse_args()
    if not (options.libraries / "torch").is_dir():
        parser.error(f"no torch in {options.libraries}")
    runs = {
        "bare": {},
        "beside_torch": {"SCANNER_MORE_LIBRARIES": str(options.libraries.resolve())},
        "no_home": {"HOME": "/proc", "XDG_CACHE_HOME": "/proc", "XDG_CONFIG_HOME": "/proc"},
    }
    units = [
        unit
        for unit in corpus(options.corpus, 0)
        if unit["path"].endswith((".pkl", ".joblib", ".pt", ".h5", ".keras", ".onnx", ".npy"))
    ]
    chosen = sorted(units, key=lambda unit: lot(0, unit["path"]))[: options.sample]
    measured: dict[str, Any] = {"files": len(chosen)}
    for name in options.only:
        scanner = SCANNERS[name]
        said: dict[str, list[tuple[str, str]]] = {}
        for more in runs.values():
            room = Room(scanner, options.environments, 60, more)
            for unit in chosen:
                answer = room.ask(unit["file"].resolve())
                whole = answer["report"] if name == "touchstone" else ""
                said.setdefault(f"{unit['set']}/{unit['path']}", []).append((scanner.outcome(answer), whole))
            room.close()
        differing = {
            path: dict(zip(runs, [outcome for outcome, _ in answers], strict=True))
            for path, answers in said.items()
            if len(set(answers)) > 1
        }
        measured[name] = {
            "version": scanner.version(options.environments),
            "differing": len(differing),
            "which": differing,
        }
        print(name, json.dumps(measured[name]), flush=True)
    keep("scan_determinism", CLAIM, measured)


if __name__ == "__main__":
    main()
