"""Work side by side gives what work in turn gives."""

from __future__ import annotations

import math

import pytest

from touchstone.training.processes import in_processes


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_task_comes_back_with_its_result(jobs: int) -> None:
    assert sorted(in_processes(math.sqrt, [4.0, 9.0, 16.0], jobs)) == [(4.0, 2.0), (9.0, 3.0), (16.0, 4.0)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_failure_is_heard_of(jobs: int) -> None:
    with pytest.raises(ValueError, match=r"math domain|nonnegative"):
        list(in_processes(math.sqrt, [-1.0, 4.0], jobs))
