"""Independent tools judge our logs: they accept what is good and refuse what was tampered with.

TOUCHSTONE_TESSERA_FSCK   a program over Tessera's `fsck` package: FOLDER and verifier key as arguments
TOUCHSTONE_SIGSUM         folder with `sigsum-witness` and `sigsum-key` (Debian package sigsum-go)
TOUCHSTONE_PROOFBUNDLE    `proofbundle` (PyPI)

Each is looked for on PATH when its variable is not set.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tlog.keys import LOG, ORIGIN, OTHER
from touchstone.tlog.cosignature import cosign
from touchstone.tlog.errors import TlogError
from touchstone.tlog.log import CHECKPOINT, Log
from touchstone.tlog.note import Algorithm, VerifierKey
from touchstone.tlog.witness import Submission, Witness
from touchstone.tlog.witness_client import ask_to_cosign

pytestmark = pytest.mark.interop

LOG_KEY = VerifierKey.of(ORIGIN, LOG.public)
WITNESS_KEY = VerifierKey.of("witness.example.net/w1", OTHER.public, Algorithm.COSIGNATURE)


def tool(name: str, variable: str, folder: bool = False) -> str:
    """Path of a tool; skips the test where it is not installed."""
    given = os.environ.get(variable)
    path = Path(given) / name if given and folder else given
    found = shutil.which(path or name)
    if found is None:
        pytest.skip(f"{name} is not installed (set {variable})")
    return found


def entries(count: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(count)]


@pytest.mark.parametrize("size", [1, 255, 256, 257, 65_535, 65_536, 65_537, 70_000])
def test_tessera_finds_our_logs_whole(tmp_path: Path, size: int) -> None:
    fsck = tool("tessera-fsck", "TOUCHSTONE_TESSERA_FSCK")
    log = Log.create(tmp_path / "log", ORIGIN, LOG)
    for start in range(0, size, 9_999):
        log.append_many(entries(size)[start : start + 9_999])

    def accepts() -> bool:
        command = [fsck, str(tmp_path / "log"), LOG_KEY.line]
        try:
            return subprocess.run(command, capture_output=True, check=False, timeout=15).returncode == 0
        except subprocess.TimeoutExpired:  # once its workers have failed, it may wait for them for ever
            return False

    assert accepts()
    tiles = [path for path in (tmp_path / "log" / "tile").rglob("*") if path.is_file()]
    current = [path for path in tiles if ".p" not in str(path)] or tiles
    for damaged in (current[0], current[-1], tmp_path / "log" / CHECKPOINT):
        whole = damaged.read_bytes()
        damaged.write_bytes(whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:] if len(whole) > 40 else b"")
        assert not accepts(), damaged
        damaged.write_bytes(whole)
    assert accepts()


class SigsumWitness:
    """The witness of the Sigsum project, serving one log. A Sigsum log's name follows from its key."""

    origin = f"sigsum.org/v1/tree/{hashlib.sha256(LOG.public.raw).hexdigest()}"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = tool("sigsum-key", "TOUCHSTONE_SIGSUM", folder=True)
        self._run("generate", "-o", str(folder / "witness"))
        self._run("from-hex", "-o", str(folder / "log.pub"), given=LOG.public.raw.hex())
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        raw = bytes.fromhex(self._run("to-hex", "-k", str(folder / "witness.pub")))
        name = f"sigsum.org/v1/witness/{hashlib.sha256(raw).hexdigest()}"
        self.key = VerifierKey(name, Algorithm.COSIGNATURE, raw)
        witness = tool("sigsum-witness", "TOUCHSTONE_SIGSUM", folder=True)
        command = [witness, "-k", str(folder / "witness"), "--log-key", str(folder / "log.pub")]
        command += ["--state-file", str(folder / "state"), f"127.0.0.1:{port}"]
        self.process = subprocess.Popen(command, env={**os.environ, "GODEBUG": "httpmuxgo121=0"})
        self._wait(port)

    def _run(self, *arguments: str, given: str = "") -> str:
        finished = subprocess.run([self._key, *arguments], input=given, capture_output=True, text=True, check=True)
        return finished.stdout.strip()

    def _wait(self, port: int) -> None:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.1)
        raise AssertionError("sigsum-witness did not start")


@pytest.fixture
def sigsum(tmp_path: Path) -> Iterator[SigsumWitness]:
    witness = SigsumWitness(tmp_path)
    yield witness
    witness.process.terminate()
    witness.process.wait()


def test_the_sigsum_witness_cosigns_our_log_and_no_fork(sigsum: SigsumWitness, tmp_path: Path) -> None:
    log = Log.create(tmp_path / "log", sigsum.origin, LOG)
    own = Witness("own.example.net", OTHER, [VerifierKey.of(sigsum.origin, LOG.public)], tmp_path / "own")
    own_fork = Witness("own.example.net", OTHER, [VerifierKey.of(sigsum.origin, LOG.public)], tmp_path / "own fork")
    before = 0
    for size in (5, 300, 70_000):
        log.append_many(entries(size))
        log.add_cosignatures([ask_to_cosign(log, sigsum.url, sigsum.key)])
        proof = tuple(log.prove_consistency(before, size)) if before else ()
        assert own.add_checkpoint(Submission(before, proof, log.note, log.checkpoint).to_bytes(), 1).status == 200
        before = size
    fork = Log.create(tmp_path / "fork", sigsum.origin, LOG)
    fork.append_many([b"another history", *entries(70_005)])
    assert own_fork.seen(sigsum.origin) == 0
    with pytest.raises(TlogError, match="refuses to cosign") as refused:
        ask_to_cosign(fork, sigsum.url, sigsum.key)
    assert "422" in refused.value.where
    proof = tuple(fork.prove_consistency(70_000, fork.checkpoint.size))
    body = Submission(70_000, proof, fork.note, fork.checkpoint).to_bytes()
    assert own.add_checkpoint(body, 1).status == 422  # ours says the same


def test_proofbundle_accepts_our_receipts(tmp_path: Path) -> None:
    proofbundle = tool("proofbundle", "TOUCHSTONE_PROOFBUNDLE")
    log = Log.create(tmp_path / "log", ORIGIN, LOG)
    log.append_many(entries(70_000))
    log.add_cosignatures([cosign(log.note, WITNESS_KEY.name, OTHER, 1_790_000_000)])
    receipt = tmp_path / "1234.tlog-proof"
    receipt.write_bytes(log.prove(1234).to_bytes())
    command = [proofbundle, "verify-proof", str(receipt), "--payload-file", str(tmp_path / "leaf")]
    command += ["--log-vkey", LOG_KEY.line, "--witness-vkey", WITNESS_KEY.line, "--threshold", "1"]
    command += ["--expected-origin", ORIGIN]

    def accepts(leaf: bytes) -> bool:
        (tmp_path / "leaf").write_bytes(leaf)
        return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0

    assert accepts(b"entry 1234")
    assert not accepts(b"entry 1235")
    whole = receipt.read_bytes()
    for place in (b"\nindex 1", b"=\n\nlog.example.org\n7", "— witness".encode()):
        position = whole.index(place) + len(place) - 1
        receipt.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        assert not accepts(b"entry 1234"), place
