"""A small, complete output folder, made the way the pipeline makes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from touchstone.assessment.conclusion import Circumstances, assessment_of, described
from touchstone.assessment.seeds import seed_of
from touchstone.canonical import canonical_json, digest_of
from touchstone.evidence.bundle import Bundle, BundleWriter, pack
from touchstone.evidence.certificate import decide
from touchstone.evidence.envelope import Envelope, sign
from touchstone.evidence.layout import ASSESSMENT, CHECKPOINT, EVIDENCE_FOLDER, EVIDENCE_ZIP, Role, StatementName
from touchstone.evidence.leaf import leaf_of
from touchstone.evidence.statement import Statement, assessment_statement, plan_statement
from touchstone.records import (
    Access,
    Assessment,
    Basis,
    CheckCard,
    CheckIdentity,
    Limit,
    Metric,
    Observation,
    Plan,
    PlanItem,
    Profile,
    Requirement,
)
from touchstone.signatures.keys import (
    LogSigningKey,
    LogVerifyingKey,
    SigningKey,
    VerifyingKey,
    generate,
    generate_log_key,
    load_log_signing_key,
    load_signing_key,
)
from touchstone.standard.comparing import stopping_limits
from touchstone.system.description import SystemDescription
from touchstone.system.subject import description_json, system_digest
from touchstone.text import Text
from touchstone.tlog.log import Log

JSON = "application/json"
ISSUED = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DESCRIPTION = SystemDescription.model_validate(
    {
        "schema": "touchstone.system/v1",
        "system": {
            "name": "risk-model",
            "version": "1.0",
            "supplier": {"name": "Example"},
            "intended_use": "Tells risks apart.",
            "sector": "other",
            "synthetic": True,
        },
        "model": {
            "format": "onnx",
            "access": "artefact",
            "file": "model.onnx",
            "input": {"kind": "tabular", "columns": ["a", "b"]},
            "output": {"kind": "labels", "labels": ["low", "high"]},
        },
        "data": {"test": {"path": "test.csv", "format": "csv", "origin": "generated", "synthetic": True}},
    }
)
SYSTEM = system_digest(DESCRIPTION, ())
CHECK = CheckIdentity(id="evaluation.accuracy", version="1")
SEED = seed_of(SYSTEM, CHECK.id, CHECK.version)

CARD = CheckCard(
    id=CHECK.id,
    version=CHECK.version,
    title=Text("Accuracy", "准确率"),
    measures=Text("how often the answer is right", "答案正确的频率"),
    cannot_tell=Text("why it is wrong", "错误的原因"),
    remedy=Text("train better", "改进训练"),
    threats=(),
    source="counting",
    metrics={"accuracy": Text("right answers", "正确答案占比")},
)
"""Of a check that is installed nowhere."""
CARDS = canonical_json([CARD.to_json()])

PROFILE = Profile(
    id="test-profile",
    edition="2026-11",
    catalog="test",
    title=Text("Test profile", "测试档案"),
    scope=Text("tests", "测试"),
    level="basic",
    certificate_months=12,
    assumed_facts={},
    requirements=(
        Requirement(
            control="EV-01",
            head="EV",
            title=Text("Accuracy", "准确率"),
            what=Text("is accurate", "应准确"),
            severity="high",
            gate=True,
            required=True,
            min_level="basic",
            automation="full",
            applies_when="true",
            checks=(CHECK.id,),
            evidence=(),
            limits=(
                Limit(
                    metric="accuracy",
                    op=">=",
                    value="0.9",
                    unit="share",
                    bound="lower",
                    basis=Basis(kind="pilot", note=Text("starting value", "起始值")),
                ),
            ),
        ),
    ),
    heads={"EV": Text("Evaluation", "评测")},
    references={},
    outside_scope=("EV-99",),
)

PLAN = Plan(
    system=SYSTEM,
    profile=PROFILE.own_digest(),
    profile_id=PROFILE.id,
    edition=PROFILE.edition,
    budget="quick",
    items=(
        PlanItem(
            check=CHECK,
            controls=("EV-01",),
            runs=True,
            seed=SEED,
            limits=stopping_limits(PROFILE.requirements, CARD.metrics),
        ),
    ),
    tool="touchstone test",
)

CIRCUMSTANCES = Circumstances(
    **described(DESCRIPTION, SYSTEM),
    environment={"python": "3.11"},
    register_days={"flows": date(2026, 9, 1), "risks": date(2026, 10, 31)},
)


def observation(accuracy: str) -> Observation:
    """An accuracy with a narrow interval around it."""
    low, high = str(float(accuracy) - 0.01), str(float(accuracy) + 0.01)
    return Observation(
        check=CHECK,
        system=SYSTEM,
        parameters={},
        seed=SEED,
        access=Access.ARTEFACT,
        status="measured",
        metrics=(Metric(id="accuracy", unit="share", value=accuracy, low=low, high=high, n=1000, better="higher"),),
    )


def assessment(accuracy: str = "0.95") -> Assessment:
    """The assessment that follows from one observed accuracy; at least 0.91 passes."""
    return assessment_of(CIRCUMSTANCES, PROFILE, PLAN, [observation(accuracy)], {CARD.id: CARD})


@dataclass(frozen=True)
class Laboratory:
    """Keys and a log in one folder."""

    folder: Path
    key: SigningKey
    log_key: LogSigningKey
    log: Log

    @classmethod
    def in_folder(cls, folder: Path) -> Laboratory:
        folder.mkdir(parents=True, exist_ok=True)
        generate(folder / "lab.key", None)
        generate_log_key(folder / "log.key", None)
        log_key = load_log_signing_key(folder / "log.key", None)
        return cls(
            folder,
            load_signing_key(folder / "lab.key", None),
            log_key,
            Log.create(folder / "log", "log.example.org", log_key),
        )

    @property
    def public(self) -> VerifyingKey:
        return self.key.public

    @property
    def log_public(self) -> LogVerifyingKey:
        return self.log_key.public

    def assess(self, out: Path, *, accuracy: str = "0.95", zipped: bool = False, started: str = "now") -> Path:
        """Write a whole output folder."""
        concluded = assessment(accuracy)
        manifest = write_bundle(out / EVIDENCE_FOLDER, concluded, accuracy, started)
        if zipped:
            (out / EVIDENCE_ZIP).write_bytes(pack(out / EVIDENCE_FOLDER))
        bundle = Bundle.open(out / EVIDENCE_FOLDER)
        plan = self.issue(out, StatementName.PLAN, plan_statement(CIRCUMSTANCES.system.name, PLAN))
        assessed = self.issue(
            out,
            StatementName.ASSESSMENT,
            assessment_statement(concluded, evidence=manifest, reproducible=bundle.manifest.reproducible),
        )
        decision = decide(
            concluded,
            PROFILE,
            assessment_envelope=digest_of(assessed),
            evidence=manifest,
            holder="Example",
            issuer="Example Lab",
            issued=ISSUED,
        )
        name = StatementName.CERTIFICATE if concluded.verdict == "pass" else StatementName.REFUSAL
        decided = self.issue(out, name, decision)
        self.record(out, {StatementName.PLAN: plan, StatementName.ASSESSMENT: assessed, name: decided})
        (out / ASSESSMENT).write_bytes(concluded.to_bytes())
        (out / "report.en.html").write_text("<p>passed</p>")
        return out

    def issue(self, out: Path, name: StatementName, statement: Statement) -> bytes:
        """Sign a statement into its file."""
        data = sign(statement, self.key).to_bytes()
        (out / name.file).write_bytes(data)
        return data

    def leaf(self, envelope: bytes) -> bytes:
        """The log entry of a statement of this laboratory."""
        return leaf_of(Envelope.from_bytes(envelope, "statement"), self.public)

    def record(self, out: Path, envelopes: dict[StatementName, bytes]) -> None:
        """Log statements and write their receipts and the checkpoint."""
        for data in envelopes.values():  # each before the next exists
            self.log.append(self.leaf(data))
        for name, data in envelopes.items():
            path = out / name.receipt
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(self.log.prove(self.log.append(self.leaf(data))).to_bytes())
        (out / CHECKPOINT).write_bytes(self.log.note.to_bytes())


def write_bundle(folder: Path, concluded: Assessment, accuracy: str, started: str) -> str:
    """The bundle behind an assessment."""
    with BundleWriter(folder) as bundle:
        bundle.add("system.json", JSON, canonical_json(description_json(DESCRIPTION)), role=Role.DESCRIPTION)
        bundle.add("files.json", JSON, b"[]", role=Role.FILES)
        bundle.add("profile.json", JSON, PROFILE.to_bytes(), role=Role.PROFILE)
        bundle.add("plan.json", JSON, PLAN.to_bytes(), role=Role.PLAN)
        bundle.add("circumstances.json", JSON, CIRCUMSTANCES.to_bytes(), role=Role.CIRCUMSTANCES)
        bundle.add("checks.json", JSON, CARDS, role=Role.CHECKS)
        bundle.add("observation/accuracy.json", JSON, observation(accuracy).to_bytes(), role=Role.OBSERVATION)
        bundle.add("execution/accuracy.json", JSON, started.encode(), role=Role.EXECUTION, volatile=True)
        bundle.add("exhibits/rows.csv", "text/csv", b"li,3\n", role=Role.EXHIBIT, disclosure="restricted")
        bundle.add("assessment.json", JSON, concluded.to_bytes(), role=Role.ASSESSMENT)
    return Bundle.open(folder).manifest_digest
