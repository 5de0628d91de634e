"""Who plans three times and reports once is seen to have done so, with the statements kept beside the log."""

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.building import prediction_system
from tests.cli.program import run
from touchstone.api import announce, assess
from touchstone.canonical import digest_of
from touchstone.evidence.envelope import sign
from touchstone.evidence.statement import statement
from touchstone.evidence.verification import Verification
from touchstone.evidence.verify import verify
from touchstone.signatures.keys import (
    generate,
    generate_log_key,
    load_log_public_key,
    load_log_signing_key,
    load_public_key,
    load_signing_key,
)
from touchstone.tlog.log import Log


@dataclass(frozen=True)
class Made:
    """A laboratory that planned three times, and assessed once."""

    folder: Path
    out: Path

    @property
    def log(self) -> Path:
        return self.folder / "log"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("plans")
    facts = {"deploy.affects_individuals": True, "data.personal": False}
    system = prediction_system(folder / "system", facts=facts)
    generate(folder / "lab.pem", None)
    generate_log_key(folder / "log.pem", None)
    Log.create(folder / "log", "log.example.org", load_log_signing_key(folder / "log.pem", None))
    signing = {"key": folder / "lab.pem", "log": folder / "log", "log_key": folder / "log.pem"}
    for number in ("one", "two"):
        announce(system, output=folder / number, nonce_from=f"Regulator {number}", **signing)
    assess(system, output=folder / "out", only=["MI-01"], **signing)
    return Made(folder, folder / "out")


def asked(made: Made, log: Path) -> Verification:
    return verify(
        made.out,
        at=datetime.now(UTC),
        key=load_public_key(made.folder / "lab.pem.pub"),
        log_key=load_log_public_key(made.folder / "log.pem.pub"),
        log_folder=log,
    )


def told(verification: Verification, step_id: str) -> list[tuple[str, str]]:
    return [(step.status, step.text.en) for step in verification.steps if step.id == step_id]


def test_every_statement_is_kept_beside_the_log_under_its_digest(made: Made) -> None:
    kept = {path.name for path in (made.log / "statements").iterdir()}
    signed = [*made.out.glob("*.dsse.json"), made.folder / "one/plan.dsse.json", made.folder / "two/plan.dsse.json"]
    assert len(signed) == 5
    assert kept == {digest_of(path.read_bytes()).removeprefix("sha256:") + ".dsse.json" for path in signed}


def test_plans_without_a_report_are_listed(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    verification = asked(made, made.log)
    assert verification.exit_code == 0
    *plans, summary = told(verification, "plans")
    assert [status for status, _ in plans] == ["not-checked", "not-checked", "ok"]
    assert all("no assessment of it is on the log" in text for _, text in plans[:2])
    assert "entry 2, plan against" in plans[2][1]
    assert ", T" in plans[2][1]
    assert summary == ("not-checked", "3 plans for this system by this signer, 1 reported")
    assert told(verification, "history")[0][0] == "ok"
    assert any("left unreported" in text.en for text in verification.does_not_prove)
    finished = run(
        capsys, "verify", made.out, "--key", made.folder / "lab.pem.pub", "--log-key", made.folder / "log.pem.pub",
        "--log-folder", made.log,
    )  # fmt: skip
    assert finished.code == 0
    assert "3 plans for this system by this signer, 1 reported" in finished.out


def test_what_is_not_kept_is_counted_as_undisclosed(made: Made, tmp_path: Path) -> None:
    log = shutil.copytree(made.log, tmp_path / "log")
    hidden = digest_of((made.folder / "one/plan.dsse.json").read_bytes()).removeprefix("sha256:")
    (log / "statements" / f"{hidden}.dsse.json").unlink()
    verification = asked(made, log)
    assert told(verification, "plans")[-1] == (
        "not-checked",
        "2 plans for this system by this signer, 1 reported; 1 further statements are undisclosed",
    )
    ((status, text),) = told(verification, "history")
    assert status == "not-checked"
    assert "5 statements by the same signer, 1 of which are not here" in text


def test_nothing_can_be_slipped_in_beside_the_log(made: Made, tmp_path: Path) -> None:
    """An invented assessment, changed bytes, a name that is not the digest, a link: none makes a plan look reported."""
    log = shutil.copytree(made.log, tmp_path / "log")
    before = told(asked(made, log), "plans")
    folder = log / "statements"
    assessed = json.loads((made.out / "assessment.dsse.json").read_bytes())
    invented = sign(
        statement("x", digest_of(b"x"), "urn:touchstone:predicate:assessment:v1", {}),
        load_signing_key(made.folder / "lab.pem", None),
    ).to_bytes()
    changed = json.dumps(assessed | {"payload": assessed["payload"][:-8] + "AAAAAAA="}).encode()
    for data in (invented, changed, b"{}", b"\xff"):
        (folder / f"{digest_of(data).removeprefix('sha256:')}.dsse.json").write_bytes(data)
    (folder / f"{'0' * 64}.dsse.json").write_bytes((made.out / "plan.dsse.json").read_bytes())
    (folder / f"{'1' * 64}.dsse.json").symlink_to("/dev/zero")
    assert told(asked(made, log), "plans") == before


def test_one_plan_that_was_reported_is_all_there_is(tmp_path: Path) -> None:
    system = prediction_system(tmp_path / "system", facts={"deploy.affects_individuals": True, "data.personal": False})
    generate(tmp_path / "lab.pem", None)
    generate_log_key(tmp_path / "log.pem", None)
    Log.create(tmp_path / "log", "log.example.org", load_log_signing_key(tmp_path / "log.pem", None))
    signing = {"key": tmp_path / "lab.pem", "log": tmp_path / "log", "log_key": tmp_path / "log.pem"}
    assess(system, output=tmp_path / "out", only=["MI-01"], **signing)
    verification = asked(Made(tmp_path, tmp_path / "out"), tmp_path / "log")
    assert told(verification, "plans")[-1] == ("ok", "1 plan for this system by this signer, 1 reported")
    assert not any("left unreported" in text.en for text in verification.does_not_prove)
    assert any("has an assessment on the log" in text.en for text in verification.proves)
