"""What a gate decides about one item, and why: a record that can be signed, logged and checked against the files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Literal

from pydantic import Field

from touchstone.admission.policy import GatePolicy
from touchstone.canonical import Digest, digest_of_json
from touchstone.evidence.statement import Statement, statement
from touchstone.scan.findings import Allowed, FileResult, Finding, ScanResult, at_or_above
from touchstone.signatures.exact import ExactRecord, Hex32, Sha256
from touchstone.text import Text

PREDICATE_TYPE: Final = "urn:touchstone:predicate:admission:v1"
MOST_REASONS: Final = 200

Outcome = Literal["admit", "quarantine", "refuse"]
_WORST_FIRST: Final[tuple[Outcome, ...]] = ("refuse", "quarantine", "admit")


class Reason(ExactRecord):
    """Why an item was not simply admitted."""

    outcome: Outcome
    """What this reason alone would lead to."""
    where: str
    rule: str
    """The scan's rule, or what of the policy was not met."""
    shown: str
    text: Text


class SeenFile(ExactRecord):
    """One file as it was scanned. Whoever loads another file under this name was not told anything about it."""

    path: str
    size: Annotated[int, Field(ge=0)]
    sha256: Hex32 | Literal[""]
    """Empty for what could not be read."""
    format: str
    verdict: Literal["unsafe", "review", "incomplete", "accepted", "clean"]


class Answered(ExactRecord):
    """A finding or gap that did not count, because somebody answers for it in the gate's allow file."""

    where: str
    rule: str
    reason: str
    by: str
    expires: str


class Decision(ExactRecord):
    """The predicate of an admission statement."""

    item: str
    """Name under which it was handed in."""
    outcome: Outcome
    reasons: tuple[Reason, ...]
    answered: tuple[Answered, ...]
    files: tuple[SeenFile, ...]
    policy: Sha256
    symbols: str
    """Digest of the reviewed names that decided what is clean."""
    scanner: str
    """Name and version of the program that scanned."""
    decided: str
    """When, in UTC, to the second."""

    @property
    def subject(self) -> Digest:
        """The item's name: a digest over the paths and digests of its files."""
        return digest_of_json([[file.path, file.sha256] for file in self.files])


def decide(item: str, result: ScanResult, policy: GatePolicy, *, scanner: str, decided: str) -> Decision:
    """The decision that follows from a scan under a policy."""
    reasons = sorted(_reasons(result.files, policy), key=lambda reason: _WORST_FIRST.index(reason.outcome))
    return Decision(
        item=item,
        outcome=reasons[0].outcome if reasons else "admit",
        reasons=tuple(reasons[:MOST_REASONS]),
        answered=tuple(_answered(allowed) for file in result.files for allowed in file.allowed),
        files=tuple(
            SeenFile(path=file.path, size=file.size, sha256=file.sha256, format=file.format, verdict=file.verdict)
            for file in result.files
        ),
        policy=policy.own_digest(),
        symbols=result.symbols_sha256,
        scanner=scanner,
        decided=decided,
    )


def set_aside(decision: Decision, rule: str, text: Text) -> Decision:
    """The same decision, with a reason of the gate's own not to admit."""
    reason = Reason(outcome="quarantine", where=decision.item, rule=rule, shown="", text=text)
    outcome: Outcome = "refuse" if decision.outcome == "refuse" else "quarantine"
    return decision.model_copy(update={"outcome": outcome, "reasons": (*decision.reasons, reason)})


def admission_statement(decision: Decision) -> Statement:
    """The statement to sign and log."""
    return statement(decision.item, decision.subject, PREDICATE_TYPE, decision.to_json())


def _reasons(files: Sequence[FileResult], policy: GatePolicy) -> Iterator[Reason]:
    if not files:
        yield _reason("quarantine", "", "gate/empty", "", Text("holds no file", "不含任何文件"))
    if sum(file.size for file in files) > policy.largest_bytes or len(files) > policy.most_files:
        yield _reason(
            "quarantine", "", "gate/size", "", Text("is larger than this gate admits", "超过本准入关允许的规模")
        )
    for file in files:
        yield from _findings(file, policy)
        for gap in file.gaps:
            yield _reason("quarantine", gap.where, f"gate/incomplete/{gap.code}", "", gap.why)
        if policy.formats and file.format not in policy.formats:
            text = Text("is of a format that this gate does not admit", "格式不在本准入关的允许范围内")
            yield _reason("quarantine", file.path, "gate/format", file.format, text)
        if file.runs_code and not policy.code_formats:
            text = Text("is of a format that can run code by design", "其格式在设计上可以运行代码")
            yield _reason("quarantine", file.path, "gate/code-format", file.format, text)


def _findings(file: FileResult, policy: GatePolicy) -> Iterator[Reason]:
    for finding in file.findings:
        if finding.nature == "threat" and at_or_above(finding.severity, policy.refuse_at):
            yield _reason("refuse", finding.where, finding.rule, finding.shown, finding.what)
        elif finding.nature != "information" and at_or_above(finding.severity, policy.quarantine_at):
            yield _reason("quarantine", finding.where, finding.rule, finding.shown, finding.what)


def _answered(allowed: Allowed) -> Answered:
    item = allowed.item
    rule = item.rule if isinstance(item, Finding) else f"gate/incomplete/{item.code}"
    return Answered(where=item.where, rule=rule, reason=allowed.reason, by=allowed.by, expires=allowed.expires)


def _reason(outcome: Outcome, where: str, rule: str, shown: str, text: Text) -> Reason:
    return Reason(outcome=outcome, where=where, rule=rule, shown=shown, text=text)
