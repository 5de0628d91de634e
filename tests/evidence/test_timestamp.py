"""Timestamps: what OpenSSL accepts we accept, and no byte of a token can change."""

import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evidence.stamping import MADE, POLICY, STAMPED, Stamping
from touchstone.errors import EvidenceError
from touchstone.evidence import der
from touchstone.evidence.der import Element
from touchstone.evidence.timestamp import Authority, Stamp, accept, request, stamp_of

SIGNATURE = b"a signature"


@pytest.fixture(scope="module")
def stamping(tmp_path_factory: pytest.TempPathFactory) -> Stamping:
    return Stamping.in_folder(tmp_path_factory.mktemp("tsa"))


@pytest.fixture(scope="module")
def token(stamping: Stamping) -> bytes:
    return stamping.stamp(SIGNATURE)


def test_says_when_and_under_which_policy(stamping: Stamping, token: bytes) -> None:
    assert stamp_of(token, SIGNATURE, stamping.pinned, "token") == Stamp(STAMPED, POLICY)


def test_the_root_alone_is_enough_to_pin(stamping: Stamping, token: bytes) -> None:
    assert stamp_of(token, SIGNATURE, Authority(stamping.own.certificates[1:]), "token").at == STAMPED


def test_no_byte_of_a_token_can_change(stamping: Stamping, token: bytes) -> None:
    changed = bytearray(token)
    for position in range(len(token)):
        for bit in range(8):
            changed[position] ^= 1 << bit
            with pytest.raises(EvidenceError, match="token"):
                stamp_of(bytes(changed), SIGNATURE, stamping.pinned, "token")
            changed[position] ^= 1 << bit


def test_another_signature_or_authority_is_refused(stamping: Stamping, token: bytes, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="the timestamp of another signature"):
        stamp_of(token, b"another signature", stamping.pinned, "token")
    with pytest.raises(EvidenceError, match="is not by the timestamping authority given"):
        stamp_of(token, SIGNATURE, Stamping.in_folder(tmp_path).pinned, "token")


@pytest.mark.parametrize("at", [MADE - timedelta(days=1), MADE + timedelta(days=4000)])
def test_outside_the_life_of_its_certificate_an_authority_says_nothing(stamping: Stamping, at: object) -> None:
    asked = request(SIGNATURE)
    answer = stamping.own.answer(asked.data, at)  # type: ignore[arg-type]
    with pytest.raises(EvidenceError, match="is not by the timestamping authority given"):
        accept(answer, asked, SIGNATURE, stamping.pinned, "answer")


def test_an_answer_to_another_request_is_refused(stamping: Stamping) -> None:
    asked, other = request(SIGNATURE), request(SIGNATURE)
    with pytest.raises(EvidenceError, match="answers another request"):
        accept(stamping.own.answer(other.data, STAMPED), asked, SIGNATURE, None, "answer")


def in_certificates(token: bytes, *more: bytes) -> bytes:
    """The same token with further certificates, in the order given: not the one DER wants for a set."""
    status, info = Element.parse(token).children
    kind, explicit = info.children
    version, digests, content, own, signers = explicit.children[0].children
    bag = der.tagged(0, b"".join((*more, own.children[0].encoded)))
    parts = (version.encoded, digests.encoded, content.encoded, bag, signers.encoded)
    return der.sequence(status.encoded, der.sequence(kind.encoded, der.tagged(0, der.sequence(*parts))))


def test_of_the_certificates_only_the_signer_s_own_is_kept(stamping: Stamping) -> None:
    asked = request(SIGNATURE)
    answer = stamping.own.answer(asked.data, STAMPED, POLICY)
    root = stamping.own.certificates[1].public_bytes(Encoding.DER)
    swollen = in_certificates(answer, root)
    assert len(swollen) > len(answer)
    assert accept(swollen, asked, SIGNATURE, stamping.pinned, "answer") == answer
    with pytest.raises(EvidenceError, match=r"holds more than a bare timestamp|is not a timestamp"):
        stamp_of(swollen, SIGNATURE, stamping.pinned, "token")


def test_a_refusal_of_the_authority_is_no_timestamp() -> None:
    refusal = der.sequence(der.sequence(der.integer(2)))  # PKIStatus rejection
    with pytest.raises(EvidenceError, match="is not a granted timestamp"):
        accept(refusal, request(SIGNATURE), SIGNATURE, None, "answer")


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail_otherwise(stamping: Stamping, data: bytes) -> None:
    with pytest.raises(EvidenceError):
        stamp_of(data, SIGNATURE, stamping.pinned, "token")
    with pytest.raises(EvidenceError):
        accept(data, request(SIGNATURE), SIGNATURE, None, "answer")


def test_certificates_must_lead_to_a_root(stamping: Stamping) -> None:
    own = stamping.own.certificates[0].public_bytes(Encoding.PEM)
    with pytest.raises(EvidenceError, match="does not hold a root certificate"):
        Authority.of_pem(own, "file")
    with pytest.raises(EvidenceError, match="does not hold certificates"):
        Authority.of_pem(b"text", "file")


def openssl(*arguments: object) -> "subprocess.CompletedProcess[str]":
    if shutil.which("openssl") is None:
        pytest.skip("OpenSSL's command line is not installed")
    return subprocess.run(["openssl", "ts", *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.mark.interop
def test_openssl_accepts_our_token_and_refuses_it_changed(stamping: Stamping, token: bytes, tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(SIGNATURE)
    pems = b"".join(one.public_bytes(Encoding.PEM) for one in stamping.own.certificates)
    (tmp_path / "certificates.pem").write_bytes(pems)
    verify = (
        "-verify",
        "-data",
        tmp_path / "data",
        "-CAfile",
        tmp_path / "certificates.pem",
        "-in",
        tmp_path / "token",
    )
    (tmp_path / "token").write_bytes(token)
    assert "Verification: OK" in openssl(*verify).stdout
    (tmp_path / "token").write_bytes(token[:-1] + bytes([token[-1] ^ 1]))
    assert openssl(*verify).returncode != 0


@pytest.mark.interop
def test_we_accept_what_openssl_answers_with_a_chain(stamping: Stamping, tmp_path: Path) -> None:
    """OpenSSL's authority, which puts its certificates in an order of its own."""
    folder = tmp_path / "openssl"
    authority = Stamping.in_folder(folder).own
    asked = request(SIGNATURE)
    (folder / "request").write_bytes(asked.data)
    (folder / "own.pem").write_bytes(authority.certificates[0].public_bytes(Encoding.PEM))
    (folder / "serial").write_text("01\n")
    (folder / "tsa.cnf").write_text(
        "[tsa]\ndefault_tsa=one\n[one]\nserial=serial\nsigner_digest=sha256\ndigests=sha256\n"
        "default_policy=1.2.3.4\nsigner_cert=own.pem\nsigner_key=authority.key\ncerts=certificates.pem\n"
        "ess_cert_id_alg=sha256\n"
    )
    finished = subprocess.run(
        ["openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", "request", "-out", "reply"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    kept = accept((folder / "reply").read_bytes(), asked, SIGNATURE, Authority(authority.certificates), "reply")
    assert stamp_of(kept, SIGNATURE, Authority(authority.certificates), "token").policy == "1.2.3.4"
