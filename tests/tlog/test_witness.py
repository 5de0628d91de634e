"""A witness: answers as C2SP says, remembers across restarts, and never cosigns two histories."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.tlog.keys import LOG, ORIGIN, OTHER, Private
from touchstone.tlog.checkpoint import Checkpoint
from touchstone.tlog.cosignature import cosigned_at
from touchstone.tlog.errors import TlogError
from touchstone.tlog.log import Log
from touchstone.tlog.merkle import EMPTY_ROOT
from touchstone.tlog.note import Algorithm, Note, VerifierKey, parse_signatures
from touchstone.tlog.policy import Policy
from touchstone.tlog.witness import SIZE_TYPE, Answer, Submission, Witness
from touchstone.tlog.witness_client import ask_to_cosign
from touchstone.tlog.witness_server import WitnessServer

NAME = "witness.example.net/w1"
WITNESS_KEY = VerifierKey.of(NAME, OTHER.public, Algorithm.COSIGNATURE)
LOG_KEY = VerifierKey.of(ORIGIN, LOG.public)


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(NAME, OTHER, [LOG_KEY], tmp_path / "witness")


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log.create(tmp_path / "log", ORIGIN, LOG)


@pytest.fixture
def server(witness: Witness) -> Iterator[WitnessServer]:
    with WitnessServer(("127.0.0.1", 0), witness) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


def url_of(server: WitnessServer) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


def submission(log: Log, old: int, note: Note | None = None) -> bytes:
    """What an honest log sends that believes the witness to be at `old`."""
    proof = log.prove_consistency(old, log.checkpoint.size) if old else []
    return Submission(old, tuple(proof), note or log.note, log.checkpoint).to_bytes()


def time_in(answer: Answer, log: Log) -> int | None:
    """The time in the answer's cosignature."""
    assert answer.status == 200, answer
    return cosigned_at(log.note.with_signatures(parse_signatures(answer.body.decode(), "answer")), WITNESS_KEY)


def test_a_growing_log_is_cosigned(witness: Witness, log: Log) -> None:
    for old, new in ((0, 1), (1, 7), (7, 300), (300, 300)):
        log.append_many([b"%d" % number for number in range(new)])
        assert time_in(witness.add_checkpoint(submission(log, old), 1000 + new), log) == 1000 + new
        assert witness.seen(ORIGIN) == new


def test_an_empty_log_may_be_cosigned(witness: Witness, log: Log) -> None:
    assert time_in(witness.add_checkpoint(submission(log, 0), 1), log) == 1
    wrong = Checkpoint(ORIGIN, 0, b"\x00" * 32)
    body = Submission(0, (), wrong.sign(LOG), wrong).to_bytes()
    assert witness.add_checkpoint(body, 1).status == 422


def test_the_wrong_old_size_is_told_the_right_one(witness: Witness, log: Log) -> None:
    log.append_many([b"%d" % number for number in range(5)])
    witness.add_checkpoint(submission(log, 0), 1)
    assert witness.add_checkpoint(submission(log, 0), 1) == Answer(409, b"5\n", SIZE_TYPE)
    assert witness.add_checkpoint(submission(log, 3), 1) == Answer(409, b"5\n", SIZE_TYPE)


def test_who_may_not_be_cosigned(witness: Witness, log: Log, tmp_path: Path) -> None:
    log.append(b"entry")
    strange = Log.create(tmp_path / "strange", "strange.example.org", LOG)
    assert witness.add_checkpoint(submission(strange, 0), 1).status == 404
    impostor = log.checkpoint.sign(Private.numbered(9))
    assert witness.add_checkpoint(submission(log, 0, impostor), 1).status == 403
    too_old = Submission(2, (), log.note, log.checkpoint).to_bytes()
    assert witness.add_checkpoint(too_old, 1).status == 400
    needless = Submission(0, (b"\x00" * 32,), log.note, log.checkpoint).to_bytes()
    assert witness.add_checkpoint(needless, 1).status == 422
    assert witness.seen(ORIGIN) == 0


def test_signatures_of_unknown_keys_do_no_harm(witness: Witness, log: Log) -> None:
    more = log.note.with_signatures(log.checkpoint.sign(Private.numbered(9)).signatures)
    assert time_in(witness.add_checkpoint(submission(log, 0, more), 1), log) == 1


def test_a_fork_is_refused(witness: Witness, log: Log, tmp_path: Path) -> None:
    fork = Log.create(tmp_path / "fork", ORIGIN, LOG)
    log.append_many([b"a", b"b", b"c"])
    witness.add_checkpoint(submission(log, 0), 1)
    fork.append_many([b"a", b"B", b"c"])
    assert witness.add_checkpoint(submission(fork, 3), 1) == Answer(409, b"3\n", SIZE_TYPE)
    fork.append_many([b"d", b"e"])
    assert witness.add_checkpoint(submission(fork, 3), 1).status == 422
    log.append(b"d")
    assert witness.add_checkpoint(submission(log, 3), 1).status == 200


@pytest.mark.parametrize("body", [b"", b"old 0\n", b"old 00\n\n", b"old 0\nnonsense\n\n", b"\xff", b"x" * 100_000])
def test_what_is_no_request_is_refused(witness: Witness, log: Log, body: bytes) -> None:
    assert witness.add_checkpoint(body, 1).status == 400
    assert witness.add_checkpoint(body + log.note.text.encode(), 1).status == 400


def test_too_many_hashes_are_refused(witness: Witness, log: Log) -> None:
    body = Submission(1, (EMPTY_ROOT,) * 64, log.note, log.checkpoint).to_bytes()
    assert witness.add_checkpoint(body, 1).status == 400


def test_it_remembers_after_a_restart(witness: Witness, log: Log, tmp_path: Path) -> None:
    log.append(b"a")
    witness.add_checkpoint(submission(log, 0), 1)
    again = Witness(NAME, OTHER, [LOG_KEY], tmp_path / "witness")
    assert again.add_checkpoint(submission(log, 0), 1) == Answer(409, b"1\n", SIZE_TYPE)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "witness.sqlite").write_bytes(b"a letter" * 1000)
    with pytest.raises(TlogError, match="not the database of a witness"):
        Witness(NAME, OTHER, [LOG_KEY], tmp_path / "other")


def test_of_many_at_once_only_those_that_follow_are_cosigned(witness: Witness, tmp_path: Path) -> None:
    """Sixteen histories that share nothing: whichever comes first, the others are told its size."""
    bodies = []
    for number in range(16):
        log = Log.create(tmp_path / str(number), ORIGIN, LOG)
        log.append_many([b"%d %d" % (number, each) for each in range(3)])
        bodies.append(submission(log, 0))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: witness.add_checkpoint(body, 1), bodies))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 15


def test_a_log_asks_over_http_and_publishes_what_it_gets(server: WitnessServer, log: Log, tmp_path: Path) -> None:
    for count in (3, 300, 300):
        log.append_many([b"%d" % number for number in range(count)])
        log.add_cosignatures([ask_to_cosign(log, url_of(server), WITNESS_KEY)])
        published = Log.open(tmp_path / "log")
        assert published.note.signed_by(LOG_KEY)
        assert cosigned_at(published.note, WITNESS_KEY) is not None
    policy = Policy.parse(f"log {LOG_KEY.line}\nwitness w {WITNESS_KEY.line}\nquorum w\n".encode(), "policy")
    assert policy.judge(published.prove(7).note, "proof").accepted
    log.append(b"more")
    assert not policy.judge(log.note, "note").quorum  # a new tree needs new cosignatures


def test_a_rolled_back_or_forked_log_learns_what_it_is(server: WitnessServer, log: Log, tmp_path: Path) -> None:
    log.append_many([b"a", b"b", b"c"])
    ask_to_cosign(log, url_of(server), WITNESS_KEY)
    fork = Log.create(tmp_path / "fork", ORIGIN, LOG)
    fork.append_many([b"a", b"c"])
    with pytest.raises(TlogError, match="rolled back"):
        ask_to_cosign(fork, url_of(server), WITNESS_KEY)
    fork.append(b"b")
    with pytest.raises(TlogError, match="forked"):
        ask_to_cosign(fork, url_of(server), WITNESS_KEY)
    fork.append(b"d")
    with pytest.raises(TlogError, match=r"refuses to cosign"):
        ask_to_cosign(fork, url_of(server), WITNESS_KEY)


def test_an_answer_that_is_no_cosignature_of_that_witness_is_refused(server: WitnessServer, log: Log) -> None:
    other = VerifierKey.of(NAME, Private.numbered(9).public, Algorithm.COSIGNATURE)
    with pytest.raises(TlogError, match="without a cosignature"):
        ask_to_cosign(log, url_of(server), other)
    with pytest.raises(TlogError, match="refuses to cosign"):
        ask_to_cosign(log, url_of(server) + "/elsewhere", WITNESS_KEY)


def test_a_witness_that_is_not_there(log: Log) -> None:
    with pytest.raises(TlogError, match="cannot be reached"):
        ask_to_cosign(log, "http://127.0.0.1:9", WITNESS_KEY)
    with pytest.raises(TlogError, match="not an http"):
        ask_to_cosign(log, "file:///etc/passwd", WITNESS_KEY)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/", {"Content-Length": "0"}, 404),
        ("GET", "/add-checkpoint", {}, 501),
        ("POST", "/add-checkpoint", {"Transfer-Encoding": "chunked"}, 411),
        ("POST", "/add-checkpoint", {"Content-Length": "-1"}, 411),
        ("POST", "/add-checkpoint", {"Content-Length": "10000000"}, 413),
        ("POST", "/add-checkpoint", {"Content-Length": "9" * 400}, 413),
        ("POST", "/add-checkpoint", {"Content-Length": "0"}, 400),
    ],
)
def test_other_requests_are_answered_as_http_wants(
    server: WitnessServer, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    connection.putrequest(method, path)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == status
    connection.close()
