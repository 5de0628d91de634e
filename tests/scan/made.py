"""Results made by hand, for tests of what is done with results."""

from __future__ import annotations

from hashlib import sha256

from touchstone.scan.findings import (
    Allowed,
    Fact,
    FileResult,
    Finding,
    Gap,
    GapCode,
    Nature,
    Reference,
    ScanResult,
    Severity,
    TensorEntry,
)
from touchstone.text import Text

SYMBOLS = "ab" * 32


def digest(path: str) -> str:
    """A digest that belongs to a path."""
    return sha256(path.encode()).hexdigest()


def finding(
    where: str,
    rule: str = "link/leads-out",
    *,
    shown: str = "os.system('id')",
    offset: int = 7,
    severity: Severity = "critical",
    nature: Nature = "threat",
) -> Finding:
    """A finding; the rule exists, so that it can be explained."""
    what = Text("Runs a command [of](https://example.org) {the} system.", "运行系统命令。")
    return Finding(where, offset, rule, severity, nature, shown, what, length=3 if offset >= 0 else 0)


def gap(where: str, code: GapCode = "format") -> Gap:
    """A gap."""
    return Gap(where, code, Text("no reader for format psd", "没有 psd 格式的解析器"))


def file(
    path: str,
    *,
    findings: tuple[Finding, ...] = (),
    gaps: tuple[Gap, ...] = (),
    facts: tuple[Fact, ...] = (),
    references: tuple[Reference, ...] = (),
    tensors: tuple[TensorEntry, ...] = (),
    allowed: tuple[Allowed, ...] = (),
    kind: str = "pickle",
    size: int = 100,
) -> FileResult:
    """A file that was read."""
    return FileResult(
        path, size, digest(path), kind, kind == "pickle", findings, gaps, facts, references, tensors, allowed
    )


def result(*files: FileResult, notes: tuple[Text, ...] = ()) -> ScanResult:
    """A scan of these files."""
    return ScanResult(files, SYMBOLS, notes=notes)


def every_kind() -> ScanResult:
    """One file of every verdict, with everything a result can hold, and names that want escaping."""
    return result(
        file(
            "clean & neat.safetensors", kind="safetensors", facts=(Fact("clean & neat.safetensors", "producer", "x"),)
        ),
        file("docs/drawing.psd", gaps=(gap("docs/drawing.psd"),), kind="unknown"),
        file(
            "models/<b>evil.pkl",
            findings=(
                finding("models/<b>evil.pkl"),
                finding("models/<b>evil.pkl!inner/data.pkl", offset=3, severity="medium", nature="unreviewed"),
                finding("models/<b>evil.pkl", shown="x", offset=-1, severity="information", nature="information"),
            ),
            gaps=(gap("models/<b>evil.pkl!second", "limit"),),
        ),
        file(
            "models/known.pkl",
            allowed=(
                Allowed(finding("models/known.pkl", severity="high"), "reviewed <by> us", "A. Person", "2027-01-31"),
                Allowed(gap("models/known.pkl"), "a drawing", "", "2027-01-31"),
            ),
        ),
        file("models/review.pkl", findings=(finding("models/review.pkl", severity="high", nature="unreviewed"),)),
        notes=(Text("allow.yaml:9: expired", "allow.yaml:9：已到期"),),
    )
