"""Policies: the format of C2SP, quorums over groups, and no witness for one's own log."""

import pytest

from tests.tlog.keys import LOG, ORIGIN, Private
from touchstone.tlog.checkpoint import Checkpoint
from touchstone.tlog.cosignature import cosign
from touchstone.tlog.errors import TlogError
from touchstone.tlog.merkle import EMPTY_ROOT
from touchstone.tlog.note import Algorithm, Note, VerifierKey
from touchstone.tlog.policy import Policy, operator_of

NAMES = {name: f"{name.lower()}.example-{name.lower()}.net/w" for name in ("X1", "X2", "X3", "Y1", "Y2", "Y3")}
WITNESSES = {name: Private.numbered(10 + number) for number, name in enumerate(NAMES)}
KEYS = {name: VerifierKey.of(NAMES[name], key.public, Algorithm.COSIGNATURE).line for name, key in WITNESSES.items()}
LOG_LINE = VerifierKey.of(ORIGIN, LOG.public).line
NOTE = Checkpoint(ORIGIN, 0, EMPTY_ROOT).sign(LOG)

# The example of c2sp.org/tlog-policy, with keys.
EXAMPLE = f"""
# comment
log {LOG_LINE}

witness X1 {KEYS["X1"]}
witness X2 {KEYS["X2"]}  https://x2.example-x2.net
\twitness X3\t{KEYS["X3"]}
group X-witnesses 2 X1 X2 X3

witness Y1 {KEYS["Y1"]}
witness Y2 {KEYS["Y2"]}
witness Y3 {KEYS["Y3"]}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def parse(text: str) -> Policy:
    return Policy.parse(text.encode(), "policy")


def cosigned(*names: str, note: Note = NOTE) -> Note:
    """The checkpoint with cosignatures; the n-th at time 100 + n."""
    lines = [cosign(note, NAMES[name], WITNESSES[name], 100 + number) for number, name in enumerate(names)]
    return note.with_signatures(lines)


@pytest.mark.parametrize(
    ("names", "met"),
    [
        ("", False),
        ("X1 X2", False),
        ("X1 Y1", False),
        ("Y1 Y2 Y3", False),
        ("X1 X3 Y2", True),
        ("X1 X2 X3 Y1 Y2 Y3", True),
    ],
)
def test_the_example_policy(names: str, met: bool) -> None:
    judgement = parse(EXAMPLE).judge(cosigned(*names.split()), "note")
    assert judgement.quorum is judgement.accepted is met
    assert set(judgement.cosigned) == set(names.split())
    assert judgement.log is not None
    assert judgement.log.line == LOG_LINE


def test_the_time_is_when_the_quorum_was_reached() -> None:
    policy = parse(EXAMPLE)
    assert policy.judge(cosigned("X1", "X2", "X3", "Y1", "Y2"), "note").since == 103
    assert policy.judge(cosigned("X1", "X2"), "note").since is None
    assert parse(f"log {LOG_LINE}\nquorum none\n").judge(NOTE, "note").since is None


def test_a_log_nobody_named_is_not_accepted() -> None:
    other = Checkpoint("log.other.org", 0, EMPTY_ROOT).sign(LOG)
    judgement = parse(EXAMPLE).judge(cosigned("X1", "X2", "Y1", note=other), "note")
    assert (judgement.log, judgement.quorum, judgement.accepted) == (None, True, False)
    forged = Checkpoint(ORIGIN, 0, EMPTY_ROOT).sign(WITNESSES["X1"])
    assert parse(EXAMPLE).judge(forged, "note").log is None


def test_nobody_asked_is_accepted_but_no_witness() -> None:
    judgement = parse(f"log {LOG_LINE}\nquorum none").judge(NOTE, "note")
    assert judgement.accepted
    assert judgement.cosigned == {}


def test_a_witness_of_the_same_operator_never_counts() -> None:
    for name, key in (("witness.example.org/w1", Private.numbered(30)), ("elsewhere.net", LOG)):
        line = VerifierKey.of(name, key.public, Algorithm.COSIGNATURE).line
        policy = parse(f"log {LOG_LINE}\nwitness own {line}\nquorum own\n")
        judgement = policy.judge(NOTE.with_signatures([cosign(NOTE, name, key, 7)]), "note")
        assert judgement.own == ("own",)
        assert (judgement.cosigned, judgement.quorum) == ({}, False)


def test_operators_are_told_apart_by_registered_domain() -> None:
    assert operator_of("log.lab.example/2026") == operator_of("witness.LAB.example")
    assert operator_of("log.cnas.org.cn") != operator_of("log.lab.org.cn")
    assert operator_of("example.co.uk") == operator_of("w.example.co.uk")
    assert operator_of("log.a.net") != operator_of("log.b.net")


X1 = f"witness X1 {KEYS['X1']}\n"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "names no quorum"),
        ("quorum none\nquorum none", "second quorum"),
        ("quorum X1\n" + X1, "no earlier line defines"),
        (X1 + X1 + "quorum X1", "earlier line gives"),
        (X1 + f"witness X1 {KEYS['X2']}\nquorum X1", "a second time"),
        (f"witness none {KEYS['X1']}\nquorum none", "a second time"),
        (f"log {LOG_LINE}\nlog {LOG_LINE}\nquorum none", "earlier line gives"),
        (f"log {KEYS['X1']}\nquorum none", "wrong kind"),
        (f"witness X1 {LOG_LINE}\nquorum none", "wrong kind"),
        (X1 + "group g 2 X1\nquorum g", "more members"),
        (X1 + "group g 0 X1\nquorum g", "more members"),
        (X1 + "group g 01 X1\nquorum g", "more members"),
        (X1 + "group g any\nquorum g", "number of words"),
        (X1 + "group g any none\nquorum g", "no earlier line defines"),
        (X1 + "group g any X1 X1\nquorum g", "second group"),
        (X1 + "group g any X1\ngroup h any X1\nquorum g", "second group"),
        (X1 + "group g any g\nquorum g", "no earlier line defines"),
        ("Quorum none", "no line of a policy"),
        ("quorum none\r\n", "control characters"),
        ("witness X1 nonsense\nquorum X1", "not a verifier key"),
        ("x" * 300_000, "too large"),
    ],
)
def test_other_forms_are_refused(text: str, what: str) -> None:
    with pytest.raises(TlogError, match=what) as caught:
        parse(text)
    assert caught.value.where.startswith("policy")


def test_octets_beyond_ascii_are_taken_as_they_are() -> None:
    policy = Policy.parse(X1.encode().replace(b"X1 ", b"\xff\xfe ") + b"quorum \xff\xfe\n# \x80", "policy")
    assert policy.judge(cosigned("X1"), "note").quorum
