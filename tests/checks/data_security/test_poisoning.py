"""The screen for poisoned training data: finds what an attacker planted and a model learnt, leaves clean data be."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from tests.checks.running import InProcessRun, codes, metric
from tests.checks.system_resilience.systems import arrays
from tests.system import onnx_writer as onnx
from tests.system.made import data_set, describe, make
from touchstone.checks.data_security.poisoning import poisoning
from touchstone.errors import UnavailableError

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

CLASSES = 4
SHAPE = (1, 8, 8)


def pictures(generator: np.random.Generator, n: int):
    """Dark pictures of one channel with a bright quarter: which one is the class."""
    y = np.arange(n) % CLASSES
    x = generator.uniform(0.1, 0.4, size=(n, *SHAPE)).astype(np.float32)
    for picture, label in zip(x, y, strict=True):
        row, column = 4 * (label // 2), 4 * (label % 2)
        picture[0, row : row + 4, column : column + 4] += generator.uniform(0.2, 0.5)
    return x, y.astype(np.int64)


def learnt(x: np.ndarray, y: np.ndarray) -> tuple[dict[str, np.ndarray], list[dict[str, object]]]:
    """Weights of a small network that learnt the rows, and its layers as a description has them."""
    torch.manual_seed(1)
    nn = torch.nn
    network = nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(8 * 16, 24), nn.ReLU(), nn.Linear(24, CLASSES)),
    )
    inputs, labels = torch.from_numpy(x), torch.from_numpy(y)
    optimiser = torch.optim.Adam(network.parameters(), 5e-3)
    for _ in range(12):
        for rows in torch.randperm(len(x)).split(32):
            optimiser.zero_grad()
            nn.functional.cross_entropy(network(inputs[rows]), labels[rows]).backward()
            optimiser.step()
    names = {"0": "seen", "4": "hidden", "6": "answer"}
    weights = {
        f"{names[name.partition('.')[0]]}.{name.partition('.')[2]}": tensor.numpy()
        for name, tensor in network.state_dict().items()
    }
    layers: list[dict[str, object]] = [
        {"kind": "conv2d", "name": "seen", "inputs": 1, "outputs": 8, "kernel": 3, "padding": 1},
        {"kind": "relu"},
        {"kind": "maxpool2d", "kernel": 2, "stride": 2},
        {"kind": "flatten"},
        {"kind": "linear", "name": "hidden", "inputs": 128, "outputs": 24},
        {"kind": "relu"},
        {"kind": "linear", "name": "answer", "inputs": 24, "outputs": CLASSES},
    ]
    return weights, layers


def picture_system(folder: Path, *, poisoned: int, vetted: int = 80, personal: bool = False):
    """A system whose first `poisoned` training rows of other classes carry a checked corner and the label 2."""
    from safetensors.numpy import save

    generator = np.random.default_rng(5)
    x, y = pictures(generator, 600)
    rows = np.flatnonzero(y != 2)[:poisoned]
    x[rows, 0, 0:2, 6:8] = np.array([[1.0, 0.0], [0.0, 1.0]])
    y[rows] = 2
    weights, layers = learnt(x, y)
    reference = pictures(generator, vetted)
    description = describe(
        shape=list(SHAPE),
        kind="image",
        labels=[f"quarter {index}" for index in range(CLASSES)],
        output="logits",
        format_="safetensors",
        file="model.safetensors",
        architecture=layers,
        low=0.0,
        high=1.0,
        data={
            "train": data_set("train.npz", "npz", features="x", target="y"),
            "test": data_set("reference.npz", "npz", features="x", target="y"),
            **({"reference": data_set("reference.npz", "npz", features="x", target="y")} if vetted else {}),
        },
    )
    description["facts"] = {"data.personal": personal}
    files = {"model.safetensors": save(weights), "train.npz": arrays(x, y), "reference.npz": arrays(*reference)}
    if not vetted:
        files["reference.npz"] = arrays(*pictures(generator, 40))
    return make(folder, description, files), rows


def listed(run: InProcessRun, name: str = "suspects.csv") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(run.kept[name].decode())))


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    run = InProcessRun()
    subject, rows = picture_system(tmp_path_factory.mktemp("attacked"), poisoned=60)
    return poisoning.function(subject, poisoning.parameters(planted_share=0.08), run), run, rows


def test_planted_rows_are_the_suspects(attacked):
    measurement, run, rows = attacked
    suspects = {int(row["row"]) for row in listed(run) if row["suspect"] == "1"}
    assert len(suspects & set(rows.tolist())) >= 0.9 * len(rows)
    assert len(suspects) <= 1.5 * len(rows)
    assert float(metric(measurement, "unresolved_suspects").value) == pytest.approx(len(suspects) / 600, abs=1e-6)
    assert "class-flagged" in codes(measurement)
    assert run.kept["suspects.png"].startswith(b"\x89PNG")


def test_clean_data_have_no_suspects_and_the_screen_has_shown_its_power(tmp_path):
    run = InProcessRun()
    subject, _ = picture_system(tmp_path, poisoned=0)
    measurement = poisoning.function(subject, poisoning.parameters(planted_share=0.08), run)
    assert float(metric(measurement, "unresolved_suspects").value) == 0
    recall = metric(measurement, "planted_recall")
    assert recall.low <= recall.value <= recall.high
    assert float(recall.value) >= 0.5
    assert all(control.passed for control in measurement.controls)
    assert "class-flagged" not in codes(measurement)
    assert "suspects.png" not in run.kept


def test_pictures_of_people_are_not_shown(tmp_path):
    run = InProcessRun()
    subject, _ = picture_system(tmp_path, poisoned=60, personal=True)
    poisoning.function(subject, poisoning.parameters(planted_share=0.08), run)
    assert set(run.kept) == {"suspects.csv"}


def test_without_vetted_samples_rows_are_ranked_and_nothing_is_decided(tmp_path):
    run = InProcessRun()
    subject, _ = picture_system(tmp_path, poisoned=60, vetted=0)
    measurement = poisoning.function(subject, poisoning.parameters(), run)
    assert measurement.metrics == ()
    assert "nothing-vetted" in codes(measurement)
    assert len(listed(run, "ranked_rows.csv")) == 600


def test_too_few_vetted_samples_are_refused(tmp_path):
    subject, _ = picture_system(tmp_path, poisoned=0, vetted=12)
    with pytest.raises(UnavailableError, match="at least 20"):
        poisoning.function(subject, poisoning.parameters(), InProcessRun())


def table_system(folder: Path, *, poisoned: int, wrong: int = 0):
    """Two classes of rows apart in the first column, answered by a linear model without features."""
    generator = np.random.default_rng(6)

    def drawn(n):
        y = np.arange(n) % 2
        return (generator.normal(size=(n, 6)) + 4 * np.eye(2, 6)[y]).astype(np.float32), y.astype(np.int64)

    (x, y), vetted = drawn(500), drawn(200)
    rows = np.flatnonzero(y == 0)[:poisoned]
    x[rows, 4:6] = [5, -5]
    y[rows] = 1
    y[-wrong:] = 1 - y[-wrong:] if wrong else y[-wrong:]
    matrix = np.stack([4 * np.eye(6)[0], 4 * np.eye(6)[1]], axis=1).astype(np.float32)
    description = describe(
        columns=[f"c{index}" for index in range(6)],
        format_="onnx",
        file="model.onnx",
        access="labels",
        data={
            "train": data_set("train.npz", "npz", features="x", target="y"),
            "reference": data_set("reference.npz", "npz", features="x", target="y"),
        },
    )
    model = onnx.linear_classifier(matrix, np.zeros(2, dtype=np.float32))
    files = {"model.onnx": model, "train.npz": arrays(x, y), "reference.npz": arrays(*vetted)}
    return make(folder, description, files), rows


def test_marked_rows_of_a_table_are_found_by_their_values(tmp_path):
    run = InProcessRun()
    subject, rows = table_system(tmp_path, poisoned=40)
    measurement = poisoning.function(subject, poisoning.parameters(planted_share=0.08), run)
    suspects = {int(row["row"]) for row in listed(run) if row["suspect"] == "1"}
    assert set(rows.tolist()) <= suspects
    assert "compared-in-inputs" in codes(measurement)


def test_wrong_labels_alone_make_no_suspects(tmp_path):
    subject, _ = table_system(tmp_path, poisoned=0, wrong=50)
    measurement = poisoning.function(subject, poisoning.parameters(), InProcessRun())
    assert float(metric(measurement, "unresolved_suspects").value) == 0
    assert "class-flagged" not in codes(measurement)


def test_the_same_run_gives_the_same_bytes(attacked, tmp_path):
    run = InProcessRun()
    subject, _ = picture_system(tmp_path, poisoned=60)
    measurement = poisoning.function(subject, poisoning.parameters(planted_share=0.08), run)
    assert measurement == attacked[0]
    assert run.kept == attacked[1].kept
