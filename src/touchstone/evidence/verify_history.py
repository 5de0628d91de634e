"""The part of verification that asks a whole log: what else did the same signer put on it?

The log keeps digests, not statements, so nobody can see from it what the others are. But who ran five assessments
and shows one cannot hide that there are more.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from touchstone.errors import EvidenceError
from touchstone.evidence.envelope import Envelope
from touchstone.evidence.files import read_regular
from touchstone.evidence.layout import CHECKPOINT
from touchstone.evidence.leaf import leaf_of, named_by
from touchstone.evidence.log_errors import log_errors
from touchstone.evidence.verification import Signed, Steps
from touchstone.text import Text
from touchstone.tlog.checkpoint import Checkpoint
from touchstone.tlog.log import Log
from touchstone.tlog.note import LARGEST_NOTE, Note


def ask_log(folder: Path, root: Path, shown: Sequence[Signed], steps: Steps) -> None:
    """Note how many statements by the signers of those `shown` are in the log besides them.

    `folder` is a copy of the log, `root` where the evidence with its checkpoint lies.
    """
    label = str(folder)
    with steps.noting("history", label), log_errors():
        log = Log.open(folder)
        _require_same_log(log, root, label)
        leaves = {
            leaf_of(Envelope.from_bytes(signed.data, signed.file), signed.party.statement_key(), signed.file)
            for signed in shown
        }
        signers = {signed.party.key_id for signed in shown}
        by_them = [entry for entry in log.entries() if named_by(entry, label)[1] in signers]
        others = sum(entry not in leaves for entry in by_them)
        if others:
            steps.not_checked(
                "history",
                Text(
                    f"holds {len(by_them)} statements by the same signer, {others} of which are not here: "
                    "ask for them, each further attempt leaves one",
                    f"含同一签名方的 {len(by_them)} 个声明，其中 {others} 个不在此处：请索取，每次另行尝试都会留下记录",
                ),
                label,
            )
        else:
            steps.ok(
                "history",
                Text("holds no other statement by the same signer", "没有同一签名方的其他声明"),
                label,
            )


def _require_same_log(log: Log, root: Path, label: str) -> None:
    """The checkpoint beside the evidence must be an earlier state of this log, or the log proves nothing about it."""
    if not os.path.lexists(root / CHECKPOINT):
        raise EvidenceError(
            Text("is missing: whether it is this log cannot be known", "缺失：无法得知是否为该日志"), CHECKPOINT
        )
    note = Note.parse(read_regular(root / CHECKPOINT, CHECKPOINT, largest=LARGEST_NOTE), CHECKPOINT)
    if not log.extends(Checkpoint.of(note, CHECKPOINT)):
        raise EvidenceError(
            Text(
                "is not the log that this evidence is in, or took something back", "不是收录该证据的日志，或已撤回记录"
            ),
            label,
        )
