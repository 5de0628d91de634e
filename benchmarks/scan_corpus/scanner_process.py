"""Runs inside a scanner's own environment: imports the scanner once, then gives every file a process of its own.

    ENV/bin/python scanner_process.py NAME < lines of JSON > lines of JSON

Each line asks for one file: `{"path": …, "seconds": …}`. A child is forked, bounded and given the scanner's command
line; the answer has its exit code, what it printed, its processor time and its peak memory. Importing the scanner is
done before and not counted, which is in favour of the scanners that are slow to start. Only the standard library is
needed here, for the environments have nothing of ours.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

MEMORY = 6 * 2**30
POLL_S = 0.005
PATIENCE = 10
"""Seconds on the clock for each second of processor time that is allowed: the machine may be busy with other work."""
LONGEST_OUTPUT = 4_000_000


COMMANDS = {
    "picklescan": "picklescan -g -p PATH",
    "picklescan-strict": "picklescan --strict -g -p PATH",
    "modelscan": "modelscan scan -r json -o REPORT --show-skipped -p PATH",
    "modelaudit": "modelaudit scan --no-cache -f json -o REPORT PATH",
    "fickling": "fickling -s --json-output REPORT PATH",
    "touchstone": "touchstone scan --format json --output REPORT PATH",
}
"""What a user would type. `-g` only has picklescan list what it found; the first word is the package."""

WARM_UP = {
    "picklescan": ["py7zr"],
    "modelscan": ["h5py", "tensorflow"],
    "touchstone": [
        "touchstone.cli.scan",
        "touchstone.scan.scanning",
        "touchstone.scan.rules",
        "touchstone.scan.worker",
    ],
}
"""What the packages import when the first file is scanned."""


def main() -> None:
    """Answer each line of the standard input."""
    name = sys.argv[1]
    os.environ.update(
        {"PROMPTFOO_DISABLE_TELEMETRY": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "NO_COLOR": "1", "COLUMNS": "10000"}
    )
    sys.path += [path for path in os.environ.get("SCANNER_MORE_LIBRARIES", "").split(":") if path]
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    command = COMMANDS[name].split()
    for module in (f"{command[0]}.cli", *WARM_UP.get(command[0], [])):
        with contextlib.suppress(ImportError):
            import_module(module)
    for line in sys.stdin:
        asked = json.loads(line)
        answers.write(json.dumps(run(command, asked["path"], asked["seconds"])) + "\n")
        answers.flush()


def run(command: list[str], path: str, seconds: float) -> dict[str, Any]:
    """Scan one file in a child and watch it."""
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            _be_child(command, path, room, seconds)
        timed_out, status, usage = _wait(child, started + PATIENCE * seconds)
        return {
            "exit": os.waitstatus_to_exitcode(status),
            "timed_out": timed_out or os.waitstatus_to_exitcode(status) == -signal.SIGXCPU,
            "wall_s": round(time.monotonic() - started, 4),
            "cpu_s": round(usage.ru_utime + usage.ru_stime, 4),
            "rss_mib": usage.ru_maxrss // 1024,
            "output": _text(room / "output"),
            "errors": _text(room / "errors")[-3000:],
            "report": _text(room / "report"),
        }


def _be_child(command: list[str], path: str, room: Path, seconds: float) -> None:
    """Never returns."""
    code = 70
    try:
        os.setsid()
        os.chdir(room)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds) + 5))
        for name, descriptor in (("output", 1), ("errors", 2)):
            os.dup2(os.open(room / name, os.O_CREAT | os.O_WRONLY, 0o600), descriptor)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.argv = [{"PATH": path, "REPORT": str(room / "report")}.get(word, word) for word in command]
        code = int(import_module(f"{command[0]}.cli").main() or 0)
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code & 255)


def _wait(child: int, until: float) -> tuple[bool, int, resource.struct_rusage]:
    while time.monotonic() < until:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            return False, status, usage
        time.sleep(POLL_S)
    os.killpg(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    return True, status, usage


def _text(file: Path) -> str:
    if not file.is_file():
        return ""
    with file.open("rb") as opened:
        return opened.read(LONGEST_OUTPUT).decode("utf-8", "replace")


if __name__ == "__main__":
    main()
