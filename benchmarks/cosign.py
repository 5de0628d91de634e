"""Claim: stock cosign (3.1 or later), without a network, accepts our Sigstore bundles and refuses tampered ones.

Assesses an example with a log and timestamps, then lets cosign verify each bundle as it is, and with one byte changed
at many random places of the payload, the signature, the inclusion proof and the timestamp.

    python benchmarks/cosign.py path/to/cosign 3.1.1

The version is given, because distributions build cosign without one. cosign passes over some fields of a timestamp that
its signature does not cover (`touchstone verify` does not): changes there are counted, and not asked to be refused.
"""

from __future__ import annotations

import base64
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from record import keep

SYSTEM = Path(__file__).parents[1] / "examples" / "healthcare"
STATEMENTS = ("plan", "assessment", "refusal")
FLIPS = 25
"""Per statement and part."""
PARTS: dict[str, tuple[str | int, ...]] = {
    "payload": ("dsseEnvelope", "payload"),
    "signature": ("dsseEnvelope", "signatures", 0, "sig"),
    "inclusion proof": ("verificationMaterial", "tlogEntries", 0, "inclusionProof", "hashes", 0),
    "timestamp": (
        *("verificationMaterial", "timestampVerificationData", "rfc3161Timestamps"),
        *(0, "signedTimestamp"),
    ),
}


def touchstone(*arguments: object, expect: int = 0) -> str:
    """Run a command to its end and return what it printed."""
    command = [sys.executable, "-m", "touchstone", *map(str, arguments)]
    finished = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    assert finished.returncode == expect, (arguments, finished.returncode)
    return finished.stdout


def laboratory(root: Path) -> Path:
    """An assessed system in `root`, and everything a verifier pins. Returns the output folder."""
    touchstone("keys", "generate", root / "key.pem", "--without-passphrase")
    touchstone("keys", "generate", root / "log.pem", "--for", "log", "--without-passphrase")
    touchstone("log", "create", root / "log", "--origin", "log.lab.example", "--key", root / "log.pem")
    touchstone("timestamp", "create", root / "tsa", "--name", "Lab Example", "--without-passphrase")
    out = root / "out"
    touchstone(
        *("assess", SYSTEM, "--output", out, "--key", root / "key.pem", "--tsa", root / "tsa"),
        *("--log", root / "log", "--log-key", root / "log.pem"),
        expect=1,  # too few patients to settle every limit
    )
    trusted = touchstone(
        *("export", "trusted-root", "--origin", "log.lab.example", "--log-key", root / "log.pem.pub"),
        *("--tsa-certificate", root / "tsa" / "certificates.pem"),
    )
    (root / "trusted_root.json").write_text(trusted)
    return out


def subject_of(bundle: dict[str, Any]) -> str:
    """Digest of the system that a good bundle is about."""
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    return str(statement["subject"][0]["digest"]["sha256"])


def accepted(cosign: str, root: Path, statement: str, subject: str, bundle: dict[str, Any]) -> bool:
    """Whether cosign, cut off from every network, accepts a bundle as such a statement about the subject."""
    (root / "bundle.json").write_text(json.dumps(bundle))
    command = [
        *["unshare", "--map-root-user", "--net", cosign, "verify-blob-attestation", "--use-signed-timestamps"],
        *["--key", str(root / "key.pem.pub"), "--trusted-root", str(root / "trusted_root.json")],
        *["--bundle", str(root / "bundle.json"), "--type", f"urn:touchstone:predicate:{statement}:v1"],
        *["--digest", subject, "--digestAlg", "sha256"],
    ]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def flip(bundle: dict[str, Any], path: tuple[str | int, ...], chance: random.Random) -> dict[str, Any]:
    """The same bundle with one bit of one part changed."""
    changed: dict[str, Any] = json.loads(json.dumps(bundle))
    value: Any = changed
    for step in path[:-1]:
        value = value[step]
    data = bytearray(base64.b64decode(value[path[-1]]))
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    value[path[-1]] = base64.b64encode(data).decode()
    return changed


def main(cosign: str, version: str) -> None:
    """Assess, let cosign verify, tamper, let cosign verify again."""
    chance = random.Random(20261123)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        out = laboratory(root)
        bundles = {name: json.loads((out / "receipts" / f"{name}.sigstore.json").read_bytes()) for name in STATEMENTS}
        started = time.perf_counter()
        good = sum(accepted(cosign, root, name, subject_of(bundle), bundle) for name, bundle in bundles.items())
        seconds = (time.perf_counter() - started) / len(bundles)
        refused = dict.fromkeys(PARTS, 0)
        for part, path in PARTS.items():
            for name, bundle in bundles.items():
                for _ in range(FLIPS):
                    tampered = flip(bundle, path, chance)
                    refused[part] += not accepted(cosign, root, name, subject_of(bundle), tampered)
        keep(
            "cosign",
            "cosign, offline, accepts every statement's bundle and refuses it with a bit of what is signed changed",
            {
                "cosign": version,
                "accepted": f"{good} of {len(bundles)}",
                "refused": {part: f"{count} of {FLIPS * len(bundles)}" for part, count in refused.items()},
                "seconds_per_verification": round(seconds, 3),
                "bytes_per_bundle": {name: len(json.dumps(bundle)) for name, bundle in bundles.items()},
            },
        )
        assert good == len(bundles)
        assert all(refused[part] == FLIPS * len(bundles) for part in ("payload", "signature", "inclusion proof"))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
