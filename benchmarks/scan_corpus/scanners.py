"""The scanners that are compared, and what their answers mean.

Every answer becomes one of eight outcomes. The rules give a peer credit for everything it says: an exit code for an
error counts as "not clean", and is listed apart.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

Outcome = Literal["alarm", "review", "incomplete", "clean", "skipped", "crashed", "timed out"]
"""It says: dangerous · somebody should look · could not read it all · fine · (nothing: it does not read such files, or
says so only in passing and exits as if all were well) · it raised · it did not finish."""

NOT_CLEAN: Final = frozenset({"alarm", "review", "incomplete"})
SILENT: Final = frozenset({"clean", "skipped"})

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Scanner:
    """One scanner: its environment, and how its answer is read."""

    name: str
    package: str
    environment: str
    read: Callable[[dict[str, Any]], Outcome]

    def version(self, environments: Path) -> str:
        """The installed version."""
        code = f"import importlib.metadata as m; print(m.version({self.package!r}))"
        done = subprocess.run([self.python(environments), "-c", code], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def python(self, environments: Path) -> str:
        """The interpreter of its environment."""
        return str(environments / self.environment / "bin" / "python")

    def outcome(self, answer: dict[str, Any]) -> Outcome:
        """What the answer means."""
        if answer["timed_out"]:
            return "timed out"
        if answer["exit"] < 0 or answer["exit"] == 70:
            return "crashed"
        return self.read(answer)


def _picklescan(answer: dict[str, Any]) -> Outcome:
    said = answer["output"] + answer["errors"]
    counted = {
        name: int(count)
        for name, count in re.findall(
            r"^(Scanned files|Infected files|Suspicious globals|Dangerous globals): (\d+)", said, re.MULTILINE
        )
    }
    if counted.get("Infected files") or counted.get("Dangerous globals"):
        return "alarm"
    if counted.get("Suspicious globals"):
        return "review"
    if answer["exit"]:
        return "incomplete"
    return "skipped" if not counted.get("Scanned files") or "could not parse" in said else "clean"


def _modelscan(answer: dict[str, Any]) -> Outcome:
    try:
        report = json.loads(answer["report"])
    except ValueError:
        return "incomplete" if answer["exit"] in {1, 2} else "skipped"
    severities = {issue["severity"] for issue in report["issues"]}
    if severities & {"CRITICAL", "HIGH"}:
        return "alarm"
    if severities:
        return "review"
    if report["errors"] or answer["exit"] == 2:
        return "incomplete"
    return "clean" if report["summary"]["scanned"]["total_scanned"] else "skipped"


def _modelaudit(answer: dict[str, Any]) -> Outcome:
    try:
        report = json.loads(answer["report"])
    except ValueError:
        return "incomplete" if answer["exit"] else "skipped"
    severities = {issue["severity"] for issue in report["issues"]}
    if "critical" in severities:
        return "alarm"
    if "warning" in severities:
        return "review"
    if answer["exit"] == 2 or report.get("has_errors"):
        return "incomplete"
    if answer["exit"] == 1:
        return "review"
    return "clean" if report.get("scanner_names") else "skipped"


def _fickling(answer: dict[str, Any]) -> Outcome:
    try:
        severity = json.loads(answer["report"])["severity"]
    except (ValueError, KeyError):
        return "incomplete" if answer["exit"] else "clean"
    if severity in {"LIKELY_UNSAFE", "LIKELY_OVERTLY_MALICIOUS", "OVERTLY_MALICIOUS"}:
        return "alarm"
    return "clean" if severity == "LIKELY_SAFE" else "review"


def _touchstone(answer: dict[str, Any]) -> Outcome:
    try:
        files = json.loads(answer["report"])["files"]
    except (ValueError, KeyError):
        return "crashed"
    findings = [finding for file in files for finding in file["findings"] if finding["nature"] != "information"]
    if any(finding["severity"] in {"critical", "high"} for finding in findings):
        return "alarm"
    if findings:
        return "review"
    return "incomplete" if any(file["gaps"] for file in files) else "clean"


SCANNERS: Final = {
    scanner.name: scanner
    for scanner in (
        Scanner("touchstone", "touchstone", "touchstone", _touchstone),
        Scanner("picklescan", "picklescan", "picklescan", _picklescan),
        Scanner("picklescan-strict", "picklescan", "picklescan", _picklescan),
        Scanner("fickling", "fickling", "fickling", _fickling),
        Scanner("modelscan", "modelscan", "modelscan", _modelscan),
        Scanner("modelaudit", "modelaudit", "modelaudit", _modelaudit),
    )
}


class Room:
    """A scanner's process, asked one file after the other."""

    def __init__(
        self, scanner: Scanner, environments: Path, seconds: float, more: dict[str, str] | None = None
    ) -> None:
        self._command = [scanner.python(environments), str(HERE / "scanner_process.py"), scanner.name]
        self._variables = {**os.environ, **(more or {})}
        self._seconds = seconds
        self._process = self._started()

    def ask(self, path: Path) -> dict[str, Any]:
        """The scanner's answer for one file or folder. Asks once more when the process was ended from outside."""
        line = self._line(path)
        if not line:
            self._process = self._started()
            line = self._line(path)
        if not line:
            raise RuntimeError(f"the scanner's process ended with {self._process.wait()} at {path}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """Let the process end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _started(self) -> subprocess.Popen[str]:
        pipe, silent = subprocess.PIPE, subprocess.DEVNULL
        return subprocess.Popen(self._command, stdin=pipe, stdout=pipe, stderr=silent, text=True, env=self._variables)

    def _line(self, path: Path) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"path": str(path), "seconds": self._seconds}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return ""
        return self._process.stdout.readline()
