"""Two tests of the test: a made-up network without weakness, and the same with one weakness of each kind."""

from __future__ import annotations

from typing import Any

from touchstone.canonical import digest_of
from touchstone.checks.declaration import Run
from touchstone.checks.system_resilience.network_map import read_off
from touchstone.checks.system_resilience.offered_updates import offered
from touchstone.checks.system_resilience.unasked_service import weak_service_is_found
from touchstone.records import ControlRun
from touchstone.system.description import EdgeDevice
from touchstone.system.registers.network import Network
from touchstone.system.registers.update_trials import UpdateTrial
from touchstone.text import Text


def control_runs(run: Run, *, with_service: bool) -> tuple[ControlRun, ControlRun]:
    """A made-up map and trials in which all is well, and the same with one weakness of each kind."""

    def weaknesses(changed: dict[str, Any], identity: Any = "mutual-tls") -> tuple[int, int]:
        device = EdgeDevice(name="camera", kind="camera", identity=identity)
        seen = read_off(Network.model_validate(_MAP | changed), [device])
        return len(seen.open_ways_in), len(seen.ways_to_assets)

    def installed(signature: str, *, accepted: bool) -> int:
        bad = _trial(b"bad", signature, accepted)
        return len(offered([_trial(b"good", "valid", accepted=True), bad]).accepted)

    flows: list[dict[str, str]] = _MAP["flows"]
    through = [{**node, "terminated_by": None} for node in _MAP["nodes"]]
    planted = {
        "a connection without authentication": weaknesses(
            {"flows": [{**flows[0], "authentication": "none"}, *flows[1:]]}
        )
        == (1, 0),
        "a device without identity": weaknesses({}, "none") == (1, 0),
        "an end that is none": weaknesses({"nodes": through}) == (0, 1),
        "a way of zones": weaknesses(
            {"flows": [*flows, {"from": "roadside", "to": "laboratory", "authentication": "token"}]}
        )
        == (0, 1),
        "an asset in a zone of low trust": weaknesses(
            {"nodes": [*_MAP["nodes"][:-1], {**_MAP["nodes"][-1], "zone": "roadside"}]}
        )
        == (0, 2),
        "an unsigned update": installed("none", accepted=True) == 1,
        "an old update": installed("older-version", accepted=True) == 1,
    }
    if with_service:
        planted["a service that asks nobody"] = weak_service_is_found(run.generator("planted service"))
    missed = [name for name, found in planted.items() if not found]
    nothing = (*weaknesses({}), installed("none", accepted=False))
    return (
        ControlRun(
            kind="null",
            expected=Text(
                "a made-up map and trials without weakness: none is found", "无弱点的虚构清单与试验：不应有发现"
            ),
            seen=Text(f"{sum(nothing)} found", f"发现 {sum(nothing)} 处"),
            passed=not any(nothing),
        ),
        ControlRun(
            kind="planted",
            expected=Text("each weakness planted in it is found", "每种植入弱点均被发现"),
            seen=Text(f"overlooked: {', '.join(missed) or 'nothing'}", f"遗漏 {len(missed)} 种"),
            passed=not missed,
        ),
    )


_MAP: dict[str, Any] = {
    "zones": [
        {"name": "roadside", "trust": "low"},
        {"name": "centre", "trust": "high", "isolated": True},
        {"name": "laboratory", "trust": "high"},
    ],
    "nodes": [
        {"name": "camera", "zone": "roadside", "kind": "edge"},
        {"name": "gateway", "zone": "centre", "kind": "interface"},
        {"name": "exchange", "zone": "centre", "kind": "other", "terminated_by": "data diode"},
        {"name": "archive", "zone": "laboratory", "kind": "training-data"},
    ],
    "flows": [
        {"from": "camera", "to": "gateway", "authentication": "mutual-tls"},
        {"from": "gateway", "to": "exchange", "authentication": "mutual-tls"},
        {"from": "exchange", "to": "laboratory", "authentication": "mutual-tls"},
    ],
}
"""A made-up network: a camera reports to a gateway, and a diode hands on to the laboratory."""


def _trial(package: bytes, signature: str, accepted: bool) -> UpdateTrial:
    return UpdateTrial.model_validate(
        {
            "id": package.decode(),
            "version": "made up",
            "at": "2026-01-01T00:00:00Z",
            "target": "camera",
            "package": digest_of(package),
            "signature": signature,
            "accepted": accepted,
        }
    )
