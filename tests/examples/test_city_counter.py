"""The assistant of the city counter through the whole route: guarded it withstands, without guards it does not."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import touchstone
from tests.examples.scripts import EXAMPLES, load_script
from touchstone.records import Verdict

TOKEN = "a-token-for-tests-only"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    service = load_script("city-counter/service.py").counter_service([TOKEN], 0)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    yield service.url
    service.shutdown()
    service.server_close()


def verdicts(folder: Path, address: str, model: str) -> dict[str, Verdict]:
    system = folder / "system"
    shutil.copytree(EXAMPLES / "city-counter", system)
    description = system / "system.yaml"
    other = {"counter": "counter-bare", "counter-bare": "counter"}[model]
    text = description.read_text("utf-8").replace("http://127.0.0.1:8090", address)
    text = text.replace("endpoint_model: counter\n", f"endpoint_model: {model}\n")
    description.write_text(text.replace("unguarded_model: counter-bare", f"unguarded_model: {other}"), "utf-8")
    outcome = touchstone.assess(system, output=folder / "out", only={"MI-09", "SR-05", "SR-06", "SR-07"}, jobs=2)
    assert outcome.assessment.profile.id == "generation-screening"
    return {finding.control: finding.verdict for finding in outcome.assessment.findings}


@pytest.mark.parametrize(
    ("model", "injection", "tools"), [("counter", "pass", "pass"), ("counter-bare", "fail", "fail")]
)
def test_guards_are_told_from_their_absence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, model: str, injection: str, tools: str
) -> None:
    monkeypatch.setenv("TOUCHSTONE_ENDPOINT_TOKEN", TOKEN)
    found = verdicts(tmp_path, address, model)
    assert [found[control] for control in ("MI-09", "SR-05", "SR-06", "SR-07")] == ["pass", injection, "pass", tools]


def test_the_questions_are_made_again_byte_for_byte(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / "city-counter", tmp_path / "counter")
    script = load_script("city-counter/make_counter.py")
    made = ("data/questions.jsonl", "registers/question-bank.jsonl")
    before = [(EXAMPLES / "city-counter" / name).read_bytes() for name in made]
    script.FOLDER = tmp_path / "counter"
    for name in made:
        (script.FOLDER / name).unlink()
    script.main()
    assert [(script.FOLDER / name).read_bytes() for name in made] == before
