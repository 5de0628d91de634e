"""Evidence is verified years later: whatever changes what an audit says needs a new version of it.

An audit of another version is reported as not checked. One of the same version that says it otherwise would make good
evidence look forged.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.checks.evaluation.audits.auditing import observe
from touchstone.canonical import digest_of
from touchstone.checks.evaluation.audits.made_up import FIRST, HONEST, altered
from touchstone.checks.registry import installed_checks, own_audits

SAID = {
    "method.evidence": ("1", "sha256:a1dc16ba989dc94fc4612205bba840aafbde0899f7d84dc8a57212c02135ca1a"),
    "method.plan_lock": ("2", "sha256:18b063f8aa48102f3e552c75bc1b7fb757d0a1b742a65248497786fed7bb2697"),
    "method.rerun": ("1", "sha256:ca9c6eb22e9db6e6c015e5a630e56e5d4e86d835390156df24b2227c8260bb95"),
    "method.separation": ("1", "sha256:4036537b94258af01d7f66c9550479b37b0902c105e7d1ed216e462dc93454e2"),
    "method.statistics": ("1", "sha256:4d7e48494b43222e8579c348a73fa6d86e0955cb76da03b62b4180255808c468"),
    "method.tool_qualification": ("1", "sha256:333920789b4c585e2865404e74fb4a6bdca3f1830dc1d87eee38f03af898da54"),
}
FAULTY = replace(
    HONEST,
    observations={FIRST: altered(HONEST.observations[FIRST], low="0.80")},
    executions={},
    reruns={},
    exhibits=frozenset(),
    reviews=(),
)


@pytest.mark.parametrize("name", sorted(own_audits()))
def test_what_an_audit_says_is_bound_to_its_version(name: str):
    audit = own_audits()[name]
    said = digest_of(b"".join(observe(audit, record).to_bytes() for record in (HONEST, FAULTY)))
    assert (audit.version, said) == SAID[name]


def test_every_audit_is_listed_among_the_checks():
    listed = {name: check for name, check in installed_checks().items() if check.needs.run}
    assert listed == own_audits()
    assert all(check.id.startswith("method.") for check in listed.values())
