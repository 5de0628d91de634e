"""Envelopes: the DSSE encoding, and not one second spelling of a signed statement."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evidence.made import SYSTEM, Laboratory
from touchstone.canonical import canonical_json
from touchstone.errors import EvidenceError
from touchstone.evidence.envelope import Envelope, open_envelope, sign
from touchstone.evidence.statement import statement
from touchstone.signatures.dsse import PAYLOAD_TYPE, pre_authentication_encoding, strict_base64
from touchstone.signatures.keys import P256_ORDER

CLAIM = statement("model", SYSTEM, "urn:touchstone:predicate:test:v1", {"a": 1, "text": "试金石", "none": None})


def test_pre_authentication_encoding_of_the_dsse_specification() -> None:
    # DSSE protocol v1.0.2, "Test Vectors".
    encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_the_statement_has_the_form_of_in_toto() -> None:
    assert CLAIM.to_json() == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "model", "digest": {"sha256": SYSTEM.removeprefix("sha256:")}}],
        "predicateType": "urn:touchstone:predicate:test:v1",
        "predicate": {"a": 1, "text": "试金石", "none": None},
    }


def test_opens_what_was_signed_and_signs_the_same_each_time(laboratory: Laboratory) -> None:
    data = sign(CLAIM, laboratory.key).to_bytes()
    assert open_envelope(data, "file", laboratory.public) == CLAIM
    assert data == sign(CLAIM, laboratory.key).to_bytes()
    assert set(json.loads(data)) == {"payload", "payloadType", "signatures"}


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    return Laboratory.in_folder(tmp_path_factory.mktemp("stranger"))


def test_another_key_is_refused_and_named(laboratory: Laboratory, stranger: Laboratory) -> None:
    data = sign(CLAIM, laboratory.key).to_bytes()
    with pytest.raises(EvidenceError, match=f"file: is signed by another key.*{stranger.public.id}"):
        open_envelope(data, "file", stranger.public)


def test_a_key_cannot_borrow_the_name_of_another(laboratory: Laboratory, stranger: Laboratory) -> None:
    forged = sign(CLAIM, stranger.key).to_json()
    forged["signatures"][0]["keyid"] = laboratory.public.id
    with pytest.raises(EvidenceError, match="was changed after it was signed"):
        open_envelope(canonical_json(forged), "file", laboratory.public)


Edit = Callable[[dict[str, Any]], Any]


def with_payload(edit: Callable[[str], str]) -> Edit:
    return lambda envelope: envelope | {"payload": edit(envelope["payload"])}


def with_signature(edit: Callable[[dict[str, Any]], list[Any]]) -> Edit:
    return lambda envelope: envelope | {"signatures": edit(envelope["signatures"][0])}


RESPELT: dict[str, Edit] = {
    "no padding": with_signature(lambda one: [one | {"sig": one["sig"].rstrip("=")}]),
    "more padding": with_signature(lambda one: [one | {"sig": one["sig"] + "="}]),
    "line break in base64": with_payload(lambda text: text[:76] + "\n" + text[76:]),
    "url alphabet": with_signature(lambda one: [one | {"sig": one["sig"].replace("+", "-").replace("/", "_") + "-"}]),
    "two signatures": with_signature(lambda one: [one, one]),
    "no signature": with_signature(lambda _: []),
    "field in signature": with_signature(lambda one: [one | {"cert": "x"}]),
    "no key id": with_signature(lambda one: [{"sig": one["sig"]}]),
    "signatures as object": lambda envelope: envelope | {"signatures": envelope["signatures"][0]},
    "field in envelope": lambda envelope: envelope | {"extra": 1},
    "snake case": lambda envelope: {("payload_type" if k == "payloadType" else k): v for k, v in envelope.items()},
    "another type": lambda envelope: envelope | {"payloadType": "application/json"},
    "no type": lambda envelope: {k: v for k, v in envelope.items() if k != "payloadType"},
    "list": lambda envelope: [envelope],
}


@pytest.mark.parametrize("edit", RESPELT.values(), ids=RESPELT)
def test_a_respelt_envelope_is_refused(laboratory: Laboratory, edit: Edit) -> None:
    envelope = sign(CLAIM, laboratory.key).to_json()
    edited = edit(envelope)
    assert edited != envelope
    with pytest.raises(EvidenceError):
        open_envelope(canonical_json(edited), "file", laboratory.public)


def test_unused_bits_of_base64_are_refused() -> None:
    assert strict_base64("QQ==", "file") == b"A"
    assert base64.b64decode("QR==") == b"A"  # the lenient reading that would let a byte change unnoticed
    with pytest.raises(EvidenceError, match="canonical"):
        strict_base64("QR==", "file")


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: data + b"\n",
        lambda data: b" " + data,
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.replace(b'","', b'", "'),
        lambda data: data.replace(b'{"payload"', b'{"payload":"","payload"'),
        lambda data: data.replace(b"application/", rb"application\/"),
        lambda data: json.dumps(json.loads(data), indent=1).encode(),
        lambda data: json.dumps(dict(reversed(json.loads(data).items()))).encode(),
        lambda data: data[:-1],
        lambda data: b"",
        lambda data: b'{"payload":"\\ud800","payloadType":"application/vnd.in-toto+json","signatures":[]}',
        lambda data: b"[" * 10_000,
    ],
)
def test_other_bytes_of_the_same_json_are_refused(laboratory: Laboratory, edit: Callable[[bytes], bytes]) -> None:
    data = sign(CLAIM, laboratory.key).to_bytes()
    with pytest.raises(EvidenceError):
        open_envelope(edit(data), "file", laboratory.public)


@pytest.mark.parametrize(
    "payload",
    [
        b'{"_type":"https://in-toto.io/Statement/v0.1","predicate":{},"predicateType":"x","subject":[]}',
        CLAIM.to_bytes().replace(b'"_type":"https://in-toto.io/Statement/v1",', b""),
        CLAIM.to_bytes().replace(b'"a":1', b'"a":1.0'),
        CLAIM.to_bytes().replace(b'"a":1', b'"a":1,"a":1'),
        CLAIM.to_bytes().replace(b'"a":1', b'"a": 1'),
        CLAIM.to_bytes().replace(b'"none":null', b'"none":"\\ud800"'),
        b"{}",
        b"null",
    ],
)
def test_a_signed_payload_that_is_no_exact_statement_is_refused(laboratory: Laboratory, payload: bytes) -> None:
    signature = laboratory.key.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload))
    envelope = canonical_json(
        {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": laboratory.public.id, "sig": base64.b64encode(signature).decode()}],
        }
    )
    with pytest.raises(EvidenceError):
        open_envelope(envelope, "file", laboratory.public)


def _integer(value: int) -> bytes:
    data = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return b"\x02" + bytes([len(data)]) + data


def _sequence(content: bytes) -> bytes:
    return b"\x30" + bytes([len(content)]) + content


@pytest.mark.parametrize(
    "respell",
    [
        lambda r, s: encode_dss_signature(r, P256_ORDER - s),  # the other value of s is as good to plain ECDSA
        lambda r, s: encode_dss_signature(r, s) + b"\0",
        lambda r, s: _sequence(b"\x02\x22\0\0" + r.to_bytes(32, "big") + _integer(s)),
        lambda r, s: b"\x30\x81" + encode_dss_signature(r, s)[1:],
        lambda r, s: encode_dss_signature(r + P256_ORDER, s),
        lambda r, s: r.to_bytes(32, "big") + s.to_bytes(32, "big"),
        lambda r, s: encode_dss_signature(0, 0),
        lambda r, s: b"",
    ],
)
def test_a_signature_has_one_encoding(laboratory: Laboratory, respell: Callable[[int, int], bytes]) -> None:
    envelope = sign(CLAIM, laboratory.key).to_json()
    r, s = decode_dss_signature(base64.b64decode(envelope["signatures"][0]["sig"]))
    assert s <= P256_ORDER // 2
    envelope["signatures"][0]["sig"] = base64.b64encode(respell(r, s)).decode()
    with pytest.raises(EvidenceError, match="was changed after it was signed"):
        open_envelope(canonical_json(envelope), "file", laboratory.public)


def test_other_tools_accept_the_signature(laboratory: Laboratory) -> None:
    envelope = sign(CLAIM, laboratory.key)
    key = load_pem_public_key(laboratory.public.pem)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    message = pre_authentication_encoding(PAYLOAD_TYPE, base64.b64decode(envelope.payload))
    key.verify(base64.b64decode(envelope.signatures[0].sig), message, ec.ECDSA(SHA256()))


def test_no_byte_of_an_envelope_can_change(laboratory: Laboratory) -> None:
    data = bytearray(sign(CLAIM, laboratory.key).to_bytes())
    for position in range(len(data)):
        for mask in (0x01, 0x20, 0x80):
            data[position] ^= mask
            with pytest.raises(EvidenceError):
                open_envelope(bytes(data), "file", laboratory.public)
            data[position] ^= mask


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=8), st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8) | st.none()))
def test_any_predicate_survives(laboratory: Laboratory, predicate: dict[str, Any]) -> None:
    claim = statement("model", SYSTEM, "urn:x", predicate)
    assert open_envelope(sign(claim, laboratory.key).to_bytes(), "file", laboratory.public).predicate == predicate


def test_the_key_of_an_envelope_is_named(laboratory: Laboratory) -> None:
    assert Envelope.from_bytes(sign(CLAIM, laboratory.key).to_bytes(), "file").keyid == laboratory.public.id
