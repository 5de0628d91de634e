"""`model.signature` with real keys and real signatures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.checks.running import InProcessRun
from tests.system.made import describe, make
from touchstone.checks.declaration import Measurement
from touchstone.checks.model_integrity.signature import signature
from touchstone.errors import DescriptionError, UnavailableError
from touchstone.signatures.keys import SigningKey, generate, load_signing_key
from touchstone.system.model_signing import sign_model

FILES = {"model/a.onnx": b"one", "model/parts/b.bin": b"two"}


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    generate(tmp_path / "supplier.pem", None)
    return load_signing_key(tmp_path / "supplier.pem", None)


def _signed(folder: Path, key: SigningKey, signed: str = "model") -> bytes:
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return sign_model(folder / signed, key, ())


def _measure(folder: Path, files: dict[str, bytes], **model: Any) -> Measurement:
    description = describe(
        columns=["a"], format_="onnx", file="model/a.onnx", more_files=["model/parts/b.bin"], **model
    )
    run = InProcessRun()
    return signature.function(make(folder, description, files), signature.parameters(), run)


def _handed_in(signature_: bytes, key: SigningKey, files: dict[str, bytes], folder: Path) -> Measurement:
    handed_in = {**files, "model.sig": signature_, "supplier.pub": key.public.pem}
    return _measure(folder, handed_in, signature="model.sig", signer="supplier.pub")


def _share(measurement: Measurement) -> float:
    (metric,) = measurement.metrics
    assert all(control.passed for control in measurement.controls)
    return float(metric.value)


def _codes(measurement: Measurement) -> list[str]:
    return [note.code for note in measurement.warnings]


def test_a_signed_folder_is_covered(tmp_path: Path, key: SigningKey) -> None:
    measurement = _handed_in(_signed(tmp_path / "supplier", key), key, FILES, tmp_path / "system")
    assert _share(measurement) == 1
    assert _codes(measurement) == []


def test_a_signature_over_a_larger_folder_covers_too(tmp_path: Path, key: SigningKey) -> None:
    measurement = _handed_in(_signed(tmp_path / "supplier", key, "."), key, FILES, tmp_path / "system")
    assert _share(measurement) == 1


def test_a_changed_file_is_named(tmp_path: Path, key: SigningKey) -> None:
    changed = {**FILES, "model/parts/b.bin": b"other"}
    measurement = _handed_in(_signed(tmp_path / "supplier", key), key, changed, tmp_path / "system")
    assert _share(measurement) == 0.5
    assert [note.text.en for note in measurement.warnings] == ["model/parts/b.bin is not the file that was signed"]


def test_files_that_changed_places_are_not_covered(tmp_path: Path, key: SigningKey) -> None:
    exchanged = {"model/a.onnx": FILES["model/parts/b.bin"], "model/parts/b.bin": FILES["model/a.onnx"]}
    measurement = _handed_in(_signed(tmp_path / "supplier", key), key, exchanged, tmp_path / "system")
    assert _share(measurement) == 0


def test_a_signature_by_another_key_covers_nothing(tmp_path: Path, key: SigningKey) -> None:
    generate(tmp_path / "other.pem", None)
    other = load_signing_key(tmp_path / "other.pem", None)
    measurement = _handed_in(_signed(tmp_path / "supplier", other), key, FILES, tmp_path / "system")
    assert _share(measurement) == 0
    assert _codes(measurement) == ["signature-not-valid"]


def test_a_signature_that_is_none_covers_nothing(tmp_path: Path, key: SigningKey) -> None:
    measurement = _handed_in(b"{}", key, FILES, tmp_path / "system")
    assert _share(measurement) == 0
    assert _codes(measurement) == ["signature-not-valid"]


def test_an_unsigned_model_is_unsigned(tmp_path: Path) -> None:
    measurement = _measure(tmp_path / "system", FILES)
    assert _share(measurement) == 0
    assert _codes(measurement) == ["no-signature"]


def test_signature_and_key_go_together(tmp_path: Path, key: SigningKey) -> None:
    with pytest.raises(DescriptionError, match="go together"):
        _measure(tmp_path / "system", {**FILES, "model.sig": b"{}"}, signature="model.sig")


def test_without_a_model_file_there_is_nothing_to_sign(tmp_path: Path) -> None:
    description = describe(
        columns=["a"],
        output="labels",
        access="labels",
        format_="http",
        endpoint="http://localhost:1",
        endpoint_model="m",
    )
    with pytest.raises(UnavailableError):
        signature.function(make(tmp_path, description, {}), signature.parameters(), InProcessRun())
