"""The part of verification that asks what others said: who recognises the issuer, and who repeated the tests."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from touchstone.canonical import Digest, digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence.envelope import LARGEST_ENVELOPE, Envelope
from touchstone.evidence.files import read_regular
from touchstone.evidence.layout import RECOGNITIONS, REPLICATIONS, LaterStatement
from touchstone.evidence.reading import SignedReader
from touchstone.evidence.recognition import Recognition
from touchstone.evidence.replication import AGREEMENTS, Replication
from touchstone.evidence.trust import Trusted
from touchstone.evidence.verification import Signed, Steps
from touchstone.text import Text

MOST_STATEMENTS = 1000


def recognised(reader: SignedReader, given: Iterable[Path], at: datetime, steps: Steps) -> Trusted:
    """The issuers that parties trusted as recognisers recognise at `at`, in files given or beside the evidence.

    A recognition by somebody who is not trusted changes nothing and is only noted.
    """
    beside = [(f"{RECOGNITIONS}/{path.name}", path) for path in _statements(reader.root / RECOGNITIONS)]
    parties = []
    for file, path in (*beside, *((path.name, path) for path in given)):
        signed = _opened(reader, file, path, "recognition", steps)
        if signed is None or signed.statement.predicate_type != LaterStatement.RECOGNITION.predicate_type:
            continue
        with steps.noting("recognition", file):
            recognition = Recognition.from_json(signed.statement.predicate, file)
            signed.require(recognition.is_about(signed.statement), Text("contradicts itself", "自相矛盾"))
            by, issuer = signed.party.name, recognition.issuer
            if recognition.holds(at):
                parties.append(recognition.party())
                steps.ok(
                    "recognition",
                    Text(
                        f"{by} recognises {issuer} until {recognition.until} for {', '.join(recognition.profiles)}",
                        f"{by} 承认 {issuer}（{'、'.join(recognition.profiles)}），至 {recognition.until}",
                    ),
                    file,
                )
            else:
                times = f"{recognition.issued} – {recognition.until}"
                steps.not_checked(
                    "recognition",
                    Text(
                        f"the recognition of {issuer} by {by} is not in force: {times}",
                        f"{by} 对 {issuer} 的承认不在有效期内：{times}",
                    ),
                    file,
                )
    return Trusted(tuple(parties))


def replicated(reader: SignedReader, assessed: Signed, evidence: Digest, steps: Steps) -> dict[str, Replication]:
    """What trusted laboratories other than the assessor found when they repeated the tests, by laboratory.

    A laboratory that could not reproduce a result is a failed step: somebody you trust contradicts the evidence.
    """
    found: dict[str, Replication] = {}
    for path in _statements(reader.root / REPLICATIONS):
        file = f"{REPLICATIONS}/{path.name}"
        signed = _opened(reader, file, path, "replication", steps)
        if signed is None or signed.statement.predicate_type != LaterStatement.REPLICATION.predicate_type:
            continue
        with steps.noting("replication", file):
            replication = Replication.from_json(signed.statement.predicate, file)
            signed.require(
                replication.assessment == digest_of(assessed.data)
                and replication.evidence == evidence
                and signed.statement.subject == assessed.statement.subject,
                Text("is about another assessment", "针对另一项测评"),
            )
            laboratory = signed.party.name
            agreement = AGREEMENTS[replication.agreement]
            if laboratory == assessed.party.name:
                steps.not_checked(
                    "replication",
                    Text("is by the assessor itself: no independent replication", "由测评方自身作出：不算独立复现"),
                    file,
                )
            elif replication.agreement == "not-reproduced":
                steps.failed(
                    "replication",
                    Text(
                        f"{laboratory} could not reproduce: {_worst(replication)}",
                        f"{laboratory} 未能复现：{_worst(replication)}",
                    ),
                    file,
                )
            else:
                found[laboratory] = replication
                steps.ok(
                    "replication",
                    Text(
                        f"{laboratory} repeated the tests: {agreement.en}", f"{laboratory} 已重复测试：{agreement.zh}"
                    ),
                    file,
                )
    return found


def _opened(reader: SignedReader, file: str, path: Path, step: str, steps: Steps) -> Signed | None:
    """A statement by somebody trusted. One by somebody else is noted and left aside: it proves nothing here."""
    try:
        data = read_regular(path, file, largest=LARGEST_ENVELOPE)
        stranger = not reader.trusted.signers(Envelope.from_bytes(data, file).keyid)
    except EvidenceError as error:
        steps.failed(step, error.what, file)
        return None
    if stranger:
        steps.not_checked(step, Text("is signed by nobody you trust", "签名方不受信任"), file)
        return None
    return reader.open(file, None if path.is_relative_to(reader.root) else path)


def _statements(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(folder.glob("*.dsse.json"))[:MOST_STATEMENTS]


def _worst(replication: Replication) -> str:
    names = [
        f"{result.check}/{result.metric}" for result in replication.results if result.agreement == "not-reproduced"
    ]
    return ", ".join(names[:5]) or replication.verdict
