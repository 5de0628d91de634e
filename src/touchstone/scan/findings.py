"""What a scan says about files: findings, gaps, facts, and the verdict that follows from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from touchstone.scan.budget import Limits
from touchstone.text import Text

Severity = Literal["critical", "high", "medium", "low", "information"]
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
"""Worst first."""

Nature = Literal["threat", "unreviewed", "information"]
"""Does or may do harm · names something nobody has reviewed, harmless or not · worth knowing, no reason to refuse."""

Verdict = Literal["unsafe", "review", "incomplete", "accepted", "clean"]
VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)
"""Worst first. A scan's verdict is that of its worst file. `accepted`: nothing is open that nobody answers for."""

LONGEST_SHOWN = 240
"""Characters kept of anything quoted from a hostile file."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of finding: what it means, how bad it is unless the place says otherwise, and what to do about it.

    Readers declare their rules as constants and list them in a tuple `RULES`; see `touchstone.scan.rules`.
    """

    id: str
    """Format and threat, as in `pickle/dangerous-call`."""
    severity: Severity
    nature: Nature
    title: Text
    remedy: Text
    references: tuple[str, ...]
    """Public identifiers: CWE, CVE, GHSA, MITRE ATLAS, a specification with its section."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact about a file that somebody may have to act on, with the place where anyone can see it."""

    where: str
    """File, and after each `!` the member inside it."""
    offset: int
    """First byte in that member; -1 when the fact is not tied to bytes (a missing file, a name)."""
    rule: str
    severity: Severity
    nature: Nature
    shown: str
    """The fact itself: the reconstructed call (`os.system('id')`), the name, the value. Printable ASCII."""
    what: Text
    """What it does, in a sentence."""
    length: int = 0
    """Bytes it extends over, when known."""


GapCode = Literal["format", "damaged", "limit", "encrypted", "reader", "changed", "absent", "unopened"]
"""No reader for this format · bytes do not fit the format · a limit was reached · cannot be read without a key ·
a reader failed · the file changed while it was read · a part that is named is not there · a file that may not be
opened, or is none: a pipe, a device, a link that leads out."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that was not read or not understood. A file with a gap is incomplete, never clean."""

    where: str
    code: GapCode
    why: Text


FactName = Literal[
    "framework",  # pytorch, scikit-learn 1.6.1
    "architecture",  # LlamaForCausalLM, RandomForestClassifier
    "task",  # text-generation
    "base-model",  # name of the model this one was made from
    "dataset",  # name of a data set it says it was trained on
    "licence",  # SPDX identifier, or the words found
    "producer",  # program that wrote the file
    "name",
    "version",
    "author",
    "language",
    "hyper-parameter",  # hidden_size=4096
    "parameters",  # number of weights, decimal
    "quantisation",  # Q4_K_M
    "operator-set",  # ai.onnx 17
    "input",  # name: dtype[shape]
    "output",
    "dependency",  # PEP 508 requirement, or ecosystem:name@version
    "template-digest",  # sha256 of a chat template
    "imports",  # a module the file makes its loader import
    "source",  # URL or repository the file says it came from
]


@dataclass(frozen=True, slots=True, order=True)
class Fact:
    """One thing a file says about itself, for the bill of materials. Hostile text made safe to print."""

    where: str
    name: FactName
    value: str


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """Another file that this one makes its loader read, by the path written in it, relative to its own folder."""

    where: str
    path: str
    role: Literal["tensors", "shard", "code", "template", "data"]
    reach: int = 0
    """How many bytes long it must be at least, when that is said."""


@dataclass(frozen=True, slots=True, order=True)
class TensorEntry:
    """One tensor of a file's tensor table."""

    where: str
    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    sha256: str = ""
    """Digest of its bytes, when tensors were asked for."""
    offset: int = -1
    """First byte in the file on disk; -1 when it lies there compressed, or in pieces."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """A finding or gap that somebody answers for (see `touchstone.scan.allow_file`): no longer open, never hidden."""

    item: Finding | Gap
    reason: str
    by: str
    """Who answers for it; may be empty."""
    expires: str
    """The last day on which this holds, `YYYY-MM-DD`."""


@dataclass(frozen=True, slots=True)
class FileResult:
    """Everything about one file."""

    path: str
    """As shown: below the scanned folder, with `/`."""
    size: int
    sha256: str
    """Of the bytes that were read; empty when the file could not be read."""
    format: str
    runs_code: bool
    """Whether this format can run code by design, whatever this file does with it."""
    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    facts: tuple[Fact, ...] = ()
    references: tuple[Reference, ...] = ()
    tensors: tuple[TensorEntry, ...] = ()
    allowed: tuple[Allowed, ...] = ()
    """What was taken out of `findings` and `gaps`."""

    @property
    def verdict(self) -> Verdict:
        """`unsafe` for a threat of severity high or worse, `review` for any other finding that is not information,
        `incomplete` when something was not understood, `accepted` when somebody answers for all of these, `clean`
        when all was read and nothing was found."""
        counted = [finding for finding in self.findings if finding.nature != "information"]
        if any(finding.nature == "threat" and finding.severity in {"critical", "high"} for finding in counted):
            return "unsafe"
        if counted:
            return "review"
        if self.gaps:
            return "incomplete"
        return "accepted" if self.allowed else "clean"


@dataclass(frozen=True, slots=True)
class ScanResult:
    """The whole scan. Nothing in here depends on time, machine or what is installed: equal input, equal result."""

    files: tuple[FileResult, ...]
    """In the order of their paths."""
    symbols_sha256: str
    """Digest of the reviewed names that decided (`touchstone.scan.symbols`)."""
    advisories_sha256: str = ""
    """Digest of the advisories in which packages were looked up; empty when no file names any."""
    limits: Limits = Limits()  # noqa: RUF009 - frozen
    """What one file was allowed to cost: changing it changes what is understood."""
    notes: tuple[Text, ...] = ()
    """What whoever keeps the allow file should know: entries that expired or that nothing needs."""

    @property
    def verdict(self) -> Verdict:
        """That of the worst file; `clean` for no files at all."""
        found = {file.verdict for file in self.files}
        return next((verdict for verdict in VERDICTS if verdict in found), "clean")


def at_or_above(severity: Severity, limit: Severity) -> bool:
    """Whether `severity` is as bad as `limit`, or worse."""
    return SEVERITIES.index(severity) <= SEVERITIES.index(limit)


def shown(text: str, longest: int = LONGEST_SHOWN) -> str:
    """Hostile text made safe to print: one line of printable ASCII of bounded length.

    >>> shown("a\\u202eb")
    'a\\\\u202eb'
    """
    safe = text[: longest + 1].encode("unicode_escape").decode("ascii")
    return safe if len(safe) <= longest else safe[: longest - 1] + "~"
