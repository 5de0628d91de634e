"""Claim: the core install stays small: at most 80 MB and 20 packages; with `assess` at most 500 MB.

Builds two fresh virtual environments and counts what pip put there (pip and setuptools themselves left out).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from record import keep

ROOT = Path(__file__).parents[1]
INSTALLER = {"pip", "setuptools", "wheel"}


def measure(extra: str) -> dict[str, float]:
    """Install into a new environment and weigh it."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = Path(folder) / "bin" / "python"
        site = next(Path(folder).glob("lib/python*/site-packages"))
        before = weight(site)
        subprocess.run([python, "-m", "pip", "install", "--quiet", f"{ROOT}{extra}"], check=True)
        listed = subprocess.run(
            [python, "-m", "pip", "list", "--format", "json"], check=True, capture_output=True, text=True
        )
        packages = {entry["name"] for entry in json.loads(listed.stdout)} - INSTALLER
        return {"megabytes": round((weight(site) - before) / 1e6, 1), "packages": len(packages)}


def weight(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def main() -> None:
    """Weigh both installs."""
    keep(
        "install_size",
        "core ≤ 80 MB and ≤ 20 packages; `[assess]` ≤ 500 MB",
        {"core": measure(""), "assess": measure("[assess]")},
    )


if __name__ == "__main__":
    main()
