"""The assessment looks at its own run, and whoever verifies the evidence looks again."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.building import prediction_system
from touchstone.api import assess, open_system, verify
from touchstone.assessment.seeds import seed_of
from touchstone.canonical import canonical_json
from touchstone.errors import UserError
from touchstone.evidence.bundle import Bundle, BundleWriter
from touchstone.evidence.envelope import Envelope
from touchstone.evidence.leaf import leaf_of
from touchstone.evidence.verification import Step
from touchstone.laboratory.assessing import Outcome
from touchstone.laboratory.issuing import Issuer, issue_decision
from touchstone.laboratory.recording import read_recorded
from touchstone.laboratory.rejudging import find_bundle, judge_again
from touchstone.laboratory.replicating import replicate
from touchstone.records import Finding, Verdict
from touchstone.signatures.keys import (
    generate,
    generate_log_key,
    load_log_signing_key,
    load_public_key,
    load_signing_key,
)
from touchstone.tlog.log import Log

AUDITED = ("EM-01", "EM-03", "EM-04", "EM-05", "EM-06", "EM-07")
ONLY = ("MI-01", "MI-09", "DS-07", *AUDITED)
LONG_AGO, MUCH_LATER = "2020-01-01T00:00:00.000+00:00", "2099-01-01T00:00:00.000+00:00"
AUDITS = ("evidence", "plan_lock", "rerun", "separation", "statistics", "tool_qualification")


@dataclass(frozen=True)
class Laboratory:
    folder: Path
    system: Path

    def assess(
        self, name: str, *, signed: bool = True, jobs: int = 1, resume: bool = False, decision_key: Path | None = None
    ) -> Outcome:
        """The few checks and all audits of the whole baseline, into a folder of that name."""
        keys = {"key": self.folder / "lab.pem", "log": self.folder / "log", "log_key": self.folder / "log.pem"}
        return assess(
            self.system,
            "baseline",
            output=self.folder / name,
            only=ONLY,
            jobs=jobs,
            resume=resume,
            issuer="Laboratory",
            decision_key=decision_key,
            **(keys if signed else {}),
        )

    def failed(self, name: str, *more_keys: Path) -> list[Step]:
        """What is wrong with an output folder."""
        keys = [self.folder / "lab.pem.pub", *more_keys]
        found = verify(self.folder / name, key=keys, log_key=self.folder / "log.pem.pub")
        return [step for step in found.steps if step.status == "failed"]


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    folder = tmp_path_factory.mktemp("laboratory")
    generate(folder / "lab.pem", None)
    generate_log_key(folder / "log.pem", None)
    Log.create(folder / "log", "audits.example", load_log_signing_key(folder / "log.pem", None))
    return Laboratory(folder, prediction_system(folder / "system", rows=600, facts={"data.personal": False}))


@pytest.fixture(scope="module")
def signed(laboratory: Laboratory) -> Outcome:
    return laboratory.assess("signed")


def findings(outcome: Outcome) -> dict[str, Finding]:
    return {finding.control: finding for finding in outcome.assessment.findings}


def compared(finding: Finding, metric: str) -> Decimal | None:
    """What a limit on the metric was compared with."""
    return {decision.metric: decision.compared for decision in finding.decisions}[metric]


def test_a_signed_run_is_audited_and_the_audits_follow_from_its_evidence(laboratory: Laboratory, signed: Outcome):
    found = findings(signed)
    assert {control: found[control].verdict for control in AUDITED} == {
        "EM-01": Verdict.PASS,
        "EM-03": Verdict.PASS,
        "EM-04": Verdict.INCONCLUSIVE,  # precomputed predictions cannot be attacked, with or without a limit
        "EM-05": Verdict.PASS,
        "EM-06": Verdict.FAIL,  # one key tests and decides, and nobody reviewed
        "EM-07": Verdict.PASS,
    }
    found = verify(signed.folder, key=laboratory.folder / "lab.pem.pub", log_key=laboratory.folder / "log.pem.pub")
    assert found.ok
    audits = [step for step in found.steps if step.id == "audit"]
    assert [step.status for step in audits] == ["ok"] * len(AUDITS)


def test_what_was_measured_again_lies_in_the_evidence(signed: Outcome):
    bundle = Bundle.open(signed.folder / "evidence")
    first = {entry.name.removeprefix("observations/"): entry.digest for entry in bundle.with_role("observation")}
    again = {entry.name.removeprefix("reruns/"): entry.digest for entry in bundle.with_role("rerun")}
    assert again
    assert again.items() <= first.items()  # byte for byte
    assert "method.rerun.json" not in again


def test_two_runs_leave_the_same_bytes_and_are_judged_the_same(laboratory: Laboratory, signed: Outcome):
    second = laboratory.assess("second", jobs=2)
    assert second.assessment == signed.assessment
    manifests = [Bundle.open(outcome.folder / "evidence").manifest.reproducible for outcome in (signed, second)]
    assert manifests[0] == manifests[1]
    _, again = judge_again(find_bundle(second.folder))
    assert again == second.assessment


def test_the_plan_was_on_the_log_before_the_first_check_began(signed: Outcome):
    bundle = Bundle.open(signed.folder / "evidence")
    lock = json.loads(bundle.read("lock.json"))
    began = [json.loads(bundle.read(entry.name))["started"] for entry in bundle.with_role("execution")]
    assert lock["by"] <= min(began)


def test_without_a_signature_what_needs_one_is_not_tested_and_later_it_comes_too_late(laboratory: Laboratory):
    found = findings(laboratory.assess("late", signed=False))
    assert found["EM-01"].verdict is Verdict.INCONCLUSIVE
    assert "--log" in found["EM-01"].reason.text.en
    for control in ("EM-06", "EM-07"):
        assert found[control].verdict is Verdict.NOT_TESTED
        assert found[control].remedy is not None
        assert "--key" in found[control].remedy.en
    assert found["EM-05"].verdict is Verdict.PASS

    shutil.rmtree(laboratory.folder / "late" / "evidence")  # as if it had been killed before it was done
    generate(laboratory.folder / "decider.pem", None)
    decider = laboratory.folder / "decider.pem"
    late = findings(laboratory.assess("late", resume=True, decision_key=decider))
    assert late["EM-01"].verdict is Verdict.FAIL
    assert compared(late["EM-01"], "results_before_plan") == 3
    assert compared(late["EM-06"], "distinct_persons") == 2  # nobody reviewed
    assert laboratory.failed("late", Path(f"{decider}.pub")) == []  # an honest record of a late plan

    for statement in ("refusal.dsse.json", "receipts/refusal.tlog-proof"):
        (laboratory.folder / "late" / statement).unlink()
    with pytest.raises(UserError, match="other keys"):
        laboratory.assess("late", resume=True)


def test_another_laboratory_repeats_the_tests_and_takes_the_audits_over(laboratory: Laboratory, signed: Outcome):
    copy = laboratory.folder / "replicated"
    shutil.copytree(signed.folder, copy)
    generate(laboratory.folder / "second.pem", None)
    key = load_signing_key(laboratory.folder / "second.pem", None)
    replication = replicate(copy, open_system(laboratory.system), key, laboratory="Another").replication
    assert replication.agreement == "identical"
    assert replication.differing_controls == ()


Change = Callable[[dict[str, bytes]], None]


def forge(laboratory: Laboratory, signed: Outcome, name: str, change: Change) -> Path:
    """What the laboratory itself could hand out: other contents, judged again and signed with its own key."""
    folder, bundle = laboratory.folder / name, Bundle.open(signed.folder / "evidence")
    contents = {entry.name: bundle.read(entry.name) for entry in bundle.entries}
    change(contents)
    folder.mkdir()
    shutil.copy(signed.folder / "plan.dsse.json", folder)
    for part in ("draft", "evidence"):
        with BundleWriter(folder / part) as writer:
            for entry in bundle.entries:
                writer.add(
                    entry.name,
                    entry.media_type,
                    contents[entry.name],
                    role=entry.role,
                    volatile=entry.annotations.volatile == "true",
                )
        _, assessment = judge_again(Bundle.open(folder / part))
        contents["assessment.json"] = assessment.to_bytes()
    shutil.rmtree(folder / "draft")
    forged = Bundle.open(folder / "evidence")
    issuer = Issuer("Laboratory", load_signing_key(laboratory.folder / "lab.pem", None))
    issue_decision(folder, forged, read_recorded(forged), issuer, datetime.now(UTC))
    return folder


def altered(name: str, change: Callable[[dict[str, Any]], None]) -> Change:
    def apply(contents: dict[str, bytes]) -> None:
        record = json.loads(contents[name])
        change(record)
        contents[name] = canonical_json(record)

    return apply


def metric(index: int, value: str) -> Callable[[dict[str, Any]], None]:
    def apply(observation: dict[str, Any]) -> None:
        observation["metrics"][index]["value"] = value

    return apply


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        (altered("observations/method.separation.json", metric(0, "3")), {"separation"}),
        (altered("observations/method.plan_lock.json", metric(0, "0.5")), {"plan_lock"}),
        (altered("executions/model.performance.json", lambda ran: ran.update(started=LONG_AGO)), {"plan_lock"}),
        (altered("lock.json", lambda lock: lock.update(by=MUCH_LATER)), {"plan_lock"}),
        (altered("lock.json", lambda lock: lock.update(receipt=None)), {"plan_lock", "evidence"}),
        (altered("reruns/model.performance.json", metric(0, "0.5")), {"rerun"}),
    ],
    ids=["roles", "reported", "execution", "time", "receipt", "rerun"],
)
def test_an_audit_that_does_not_follow_is_refused_and_named(
    laboratory: Laboratory, signed: Outcome, request: pytest.FixtureRequest, change: Change, refused: set[str]
):
    name = f"forged-{request.node.callspec.id}"
    forge(laboratory, signed, name, change)
    steps = [step for step in laboratory.failed(name) if step.id == "audit"]
    assert {step.names for step in steps} == {(f"observations/method.{audit}.json",) for audit in refused}


def called(check: str, version: str) -> Callable[[dict[str, Any]], None]:
    """An observation passed off as that of another check, its seed with it."""

    def apply(observation: dict[str, Any]) -> None:
        seed = seed_of(observation["system"], check, version)
        observation.update(check={"id": check, "version": version}, seed=seed)

    return apply


def _easier(item: dict[str, Any]) -> None:
    item["parameters"].update({name: 1 for name in item["parameters"] if name == "bins"})


def unplanned(contents: dict[str, bytes]) -> None:
    """A plan that is silent about a check all the same carried out."""
    plan = json.loads(contents["plan.json"])
    plan["items"] = [item for item in plan["items"] if item["check"]["id"] != "model.performance"]
    contents["plan.json"] = canonical_json(plan)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (altered("observations/model.performance.json", lambda seen: seen.update(parameters={"bins": 2})), "something"),
        (altered("observations/data.manifest.json", called("data.manifest", "0")), "something"),
        (altered("observations/data.manifest.json", called("data.drift", "1")), "not planned"),
        (altered("observations/data.manifest.json", called("model.performance", "2")), "second observation"),
        (unplanned, "other checks than the profile"),
        (altered("plan.json", lambda plan: [item.update(limits=[]) for item in plan["items"]]), "sets other limits"),
        (altered("plan.json", lambda plan: plan["items"][0].update(controls=[])), "names other controls"),
        (altered("plan.json", lambda plan: [item.update(audit=True) for item in plan["items"]]), "what it is not"),
        (altered("plan.json", lambda plan: [item.pop("audit", None) for item in plan["items"]]), "what it is not"),
        (altered("plan.json", lambda plan: [_easier(item) for item in plan["items"]]), "another bins than"),
        (
            altered("circumstances.json", lambda said: said["facts"].update({"data.personal": True})),
            "description does not",
        ),
        (altered("circumstances.json", lambda said: said.update(access="labels")), "description does not"),
    ],
    ids=[
        "parameters",
        "version",
        "unplanned",
        "twice",
        "silent",
        "limits",
        "controls",
        "audits",
        "checks",
        "easier",
        "facts",
        "access",
    ],
)
def test_a_plan_that_asks_for_less_is_refused_and_so_is_what_does_not_answer_it(
    laboratory: Laboratory, signed: Outcome, request: pytest.FixtureRequest, change: Change, said: str
):
    name = f"easier-{request.node.callspec.id}"
    forge(laboratory, signed, name, change)
    steps = [step for step in laboratory.failed(name) if step.id == "judgement"]
    assert any(said in step.text.en for step in steps)


def test_a_receipt_of_a_log_that_nobody_trusts_is_refused(laboratory: Laboratory, signed: Outcome):
    """A log of one's own, made when the results were there, must not show that the plan was there before them."""

    def logged_elsewhere(lock: dict[str, Any]) -> None:
        generate_log_key(laboratory.folder / "own.pem", None)
        key = load_log_signing_key(laboratory.folder / "own.pem", None)
        tester = load_public_key(lock["tester"].encode(), "tester")
        with Log.create(laboratory.folder / "own", "own.example", key) as log:
            index = log.append(leaf_of(Envelope.from_bytes(lock["signed_plan"].encode(), "plan"), tester))
            lock.update(receipt=log.prove(index).to_bytes().decode(), log_key=key.public.pem.decode())

    forge(laboratory, signed, "elsewhere", altered("lock.json", logged_elsewhere))
    assert any("receipt of another log" in step.text.en for step in laboratory.failed("elsewhere"))


def test_a_bundle_alone_says_who_tested_it(laboratory: Laboratory, signed: Outcome):
    """Roles that strangers' keys fill must not be believed because the plan is not at hand."""
    generate(laboratory.folder / "nobody.pem", None)
    nobody = (laboratory.folder / "nobody.pem.pub").read_text()
    folder = forge(laboratory, signed, "strange", altered("lock.json", lambda lock: lock.update(tester=nobody)))
    steps = verify(folder / "evidence", key=laboratory.folder / "lab.pem.pub").steps
    assert any("another key than the evidence says has tested" in step.text.en for step in steps)


def test_a_decision_by_another_key_than_was_recorded_is_refused(laboratory: Laboratory, signed: Outcome):
    folder = forge(laboratory, signed, "decided", lambda contents: None)
    (folder / "refusal.dsse.json").unlink()
    generate(laboratory.folder / "stranger.pem", None)
    keys = [load_signing_key(laboratory.folder / name, None) for name in ("lab.pem", "stranger.pem")]
    bundle = Bundle.open(folder / "evidence")
    issuer = Issuer("Laboratory", keys[0], decision_key=keys[1])
    issue_decision(folder, bundle, read_recorded(bundle), issuer, datetime.now(UTC))
    failed = laboratory.failed("decided", laboratory.folder / "stranger.pem.pub")
    assert ("binding", "refusal.dsse.json") in {(step.id, step.file) for step in failed}


def test_evidence_that_was_not_forged_passes_the_same_way(laboratory: Laboratory, signed: Outcome):
    forge(laboratory, signed, "honest", lambda contents: None)
    assert [step for step in laboratory.failed("honest") if step.id in ("audit", "judgement", "binding")] == []
