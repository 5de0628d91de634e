"""The three sector pilots: every example against the whole profile of its sector, and the reports as they come.

    python examples/pilots.py OUTPUT-FOLDER REPORT-FOLDER

Assesses at `--budget standard`, signed and on a log as a laboratory would, into the output folder, and copies the
reports, English and Chinese, into the report folder, from where they are published. Whatever the verdict is, it is
shown: a pilot is not expected to pass.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

EXAMPLES = Path(__file__).parent
PROFILES = {
    "smart-city": "smart-city-traffic",
    "manufacturing": "intelligent-manufacturing",
    "healthcare": "digital-healthcare",
}
"""Each system, and the whole profile of its sector."""
LANGUAGES = ("en", "zh")
OUTCOMES = (0, 1)
"""Exit codes of `touchstone assess` that are outcomes, passed or not; any other is an error."""


def run(*arguments: str) -> int:
    """Run a command and give its exit code."""
    return subprocess.run([sys.executable, "-m", "touchstone", *arguments], check=False).returncode


def main(output: Path, reports: Path) -> None:
    """Assess all three and publish their reports."""
    shutil.rmtree(output, ignore_errors=True)
    reports.mkdir(parents=True, exist_ok=True)
    key, log_key, log = (str(output / "laboratory" / name) for name in ("key.pem", "log-key.pem", "log"))
    run("keys", "generate", key, "--without-passphrase")
    run("keys", "generate", log_key, "--for", "log", "--without-passphrase")
    run("log", "create", log, "--origin", "pilot-laboratory.example", "--key", log_key)
    signed = ["--key", key, "--log", log, "--log-key", log_key, "--issuer", "Pilot laboratory"]
    for name, profile in PROFILES.items():
        started = time.monotonic()
        tested = ["--profile", profile, "--budget", "standard", "--jobs", "2", "--output", str(output / name)]
        code = run("assess", str(EXAMPLES / name), *tested, *signed)
        if code not in OUTCOMES:
            sys.exit(f"{name} was not assessed: exit code {code}")
        for language in LANGUAGES:
            shutil.copyfile(output / name / f"report.{language}.html", reports / f"{name}.{language}.html")
        print(f"{name}: assessed in {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
