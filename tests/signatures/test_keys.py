"""Keys: files that other tools read, and one clear message for every way they can be wrong."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.errors import EvidenceError, UserError
from touchstone.signatures.keys import (
    P256_ORDER,
    LogVerifyingKey,
    SigningKey,
    generate,
    generate_log_key,
    load_any_public_key,
    load_log_public_key,
    load_log_signing_key,
    load_public_key,
    load_signing_key,
    lower_s,
    public_half,
    read_passphrase,
)

# RFC 8410, section 10: an Ed25519 key pair in PKCS#8 and SubjectPublicKeyInfo.
RFC_8410_PRIVATE = b"""-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
"""
RFC_8410_PUBLIC = b"""-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
"""

# RFC 8032, section 7.1, test 2: public key, message, signature.
RFC_8032_PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
RFC_8032_SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


# RFC 6979, A.2.5: private key on P-256, and the signature over "test" with SHA-256.
RFC_6979_PRIVATE = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
RFC_6979_R = 0xF1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367
RFC_6979_S = 0x019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083


def test_signs_as_rfc_6979_says() -> None:
    key = SigningKey.of(ec.derive_private_key(RFC_6979_PRIVATE, ec.SECP256R1()))
    assert RFC_6979_S < P256_ORDER // 2
    assert key.sign(b"test") == encode_dss_signature(RFC_6979_R, RFC_6979_S)
    assert key.public.verifies(encode_dss_signature(RFC_6979_R, RFC_6979_S), b"test")


def test_of_the_two_values_of_s_the_lower_is_the_only_one(tmp_path: Path) -> None:
    generate(tmp_path / "key", None)
    key = load_signing_key(tmp_path / "key", None)
    for number in range(20):
        message = str(number).encode()
        r, s = decode_dss_signature(key.sign(message))
        higher = encode_dss_signature(r, P256_ORDER - s)
        assert s <= P256_ORDER // 2
        assert not key.public.verifies(higher, message)
        assert lower_s(higher) == key.sign(message)


def test_reads_the_keys_of_rfc_8410(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(RFC_8410_PRIVATE)
    key = load_log_signing_key(tmp_path / "key", None)
    assert key.public == load_log_public_key(RFC_8410_PUBLIC)
    assert key.public.pem == RFC_8410_PUBLIC
    assert key.public.id.startswith("sha256:")


def test_verifies_the_signature_of_rfc_8032() -> None:
    key = LogVerifyingKey(RFC_8032_PUBLIC)
    assert key.verifies(RFC_8032_SIGNATURE, b"\x72")
    assert not key.verifies(RFC_8032_SIGNATURE, b"\x73")


@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
def test_a_generated_pair_belongs_together(tmp_path: Path, passphrase: bytes | None) -> None:
    path = tmp_path / "lab.key"
    public = generate(path, passphrase)
    key = load_signing_key(path, passphrase)
    assert key.public == public == load_public_key(public_half(path))
    assert public.verifies(key.sign(b"message"), b"message")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (b"ENCRYPTED" in path.read_bytes()) is (passphrase is not None)


def test_a_log_has_a_pair_of_its_own_kind(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    public = generate_log_key(path, b"correct horse")
    key = load_log_signing_key(path, b"correct horse")
    assert key.public == public == load_log_public_key(public_half(path)) == load_any_public_key(public_half(path))
    assert public.verifies(key.sign(b"message"), b"message")
    assert repr(key) == f"LogSigningKey({public.id})"


@pytest.mark.parametrize("existing", ["lab.key", "lab.key.pub"])
def test_never_overwrites(tmp_path: Path, existing: str) -> None:
    (tmp_path / existing).write_text("precious")
    with pytest.raises(EvidenceError, match="exists already"):
        generate(tmp_path / "lab.key", None)
    assert [file.name for file in tmp_path.iterdir()] == [existing]
    assert (tmp_path / existing).read_text() == "precious"


def test_a_private_key_is_not_shown(tmp_path: Path) -> None:
    generate(tmp_path / "key", None)
    key = load_signing_key(tmp_path / "key", None)
    assert repr(key) == f"SigningKey({key.public.id})"


def test_every_fault_has_its_own_message(tmp_path: Path) -> None:
    generate(tmp_path / "locked", b"right")
    generate(tmp_path / "open", None)
    (tmp_path / "text").write_text("not a key")
    generate_log_key(tmp_path / "log", None)
    for name, curve in {"p384": ec.SECP384R1(), "k1": ec.SECP256K1()}.items():
        other = ec.generate_private_key(curve)
        (tmp_path / name).write_bytes(
            other.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        (tmp_path / f"{name}.pub").write_bytes(
            other.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
    faults = {
        "no passphrase was given": lambda: load_signing_key(tmp_path / "locked", None),
        "does not open with this passphrase": lambda: load_signing_key(tmp_path / "locked", b"wrong"),
        "is not encrypted": lambda: load_signing_key(tmp_path / "open", b"needless"),
        "is not a private key": lambda: load_signing_key(tmp_path / "text", None),
        "is not a public key": lambda: load_public_key(tmp_path / "text"),
        "is not an ECDSA P-256 key": lambda: load_signing_key(tmp_path / "log", None),
        "is not an ECDSA P-256 key ": lambda: load_public_key(tmp_path / "log.pub"),
        "is not an ECDSA P-256 key  ": lambda: load_signing_key(tmp_path / "p384", None),
        "is not an ECDSA P-256 key   ": lambda: load_public_key(tmp_path / "k1.pub"),
        "is not an Ed25519 key": lambda: load_log_signing_key(tmp_path / "open", None),
        "is not an Ed25519 key ": lambda: load_log_public_key(tmp_path / "open.pub"),
        "does not exist": lambda: load_public_key(tmp_path / "nowhere"),
        "is a directory": lambda: load_public_key(tmp_path),
        "is a file, not a folder": lambda: generate(tmp_path / "text" / "key", None),
    }
    for message, action in faults.items():
        with pytest.raises(UserError, match=message.strip()):
            action()


def test_tells_the_halves_of_a_pair_apart(tmp_path: Path) -> None:
    generate(tmp_path / "key", None)
    with pytest.raises(EvidenceError) as refused:
        load_public_key(tmp_path / "key")
    assert refused.value.remedy is not None
    assert ".pub" in refused.value.remedy.en
    with pytest.raises(EvidenceError, match="is not a private key"):
        load_signing_key(tmp_path / "key.pub", None)


def test_a_passphrase_file_gives_its_first_line(tmp_path: Path) -> None:
    (tmp_path / "phrase").write_bytes(b"correct horse\r\nrest")
    assert read_passphrase(tmp_path / "phrase") == b"correct horse"
    (tmp_path / "phrase").write_bytes(b"\n")
    with pytest.raises(EvidenceError, match="no passphrase"):
        read_passphrase(tmp_path / "phrase")


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_make_the_loader_fail_otherwise(data: bytes) -> None:
    with pytest.raises(UserError):
        load_public_key(data)
