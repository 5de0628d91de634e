"""The part of verification that opens the evidence: is it whole, and does the signed assessment follow from it?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from touchstone.canonical import Digest
from touchstone.evidence.audits import audits_again
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.layout import EVIDENCE_FOLDER, Role, StatementName
from touchstone.evidence.plan_again import departures
from touchstone.evidence.plan_lock import LOCK, PlanLock
from touchstone.evidence.projections import projections_again
from touchstone.evidence.rederive import judged_again, registers_end, seeds_again
from touchstone.evidence.statement import AssessmentPredicate, Seeds, assessment_statement
from touchstone.evidence.verification import Signed, Steps
from touchstone.evidence.verify_log import LogExamination
from touchstone.records import Assessment
from touchstone.text import Text


class EvidenceExamination:
    """Opens every form in which the evidence lies under one folder, and derives again what was signed."""

    def __init__(self, root: Path, steps: Steps) -> None:
        self._root = root
        self._steps = steps
        self._bundles: list[Bundle] = []
        self.system: Digest | None = None
        """The system that the signed assessment is about, once that is known."""

    def open(self, names: Sequence[str]) -> Bundle | None:
        """Check every form in which the evidence is there; it is only used when nothing is wrong with any."""
        if not names:
            self._steps.failed("evidence", Text("is missing", "缺失"), EVIDENCE_FOLDER)
        for name in names:
            with self._steps.noting("evidence", name):
                bundle = Bundle.open(self._root / name, name)
                self._bundles.append(bundle)
                problems = bundle.check()
                for problem in problems:
                    self._steps.failed("evidence", problem.text, problem.file, names=problem.names)
                if not problems:
                    self._intact(bundle, name)
        damaged = any(step.status == "failed" for step in self._steps.taken)
        return None if damaged else self._bundles[0]

    def assessment(self, signed: Signed, bundle: Bundle | None) -> Assessment | None:
        """The signed assessment, once it is known to be about this evidence."""
        with self._steps.noting("binding", signed.file):
            predicate = AssessmentPredicate.from_json(signed.statement.predicate, signed.file)
            assessment = predicate.assessment
            rebuilt = assessment_statement(
                assessment,
                evidence=predicate.evidence,
                reproducible=predicate.reproducible,
                seeds=predicate.seeds,
            )
            signed.require(
                rebuilt == signed.statement,
                Text("names another subject than its assessment", "声明对象与其测评结论不一致"),
            )
            self.system = assessment.system.digest
            self._manifests(predicate, signed.file)
            if bundle is None:
                self._steps.not_checked(
                    "binding",
                    Text("whether it rests on this evidence: that is not intact", "是否依据该证据：证据不完好"),
                    signed.file,
                )
                return assessment
            signed.require(
                predicate.reproducible == bundle.manifest.reproducible,
                Text("states another reproducible part than the evidence", "所称可复现部分与证据不符"),
            )
            for role, expected in (
                (Role.PROFILE, assessment.profile.digest),
                (Role.PLAN, assessment.plan),
                (Role.ASSESSMENT, assessment.own_digest()),
            ):
                signed.require(
                    bundle.only(role).digest == expected,
                    Text(f"names another {role} than the one in the evidence", f"所指 {role} 与证据中的不同"),
                )
            self._steps.ok(
                "binding", Text("rests on this evidence, plan and profile", "依据该证据、计划与档案"), signed.file
            )
            self._seeds(signed, predicate.seeds, bundle)
            return assessment
        return None

    def judgement(self, bundle: Bundle | None, assessment: Assessment | None) -> None:
        """Whether the plan asks for what the profile asks, and the verdict follows from what was observed under it."""
        if bundle is None or assessment is None:
            self._steps.not_checked(
                "judgement",
                Text("not judged again: evidence or assessment is not intact", "未重新判定：证据或测评结论不完好"),
            )
            return
        with self._steps.noting("judgement", StatementName.ASSESSMENT.file):
            problems = tuple(departures(bundle))
            for problem in problems:
                self._steps.failed("judgement", problem.text, f"{EVIDENCE_FOLDER}/{problem.file}", names=problem.names)
            if problems:
                return
            if judged_again(bundle) == assessment:
                self._steps.ok(
                    "judgement",
                    Text("the same verdict follows from the recorded observations", "由所记录的观测可得相同结论"),
                )
                self._registers(bundle)
            else:
                self._steps.failed(
                    "judgement",
                    Text("does not follow from the recorded observations", "不能由所记录的观测得出"),
                    StatementName.ASSESSMENT.file,
                )

    def _registers(self, bundle: Bundle) -> None:
        """Nobody can verify what came after the records of operation end: a reader has to know the day."""
        end = registers_end(bundle)
        if end is not None:
            self._steps.not_checked(
                "registers",
                Text(
                    f"what happened after {end}: the registers end on that day and were judged as on it",
                    f"{end} 之后的情况：登记记录止于该日，并按该日判定",
                ),
            )

    def lock(
        self,
        bundle: Bundle | None,
        log: LogExamination,
        plan: Signed | None,
        assessed: Signed | None,
        decided: Signed | None,
    ) -> None:
        """Whether the plan, the roles and the log that the evidence records are those of the statements here."""
        if bundle is None or not bundle.with_role(Role.LOCK):
            return
        with self._steps.noting("binding", EVIDENCE_FOLDER):
            lock = PlanLock.from_bytes(bundle.read_role(Role.LOCK), LOCK)
            if plan is not None:
                plan.require(
                    plan.data == lock.signed_plan.encode() and plan.party.statement_key().pem.decode() == lock.tester,
                    Text("is not the signed plan that the evidence holds", "不是证据所含的已签名方案"),
                )
            if assessed is not None:
                assessed.require(
                    assessed.party.statement_key().pem.decode() == lock.tester,
                    Text("is signed by another key than the evidence says has tested", "签署者不是证据所述的测试者"),
                )
            if lock.receipt is not None:
                log.receipt_elsewhere(lock.receipt, f"{EVIDENCE_FOLDER}/{LOCK}")
            if decided is not None:
                decided.require(
                    decided.party.statement_key().pem.decode() == lock.decider,
                    Text("is signed by another key than the evidence says will decide", "签署者不是证据所述的决定者"),
                )

    def audits(self, bundle: Bundle | None) -> None:
        """Whether what the laboratory says of its own run follows from what the evidence holds."""
        if bundle is None:
            return
        with self._steps.noting("audit", EVIDENCE_FOLDER):
            for each in audits_again(bundle):
                if each.follows is None:
                    text = Text(
                        f"audit {each.check} is not installed here in this version",
                        f"审查 {each.check} 的该版本未在此安装",
                    )
                    self._steps.not_checked("audit", text)
                elif each.follows:
                    text = Text(f"audit {each.check} follows from the evidence", f"审查 {each.check} 可由证据得出")
                    self._steps.ok("audit", text)
                else:
                    self._steps.failed(
                        "audit",
                        Text(
                            f"audit {each.check} does not follow from what the evidence holds",
                            f"审查 {each.check} 不能由证据内容得出",
                        ),
                        f"{EVIDENCE_FOLDER}/{each.entry}",
                        names=(each.entry,),
                    )

    def projections(self, bundle: Bundle | None) -> None:
        """Documents in other formats must say what the records say."""
        if bundle is None or not bundle.with_role(Role.PROJECTION):
            return
        with self._steps.noting("projections", EVIDENCE_FOLDER):
            problems = projections_again(bundle)
            for problem in problems:
                self._steps.failed("projections", problem.text, problem.file, names=problem.names)
            if not problems:
                self._steps.ok(
                    "projections",
                    Text("the documents in other formats follow from the records", "其他格式的文档可由记录推出"),
                )

    def _intact(self, bundle: Bundle, name: str) -> None:
        count, withheld = len(bundle.entries), bundle.withheld
        if not withheld:
            self._steps.ok("evidence", Text(f"all {count} entries are intact", f"全部 {count} 个条目完好"), name)
            return
        here = count - len(withheld)
        self._steps.ok(
            "evidence", Text(f"{here} of {count} entries are intact", f"{count} 个条目中的 {here} 个完好"), name
        )
        names = ", ".join(entry.name for entry in withheld)
        self._steps.not_checked(
            "disclosure",
            Text(
                f"openly withheld, as the signed manifest allows: {names}",
                f"已声明不予披露（所签名清单允许）：{names}",
            ),
            name,
        )

    def _manifests(self, predicate: AssessmentPredicate, signed_file: str) -> None:
        """Every bundle here, intact or not, must have the manifest that was signed."""
        for bundle in self._bundles:
            if bundle.manifest_digest != predicate.evidence:
                self._steps.failed(
                    "evidence",
                    Text(f"is not the manifest that {signed_file} names", f"不是 {signed_file} 所指的清单"),
                    bundle.manifest_file,
                )

    def _seeds(self, signed: Signed, seeds: Seeds, bundle: Bundle) -> None:
        """Whether the randomness of the tests was what it is said to be."""
        signed.require(
            seeds_again(bundle, seeds),
            Text("states seeds that the tests did not use", "所称随机种子与测试实际使用的不符"),
        )
        if seeds.nonce is None:
            self._steps.ok(
                "seeds",
                Text(
                    "every seed follows from the system; no third party gave a nonce",
                    "全部随机种子由系统导出；没有第三方给出随机数",
                ),
                signed.file,
            )
        else:
            self._steps.ok(
                "seeds",
                Text(
                    f"every seed follows from the plan and the nonce {seeds.nonce!r}: ask {seeds.nonce_from} about it",
                    f"全部随机种子由计划与随机数 {seeds.nonce!r} 导出：请向 {seeds.nonce_from} 核实",
                ),
                signed.file,
            )
