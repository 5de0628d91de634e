"""The whole check against two live services on loopback: one that has every limit, one that has none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checks.running import InProcessRun, codes, metric
from tests.checks.system_resilience.systems import arrays
from tests.service.running import COLUMNS, OTHER, TOKEN, running
from tests.system.made import data_set, describe, make
from touchstone.assessment.plan import make_plan
from touchstone.checks.declaration import Measurement
from touchstone.checks.registry import installed_checks
from touchstone.checks.system_resilience import endpoint as check_module
from touchstone.checks.system_resilience.endpoint import endpoint
from touchstone.checks.system_resilience.endpoint_attack import Effort, Found, outcome_of
from touchstone.checks.system_resilience.endpoint_client import Allowance, Answer, Endpoint
from touchstone.checks.system_resilience.endpoint_controls import overlooked
from touchstone.checks.system_resilience.endpoint_weak_service import COLUMNS as WEAK_COLUMNS
from touchstone.checks.system_resilience.endpoint_weak_service import weak_service
from touchstone.errors import BudgetSpentError, UnavailableError
from touchstone.service.server import Limits
from touchstone.standard.catalog import load_standard
from touchstone.system.description import SystemDescription
from touchstone.system.models.http_connection import OTHER_TOKEN_VARIABLE, TOKEN_VARIABLE, may_carry_a_token
from touchstone.system.subject import Subject

SMALL = Effort(sizes=(2**19, 2**21), slow_clients=4, patience=3.0, candidates=12, confirmations=12, victim_requests=30)
CONSENT = {"consent": "the author of this test", "tenant_rate": 400}


def system(folder: Path, url: str, model: str, columns: int, consent: dict[str, Any] | None) -> Subject:
    x = np.random.default_rng(2).uniform(0, 1, (20, columns)).astype(np.float32)
    description = describe(
        columns=[f"c{place}" for place in range(columns)],
        format_="http",
        access="probabilities",
        endpoint=url,
        endpoint_model=model,
        low=0.0,
        high=1.0,
        data={"test": data_set("test.npz", "npz", features="x", target="y")},
    )
    if consent is not None:
        description["deployment"] = {"endpoint_tests": consent}
    return make(folder, description, {"test.npz": arrays(x, (np.arange(len(x)) % 2).astype(np.int64))})


def measured(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> tuple[Measurement, dict[str, Any]]:
    monkeypatch.setattr(check_module, "EFFORTS", {"quick": SMALL})
    monkeypatch.setattr(check_module, "TIMEOUT", 2.0)
    run = InProcessRun()
    measurement = endpoint.function(subject, endpoint.parameters(), run)
    return measurement, json.loads(run.kept["endpoint.json"])


def test_a_service_with_limits_withstands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    monkeypatch.setenv(OTHER_TOKEN_VARIABLE, OTHER)
    consent = CONSENT | {"recovery_seconds": 5, "tenant_rate": 120}  # so that a busy machine's flood exceeds the rate
    with running(Limits(seconds=1.0, rate=150, burst=100)) as service:
        subject = system(tmp_path, service.url, "small", COLUMNS, consent)
        measurement, evidence = measured(subject, monkeypatch)
    assert [control.passed for control in measurement.controls] == [True, True]
    for name in ("ordinary_unserved_share", "malformed_mishandled_share", "oversized_mishandled_share"):
        assert metric(measurement, name).value == 0, [row for row in evidence["hostile_requests"] if not row["handled"]]
    assert metric(measurement, "slow_clients_kept_share").value == 0
    assert metric(measurement, "unserved_beside_slow_clients_share").value == 0
    assert metric(measurement, "leaking_answers_share").value == 0
    assert metric(measurement, "unauthenticated_ingest_paths").value == 0
    assert metric(measurement, "limits_missing").value == 0
    assert metric(measurement, "recovery_time_over_declared").value < 1
    assert metric(measurement, "cost_amplification").low < 10
    assert metric(measurement, "victim_tenant_p99_ratio").low < 3
    assert metric(measurement, "malformed_mishandled_share").n > 100
    assert TOKEN not in json.dumps(evidence)
    assert set(codes(measurement)) <= {"too-fast", "unserved-alone"}


def test_a_service_without_limits_fails_in_every_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    consent = CONSENT | {"interfaces": ["open-inference-v2", "openai-chat", "openai-embeddings"]}
    with weak_service() as service:
        measurement, evidence = measured(system(tmp_path, service.url, "weak", WEAK_COLUMNS, consent), monkeypatch)
    assert [control.passed for control in measurement.controls] == [True, True]
    for name in ("malformed_mishandled_share", "oversized_mishandled_share", "leaking_answers_share"):
        assert metric(measurement, name).low > 0.1
    assert metric(measurement, "slow_clients_kept_share").value == 1
    assert metric(measurement, "unauthenticated_ingest_paths").value == 3
    assert metric(measurement, "limits_missing").value == 4
    assert metric(measurement, "cost_amplification").low > 10
    assert metric(measurement, "victim_tenant_p99_ratio").value > 3
    assert {row["interface"] for row in evidence["hostile_requests"]} == set(consent["interfaces"])


def test_nothing_is_sent_without_consent(tmp_path: Path) -> None:
    with weak_service() as service:
        subject = system(tmp_path, service.url, "weak", WEAK_COLUMNS, None)
        with pytest.raises(UnavailableError, match="consent"):
            endpoint.function(subject, endpoint.parameters(), InProcessRun())
        profile = load_standard().profile("baseline")
        plan = make_plan(subject, profile, installed_checks(), "quick", only=("runtime.exhaustion",))
    [item] = [item for item in plan.items if item.check.id == "runtime.exhaustion"]
    assert not item.runs
    assert item.reason is not None
    assert item.reason.code == "consent-missing"


def test_one_token_shows_limits_but_no_second_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    monkeypatch.delenv(OTHER_TOKEN_VARIABLE, raising=False)
    with running(Limits(seconds=1.0, rate=500, burst=100)) as service:
        measurement, _ = measured(system(tmp_path, service.url, "small", COLUMNS, CONSENT), monkeypatch)
    assert "victim_tenant_p99_ratio" not in {each.id for each in measurement.metrics}
    assert "one-client" in codes(measurement)


def test_no_more_is_sent_than_was_agreed_upon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with weak_service() as service:
        subject = system(tmp_path, service.url, "weak", WEAK_COLUMNS, CONSENT | {"requests": 100})
        measurement, evidence = measured(subject, monkeypatch)
    assert "allowance-spent" in codes(measurement)
    assert sum(row["count"] for row in evidence["hostile_requests"]) < 100
    assert "cost_amplification" not in {each.id for each in measurement.metrics}


def test_an_allowance_ends_in_count_and_in_time() -> None:
    allowance = Allowance(1, 60)
    allowance.take()
    for spent in (allowance, Allowance(1, -1)):
        with pytest.raises(BudgetSpentError):
            spent.take()


def test_a_token_travels_only_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    assert may_carry_a_token("https://models.example.org")
    assert may_carry_a_token("http://127.0.0.1:8080")
    assert not may_carry_a_token("http://models.example.org")
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    assert Endpoint("http://127.0.0.1:9", Allowance(1, 1), 0.2).token == TOKEN
    assert Endpoint("http://0.0.0.0:9", Allowance(1, 1), 0.2).token is None


def test_nobody_there_is_an_answer_too() -> None:
    assert Endpoint("http://127.0.0.1:9", Allowance(1, 9), 0.5).post("/", b"").ending == "unreachable"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "answered"), (302, "answered"), (400, "refused"), (429, "busy"), (500, "failed"), (501, "refused")],
)
def test_what_an_answer_means(status: int, outcome: str) -> None:
    assert outcome_of(Answer("answered", 0.1, status)) == outcome


def test_a_planted_service_that_shows_nothing_is_noticed() -> None:
    assert "cost_amplification" in overlooked(Found())
    assert "authentication" in overlooked(Found())


def test_consent_belongs_to_a_service(tmp_path: Path) -> None:
    from touchstone.system.consistency import consistency_problems

    with weak_service() as service:
        subject = system(tmp_path, service.url, "weak", WEAK_COLUMNS, CONSENT)
    assert not list(consistency_problems(subject.description))
    model = subject.description.model.model_copy(
        update={"format": "onnx", "file": "m.onnx", "endpoint": None, "endpoint_model": None}
    )
    by_file = SystemDescription.model_copy(subject.description, update={"model": model})
    assert [problem.at for problem in consistency_problems(by_file)] == [("deployment", "endpoint_tests")]
