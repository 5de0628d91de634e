"""The part of verification that asks the log: are these statements in it, and in the right order?"""

from __future__ import annotations

import os
from pathlib import Path

from touchstone.errors import EvidenceError
from touchstone.evidence.checkpoint import Checkpoint
from touchstone.evidence.files import read_regular
from touchstone.evidence.keys import VerifyingKey
from touchstone.evidence.layout import CHECKPOINT, RECEIPTS
from touchstone.evidence.log import Leaf, Receipt
from touchstone.evidence.note import LARGEST_NOTE, Note
from touchstone.evidence.verification import Signed, Steps
from touchstone.text import Text

_LARGEST_RECEIPT = 1024 * 1024


class LogExamination:
    """Looks at receipts and checkpoint under one folder; the log itself is not needed."""

    def __init__(self, root: Path, log_key: VerifyingKey | None, steps: Steps) -> None:
        self._root = root
        self._log_key = log_key
        self._steps = steps

    def statements(self, statements: list[Signed]) -> None:
        """All receipts rest on the one checkpoint in the folder, in the order in which the statements were made."""
        if self._log_key is None and not os.path.lexists(self._root / CHECKPOINT):
            self._steps.not_checked(
                "log", Text("no log: neither a checkpoint nor a log key is given", "无日志：未提供检查点或日志公钥")
            )
            return
        self._steps.covered.add(CHECKPOINT)
        with self._steps.noting("log", CHECKPOINT):
            data = read_regular(self._root / CHECKPOINT, CHECKPOINT, largest=LARGEST_NOTE)
            self._checkpoint(Note.parse(data, CHECKPOINT), CHECKPOINT)
            indexes = []
            for signed in statements:
                receipt = self._receipt(signed)
                if receipt is not None and receipt.checkpoint.encode() != data:
                    self._steps.failed(
                        "log",
                        Text("rests on another checkpoint than the one here", "所依据的检查点不是此处的检查点"),
                        _receipt_path(signed.file),
                    )
                elif receipt is not None:
                    indexes.append(receipt.index)
            self._order(indexes)

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
        elif len(indexes) == 3 and self._log_key is not None:  # an order that nobody signed proves nothing
            self._steps.ok(
                "order", Text("plan, assessment and decision were logged in this order", "计划、测评、决定依次入日志")
            )

    def single_statement(self, signed: Signed) -> None:
        """One statement by its own receipt."""
        path = _receipt_path(signed.file)
        if self._log_key is None and not os.path.lexists(self._root / path):
            self._steps.not_checked(
                "log", Text("no log: neither a receipt nor a log key is given", "无日志：未提供回执或日志公钥")
            )
            return
        receipt = self._receipt(signed)
        if receipt is not None:
            with self._steps.noting("log", path):
                self._checkpoint(receipt.note(path), path)

    def _receipt(self, signed: Signed) -> Receipt | None:
        """The receipt of a statement, once its proof holds against its own checkpoint."""
        path = _receipt_path(signed.file)
        self._steps.covered.add(path)
        with self._steps.noting("log", path):
            receipt = Receipt.from_bytes(read_regular(self._root / path, path, largest=_LARGEST_RECEIPT), path)
            if receipt.leaf != Leaf.of(signed.data, signed.file):
                raise EvidenceError(
                    Text(f"is the receipt of another statement than {signed.file}", f"不是 {signed.file} 的回执"), path
                )
            if not receipt.proves_inclusion(path):
                raise EvidenceError(Text("does not lead to the root of its checkpoint", "证明不能导出检查点的根"), path)
            self._steps.ok(
                "log",
                Text(f"{signed.file} is entry {receipt.index}", f"{signed.file} 为第 {receipt.index} 条记录"),
                path,
            )
            return receipt
        return None

    def _checkpoint(self, note: Note, file: str) -> None:
        checkpoint = Checkpoint.of(note, file)
        if self._log_key is None:
            self._steps.not_checked(
                "log",
                Text(
                    "whether the log signed this checkpoint: no log key given", "检查点是否由日志签名：未提供日志公钥"
                ),
                file,
            )
        elif note.signed_by(self._log_key):
            self._steps.ok(
                "log",
                Text(
                    f"is signed by the log {checkpoint.origin}, {checkpoint.size} entries",
                    f"由日志 {checkpoint.origin} 签名，共 {checkpoint.size} 条记录",
                ),
                file,
            )
        else:
            self._steps.failed(
                "log",
                Text("is not signed by the given log key, or was changed", "不是由所给日志密钥签名，或已被改动"),
                file,
            )


def _receipt_path(statement_file: str) -> str:
    return f"{RECEIPTS}/{statement_file.removesuffix('.dsse.json')}.json"
