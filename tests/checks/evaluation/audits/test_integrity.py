from dataclasses import replace

import pytest

from tests.checks.evaluation.audits.auditing import observe, values
from touchstone.canonical import digest_of
from touchstone.checks.evaluation.audits.integrity import evidence
from touchstone.checks.evaluation.audits.made_up import FIRST, HONEST, SECOND
from touchstone.checks.run_record import RunRecord

assert HONEST.lock is not None
OTHER_SYSTEM = HONEST.observations[FIRST].model_copy(update={"system": digest_of(b"another")})


def test_evidence_in_good_order_verifies():
    assert values(evidence, HONEST) == {"evidence_verified": 1}


@pytest.mark.parametrize(
    ("record", "named"),
    [
        (replace(HONEST, exhibits=frozenset({digest_of(FIRST.encode())})), f"exhibit table.json of {SECOND}"),
        (replace(HONEST, executions={FIRST: HONEST.executions[FIRST]}), f"the record of running {SECOND}"),
        (replace(HONEST, observations={FIRST: OTHER_SYSTEM}), f"the observation of {FIRST}"),
        (replace(HONEST, lock=replace(HONEST.lock, signed=False)), "the signature over the plan"),
        (replace(HONEST, lock=replace(HONEST.lock, logged=False)), "the plan in the log"),
        (replace(HONEST, reviews=(replace(HONEST.reviews[0], signer=None),)), "the signature over the review of"),
    ],
)
def test_what_does_not_verify_is_named(record: RunRecord, named: str):
    assert values(evidence, record)["evidence_verified"] < 1
    (warning,) = observe(evidence, record).warnings
    assert warning.text.en.startswith(named)


@pytest.mark.parametrize("lock", [None, replace(HONEST.lock, logged=None)])
def test_without_a_log_there_is_nothing_that_others_can_check(lock):
    observation = observe(evidence, replace(HONEST, lock=lock))
    assert observation.error is not None
    assert observation.error.code == "unavailable"
