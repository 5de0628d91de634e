"""The gate as its owner sees it: what is handed in ends where it belongs, and the log knows before it moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.admission.doors import HARMLESS, RUNS_CODE, Door, scan_item
from touchstone.admission.decision import Decision
from touchstone.admission.policy import GatePolicy
from touchstone.admission.store import Store
from touchstone.errors import UserError
from touchstone.evidence.envelope import open_envelope
from touchstone.scan.findings import ScanResult


def _policy(**changes: object) -> GatePolicy:
    return GatePolicy.model_validate({"schema": "touchstone.gate-policy/v1", "name": "test", **changes})


def _remaining(store: Store) -> list[Path]:
    return [*(store.root / "inbox").iterdir(), *(store.root / "examining").iterdir()]


def test_each_item_ends_where_it_belongs(tmp_path: Path) -> None:
    door = Door.build(tmp_path)
    door.hand_in("good.pkl", HARMLESS)
    door.hand_in("bad/weights.pkl", RUNS_CODE)
    door.hand_in("bad/config.json", b"{}")
    door.hand_in("odd.bin", b"\x01\x02\x03\x04" * 100)
    outcomes = {decided.decision.item: decided for decided in door.gate.decide_waiting(settled_seconds=0)}
    root = door.gate.store.root
    assert {name: each.decision.outcome for name, each in outcomes.items()} == {
        "bad": "refuse",
        "good.pkl": "admit",
        "odd.bin": "quarantine",
    }
    assert (root / "admitted" / "good.pkl").read_bytes() == HARMLESS
    assert (root / "refused" / outcomes["bad"].ticket / "bad" / "weights.pkl").read_bytes() == RUNS_CODE
    assert (root / "quarantined" / outcomes["odd.bin"].ticket / "odd.bin").exists()
    assert _remaining(door.gate.store) == []
    assert all(door.logged(each.ticket) for each in outcomes.values())


def test_a_refusal_says_what_would_have_run(tmp_path: Path) -> None:
    door = Door.build(tmp_path)
    door.hand_in("model.pkl", RUNS_CODE)
    (decided,) = door.gate.decide_waiting(settled_seconds=0)
    reason = decided.decision.reasons[0]
    assert reason.outcome == "refuse"
    assert "system('echo planted')" in reason.shown
    assert reason.where == "model.pkl"


def test_the_signed_decision_names_the_files_that_were_scanned(tmp_path: Path) -> None:
    door = Door.build(tmp_path)
    door.hand_in("good.pkl", HARMLESS)
    (decided,) = door.gate.decide_waiting(settled_seconds=0)
    path = door.gate.store.decisions / f"{decided.ticket}.dsse.json"
    statement = open_envelope(path.read_bytes(), path.name, door.laboratory.public)
    decision = Decision.from_json(statement.predicate, path.name)
    assert decision == decided.decision
    assert statement.subject_digest == decision.subject
    assert [(file.path, file.size, file.format) for file in decision.files] == [("good.pkl", len(HARMLESS), "pickle")]


@pytest.mark.parametrize("stage", ["taken", "decided", "logged"])
def test_a_gate_that_was_killed_goes_on_where_it_was(tmp_path: Path, stage: str) -> None:
    door = Door.build(tmp_path)
    item = door.hand_in("model.pkl", RUNS_CODE)
    store = door.gate.store
    taken = store.take(item)
    if stage != "taken":
        kept = store.settle
        store.settle = _killed  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            door.gate.finish(taken)
        store.settle = kept  # type: ignore[method-assign]
    scans: list[Path] = []

    def counted(path: Path) -> ScanResult:
        scans.append(path)
        return scan_item(path)

    again = Door.of(door.laboratory, store.root, scan=counted)
    (decided,) = again.gate.resume()
    assert decided.ticket == taken.ticket
    assert decided.decision.outcome == "refuse"
    assert len(scans) == (1 if stage == "taken" else 0)
    assert again.logged(taken.ticket)
    assert _remaining(store) == []
    assert list(again.gate.resume()) == []


def _killed(*_: object) -> Path:
    raise KeyboardInterrupt


def test_an_item_that_is_still_written_to_is_left_alone(tmp_path: Path) -> None:
    door = Door.build(tmp_path)
    path = door.hand_in("model.pkl", HARMLESS)
    with path.open("ab"):
        assert list(door.gate.decide_waiting(settled_seconds=0)) == []
    assert list(door.gate.decide_waiting(settled_seconds=3600)) == []
    assert path.exists()
    assert len(list(door.gate.decide_waiting(settled_seconds=0))) == 1


def test_uploads_under_way_are_not_looked_at(tmp_path: Path) -> None:
    door = Door.build(tmp_path)
    door.hand_in(".model.pkl.part", RUNS_CODE)
    assert list(door.gate.decide_waiting(settled_seconds=0)) == []


def test_an_item_that_changes_while_it_is_scanned_is_never_admitted(tmp_path: Path) -> None:
    def while_writing(item: Path) -> ScanResult:
        result = scan_item(item)
        with item.open("ab") as file:
            file.write(b"more")
        return result

    door = Door.build(tmp_path, scan=while_writing)
    door.hand_in("model.pkl", HARMLESS)
    (decided,) = door.gate.decide_waiting(settled_seconds=0)
    assert decided.decision.outcome == "quarantine"
    assert "gate/changing" in {reason.rule for reason in decided.decision.reasons}


def test_what_was_admitted_is_never_replaced(tmp_path: Path) -> None:
    door = Door.build(tmp_path)
    for data in (HARMLESS, b"\x80\x04]."):
        door.hand_in("model.pkl", data)
        decided = list(door.gate.decide_waiting(settled_seconds=0))[-1]
    assert decided.decision.outcome == "quarantine"
    assert {reason.rule for reason in decided.decision.reasons} == {"gate/name-taken"}
    assert (door.gate.store.root / "admitted" / "model.pkl").read_bytes() == HARMLESS


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        (_policy(formats=["safetensors"]), "gate/format"),
        (_policy(code_formats=False), "gate/code-format"),
        (_policy(largest_bytes=3), "gate/size"),
    ],
)
def test_a_policy_may_be_stricter(tmp_path: Path, policy: GatePolicy, rule: str) -> None:
    door = Door.build(tmp_path, policy)
    door.hand_in("model.pkl", HARMLESS)
    (decided,) = door.gate.decide_waiting(settled_seconds=0)
    assert decided.decision.outcome == "quarantine"
    assert {reason.rule for reason in decided.decision.reasons} == {rule}


def test_a_lenient_policy_still_admits_nothing_that_was_not_understood(tmp_path: Path) -> None:
    door = Door.build(tmp_path, _policy(refuse_at="critical", quarantine_at="critical"))
    door.hand_in("model.pkl", HARMLESS[:-1])
    (decided,) = door.gate.decide_waiting(settled_seconds=0)
    assert decided.decision.outcome == "quarantine"


def test_an_empty_folder_is_set_aside(tmp_path: Path) -> None:
    door = Door.build(tmp_path)
    (door.gate.store.root / "inbox" / "nothing").mkdir()
    (decided,) = door.gate.decide_waiting(settled_seconds=0)
    assert {reason.rule for reason in decided.decision.reasons} == {"gate/empty"}


def test_two_gates_do_not_share_a_store(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with store.locked(), pytest.raises(UserError, match="another gate"), Store(tmp_path / "store").locked():
        pass


def test_hostile_names_do_no_harm(tmp_path: Path) -> None:
    door = Door.build(tmp_path)
    name = "a" * 255
    door.hand_in(name, RUNS_CODE)
    door.hand_in("\x1b[2J\n.pkl", RUNS_CODE)
    (door.gate.store.root / "inbox" / "link").symlink_to("/etc/passwd")
    decided = {each.decision.item: each.decision.outcome for each in door.gate.decide_waiting(settled_seconds=0)}
    assert decided[name] == "refuse"
    assert decided["\x1b[2J\n.pkl"] == "refuse"
