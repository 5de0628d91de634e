"""A logged decision is traceable only if chain, clock, model, input and answer all bear it out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checks.registers import with_registers
from tests.checks.running import InProcessRun, codes, metric
from tests.checks.system_resilience.systems import picture_system
from tests.system.made import data_set, describe, make
from touchstone.checks.declaration import Measurement, Parameters
from touchstone.checks.system_resilience.event_log import event_log, input_digest
from touchstone.checks.system_resilience.log_trace import written
from touchstone.errors import DescriptionError, UnavailableError
from touchstone.system.subject import Subject

KEPT = {
    "store": "primary",
    "as_of": "2026-11-20",
    "days": 365,
    "in_use_since": "2024-01-01",
    "oldest_entry": "2025-11-20",
}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return picture_system(tmp_path_factory.mktemp("system"), gap=0.4, n=60)


def entries(system: Subject, n: int = 200) -> list[dict[str, Any]]:
    """What an honest service would have logged."""
    inputs = system.data("test").inputs
    probabilities = system.model().probabilities(inputs)
    labels = system.description.model.output.labels
    assert system.description.model.file is not None
    model = system.record(system.description.model.file).digest
    logged = []
    for number in range(n):
        row = number % len(inputs)
        answer = int(probabilities[row].argmax())
        logged.append(
            {
                "id": f"req-{number}",
                "at": f"2026-11-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}+08:00",
                "kind": "decision",
                "model": model,
                "input": input_digest(inputs[row]),
                "output": labels[answer],
                "probability": round(float(probabilities[row][answer]), 5),
            }
        )
    return logged


def measured(system: Subject, log: Any = None, kept: Any = None) -> Measurement:
    log = entries(system) if log is None else log
    content = log if isinstance(log, bytes) else b"\n".join(written(log)) + b"\n"
    registers = {"event-log": content, "log-retention": [KEPT] if kept is None else kept}
    return event_log.function(with_registers(system, registers), Parameters(), InProcessRun())


def test_an_honest_log_is_traceable(system: Subject) -> None:
    measurement = measured(system, entries(system, 3000))
    share = metric(measurement, "traceable_decisions")
    assert (share.value, share.n, share.unit) == (1, 3000, "share_of_sample")
    assert share.low is not None
    assert float(share.low) >= 0.999
    assert metric(measurement, "retention_days").value == 365
    assert measurement.warnings == ()
    assert all(control.passed for control in measurement.controls)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"at": "2026-10-01T00:00:00+08:00"}, "clock-back"),
        ({"id": "req-4"}, "number-twice"),
        ({"model": input_digest("another")}, "model-unknown"),
        ({"input": input_digest("another")}, "input-unknown"),
        ({"row": "1"}, "input-unknown"),
        ({"output": "perhaps"}, "answer-differs"),
        ({"probability": 0.1}, "answer-differs"),
        ({"kind": "override", "of": "req-4", "decision": "no"}, "override-incomplete"),
        ({"kind": "override", "of": "req-9", "decision": "no", "person": "p-7"}, "override-incomplete"),
    ],
)
def test_what_speaks_against_a_decision_is_named(system: Subject, change: dict[str, Any], reason: str) -> None:
    log = entries(system)
    log[5] |= change
    measurement = measured(system, log)
    assert codes(measurement) == [reason]
    assert float(metric(measurement, "traceable_decisions").value) == pytest.approx(199 / 200)


def test_a_model_answers_only_once_it_is_in_service(system: Subject) -> None:
    log = entries(system)
    for released, reasons in (("2026-11-01T00:00:05+08:00", ["model-not-in-service"]), ("2026-10-01T00:00:00Z", [])):
        registers = {
            "event-log": b"\n".join(written(log)),
            "log-retention": [KEPT],
            "releases": [
                {"version": "1", "released": released, "model": log[0]["model"]},
                {"version": "1.1", "released": "2026-12-01T00:00:00Z", "model": log[0]["model"]},
            ],
        }
        measurement = event_log.function(with_registers(system, registers), Parameters(), InProcessRun())
        assert codes(measurement) == reasons


def test_a_complete_override_is_traceable(system: Subject) -> None:
    log = entries(system)
    log[5] = {"id": "o", "at": log[5]["at"], "kind": "override", "of": "req-4", "decision": "no", "person": "p-7"}
    assert measured(system, log).warnings == ()


def test_a_line_changed_afterwards_breaks_the_chain(system: Subject) -> None:
    lines = written(entries(system))
    lines[5] = lines[5].replace(b'"kind": "d', b'"kind":  "d')
    measurement = measured(system, b"\r\n".join(lines))
    assert codes(measurement) == ["chain-broken"]
    assert float(metric(measurement, "traceable_decisions").value) == pytest.approx(198 / 200)


@pytest.mark.parametrize(
    ("change", "days", "code"),
    [
        ({"oldest_entry": "2026-10-21"}, 30, "retention-contradicted"),
        ({"oldest_entry": "2027-01-01"}, 0, "retention-contradicted"),
        ({"in_use_since": "2026-11-01", "oldest_entry": "2026-11-01"}, 365, "retention-not-shown-yet"),
        ({"in_use_since": "2026-11-01", "oldest_entry": "2026-11-10"}, 10, "retention-contradicted"),
    ],
)
def test_the_oldest_entry_bears_out_the_setting_or_not(
    system: Subject, change: dict[str, str], days: int, code: str
) -> None:
    measurement = measured(system, kept=[KEPT, KEPT | {"store": "copy"} | change])
    assert metric(measurement, "retention_days").value == days
    assert metric(measurement, "retention_days", "store=primary").value == 365
    assert codes(measurement) == [code]


def test_answers_computed_beforehand_are_traced_without_a_digest_to_compare(tmp_path: Path) -> None:
    rows = "id,a,t,p\n" + "".join(f"r{row},{row},{'no' if row % 2 else 'yes'},yes\n" for row in range(8))
    test = data_set("test.csv", "csv", identifier="id", target="t", predictions=["p"])
    description = describe(columns=["a"], access="predictions", output="labels", data={"test": test})
    subject = make(tmp_path, description, {"test.csv": rows.encode()})
    log = [
        {
            "id": f"{row}",
            "at": f"2026-11-01T00:00:0{row}Z",
            "kind": "decision",
            "model": input_digest("served"),
            "row": f"r{row}",
            "output": "yes",
        }
        for row in range(8)
    ]
    measurement = measured(subject, log)
    assert codes(measurement) == ["model-digest-not-compared"]
    assert metric(measurement, "traceable_decisions").value == 1
    log[3].pop("model")
    assert codes(measured(subject, log)) == ["model-digest-not-compared", "model-unknown"]


def test_a_part_that_was_not_handed_in_is_said(system: Subject, tmp_path: Path) -> None:
    only = with_registers(system, {"log-retention": [KEPT]})
    measurement = event_log.function(only, Parameters(), InProcessRun())
    assert codes(measurement) == ["part-not-measured"]
    assert {each.id for each in measurement.metrics} == {"retention_days"}
    (system.root / "log.yaml").write_text(json.dumps(entries(system, 2)), encoding="utf-8")
    as_yaml = with_registers(system, {"event-log": "log.yaml", "log-retention": [KEPT]})
    [note] = event_log.function(as_yaml, Parameters(), InProcessRun()).warnings
    assert "no JSON Lines" in note.text.en
    with pytest.raises(UnavailableError, match="not handed in"):
        event_log.function(picture_system(tmp_path, gap=0.4), Parameters(), InProcessRun())


def test_inputs_are_named_by_their_own_bytes() -> None:
    assert input_digest(np.array([1.0], ">f8")) == input_digest(np.array([1.0], np.float32))
    assert input_digest("价格") != input_digest("价")


@pytest.mark.parametrize("kind", ["alarm", "other"])
def test_no_decision_hides_under_another_kind(system: Subject, kind: str) -> None:
    log = entries(system)
    log[5] |= {"kind": kind}
    with pytest.raises(DescriptionError, match=f"line 6: holds what only a decision holds, and is of kind {kind}"):
        measured(system, log)
