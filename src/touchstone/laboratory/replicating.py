"""Repeat another laboratory's tests: the recorded plan, on the same system, compared number by number."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from touchstone.assessment.conclusion import assessment_of, circumstances_of
from touchstone.assessment.engine import Finished, Limits, run_in_workers
from touchstone.assessment.environment import environment, tool
from touchstone.assessment.intake import INTAKE, intake_item
from touchstone.assessment.plan import with_seeds
from touchstone.canonical import Digest, digest_of
from touchstone.checks.registry import installed_checks
from touchstone.errors import EvidenceError
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.envelope import LARGEST_ENVELOPE, Envelope, sign
from touchstone.evidence.files import read_regular, write_durably
from touchstone.evidence.layout import REPLICATIONS, StatementName
from touchstone.evidence.replication import Replication, replication_statement
from touchstone.evidence.statement import AssessmentPredicate
from touchstone.laboratory.assessing import Unwatched, Watcher
from touchstone.laboratory.recording import read_recorded
from touchstone.laboratory.rejudging import find_bundle
from touchstone.records import Observation, Plan
from touchstone.signatures.keys import SigningKey
from touchstone.system.subject import Subject
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class Replicated:
    """What came of a replication, and the file with the signed statement."""

    replication: Replication
    file: Path


def replicate(
    folder: Path,
    subject: Subject,
    key: SigningKey,
    *,
    laboratory: str,
    output: Path | None = None,
    jobs: int = 1,
    limits: Limits | None = None,
    watcher: Watcher | None = None,
) -> Replicated:
    """Run the plan in the output folder `folder` again on `subject`, and sign how the results compare.

    The statement is written to `output`, by default beside the evidence where `verify` finds it. Raises
    `EvidenceError` when the system or an installed check is not the one of the plan.
    """
    bundle = find_bundle(folder)
    recorded = read_recorded(bundle)
    envelope, nonce = _signed_assessment(folder, bundle)
    plan = recorded.plan
    if (nonce is None) != (plan.nonce_from is None):
        raise EvidenceError(Text("states a nonce that its plan does not wait for", "所称随机数与计划不符"), str(folder))
    if subject.digest != plan.system:
        raise EvidenceError(
            Text(
                f"is another system ({subject.digest}) than the one tested ({plan.system})",
                f"该系统（{subject.digest}）不是受测系统（{plan.system}）",
            ),
            subject.description.system.name,
        )
    _require_same_checks(plan)
    reviewed = recorded.circumstances  # documents are read by people: what they found is taken over
    observations = _run(with_seeds(plan, nonce), subject, jobs, limits, watcher or Unwatched())
    observations |= {  # they are about the first laboratory's run, which nobody else can make
        item.check.id: recorded.observations[item.check.id]
        for item in plan.items
        if item.audit and item.check.id in recorded.observations
    }
    assessment = assessment_of(
        circumstances_of(subject, environment(), reviewed.register_days, reviewed.reviews, reviewed.judged_on),
        recorded.profile,
        plan,
        [observation for _, observation in sorted(observations.items())],
        recorded.cards,
    )
    signed = replication_statement(
        laboratory=laboratory,
        envelope=envelope,
        evidence=bundle.manifest_digest,
        finished=datetime.now(UTC),
        tool=tool(),
        first=(recorded.assessment, recorded.observations),
        second=(assessment, observations),
    )
    file = output or folder / REPLICATIONS / f"{key.public.id.removeprefix('sha256:')[:16]}.dsse.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_durably(file, sign(signed, key).to_bytes())
    return Replicated(Replication.from_json(signed.predicate, str(file)), file)


def _signed_assessment(folder: Path, bundle: Bundle) -> tuple[Digest, str | None]:
    """Digest and nonce of the signed assessment beside the evidence, once it is known to be about this evidence."""
    path = folder / StatementName.ASSESSMENT.file
    data = read_regular(path, str(path), largest=LARGEST_ENVELOPE)
    statement = Envelope.from_bytes(data, str(path)).statement(str(path))
    predicate = AssessmentPredicate.from_json(statement.predicate, str(path))
    if predicate.evidence != bundle.manifest_digest:
        raise EvidenceError(Text("is about other evidence", "针对其他证据"), str(path))
    return digest_of(data), predicate.seeds.nonce


def _require_same_checks(plan: Plan) -> None:
    installed = installed_checks()
    for item in plan.items:
        if item.runs and (item.check.id not in installed or installed[item.check.id].version != item.check.version):
            raise EvidenceError(
                Text(
                    f"was tested with version {item.check.version} of {item.check.id}, which is not installed here",
                    f"测试所用的 {item.check.id} 第 {item.check.version} 版未在此安装",
                ),
                remedy=Text(f"install {plan.tool}", f"请安装 {plan.tool}"),
            )


def _run(plan: Plan, subject: Subject, jobs: int, limits: Limits | None, watcher: Watcher) -> dict[str, Observation]:
    watcher.planned(plan, recalled=0)
    observations: dict[str, Observation] = {}
    items = [item for item in plan.items if item.runs and not item.audit]
    for event in run_in_workers(subject, items, plan.budget, first=intake_item(subject), jobs=jobs, limits=limits):
        if event.item.check.id == INTAKE.id:
            continue
        if isinstance(event, Finished):
            observations[event.item.check.id] = event.measured.observation
        watcher.happened(event)
    return observations
