"""The part of verification that asks what became of a certificate since it was issued."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from touchstone.canonical import digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence.certificate import Certificate, instant
from touchstone.evidence.layout import STATUS_FOLDER, LaterStatement, status_file
from touchstone.evidence.reading import SignedReader
from touchstone.evidence.statement import statement
from touchstone.evidence.status import (
    STANDINGS,
    CertificateLife,
    Listed,
    ListedNonGood,
    StatusChange,
    StatusList,
    status_statement,
)
from touchstone.evidence.verification import Signed, Steps
from touchstone.text import Text

CLOCK_TOLERANCE: Final = timedelta(minutes=5)
"""How far the clocks of issuer and verifier may differ."""


@dataclass(frozen=True, slots=True)
class StatusQuestion:
    """What a verifier asks about the status of a certificate."""

    at: datetime
    snapshot: Path | None = None
    """File with the issuer's signed snapshot, got from the issuer."""
    max_age: timedelta | None = None
    """How old the snapshot may be; `None`: as old as the certificate allows."""


class StatusExamination:
    """Looks at the changes beside a certificate and at a snapshot handed over."""

    def __init__(self, reader: SignedReader, question: StatusQuestion, steps: Steps) -> None:
        self._reader = reader
        self._question = question
        self._steps = steps
        self.changes: list[Signed] = []
        """Signed changes found beside the certificate."""
        self.age: timedelta | None = None
        """Age of the snapshot in which the certificate is good."""

    def certificate(self, signed: Signed, certificate: Certificate) -> None:
        """Note where the certificate stands, as far as that can be known here."""
        with self._steps.noting("status", STATUS_FOLDER):
            life = self._chain(signed, certificate)
            if life.standing != "good":
                self._not_good(Text(STANDINGS[life.standing].en, STANDINGS[life.standing].zh), life)
            removed = [item.control for item in certificate.decision.scope if item.control not in life.scope]
            self._removed(removed, status_file(max(life.changes, 1)))
        if self._question.snapshot is None:
            self._steps.not_checked(
                "status",
                Text(
                    "the certificate's status is not known: no snapshot of the issuer was given",
                    "证书当前状态未知：未提供发证方的状态快照",
                ),
                signed.file,
            )
            return
        with self._steps.noting("status", self._question.snapshot.name):
            self._snapshot(self._question.snapshot, signed, certificate)

    def _chain(self, signed: Signed, certificate: Certificate) -> CertificateLife:
        envelope = digest_of(signed.data)
        life = CertificateLife.begin(certificate, envelope)
        while os.path.lexists(self._reader.root / status_file(life.changes + 1)):
            file = status_file(life.changes + 1)
            change = self._reader.open(file)
            if change is None:
                break
            _require_same_issuer(change, signed)
            stated = StatusChange.from_json(change.statement.predicate, file)
            change.require(
                status_statement(stated, envelope) == change.statement,
                Text("is about another certificate", "针对另一份证书"),
            )
            life = life.after(stated, digest_of(change.data))
            self.changes.append(change)
        return life

    def _not_good(self, standing: Text, life: CertificateLife) -> None:
        file = status_file(life.changes)
        since = life.since.strftime("%Y-%m-%dT%H:%M:%SZ")
        if life.since > self._question.at:
            self._steps.ok(
                "status",
                Text(f"the certificate is {standing.en} from {since} on", f"证书自 {since} 起{standing.zh}"),
                file,
            )
        else:
            self._steps.failed(
                "status",
                Text(
                    f"the certificate is {standing.en} since {since}: {life.reason}",
                    f"证书自 {since} 起{standing.zh}：{life.reason}",
                ),
                file,
            )

    def _removed(self, removed: list[str], file: str) -> None:
        if removed:
            names = ", ".join(removed)
            self._steps.ok(
                "scope",
                Text(f"the certificate no longer speaks about: {names}", f"证书不再涵盖：{names}"),
                file,
            )

    def _snapshot(self, path: Path, signed: Signed, certificate: Certificate) -> None:
        file = path.name
        opened = self._reader.open(file, path)
        if opened is None:
            return
        _require_same_issuer(opened, signed)
        opened.require(
            opened.statement.predicate_type == LaterStatement.STATUS_LIST.predicate_type,
            Text("is not a snapshot of certificates", "不是证书状态快照"),
        )
        listed = StatusList.from_json(opened.statement.predicate, file)
        rebuilt = statement(
            listed.issuer, listed.own_digest(), LaterStatement.STATUS_LIST.predicate_type, listed.to_json()
        )
        opened.require(rebuilt == opened.statement, Text("contradicts itself", "自相矛盾"))
        line = listed.find(digest_of(signed.data))
        if line is None:
            self._steps.not_checked(
                "status",
                Text(f"says nothing about certificate {certificate.id}", f"未提及证书 {certificate.id}"),
                file,
            )
        elif isinstance(line, ListedNonGood) and instant(line.since) <= self._question.at:
            standing = STANDINGS[line.standing]
            self._steps.failed(
                "status",
                Text(
                    f"the certificate is {standing.en} since {line.since}: {line.reason}",
                    f"证书自 {line.since} 起{standing.zh}：{line.reason}",
                ),
                file,
            )
        else:
            self._freshness(listed, line, certificate, file)

    def _freshness(self, listed: StatusList, line: Listed, certificate: Certificate, file: str) -> None:
        at, as_of = self._question.at, instant(listed.as_of)
        if as_of > at + CLOCK_TOLERANCE:
            raise EvidenceError(
                Text(f"is dated {listed.as_of}, after the moment of verification", f"日期 {listed.as_of} 晚于验证时刻"),
                file,
            )
        age = max(at - as_of, timedelta())
        allowed = self._question.max_age
        if allowed is None:
            allowed = timedelta(seconds=certificate.status.max_age_seconds)
        self._removed(list(line.removed), file)
        good = Text(f"status good as of {listed.as_of}", f"截至 {listed.as_of} 状态有效")
        if age > allowed or at >= instant(listed.next_update):
            days, limit = f"{age / timedelta(days=1):.1f}", f"{allowed / timedelta(days=1):g}"
            self._steps.stale(
                "status",
                Text(
                    f"{good.en}, which is {days} days ago; at most {limit} days are allowed, "
                    f"and the next snapshot was due on {listed.next_update}: get the issuer's latest",
                    f"{good.zh}，距今 {days} 天；最多允许 {limit} 天，"
                    f"下一快照应于 {listed.next_update} 发布：请获取发证方最新快照",
                ),
                file,
            )
            return
        self.age = age
        self._steps.ok("status", good, file)


def _require_same_issuer(later: Signed, certificate: Signed) -> None:
    later.require(
        later.party.name == certificate.party.name,
        Text("is signed by another party than the certificate", "签名方与证书签名方不同"),
    )
