"""What a map of the network, trials of updates and a live service show of who gets in and how far."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.checks.registers import Entries, with_registers
from tests.checks.running import InProcessRun, codes, metric
from tests.checks.system_resilience.systems import picture_system
from tests.checks.system_resilience.test_endpoint import CONSENT
from tests.checks.system_resilience.test_endpoint import system as live_system
from tests.service.running import COLUMNS, TOKEN, running
from touchstone.canonical import digest_of
from touchstone.checks.declaration import Measurement
from touchstone.checks.least_samples import LeastSamples
from touchstone.checks.system_resilience.endpoint_weak_service import COLUMNS as WEAK_COLUMNS
from touchstone.checks.system_resilience.endpoint_weak_service import weak_service
from touchstone.checks.system_resilience.hardening import hardening
from touchstone.errors import UnavailableError
from touchstone.system.models.http_connection import TOKEN_VARIABLE
from touchstone.system.subject import Subject

DEVICES = [{"name": "camera", "kind": "roadside camera", "count": 40, "identity": "mutual-tls"}]
ZONES = [{"name": "roadside", "trust": "low"}, {"name": "centre", "trust": "high"}, {"name": "lab", "trust": "high"}]
NODES = [
    {"name": "camera", "zone": "roadside", "kind": "edge"},
    {"name": "gateway", "zone": "centre", "kind": "interface"},
    {"name": "archive", "zone": "lab", "kind": "training-data"},
    {"name": "weights", "zone": "lab", "kind": "parameters"},
]
FLOWS = [
    {"from": "camera", "to": "gateway", "authentication": "mutual-tls"},
    {"from": "lab", "to": "gateway", "authentication": "mutual-tls"},
]
FAULTS = ("none", "wrong-key", "altered", "expired", "older-version")


def network(**change: Any) -> dict[str, Any]:
    return {"zones": ZONES, "nodes": NODES, "flows": FLOWS} | change


def trial(number: int, signature: str, *, accepted: bool, **change: Any) -> dict[str, Any]:
    return {
        "id": f"UT-{number}",
        "version": "1",
        "at": "2026-11-01T00:00:00Z",
        "target": "camera",
        "package": digest_of(b"package %d" % number),
        "signature": signature,
        "accepted": accepted,
    } | change


TRIALS = [trial(99, "valid", accepted=True), *(trial(n, FAULTS[n % 5], accepted=False) for n in range(10))]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return picture_system(tmp_path_factory.mktemp("system"), gap=0.4, n=20)


def measured(
    system: Subject, map_: Entries | None = None, trials: Entries | None = None, devices: Any = DEVICES
) -> Measurement:
    registers = {"network": network() if map_ is None else map_, "update-trials": TRIALS if trials is None else trials}
    whole = with_registers(system, registers, deployment={"edge_devices": devices})
    run = InProcessRun()
    measurement = hardening.function(whole, LeastSamples(n_min=10), run)
    assert json.loads(run.kept["ways.json"])["schema"] == "touchstone.network-ways/v1"
    return measurement


def test_a_hardened_system_counts_nothing(system: Subject) -> None:
    measurement = measured(system)
    assert {each.id: each.value for each in measurement.metrics} == {
        "unauthenticated_ingest_paths": 0,
        "unsigned_updates_accepted": 0,
        "paths_from_edge_to_training_assets": 0,
    }
    assert metric(measurement, "unsigned_updates_accepted").n == 10
    assert measurement.warnings == ()
    assert all(control.passed for control in measurement.controls)


@pytest.mark.parametrize(
    ("map_", "devices", "count", "said"),
    [
        (network(), [DEVICES[0] | {"identity": "none"}], 1, ["way-in-unasked"]),
        (
            network(flows=[FLOWS[0] | {"authentication": "none"}]),
            DEVICES,
            1,
            ["way-in-unasked", "identity-not-asked-for"],
        ),
        (network(nodes=[*NODES, {"name": "kiosk", "zone": "roadside", "kind": "service"}]), DEVICES, 0, []),
        (network(flows=[*FLOWS, {"from": "lab", "to": "gateway", "authentication": "none"}]), DEVICES, 0, []),
        (
            network(),
            [*DEVICES, {"name": "radar", "kind": "radar"}],
            1,
            ["device-without-identity", "device-not-on-map"],
        ),
    ],
)
def test_ways_in_that_ask_nobody(system: Subject, map_: Any, devices: Any, count: int, said: list[str]) -> None:
    measurement = measured(system, map_, devices=devices)
    assert metric(measurement, "unauthenticated_ingest_paths").value == count
    assert codes(measurement) == said


def test_a_device_that_is_not_on_the_map_leaves_it_open(system: Subject) -> None:
    measurement = measured(system, devices=[*DEVICES, {"name": "radar", "kind": "radar", "identity": "attested"}])
    assert codes(measurement) == ["device-not-on-map"]
    assert [each.id for each in measurement.metrics] == ["unsigned_updates_accepted"]


def test_a_declared_device_is_at_the_edge_whatever_the_map_calls_it(system: Subject) -> None:
    nodes = [NODES[0] | {"zone": "lab", "kind": "other"}, *NODES[1:]]
    measurement = measured(system, network(nodes=nodes))
    assert metric(measurement, "paths_from_edge_to_training_assets").value == 2


def test_a_map_on_which_all_is_trusted_shows_nothing_good(system: Subject) -> None:
    measurement = measured(system, network(nodes=NODES[1:], flows=FLOWS[1:]), devices=[])
    assert [each.id for each in measurement.metrics] == ["unsigned_updates_accepted"]
    assert codes(measurement) == ["nothing-outside-on-map"]


def test_the_way_from_the_edge_is_shown(system: Subject) -> None:
    back = {"from": "gateway", "to": "lab", "authentication": "mutual-tls"}
    measurement = measured(system, network(flows=[*FLOWS, back]))
    assert metric(measurement, "paths_from_edge_to_training_assets").value == 2
    [note] = measurement.warnings
    assert note.text.en == ("ways to training assets: camera → gateway → archive, camera → gateway → weights")
    ended = [NODES[0], NODES[1] | {"terminated_by": "data diode"}, *NODES[2:]]
    measurement = measured(system, network(flows=[*FLOWS, back], nodes=ended))
    assert metric(measurement, "paths_from_edge_to_training_assets").value == 0
    assert codes(measurement) == ["end-on-trust"]


def test_nodes_of_a_zone_reach_one_another_unless_it_is_isolated(system: Subject) -> None:
    nodes = [*NODES, {"name": "cache", "zone": "centre", "kind": "training-data"}]
    ways = "paths_from_edge_to_training_assets"
    assert metric(measured(system, network(nodes=nodes)), ways).value == 1
    zones = [ZONES[0], ZONES[1] | {"isolated": True}, ZONES[2]]
    assert metric(measured(system, network(nodes=nodes, zones=zones)), ways).value == 0


def test_an_asset_among_strangers_is_reached_already(system: Subject) -> None:
    nodes = [*NODES, {"name": "copy", "zone": "roadside", "kind": "parameters"}]
    measurement = measured(system, network(nodes=nodes))
    assert [note.text.en for note in measurement.warnings] == ["ways to training assets: camera → copy, copy"]


def test_a_map_without_assets_shows_no_ways_to_them(system: Subject) -> None:
    measurement = measured(system, network(nodes=NODES[:2], flows=FLOWS[:1]))
    assert codes(measurement) == ["no-assets-on-map"]
    assert "paths_from_edge_to_training_assets" not in {each.id for each in measurement.metrics}


@pytest.mark.parametrize(
    ("trials", "count", "said"),
    [
        ([*TRIALS[:-1], trial(9, "older-version", accepted=True)], 1, ["bad-update-installed"]),
        (TRIALS[1:], None, ["no-good-update"]),
        (TRIALS[:6], None, ["too-few-samples"]),
        ([*TRIALS[:6], *({**each, "id": f"again {each['id']}"} for each in TRIALS[1:6])], None, ["too-few-samples"]),
        (
            [each | {"signature": "expired"} if each["signature"] == "none" else each for each in TRIALS],
            None,
            ["fault-untried"],
        ),
        ([each for each in TRIALS if each["signature"] != "altered"], None, ["too-few-samples", "fault-untried"]),
        (
            [*TRIALS, trial(50, "valid", accepted=True, package=TRIALS[3]["package"])],
            1,
            ["bad-update-installed", "package-contradicted"],
        ),
        ([*TRIALS, trial(51, "none", accepted=True, version="0.9")], 0, []),
    ],
)
def test_updates(system: Subject, trials: list[dict[str, Any]], count: int | None, said: list[str]) -> None:
    measurement = measured(system, trials=trials)
    found = [each.value for each in measurement.metrics if each.id == "unsigned_updates_accepted"]
    assert found == ([] if count is None else [count])
    assert codes(measurement) == said


def test_a_service_is_asked_only_with_consent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    with weak_service() as service:
        silent = live_system(tmp_path / "silent", service.url, "weak", WEAK_COLUMNS, None)
        with pytest.raises(UnavailableError, match="not handed in"):
            hardening.function(silent, LeastSamples(), InProcessRun())
        subject = live_system(tmp_path / "open", service.url, "weak", WEAK_COLUMNS, CONSENT)
        measurement = hardening.function(subject, LeastSamples(), InProcessRun())
    assert metric(measurement, "unauthenticated_ingest_paths").value == 1
    assert codes(measurement) == ["part-not-measured", "part-not-measured", "service-unasked"]
    assert all(control.passed for control in measurement.controls)


def test_a_service_that_asks_for_a_token_opens_no_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    with running() as service:
        subject = live_system(tmp_path, service.url, "small", COLUMNS, CONSENT | {"tenant_rate": 20})
        whole = with_registers(subject, {"network": network()})
        measurement = hardening.function(whole, LeastSamples(), InProcessRun())
        assert metric(measurement, "unauthenticated_ingest_paths").value == 0
        monkeypatch.setenv(TOKEN_VARIABLE, "wrong")
        measurement = hardening.function(whole, LeastSamples(), InProcessRun())
    assert codes(measurement) == ["part-not-measured", "part-not-measured"]
    assert "does not answer ordinary requests" in measurement.warnings[1].text.en


def test_without_map_and_trials_only_a_nameless_device_speaks(system: Subject) -> None:
    alone = with_registers(system, {}, deployment={"edge_devices": [{"name": "radar", "kind": "radar"}]})
    measurement = hardening.function(alone, LeastSamples(), InProcessRun())
    assert [(each.id, each.value) for each in measurement.metrics] == [("unauthenticated_ingest_paths", 1)]
