"""The verifier in one file: it needs nothing of us, accepts what is good, and agrees with `touchstone verify`."""

from __future__ import annotations

import ast
import base64
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.building import prediction_system
from tests.evidence.made import Laboratory
from touchstone.api import assess
from touchstone.canonical import canonical_json
from touchstone.errors import EvidenceError
from touchstone.evidence.bundle import Bundle, attach, write_new_folder
from touchstone.evidence.redaction import redacted
from touchstone.evidence.status import Action
from touchstone.evidence.verify import verify
from touchstone.laboratory.certifying import change_status
from touchstone.signatures.keys import load_log_public_key, load_public_key

FILE = Path(__file__).parents[2] / "tools" / "touchstone-verify.py"
AT = datetime(2026, 12, 1, tzinfo=UTC)
FLIPS = 200


class Keys(NamedTuple):
    """Public keys handed over, as files."""

    lab: Path
    log: Path | None


def load() -> ModuleType:
    specification = importlib.util.spec_from_file_location("touchstone_verify", FILE)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


VERIFIER = load()


def single(path: Path, keys: Keys, at: datetime = AT) -> tuple[int, list[str]]:
    """Exit code and lines of the single file, run in this process."""
    key = VERIFIER.load_key(keys.lab, VERIFIER.ec.EllipticCurvePublicKey)
    log_key = None if keys.log is None else VERIFIER.load_key(keys.log, VERIFIER.ed25519.Ed25519PublicKey)
    report = VERIFIER.Report()
    try:
        if (path / "index.json").is_file():
            VERIFIER.verify_bundle(path.parent, path.name, key, report)
        else:
            VERIFIER.verify_output(path, key, key, log_key, at, report)
    except SystemExit as end:
        return int(end.code or 0), report.lines
    return int(report.faults > 0 or "signature" not in report.passed), report.lines


def whole(path: Path, keys: Keys, at: datetime = AT) -> int:
    """Exit code of `touchstone verify`."""
    log_key = None if keys.log is None else load_log_public_key(keys.log)
    try:
        return int(not verify(path, key=load_public_key(keys.lab), log_key=log_key, at=at).ok)
    except EvidenceError:
        return 2


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    return Laboratory.in_folder(tmp_path_factory.mktemp("laboratory"))


@pytest.fixture(scope="module")
def keys(laboratory: Laboratory) -> Keys:
    return Keys(laboratory.folder / "lab.key.pub", laboratory.folder / "log.key.pub")


@pytest.fixture(scope="module")
def real(laboratory: Laboratory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `touchstone assess` writes for a real, if small, system."""
    system = prediction_system(tmp_path_factory.mktemp("system"))
    folder = laboratory.folder
    out = tmp_path_factory.mktemp("real") / "out"
    assess(system, output=out, key=folder / "lab.key", log=folder / "log", log_key=folder / "log.key", issuer="Lab")
    return out


@pytest.fixture
def out(laboratory: Laboratory, tmp_path: Path) -> Path:
    """A certificate with everything below it."""
    return laboratory.assess(tmp_path / "out")


def test_it_needs_nothing_but_the_standard_library_and_cryptography() -> None:
    tree = ast.parse(FILE.read_text("utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    foreign = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names
    assert foreign == {"cryptography"}
    assert not imported & {"socket", "urllib", "http", "subprocess", "pickle", "ctypes", "importlib"}
    called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"eval", "exec", "compile", "__import__"}


def test_it_can_be_read_in_one_sitting() -> None:
    assert len(FILE.read_text("utf-8").splitlines()) < 600


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=20,
    )
)
def test_its_canonical_json_is_rfc_8785(value: Any) -> None:
    expected = canonical_json(value)
    assert VERIFIER.canonical(value) == expected
    assert VERIFIER.parse(expected, type(value), "file") == value


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b'{"a": 1}',
        b'{"a":1.0}',
        b'{"a":NaN}',
        b'{"a":1e9}',
        b'{"a":-0}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\ud800"}',
        b"\xef\xbb\xbf{}",
        b'{"a":1}\n',
        b"[" * 100_000,
        b"\xff",
        b"",
    ],
)
def test_json_in_any_other_spelling_is_refused(data: bytes) -> None:
    with pytest.raises(VERIFIER.FaultError):
        VERIFIER.parse(data, dict, "file")


def test_what_assess_writes_is_accepted(real: Path, keys: Keys) -> None:
    code, lines = single(real, keys)
    assert (code, [line for line in lines if line.startswith(("✗", "–"))]) == (0, [])
    assert "✓ receipts: plan, assessment, decision were logged in this order" in lines
    assert "! report.en.html: not examined" in lines
    assert single(real / "evidence", keys)[0] == 0
    assert whole(real, keys) == 0


def test_it_runs_without_touchstone_and_without_a_network(real: Path, keys: Keys) -> None:
    """In an interpreter that finds no package but `cryptography`, and with sockets forbidden."""
    script = """
import runpy, sys
def forbid(event, arguments):
    if event.startswith("socket."):
        raise SystemExit("the network was touched: " + event)
    if event == "import" and arguments[0].partition(".")[0] in {"touchstone", "rfc8785", "pydantic"}:
        raise SystemExit("imported " + arguments[0])
sys.addaudithook(forbid)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
    arguments = [
        str(FILE),
        str(real),
        "--key",
        str(keys.lab),
        "--log-key",
        str(keys.log),
        "--at",
        "2026-12-01T00:00:00Z",
    ]
    environment = {**os.environ, "TOUCHSTONE_LANG": "en", "PYTHONIOENCODING": "utf-8"}

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", script, *arguments, *more]
        return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)

    good = run()
    assert good.returncode == 0, good.stderr
    assert "VALID. This proves:" in good.stdout
    assert "touchstone verify` judges again" in good.stdout
    chinese = run("--lang", "zh")
    assert (chinese.returncode, "有效。由此可证：" in chinese.stdout) == (0, True)


@pytest.mark.parametrize("which", ["made", "real"])
def test_every_flipped_byte_is_refused(which: str, out: Path, real: Path, keys: Keys) -> None:
    """A certificate with an attachment in its bundle, and what `assess` writes."""
    attach(out / "evidence", "text/plain", b"a note", "application/vnd.example.note.v1+json", name="note.txt")
    shutil.copytree(real, out.parent / "copy")
    out = out if which == "made" else out.parent / "copy"
    code, lines = single(out, keys)
    assert code == 0
    unexamined = {line.removeprefix("! ").removesuffix(": not examined") for line in lines if line.startswith("!")}
    files = sorted(
        file for file in out.rglob("*") if file.is_file() and file.relative_to(out).as_posix() not in unexamined
    )
    choice = random.Random(which)  # noqa: S311 - places to tamper with, the same in every run
    for turn in range(FLIPS):
        file = files[turn % len(files)]
        original = file.read_bytes()
        changed = bytearray(original)
        changed[choice.randrange(len(original))] ^= choice.randrange(1, 256)
        file.write_bytes(changed)
        code, lines = single(out, keys)
        file.write_bytes(original)
        assert code == 1, (file.name, lines)


def changed(path: Path, edit: Callable[[Any], object]) -> None:
    """Rewrite a JSON file as we would write it."""
    value = json.loads(path.read_bytes())
    edit(value)
    path.write_bytes(canonical_json(value))


def blobs(out: Path) -> list[Path]:
    return sorted((out / "evidence/blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)


def appended(path: Path, data: bytes = b"\n") -> None:
    path.write_bytes(path.read_bytes() + data)


def linked(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def higher_s(out: Path) -> None:
    """The same signature in its other form, which is as valid for careless verifiers."""

    def edit(envelope: Any) -> None:
        signature = envelope["signatures"][0]
        r, s = VERIFIER.decode_dss_signature(base64.b64decode(signature["sig"]))
        other = VERIFIER.encode_dss_signature(r, VERIFIER.P256_ORDER - s)
        signature["sig"] = base64.b64encode(other).decode()

    changed(out / "plan.dsse.json", edit)


TAMPERINGS: dict[str, Callable[[Path], object]] = {
    "nothing": lambda out: None,
    "report edited": lambda out: appended(out / "report.en.html"),
    "a file put beside": lambda out: (out / "notes.txt").touch(),
    "copy of the assessment left out": lambda out: (out / "assessment.json").unlink(),
    "copy of the assessment edited": lambda out: appended(out / "assessment.json"),
    "largest blob longer": lambda out: appended(blobs(out)[-1]),
    "smallest blob gone": lambda out: blobs(out)[0].unlink(),
    "a blob exchanged": lambda out: shutil.copy(blobs(out)[0], blobs(out)[-1]),
    "a blob linked": lambda out: linked(blobs(out)[1]),
    "a blob too many": lambda out: (out / "evidence/blobs/sha256" / ("0" * 64)).touch(),
    "an empty folder in the evidence": lambda out: (out / "evidence/more").mkdir(),
    "blobs behind a link": lambda out: linked(out / "evidence/blobs"),
    "no evidence": lambda out: shutil.rmtree(out / "evidence"),
    "index gone": lambda out: (out / "evidence/index.json").unlink(),
    "index with white space": lambda out: appended(out / "evidence/index.json", b" "),
    "index renames": lambda out: changed(
        out / "evidence/index.json", lambda index: index["manifests"][0]["annotations"].update(more="x")
    ),
    "index without manifests": lambda out: changed(
        out / "evidence/index.json", lambda index: index["manifests"].clear()
    ),
    "layout of another version": lambda out: (out / "evidence/oci-layout").write_bytes(b'{"imageLayoutVersion":"2"}'),
    "plan gone": lambda out: (out / "plan.dsse.json").unlink(),
    "plan is the assessment": lambda out: shutil.copy(out / "assessment.dsse.json", out / "plan.dsse.json"),
    "certificate gone": lambda out: (out / "certificate.dsse.json").unlink(),
    "certificate as refusal": lambda out: (out / "certificate.dsse.json").rename(out / "refusal.dsse.json"),
    "certificate and refusal": lambda out: shutil.copy(out / "certificate.dsse.json", out / "refusal.dsse.json"),
    "payload of another type": lambda out: changed(
        out / "plan.dsse.json", lambda envelope: envelope.update(payloadType="text/plain")
    ),
    "second signature": lambda out: changed(
        out / "plan.dsse.json", lambda envelope: envelope["signatures"].append(envelope["signatures"][0])
    ),
    "no signature": lambda out: changed(out / "plan.dsse.json", lambda envelope: envelope["signatures"].clear()),
    "signature in its other form": higher_s,
    "checkpoint gone": lambda out: (out / "checkpoint").unlink(),
    "receipt gone": lambda out: (out / "receipts/plan.tlog-proof").unlink(),
    "receipts exchanged": lambda out: shutil.copy(
        out / "receipts/plan.tlog-proof", out / "receipts/assessment.tlog-proof"
    ),
    "receipt with an extra line": lambda out: (out / "receipts/plan.tlog-proof").write_bytes(
        (out / "receipts/plan.tlog-proof").read_bytes().replace(b"@v1\n", b"@v1\nextra AAAA\n")
    ),
    "every statement gone": lambda out: [path.rename(path.with_suffix(".gone")) for path in out.glob("*.dsse.json")],
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_it_agrees_with_touchstone_verify(name: str, out: Path, keys: Keys) -> None:
    TAMPERINGS[name](out)
    code, lines = single(out, keys)
    assert code == whole(out, keys), lines
    assert single(out, Keys(keys.lab, None))[0] == whole(out, Keys(keys.lab, None))


@pytest.mark.parametrize("at", [datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 11, 23, 9, tzinfo=UTC), AT])
def test_it_agrees_about_the_time_of_a_certificate(at: datetime, out: Path, keys: Keys) -> None:
    assert single(out, keys, at)[0] == whole(out, keys, at) == int(at != AT)


def test_it_agrees_about_statements_of_two_assessments(out: Path, laboratory: Laboratory, keys: Keys) -> None:
    other = laboratory.assess(out.parent / "other", accuracy="0.97")
    for name in ("plan", "assessment", "certificate"):
        mixed = Path(shutil.copytree(out, out.parent / f"mixed-{name}"))
        for file in (f"{name}.dsse.json", f"receipts/{name}.tlog-proof"):
            shutil.copy(other / file, mixed / file)
        assert single(mixed, keys)[0] == whole(mixed, keys) == 1
    shutil.rmtree(out / "evidence")
    shutil.copytree(other / "evidence", out / "evidence")
    assert single(out, keys)[0] == whole(out, keys) == 1


def test_it_agrees_about_keys(out: Path, laboratory: Laboratory, keys: Keys) -> None:
    stranger = Laboratory.in_folder(out.parent / "stranger").folder
    for wrong in (Keys(stranger / "lab.key.pub", keys.log), Keys(keys.lab, stranger / "log.key.pub")):
        assert single(out, wrong)[0] == whole(out, wrong) == 1
    with pytest.raises(SystemExit):
        single(out, Keys(laboratory.folder / "log.key.pub", keys.log))


def test_it_agrees_about_a_suspended_and_a_withdrawn_certificate(out: Path, laboratory: Laboratory, keys: Keys) -> None:
    steps: list[tuple[Action, int]] = [("suspend", 1), ("reinstate", 0), ("withdraw", 1)]
    for action, expected in steps:
        change_status(out, action, laboratory.key, reason="a test", effective=datetime(2026, 11, 24, tzinfo=UTC))
        assert single(out, keys)[0] == whole(out, keys) == expected, action
    before = datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert single(out, keys, before)[0] == whole(out, keys, before) == 0


def test_it_agrees_about_what_is_withheld(real: Path, keys: Keys, tmp_path: Path) -> None:
    bundle = Bundle.open(real / "evidence")
    restricted = [entry.name for entry in bundle.entries if entry.disclosure == "restricted"]
    assert restricted
    copy = tmp_path / "copy"
    write_new_folder(copy, redacted(bundle, restricted[:1]))
    shutil.copy(real / "assessment.dsse.json", tmp_path)
    code, lines = single(copy, keys)
    assert code == whole(copy, keys) == 0, lines
    assert f"– {restricted[0]}: withheld from this copy" in lines
    kept = next(entry for entry in bundle.entries if entry.name not in restricted)
    (copy / kept.blob).unlink()
    assert single(copy, keys)[0] == whole(copy, keys) == 1


def test_nothing_in_a_folder_can_steer_the_terminal(
    out: Path, keys: Keys, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (out / "\x1b[2Jnotes").touch()
    before = sys.argv
    sys.argv = [str(FILE), str(out), "--key", str(keys.lab), "--at", "2026-12-01T00:00:00Z"]
    try:
        assert VERIFIER.main() == 0
        sys.argv[1] = str(tmp_path / "nowhere")
        with pytest.raises(SystemExit) as end:
            VERIFIER.main()
    finally:
        sys.argv = before
    assert end.value.code == 2
    assert "\x1b" not in capsys.readouterr().out
