"""`supply.provenance` on attestations by other tools, by hand, and by enemies."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from tests.checks.running import InProcessRun, codes, metric
from tests.system.made import data_set, describe, make
from touchstone.canonical import parse_json
from touchstone.checks.declaration import Measurement
from touchstone.checks.model_integrity import build_provenance as module
from touchstone.checks.model_integrity.build_provenance import build_provenance
from touchstone.errors import EvidenceError, UnavailableError
from touchstone.signatures.keys import P256_ORDER, SigningKey
from touchstone.system import build_provenance as reader

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs/how-to/show-supply-resilience.md"
MODEL, TRAINING = b"model", b"a,y\n1,yes\n2,no\n"
BUILDER = "https://build.example.com/hosted@v1"
CODE = {"uri": "git+https://example.com/train@refs/heads/main", "digest": {"gitCommit": "0" * 40}}
KEY = ec.derive_private_key(4711, ec.SECP256R1())
OTHER = ec.derive_private_key(4712, ec.SECP256R1())


def pem(key: Any) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return str(key.public_key().public_bytes(serialization.Encoding.PEM, form).decode())


def digest(content: bytes) -> dict[str, Any]:
    return {"digest": {"sha256": hashlib.sha256(content).hexdigest()}}


def statement(*built: bytes, materials: tuple[bytes, ...] = (TRAINING,), **changes: Any) -> dict[str, Any]:
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "model", **digest(content)} for content in built or (MODEL,)],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://build.example.com/train/v1",
                "externalParameters": {"learning_rate": 0.001, "seed": 2**64},
                "resolvedDependencies": [CODE, *(digest(content) for content in materials)],
            },
            "runDetails": {"builder": {"id": BUILDER}, "metadata": {"invocationId": "17"}},
        },
    } | changes


def envelope(content: dict[str, Any] | bytes, key: ec.EllipticCurvePrivateKey = KEY, **changes: Any) -> dict[str, Any]:
    """Signed with nothing of ours: the encoding of DSSE written out, and the high form of the signature as it comes."""
    payload = content if isinstance(content, bytes) else json.dumps(content, indent=1).encode()
    kind = b"application/vnd.in-toto+json"
    signed = b" ".join([b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload])
    signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
    return {
        "payloadType": kind.decode(),
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": "k", "sig": base64.b64encode(signature).decode(), "cert": ""}],
    } | changes


def builder(key: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"id": BUILDER, "public_key": key or pem(KEY), "claim": "said so"} | fields


def measure(
    folder: Path,
    attestation: bytes | dict[str, Any] | list[dict[str, Any]] | None,
    builders: list[dict[str, Any]] | None = None,
    train: bool = True,
    files: dict[str, bytes] | None = None,
    **model: Any,
) -> Measurement:
    data = {"train": data_set("train.csv", "csv", target="y")} if train else {}
    description = describe(columns=["a"], format_="onnx", file="model.onnx", data=data, **model)
    content = {"model.onnx": MODEL, "train.csv": TRAINING, **(files or {})}
    if attestation is not None:
        path = "model.intoto.jsonl" if isinstance(attestation, list) else "model.intoto.json"
        lines = attestation if isinstance(attestation, list) else [attestation]
        content[path] = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        description["model"]["provenance"] = path
    if builders != []:
        description["registers"] = {"builders": "builders.yaml"}
        content["builders.yaml"] = yaml.safe_dump(builders or [builder()]).encode()
    measurement = build_provenance.function(
        make(folder, description, content), build_provenance.parameters(), InProcessRun()
    )
    assert all(control.passed for control in measurement.controls)
    return measurement


def level(measurement: Measurement) -> int:
    return int(metric(measurement, "slsa_build_level").value)


def test_an_attestation_signed_by_openssl_is_level_two(tmp_path: Path) -> None:
    [listed] = re.findall(r"```yaml\n# supply/builders.yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    known = HERE / "openssl_provenance"
    builders = yaml.safe_load(listed)
    assert builders[0]["public_key"] == (known / "builder.pub").read_text()
    measurement = measure(tmp_path, (known / "model.intoto.jsonl").read_bytes(), builders)
    assert level(measurement) == 2
    assert metric(measurement, "training_data_attested").value == 1
    assert codes(measurement) == ["level-claimed"]
    assert "as claimed: Example Cloud, assurance report 2026" in measurement.warnings[0].text.en


def test_our_own_way_to_sign_is_read_too(tmp_path: Path) -> None:
    files = ["sha256:" + hashlib.sha256(MODEL).hexdigest()]
    materials = ["sha256:" + hashlib.sha256(TRAINING).hexdigest()]
    attestation = module._attestation(files, materials, SigningKey.of(KEY), changed=False)
    assert level(measure(tmp_path, attestation, [builder(id="builder")])) == 2


def test_levels_follow_from_who_says_it(tmp_path: Path) -> None:
    assert level(measure(tmp_path / "a", envelope(statement()))) == 2
    assert level(measure(tmp_path / "b", envelope(statement()), [builder(level=3)])) == 3
    for name, unsigned in (("c", statement()), ("d", envelope(statement(), signatures=[]))):
        measurement = measure(tmp_path / name, unsigned)
        assert (level(measurement), codes(measurement)) == (1, ["unsigned"])
    measurement = measure(tmp_path / "e", None)
    assert (level(measurement), codes(measurement)) == (0, ["no-provenance"])


def test_the_older_name_of_a_statement_is_known(tmp_path: Path) -> None:
    assert level(measure(tmp_path, envelope(statement(_type="https://in-toto.io/Statement/v0.1")))) == 2


def test_a_sigstore_bundle_with_a_bare_key_is_read(tmp_path: Path) -> None:
    bundle = {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": envelope(statement())}
    assert level(measure(tmp_path, bundle)) == 2


@pytest.mark.parametrize("field", ["certificate", "x509CertificateChain"])
def test_a_certificate_is_not_followed(tmp_path: Path, field: str) -> None:
    by_another = {"verificationMaterial": {field: {}}, "dsseEnvelope": envelope(statement(), OTHER)}
    measurement = measure(tmp_path, by_another)
    assert (level(measurement), codes(measurement)) == (1, ["certificate-not-followed"])


def test_what_the_build_leaves_unsaid_is_noted(tmp_path: Path) -> None:
    silent = statement()
    silent["predicate"]["buildDefinition"] |= {"externalParameters": {}, "resolvedDependencies": [digest(TRAINING)]}
    measurement = measure(tmp_path, envelope(silent))
    assert level(measurement) == 2
    assert codes(measurement) == ["level-claimed", "parameters-not-stated", "code-not-named"]


@pytest.mark.parametrize("builders", [[], [builder(id="https://elsewhere.example.com")]])
def test_a_builder_that_nobody_lists_is_worth_no_more_than_no_signature(
    tmp_path: Path, builders: list[dict[str, Any]]
) -> None:
    measurement = measure(tmp_path, envelope(statement()), builders)
    assert (level(measurement), codes(measurement)) == (1, ["builder-not-listed"])


def test_the_key_of_one_builder_does_not_speak_for_another(tmp_path: Path) -> None:
    builders = [builder(pem(OTHER)), builder(pem(KEY), id="https://elsewhere.example.com")]
    measurement = measure(tmp_path, envelope(statement()), builders)
    assert (level(measurement), codes(measurement)) == (0, ["signature-not-valid", "file-not-attested"])


def test_a_builder_may_have_two_keys(tmp_path: Path) -> None:
    assert level(measure(tmp_path, envelope(statement()), [builder(pem(OTHER)), builder()])) == 2


def test_training_data_must_be_what_went_in(tmp_path: Path) -> None:
    measurement = measure(tmp_path / "a", envelope(statement(materials=(b"other",))))
    assert (level(measurement), codes(measurement)) == (1, ["level-claimed", "training-data-not-named"])
    assert metric(measurement, "training_data_attested").value == 0
    measurement = measure(tmp_path / "b", envelope(statement(materials=())), train=False)
    assert (level(measurement), codes(measurement)) == (2, ["level-claimed", "training-data-not-handed-in"])


def test_a_conversion_rests_on_the_model_it_was_made_of(tmp_path: Path) -> None:
    forms = [{"name": "edge", "format": "onnx", "file": "edge.onnx"}]
    files = {"edge.onnx": b"edge"}
    trained, converted = envelope(statement()), envelope(statement(b"edge", materials=(MODEL,)))
    assert level(measure(tmp_path / "a", [trained, converted], files=files, deployed=forms)) == 2
    measurement = measure(tmp_path / "b", [trained], files=files, deployed=forms)
    assert (level(measurement), codes(measurement)) == (0, ["level-claimed", "file-not-attested"])
    itself = envelope(statement(b"edge", materials=(b"edge",)))
    assert level(measure(tmp_path / "c", [trained, itself], files=files, deployed=forms)) == 1


def test_the_producer_under_another_name_is_no_builder(tmp_path: Path) -> None:
    files = {"model.sig": b"{}", "supplier.pub": pem(KEY).encode()}
    measurement = measure(tmp_path, envelope(statement()), files=files, signature="model.sig", signer="supplier.pub")
    assert (level(measurement), codes(measurement)[0]) == (1, "builder-is-signer")


@pytest.mark.parametrize(
    "key",
    [
        pem(ed25519.Ed25519PrivateKey.generate()),
        pem(rsa.generate_private_key(65537, 2048)),
        pem(ec.derive_private_key(4711, ec.SECP384R1())),
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "no key",
    ],
)
def test_keys_of_another_kind_are_named(tmp_path: Path, key: str) -> None:
    measurement = measure(tmp_path, envelope(statement()), [builder(key)])
    assert (level(measurement), codes(measurement)[0]) == (1, "key-not-usable")


SPOILT: dict[str, tuple[bytes | dict[str, Any], str]] = {
    "another file": (envelope(statement(b"another")), "file-not-attested"),
    "another payload type": (envelope(statement(), payloadType="application/json"), "not-understood"),
    "another predicate": (envelope(statement(predicateType="https://slsa.dev/provenance/v0.2")), "not-understood"),
    "another statement": (envelope(statement(_type="https://in-toto.io/Statement/v2")), "not-understood"),
    "no subject": (envelope(statement(subject=[])), "not-understood"),
    "a digest that is a number": (envelope(statement(subject=[{"digest": {"sha256": 1}}])), "not-understood"),
    "no predicate": (envelope(statement(predicate={})), "not-understood"),
    "payload that is not base64": (envelope(statement(), payload="%%%"), "not-understood"),
    "signature that is not base64": (envelope(statement(), signatures=[{"sig": "%"}]), "not-understood"),
    "signature that is none": (envelope(statement(), signatures=[{"sig": "AAAA"}]), "signature-not-valid"),
    "signature by another": (envelope(statement(), OTHER), "signature-not-valid"),
    "many signatures": (envelope(statement(), signatures=[{"sig": ""}] * 65), "not-understood"),
    "a key twice": (envelope(b'{"_type": 1, "_type": 2}'), "not-understood"),
    "too deep": (envelope(b"[" * 100), "not-understood"),
    "no text": (envelope(b"\xff"), "not-understood"),
    "half a character": (
        envelope(json.dumps(statement()).replace("hosted@v1", "\\ud800").encode()),
        "not-understood",
    ),
    "a list": (b"[]", "not-understood"),
    "nothing": (b"", "not-understood"),
    "an envelope without anything": (b"{}", "not-understood"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_spoilt_counts_nothing_and_is_named(tmp_path: Path, name: str) -> None:
    attestation, code = SPOILT[name]
    measurement = measure(tmp_path, attestation)
    assert level(measurement) == 0
    assert code in codes(measurement)


def test_what_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "LARGEST_ATTESTATION", 1000)
    found, [refused] = reader.attestations(b" " * 1001, "a.json")
    assert (found, "is larger than 1000 bytes" in refused.what.en) == ([], True)
    many = json.dumps(statement()).encode() + b"\n"
    monkeypatch.setattr(reader, "LARGEST_ATTESTATION", 10**7)
    found, [refused] = reader.attestations(many * 101, "a.jsonl")
    assert (len(found), "more than 100" in refused.what.en) == (100, True)


def test_either_form_of_a_signature_is_taken(tmp_path: Path) -> None:
    attestation = envelope(statement())
    r, s = decode_dss_signature(base64.b64decode(attestation["signatures"][0]["sig"]))
    turned = base64.b64encode(encode_dss_signature(r, P256_ORDER - s)).decode()
    assert level(measure(tmp_path / "a", attestation)) == 2
    assert level(measure(tmp_path / "b", attestation | {"signatures": [{"sig": turned}]})) == 2


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_be_read_or_refused(data: bytes) -> None:
    for path in ("a.json", "a.jsonl"):
        found, refused = reader.attestations(data, path)
        assert found or refused or not data.strip()


def test_a_number_of_any_size_may_stand_in_what_others_wrote() -> None:
    large = parse_json(b'{"a": 1.50, "b": 123456789012345678901234567890}', "x", any_number=True)
    assert (str(large["a"]), str(large["b"])) == ("1.50", "123456789012345678901234567890")
    with pytest.raises(EvidenceError, match="float"):
        parse_json(b"[1.5]", "x")


def test_without_a_model_file_there_is_nothing_that_was_built(tmp_path: Path) -> None:
    service: dict[str, Any] = {"format_": "http", "endpoint": "http://localhost:1", "endpoint_model": "m"}
    description = describe(columns=["a"], output="labels", access="labels", **service)
    with pytest.raises(UnavailableError, match="no model file"):
        build_provenance.function(make(tmp_path, description, {}), build_provenance.parameters(), InProcessRun())
