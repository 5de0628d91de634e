"""Every example is what its description says: files, digests, labels of origin, sizes, accuracy."""

import hashlib
from pathlib import Path

import pytest

from tests.examples.scripts import EXAMPLES
from touchstone.standard.applicability import parse
from touchstone.standard.catalog import load_standard
from touchstone.statistics import proportion_bounds
from touchstone.system.description import DataSet, SystemDescription
from touchstone.system.subject import open_system

MEGABYTE = 1_000_000

SYSTEMS = ("healthcare", "smart-city", "smart-city/system-torch.yaml", "manufacturing")
SCREENINGS = {
    "healthcare": "digital-healthcare-screening",
    "smart-city": "smart-city-traffic-screening",
    "smart-city/system-torch.yaml": "smart-city-traffic-screening",
    "manufacturing": "intelligent-manufacturing-screening",
}
WITHOUT_TORCH = ("healthcare", "smart-city", "manufacturing")


def data_sets(description: SystemDescription) -> list[DataSet]:
    data = description.data
    return [given for given in (data.test, data.train, data.reference) if given is not None]


@pytest.mark.parametrize("name", SYSTEMS)
def test_recorded_digests_are_those_of_the_files(name: str) -> None:
    subject = open_system(EXAMPLES / name)
    sets = data_sets(subject.description)
    assert len(sets) >= 2
    for given in sets:
        assert given.sha256 == hashlib.sha256((subject.root / given.path).read_bytes()).hexdigest()


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_data_set_names_its_origin_and_whether_it_is_made_up(name: str) -> None:
    description = open_system(EXAMPLES / name).description
    real = name == "healthcare"
    assert description.system.synthetic is not real
    for given in data_sets(description):
        assert given.synthetic is not real
        assert given.origin.startswith("Real: " if real else "Synthetic. ")


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_control_of_the_sector_knows_whether_it_applies(name: str) -> None:
    facts = open_system(EXAMPLES / name).description.facts
    standard = load_standard()
    standard.require_facts(facts, name)
    for requirement in standard.profile(SCREENINGS[name].removesuffix("-screening")).requirements:
        assert parse(requirement.applies_when).evaluate(facts) != "unknown", requirement.control


@pytest.mark.parametrize("name", SYSTEMS)
def test_files_stay_small(name: str) -> None:
    subject = open_system(EXAMPLES / name)
    models = {subject.description.model.file, *subject.description.model.more_files}
    for file in subject.files:
        assert file.size < (MEGABYTE if file.path in models else 1.5 * MEGABYTE), file.path


def test_all_examples_together_stay_small() -> None:
    shipped = {file.path: file.size for name in SYSTEMS for file in open_system(EXAMPLES / name).files}
    assert sum(shipped.values()) < 6 * MEGABYTE


@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_claimed_accuracy_agrees_with_the_shipped_test_data(name: str) -> None:
    subject = open_system(EXAMPLES / name)
    test = subject.data("test")
    right = int((subject.model().labels(test.inputs) == test.target).sum())
    _, high = proportion_bounds(right, len(test))
    claim = subject.description.model.claims["accuracy"]
    assert high >= claim
    assert right / len(test) >= claim - 0.01


@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_training_and_test_data_share_no_row(name: str) -> None:
    subject = open_system(EXAMPLES / name)
    rows = [{row.tobytes() for row in subject.data(role).inputs} for role in ("train", "test")]
    assert not rows[0] & rows[1]


def test_the_two_sign_descriptions_differ_only_in_how_the_model_is_handed_in() -> None:
    onnx, torch = (open_system(EXAMPLES / name).description for name in SYSTEMS[1:3])
    assert onnx.system == torch.system
    assert onnx.data == torch.data
    assert onnx.facts == torch.facts
    assert onnx.model.output.labels == torch.model.output.labels


@pytest.mark.torch
def test_the_white_box_answers_as_the_onnx_file_does() -> None:
    pytest.importorskip("torch")
    import numpy as np

    onnx, torch = (open_system(EXAMPLES / name) for name in SYSTEMS[1:3])
    inputs = onnx.data("test").inputs[:100]
    np.testing.assert_allclose(onnx.model().logits(inputs), torch.model().logits(inputs), atol=1e-4)


def test_no_example_imports_torch_to_be_assessed() -> None:
    for script in ("make_signs.py", "render_signs.py"):
        lines = Path(EXAMPLES / "smart-city" / script).read_text(encoding="utf-8").splitlines()
        assert not [line for line in lines if line.startswith(("import torch", "from torch"))]
