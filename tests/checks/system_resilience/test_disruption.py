"""`supply.disruption` on the example of the documentation, and on everything that can be wrong with it."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tests.checks.running import InProcessRun, codes, metric
from tests.system.made import describe, make
from touchstone.canonical import digest_of
from touchstone.checks.declaration import Measurement
from touchstone.checks.system_resilience.disruption import disruption
from touchstone.errors import DescriptionError, UnavailableError
from touchstone.records import Access, CheckIdentity, Metric, Observation
from touchstone.system.registers.reading import parse_register
from touchstone.system.registers.substitution_tests import SubstitutionTest
from touchstone.system.registers.supply_graph import SupplyItem

PAGE = Path(__file__).parents[3] / "docs/how-to/show-supply-resilience.md"
RECORD = b"the record of the test"

Entries = list[dict[str, Any]]


def written(name: str) -> str:
    """One of the examples of the how-to page, as it stands there."""
    [found] = re.findall(rf"```yaml\n# {re.escape(name)}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


def example(name: str) -> Entries:
    entries: Entries = yaml.safe_load(written(name))
    for entry in entries:
        if "tested" in entry:
            entry |= {"tested": str(entry["tested"]), "evidence": digest_of(RECORD)}
    return entries


GRAPH, TESTS = example("supply/graph.yaml"), example("supply/tests.yaml")
CHIP = {"name": "Example NPU", "kind": "chip", "origin": "TW", "supplier": "Example Semiconductors"}


def changed(entries: Entries, name: str, **fields: Any) -> Entries:
    return [entry | fields if entry.get("name", entry.get("item")) == name else entry for entry in entries]


def measure(
    folder: Path,
    graph: Entries = GRAPH,
    tests: Entries | None = TESTS,
    components: Entries | None = None,
    used_in: list[str] | None = None,
    record: bytes = RECORD,
    **model: Any,
) -> tuple[Measurement, InProcessRun]:
    description = describe(columns=["a"], format_="onnx", file="model.onnx", **model)
    description["components"] = [CHIP] if components is None else components
    description["deployment"] = {"jurisdictions": used_in or ["CN"]}
    description["documents"] = [{"path": "test.txt", "controls": ["SR-13"], "title": "test"}]
    description["registers"] = {"supply-graph": "graph.yaml"}
    files = {"graph.yaml": yaml.safe_dump(graph).encode(), "test.txt": record, "model.onnx": b"model"}
    if tests is not None:
        description["registers"]["substitution-tests"] = "tests.jsonl"
        files["tests.jsonl"] = "".join(json.dumps(test) + "\n" for test in tests).encode()
    run = InProcessRun()
    measurement = disruption.function(make(folder, description, files), disruption.parameters(), run)
    assert all(control.passed for control in measurement.controls)
    assert {each.id for each in measurement.metrics} == {each.id for each in disruption.metrics}
    return measurement, run


def value(measurement: Measurement, name: str, part: str | None = None) -> float:
    return float(metric(measurement, name, part).value)


def exposed(measurement: Measurement) -> float:
    return value(measurement, "critical_items_tts_below_ttr")


def test_the_examples_are_read_as_they_stand() -> None:
    assert len(parse_register(written("supply/graph.yaml").encode(), "graph.yaml", SupplyItem)) == len(GRAPH)
    [test] = parse_register(written("supply/tests.yaml").encode(), "tests.yaml", SubstitutionTest)
    assert test.tested.isoformat() == TESTS[0]["tested"]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"name": "f", "kind": "function"}, "a function has needs and nothing else"),
        ({"name": "f", "kind": "function", "needs": [{"item": "x"}], "supplier": "y"}, "a function has needs and"),
        ({"name": "x", "interruptions": [{"mode": "supply", "survive_days": -1}]}, "at least 0"),
        ({"name": "x", "interruptions": [{"mode": "theft", "survive_days": 1}]}, "one of supply, updates, remote, use"),
        ({"name": "x", "jurisdictions": ["Mars"]}, "an ISO 3166 code"),
    ],
)
def test_what_no_entry_may_say_is_refused_in_words(entry: dict[str, Any], reason: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        parse_register(json.dumps(entry).encode(), "graph.jsonl", SupplyItem)
    assert reason in caught.value.render("en")
    assert re.search("[\u4e00-\u9fff]", caught.value.render("zh"))


def test_more_cases_cannot_agree_than_were_tried() -> None:
    with pytest.raises(DescriptionError, match="more cases agree than were tried"):
        parse_register(json.dumps(TESTS[0] | {"agreeing": 1001}).encode(), "t.jsonl", SubstitutionTest)


def test_the_example_is_what_the_page_says_of_it(tmp_path: Path) -> None:
    measurement, run = measure(tmp_path)
    assert exposed(measurement) == 1
    assert value(measurement, "single_jurisdiction_loss") == 0.5
    assert value(measurement, "single_jurisdiction_loss", "jurisdiction=US") == 0.5
    assert value(measurement, "single_jurisdiction_loss", "jurisdiction=TW") == 0
    # chip and driver have a stand-in, the training service has none, nobody can stop the runtime
    assert value(measurement, "verified_substitute_share") == pytest.approx(2 / 3)
    assert value(measurement, "single_points_of_failure") == 2
    assert value(measurement, "graph_completeness") == 1
    assert value(measurement, "months_without_vendor_updates_survivable") == pytest.approx(12, abs=0.01)
    assert codes(measurement) == ["tts-below-ttr", "home-not-counted", "worst-jurisdiction"]
    cuts = json.loads(run.kept["cut_sets.json"])
    assert cuts["single"] == ["runtime", "training service"]
    assert cuts["pairs"]["live decisions"] == [["driver", "second chip"], ["inference chip", "second chip"]]
    rows = list(csv.DictReader(io.StringIO(run.kept["scenarios.csv"].decode())))
    assert {
        "kind": "item",
        "name": "training service",
        "first_loss_day": "0",
        "longest_loss_days": "90",
    }.items() <= next(row.items() for row in rows if row["name"] == "training service")
    ElementTree.fromstring(run.kept["loss_by_jurisdiction.svg"])  # noqa: S314 - our own picture


def test_without_its_test_the_substitute_does_not_count(tmp_path: Path) -> None:
    measurement, _ = measure(tmp_path, tests=None)
    assert value(measurement, "verified_substitute_share") == 0
    assert exposed(measurement) == 2  # the chip's stock of 60 days is gone before 270
    assert "substitute-untested" in codes(measurement)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"evidence": "sha256:" + "0" * 64}, "is not among the documents handed in"),
        ({"evidence": digest_of(b"model")}, "is not among the documents handed in"),
        ({"model": "sha256:" + "0" * 64}, "another model"),
        ({"agreeing": 980}, "980 of 1000 agreeing cases do not show"),
        ({"cases": 100, "agreeing": 100}, "do not show an agreement of 0.99"),
        ({"form": "edge"}, "no deployed form of the model is called edge"),
    ],
)
def test_a_test_that_shows_too_little_does_not_count(tmp_path: Path, fields: dict[str, Any], reason: str) -> None:
    tests = changed(TESTS, "inference chip", **fields)
    measurement, _ = measure(tmp_path, tests=tests)
    assert value(measurement, "verified_substitute_share") == 0
    assert [reason in note.text.en for note in measurement.warnings if note.code == "substitute-not-shown"] == [True]


def test_of_two_tests_on_one_day_the_worse_decides(tmp_path: Path) -> None:
    failed = TESTS[0] | {"agreeing": 0}
    for number, tests in enumerate(([failed, *TESTS], [*TESTS, failed])):
        measurement, _ = measure(tmp_path / str(number), tests=tests)
        assert value(measurement, "verified_substitute_share") == value(
            measure(tmp_path / f"alone {number}", tests=[failed, *TESTS[1:]])[0], "verified_substitute_share"
        )


def test_a_later_failure_takes_an_earlier_success_back(tmp_path: Path) -> None:
    later = changed(TESTS, "inference chip", tested="2026-10-01", agreeing=500)
    assert value(measure(tmp_path, tests=[*later, *TESTS])[0], "verified_substitute_share") == 0


@pytest.mark.parametrize(("low", "counts"), [("0.995", True), ("0.95", False)])
def test_what_was_measured_goes_before_what_is_claimed(tmp_path: Path, low: str, counts: bool) -> None:
    agreement = Metric(
        id="prediction_agreement", unit="share", value=1, low=low, n=1000, better="higher", slice="form=edge"
    )
    observation = Observation(
        check=CheckIdentity(id="model.equivalence", version="1"),
        system="sha256:" + "1" * 64,
        parameters={},
        seed="",
        access=Access.LABELS,
        status="measured",
        metrics=(agreement,),
    ).to_bytes()
    tests = changed(TESTS, "inference chip", form="edge", evidence=digest_of(observation), agreeing=1)
    forms = [{"name": "edge", "format": "onnx", "file": "model.onnx"}]
    measurement, _ = measure(tmp_path, tests=tests, record=observation, deployed=forms)
    assert value(measurement, "verified_substitute_share") == pytest.approx(2 / 3 if counts else 0)


def test_a_move_that_takes_longer_than_the_stock_lasts_is_exposed(tmp_path: Path) -> None:
    slow = changed(TESTS, "inference chip", switch_days=61)
    measurement, _ = measure(tmp_path, tests=slow)
    assert exposed(measurement) == 2
    assert "live decisions is lost from day 60" in "".join(note.text.en for note in measurement.warnings)


def test_a_substitute_from_the_same_jurisdiction_does_not_help_against_it(tmp_path: Path) -> None:
    graph = changed(GRAPH, "second chip", jurisdictions=["US"], interruptions=[{"mode": "use", "survive_days": 0}])
    measurement, _ = measure(tmp_path, graph)
    assert value(measurement, "single_jurisdiction_loss") == 1
    assert value(measurement, "single_jurisdiction_loss", "jurisdiction=TW") == 0
    assert exposed(measurement) == 1


def test_what_is_unknown_counts_as_lost(tmp_path: Path) -> None:
    graph = [*changed(GRAPH, "runtime", jurisdictions=None, interruptions=None)]
    measurement, _ = measure(tmp_path, graph)
    assert exposed(measurement) == 2
    assert value(measurement, "single_jurisdiction_loss", "jurisdiction=TW") == 0.5  # the runtime may be theirs
    assert value(measurement, "single_jurisdiction_loss", "jurisdiction=?") == 0.5
    assert value(measurement, "graph_completeness") < 1


def test_what_is_needed_and_not_listed_counts_as_lost(tmp_path: Path) -> None:
    graph = [entry for entry in GRAPH if entry["name"] != "driver"]
    measurement, _ = measure(tmp_path, graph)
    assert "item-without-entry" in codes(measurement)
    assert exposed(measurement) == 2  # the move to the second chip takes 21 days, the driver is gone today


def test_a_component_outside_the_graph_is_needed_by_everything(tmp_path: Path) -> None:
    library = {"name": "numerics", "kind": "library", "origin": "DE", "substitutes": ["other numerics"]}
    measurement, _ = measure(tmp_path, components=[CHIP, library])
    assert {"component-not-in-graph", "substitute-untested"} <= set(codes(measurement))
    assert exposed(measurement) == 2
    assert value(measurement, "single_jurisdiction_loss") == 1


def test_a_component_is_not_hidden_by_an_item_that_nothing_needs(tmp_path: Path) -> None:
    service = {"name": "map service", "kind": "service"}
    alone: dict[str, Any] = {"name": "map service", "jurisdictions": [], "interruptions": []}
    function: dict[str, Any] = {"name": "map service", "kind": "function", "needs": [{"item": "runtime"}]}
    for number, hidden in enumerate((alone, function)):
        measurement, _ = measure(tmp_path / str(number), [*GRAPH, hidden], components=[CHIP, service])
        assert "component-not-in-graph" in codes(measurement)
        assert exposed(measurement) == 2


def test_the_bill_of_materials_is_held_against_the_graph(tmp_path: Path) -> None:
    chip = CHIP | {"origin": "KR"}
    service = {"name": "training service", "kind": "service"}
    graph = changed(GRAPH, "training service", interruptions=[])
    measurement, _ = measure(tmp_path, graph, components=[chip, service])
    assert {"origin-left-out", "interruption-left-out"} <= set(codes(measurement))
    assert value(measurement, "single_jurisdiction_loss", "jurisdiction=KR") == 0
    assert exposed(measurement) == 1
    contradiction = changed(GRAPH, "runtime", jurisdictions=["DE"])
    measurement, _ = measure(tmp_path / "contradiction", contradiction)
    assert value(measurement, "single_jurisdiction_loss", "jurisdiction=DE") == 0.5
    graph = changed(GRAPH, "runtime", component="no such thing")
    assert "no-such-component" in codes(measure(tmp_path / "other", graph)[0])


def test_where_nothing_can_be_cut_off_nothing_is_critical(tmp_path: Path) -> None:
    safe = [entry | ({} if "kind" in entry else {"jurisdictions": [], "interruptions": []}) for entry in GRAPH]
    measurement, _ = measure(tmp_path / "safe", safe, components=[{"name": "runtime", "kind": "library"}])
    assert (exposed(measurement), value(measurement, "verified_substitute_share")) == (0, 1)
    assert value(measurement, "single_jurisdiction_loss") == 0


def test_without_a_bill_of_materials_a_graph_shows_nothing(tmp_path: Path) -> None:
    trivial = [{"name": "f", "kind": "function", "needs": [{"item": "x"}]}, {"name": "x", "jurisdictions": []}]
    with pytest.raises(UnavailableError, match="no component is declared"):
        measure(tmp_path, trivial, components=[])


def test_home_counts_where_the_system_is_used_in_several_places(tmp_path: Path) -> None:
    assert value(measure(tmp_path / "one", used_in=["US-CA", "US"])[0], "single_jurisdiction_loss") == 0
    assert value(measure(tmp_path / "two", used_in=["US", "CN"])[0], "single_jurisdiction_loss") == 0.5


def test_without_updates_the_driver_lasts_as_long_as_it_says(tmp_path: Path) -> None:
    graph = changed(GRAPH, "driver", interruptions=[{"mode": "updates", "survive_days": 10}])
    months = "months_without_vendor_updates_survivable"
    assert value(measure(tmp_path / "slow", graph)[0], months) == pytest.approx(10 / 30.4375)
    quick = changed(TESTS, "inference chip", switch_days=10)
    assert value(measure(tmp_path / "quick", graph, quick)[0], months) == pytest.approx(12, abs=0.01)


@pytest.mark.parametrize(
    ("graph", "reason"),
    [
        ([*GRAPH, dict(GRAPH[-1], interruptions=[], jurisdictions=[])], "two entries are called training service"),
        (GRAPH[2:], "no entry is a function"),
        ([*GRAPH, {"name": "x", "needs": [{"item": "retraining"}]}], "is a function and is needed"),
    ],
)
def test_a_graph_that_says_nothing_clear_is_not_tested(tmp_path: Path, graph: Entries, reason: str) -> None:
    with pytest.raises(UnavailableError, match=reason):
        measure(tmp_path, graph)


def test_without_a_graph_it_is_not_tested(tmp_path: Path) -> None:
    subject = make(tmp_path, describe(columns=["a"], format_="onnx", file="m"), {"m": b""})
    with pytest.raises(UnavailableError, match="graph of supplies"):
        disruption.function(subject, disruption.parameters(), InProcessRun())
