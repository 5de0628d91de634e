"""Files that were scanned against the files somebody signed: the same bytes, compared by their digests.

Who signed, and whether the signature holds, is decided above: here lie only names and digests.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from touchstone.scan.findings import FileResult, Finding, Gap, Rule, shown
from touchstone.text import Text

CHANGED: Final = Rule(
    "signature/changed",
    "critical",
    "threat",
    Text("Is not the file that was signed", "与已签名的文件不同"),
    Text("Do not load it. Get the model again from its supplier.", "请勿加载。请向供应方重新获取模型。"),
    ("CWE-353", "CWE-494"),
)
MISSING: Final = Rule(
    "signature/missing",
    "critical",
    "threat",
    Text("Was signed, and is not there", "已签名，但不存在"),
    Text("The model is not whole. Get it again from its supplier.", "模型不完整，请向供应方重新获取。"),
    ("CWE-353",),
)
NOT_SIGNED: Final = Rule(
    "signature/not-signed",
    "high",
    "threat",
    Text("Was not signed, and lies among signed files", "未被签名，却与已签名文件放在一起"),
    Text("Remove it, or ask the supplier to sign it with the others.", "请删除，或请供应方将其一并签名。"),
    ("CWE-353", "CWE-427"),
)
LEFT_OUT: Final = Rule(
    "signature/left-out",
    "information",
    "information",
    Text("Was left out by the signer: the signature says nothing about it", "已被签名方排除，签名不涉及其内容"),
    Text("Nothing need be done if the file is of no use to a loader.", "若加载程序用不到该文件，则无需处理。"),
    (),
)
RULES: Final[tuple[Rule, ...]] = (CHANGED, MISSING, NOT_SIGNED, LEFT_OUT)


@dataclass(frozen=True, slots=True)
class SignedFiles:
    """What a signature that holds says about one folder, or one file."""

    digests: Mapping[str, str]
    """SHA-256 by path as shown, relative to the folder; `.` for a model that is one file."""
    left_out: Collection[str] = field(default_factory=frozenset)
    """Paths, with everything below them, about which the signer says nothing."""


def compared(files: Collection[FileResult], signed: SignedFiles) -> tuple[FileResult, ...]:
    """The results, with a finding for every file that is not as signed."""
    digests = signed.digests
    if digests.keys() == {"."} and len(files) == 1:
        digests = {file.path: digests["."] for file in files}
    found = {file.path for file in files}
    missing = [_missing(path) for path in sorted(digests.keys() - found)]
    return (*(_with(file, digests, signed.left_out) for file in files), *missing)


def _with(file: FileResult, digests: Mapping[str, str], left_out: Collection[str]) -> FileResult:
    if file.path in digests:
        if not file.sha256:
            why = Text("could not be compared with its signature", "无法与其签名比对")
            return replace(file, gaps=(*file.gaps, Gap(file.path, "absent", why)))
        if file.sha256 == digests[file.path]:
            return file
        rule = CHANGED
    else:
        rule = LEFT_OUT if any(path in left_out for path in _with_folders(file.path)) else NOT_SIGNED
    return replace(file, findings=(*file.findings, _finding(rule, file.path, file.sha256)))


def _missing(path: str) -> FileResult:
    finding = _finding(MISSING, path, path)
    return FileResult(path, size=0, sha256="", format="absent", runs_code=False, findings=(finding,))


def _finding(rule: Rule, path: str, fact: str) -> Finding:
    return Finding(path, -1, rule.id, rule.severity, rule.nature, shown(fact), rule.title)


def _with_folders(path: str) -> Iterator[str]:
    """A path and every folder it lies in."""
    yield path
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
