"""The part of verification that asks the log: are these statements in it, in the right order, and who saw it?"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from touchstone.errors import EvidenceError
from touchstone.evidence.envelope import Envelope
from touchstone.evidence.files import read_regular
from touchstone.evidence.layout import CHECKPOINT, RECEIPTS, receipt_of
from touchstone.evidence.leaf import leaf_of
from touchstone.evidence.log_errors import log_errors
from touchstone.evidence.verification import Signed, Steps
from touchstone.signatures.keys import LogVerifyingKey
from touchstone.text import Text
from touchstone.tlog.checkpoint import Checkpoint
from touchstone.tlog.note import LARGEST_NOTE, Note, VerifierKey
from touchstone.tlog.policy import Judgement
from touchstone.tlog.policy import Policy as LogPolicy
from touchstone.tlog.proof import LARGEST_PROOF, TlogProof


class LogExamination:
    """Looks at receipts and checkpoint under one folder; the log itself is not needed.

    The log is trusted by its key, or by a policy (C2SP tlog-policy), which also says which witnesses count.
    """

    def __init__(
        self, root: Path, log_key: LogVerifyingKey | None, steps: Steps, log_policy: LogPolicy | None = None
    ) -> None:
        self._root = root
        self._log_key = log_key
        self._steps = steps
        self._policy = log_policy
        self._seen: dict[str, Judgement] = {}
        """What the policy makes of the checkpoint under each statement that is in the log."""

    @property
    def witnesses(self) -> int:
        """How many independent witnesses cosigned the checkpoint under every statement looked at."""
        return min((len(judgement.cosigned) for judgement in self._seen.values()), default=0)

    def seen_at(self, file: str) -> datetime | None:
        """By when a quorum of witnesses (any, when none is asked for) had seen a statement; `None` when none had."""
        judgement = self._seen.get(file)
        if judgement is None or not judgement.accepted:
            return None
        since = judgement.since if judgement.since is not None else min(judgement.cosigned.values(), default=None)
        try:
            return None if since is None else datetime.fromtimestamp(since, UTC)
        except (ValueError, OverflowError, OSError):  # a witness may sign any number
            return None

    def statements(self, statements: list[Signed]) -> None:
        """All receipts rest on the one checkpoint in the folder, in the order in which the statements were made."""
        if not self._is_trusted and not os.path.lexists(self._root / CHECKPOINT):
            self._steps.not_checked(
                "log", Text("no log: neither a checkpoint nor a log key is given", "无日志：未提供检查点或日志公钥")
            )
            return
        self._steps.covered.add(CHECKPOINT)
        with self._steps.noting("log", CHECKPOINT), log_errors():
            data = read_regular(self._root / CHECKPOINT, CHECKPOINT, largest=LARGEST_NOTE)
            judgement = self._checkpoint(Note.parse(data, CHECKPOINT), CHECKPOINT)
            indexes = []
            for signed in statements:
                proof = self._proof(signed)
                if proof is not None and proof.note.to_bytes() != data:
                    self._steps.failed(
                        "log",
                        Text("rests on another checkpoint than the one here", "所依据的检查点不是此处的检查点"),
                        receipt_of(signed.file),
                    )
                elif proof is not None:
                    indexes.append(proof.index)
                    self._remember(signed, judgement)
            self._order(indexes)

    def single_statement(self, signed: Signed) -> None:
        """One statement by its own receipt."""
        path = receipt_of(signed.file)
        if not self._is_trusted and not os.path.lexists(self._root / path):
            self._steps.not_checked(
                "log", Text("no log: neither a receipt nor a log key is given", "无日志：未提供回执或日志公钥")
            )
            return
        proof = self._proof(signed)
        if proof is not None:
            with self._steps.noting("log", path), log_errors():
                self._remember(signed, self._checkpoint(proof.note, path))

    def receipt_elsewhere(self, receipt: str, file: str) -> None:
        """A receipt that the evidence itself holds must be of the log that is trusted, if any is.

        Where no log is trusted it may be of any: anybody can keep one.
        """
        if not self._is_trusted:
            return
        with self._steps.noting("log", file), log_errors():
            note = TlogProof.parse(receipt.encode(), file).note
            if not self._is_by_trusted_log(note, file):
                raise EvidenceError(Text("has a receipt of another log", "所含回执出自另一日志"), file)

    @property
    def _is_trusted(self) -> bool:
        return self._log_key is not None or (self._policy is not None and bool(self._policy.logs))

    def _remember(self, signed: Signed, judgement: Judgement | None) -> None:
        if judgement is not None:
            self._seen[signed.file] = judgement

    def _order(self, indexes: list[int]) -> None:
        """Of plan, assessment and decision, in the order in which they must have been made."""
        if indexes != sorted(set(indexes)):
            self._steps.failed(
                "order",
                Text(
                    "plan, assessment and decision are not in the log in this order",
                    "计划、测评、决定在日志中的顺序不对",
                ),
                RECEIPTS,
            )
        elif len(indexes) == 3 and self._is_trusted:  # an order that nobody signed proves nothing
            self._steps.ok(
                "order", Text("plan, assessment and decision were logged in this order", "计划、测评、决定依次入日志")
            )

    def _proof(self, signed: Signed) -> TlogProof | None:
        """The receipt of a statement, once it leads from the statement itself to its own checkpoint."""
        path = receipt_of(signed.file)
        self._steps.covered.add(path)
        with self._steps.noting("log", path), log_errors():
            proof = TlogProof.parse(read_regular(self._root / path, path, largest=LARGEST_PROOF), path)
            if proof.extra is not None:
                raise EvidenceError(Text("carries data that nothing vouches for", "附带无从证实的数据"), path)
            leaf = leaf_of(Envelope.from_bytes(signed.data, signed.file), signed.party.statement_key(), signed.file)
            if not proof.holds(leaf):
                raise EvidenceError(
                    Text(
                        f"does not lead from {signed.file} to the root of its checkpoint",
                        f"不能由 {signed.file} 导出其检查点的根",
                    ),
                    path,
                )
            self._steps.ok(
                "log",
                Text(f"{signed.file} is entry {proof.index}", f"{signed.file} 为第 {proof.index} 条记录"),
                path,
            )
            return proof
        return None

    def _checkpoint(self, note: Note, file: str) -> Judgement | None:
        """Whether a trusted log signed the checkpoint, and what the policy makes of its witnesses."""
        checkpoint = Checkpoint.of(note, file)
        judgement = None if self._policy is None else self._policy.judge(note, file)
        if not self._is_trusted:
            self._steps.not_checked(
                "log",
                Text(
                    "whether the log signed this checkpoint: no log key given", "检查点是否由日志签名：未提供日志公钥"
                ),
                file,
            )
        elif not self._is_by_trusted_log(note, file):
            self._steps.failed(
                "log",
                Text("is not signed by the given log key, or was changed", "不是由所给日志密钥签名，或已被改动"),
                file,
            )
            return None
        else:
            self._steps.ok(
                "log",
                Text(
                    f"is signed by the log {checkpoint.origin}, {checkpoint.size} entries",
                    f"由日志 {checkpoint.origin} 签名，共 {checkpoint.size} 条记录",
                ),
                file,
            )
        if judgement is not None:
            self._witnesses(judgement, file)
        return judgement

    def _is_by_trusted_log(self, note: Note, file: str) -> bool:
        """Whether the log's key signed it, where one was given, and a log of the policy, where that names any."""
        if self._log_key is not None:
            origin = Checkpoint.of(note, file).origin
            if not note.signed_by(VerifierKey.of(origin, self._log_key)):
                return False
        if self._policy is not None and self._policy.logs:
            return self._policy.judge(note, file).log is not None
        return True

    def _witnesses(self, judgement: Judgement, file: str) -> None:
        """Say who cosigned. Nobody is no fault unless the policy asks for somebody; it only proves nothing."""
        count, names = len(judgement.cosigned), ", ".join(judgement.cosigned)
        if judgement.own:
            own = ", ".join(judgement.own)
            self._steps.not_checked(
                "own-witness",
                Text(
                    f"cosigned by the log's own operator, which counts for nothing: {own}",
                    f"日志运营方自身的联署不计：{own}",
                ),
                file,
            )
        if not judgement.quorum:
            self._steps.unmet(
                "witness",
                Text(
                    f"{count} independent witnesses, fewer than the log policy asks for",
                    f"{count} 个独立见证，少于日志策略的要求",
                ),
                file,
            )
        elif count:
            self._steps.ok(
                "witness",
                Text(f"independent witnesses that cosigned ({count}): {names}", f"{count} 个独立见证已联署：{names}"),
                file,
            )
