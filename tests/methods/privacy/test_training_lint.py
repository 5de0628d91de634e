import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.privacy.training_lint import Trapped, sampling_traps


@pytest.mark.parametrize(
    ("source", "traps"),
    [
        ("import torch\ns = torch.utils.data.WeightedRandomSampler(w, 10)", [Trapped(2, "weighted-sampler")]),
        ("e.make_private(module=m, poisson_sampling=False)", [Trapped(1, "poisson-switched-off")]),
        ("DataLoader(d, shuffle=True)", [Trapped(1, "loader-shuffles")]),
        ("l = DataLoader(d, shuffle=True)\ne.make_private(data_loader=l)", []),
        ("e.make_private(poisson_sampling=True)", []),
        ("# WeightedRandomSampler(x)\n'DataLoader(d, shuffle=True)'", []),
        ("this is no Python", []),
    ],
)
def test_traps_are_found_by_line(source, traps):
    assert sampling_traps(source) == traps


@given(st.text())
def test_any_text_is_read(source):
    sampling_traps(source)
