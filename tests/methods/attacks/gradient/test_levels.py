"""The common level: as much as is wanted, never more, and found where elements end at different places."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from touchstone.methods.attacks.gradient.levels import common_level  # noqa: E402

pytestmark = pytest.mark.torch


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 300),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0, 1e-4, 0.01, 0.1, 0.5, 0.9, 0.99999]),
    st.floats(0, 6),
)
def test_the_level_brings_what_is_wanted(size: int, seed: int, share: float, spread: float) -> None:
    generator = np.random.default_rng(seed)
    gains = torch.from_numpy(np.exp(generator.normal(0, spread, (4, size))).astype(np.float32))
    gains[generator.random((4, size)) < 0.2] = 0
    ends = torch.from_numpy(np.exp(generator.normal(0, spread, (4, size))).astype(np.float32))
    ends[generator.random((4, size)) < 0.2] = 0
    most = (gains.double() * ends.double()).sum(dim=1)
    wanted = (share * most).float()
    level = common_level(gains, ends, wanted)
    brought = (gains.double() * torch.minimum(level[:, None], ends).double()).sum(dim=1)
    assert bool((brought <= wanted.double() * (1 + 1e-5)).all())
    assert bool((brought >= wanted.double() * (1 - 1e-5)).all())


def test_what_cannot_be_brought_ends_at_all_ends() -> None:
    gains, ends = torch.tensor([[1.0, 2.0, 0.0]]), torch.tensor([[3.0, 0.5, 9.0]])
    assert float(common_level(gains, ends, torch.tensor([100.0]))) >= 3


def test_rows_do_not_disturb_each_other() -> None:
    generator = np.random.default_rng(1)
    gains, ends = (torch.from_numpy(generator.random((50, 30), dtype=np.float32)) for _ in range(2))
    wanted = torch.from_numpy(generator.random(50, dtype=np.float32))
    together = common_level(gains, ends, wanted)
    alone = torch.cat([common_level(gains[i : i + 1], ends[i : i + 1], wanted[i : i + 1]) for i in range(50)])
    assert torch.allclose(together, alone, rtol=1e-6, atol=0)
