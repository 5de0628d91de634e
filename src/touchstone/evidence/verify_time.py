"""The part of verification that asks when: timestamps of the statements, and the same evidence in Sigstore's form."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from touchstone.errors import EvidenceError
from touchstone.evidence.envelope import Envelope
from touchstone.evidence.files import read_regular
from touchstone.evidence.layout import receipt_of, sigstore_of, timestamp_of
from touchstone.evidence.log_errors import log_errors
from touchstone.evidence.sigstore_bundle import sigstore_bundle
from touchstone.evidence.timestamp import LARGEST_RESPONSE, OWN_POLICY, Authority, Stamp, stamp_of, stamped_bytes
from touchstone.evidence.verification import Signed, Steps
from touchstone.signatures.keys import LogVerifyingKey
from touchstone.text import Text
from touchstone.tlog.proof import LARGEST_PROOF, TlogProof


class TimeExamination:
    """Looks at what lies beside the statements under one folder: timestamps, and Sigstore bundles made from them."""

    def __init__(
        self, root: Path, authorities: Collection[Authority], log_key: LogVerifyingKey | None, steps: Steps
    ) -> None:
        self._root = root
        self._authorities = tuple(authorities)
        self._log_key = log_key
        self._steps = steps
        self._seen: dict[str, datetime] = {}

    def seen_at(self, file: str) -> datetime | None:
        """When a trusted authority saw the statement in `file`; `None` when none did."""
        return self._seen.get(file)

    def statements(self, statements: Collection[Signed]) -> None:
        """Every timestamp and every Sigstore bundle that lies beside the statements."""
        for signed in statements:
            self._timestamp(signed)
            self._sigstore(signed)

    def _timestamp(self, signed: Signed) -> None:
        path = timestamp_of(signed.file)
        if not os.path.lexists(self._root / path):
            return
        if not self._authorities:
            self._steps.not_checked(
                "time",
                Text(
                    "whether a trusted authority made this timestamp: give its certificates with --tsa-certificate",
                    "时间戳是否由可信机构签发：请用 --tsa-certificate 提供其证书",
                ),
                path,
            )
            return
        self._steps.covered.add(path)
        with self._steps.noting("time", path):
            token = read_regular(self._root / path, path, largest=LARGEST_RESPONSE)
            stamp, name = self._vouched(token, stamped_bytes(Envelope.from_bytes(signed.data, signed.file)), path)
            moment = stamp.at.astimezone(UTC).isoformat(timespec="seconds")
            if stamp.policy == OWN_POLICY:
                self._steps.not_checked(
                    "own-time",
                    Text(
                        f"existed on {moment}, says {name}: a laboratory's own clock, which counts for nothing",
                        f"{name} 称其在 {moment} 已存在：为实验室自己的时钟，不计入证明",
                    ),
                    path,
                )
                return
            self._seen[signed.file] = stamp.at
            self._steps.ok("time", Text(f"existed on {moment}, says {name}", f"{name} 证明其在 {moment} 已存在"), path)

    def _vouched(self, token: bytes, signature: bytes, path: str) -> tuple[Stamp, str]:
        """By the first authority that vouches for it. Raises the last one's `EvidenceError` when none does."""
        *others, last = self._authorities
        for authority in others:
            with suppress(EvidenceError):
                return stamp_of(token, signature, authority, path), authority.name
        return stamp_of(token, signature, last, path), last.name

    def _sigstore(self, signed: Signed) -> None:
        """A Sigstore bundle must be what follows from statement, receipt and timestamp."""
        path = sigstore_of(signed.file)
        if not os.path.lexists(self._root / path):
            return
        if self._log_key is None:
            self._steps.not_checked(
                "sigstore",
                Text("whether it follows from the other files: no log key given", "是否由其他文件得出：未提供日志公钥"),
                path,
            )
            return
        self._steps.covered.add(path)
        with self._steps.noting("sigstore", path), log_errors():
            receipt, stamp = receipt_of(signed.file), timestamp_of(signed.file)
            expected = sigstore_bundle(
                Envelope.from_bytes(signed.data, signed.file),
                signed.party.statement_key(),
                TlogProof.parse(read_regular(self._root / receipt, receipt, largest=LARGEST_PROOF), receipt),
                self._log_key,
                read_regular(self._root / stamp, stamp, largest=LARGEST_RESPONSE),
            )
            if read_regular(self._root / path, path, largest=len(expected)) != expected:
                raise EvidenceError(
                    Text(
                        "is not what follows from the statement, its receipt and its timestamp",
                        "不是由声明、回执与时间戳得出的内容",
                    ),
                    path,
                )
            self._steps.ok("sigstore", Text("says the same as the files beside it", "与旁边的文件一致"), path)
