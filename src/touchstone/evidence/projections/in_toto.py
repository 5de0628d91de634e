"""The assessment and the certificate in the words of predicates that other tools already enforce on.

Both are projections: they hold nothing that is not in our own statement, and anyone who has that can make them
again and compare. Sources: in-toto/attestation `test-result` v0.1 and `svr` v0.2.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from touchstone.evidence.certificate import Certificate
from touchstone.evidence.statement import Statement, statement
from touchstone.records import Assessment, ProfileIdentity, Verdict

TEST_RESULT: Final = "https://in-toto.io/attestation/test-result/v0.1"
SIMPLE_VERIFICATION_RESULT: Final = "https://in-toto.io/attestation/svr/v0.2"

_RESULTS = {"pass": "PASSED", "inconclusive": "WARNED", "fail": "FAILED"}
_WARNED = (Verdict.INCONCLUSIVE, Verdict.NOT_TESTED)
_ABSOLUTE_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")


def test_result(assessment: Assessment) -> Statement:
    """The assessment as a `test-result`.

    A control that passed is a passed test; one that is undecided or was not tested is a warned test; one that
    failed or could not be run to its end is a failed test, also where it is not required. A control that does not
    apply was no test and is in no list.
    """

    def names(*verdicts: Verdict) -> list[str]:
        return [finding.control for finding in assessment.findings if finding.verdict in verdicts]

    predicate = {
        "result": _RESULTS[assessment.verdict],
        "configuration": [
            _profile(assessment.profile),
            {"name": "plan", "digest": {"sha256": assessment.plan.removeprefix("sha256:")}},
        ],
        "passedTests": names(Verdict.PASS),
        "warnedTests": names(*_WARNED),
        "failedTests": names(Verdict.FAIL, Verdict.ERROR),
    }
    return statement(assessment.system.name, assessment.system.digest, TEST_RESULT, predicate)


def simple_verification_result(certificate: Certificate) -> Statement:
    """The certificate as a simple verification result: the controls that passed, as properties.

    `verifier.id` must be a URI: an issuer's name that is none becomes a URN.
    """
    decision = certificate.decision
    predicate = {
        "verifier": {"id": _uri(decision.issuer), "policies": [_profile(decision.profile)]},
        "timeCreated": decision.issued,
        "properties": [f"TOUCHSTONE_{item.control}" for item in decision.scope if item.verdict is Verdict.PASS],
    }
    return statement(decision.system.name, decision.system.digest, SIMPLE_VERIFICATION_RESULT, predicate)


def _profile(profile: ProfileIdentity) -> dict[str, object]:
    return {
        "name": f"{profile.id}@{profile.edition}",
        "uri": f"urn:touchstone:profile:{quote(profile.id)}:{quote(profile.edition)}",
        "digest": {"sha256": profile.digest.removeprefix("sha256:")},
    }


def _uri(issuer: str) -> str:
    return issuer if _ABSOLUTE_URI.fullmatch(issuer) else f"urn:touchstone:issuer:{quote(issuer, safe='')}"
