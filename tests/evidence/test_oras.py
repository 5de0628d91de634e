"""An independent tool reads our bundle as any OCI artifact, and refuses a damaged one.

Looks for `oras` (1.2 or later) in $ORAS, then on the PATH; for a registry in $DOCKER_REGISTRY (the CNCF Distribution
server, Debian's `docker-registry`), then on the PATH.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.evidence.made import Laboratory
from touchstone.evidence.adoption import adopted
from touchstone.evidence.bundle import Bundle
from touchstone.evidence.delivery import beside, with_attached, write_files
from touchstone.evidence.image import REFERENCE
from touchstone.evidence.layout import EVIDENCE_FOLDER

pytestmark = pytest.mark.interop


def tool(name: str, variable: str) -> str:
    """Where the tool lies; skips the test when it is nowhere."""
    found = os.environ.get(variable) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed and ${variable} does not say where it is")
    return found


def oras(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run oras to its end."""
    command = [tool("oras", "ORAS"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def out(laboratory: Laboratory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output folder with its packed forms beside it."""
    out = laboratory.assess(tmp_path_factory.mktemp("oras") / "out")
    files = with_attached(Bundle.open(out / EVIDENCE_FOLDER), beside(out))
    for name in ("layout", "layout.tar"):
        write_files(files, out.with_name(name))
    return out


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """Address of an empty registry on this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    settings = (
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/storage}}}}\nhttp: {{addr: {address}}}\n"
    )
    (tmp_path / "registry.yml").write_text(settings)
    command = [tool("docker-registry", "DOCKER_REGISTRY"), "serve", str(tmp_path / "registry.yml")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex((address.split(":", maxsplit=1)[0], int(address.split(":")[1]))) == 0:
                    break
            time.sleep(0.1)
        yield address
        process.terminate()


@pytest.mark.parametrize("name", ["layout", "layout.tar"])
def test_oras_pulls_every_entry_by_its_name(out: Path, tmp_path: Path, name: str) -> None:
    layout = out.with_name(name)
    done = oras("pull", "--oci-layout", f"{layout}:{REFERENCE}", "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    bundle = Bundle.open(layout)
    assert f"Digest: {bundle.manifest_digest}" in done.stdout
    assert {entry.name: (tmp_path / entry.name).read_bytes() for entry in bundle.entries} == {
        entry.name: bundle.read(entry.name) for entry in bundle.entries
    }


def test_oras_discovers_what_was_attached(out: Path) -> None:
    done = oras("discover", "--oci-layout", f"{out.with_name('layout')}:{REFERENCE}")
    assert done.returncode == 0, done.stderr
    for attachment in Bundle.open(out.with_name("layout")).attachments:
        assert attachment.digest in done.stdout


def test_oras_refuses_every_damaged_blob(out: Path, tmp_path: Path) -> None:
    for blob in sorted((out.with_name("layout") / "blobs" / "sha256").iterdir()):
        bad = Path(shutil.copytree(out.with_name("layout"), tmp_path / blob.name / "bad"))
        data = bytearray(blob.read_bytes())
        data[len(data) // 2] ^= 1
        (bad / "blobs" / "sha256" / blob.name).write_bytes(data)
        target = tmp_path / blob.name / "copy"
        done = oras("cp", "--recursive", "--from-oci-layout", f"{bad}:{REFERENCE}", "--to-oci-layout", f"{target}:x")
        assert done.returncode != 0, blob.name
        assert "mismatched digest" in done.stderr


def test_a_registry_takes_it_unchanged_and_gives_it_back(out: Path, tmp_path: Path, registry: str) -> None:
    layout, back = out.with_name("layout"), tmp_path / "back"
    there = f"{registry}/laboratory/evidence:one"
    for source, target in (
        (("--from-oci-layout", f"{layout}:{REFERENCE}"), ("--to-plain-http", there)),
        (("--from-plain-http", there), ("--to-oci-layout", f"{back}:{REFERENCE}")),
    ):
        done = oras("cp", "--recursive", *source, *target)
        assert done.returncode == 0, done.stderr
    assert adopted(back) == Bundle.open(layout).files()
