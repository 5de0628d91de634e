"""COSE receipts: the structure of RFC 9942, and an independent verifier that agrees."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from tests.evidence.made import Laboratory
from touchstone.errors import EvidenceError
from touchstone.evidence.cose_receipt import cose_receipt
from touchstone.signatures.keys import LogSigningKey, generate_log_key, load_log_signing_key
from touchstone.tlog.proof import TlogProof

VERIFIER = os.environ.get("TOUCHSTONE_TEST_SCITT_COSE")
"""A Python that has scitt-cose."""


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> LogSigningKey:
    path = tmp_path_factory.mktemp("receipts") / "key"
    generate_log_key(path, None)
    return load_log_signing_key(path, None)


@pytest.fixture(scope="module")
def proofs(tmp_path_factory: pytest.TempPathFactory) -> dict[bytes, TlogProof]:
    """Entries of a log of 300, each with its proof: long and short paths, and sizes that take two bytes of CBOR."""
    log = Laboratory.in_folder(tmp_path_factory.mktemp("laboratory")).log
    entries = [b"entry %d" % number for number in range(300)]
    log.append_many(entries)
    return {entries[index]: log.prove(index) for index in (0, 1, 23, 24, 255, 256, 299)}


def test_the_structure_is_that_of_rfc_9942(proofs: dict[bytes, TlogProof], key: LogSigningKey) -> None:
    cbor2 = pytest.importorskip("cbor2")
    for entry, proof in proofs.items():
        receipt = cose_receipt(entry, proof, key)
        assert cbor2.dumps(cbor2.loads(receipt), canonical=True) == receipt
        decoded = cbor2.loads(receipt)
        protected, unprotected, payload, signature = decoded.value
        header = cbor2.loads(protected)
        assert (decoded.tag, payload) == (18, None)
        assert (header[1], header[395], header[15][1]) == (-8, 1, "log.example.org")
        assert header[4] == hashlib.sha256(key.public.spki).digest()
        size, index, hashes = cbor2.loads(unprotected[396][-1][0])
        assert (size, index, list(hashes)) == (300, proof.index, list(proof.hashes))
        signed = cbor2.dumps(["Signature1", protected, b"", proof.checkpoint.root])
        assert key.public.verifies(signature, signed)


def test_no_receipt_for_what_is_not_in_the_log(proofs: dict[bytes, TlogProof], key: LogSigningKey) -> None:
    with pytest.raises(EvidenceError, match="does not lead from the statement"):
        cose_receipt(b"another entry", proofs[b"entry 0"], key)


@pytest.mark.interop
def test_an_independent_verifier_accepts_ours_and_refuses_it_changed(
    proofs: dict[bytes, TlogProof], key: LogSigningKey, tmp_path: Path
) -> None:
    if VERIFIER is None:
        pytest.skip("no Python with scitt-cose is named in TOUCHSTONE_TEST_SCITT_COSE")
    (tmp_path / "key.pub").write_bytes(key.public.pem)
    code = (
        "import sys, scitt_cose\n"
        "read = lambda name: open(name, 'rb').read()\n"
        "for case in range(int(sys.argv[1])):\n"
        "    print(scitt_cose.verify_receipt(read(f'{case}.cose'), leaf_entry_hex=read(f'{case}.entry').hex(),"
        " log_public_key_pem=read('key.pub')).ok)"
    )
    cases: list[tuple[bytes, bytes]] = []
    for entry, proof in proofs.items():
        receipt = cose_receipt(entry, proof, key)
        # neither size nor index is signed (RFC 9942): only what leads to another root or signature must be refused
        places = (receipt.index(part) for part in (b"log.example.org", proof.hashes[0], proof.hashes[-1]))
        positions = (*places, len(receipt) - 64, len(receipt) - 1)
        changed = [receipt[:at] + bytes([receipt[at] ^ 1]) + receipt[at + 1 :] for at in positions]
        cases += [(entry, receipt), (entry + b"!", receipt), *((entry, one) for one in changed)]
    for number, (entry, receipt) in enumerate(cases):
        (tmp_path / f"{number}.entry").write_bytes(entry)
        (tmp_path / f"{number}.cose").write_bytes(receipt)
    finished = subprocess.run(
        [VERIFIER, "-c", code, str(len(cases))], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    good = {cose_receipt(entry, proof, key): entry for entry, proof in proofs.items()}
    expected = [str(good.get(receipt) == entry) for entry, receipt in cases]
    assert finished.stdout.split() == expected
