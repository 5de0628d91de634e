"""Signing a model's files: our own reading, and `model_signing` of the OpenSSF as an independent one."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.building import prediction_system
from tests.cli.program import run
from tests.system.made import describe
from touchstone.canonical import canonical_json
from touchstone.errors import ArtifactError, EvidenceError
from touchstone.signatures.keys import SigningKey, generate, load_signing_key
from touchstone.system.fingerprints import fingerprints
from touchstone.system.model_signing import (
    DEFAULT_EXCLUSIONS,
    ModelVerification,
    model_under_test,
    sign_model,
    verify_model,
)
from touchstone.system.subject import open_system

PROGRAM = "TOUCHSTONE_MODEL_SIGNING"
"""Environment variable naming the `model_signing` program when it is not on the PATH."""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    generate(folder / "supplier.key", None)
    generate(folder / "other.key", None)
    return folder


@pytest.fixture(scope="module")
def key(keys: Path) -> SigningKey:
    return load_signing_key(keys / "supplier.key", None)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model whose order of paths is not that of their characters: `a/z` comes before `a-b`."""
    folder = tmp_path / "model"
    for name, content in {
        "a/z": b"weights",
        "a-b": b"",
        "config.json": b"{}",
        ".git/HEAD": b"ref",
        "b/c/d": b"d",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def checked(model: Path, signature: bytes, key: SigningKey) -> ModelVerification:
    return verify_model(model, signature, "model.sig", key.public)


def statement_in(signature: bytes) -> dict[str, Any]:
    payload: dict[str, Any] = json.loads(base64.b64decode(json.loads(signature)["dsseEnvelope"]["payload"]))
    return payload


def test_the_digest_is_over_the_digests_in_the_order_of_path_components(model: Path, key: SigningKey) -> None:
    contents = (b"weights", b"", b"d", b"{}")  # a/z, a-b, b/c/d, config.json
    expected = hashlib.sha256(b"".join(hashlib.sha256(content).digest() for content in contents)).hexdigest()
    signature = sign_model(model, key, DEFAULT_EXCLUSIONS)
    statement = statement_in(signature)
    assert statement["subject"] == [{"name": "model", "digest": {"sha256": expected}}]
    assert [resource["name"] for resource in statement["predicate"]["resources"]] == [
        "a/z",
        "a-b",
        "b/c/d",
        "config.json",
    ]
    assert statement["predicate"]["serialization"] == {
        "method": "files",
        "hash_type": "sha256",
        "allow_symlinks": False,
        "ignore_paths": sorted(DEFAULT_EXCLUSIONS),
    }
    assert sign_model(model, key, DEFAULT_EXCLUSIONS) == signature
    found = checked(model, signature, key)
    assert (found.digest, found.files, found.problems, found.uncovered) == (f"sha256:{expected}", 4, (), (".git",))


def test_what_is_written_is_canonical_json(model: Path, key: SigningKey) -> None:
    for name in ("\U0001f600", 'quote"', "back\\slash", "模型"):
        (model / name).touch()
    signature = sign_model(model, key, ())
    assert canonical_json(json.loads(signature)) == signature
    payload = base64.b64decode(json.loads(signature)["dsseEnvelope"]["payload"])
    assert canonical_json(json.loads(payload)) == payload
    assert checked(model, signature, key).problems == ()


def test_large_and_small_files_are_hashed_to_their_ends(tmp_path: Path) -> None:
    contents = {
        str(size): random.Random(size).randbytes(size)  # noqa: S311 - any bytes do
        for size in (0, 1, 2**20 - 1, 2**20, 2**20 + 1, 2**22 - 1, 2**22, 5 * 2**20 + 3)
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    expected = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    assert {file.path: file.sha256 for file in fingerprints(tmp_path)} == expected


def change(path: Path) -> None:
    path.write_bytes(b"Weights")


def test_every_kind_of_change_is_named(model: Path, key: SigningKey) -> None:
    signature = sign_model(model, key, DEFAULT_EXCLUSIONS)
    status = (model / "a/z").stat()
    change(model / "a/z")
    os.utime(model / "a/z", ns=(status.st_atime_ns, status.st_mtime_ns))  # same size, same time: read all the same
    (model / "a-b").unlink()
    (model / "b/new").touch()
    (model / ".git/HEAD").write_bytes(b"left out")
    found = checked(model, signature, key)
    assert [(name, text.en) for name, text in found.problems] == [
        ("a-b", "is missing"),
        ("a/z", "was changed"),
        ("b/new", "was not signed"),
    ]


def test_a_model_that_is_one_file(tmp_path: Path, key: SigningKey) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(b"weights")
    signature = sign_model(file, key, DEFAULT_EXCLUSIONS)
    digest = hashlib.sha256(hashlib.sha256(b"weights").digest()).hexdigest()
    assert statement_in(signature)["subject"] == [{"name": "model.onnx", "digest": {"sha256": digest}}]
    assert checked(file, signature, key).problems == ()
    change(file)
    assert [name for name, _ in checked(file, signature, key).problems] == ["."]


def hub_cache(folder: Path) -> Path:
    """The layout of the Hugging Face cache: the files are links into `blobs`, named by digest."""
    blob = folder / "blobs" / hashlib.sha256(b"weights").hexdigest()
    snapshot = folder / "snapshots" / "abcdef"
    snapshot.mkdir(parents=True)
    blob.parent.mkdir()
    blob.write_bytes(b"weights")
    (snapshot / "model.safetensors").symlink_to(Path("../../blobs") / blob.name)
    return snapshot


def test_links_into_the_hub_cache_are_followed_recorded_and_not_believed(tmp_path: Path, key: SigningKey) -> None:
    model = hub_cache(tmp_path / "hub")
    signature = sign_model(model, key, DEFAULT_EXCLUSIONS)
    predicate = statement_in(signature)["predicate"]
    assert predicate["serialization"]["allow_symlinks"] is True
    target = f"../../blobs/{hashlib.sha256(b'weights').hexdigest()}"
    assert predicate["links"] == [{"name": "model.safetensors", "target": target}]
    assert predicate["resources"][0]["digest"] == hashlib.sha256(b"weights").hexdigest()
    copy = Path(shutil.copytree(model, tmp_path / "copy"))
    assert checked(copy, signature, key).problems == ()
    change(model / "model.safetensors")  # the blob keeps the name of its old digest
    assert [name for name, _ in checked(model, signature, key).problems] == ["model.safetensors"]


def outside(model: Path) -> None:
    (model.parent / "secret").write_bytes(b"secret")
    (model / "link").symlink_to("../secret")


def folder_link(model: Path) -> None:
    (model / "link").symlink_to("a")


def loop(model: Path) -> None:
    (model / "link").symlink_to("link")


def pipe(model: Path) -> None:
    os.mkfifo(model / "pipe")


def sibling_with_the_same_beginning(model: Path) -> None:
    (model.parent / "model-2").mkdir()
    (model.parent / "model-2" / "file").touch()
    (model / "link").symlink_to("../model-2/file")


@pytest.mark.parametrize("spoil", [outside, folder_link, loop, pipe, sibling_with_the_same_beginning])
def test_what_must_not_be_followed_or_read_is_refused(
    model: Path, key: SigningKey, spoil: Callable[[Path], None]
) -> None:
    signature = sign_model(model, key, ())
    spoil(model)
    with pytest.raises(ArtifactError):
        sign_model(model, key, ())
    with pytest.raises(ArtifactError):
        checked(model, signature, key)


@pytest.mark.parametrize("exclusion", [".", "", "../other", "/etc", "a/../.."])
def test_nobody_can_leave_out_the_whole_model(model: Path, key: SigningKey, exclusion: str) -> None:
    with pytest.raises(EvidenceError, match="cannot be left out"):
        sign_model(model, key, (exclusion,))


def test_a_folder_without_files_is_not_signed(tmp_path: Path, key: SigningKey) -> None:
    with pytest.raises(EvidenceError, match="no files"):
        sign_model(tmp_path, key, ())


def resigned(signature: bytes, key: SigningKey, edit: Callable[[dict[str, Any]], object]) -> bytes:
    """The signature with its statement edited and signed again: what a careless or hostile signer may write."""
    bundle = json.loads(signature)
    statement = statement_in(signature)
    edit(statement)
    payload = json.dumps(statement).encode()
    kind = bundle["dsseEnvelope"]["payloadType"]
    signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    bundle["dsseEnvelope"]["signatures"] = [{"sig": base64.b64encode(key.sign(signed)).decode(), "keyid": ""}]
    return json.dumps(bundle).encode()


@pytest.mark.parametrize(
    "edit",
    [
        lambda statement: statement["predicate"]["resources"].append(statement["predicate"]["resources"][0]),
        lambda statement: statement["predicate"]["resources"].reverse(),
        lambda statement: statement["predicate"]["resources"].pop(),
        lambda statement: statement["predicate"]["serialization"].update(hash_type="blake2b"),
        lambda statement: statement["predicate"]["serialization"].update(method="shards"),
        lambda statement: statement["predicate"]["serialization"].update(ignore_paths=["."]),
        lambda statement: statement.update(predicateType="https://example.org/other"),
        lambda statement: statement["subject"].append(statement["subject"][0]),
        lambda statement: statement["predicate"]["resources"][0].update(digest="00"),
    ],
)
def test_statements_that_contradict_themselves_are_refused(
    model: Path, key: SigningKey, edit: Callable[[dict[str, Any]], object]
) -> None:
    signature = sign_model(model, key, DEFAULT_EXCLUSIONS)
    assert checked(model, resigned(signature, key, lambda statement: None), key).problems == ()
    with pytest.raises(EvidenceError):
        checked(model, resigned(signature, key, edit), key)


def test_another_key_and_a_changed_payload_are_refused(model: Path, key: SigningKey, keys: Path) -> None:
    signature = sign_model(model, key, DEFAULT_EXCLUSIONS)
    with pytest.raises(EvidenceError, match="another key"):
        checked(model, signature, load_signing_key(keys / "other.key", None))
    bundle = json.loads(signature)
    payload = bytearray(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    for position in random.Random(1).sample(range(len(payload)), 20):  # noqa: S311 - any places do
        payload[position] ^= 1
        bundle["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
        with pytest.raises(EvidenceError, match="changed after it was signed"):
            checked(model, json.dumps(bundle).encode(), key)
        payload[position] ^= 1


def test_the_commands(model: Path, keys: Path, capsys: pytest.CaptureFixture[str]) -> None:
    signed = run(capsys, "model", "sign", model, "--key", keys / "supplier.key")
    assert signed.code == 0
    assert (model.parent / "model.sig").is_file()
    assert "not signed, where present: .git, .gitattributes" in signed.out
    good = run(capsys, "model", "verify", model, "--key", keys / "supplier.key.pub")
    assert (good.code, good.out.splitlines()[:2]) == (
        0,
        ["! .git: left out by the signer, not verified", "✓ all 4 files are as signed"],
    )
    change(model / "a/z")
    bad = run(capsys, "model", "verify", model, "--key", keys / "supplier.key.pub")
    assert (bad.code, bad.out.splitlines()[0]) == (1, "✗ a/z: was changed")
    again = run(capsys, "model", "sign", model, "--key", keys / "supplier.key")
    assert (again.code, "is not overwritten" in again.err) == (2, True)


def test_a_signature_inside_the_model_is_no_part_of_it(
    model: Path, keys: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inside = model / "signatures" / "model.sig"
    inside.parent.mkdir()
    run(capsys, "model", "sign", model, "--key", keys / "supplier.key", "--signature", inside, "--exclude", "b")
    statement = statement_in(inside.read_bytes())
    assert {"b", "signatures/model.sig"} < set(statement["predicate"]["serialization"]["ignore_paths"])
    good = run(capsys, "model", "verify", model, "--key", keys / "supplier.key.pub", "--signature", inside)
    assert good.code == 0
    assert "! b: left out" in good.out


def test_the_evidence_states_the_digest_that_a_supplier_signed(tmp_path: Path, key: SigningKey) -> None:
    """Of one model file by itself, and of a folder of files."""
    for name, more in (("weights/a.onnx", []), ("weights/a.onnx", ["weights/more/b.bin", "weights/c.bin"])):
        for path in (name, *more):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(path.encode())
        description = describe(format_="onnx", columns=["x"], file=name, more_files=more)
        (tmp_path / "system.yaml").write_text(yaml.safe_dump(description))
        stated = model_under_test(open_system(tmp_path / "system.yaml"))
        signed = statement_in(sign_model(tmp_path / ("weights" if more else name), key, ()))
        assert stated is not None
        assert json.loads(stated)["subject"][0]["digest"] == signed["subject"][0]["digest"]
        assert json.loads(stated)["predicate"] == signed["predicate"]


def test_a_system_without_model_files_states_none(tmp_path: Path) -> None:
    assert model_under_test(open_system(prediction_system(tmp_path))) is None


@pytest.fixture(scope="module")
def model_signing() -> str:
    program = os.environ.get(PROGRAM) or shutil.which("model_signing")
    if program is None:
        pytest.skip(f"model_signing is not installed (PATH or {PROGRAM})")
    return program


def independently(program: str, *arguments: object) -> bool:
    """Whether `model_signing` ends well."""
    return (
        subprocess.run([program, *map(str, arguments)], capture_output=True, check=False, timeout=120).returncode == 0
    )


@pytest.mark.interop
def test_model_signing_reads_ours_and_refuses_one_changed_byte(
    model: Path, key: SigningKey, keys: Path, model_signing: str
) -> None:
    file = model.parent / "ours.sig"
    signature = sign_model(model, key, {*DEFAULT_EXCLUSIONS, "b/c"})
    file.write_bytes(signature)
    check = (model_signing, "verify", "key", model, "--signature", file, "--public_key")
    assert independently(*check, keys / "supplier.key.pub")
    assert not independently(*check, keys / "other.key.pub")
    bundle = json.loads(signature)
    payload = bytearray(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    payload[-3] ^= 1
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    file.write_text(json.dumps(bundle))
    assert not independently(*check, keys / "supplier.key.pub")
    file.write_bytes(signature)
    change(model / "a/z")
    assert not independently(*check, keys / "supplier.key.pub")


@pytest.mark.interop
def test_model_signing_reads_ours_through_links_and_for_one_file(
    tmp_path: Path, key: SigningKey, keys: Path, model_signing: str
) -> None:
    linked = hub_cache(tmp_path / "hub")
    single = tmp_path / "model.onnx"
    single.write_bytes(b"weights")
    for model, options in ((linked, ["--allow_symlinks"]), (single, [])):
        file = tmp_path / "ours.sig"
        file.write_bytes(sign_model(model, key, DEFAULT_EXCLUSIONS))
        check = ("verify", "key", model, "--signature", file, "--public_key", keys / "supplier.key.pub", *options)
        assert independently(model_signing, *check)
        change(model / "model.safetensors" if model.is_dir() else model)
        assert not independently(model_signing, *check)


@pytest.mark.interop
def test_we_read_what_model_signing_writes(model: Path, key: SigningKey, keys: Path, model_signing: str) -> None:
    file = model / "model.sig"
    for _ in range(3):  # its signatures are random: half of them have the higher s
        assert independently(
            model_signing, "sign", "key", model, "--private_key", keys / "supplier.key", "--signature", file
        )
        theirs = file.read_bytes()
        assert checked(model, theirs, key).problems == ()
    file.unlink()
    ours = sign_model(model, key, {*DEFAULT_EXCLUSIONS, "model.sig"})
    assert statement_in(ours)["subject"] == statement_in(theirs)["subject"]
    change(model / "a/z")
    assert [name for name, _ in checked(model, theirs, key).problems] == ["a/z"]
