"""`touchstone bundle replay`: samples that are still broken, and forged ones that only look like it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from tests.checks.system_resilience.systems import picture_system
from tests.cli.program import Finished, run
from touchstone.api import assess
from touchstone.canonical import digest_of
from touchstone.checks.system_resilience.pictures import arrays_file
from touchstone.evidence.bundle import Bundle, BundleWriter
from touchstone.evidence.layout import EVIDENCE_FOLDER

Arrays = dict[str, NDArray[Any]]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fragile system in `system`, and its evidence in `out`."""
    folder = tmp_path_factory.mktemp("replay")
    subject = picture_system(folder / "system", gap=0.012, n=30, shape=(1, 6, 4))
    assess(subject, output=folder / "out", only=["robust.adversarial"])
    return folder


def replayed(capsys: pytest.CaptureFixture[str], base: Path, bundle: Path, *language: str) -> Finished:
    return run(capsys, *language, "bundle", "replay", bundle, "--system", base / "system")


def stored(bundle: Bundle) -> tuple[str, bytes]:
    [name] = [entry.name for entry in bundle.entries if entry.name.endswith("adversarial_examples.npz")]
    return name, bundle.read(name)


def samples(base: Path) -> int:
    """How many there are: more where the white box could be opened as well."""
    with np.load(io.BytesIO(stored(Bundle.open(base / "out" / EVIDENCE_FOLDER))[1]), allow_pickle=False) as archive:
        return len(archive["row"])


def told(done: Finished) -> str:
    return done.out.split(" stored samples")[0]


def forged(base: Path, folder: Path, content: bytes) -> Path:
    """Evidence that agrees with itself, with other stored samples."""
    bundle = Bundle.open(base / "out" / EVIDENCE_FOLDER)
    name, before = stored(bundle)
    with BundleWriter(folder) as copy:
        for entry in bundle.entries:
            data = content if entry.name == name else bundle.read(entry.name)
            data = data.replace(digest_of(before).encode(), digest_of(content).encode())
            data = data.replace(f'"size":{len(before)}'.encode(), f'"size":{len(content)}'.encode())
            copy.add(entry.name, entry.media_type, data, role=str(entry.role))
    return folder


def with_arrays(base: Path, folder: Path, change: Callable[[Arrays], Arrays]) -> Path:
    _, before = stored(Bundle.open(base / "out" / EVIDENCE_FOLDER))
    with np.load(io.BytesIO(before), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return forged(base, folder, arrays_file(change(arrays)))


def test_stored_samples_are_still_broken(capsys: pytest.CaptureFixture[str], base: Path) -> None:
    count = samples(base)
    assert count >= 25
    done = replayed(capsys, base, base / "out")
    assert done.code == 0, done.err
    assert told(done) == f"{count} of {count}"
    assert f"{count} are made of the test data within the threat model" in done.out
    assert f"所存 {count} 个样本中仍被攻破 {count} 个" in replayed(capsys, base, base / "out", "--lang", "zh").out


def test_what_is_not_broken_is_counted(capsys: pytest.CaptureFixture[str], base: Path, tmp_path: Path) -> None:
    def unbroken(arrays: Arrays) -> Arrays:
        some = np.arange(len(arrays["row"])).reshape(-1, 1, 1, 1) < 10
        return arrays | {"adversarial": np.where(some, arrays["original"], arrays["adversarial"])}

    done = replayed(capsys, base, with_arrays(base, tmp_path / "evidence", unbroken))
    assert (done.code, told(done)) == (1, f"{samples(base) - 10} of {samples(base)}")


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: {"adversarial": arrays["original"] + 3 * (arrays["adversarial"] - arrays["original"])},
        lambda arrays: {"original": arrays["adversarial"]},
        lambda arrays: {"target": 1 - arrays["target"]},
        lambda arrays: {"row": np.roll(arrays["row"], 2)},
    ],
    ids=["too far", "another original", "another class", "another row"],
)
def test_what_is_broken_but_not_of_the_test_data_is_no_proof(
    capsys: pytest.CaptureFixture[str], base: Path, tmp_path: Path, change: Callable[[Arrays], Arrays]
) -> None:
    bundle = with_arrays(base, tmp_path / "evidence", lambda arrays: arrays | change(arrays))
    done = replayed(capsys, base, bundle)
    assert (done.code, told(done)) == (1, f"0 of {samples(base)}")


def test_a_changed_byte_is_noticed(capsys: pytest.CaptureFixture[str], base: Path, tmp_path: Path) -> None:
    bundle = Bundle.open(base / "out" / EVIDENCE_FOLDER)
    name, content = stored(bundle)
    copy = forged(base, tmp_path / "evidence", content)
    blob = copy / bundle.entry(name).blob
    blob.chmod(0o600)
    blob.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    done = replayed(capsys, base, copy)
    assert done.code == 2
    assert "adversarial_examples.npz" in done.err


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"no archive", "is no file of adversarial samples"),
        (arrays_file({"row": np.zeros(1, np.int64)}), "is no file of adversarial samples"),
        (arrays_file({name: np.zeros(0) for name in ("row", "target", "adversarial", "original")}), "is no file"),
    ],
)
def test_arrays_of_strangers_may_be_anything(
    capsys: pytest.CaptureFixture[str], base: Path, tmp_path: Path, content: bytes, named: str
) -> None:
    done = replayed(capsys, base, forged(base, tmp_path / "evidence", content))
    assert done.code == 2
    assert named in done.err


def test_personal_data_that_are_made_up_are_replayed_as_well(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Their threat model has a salt beside it."""
    picture_system(tmp_path / "system", gap=0.012, n=25, shape=(1, 6, 4), personal=True)
    description = tmp_path / "system" / "system.yaml"
    declared = yaml.safe_load(description.read_text("utf-8"))
    declared["data"]["test"]["synthetic"] = True
    description.write_text(yaml.safe_dump(declared), "utf-8")
    assess(tmp_path / "system", output=tmp_path / "out", only=["robust.adversarial"])
    done = replayed(capsys, tmp_path, tmp_path / "out")
    assert done.code == 0, done.err


def test_another_system_and_evidence_without_samples_are_refused(
    capsys: pytest.CaptureFixture[str], base: Path, tmp_path: Path
) -> None:
    robust = picture_system(tmp_path / "robust", gap=0.2, n=30, shape=(1, 6, 4))
    other = run(capsys, "bundle", "replay", base / "out", "--system", tmp_path / "robust")
    assert other.code == 2
    assert "is another system" in other.err
    assess(robust, output=tmp_path / "out", only=["robust.adversarial"])
    nothing = run(capsys, "bundle", "replay", tmp_path / "out", "--system", tmp_path / "robust")
    assert nothing.code == 2
    assert "stores no adversarial samples" in nothing.err
