"""Records of one assessment in which every kind of verdict occurs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from touchstone.assessment.conclusion import Circumstances, assessment_of, described
from touchstone.assessment.seeds import seed_of
from touchstone.canonical import canonical_json, digest_of
from touchstone.evidence.bundle import BundleWriter
from touchstone.evidence.layout import Role
from touchstone.evidence.projections import Source, media_type, project_all
from touchstone.records import (
    Access,
    Assessment,
    Basis,
    CheckCard,
    CheckIdentity,
    ControlRun,
    Execution,
    Exhibit,
    Isolation,
    Limit,
    Metric,
    Note,
    Observation,
    Plan,
    PlanItem,
    Profile,
    Requirement,
)
from touchstone.scan.findings import FileResult, Gap, Rule
from touchstone.scan.findings import Finding as ScanFinding
from touchstone.scan.plain import plain
from touchstone.standard.comparing import stopping_limits
from touchstone.system.description import SystemDescription
from touchstone.system.subject import FileRecord, description_json, system_digest
from touchstone.text import Text

JSON = "application/json"

SCAN = CheckIdentity(id="model.format_scan", version="1")
PERFORMANCE = CheckIdentity(id="model.performance", version="2")
ADVERSARIAL = CheckIdentity(id="robust.adversarial", version="1")

DESCRIPTION = SystemDescription.model_validate(
    {
        "schema": "touchstone.system/v1",
        "system": {
            "name": "pump-watch",
            "version": "3.2.1",
            "supplier": {"name": "Example Works\nGmbH", "country": "DE"},
            "intended_use": "Warns of failing pumps.",
            "sector": "manufacturing",
            "synthetic": True,
        },
        "facts": {"data.personal": False},
        "model": {
            "format": "onnx",
            "access": "artefact",
            "file": "model/m.onnx",
            "more_files": ["model/pre processing.pkl", "model/bundle.zip"],
            "input": {"kind": "tabular", "columns": ["flow", "heat"], "low": 0.5, "high": 1.25},
            "output": {"kind": "labels", "labels": ["healthy", "failing"]},
            "claims": {"accuracy": 0.97},
        },
        "data": {
            "train": {"path": "data/train", "format": "image-folder", "origin": "generated", "synthetic": True},
            "test": {"path": "data/test.csv", "format": "csv", "origin": "generated", "sensitive": ["site"]},
        },
        "components": [
            {"name": "NumPy", "kind": "library", "version": "2.4", "supplier": "NumPy developers", "licence": "BSD"},
            {"name": "chip", "kind": "chip", "origin": "US", "substitutes": ["other chip"]},
            {"name": "cloud", "kind": "service", "version": "7", "supplier": "Example Cloud"},
        ],
    }
)

FILES = tuple(
    FileRecord(path=path, size=len(path), digest=digest_of(path.encode()), format=form)
    for path, form in [
        ("data/test.csv", "csv"),
        ("data/train/a.png", "png"),
        ("data/train/b.png", "png"),
        ("model/bundle.zip", "zip"),
        ("model/m.onnx", "onnx"),
        ("model/pre processing.pkl", "pickle"),
    ]
)

SYSTEM = system_digest(DESCRIPTION, FILES)


def requirement(control: str, check: str | None, metric: str, limit: str, **more: Any) -> Requirement:
    """A control with one limit on one metric of one check."""
    fields: dict[str, Any] = {
        "control": control,
        "head": control[:2],
        "title": Text(f"Title of {control}", f"{control} 的标题"),
        "what": Text(f"What {control} demands.", f"{control} 的要求。"),
        "severity": "high",
        "gate": False,
        "required": True,
        "min_level": "AL1",
        "automation": "full",
        "applies_when": "true",
        "checks": () if check is None else (check,),
        "evidence": ("policy",) if check is None else (),
        "limits": (Limit(metric=metric, op=">=", value=limit, unit="share", bound="lower", basis=Basis(kind="pilot")),),
    }
    return Requirement(**(fields | more))


NO_CODE = Limit(
    metric="executable_constructs",
    op="<=",
    value="0",
    unit="count",
    bound="exact",
    basis=Basis(kind="guidance", ref="aisvs"),
)

PROFILE = Profile(
    id="pumps",
    edition="2026.1",
    catalog="test",
    title=Text("Pumps", "水泵"),
    scope=Text("pumps only", "仅限水泵"),
    level="AL1",
    certificate_months=12,
    assumed_facts={},
    requirements=(
        requirement("MI-01", SCAN.id, "", "0", limits=(NO_CODE,), severity="critical", gate=True),
        requirement("EV-01", PERFORMANCE.id, "accuracy", "0.9"),
        requirement("EV-02", PERFORMANCE.id, "sensitivity", "0.9", checks=(PERFORMANCE.id, "performance.none")),
        requirement("SR-01", ADVERSARIAL.id, "robust_accuracy", "0.5"),
        requirement("GA-01", None, "nothing", "1"),
        requirement("DS-08", "privacy.none", "leak", "1", applies_when="data.personal"),
    ),
    heads={head: Text(head, head) for head in ("MI", "EV", "SR", "GA", "DS")},
    references={"aisvs": Text("OWASP AISVS", "OWASP AISVS")},
)


def seed(identity: CheckIdentity) -> str:
    """The seed that follows from the system."""
    return seed_of(SYSTEM, identity.id, identity.version)


CARDS = {
    identity.id: CheckCard(
        id=identity.id,
        version=identity.version,
        title=Text(f"Card of {identity.id}", f"{identity.id} 的说明"),
        measures=Text("Measures.", "测量。"),
        cannot_tell=Text("Cannot tell.", "无法判断。"),
        remedy=Text("Do better.", "请改进。"),
        threats=("AML.T0011.000", "CWE-502", "X-1"),
        source="source",
        metrics={name: Text(name, name) for name in metrics},
    )
    for identity, metrics in (
        (SCAN, ("executable_constructs",)),
        (PERFORMANCE, ("accuracy", "sensitivity")),
        (ADVERSARIAL, ("robust_accuracy",)),
    )
}


def item(identity: CheckIdentity, *controls: str) -> PlanItem:
    """A check that runs, with the limits that its controls set."""
    demanding = [requirement for requirement in PROFILE.requirements if requirement.control in controls]
    limits = stopping_limits(demanding, CARDS[identity.id].metrics)
    return PlanItem(check=identity, controls=controls, runs=True, seed=seed(identity), limits=limits)


PLAN = Plan(
    system=SYSTEM,
    profile=PROFILE.own_digest(),
    profile_id=PROFILE.id,
    edition=PROFILE.edition,
    budget="quick",
    items=(
        item(SCAN, "MI-01"),
        item(PERFORMANCE, "EV-01", "EV-02"),
        PlanItem(
            check=CheckIdentity(id="performance.none", version="0"),
            controls=("EV-02",),
            runs=False,
            reason=Note(code="not-needed", text=Text("nothing personal", "无个人数据")),
            seed="03",
        ),
        item(ADVERSARIAL, "SR-01"),
    ),
    tool="touchstone 0.1.0",
)

CIRCUMSTANCES = Circumstances(
    **described(DESCRIPTION, SYSTEM), environment={"python": "3.11", "operating-system": "Linux"}
)

RUNS_CODE = Rule(
    id="pickle/dangerous-call",
    severity="critical",
    nature="threat",
    title=Text("runs this when the file is loaded", "加载文件时会执行该调用"),
    remedy=Text("Do not load it.", "请勿加载。"),
    references=("CWE-502",),
)


def scan_findings() -> dict[str, Any]:
    """What the format scan writes: a clean file, a pickle that runs code, an archive that hides one."""

    def file(path: str, *findings: ScanFinding, gaps: tuple[Gap, ...] = ()) -> dict[str, Any]:
        record = next(record for record in FILES if record.path == path)
        digest = record.digest.removeprefix("sha256:")
        scanned = FileResult(path, record.size, digest, record.format, bool(findings), findings=findings, gaps=gaps)
        found: dict[str, Any] = plain(scanned)
        return found

    def finding(where: str, offset: int) -> ScanFinding:
        return ScanFinding(
            where=where,
            offset=offset,
            rule=RUNS_CODE.id,
            severity="critical",
            nature="threat",
            shown="os.system('[click](http://x.example) {0}')",
            what=RUNS_CODE.title,
            length=1,
        )

    return {
        "schema": "touchstone.format-scan/v2",
        "symbols_sha256": "0" * 64,
        "rules": [plain(RUNS_CODE)],
        "files": [
            file("model/m.onnx"),
            file("model/pre processing.pkl", finding("model/pre processing.pkl", 7)),
            file(
                "model/bundle.zip",
                finding("model/bundle.zip!inner.pkl", 3),
                gaps=(Gap("model/bundle.zip", "damaged", Text("strange", "异常")),),
            ),
        ],
    }


def observation(identity: CheckIdentity, *metrics: Metric, **more: Any) -> Observation:
    """What one check saw."""
    fields: dict[str, Any] = {"status": "measured", "seed": seed(identity), "parameters": {}} | more
    return Observation(check=identity, system=SYSTEM, access=Access.ARTEFACT, metrics=metrics, **fields)


def execution(
    identity: CheckIdentity, started: str = "2026-11-23T10:00:00.250+02:00", wall_ms: int = 1500
) -> Execution:
    """When it saw it."""
    return Execution(
        check=identity,
        started=started,
        wall_ms=wall_ms,
        cpu_ms=1,
        peak_memory_bytes=1,
        isolation=Isolation(
            process="separate",
            network="none",
            network_by="seccomp",
            new_programs="denied",
            memory_bytes=None,
            cpu_seconds=None,
            wall_seconds=None,
        ),
    )


def share(name: str, value: str, low: str, high: str) -> Metric:
    """A share with its bounds."""
    return Metric(id=name, unit="share", value=value, low=low, high=high, n=1000, better="higher", method="wilson")


def source(
    *,
    findings: bytes | None = None,
    executions: Mapping[str, Execution] | None = None,
    constructs: str = "2",
) -> Source:
    """All records; `findings` is what the format scan wrote."""
    written = canonical_json(scan_findings()) if findings is None else findings
    exhibit = Exhibit(name="findings.json", media_type=JSON, digest=digest_of(written), size=len(written))
    observations = [
        observation(
            SCAN,
            Metric(id="executable_constructs", unit="count", value=constructs, n=3, better="lower"),
            exhibits=(exhibit,),
            controls=(
                ControlRun(kind="planted", expected=Text("found", "发现"), seen=Text("found", "发现"), passed=True),
            ),
        ),
        observation(
            PERFORMANCE, share("accuracy", "0.95", "0.94", "0.96"), share("sensitivity", "0.9", "0.85", "0.93")
        ),
        observation(ADVERSARIAL, status="error", error=Note(code="crashed", text=Text("fell over", "崩溃"))),
    ]
    return Source(
        description=DESCRIPTION,
        files=FILES,
        profile=PROFILE,
        plan=PLAN,
        circumstances=CIRCUMSTANCES,
        cards=CARDS,
        observations={each.check.id: each for each in observations},
        executions={each.id: execution(each) for each in (SCAN, PERFORMANCE, ADVERSARIAL)}
        if executions is None
        else executions,
        assessment=assessment_of(CIRCUMSTANCES, PROFILE, PLAN, observations, CARDS),
        exhibit=lambda wanted: {exhibit.digest: written}[wanted.digest],
    )


def write_bundle(folder: Path, records: Source, projections: Mapping[str, bytes] | None = None) -> None:
    """A bundle of these records, with the projections that follow from them unless others are given."""
    files = [
        {"path": file.path, "size": file.size, "digest": file.digest, "format": file.format} for file in records.files
    ]
    with BundleWriter(folder) as bundle:
        bundle.add("system.json", JSON, canonical_json(description_json(records.description)), role=Role.DESCRIPTION)
        bundle.add("files.json", JSON, canonical_json(files), role=Role.FILES)
        bundle.add("profile.json", JSON, records.profile.to_bytes(), role=Role.PROFILE)
        bundle.add("plan.json", JSON, records.plan.to_bytes(), role=Role.PLAN)
        bundle.add("circumstances.json", JSON, records.circumstances.to_bytes(), role=Role.CIRCUMSTANCES)
        cards = [card.to_json() for card in records.cards.values()]
        bundle.add("checks.json", JSON, canonical_json(cards), role=Role.CHECKS)
        bundle.add("assessment.json", JSON, records.assessment.to_bytes(), role=Role.ASSESSMENT)
        for check, made in records.observations.items():
            bundle.add(f"observations/{check}.json", JSON, made.to_bytes(), role=Role.OBSERVATION)
            for exhibit in made.exhibits:
                content = records.exhibit(exhibit)
                bundle.add(f"exhibits/{check}/{exhibit.name}", JSON, content, role=Role.EXHIBIT)
        for check, run in records.executions.items():
            bundle.add(f"executions/{check}.json", JSON, run.to_bytes(), role=Role.EXECUTION, volatile=True)
        for name, content in (project_all(records) if projections is None else projections).items():
            bundle.add(name, media_type(name), content, role=Role.PROJECTION, volatile=True)


def verdicts(assessment: Assessment) -> dict[str, str]:
    """Verdict by control."""
    return {finding.control: str(finding.verdict) for finding in assessment.findings}
