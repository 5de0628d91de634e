"""What gradients add: four methods, an attack on explanations, and the same layers with exchanged weights."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

pytest.importorskip("torch")

from tests.checks.governance.test_explanation import LIMITS, measured
from tests.checks.running import InProcessRun, codes, metric
from tests.checks.system_resilience.systems import white_picture_system

pytestmark = pytest.mark.torch


def test_a_white_box_is_explained_in_every_way(tmp_path: Path) -> None:
    run = InProcessRun(limits=LIMITS)
    result = measured(white_picture_system(tmp_path, gap=0.3, n=80), run)
    assert codes(result) == []
    for method in ("gradient_times_input", "integrated_gradients", "smooth_gradients", "gradient_shap"):
        part = f"method={method}"
        assert metric(result, "deletion_gain_over_random", part).n >= 25
        # The model is linear: whatever the method, every cell has the same part in the answer.
        assert metric(result, "method_agreement", part).value > Decimal("0.3")
    assert metric(result, "top_part_overlap_under_attack").value <= 1
    assert metric(result, "model_randomisation_rank_correlation").value < Decimal("0.9")
    assert [control.passed for control in result.controls] == [True, True]
    assert "explanations.png" in run.kept


def test_explanations_of_a_network_can_be_moved(tmp_path: Path) -> None:
    """All cells of the linear model weigh alike, so a breath decides which of them are called the top."""
    result = measured(white_picture_system(tmp_path, gap=0.3, n=80))
    assert metric(result, "top_part_overlap_under_attack").high < Decimal("0.8")
