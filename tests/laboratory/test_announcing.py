"""A plan that waits for somebody else's nonce: nobody can know the seeds before, and everybody can check them after."""

from pathlib import Path

import pytest

from tests.building import prediction_system
from tests.cli.program import run
from touchstone.api import announce, assess, verify
from touchstone.assessment.plan import with_seeds
from touchstone.assessment.seeds import drawn, seed_of
from touchstone.canonical import digest_of
from touchstone.errors import UserError
from touchstone.evidence.envelope import Envelope
from touchstone.evidence.layout import StatementName
from touchstone.evidence.statement import AssessmentPredicate
from touchstone.laboratory.assessing import announced_plan
from touchstone.laboratory.replicating import replicate
from touchstone.signatures.keys import generate, generate_log_key, load_log_signing_key, load_signing_key
from touchstone.system.subject import open_system
from touchstone.tlog.log import Log


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Path:
    facts = {"deploy.affects_individuals": True, "data.personal": False}
    return prediction_system(tmp_path_factory.mktemp("system"), rows=600, facts=facts)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    generate(tmp_path / "lab.pem", None)
    return tmp_path / "lab.pem"


def test_the_seed_of_a_drawn_plan_is_the_published_formula() -> None:
    plan = digest_of(b"plan")
    origin = digest_of(f"touchstone-seed/v2\n{plan}\n42".encode())
    assert drawn(plan, "42") == origin
    assert seed_of(drawn(plan, "42"), "check", "1") != seed_of(drawn(plan, "43"), "check", "1")


def test_announce_then_assess_with_the_nonce(system: Path, key: Path, tmp_path: Path) -> None:
    generate_log_key(tmp_path / "log.pem", None)
    Log.create(tmp_path / "log", "log.example.org", load_log_signing_key(tmp_path / "log.pem", None))
    logged = {"log": tmp_path / "log", "log_key": tmp_path / "log.pem"}
    out = tmp_path / "out"
    plan = announce(system, output=out, nonce_from="Regulator", key=key, **logged)
    assert {item.seed for item in plan.items} == {""}
    assert announced_plan(out) == plan
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == ["plan.dsse.json", "plan.tlog-proof"]
    with pytest.raises(UserError, match="waits for the nonce that Regulator gives"):
        assess(system, output=out, key=key, resume=True, **logged)
    outcome = assess(system, output=out, key=key, resume=True, nonce="blue-whale-77", **logged)
    assert outcome.assessment.plan == plan.own_digest()
    verification = verify(out, key=f"{key}.pub", log_key=tmp_path / "log.pem.pub")
    assert verification.ok, [step for step in verification.steps if step.status == "failed"]
    (step,) = [step for step in verification.steps if step.id == "seeds"]
    assert step.text.en == "every seed follows from the plan and the nonce 'blue-whale-77': ask Regulator about it"
    generate(tmp_path / "second.pem", None)
    again = replicate(out, open_system(system), load_signing_key(tmp_path / "second.pem", None), laboratory="Lab B")
    assert again.replication.agreement == "identical"


def test_another_nonce_gives_other_seeds_and_is_found_out(system: Path, key: Path, tmp_path: Path) -> None:
    plan = announce(system, output=tmp_path / "out", nonce_from="Regulator", key=key)
    one, other = with_seeds(plan, "1"), with_seeds(plan, "2")
    ran = [item for item in one.items if item.runs]
    assert ran
    assert not {item.seed for item in ran} & {item.seed for item in other.items}
    for wrong in (lambda: with_seeds(plan, None), lambda: with_seeds(one.model_copy(update={"nonce_from": None}), "1")):
        with pytest.raises(ValueError, match="a nonce goes with"):
            wrong()
    assess(system, output=tmp_path / "out", key=key, resume=True, nonce="1")
    forge(tmp_path / "out", key, nonce="2")
    verification = verify(tmp_path / "out", key=f"{key}.pub")
    assert any("seeds that the tests did not use" in step.text.en for step in verification.steps)
    assert verification.exit_code == 1


def forge(out: Path, key: Path, nonce: str) -> None:
    """Sign the same assessment again, as if another nonce had been given."""
    from touchstone.evidence.envelope import sign
    from touchstone.evidence.statement import assessment_statement, seeds_from

    path = out / StatementName.ASSESSMENT.file
    statement = Envelope.from_bytes(path.read_bytes(), "assessment").statement("assessment")
    said = AssessmentPredicate.from_json(statement.predicate, "assessment")
    forged = assessment_statement(
        said.assessment, evidence=said.evidence, reproducible=said.reproducible, seeds=seeds_from("Regulator", nonce)
    )
    path.write_bytes(sign(forged, load_signing_key(key, None)).to_bytes())


def test_a_nonce_without_a_plan_that_waits_for_it_is_refused(system: Path, key: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no plan that waits for a nonce"):
        assess(system, output=tmp_path / "out", key=key, nonce="1")
    announce(system, output=tmp_path / "planned", nonce_from="Regulator", key=key)
    with pytest.raises(UserError, match="another plan"):
        assess(system, output=tmp_path / "planned", key=key, resume=True, nonce="1", budget="standard")
    with pytest.raises(UserError, match="holds something already"):
        announce(system, output=tmp_path / "planned", nonce_from="Regulator", key=key)


def test_without_a_nonce_the_statement_says_where_seeds_come_from(system: Path, key: Path, tmp_path: Path) -> None:
    assess(system, output=tmp_path / "out", key=key)
    (step,) = [step for step in verify(tmp_path / "out", key=f"{key}.pub").steps if step.id == "seeds"]
    assert "no third party gave a nonce" in step.text.en


def test_on_the_command_line(system: Path, key: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planned = run(capsys, "plan", system, "--nonce-from", "Regulator", "--output", tmp_path / "out", "--key", key)
    assert planned.code == 0, planned.err
    assert "Now ask Regulator for the nonce." in planned.out
    assessed = run(
        capsys,
        *("assess", system, "--output", tmp_path / "out", "--key", key),
        *("--resume", "--nonce", "77"),
    )
    assert assessed.code == 1, assessed.err
    assert "the nonce '77'" in run(capsys, "verify", tmp_path / "out", "--key", f"{key}.pub").out
