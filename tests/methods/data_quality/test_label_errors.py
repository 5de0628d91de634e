import numpy as np
import pytest

from touchstone.methods.data_quality.agreement import krippendorff_alpha
from touchstone.methods.data_quality.label_errors import found_of_turned, label_errors, out_of_fold, turn_round

NONE = -1


def generator(seed=0):
    return np.random.default_rng(seed)


def test_alpha_of_the_book():
    """Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, example C: nominal alpha 0.743."""
    people = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
        [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
    ]
    found = krippendorff_alpha(np.array(people).T, generator())
    assert found is not None
    assert found.alpha == pytest.approx(0.743, abs=0.0005)
    assert found.units == 11
    assert found.low < found.alpha < found.high


def test_guesses_do_not_agree_and_copies_do():
    guesses = generator(1).integers(0, 3, (2000, 2))
    chance = krippendorff_alpha(guesses, generator())
    same = krippendorff_alpha(guesses[:, [0, 0]], generator())
    assert chance is not None
    assert same is not None
    assert chance.low < 0 < chance.high < 0.2
    assert (same.alpha, same.high) == (1, 1)
    assert same.low > 0.97
    assert krippendorff_alpha(np.zeros((5, 2), np.int64), generator()) is None


def test_bounds_of_alpha_cover():
    """Two people who each err once in ten between two equally frequent classes: alpha is 0.64."""
    missed = 0
    for seed in range(100):
        draw = generator(seed)
        truth = draw.integers(0, 2, (60, 1))
        found = krippendorff_alpha(truth ^ (draw.random((60, 2)) < 0.1), draw)
        assert found is not None
        missed += not found.low <= 0.64 <= found.high
    assert missed <= 10


def blobs(n, wrong, seed):
    draw = generator(seed)
    truth = draw.integers(0, 3, n)
    x = np.eye(3)[truth] * 4 + draw.normal(size=(n, 3))
    given = np.where(draw.random(n) < wrong, (truth + draw.integers(1, 3, n)) % 3, truth)
    return x, truth, given


@pytest.mark.parametrize("wrong", [0.0, 0.08])
def test_the_share_of_wrong_labels_is_estimated(wrong):
    x, truth, given = blobs(1200, wrong, 3)
    probabilities = out_of_fold(x, given, 3, generator(), "numbers")
    again, turned = turn_round(given, 3, generator(1))
    power = found_of_turned(out_of_fold(x, again, 3, generator(2), "numbers"), again, turned)
    assert power.found > 0.9 * power.n
    assert power.auc > 0.9  # of the other labels some are wrong themselves
    errors = label_errors(probabilities, given, power)
    really = (truth != given).mean()
    assert errors.low == 0 <= really <= errors.high
    assert errors.rate == pytest.approx(really, abs=0.02)


def test_vouched_labels_show_what_is_only_hard():
    """Classes that overlap contradict many right labels; with vouched rows none of that is called wrong."""
    draw = generator(4)
    truth = draw.integers(0, 2, 1500)
    x = truth[:, None] + draw.normal(size=(1500, 1))
    vouched = np.arange(1500) < 500
    probabilities = out_of_fold(x, truth, 2, draw, "numbers")
    again, turned = turn_round(truth, 2, draw)
    power = found_of_turned(out_of_fold(x, again, 2, draw, "numbers"), again, turned)
    alone, helped = (label_errors(probabilities, truth, power, part) for part in (None, vouched))
    assert alone.rate > 0.2
    assert helped.rate < 0.12
    assert helped.low == 0
