"""A model that is trained further: its file changes by its weights alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.checks.system_resilience.systems import picture_system, white_picture_system
from touchstone.errors import UnavailableError
from touchstone.system.models.trainable import open_trainable
from touchstone.system.subject import Subject

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def as_written(subject: Subject, data: bytes) -> Subject:
    """The same system with another model file."""
    from touchstone.system.subject import open_system

    (subject.root / str(subject.description.model.file)).write_bytes(data)
    return open_system(subject.root)


@pytest.mark.parametrize("system", [picture_system, white_picture_system])
@pytest.mark.parametrize("output", ["logits", "probabilities"])
def test_changed_weights_are_in_the_file(tmp_path: Path, system: object, output: str) -> None:
    if system is white_picture_system:
        if output != "logits":
            pytest.skip("declared as logits")
        subject = white_picture_system(tmp_path, gap=0.2, n=20)
    else:
        subject = picture_system(tmp_path, gap=0.2, n=20, output=output)
    before = subject.read(str(subject.description.model.file))
    model = open_trainable(subject)
    assert model.file() == before or model.suffix == ".safetensors"
    x = torch.from_numpy(subject.data("test").inputs)
    answers = model.function(x)
    gradients = torch.autograd.grad(answers.sum(), list(model.weights.values()), allow_unused=True)
    assert any(gradient is not None and bool(gradient.abs().sum() > 0) for gradient in gradients) or output != "logits"
    with torch.no_grad():
        for weight in model.weights.values():
            weight.mul_(0.5)
    halved = model.function(x).detach()
    assert not torch.allclose(halved, answers)
    after = model.file()
    assert len(after) == len(before)
    again = as_written(subject, after).model()
    if output == "logits":
        assert np.allclose(again.logits(x.numpy()), halved.numpy(), atol=1e-5)
    else:
        assert np.allclose(again.probabilities(x.numpy()), halved.exp().numpy(), atol=1e-5)


def test_the_subjects_own_model_stays_as_it_is(tmp_path: Path) -> None:
    subject = white_picture_system(tmp_path, gap=0.2, n=20)
    x = subject.data("test").inputs
    before = subject.model().logits(x)
    with torch.no_grad():
        for weight in open_trainable(subject).weights.values():
            weight.zero_()
    assert np.array_equal(subject.model().logits(x), before)


def test_what_cannot_be_trained_is_refused_with_a_way_out(tmp_path: Path) -> None:
    from tests.system.made import data_set, describe, make

    subject = make(
        tmp_path,
        describe(
            columns=["a", "b"],
            data={"test": data_set("t.csv", "csv", target="y", predictions=["p"])},
            access="predictions",
        ),
        {"t.csv": b"a,b,y,p\n1,2,no,no\n"},
    )
    with pytest.raises(UnavailableError, match="cannot be trained further") as refused:
        open_trainable(subject)
    assert refused.value.remedy is not None
    assert "--no-fine-tuning" in refused.value.remedy.en
