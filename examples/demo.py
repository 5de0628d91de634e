"""The demonstration: three systems come to a laboratory, three decisions leave it, and anyone can check them.

    python examples/demo.py OUTPUT-FOLDER

Runs the very commands a laboratory would type, prints them, and fails if an outcome is not the expected one.
Nothing is fetched from anywhere.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

EXAMPLES = Path(__file__).parent
TOUCHSTONE = [sys.executable, "-m", "touchstone"]

SYSTEMS = {
    # folder: expected outcome, expected exit code, and why
    "smart-city": ("pass", 0, "a sign recogniser that was trained to be robust"),
    "healthcare": ("inconclusive", 1, "it abstains where it sees no patient, and 442 real patients settle little else"),
    "manufacturing": ("fail", 1, "good on every metric, and its upload would have run a stranger's code"),
}


def run(*arguments: str, expect: int = 0) -> None:
    """Print a command, run it, and stop the demonstration if it ends unexpectedly."""
    print(f"\n$ touchstone {shlex.join(arguments)}", flush=True)
    finished = subprocess.run([*TOUCHSTONE, *arguments], check=False)
    if finished.returncode != expect:
        sys.exit(f"expected exit code {expect}, got {finished.returncode}")


def main(output: Path) -> None:
    """Make a laboratory with a key and a log, let it work, then check everything as an outsider would."""
    shutil.rmtree(output, ignore_errors=True)
    started = time.monotonic()
    key, log_key, log = (output / "laboratory" / name for name in ("key.pem", "log-key.pem", "log"))
    run("keys", "generate", str(key), "--without-passphrase")
    run("keys", "generate", str(log_key), "--for", "log", "--without-passphrase")
    run("log", "create", str(log), "--origin", "demo-laboratory.example", "--key", str(log_key))
    for name, (_, code, why) in SYSTEMS.items():
        print(f"\n── {name}: {why} " + "─" * 20)
        run(
            *["assess", str(EXAMPLES / name), "--output", str(output / name), "--jobs", "2"],
            *["--key", str(key), "--log", str(log), "--log-key", str(log_key)],
            *["--issuer", "Demo laboratory"],
            expect=code,
        )
    print("\n── anyone, offline, with nothing but the public keys " + "─" * 12)
    for name in SYSTEMS:
        run(
            *["verify", str(output / name), "--key", f"{key}.pub", "--log-key", f"{log_key}.pub"],
            *["--system", str(EXAMPLES / name)],
        )
    print(f"\nDone in {time.monotonic() - started:.0f} s. Open these in a browser:")
    for name, (verdict, _, _) in SYSTEMS.items():
        print(f"  {verdict:13} {output / name / 'report.en.html'}   {output / name / 'report.zh.html'}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo-output"))
