"""SM2: the example of the standard, OpenSSL's signatures, and second envelopes in an output folder."""

import base64
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evidence.made import Laboratory
from touchstone.errors import EvidenceError
from touchstone.evidence import der
from touchstone.evidence.envelope import Envelope
from touchstone.evidence.sm2 import N, Sm2VerifyingKey
from touchstone.evidence.verification import Verification
from touchstone.evidence.verify import verify
from touchstone.laboratory.sm2_signing import Sm2Key, write_sm2_envelopes

AT = datetime(2026, 12, 1, tzinfo=UTC)
FILES = ("plan.dsse.json", "assessment.dsse.json", "certificate.dsse.json")

# GB/T 32918.5-2017, annex A.2: key, digest and signature of "message digest", signer 1234567812345678.
EXAMPLE_KEY = Sm2VerifyingKey(
    0x09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020,
    0xCCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13,
)
EXAMPLE_E = 0xF0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640
EXAMPLE_R = 0xF5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3
EXAMPLE_S = 0xB1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA


def encoded(r: int, s: int) -> bytes:
    return der.sequence(der.integer(r), der.integer(s))


def test_the_example_of_the_standard_verifies() -> None:
    assert EXAMPLE_KEY.is_on_the_curve
    assert EXAMPLE_KEY.digest(b"message digest") == EXAMPLE_E
    assert EXAMPLE_KEY.verifies(encoded(EXAMPLE_R, EXAMPLE_S), b"message digest")


@pytest.mark.parametrize(
    "signature",
    [
        encoded(EXAMPLE_R, EXAMPLE_S + N),
        encoded(EXAMPLE_R + N, EXAMPLE_S),
        encoded(EXAMPLE_R, N - EXAMPLE_S),
        encoded(EXAMPLE_R, N - EXAMPLE_R),  # r + s = 0
        encoded(EXAMPLE_S, EXAMPLE_R),
        encoded(0, EXAMPLE_S),
        encoded(EXAMPLE_R, 0),
        encoded(EXAMPLE_R, EXAMPLE_S) + b"\0",
        der.sequence(der.integer(EXAMPLE_R), der.encode(der.INTEGER, b"\0\0" + EXAMPLE_S.to_bytes(32, "big"))),
        der.sequence(der.integer(EXAMPLE_R)),
        EXAMPLE_R.to_bytes(32, "big") + EXAMPLE_S.to_bytes(32, "big"),
        b"",
    ],
)
def test_no_other_signature_of_the_example_verifies(signature: bytes) -> None:
    assert not EXAMPLE_KEY.verifies(signature, b"message digest")


@settings(deadline=None, max_examples=30)
@given(st.binary(max_size=40), st.integers(1, N - 1))
def test_no_other_message_of_the_example_verifies(message: bytes, s: int) -> None:
    assert EXAMPLE_KEY.verifies(encoded(EXAMPLE_R, s), message) is (message == b"message digest" and s == EXAMPLE_S)


@settings(deadline=None)
@given(st.binary(max_size=120))
def test_no_bytes_make_the_loader_fail_otherwise(data: bytes) -> None:
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(data) + b"\n-----END PUBLIC KEY-----\n"
    for text in (data, pem):
        with pytest.raises(EvidenceError, match="is not a public SM2 key"):
            Sm2VerifyingKey.of_pem(text, "key")


def test_a_key_that_is_no_point_of_the_curve_is_refused() -> None:
    wrong = Sm2VerifyingKey(EXAMPLE_KEY.x, EXAMPLE_KEY.y ^ 1)
    for key in (wrong, EXAMPLE_KEY):
        text = b"-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(key.spki) + b"\n-----END PUBLIC KEY-----\n"
        if key.is_on_the_curve:
            assert Sm2VerifyingKey.of_pem(text, "key") == key
        else:
            with pytest.raises(EvidenceError):
                Sm2VerifyingKey.of_pem(text, "key")


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Sm2Key:
    path = tmp_path_factory.mktemp("sm2") / "key.pem"
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    made = subprocess.run(
        ["openssl", "genpkey", "-algorithm", "SM2", "-aes256", "-pass", "pass:correct horse", "-out", str(path)],
        capture_output=True,
        check=False,
    )
    if made.returncode != 0:
        pytest.skip("this openssl does not know SM2")
    return Sm2Key(path, b"correct horse")


@pytest.mark.interop
def test_openssl_s_signatures_verify_and_changed_ones_do_not(key: Sm2Key) -> None:
    public = key.public
    for message in (b"", b"message", bytes(10_000)):
        signature = key.sign(message)
        assert public.verifies(signature, message)
        assert not public.verifies(signature, message + b"!")
        assert not EXAMPLE_KEY.verifies(signature, message)


def test_a_wrong_passphrase_or_no_key_is_a_clear_error(key: Sm2Key, tmp_path: Path) -> None:
    for wrong in (Sm2Key(key.path, b"wrong"), Sm2Key(tmp_path / "nowhere", None)):
        with pytest.raises(EvidenceError, match="openssl refuses"):
            wrong.sign(b"message")


def check(out: Path, laboratory: Laboratory, sm2_key: Sm2VerifyingKey | None) -> Verification:
    return verify(out, key=laboratory.public, log_key=laboratory.log_public, sm2_key=sm2_key, at=AT)


def failed(verification: Verification) -> set[str | None]:
    return {step.file for step in verification.steps if step.status == "failed"}


def test_second_envelopes_over_the_same_payload(laboratory: Laboratory, key: Sm2Key, tmp_path: Path) -> None:
    out = laboratory.assess(tmp_path / "out")
    assert failed(check(out, laboratory, key.public)) == {name.replace(".dsse", ".sm2.dsse") for name in FILES}
    written = write_sm2_envelopes(out, FILES, laboratory.public, key)
    for first, second in zip(FILES, written, strict=True):
        payloads = [Envelope.from_bytes((out / name).read_bytes(), name).payload for name in (first, second)]
        assert payloads[0] == payloads[1]
    verification = check(out, laboratory, key.public)
    assert verification.ok
    assert verification.passed("sm2")
    assert verification.uncovered == ("report.en.html",)
    unasked = check(out, laboratory, None)
    assert unasked.ok
    assert "certificate.sm2.dsse.json" in unasked.uncovered
    assert failed(check(out, laboratory, EXAMPLE_KEY)) == set(written)
    shutil.copy(out / written[0], out / written[2])
    assert failed(check(out, laboratory, key.public)) == {written[2]}


def test_no_byte_of_a_second_envelope_can_change(laboratory: Laboratory, key: Sm2Key, tmp_path: Path) -> None:
    out = laboratory.assess(tmp_path / "out")
    write_sm2_envelopes(out, FILES, laboratory.public, key)
    path = out / "certificate.sm2.dsse.json"
    original = path.read_bytes()
    for position in range(0, len(original), 199):
        changed = bytearray(original)
        changed[position] ^= 1
        path.write_bytes(changed)
        assert failed(check(out, laboratory, key.public)) == {"certificate.sm2.dsse.json"}, position
