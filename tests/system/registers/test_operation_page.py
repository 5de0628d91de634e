"""The registers on the how-to page are read as they stand there, and fit together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from touchstone.checks.system_resilience.fault_trials import outcomes
from touchstone.checks.system_resilience.log_trace import written
from touchstone.checks.system_resilience.monitor_exercise import evaluate
from touchstone.checks.system_resilience.network_map import read_off
from touchstone.checks.system_resilience.offered_updates import offered
from touchstone.checks.system_resilience.rollback import judged
from touchstone.methods.operation.hash_chain import holds
from touchstone.statistics import proportion_bounds
from touchstone.system.registers.entry import Entry
from touchstone.system.registers.kinds import REGISTERS
from touchstone.system.registers.reading import parse_register

PAGE = (Path(__file__).parents[3] / "docs/how-to/record-operation.md").read_text(encoding="utf-8")
BLOCKS: dict[str, str] = {
    name: block for _, name, block in re.findall(r"```(yaml|jsonl)\n# (\S+)\n(.*?)```", PAGE, re.DOTALL)
}


def entries(name: str) -> tuple[Entry, ...]:
    ending = "jsonl" if name == "event-log" else "yaml"
    return parse_register(BLOCKS[name].encode(), f"{name}.{ending}", REGISTERS[name])


def test_every_register_that_is_declared_on_the_page_is_shown_there() -> None:
    declared = yaml.safe_load(BLOCKS["system.yaml"])["registers"]
    assert set(declared) == BLOCKS.keys() - {"system.yaml"}


@pytest.mark.parametrize("name", sorted(BLOCKS.keys() - {"system.yaml"}))
def test_each_is_read(name: str) -> None:
    assert entries(name)


def test_they_say_what_the_page_says_of_them() -> None:
    assert [each.reason for each in outcomes(entries("safety-concept"), entries("fault-injections"))] == [None, "late"]
    (settings,) = entries("monitoring-exercise")
    exercise = evaluate(settings, entries("seeded-events"), entries("alerts"), window=300)
    assert [each.reason for each in exercise.events] == [None, "missed"]
    assert exercise.alarmed_windows == 1
    drills = judged(entries("drills"), entries("releases"), "1.4.0", "sha256:" + "ab" * 32)
    assert [(each.minutes, each.reason) for each in drills] == [(18, None), (40, None)]
    (network,) = entries("network")
    seen = read_off(network, [])
    assert (seen.open_ways_in, seen.ways_to_assets) == ((), ())
    assert [node.name for node in seen.ends] == ["exchange"]
    assert offered(entries("update-trials")).accepted == ()


def test_the_log_is_a_chain_and_the_function_writes_one() -> None:
    lines = BLOCKS["event-log"].encode().splitlines()
    assert holds(lines, [event.previous for event in entries("event-log")]) == [True, True, True]
    (function,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, object] = {}
    exec(function, names)  # noqa: S102 - our own page
    logged = [{"id": "1"}, {"id": "2"}]
    first = names["line"](logged[0], None)
    assert [first, names["line"](logged[1], first)] == [line + b"\n" for line in written(logged)]


@pytest.mark.parametrize(("n", "share"), [(299, 0.99), (29, 0.9), (2995, 0.999)])
def test_the_numbers_of_trials_on_the_page_are_the_least_that_suffice(n: int, share: float) -> None:
    assert proportion_bounds(n, n)[0] >= share > proportion_bounds(n - 1, n - 1)[0]
    assert str(n) in PAGE
