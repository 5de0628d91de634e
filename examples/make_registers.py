"""Writes the registers of the example systems: made-up records of how somebody might run and govern them.

    python examples/make_registers.py

Everything in them is invented, with days in 2026, by a fixed seed; only digests, rows and answers are those of the real
example files. The city keeps good records. The hospital let one acceptance of a risk run out and answers errors less
often than it should. The pump maker has not looked at its suppliers.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import yaml

import touchstone

EXAMPLES = Path(__file__).parent
CHINA = timezone(timedelta(hours=8))
DECISIONS = 3_000
"""Of the trace exercise: 2,995 without a miss show 99.9 %."""

Entry = dict[str, Any]


class _Plain(yaml.SafeDumper):
    """Writes everything out: registers know no references from one place to another."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def moment(day: str, clock: str = "09:00:00", *, seconds: float = 0.0) -> str:
    """A time in China, to the millisecond."""
    when = datetime.fromisoformat(f"{day}T{clock}+08:00") + timedelta(seconds=seconds)
    return when.astimezone(CHINA).isoformat(timespec="milliseconds")


def sha256(path: Path) -> str:
    """Digest of a file as registers write it."""
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def write(folder: Path, name: str, content: Entry | list[Entry]) -> None:
    """One register in YAML."""
    (folder / "registers").mkdir(exist_ok=True)
    text = yaml.dump(content, Dumper=_Plain, allow_unicode=True, sort_keys=False, default_flow_style=None, width=140)
    (folder / "registers" / f"{name}.yaml").write_text("# Made up, see examples/make_registers.py\n" + text, "utf-8")


def city() -> None:
    """The roadside units of `smart-city`, in good order."""
    folder = EXAMPLES / "smart-city"
    model = folder / "model" / "signs.onnx"
    state = {"version": "2.1.0", "files": {"model/signs.onnx": sha256(model)}}
    operation_of_the_city(folder, sha256(model))
    network_of_the_city(folder)
    supplies_of_the_city(folder)
    governance(folder, state, threats=["AML.T0015", "AML.T0043", "AML.T0041", "AML.T0018", "AML.T0020", "AML.T0010"])
    write(folder, "surveillance-plan", surveillance_plan("sign-accuracy", "on signs that a clerk confirmed", 0.95))
    write(folder, "surveillance-reports", surveillance_reports(state, "sign-accuracy", (0.981, 0.979)))
    write(
        folder,
        "obligations",
        {
            "as_of": "2026-11-20",
            "facts": {"org.central_state_body": False},
            "filings": [],
            "decisions": [],
            "holidays": [],
        },
    )
    write(folder, "incident-drills", [incident_drill(minutes=130)])


def operation_of_the_city(folder: Path, model: str) -> None:
    """Logs, the exercise of the monitor, drills."""
    subject = touchstone.open_system(folder)
    test = subject.data("test")
    probabilities = subject.model().probabilities(test.inputs)
    labels = subject.description.model.output.labels
    generator = np.random.default_rng(20261112)
    lines: list[bytes] = []
    for number in range(DECISIONS):
        row = int(generator.integers(len(test)))
        entry: Entry = {
            "id": f"d{number:05}",
            "at": moment("2026-11-12", seconds=2.5 * number),
            "kind": "decision",
            "model": model,
            "row": (test.identifiers or ())[row],
            "output": labels[int(probabilities[row].argmax())],
            "probability": round(float(probabilities[row].max()), 4),
        }
        if lines:
            entry["previous"] = "sha256:" + hashlib.sha256(lines[-1].rstrip(b"\n")).hexdigest()
        lines.append(json.dumps(entry, separators=(",", ":")).encode() + b"\n")
    (folder / "registers").mkdir(exist_ok=True)
    (folder / "registers" / "event-log.jsonl").write_bytes(b"".join(lines))
    write(
        folder,
        "log-retention",
        [
            {
                "store": "decision log",
                "as_of": "2026-11-20",
                "days": 365,
                "in_use_since": "2025-03-01",
                "oldest_entry": "2025-11-20",
            }
        ],
    )
    exercise, until = "2026-11-03", datetime.fromisoformat("2026-11-09T00:00:00+08:00")
    write(
        folder,
        "monitoring-exercise",
        {
            "version": "2.1.0",
            "from": moment(exercise, "00:00:00"),
            "until": until.isoformat(),
            "alert_within_seconds": 60,
        },
    )
    threats = ["adversarial-input", "drift", "exfiltration", "tampered-parameters", "poisoned-feed"]
    events, alerts = [], []
    for number in range(31 * len(threats)):
        threat = threats[number % len(threats)]
        begun = 1800.0 + 3000.0 * number
        what = f"seeded {threat.replace('-', ' ')}, variant {number // len(threats) + 1}"
        events.append(
            {"id": f"SE-{number:03}", "threat": threat, "at": moment(exercise, "00:00:00", seconds=begun), "what": what}
        )
        noticed = begun + float(generator.uniform(5, 45))
        alerts.append({"id": f"A-{number:03}", "threat": threat, "at": moment(exercise, "00:00:00", seconds=noticed)})
    write(folder, "seeded-events", events)
    write(folder, "alerts", alerts)
    earlier = "sha256:" + hashlib.sha256(b"the model of version 2.0.3, which is not shown").hexdigest()
    write(
        folder,
        "releases",
        [
            {"version": "2.0.3", "released": moment("2026-02-02"), "model": earlier},
            {"version": "2.1.0", "released": moment("2026-08-03"), "model": model},
        ],
    )
    drills = []
    for number in range(10):
        kind, after, minutes = ("rollback", earlier, 30) if number < 5 else ("restore", model, 60)
        begun = moment("2026-10-05", "02:00:00", seconds=7200.0 * number)
        ended = moment("2026-10-05", "02:00:00", seconds=7200.0 * number + 60 * float(generator.uniform(11, 26)))
        drills.append(
            {
                "id": f"DR-{number:02}",
                "kind": kind,
                "started": begun,
                "finished": ended,
                "objective_minutes": minutes,
                "model_after": after,
            }
        )
    write(folder, "drills", drills)


def network_of_the_city(folder: Path) -> None:
    """Zones with a diode before the training data, and updates that were tried."""
    write(
        folder,
        "network",
        {
            "zones": [
                {"name": "roadside", "trust": "low"},
                {"name": "centre", "trust": "high", "isolated": True},
                {"name": "laboratory", "trust": "high"},
            ],
            "nodes": [
                {"name": "roadside-unit", "zone": "roadside", "kind": "edge"},
                {"name": "gateway", "zone": "centre", "kind": "interface"},
                {
                    "name": "exchange",
                    "zone": "centre",
                    "kind": "other",
                    "terminated_by": "data diode, hand-over reviewed",
                },
                {"name": "archive", "zone": "laboratory", "kind": "training-data"},
                {"name": "weights", "zone": "laboratory", "kind": "parameters"},
            ],
            "flows": [
                {"from": "roadside-unit", "to": "gateway", "authentication": "signed-readings"},
                {"from": "gateway", "to": "exchange", "authentication": "mutual-tls"},
                {"from": "exchange", "to": "archive", "authentication": "mutual-tls"},
            ],
        },
    )
    flaws = ["none", "wrong-key", "altered", "expired", "older-version"]
    trials = [
        {
            "id": f"UT-{number:02}",
            "version": "2.1.0",
            "at": moment("2026-11-04", "10:00:00", seconds=300.0 * number),
            "target": "roadside-unit",
            "package": "sha256:" + hashlib.sha256(f"package {number}".encode()).hexdigest(),
            "signature": "valid" if number == 10 else flaws[number % len(flaws)],
            "accepted": number == 10,
        }
        for number in range(11)
    ]
    write(folder, "update-trials", trials)


def supplies_of_the_city(folder: Path) -> None:
    """What reading signs needs, how long it lasts without, and what was tried in its place."""

    def item(name: str, component: str, jurisdiction: str, mode: str, survive: int, recover: int, **rest: Any) -> Entry:
        lost = {"mode": mode, "survive_days": survive, "recover_days": recover}
        return {"name": name, "component": component, "jurisdictions": [jurisdiction], "interruptions": [lost], **rest}

    write(
        folder,
        "supply-graph",
        [
            {
                "name": "reading signs",
                "kind": "function",
                "needs": [
                    {"item": "unit"},
                    {"item": "processor", "substitutes": ["x86-64 unit"]},
                    {"item": "camera", "substitutes": ["second camera"]},
                    {"item": "runtime", "substitutes": ["trainer"]},
                ],
            },
            {"name": "training again", "kind": "function", "needs": [{"item": "trainer"}]},
            item("unit", "roadside unit", "CN", "supply", 365, 90),
            item("processor", "roadside processor", "CN", "supply", 400, 180),
            item("camera", "camera module", "CN", "supply", 365, 60),
            item("runtime", "ONNX Runtime", "US", "updates", 540, 120),
            item("trainer", "PyTorch", "US", "updates", 540, 180),
            *(
                {
                    "name": name,
                    "supplier": supplier,
                    "jurisdictions": ["CN"],
                    "interruptions": [{"mode": "supply", "survive_days": 365, "recover_days": 120}],
                }
                for name, supplier in (
                    ("x86-64 unit", "Example Boards Ltd. (fictional)"),
                    ("second camera", "Example Lenses Ltd. (fictional)"),
                )
            ),
        ],
    )
    record = folder / "documents" / "substitution.md"
    record.write_text(
        "# Substitution tests\n\nMade up. On 2026-09-14 the register of signs ran on an x86-64 unit, with another\n"
        "camera and on PyTorch in place of ONNX Runtime: 900 pictures each, the same sign in 900, 899 and 900.\n",
        "utf-8",
    )
    tried = (("processor", "x86-64 unit", 900), ("camera", "second camera", 899), ("runtime", "trainer", 900))
    write(
        folder,
        "substitution-tests",
        [
            {
                "item": what,
                "substitute": instead,
                "tested": "2026-09-14",
                "evidence": sha256(record),
                "cases": 900,
                "agreeing": agreeing,
                "switch_days": 21,
            }
            for what, instead, agreeing in tried
        ],
    )


def hospital() -> None:
    """The committee, the overseers and the risks of `healthcare`, with two things left undone."""
    folder = EXAMPLES / "healthcare"
    model = folder / "model" / "progression.skops"
    state = {"version": "1.0.0", "files": {"model/progression.skops": sha256(model)}}
    governance(
        folder,
        state,
        threats=["AML.T0043", "AML.T0024", "AML.T0018", "AML.T0020", "AML.T0010"],
        accepted_until="2026-10-31",  # nobody renewed it
    )
    disciplines = ["domain", "technical", "law", "ethics", "technical", "other", "domain"]
    members = [
        {
            "person": f"P-0{number}",
            "employer": "Example University" if number in {4, 5} else "Example Hospital",
            "discipline": discipline,
            "since": "2026-01-01",
        }
        for number, discipline in enumerate(disciplines, 1)
    ]
    write(
        folder,
        "committee",
        {
            "as_of": "2026-11-20",
            "organisation": "Example Hospital",
            "in_service_since": "2026-07-01",
            "members": members,
        },
    )
    votes: list[Entry] = [{"person": f"P-0{number}", "vote": "for"} for number in range(1, 6)]
    votes.append({"person": "P-06", "vote": "against", "reason": "patients were not asked"})
    write(
        folder,
        "committee-decisions",
        [
            {
                "id": "D-2026-07",
                "at": moment("2026-06-18", "15:00:00"),
                "state": state,
                "requested_by": "P-40",
                "involved": ["P-07", "P-41"],
                "present": [f"P-0{number}" for number in range(1, 8)],
                "recused": ["P-07"],
                "votes": votes,
                "outcome": "approved",
                "conditions": [{"what": "ask patients", "due": "2026-09-30", "met": "2026-09-02"}],
            }
        ],
    )
    oversight(folder, state)
    write(folder, "surveillance-plan", surveillance_plan("sensitivity", "on patients seen again", 0.65))
    write(folder, "surveillance-reports", surveillance_reports(state, "sensitivity", (0.71, 0.69)))
    write(folder, "flows", [])
    deletions = [
        {
            "id": f"DEL-{number:04}",
            "subject": f"P-REMOVED-{number:04}",
            "requested": moment("2026-09-01", seconds=86_400.0 * number),
            "done": moment("2026-09-05", seconds=86_400.0 * number),
        }
        for number in range(24)
    ]
    write(folder, "derived-records", [])
    write(folder, "deletions", [hidden(each) for each in deletions])
    write(
        folder,
        "obligations",
        {
            "as_of": "2026-11-20",
            "facts": {"org.central_state_body": False},
            "filings": [],
            "decisions": [],
            "holidays": [],
        },
    )
    write(folder, "incident-drills", [incident_drill(minutes=275)])


def hidden(deletion: Entry) -> Entry:
    """The same request without the subject's identifier, which the register need not keep."""
    subject = deletion["subject"]
    rest = {name: value for name, value in deletion.items() if name != "subject"}
    return {**rest, "subject_digest": "sha256:" + hashlib.sha256(subject.encode()).hexdigest()}


def oversight(folder: Path, state: Entry) -> None:
    """An exercise of two physicians: 60 wrong marks among 120, of which they let too many pass."""
    generator = np.random.default_rng(20260601)
    order = generator.permutation(120)
    write(folder, "oversight", {"state": state, "overseers": ["P-51", "P-52"], "blinded": True})
    cases: list[Entry] = []
    for place, number in enumerate(order):
        wrong = number < 60
        truth = ("low", "high")[int(number) % 2]
        advice = truth if not wrong else ("high" if truth == "low" else "low")
        caught = generator.random() < 0.8
        decision = truth if (caught or not wrong) else advice
        shown = 60.0 * place
        cases.append(
            {
                "case": f"C-{int(number):03}",
                "overseer": ("P-51", "P-52")[(int(number) // 2) % 2],
                "truth": truth,
                "advice": advice,
                "decision": decision,
                "shown": moment("2026-06-01", seconds=shown),
                "decided": moment("2026-06-01", seconds=shown + float(generator.uniform(6, 40))),
            }
        )
    write(folder, "oversight-cases", cases)
    write(
        folder,
        "stop-trials",
        [
            {
                "id": f"ST-0{number}",
                "state": state,
                "overseer": f"P-5{number}",
                "control": "switch at the desk",
                "pressed": moment("2026-06-02", "10:00:00"),
                "stopped": moment("2026-06-02", "10:00:01"),
                "within_seconds": 2,
                "answers_after": 0,
            }
            for number in (1, 2)
        ],
    )


def governance(folder: Path, state: Entry, threats: list[str], accepted_until: str = "2027-03-31") -> None:
    """Risks with what was accepted of them, and reports of flaws."""
    write(
        folder,
        "risks",
        [
            {
                "id": "R-01",
                "title": "The system is attacked in one of the ways that were considered",
                "identified": "2026-03-02",
                "owner": "P-20",
                "threats": threats,
                "treatment": "reduce",
                "residual": "low",
            }
        ],
    )
    write(
        folder,
        "risk-acceptances",
        [
            {
                "id": "RA-01",
                "risk": "R-01",
                "requested_by": "P-40",
                "accepted_by": "P-30",
                "accepted": "2026-06-20",
                "until": accepted_until,
                "state": state,
                "reason": "a person decides about every case",
            }
        ],
    )
    write(
        folder,
        "disclosure",
        {
            "as_of": "2026-11-20",
            "intake": "https://example.org/.well-known/security.txt",
            "policy": "https://example.org/disclosure",
            "holidays": ["2026-10-01", "2026-10-02", "2026-10-05", "2026-10-06", "2026-10-07"],
            "worked_weekends": ["2026-10-10"],
        },
    )
    write(
        folder,
        "disclosure-cases",
        [
            {
                "id": "F-2026-001",
                "kind": "model",
                "drill": True,
                "received": moment("2026-09-28", "16:00:00"),
                "acknowledged": moment("2026-09-30", "10:00:00"),
                "reproduced": {"shown": 37, "not_shown": 63},
                "authority_notified": moment("2026-09-29"),
                "fixed": moment("2026-10-20"),
                "retested": {"shown": 0, "not_shown": 100},
                "advisory": {"id": "EX-2026-1", "published": moment("2026-10-21")},
            }
        ],
    )


def surveillance_plan(signal: str, what: str, low: float) -> Entry:
    """One signal that suspends and one that does not."""
    return {
        "as_of": "2026-11-20",
        "since": "2026-07-01",
        "signals": [
            {"name": signal, "what": what, "every_days": 92, "low": low, "suspends": True, "react_days": 10},
            {"name": "complaints", "what": "in three months", "every_days": 92, "high": 20, "react_days": 30},
        ],
        "retirement": {"model": "archived", "data": "deleted", "by": "P-20"},
    }


def surveillance_reports(state: Entry, signal: str, values: tuple[float, float]) -> list[Entry]:
    """Two reports without anything out of range."""
    days = (date(2026, 9, 28), date(2026, 11, 18))
    return [
        {
            "id": f"S-2026-{number}",
            "at": day.isoformat(),
            "state": state,
            "by": "P-55",
            "values": {signal: value, "complaints": 2},
        }
        for number, (day, value) in enumerate(zip(days, values, strict=True), 1)
    ]


def incident_drill(minutes: int) -> Entry:
    """A larger incident of which the provincial authority was told after so many minutes."""
    detected = datetime(2026, 9, 1, 9, 30, tzinfo=CHINA)
    return {
        "id": "ID-2026-01",
        "facts": {
            "incident.grade": "larger",
            "incident.personal_data": False,
            "org.central_state_body": False,
            "org.network_products_in_china": False,
        },
        "detected": detected.isoformat(),
        "notifications": [
            {"to": "cac-provincial", "owner": "P-07", "at": (detected + timedelta(minutes=minutes)).isoformat()}
        ],
    }


def pump_maker() -> None:
    """A supply graph of `manufacturing` that names what it needs and no way out."""
    folder = EXAMPLES / "manufacturing"
    components = yaml.safe_load((folder / "system.yaml").read_text("utf-8"))["components"]
    names = [component["name"] for component in components if component["kind"] != "dataset"]
    items = [
        {
            "name": f"item {number}",
            "component": name,
            "jurisdictions": ["US"],
            "interruptions": [{"mode": "supply", "survive_days": 30}],
        }
        for number, name in enumerate(names, 1)
    ]
    needs = [{"item": item["name"]} for item in items]
    write(folder, "supply-graph", [{"name": "warning of failures", "kind": "function", "needs": needs}, *items])


if __name__ == "__main__":
    city()
    hospital()
    pump_maker()
    print("registers written at", datetime.now(UTC).date().isoformat())
