"""Keys from files, the environment and devices: the same key, whichever way it comes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from touchstone.errors import EvidenceError
from touchstone.evidence.device_key import Place
from touchstone.evidence.envelope import open_envelope, sign
from touchstone.evidence.key_sources import needs_passphrase, open_log_signing_key, open_signing_key
from touchstone.evidence.statement import statement
from touchstone.signatures.keys import generate, generate_log_key, load_public_key

MODULE = Path(os.environ.get("TOUCHSTONE_TEST_PKCS11", "/usr/lib/softhsm/libsofthsm2.so"))


def test_a_key_from_a_file_and_from_the_environment_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = generate(tmp_path / "key", b"correct horse")
    monkeypatch.setenv("LAB_KEY", (tmp_path / "key").read_text())
    for source in (str(tmp_path / "key"), "env:LAB_KEY"):
        assert needs_passphrase(source)
        assert open_signing_key(source, b"correct horse").public == public
    with pytest.raises(EvidenceError, match=r"env:LAB_KEY: is encrypted"):
        open_signing_key("env:LAB_KEY", None)


def test_a_log_key_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    public = generate_log_key(tmp_path / "key", None)
    monkeypatch.setenv("LOG_KEY", (tmp_path / "key").read_text())
    assert not needs_passphrase("env:LOG_KEY")
    assert open_log_signing_key("env:LOG_KEY", None).public == public
    with pytest.raises(EvidenceError, match=r"env:LOG_KEY: is not an ECDSA P-256 key"):
        open_signing_key("env:LOG_KEY", None)


def test_an_empty_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", "")
    for name in ("LAB_KEY", "NO_SUCH_KEY"):
        with pytest.raises(EvidenceError, match=f"env:{name}: is not set"):
            open_signing_key(f"env:{name}", None)


def test_a_log_key_is_not_in_a_device() -> None:
    with pytest.raises(EvidenceError, match="is a device"):
        open_log_signing_key("pkcs11:object=log?module-path=/lib.so", b"1234")


def test_reads_a_device_uri() -> None:
    # RFC 7512, section 3, with the attributes that are needed here.
    place = Place.parse("pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;object=my-key;id=%69%95?module-path=/x.so")
    assert place == Place("/x.so", "The Software PKCS#11 Softtoken", None, "my-key", b"\x69\x95")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("pkcs11:", "does not name a key"),
        ("pkcs11:token=lab?module-path=/x.so", "does not name a key"),
        ("pkcs11:object=key", "does not name a key"),
        ("pkcs11:object=key;type=private?module-path=/x.so", "does not name a key"),
        ("pkcs11:object=key?module-path=/x.so&module-name=x", "does not name a key"),
        ("pkcs11:object=key;object=other?module-path=/x.so", "says nothing"),
        ("pkcs11:object?module-path=/x.so", "says nothing"),
        ("pkcs11:object=key?module-path=/x.so&pin-value=1234", "holds a PIN"),
        ("pkcs11:object=key?module-path=/x.so&pin-source=file:/pin", "holds a PIN"),
    ],
)
def test_a_device_uri_that_says_too_little_or_too_much(uri: str, message: str) -> None:
    with pytest.raises(EvidenceError, match=message) as refused:
        open_signing_key(uri, b"1234")
    assert "1234" not in str(refused.value)


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> str:
    """URI of a key that a software device made and keeps; its PIN is 1234."""
    pkcs11 = pytest.importorskip("pkcs11")
    from pkcs11.util.ec import encode_named_curve_parameters

    if not MODULE.exists() or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM is not installed")
    folder = tmp_path_factory.mktemp("device")
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")  # read once, when the library is loaded
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", "lab", "--pin", "1234", "--so-pin", "5678"],
        check=True,
        capture_output=True,
    )
    with pkcs11.lib(str(MODULE)).get_token(token_label="lab").open(rw=True, user_pin="1234") as session:
        parameters = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
        session.create_domain_parameters(pkcs11.KeyType.EC, parameters, local=True).generate_keypair(
            store=True, label="statements"
        )
    return f"pkcs11:token=lab;object=statements?module-path={MODULE}"


def test_a_device_signs_what_anyone_can_verify(device: str) -> None:
    assert needs_passphrase(device)
    key = open_signing_key(device, b"1234")
    claim = statement("model", "sha256:" + 64 * "0", "urn:touchstone:predicate:test:v1", {"a": 1})
    for _ in range(5):  # a device draws its own random numbers: a new signature each time, always the lower one
        envelope = sign(claim, key).to_bytes()
        assert open_envelope(envelope, "file", load_public_key(key.public.pem)) == claim


@pytest.mark.parametrize(
    ("change", "pin"),
    [
        (("object=statements", "object=other"), b"1234"),
        (("token=lab", "token=other"), b"1234"),
        ((str(MODULE), "/nowhere.so"), b"1234"),
        (("", ""), b"9999"),
        (("", ""), b"\xff"),
        (("", ""), None),
    ],
)
def test_whatever_a_device_refuses_is_a_clear_error(device: str, change: tuple[str, str], pin: bytes | None) -> None:
    with pytest.raises(EvidenceError, match="the device refuses"):
        open_signing_key(device.replace(*change), pin)


def test_without_the_extra_it_is_named() -> None:
    code = (
        "import sys; sys.modules['pkcs11'] = None\n"
        "from touchstone.evidence.key_sources import open_signing_key\n"
        "try: open_signing_key('pkcs11:object=key?module-path=/x.so', None)\n"
        "except Exception as error: print(type(error).__name__, error.remedy.en)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout == "UnavailableError pip install 'touchstone[pkcs11]'\n"
