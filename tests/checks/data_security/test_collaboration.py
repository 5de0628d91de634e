"""`collab.session`: small cohorts, single rows and plain means are found out; large cohorts and robust rules pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.checks.registers import with_registers
from tests.checks.running import METHOD_CODE, InProcessRun, codes, metric
from tests.system.made import data_set, describe, make
from touchstone.canonical import digest_of, parse_json
from touchstone.checks.data_security.collaboration import SessionParameters, collaboration
from touchstone.checks.data_security.collaboration_cohorts import Opened, audited, smallest_cohort
from touchstone.checks.data_security.collaboration_federation import ALL_ATTACKS, Runs, drop_metric
from touchstone.checks.declaration import Measurement
from touchstone.errors import DescriptionError, UnavailableError
from touchstone.system.description import Collaboration
from touchstone.system.registers.collaboration_rounds import CollaborationRound
from touchstone.system.subject import Subject

COLUMNS = list("abcdef")
PARTIES = [f"hospital-{number}" for number in range(10)]
DECLARED: dict[str, Any] = {
    "parties": 10,
    "rounds": 25,
    "rule": "median",
    "server_sees": "result",
    "local_steps": 2,
    "batch_size": 16,
    "learning_rate": 0.5,
}


def table(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, len(COLUMNS))).astype(np.float32)
    return x, (x @ np.array([2, -1, 1, 0, 0.5, 0]) + 0.3 * generator.normal(size=n) > 0).astype(np.int64)


def csv(x: np.ndarray, y: np.ndarray) -> bytes:
    rows = [",".join([*map(repr, map(float, row)), str(label)]) for row, label in zip(x, y, strict=True)]
    return ("\n".join([",".join([*COLUMNS, "truth"]), *rows]) + "\n").encode()


def opened(number: int, **changes: Any) -> dict[str, Any]:
    name = changes.get("id", f"R{number}")
    return {
        "id": name,
        "round": number,
        "at": f"2026-01-{number:02d}T00:00:00Z",
        "invited": PARTIES,
        "summed": PARTIES,
        "authenticated": PARTIES,
        "aggregate": digest_of(name.encode()),
        **changes,
    }


def system(
    folder: Path,
    *,
    model: tuple[str, bytes, dict[str, Any]] | None = None,
    register_of: list[dict[str, Any]] | None = None,
    train: int = 600,
    **declared: Any,
) -> Subject:
    """A linear model of a table that ten parties trained; `register_of` are its rounds."""
    x, y = table(train, 0)
    if model is None:
        import skops.io
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        model = ("skops", skops.io.dumps(make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)), {})
    format_, content, rest = model
    description = describe(
        columns=COLUMNS,
        labels=["0", "1"],
        format_=format_,
        output="logits" if format_ == "safetensors" else "probabilities",
        file="model",
        data={role: data_set(f"{role}.csv", "csv", target="truth") for role in ("train", "test")},
        **rest,
    )
    description["training"] = {"collaboration": DECLARED | declared}
    files = {"train.csv": csv(x, y), "test.csv": csv(*table(1500, 1)), "model": content}
    folder.mkdir(exist_ok=True)
    subject = make(folder, description, files)
    return subject if register_of is None else with_registers(subject, {"collaboration-rounds": register_of})


def measured(subject: Subject, **parameters: Any) -> Measurement:
    run = InProcessRun()
    found = collaboration.function(subject, SessionParameters(**parameters), run)
    assert isinstance(found, Measurement)
    assert all(METHOD_CODE.fullmatch(each.method) for each in found.metrics)
    assert parse_json(run.kept["collaboration_report.json"], "report")["schema"] == "touchstone.collaboration-report/v1"
    return found


ALL_ROUNDS = [opened(number) for number in range(1, 26)]


def test_a_large_cohort_and_a_robust_rule_pass(tmp_path: Path) -> None:
    found = measured(system(tmp_path, register_of=ALL_ROUNDS))
    assert metric(found, "min_cohort").value == 10
    inversion, drop = metric(found, "inversion_success"), metric(found, "byzantine_accuracy_drop")
    assert inversion.high is not None
    assert inversion.high <= 0.01
    assert drop.high is not None
    assert drop.high <= 0.05
    assert drop.low is not None
    assert drop.low <= drop.value <= drop.high
    assert codes(found) == ["what-was-inverted", "federation-simulated"]
    assert all(control.passed for control in found.controls)
    assert {control.kind for control in found.controls} == {"null", "planted"}


def test_more_sums_than_can_be_searched_hide_nobody() -> None:
    """Sums of one round, each of another lot of parties: what is not looked at must not count as large."""
    generator = np.random.default_rng(0)
    names = [f"p{number}" for number in range(30)]
    sums = [
        opened(
            1, id=f"R{number}", invited=names, authenticated=names, summed=sorted(generator.choice(names, 15, False))
        )
        for number in range(12)
    ]
    declared = Collaboration.model_validate(
        DECLARED | {"parties": 30, "rounds": 1, "rule": "mean", "server_sees": "sums"}
    )
    found = audited(Opened(declared, [CollaborationRound.model_validate(each) for each in sums]))
    assert {each.id: each.value for each in found.metrics}["min_cohort"] == 2
    assert "mixtures-not-searched" in [note.code for note in found.notes]


def test_single_rows_seen_alone_are_identified(tmp_path: Path) -> None:
    found = measured(system(tmp_path, server_sees="updates", local_steps=1, batch_size=1))
    assert metric(found, "min_cohort").value == 1
    assert metric(found, "inversion_success").value == 1
    assert "updates-seen-alone" in codes(found)


def test_clipping_hides_nothing_and_noise_does(tmp_path: Path) -> None:
    alone: dict[str, Any] = {"server_sees": "updates", "local_steps": 1, "batch_size": 1, "clipping_norm": 0.1}
    clipped = measured(system(tmp_path / "clipped", **alone))
    noised = measured(system(tmp_path / "noised", **alone, noise_multiplier=1.0))
    assert metric(clipped, "inversion_success").value == 1
    assert metric(noised, "inversion_success").value < 0.01


def test_a_plain_mean_of_sums_does_not_survive_and_enforced_clipping_helps(tmp_path: Path) -> None:
    drops = {}
    protocols: dict[str, dict[str, Any]] = {"open": {}, "enforced": {"clipping_norm": 0.3, "clipping_enforced": True}}
    for name, more in protocols.items():
        subject = system(tmp_path / name, server_sees="sums", rule="mean", **more)
        drops[name] = metric(measured(subject), "byzantine_accuracy_drop")
    assert drops["open"].low is not None
    assert drops["open"].low > 0.3
    assert drops["enforced"].value < 0.05


def test_more_malicious_parties_do_more_harm(tmp_path: Path) -> None:
    subject = system(tmp_path)
    few, many = (
        metric(measured(subject, malicious_share=share), "byzantine_accuracy_drop").value for share in (0.1, 0.4)
    )
    assert few < many


def test_without_a_register_the_rest_is_measured_and_said(tmp_path: Path) -> None:
    found = measured(system(tmp_path))
    assert [each.id for each in found.metrics] == ["byzantine_accuracy_drop"]
    assert codes(found)[:2] == ["cohorts-not-measured", "inversion-not-measured"]


def test_a_model_without_gradients_has_a_rule_and_cohorts_all_the_same(tmp_path: Path) -> None:
    import skops.io
    from sklearn.tree import DecisionTreeClassifier

    tree = skops.io.dumps(DecisionTreeClassifier(max_depth=3, random_state=0).fit(*table(600, 0)))
    found = measured(system(tmp_path, model=("skops", tree, {}), register_of=ALL_ROUNDS))
    assert {each.id for each in found.metrics} == {"min_cohort", "byzantine_accuracy_drop"}
    (note,) = [each for each in found.warnings if each.code == "inversion-not-measured"]
    assert "DecisionTreeClassifier" in note.text.en
    (scope,) = [each for each in found.warnings if each.code == "federation-simulated"]
    assert "softmax regression in its place" in scope.text.en


def test_a_federation_that_learns_nothing_measures_nothing(tmp_path: Path) -> None:
    found = measured(system(tmp_path, clipping_norm=1.0, noise_multiplier=1e4, register_of=ALL_ROUNDS))
    assert "byzantine_accuracy_drop" not in {each.id for each in found.metrics}
    assert "malicious-parties-not-measured" in codes(found)


def test_too_few_rows_are_said_to_be_too_few(tmp_path: Path) -> None:
    found = measured(system(tmp_path, train=30, register_of=ALL_ROUNDS))
    assert codes(found) == ["inversion-not-measured", "malicious-parties-not-measured"]


def test_nothing_declared_is_not_tested(tmp_path: Path) -> None:
    subject = make(tmp_path, describe(columns=COLUMNS, format_="skops", file="model"), {"model": b""})
    with pytest.raises(UnavailableError, match="was not declared"):
        collaboration.function(subject, SessionParameters(), InProcessRun())
    assert "training.federated_or_mpc" not in subject.facts


def test_the_declaration_makes_the_control_apply_and_has_to_fit_together(tmp_path: Path) -> None:
    assert system(tmp_path / "fits").facts["training.federated_or_mpc"] is True
    with pytest.raises(DescriptionError, match="needs a clipping norm"):
        system(tmp_path / "noise", noise_multiplier=1.0)
    with pytest.raises(DescriptionError, match="needs a clipping norm"):
        system(tmp_path / "enforced", clipping_enforced=True)


def register(*rounds: dict[str, Any], **declared: Any) -> Opened:
    whole = Collaboration.model_validate(DECLARED | {"server_sees": "sums", "rule": "mean", "rounds": 2} | declared)
    return Opened(whole, [CollaborationRound.model_validate(each) for each in rounds])


@pytest.mark.parametrize(
    ("rounds", "cohort", "code"),
    [
        ([opened(1), opened(2)], 10, None),
        ([opened(1), opened(2, summed=PARTIES[:3])], 3, None),
        ([opened(1), opened(2), opened(2, id="R2-again", summed=PARTIES[:9])], 1, "exposed-party"),
        ([opened(1), opened(2, summed=PARTIES[:9])], 9, "exposed-across-rounds"),
        ([opened(1), opened(2, authenticated=PARTIES[:4])], 4, "unauthenticated-party"),
        ([opened(1), opened(2, invited=PARTIES[:4])], 4, "uninvited-party"),
        ([opened(1), opened(2, authenticated=[])], 1, "unauthenticated-party"),
        ([opened(1)], 1, "round-not-recorded"),
        ([opened(1), opened(2, summed=["hospital-1"] * 9)], 1, "party-twice"),
        ([opened(1), opened(2), opened(3)], 10, "beyond-last-round"),
        ([opened(1), opened(2), opened(2)], 10, "number-twice"),
        ([opened(1), opened(2, aggregate=opened(1)["aggregate"], summed=PARTIES[1:])], 9, "same-aggregate"),
        ([opened(1), opened(2, invited=[*PARTIES, "another"])], 10, "more-parties-than-declared"),
    ],
)
def test_what_a_register_shows(rounds: list[dict[str, Any]], cohort: int, code: str | None) -> None:
    found = audited(register(*rounds))
    (counted,) = [each for each in found.metrics if each.id == "min_cohort"]
    assert counted.value == cohort
    noted = {note.code for note in found.notes}
    assert (code in noted) if code else not noted


def test_groups_of_a_round_are_no_combination_of_one_another() -> None:
    groups = [opened(n, id=f"R{n}-{i}", summed=PARTIES[5 * i : 5 * i + 5]) for n in (1, 2) for i in (0, 1)]
    found = audited(register(*groups))
    assert {each.id: each.value for each in found.metrics} == {"min_cohort": 5, "min_cohort_across_rounds": 5}


def test_results_of_a_median_cannot_be_subtracted() -> None:
    rounds = [opened(1), opened(2), opened(2, id="R2-again", summed=PARTIES[:9])]
    found = audited(register(*rounds, rule="median", server_sees="result"))
    assert {each.id: each.value for each in found.metrics} == {"min_cohort": 9}


COHORTS = st.lists(st.sets(st.sampled_from(PARTIES), min_size=1), min_size=1, max_size=4)


@settings(deadline=None, max_examples=50)
@given(COHORTS, st.sets(st.sampled_from(PARTIES)))
def test_fewer_identities_or_more_sums_never_look_better(cohorts: list[set[str]], known: set[str]) -> None:
    sums = [opened(1, id=f"R1-{i}", summed=sorted(cohort)) for i, cohort in enumerate(cohorts)]
    whole = len(smallest_cohort(register(*sums, rounds=1)))
    fewer = [each | {"authenticated": sorted(known)} for each in sums]
    assert len(smallest_cohort(register(*fewer[:1], rounds=1))) <= len(smallest_cohort(register(*sums[:1], rounds=1)))
    assert len(smallest_cohort(register(*sums, opened(1, id="more"), rounds=1))) <= whole


def test_bounds_of_the_drop_hold_the_strongest_attack_and_every_run() -> None:
    generator = np.random.default_rng(0)
    clean = generator.random((5, 1000)) < 0.9
    harmless = {attack: clean.copy() for attack in ALL_ATTACKS}
    nothing = drop_metric(Runs(clean, harmless))
    assert nothing.value == 0
    assert nothing.high is not None
    assert nothing.high < 0.02
    hurt = clean.copy()
    hurt[:3] &= generator.random((3, 1000)) < 0.7
    harmed = drop_metric(Runs(clean, {**harmless, "label-flip": hurt}))
    assert 0.2 < harmed.value < 0.35
    assert harmed.low is not None
    assert harmed.low <= 0  # two runs were not hurt at all
    assert harmed.high is not None
    assert harmed.high > harmed.value
