from dataclasses import replace

import pytest

from tests.checks.evaluation.audits.auditing import observe, values
from touchstone.canonical import digest_of
from touchstone.checks.evaluation.audits.made_up import DECIDER, HONEST, REVIEWER, TESTER
from touchstone.checks.evaluation.audits.separation import separation
from touchstone.checks.run_record import ReadReview, RunRecord

OTHER = digest_of(b"somebody else")


def run_of(tester: str, decider: str, *reviewers: str | None) -> RunRecord:
    assert HONEST.lock is not None
    reviews = tuple(replace(HONEST.reviews[0], signer=reviewer) for reviewer in reviewers)
    return replace(HONEST, lock=replace(HONEST.lock, tester=tester, decider=decider), reviews=reviews)


@pytest.mark.parametrize(
    ("decider", "reviewers", "persons", "conflicts"),
    [
        (DECIDER, [REVIEWER], 3, 0),
        (DECIDER, [REVIEWER, OTHER], 3, 0),  # a second reviewer fills no further role
        (TESTER, [REVIEWER, OTHER], 2, 0),
        (DECIDER, [TESTER], 2, 1),
        (TESTER, [TESTER], 1, 1),
        (DECIDER, [REVIEWER, TESTER, DECIDER], 3, 2),
    ],
)
def test_roles_are_filled_by_keys_that_signed(decider: str, reviewers: list[str], persons: int, conflicts: int):
    found = values(separation, run_of(TESTER, decider, *reviewers))
    assert found == {"distinct_persons": persons, "unresolved_conflicts": conflicts}


def test_a_review_that_nobody_signed_or_that_expired_fills_no_role():
    unsigned = run_of(TESTER, DECIDER, None)
    assert values(separation, unsigned) == {"distinct_persons": 2}
    expired = replace(HONEST, reviews=(replace(HONEST.reviews[0], stands=False),))
    observation = observe(separation, expired)
    assert [str(metric.value) for metric in observation.metrics] == ["2"]
    assert [warning.code for warning in observation.warnings] == ["no-reviewer"]


def test_fewer_than_no_conflicts_make_up_for_none():
    (read,) = HONEST.reviews
    below = ReadReview(read.review.model_copy(update={"values": {"unresolved_conflicts": -1}}), TESTER, stands=True)
    assert values(separation, replace(HONEST, reviews=(below,)))["unresolved_conflicts"] == 1


def test_of_two_figures_for_conflicts_the_worse_counts():
    (read,) = HONEST.reviews
    worse = ReadReview(read.review.model_copy(update={"values": {"unresolved_conflicts": 2}}), OTHER, stands=True)
    assert values(separation, replace(HONEST, reviews=(read, worse)))["unresolved_conflicts"] == 2


def test_nobody_is_guessed():
    observation = observe(separation, replace(HONEST, lock=None))
    assert observation.error is not None
    assert observation.error.code == "unavailable"
