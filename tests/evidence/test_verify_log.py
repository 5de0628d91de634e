"""Verification of receipts, checkpoint, witnesses and a log policy; and what the log keeps of a statement."""

from __future__ import annotations

import ast
import base64
import hashlib
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

import touchstone.tlog
from tests.evidence.made import Laboratory
from touchstone.errors import EvidenceError
from touchstone.evidence.envelope import Envelope
from touchstone.evidence.layout import CHECKPOINT, StatementName
from touchstone.evidence.leaf import leaf_of, named_by
from touchstone.evidence.log_errors import CHINESE, log_errors
from touchstone.evidence.reading import SignedReader
from touchstone.evidence.trust import Trusted
from touchstone.evidence.verification import Step, Steps
from touchstone.evidence.verify_log import LogExamination
from touchstone.laboratory.issuing import renew_receipts
from touchstone.signatures.dsse import pre_authentication_encoding
from touchstone.signatures.keys import LogSigningKey, generate_log_key, load_log_signing_key
from touchstone.tlog.cosignature import cosign
from touchstone.tlog.errors import TlogError
from touchstone.tlog.log import Log
from touchstone.tlog.note import Algorithm, NoteSignature, VerifierKey
from touchstone.tlog.policy import Policy
from touchstone.tlog.proof import TlogProof

NAMES = (StatementName.PLAN, StatementName.ASSESSMENT, StatementName.CERTIFICATE)
SEEN = 1_790_000_000


@pytest.fixture
def lab(tmp_path: Path) -> Laboratory:
    return Laboratory.in_folder(tmp_path / "lab")


@pytest.fixture
def out(lab: Laboratory, tmp_path: Path) -> Path:
    return lab.assess(tmp_path / "out")


@pytest.fixture
def witness(tmp_path: Path) -> LogSigningKey:
    generate_log_key(tmp_path / "witness.key", None)
    return load_log_signing_key(tmp_path / "witness.key", None)


def policy(lab: Laboratory, witness: LogSigningKey, name: str = "witness.example.net/w1", quorum: str = "w") -> Policy:
    log = VerifierKey.of("log.example.org", lab.log_public).line
    line = VerifierKey.of(name, witness.public, Algorithm.COSIGNATURE).line
    return Policy.parse(f"log {log}\nwitness w {line}\nquorum {quorum}\n".encode(), "policy")


def cosigned(lab: Laboratory, out: Path, witness: LogSigningKey, name: str = "witness.example.net/w1") -> None:
    """A witness cosigns the log's checkpoint, and the receipts are renewed."""
    lab.log.add_cosignatures([cosign(lab.log.note, name, witness, SEEN)])
    renew_receipts(out, lab.log)


def examined(
    lab: Laboratory, out: Path, *, key: bool = True, log_policy: Policy | None = None
) -> tuple[LogExamination, list[Step]]:
    """The log's part of a verification of a whole folder."""
    reader = SignedReader(out, Trusted.of_keys(lab.public), Steps())
    steps = Steps()
    examination = LogExamination(out, lab.log_public if key else None, steps, log_policy)
    statements = [reader.open(name.file) for name in NAMES]
    examination.statements([signed for signed in statements if signed is not None])
    return examination, steps.taken


def statuses(steps: list[Step]) -> set[tuple[str, str]]:
    return {(step.id, step.status) for step in steps}


def test_a_leaf_names_digest_signature_and_key_and_nothing_else(lab: Laboratory, out: Path) -> None:
    envelope = Envelope.from_bytes((out / "plan.dsse.json").read_bytes(), "plan")
    leaf = leaf_of(envelope, lab.public)
    parsed = json.loads(leaf)
    payload = base64.b64decode(envelope.payload)
    signed = pre_authentication_encoding("application/vnd.in-toto+json", payload)
    assert parsed == {
        "apiVersion": "0.0.2",
        "kind": "hashedrekord",
        "spec": {
            "hashedRekordV002": {
                "data": {"algorithm": "SHA2_256", "digest": base64.b64encode(hashlib.sha256(signed).digest()).decode()},
                "signature": {
                    "content": envelope.signatures[0].sig,
                    "verifier": {
                        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                        "publicKey": {"rawBytes": base64.b64encode(lab.public.spki).decode()},
                    },
                },
            }
        },
    }
    assert leaf == json.dumps(parsed, sort_keys=True, separators=(",", ":")).encode()
    assert named_by(leaf, "leaf") == ("sha256:" + hashlib.sha256(signed).hexdigest(), lab.public.id)


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"spec":{"hashedRekordV002":1}}', b"\xff"])
def test_other_entries_are_told_apart(data: bytes) -> None:
    with pytest.raises(EvidenceError):
        named_by(data, "leaf")


def test_without_a_policy_there_is_order_but_no_witness(lab: Laboratory, out: Path) -> None:
    examination, steps = examined(lab, out)
    assert statuses(steps) == {("log", "ok"), ("order", "ok")}
    assert examination.witnesses == 0
    assert examination.seen_at("plan.dsse.json") is None


def test_a_quorum_of_witnesses_is_stated_with_its_time(lab: Laboratory, out: Path, witness: LogSigningKey) -> None:
    cosigned(lab, out, witness)
    for key in (True, False):  # the policy names the log, so its key need not be given apart
        examination, steps = examined(lab, out, key=key, log_policy=policy(lab, witness))
        assert statuses(steps) == {("log", "ok"), ("order", "ok"), ("witness", "ok")}
        assert examination.witnesses == 1
        assert examination.seen_at("plan.dsse.json") == datetime.fromtimestamp(SEEN, UTC)
    assert examination.seen_at("other.dsse.json") is None


def test_a_quorum_that_is_not_reached_is_unmet(lab: Laboratory, out: Path, witness: LogSigningKey) -> None:
    examination, steps = examined(lab, out, log_policy=policy(lab, witness))
    assert statuses(steps) == {("log", "ok"), ("order", "ok"), ("witness", "unmet")}
    assert examination.seen_at("plan.dsse.json") is None
    _, steps = examined(lab, out, log_policy=policy(lab, witness, quorum="none"))
    assert statuses(steps) == {("log", "ok"), ("order", "ok")}


def test_the_logs_own_witness_counts_for_nothing(lab: Laboratory, out: Path, witness: LogSigningKey) -> None:
    cosigned(lab, out, witness, "witness.example.org/w1")
    own = policy(lab, witness, "witness.example.org/w1")
    examination, steps = examined(lab, out, log_policy=own)
    assert examination.witnesses == 0
    assert {("own-witness", "not-checked"), ("witness", "unmet")} <= statuses(steps)


def test_a_log_the_policy_does_not_name_is_refused(lab: Laboratory, out: Path, witness: LogSigningKey) -> None:
    other = Laboratory.in_folder(out.parent / "other")
    examination, steps = examined(lab, out, log_policy=policy(other, witness))
    assert ("log", "failed") in statuses(steps)
    assert examination.witnesses == 0


def test_no_byte_under_a_policy_can_change(lab: Laboratory, out: Path, witness: LogSigningKey) -> None:
    cosigned(lab, out, witness)
    trusted = policy(lab, witness)
    path = out / StatementName.PLAN.receipt
    original = path.read_bytes()
    for position in range(0, len(original), 3):
        changed = bytearray(original)
        changed[position] ^= 1
        path.write_bytes(changed)
        _, steps = examined(lab, out, log_policy=trusted)
        assert path.relative_to(out).as_posix() in {step.file for step in steps if step.status == "failed"}, position


def test_data_that_nothing_vouches_for_is_refused(lab: Laboratory, out: Path) -> None:
    path = out / StatementName.PLAN.receipt
    path.write_bytes(path.read_bytes().replace(b"index", b"extra aGVsbG8=\nindex"))
    _, steps = examined(lab, out)
    (step,) = [step for step in steps if step.status == "failed"]
    assert "nothing vouches for" in step.text.en


def test_a_time_no_clock_shows_is_no_time(lab: Laboratory, out: Path, witness: LogSigningKey) -> None:
    lab.log.add_cosignatures([cosign(lab.log.note, "witness.example.net/w1", witness, 2**62)])
    renew_receipts(out, lab.log)
    examination, _ = examined(lab, out, log_policy=policy(lab, witness))
    assert examination.seen_at("plan.dsse.json") is None


def test_receipts_are_renewed_only_from_the_log_that_gave_them(lab: Laboratory, out: Path, tmp_path: Path) -> None:
    before = TlogProof.parse((out / StatementName.PLAN.receipt).read_bytes(), "receipt")
    lab.assess(tmp_path / "more", accuracy="0.5")
    assert renew_receipts(out, lab.log) == sorted(name.receipt for name in NAMES)
    after = TlogProof.parse((out / StatementName.PLAN.receipt).read_bytes(), "receipt")
    assert (before.index, before.checkpoint.size, after.index, after.checkpoint.size) == (0, 3, 0, 5)  # the same plan
    assert (out / CHECKPOINT).read_bytes() == lab.log.note.to_bytes()
    _, steps = examined(lab, out)
    assert statuses(steps) == {("log", "ok"), ("order", "ok")}
    shutil.rmtree(lab.folder / "log")
    begun_again = Log.create(lab.folder / "log", "log.example.org", lab.log_key)
    begun_again.append_many([b"%d" % number for number in range(9)])
    with pytest.raises(EvidenceError, match="rolled back"):
        renew_receipts(out, begun_again)


def test_a_line_of_an_unknown_witness_changes_nothing(lab: Laboratory, out: Path, witness: LogSigningKey) -> None:
    lab.log.add_cosignatures([NoteSignature("unknown.example.net", b"0000", b"\x00" * 72)])
    renew_receipts(out, lab.log)
    examination, steps = examined(lab, out, log_policy=policy(lab, witness, quorum="none"))
    assert examination.witnesses == 0
    assert statuses(steps) == {("log", "ok"), ("order", "ok")}


def phrases() -> set[str]:
    """Every phrase with which the log's package complains."""
    found = set()
    for file in Path(touchstone.tlog.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "TlogError":
                what = node.args[0]
                assert isinstance(what, ast.Constant) and isinstance(what.value, str), ast.unparse(node)
                found.add(what.value)
    return found


def test_every_complaint_of_the_log_is_said_in_chinese_too() -> None:
    assert set(CHINESE) == phrases()
    for what in CHINESE:
        with pytest.raises(EvidenceError) as caught, log_errors():
            raise TlogError(what, "file")
        assert caught.value.what.zh == CHINESE[what]
        assert caught.value.where == "file"
