"""What a verification found: one step after the other, what it proves, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from touchstone.canonical import Digest
from touchstone.errors import EvidenceError, UserError
from touchstone.evidence.statement import Statement
from touchstone.evidence.trust import Party
from touchstone.records import Record
from touchstone.text import Text

Status = Literal["ok", "failed", "not-checked", "stale", "unmet"]
"""`stale`: true when it was said, but too long ago. `unmet`: true, but not what the relying party asks for."""
Kind = Literal["certificate", "refusal", "assessment", "plan", "evidence"]


class Step(Record):
    """One thing that was looked at. A failed step names the file that is wrong."""

    id: str
    status: Status
    text: Text
    file: str | None = None
    names: tuple[str, ...] = ()
    """Names of the evidence entries that rest on the file, when it is a blob."""
    remedy: Text | None = None


class Verification(Record):
    """The result of `verify`."""

    kind: Kind
    title: Text
    steps: tuple[Step, ...]
    uncovered: tuple[str, ...]
    """Files that no signature covers: whatever they say was not verified."""
    keys: tuple[Digest, ...]
    """Keys that were trusted to sign statements."""
    log_key: Digest | None
    witnesses: int
    """Independent witnesses that cosigned the log's checkpoint."""
    policy: str | None = None
    """Name of the relying party's policy that was applied."""

    @property
    def ok(self) -> bool:
        """Whether a signature was checked, nothing failed, and nothing is stale or less than was asked for."""
        return self.exit_code == 0

    @property
    def sound(self) -> bool:
        """Whether a signature was checked and nothing is false, be it fresh and sufficient or not."""
        return self.passed("signature") and not self._any("failed")

    @property
    def exit_code(self) -> int:
        """0 good, 1 something is false, 3 good but stale, 4 good but not what the policy asks for."""
        if not self.sound:
            return 1
        if self._any("unmet"):
            return 4
        return 3 if self._any("stale") else 0

    def _any(self, status: Status) -> bool:
        return any(step.status == status for step in self.steps)

    def passed(self, step_id: str) -> bool:
        """Whether steps of this kind were made and none of them failed or was left out."""
        statuses = {step.status for step in self.steps if step.id == step_id}
        return statuses == {"ok"}

    @property
    def proves(self) -> tuple[Text, ...]:
        """What follows from the steps that passed; nothing when one failed."""
        if not self.sound:
            return ()
        return tuple(text for step_id, text in _PROVES.items() if self.passed(step_id))

    @property
    def does_not_prove(self) -> tuple[Text, ...]:
        """What no verification of these files can show, and what this one was not asked to."""
        return (*(text for step_id, text in _PROVES_IF_ASKED.items() if not self.passed(step_id)), *_NEVER_PROVES)

    def to_json(self) -> dict[str, Any]:
        conclusions = {
            "ok": self.ok,
            "exit_code": self.exit_code,
            "proves": [{"en": text.en, "zh": text.zh} for text in self.proves],
            "does_not_prove": [{"en": text.en, "zh": text.zh} for text in self.does_not_prove],
        }
        return super().to_json() | conclusions


NO_WITNESS = Text("that the log shows everybody the same: 0 independent witnesses", "日志对所有人一致：独立见证为 0")
"""Shown in red: without witnesses a log can tell everybody another story."""

_PROVES = {
    "signature": Text(
        "the holder of the given key signed these statements, and they were not changed since",
        "这些声明由所给密钥的持有者签名，且此后未被改动",
    ),
    "evidence": Text(
        "the evidence is, byte for byte, what the signed assessment rests on", "证据与签名测评结论所依据的逐字节一致"
    ),
    "judgement": Text(
        "the verdict follows from the recorded observations and the profile", "结论可由所记录的观测与标准档案推出"
    ),
    "audit": Text(
        "what the laboratory says of its own run (plan before results, intervals, repetitions, evidence) follows from "
        "the evidence",
        "实验室对自身运行的说明（先有方案、区间、重复测试、证据完整）可由证据得出",
    ),
    "projections": Text(
        "the OSCAL, CycloneDX, SARIF and other documents in the evidence say nothing but what its records say",
        "证据中的 OSCAL、CycloneDX、SARIF 等文档与其记录一致，未增未减",
    ),
    "log": Text(
        "the log holds these statements and cannot take them back unnoticed", "日志已收录这些声明，不能暗中撤回"
    ),
    "witness": Text(
        "independent witnesses saw the log only grow: it shows everybody the same",
        "独立见证方确认日志只增不改，对所有人一致",
    ),
    "order": Text(
        "the plan was logged before the assessment, and that before the decision",
        "计划先于测评入日志，测评先于决定入日志",
    ),
    "time": Text(
        "an independent party saw these statements at the time that is named",
        "独立方在所示时间已见到这些声明",
    ),
    "status": Text(
        "the issuer stood by the certificate at the time of its latest snapshot",
        "截至最近的状态快照，发证方维持该证书有效",
    ),
    "plans": Text(
        "every plan that the same signer logged for this system has an assessment on the log",
        "同一签名方为本系统入日志的每个方案，日志上都有其测评结论",
    ),
    "replication": Text(
        "another laboratory that you trust repeated the tests with agreeing results",
        "您信任的另一实验室已重复测试且结果一致",
    ),
    "policy": Text("the certificate is what the given policy asks for", "证书符合所给的采信政策"),
    "system": Text("the system in the given folder is the one that was tested", "所给文件夹中的系统即受测系统"),
}

_PROVES_IF_ASKED = {
    "evidence": Text("that the evidence is intact: it was not checked here", "证据完好：此处未作检查"),
    "judgement": Text(
        "that the verdict follows from the observations: not judged again here", "结论由观测推出：此处未重新判定"
    ),
    "log": Text("that the statements are in the log: not checked here", "声明已入日志：此处未作检查"),
    "witness": NO_WITNESS,
    "status": Text(
        "that a certificate was not withdrawn since: give the issuer's snapshot with --status",
        "证书此后未被撤销：请用 --status 提供发证方的状态快照",
    ),
    "plans": Text(
        "that no other plan for this system was left unreported: a copy of the log shows it, give it with --log-folder",
        "针对本系统没有未报告的其他方案：日志副本可以说明，请用 --log-folder 提供",
    ),
    "time": Text("when the statements were made: no independent time", "声明作出的时间：没有独立的时间证明"),
    "system": Text(
        "that a system you have is the one that was tested: compare it with --system",
        "您手中的系统即受测系统：请用 --system 比对",
    ),
}

_NEVER_PROVES = (
    Text(
        "that the tests were well chosen or honestly run: run them again to know",
        "测试选择得当、执行诚实：只有重新测试才能确认",
    ),
    Text("who holds the key: ask the tester for it by another way", "密钥持有者的身份：请通过其他途径向测评方核实"),
    Text("that the system is secure or complies with any law", "系统安全或符合任何法律"),
)


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement whose signature is good, and its file."""

    file: str
    data: bytes
    statement: Statement
    party: Party
    """Who signed, in the role in which such statements are signed."""

    def require(self, condition: bool, otherwise: Text) -> None:
        """Raise `EvidenceError` about this file unless the condition holds."""
        if not condition:
            raise EvidenceError(otherwise, self.file)


class Steps:
    """Collects the steps of one verification, and the files they speak about."""

    def __init__(self) -> None:
        self.taken: list[Step] = []
        self.covered: set[str] = set()
        """Files whose every byte was looked at, by path under the folder."""

    def ok(self, step: str, text: Text, file: str | None = None) -> None:
        """Note that something holds."""
        self.taken.append(Step(id=step, status="ok", text=text, file=file))

    def not_checked(self, step: str, text: Text, file: str | None = None) -> None:
        """Note that something could not be looked at, and why."""
        self.taken.append(Step(id=step, status="not-checked", text=text, file=file))

    def stale(self, step: str, text: Text, file: str | None = None) -> None:
        """Note that something held too long ago to say anything about the moment asked for."""
        self.taken.append(Step(id=step, status="stale", text=text, file=file))

    def unmet(self, step: str, text: Text, file: str | None = None) -> None:
        """Note that something is less than the relying party asks for."""
        self.taken.append(Step(id=step, status="unmet", text=text, file=file))

    def failed(
        self, step: str, text: Text, file: str, *, names: tuple[str, ...] = (), remedy: Text | None = None
    ) -> None:
        """Note what is wrong with which file."""
        self.taken.append(Step(id=step, status="failed", text=text, file=file, names=names, remedy=remedy))

    @contextmanager
    def noting(self, step: str, file: str) -> Iterator[None]:
        """Turn an error of the files into a failed step; what the caller would have returned stays `None`."""
        try:
            yield
        except UserError as error:
            self.failed(step, error.what, error.where or file, remedy=error.remedy)
