from pathlib import Path

import numpy as np
import pytest

from tests.checks.system_resilience.systems import picture_system, table_system
from touchstone.checks.system_resilience.adversarial import adversarial
from touchstone.checks.system_resilience.corruption import corruption
from touchstone.checks.system_resilience.inputs import normal_inputs, times_small, value_range
from touchstone.errors import UnavailableError


def test_a_range_that_neither_description_nor_data_show_is_asked_for(tmp_path: Path) -> None:
    """Dividing by its width would hand the model inputs that are no numbers."""
    specification = picture_system(tmp_path, gap=0.1, n=4, ranged=False).description.model.input
    with pytest.raises(UnavailableError, match="range"):
        value_range(specification, np.full((4, 3, 12, 10), 0.5, dtype=np.float32))


def test_a_table_without_declared_range_has_none(tmp_path: Path) -> None:
    subject = table_system(tmp_path, [0.0, 1.0], n=20)
    legal = value_range(subject.description.model.input, normal_inputs(subject, subject.data("test")))
    assert (legal.low, legal.high, legal.declared) == (-np.inf, np.inf, False)


def test_larger_inputs_are_expected_to_cost_more(tmp_path: Path) -> None:
    small = picture_system(tmp_path / "small", gap=0.1, n=4)
    large = picture_system(tmp_path / "large", gap=0.1, n=4, shape=(3, 224, 224))
    assert times_small(table_system(tmp_path / "table", [0.0, 1.0], n=20), 1000) == 1
    for check in (adversarial, corruption):
        assert check.cost is not None
        parameters = check.parameters()
        assert check.cost(large, parameters, "quick") > 5 * check.cost(small, parameters, "quick") > 0
