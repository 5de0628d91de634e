"""Whatever the records of operation hold, more weakness never looks like less, and nothing breaks off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.canonical import digest_of
from touchstone.checks import worst_group
from touchstone.checks.system_resilience.fault_trials import outcomes
from touchstone.checks.system_resilience.monitor_exercise import THREATS, evaluate
from touchstone.checks.system_resilience.network_map import read_off
from touchstone.checks.system_resilience.rollback import FAILED_MINUTES, judged
from touchstone.system.description import EdgeDevice
from touchstone.system.registers.alerts import Alert
from touchstone.system.registers.drills import Drill
from touchstone.system.registers.fault_injections import FaultInjection
from touchstone.system.registers.monitoring_exercise import MonitoringExercise
from touchstone.system.registers.network import Network
from touchstone.system.registers.releases import Release
from touchstone.system.registers.safety_concept import SafeState
from touchstone.system.registers.seeded_events import SeededEvent

START = datetime(2026, 1, 1, tzinfo=UTC)
minutes = st.integers(-20, 80)
number = st.sampled_from(["1", "2", "3", "4"])


def at(minute: int) -> str:
    return (START + timedelta(minutes=minute)).isoformat()


EXERCISE = MonitoringExercise.model_validate(
    {"version": "1", "from": at(0), "until": at(60), "alert_within_seconds": 300.0}
)
events = st.lists(
    st.builds(
        lambda name, threat, when: SeededEvent.model_validate(
            {"id": name, "threat": threat, "at": at(when), "what": "x"}
        ),
        number,
        st.sampled_from(THREATS[:2]),
        minutes,
    ),
    max_size=6,
)
alert = st.builds(
    lambda name, threat, when: Alert.model_validate({"id": name, "threat": threat, "at": at(when)}),
    st.uuids().map(str),
    st.sampled_from(THREATS[:2]),
    minutes,
)


@settings(deadline=None)
@given(events, st.lists(alert, max_size=6), alert)
def test_one_more_alert_can_only_be_noticed_more_and_alarm_more(
    seeded: list[SeededEvent], raised: list[Alert], more: Alert
) -> None:
    before, after = evaluate(EXERCISE, seeded, raised, 60), evaluate(EXERCISE, seeded, [*raised, more], 60)
    assert sum(each.reason is None for each in after.events) >= sum(each.reason is None for each in before.events)
    assert after.quiet_windows == before.quiet_windows
    assert after.alarmed_windows >= before.alarmed_windows
    assert all((each.delay <= 300) == (each.reason is None) for each in after.events)


@settings(deadline=None)
@given(events, st.lists(alert, max_size=6), st.data())
def test_one_more_event_leaves_no_more_windows_quiet(
    seeded: list[SeededEvent], raised: list[Alert], data: st.DataObject
) -> None:
    more = data.draw(events)
    before, after = evaluate(EXERCISE, seeded, raised, 60), evaluate(EXERCISE, [*seeded, *more], raised, 60)
    assert after.quiet_windows <= before.quiet_windows <= 60
    assert after.alarmed_windows <= before.alarmed_windows


NAMES = ["a", "b", "c", "d", "e", "y", "z"]


def network(flows: list[tuple[str, str, str]], ends: set[str], isolated: bool) -> Network:
    nodes: list[dict[str, Any]] = [
        {"name": name, "zone": "z" if place > 2 else "y", "kind": kind}
        | ({"terminated_by": "something"} if name in ends else {})
        for place, (name, kind) in enumerate(
            zip("abcde", ("edge", "interface", "other", "service", "training-data"), strict=True)
        )
    ]
    zones = [{"name": "y", "trust": "low"}, {"name": "z", "trust": "high", "isolated": isolated}]
    made = [{"from": start, "to": end, "authentication": how} for start, end, how in flows]
    return Network.model_validate({"zones": zones, "nodes": nodes, "flows": made})


flow = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from(["none", "mutual-tls"]))


@settings(deadline=None)
@given(st.lists(flow, max_size=5), flow, st.sets(st.sampled_from("abcde")), st.booleans())
def test_one_more_connection_or_one_end_less_never_hides_a_way(
    flows: list[tuple[str, str, str]], more: tuple[str, str, str], ends: set[str], isolated: bool
) -> None:
    devices = [EdgeDevice(name="a", kind="camera", identity="mutual-tls")]
    before = read_off(network(flows, ends, isolated), devices)
    for weaker in (
        read_off(network([*flows, more], ends, isolated), devices),
        read_off(network(flows, set(), isolated), devices),
        read_off(network(flows, ends, False), devices),
        read_off(network(flows, ends, isolated), [devices[0].model_copy(update={"identity": "none"})]),
    ):
        assert set(before.open_ways_in) <= set(weaker.open_ways_in)
        assert {(way[0], way[-1]) for way in before.ways_to_assets} <= {
            (way[0], way[-1]) for way in weaker.ways_to_assets
        }


trials = st.lists(
    st.builds(
        lambda name, fault, begun, reached, state: FaultInjection.model_validate(
            {"id": name, "version": "1", "fault": fault, "injected": at(begun), "state": state}
            | ({} if reached is None else {"reached": at(reached)})
        ),
        number,
        st.sampled_from(["sensor-loss", "time-out"]),
        minutes,
        st.none() | minutes,
        st.none() | st.sampled_from(["stop", " STOP ", "go"]),
    ),
    min_size=1,
    max_size=6,
)


@settings(deadline=None)
@given(trials, st.booleans())
def test_every_trial_has_one_outcome_and_a_safe_one_was_in_time(injected: list[FaultInjection], both: bool) -> None:
    concept = [SafeState(fault="sensor-loss", safe_state="stop", seconds=600.0)]
    concept += [SafeState(fault="time-out", safe_state="stop", seconds=60.0)] * both
    found = outcomes(concept, injected)
    assert [each.id for each in found] == [trial.id for trial in injected]
    assert all(each.ratio <= 1 for each in found if each.reason is None)
    groups = {each.fault: [other.ratio for other in found if other.fault == each.fault] for each in found}
    worst, *parts = worst_group.shares(
        "safe_state_reached",
        {fault: (sum(ratio <= 1 for ratio in group), len(group)) for fault, group in groups.items()},
        "fault",
    )
    assert worst.low is not None
    assert worst.high is not None
    assert worst.low <= worst.value <= worst.high
    assert worst.value == min(part.value for part in parts)


digests = st.sampled_from([digest_of(bytes([place])) for place in range(3)])


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(number, st.sampled_from(["rollback", "restore"]), minutes, st.none() | minutes, st.none() | digests),
        max_size=5,
    ),
    st.lists(st.tuples(number, minutes, digests), max_size=4),
    st.none() | digests,
)
def test_a_drill_counts_for_its_time_or_for_a_year(
    held: list[tuple[str, str, int, int | None, str | None]], released: list[tuple[str, int, str]], present: str | None
) -> None:
    drills = [
        Drill.model_validate(
            {"id": name, "kind": kind, "started": at(begun), "objective_minutes": 30.0}
            | ({} if ended is None else {"finished": at(ended)})
            | ({} if after is None else {"model_after": after})
        )
        for name, kind, begun, ended, after in held
    ]
    releases = [
        Release.model_validate({"version": name, "released": at(when), "model": model})
        for name, when, model in released
    ]
    for each in judged(drills, releases, "1", present):
        assert (each.minutes == FAILED_MINUTES) == (each.reason is not None)
        assert each.reason is not None or 0 <= each.minutes <= 100
