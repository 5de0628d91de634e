"""`touchstone export sigstore | trusted-root | cose`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.evidence.made import Laboratory
from tests.evidence.stamping import Stamping
from touchstone.cli.export import command
from touchstone.errors import EvidenceError
from touchstone.signatures.keys import generate_log_key


@pytest.fixture
def laboratory(tmp_path: Path) -> Laboratory:
    laboratory = Laboratory.in_folder(tmp_path / "laboratory")
    laboratory.assess(tmp_path / "out")
    return laboratory


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def keys(laboratory: Laboratory) -> tuple[object, ...]:
    return ("--key", laboratory.folder / "lab.key.pub", "--log-key", laboratory.folder / "log.key.pub")


def test_sigstore_writes_the_bundles_again(laboratory: Laboratory, tmp_path: Path) -> None:
    out = tmp_path / "out"
    without = run("sigstore", out, *keys(laboratory))
    assert isinstance(without.exception, EvidenceError)
    assert "receipt and a timestamp" in str(without.exception)
    written = Stamping.in_folder(tmp_path / "tsa").complete(laboratory, out)
    expected = {path: (out / path).read_bytes() for path in written}
    for path in written:
        (out / path).unlink()
    assert run("sigstore", out, *keys(laboratory)).exit_code == 0
    assert {path: (out / path).read_bytes() for path in written} == expected


def test_sigstore_needs_the_signer_s_key(laboratory: Laboratory, tmp_path: Path) -> None:
    Stamping.in_folder(tmp_path / "tsa").complete(laboratory, tmp_path / "out")
    other = Laboratory.in_folder(tmp_path / "other")
    refused = run("sigstore", tmp_path / "out", *keys(other))
    assert isinstance(refused.exception, EvidenceError)
    assert "is signed by another key" in str(refused.exception)


def test_the_trusted_root_is_printed(laboratory: Laboratory, tmp_path: Path) -> None:
    Stamping.in_folder(tmp_path / "tsa")
    log_key = laboratory.folder / "log.key.pub"
    certificates = tmp_path / "tsa" / "certificates.pem"
    result = run("trusted-root", "--origin", "log.x", "--log-key", log_key, "--tsa-certificate", certificates)
    root = json.loads(result.output)
    assert root["tlogs"][0]["baseUrl"] == "https://log.x"
    assert len(root["timestampAuthorities"][0]["certChain"]["certificates"]) == 2
    wrong = run("trusted-root", "--origin", "log.x", "--log-key", log_key, "--tsa-certificate", log_key)
    assert isinstance(wrong.exception, EvidenceError)


def test_cose_writes_a_receipt_for_each(laboratory: Laboratory, tmp_path: Path) -> None:
    generate_log_key(tmp_path / "receipts.key", None)
    signer = laboratory.folder / "lab.key.pub"
    result = run("cose", tmp_path / "out", "--key", signer, "--receipt-key", tmp_path / "receipts.key")
    assert result.exit_code == 0
    for name in ("plan", "assessment", "certificate"):
        assert (tmp_path / "out" / "receipts" / f"{name}.cose").read_bytes().startswith(b"\xd2\x84")  # tag 18, array
