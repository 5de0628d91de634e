"""Sigstore bundles: cosign, unchanged and without a network, accepts ours and refuses what was tampered with."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.made import SYSTEM, Laboratory
from tests.evidence.stamping import Stamping
from touchstone.errors import EvidenceError
from touchstone.evidence.layout import receipt_of, sigstore_of
from touchstone.evidence.sigstore_bundle import NamedLog, trusted_root, with_proof
from touchstone.signatures.keys import public_half
from touchstone.tlog.proof import TlogProof

COSIGN = os.environ.get("TOUCHSTONE_TEST_COSIGN") or shutil.which("cosign")
CERTIFICATE = "certificate.dsse.json"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an assessed system, in a log that holds other entries too, and what a verifier pins."""
    folder = tmp_path_factory.mktemp("place")
    laboratory = Laboratory.in_folder(folder / "laboratory")
    stamping = Stamping.in_folder(folder / "tsa")
    for number in range(5):
        laboratory.log.append(b"entry %d" % number)
    stamping.complete(laboratory, laboratory.assess(folder / "out"))
    log = NamedLog("log.example.org", laboratory.log_public)
    (folder / "trusted_root.json").write_bytes(trusted_root([log], [stamping.pinned]))
    return folder


@pytest.fixture
def bundle(place: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((place / "out" / sigstore_of(CERTIFICATE)).read_bytes())
    return value


def test_the_bundle_says_what_the_files_say(place: Path, bundle: dict[str, Any]) -> None:
    envelope = json.loads((place / "out" / CERTIFICATE).read_bytes())
    assert bundle["dsseEnvelope"]["payload"] == envelope["payload"]
    assert bundle["verificationMaterial"]["publicKey"] == {"hint": envelope["signatures"][0]["keyid"]}
    (entry,) = bundle["verificationMaterial"]["tlogEntries"]
    receipt = (place / "out" / receipt_of(CERTIFICATE)).read_text()
    assert receipt.endswith(entry["inclusionProof"]["checkpoint"]["envelope"])
    assert f"\nindex {entry['logIndex']}\n" in receipt
    root = json.loads((place / "trusted_root.json").read_bytes())
    log_id = base64.b64decode(entry["logId"]["keyId"])
    assert root["tlogs"][0]["logId"]["keyId"] == entry["logId"]["keyId"]
    signature_line = receipt.splitlines()[-1].split(" ")[-1]
    assert base64.b64decode(signature_line)[:4] == log_id[:4]


def test_a_later_checkpoint_replaces_only_the_proof(place: Path, bundle: dict[str, Any]) -> None:
    data = (place / "out" / sigstore_of(CERTIFICATE)).read_bytes()
    proof = TlogProof.parse((place / "out" / receipt_of("plan.dsse.json")).read_bytes(), "receipt")
    moved = json.loads(with_proof(data, proof, "bundle"))
    assert moved["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["logIndex"] == str(proof.index)
    moved["verificationMaterial"]["tlogEntries"][0]["inclusionProof"] = bundle["verificationMaterial"]["tlogEntries"][
        0
    ]["inclusionProof"]
    assert moved == bundle
    with pytest.raises(EvidenceError, match="is not a Sigstore bundle"):
        with_proof(b"{}", proof, "bundle")


def cosign(
    place: Path, bundle: dict[str, Any], *, predicate: str = "certificate", digest: str = SYSTEM
) -> "subprocess.CompletedProcess[str]":
    """Verify with cosign, cut off from every network where the kernel lets us."""
    if COSIGN is None:
        pytest.skip("cosign is not installed; name it in TOUCHSTONE_TEST_COSIGN")
    (place / "bundle.json").write_text(json.dumps(bundle))
    command = [
        *[COSIGN, "verify-blob-attestation", "--bundle", str(place / "bundle.json"), "--use-signed-timestamps"],
        *["--key", str(public_half(place / "laboratory" / "lab.key"))],
        *["--trusted-root", str(place / "trusted_root.json"), "--type", f"urn:touchstone:predicate:{predicate}:v1"],
        *["--digest", digest.removeprefix("sha256:"), "--digestAlg", "sha256"],
    ]
    alone = ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*alone, "true"], check=False, capture_output=True).returncode == 0:
        command = [*alone, *command]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.interop
def test_cosign_accepts_every_statement(place: Path) -> None:
    for name in ("plan", "assessment", "certificate"):
        bundle = json.loads((place / "out" / sigstore_of(f"{name}.dsse.json")).read_bytes())
        finished = cosign(place, bundle, predicate=name)
        assert finished.returncode == 0, finished.stderr
        assert "Verified OK" in finished.stderr


def flipped(text: str) -> str:
    data = bytearray(base64.b64decode(text))
    data[len(data) // 2] ^= 1
    return base64.b64encode(data).decode()


def entry(bundle: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = bundle["verificationMaterial"]["tlogEntries"][0]
    return found


def edit_proof(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda bundle: entry(bundle)["inclusionProof"].update(changes)


def edit_checkpoint(edit: Callable[[str], str]) -> Callable[[dict[str, Any]], None]:
    def change(bundle: dict[str, Any]) -> None:
        checkpoint = entry(bundle)["inclusionProof"]["checkpoint"]
        changed = edit(checkpoint["envelope"])
        assert changed != checkpoint["envelope"]
        checkpoint["envelope"] = changed

    return change


def edit_envelope(edit: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], None]:
    return lambda bundle: edit(bundle["dsseEnvelope"])


def edit_material(edit: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], None]:
    return lambda bundle: edit(bundle["verificationMaterial"])


def flip_stamp(material: dict[str, Any]) -> None:
    stamp = material["timestampVerificationData"]["rfc3161Timestamps"][0]
    stamp["signedTimestamp"] = flipped(stamp["signedTimestamp"])


TAMPERED: dict[str, Callable[[dict[str, Any]], None]] = {
    "payload": edit_envelope(lambda envelope: envelope.update(payload=flipped(envelope["payload"]))),
    "payload type": edit_envelope(lambda envelope: envelope.update(payloadType="application/vnd.in-toto")),
    "signature": edit_envelope(
        lambda envelope: envelope["signatures"][0].update(sig=flipped(envelope["signatures"][0]["sig"]))
    ),
    "two signatures": edit_envelope(lambda envelope: envelope.update(signatures=2 * envelope["signatures"])),
    "hash of the proof": lambda bundle: entry(bundle)["inclusionProof"]["hashes"].__setitem__(
        0, flipped(entry(bundle)["inclusionProof"]["hashes"][0])
    ),
    "no hashes": edit_proof(hashes=[]),
    "size in the checkpoint": edit_checkpoint(lambda text: text.replace("\n8\n", "\n9\n")),
    "root in the checkpoint": edit_checkpoint(lambda text: text.replace(text.splitlines()[2], 43 * "A" + "=")),
    "name of the log": edit_checkpoint(lambda text: text.replace("log.example.org", "log.example.com")),
    "index": lambda bundle: (entry(bundle).update(logIndex="6"), edit_proof(logIndex="6")(bundle))[0],
    "no entry": edit_material(lambda material: material.update(tlogEntries=[])),
    "no timestamp": edit_material(lambda material: material.update(timestampVerificationData={})),
    "timestamp": edit_material(flip_stamp),
}


@pytest.mark.interop
@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
def test_cosign_refuses_a_tampered_bundle(
    place: Path, bundle: dict[str, Any], tamper: Callable[[dict[str, Any]], None]
) -> None:
    tamper(bundle)
    assert cosign(place, bundle).returncode != 0


@pytest.mark.interop
def test_cosign_refuses_another_system_or_statement(place: Path, bundle: dict[str, Any]) -> None:
    assert cosign(place, bundle, digest="sha256:" + 64 * "0").returncode != 0
    assert cosign(place, bundle, predicate="refusal").returncode != 0
