"""Every kind of wrong input, through the real commands: one clear message, exit code 2, and no trace left."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import skops.io
from sklearn.preprocessing import FunctionTransformer

from tests.cli import small_systems as good
from tests.cli.program import Finished, run
from tests.system import onnx_writer as onnx
from touchstone.assessment.intake import INTAKE, intake_item
from touchstone.assessment.measure import REFUSED, REMEDY, measure
from touchstone.signatures.keys import generate, generate_log_key, load_log_signing_key
from touchstone.system.subject import open_system
from touchstone.tlog.log import Log

Capture = pytest.CaptureFixture[str]
Spoil = Callable[[Path], object]

CHINESE = re.compile("[\u4e00-\u9fff]")


class Bad(NamedTuple):
    """One way to be wrong: `spoil` breaks a good `system`; the message names `file` and holds `said`."""

    name: str
    system: good.System
    spoil: Spoil
    file: str
    said: str

    def make(self, folder: Path) -> Path:
        """The broken system's folder."""
        folder.mkdir()
        self.system(folder)
        self.spoil(folder)
        return folder


def content(name: str, data: bytes) -> Spoil:
    """The file `name` holds something else."""
    return lambda folder: (folder / name).write_bytes(data)


def made(name: str, make: Callable[[], bytes]) -> Spoil:
    """The file `name` holds something else, made only when it is needed."""
    return lambda folder: (folder / name).write_bytes(make())


def changed(name: str, old: str, new: str) -> Spoil:
    """One place in the file `name` reads differently."""

    def change(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert text.count(old) == 1, (old, text)
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")

    return change


def described(old: str, new: str) -> Spoil:
    """One place in the description reads differently."""
    return changed("system.yaml", old, new)


def removed(name: str) -> Spoil:
    return lambda folder: (folder / name).unlink()


def cut(name: str, share: float = 0.5) -> Spoil:
    """The file `name` ends early."""

    def truncate(folder: Path) -> None:
        os.truncate(folder / name, int((folder / name).stat().st_size * share))

    return truncate


def linked(name: str, target: str) -> Spoil:
    """The file `name` is a symbolic link."""

    def link(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).symlink_to(target)

    return link


def fifo(folder: Path) -> None:
    (folder / "test.csv").unlink()
    os.mkfifo(folder / "test.csv")


def perhaps(folder: Path) -> None:
    """The first prediction is no class."""
    lines = (folder / "test.csv").read_text().splitlines()
    lines[1] = lines[1][:-1] + "perhaps"
    (folder / "test.csv").write_text("\n".join(lines))


def unreadable(folder: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    (folder / "test.csv").chmod(0)


TABLE = good.table
DESCRIPTIONS = [
    Bad("no description", TABLE, removed("system.yaml"), "system.yaml", "does not exist"),
    Bad("empty", TABLE, content("system.yaml", b""), "system.yaml", "is empty"),
    Bad("truncated", TABLE, cut("system.yaml"), "system.yaml", "is missing"),
    Bad("a list", TABLE, content("system.yaml", b"- a\n"), "system.yaml:1", "mapping"),
    Bad("a bare word", TABLE, content("system.yaml", b"hello\n"), "system.yaml:1", "mapping"),
    Bad("a million deep", TABLE, content("system.yaml", b"[" * 10**6), "system.yaml:1", "nested deeper than 32"),
    Bad("not UTF-8", TABLE, content("system.yaml", b"schema: \xff\xfe"), "system.yaml:1", "not UTF-8"),
    Bad("NUL bytes", TABLE, content("system.yaml", b"a: \0"), "system.yaml:1", "U+0000"),
    Bad("5 MB", TABLE, content("system.yaml", b"#" * 5_000_000), "system.yaml", "larger than"),
    Bad("a zip", TABLE, content("system.yaml", good.packed(x=good.X)), "system.yaml:1", "not UTF-8"),
    Bad("aliases", TABLE, content("system.yaml", b"a: &x [*x]"), "system.yaml:1", "uses &x"),
    Bad("tag", TABLE, content("system.yaml", b"a: !!python/object:os.system ls"), "system.yaml:1", "uses the tag"),
    Bad("tab", TABLE, described("  version:", "\tversion:"), "system.yaml:4", "indented with a tab"),
    Bad("key twice", TABLE, described("model:\n", "system: 1\nmodel:\n"), "system.yaml:10", "a second time"),
    Bad("another schema", TABLE, described("system/v1", "system/v9"), "system.yaml:1", "touchstone.system/v1"),
    Bad("unknown field", TABLE, described("  file: m.onnx", "  flie: m.onnx"), "system.yaml", "flie"),
    Bad("wrong type", TABLE, described("- 'no'", "- {a: 1}"), "system.yaml", "labels"),
    Bad("unknown format", TABLE, described("format: onnx", "format: pickle"), "system.yaml", "format"),
    Bad("sector", TABLE, described("sector: other", "sector: helthcare"), "system.yaml", "sector"),
    Bad("one class", TABLE, described("    - 'yes'\n", ""), "system.yaml", "labels"),
    Bad("class twice", TABLE, described("- 'yes'", "- 'no'"), "system.yaml", "2 times"),
    Bad("not a number", TABLE, described("high: null", "high: .nan"), "system.yaml", "not a number"),
    Bad("low above high", TABLE, described("low: null\n    high: null", "low: 1\n    high: 0"), "system.yaml", "low"),
    Bad("placeholder", TABLE, described("name: Nobody", "name: '<fill in: name>'"), "system.yaml", "filled in"),
    Bad("unknown fact", TABLE, described("data:\n", "facts: {no.such: true}\ndata:\n"), "system.yaml", "no.such"),
    Bad("fact's type", TABLE, described("data:\n", "facts: {deploy.cii: maybe}\ndata:\n"), "system.yaml", "deploy.cii"),
    Bad("test is train", TABLE, described("data:\n", "data:\n  train: {path: test.csv, format: csv, origin: x}\n"),
        "system.yaml", "training data"),
    Bad("predictions' width", good.predictions, described("    - answer\n", "    - p0\n    - p1\n    - p2\n"),
        "system.yaml", "names 3 columns for 2 labels"),
    Bad("no model", TABLE, removed("m.onnx"), "m.onnx", "does not exist"),
    Bad("model is a folder", TABLE, described("file: m.onnx", "file: ."), "system.yaml", "directory"),
    Bad("out of the folder", TABLE, described("file: m.onnx", "file: ../m.onnx"), "system.yaml", "leads out"),
    Bad("absolute path", TABLE, described("file: m.onnx", "file: /etc/passwd"), "system.yaml", "not a relative path"),
    Bad("link out", TABLE, linked("test.csv", "/etc/passwd"), "test.csv", "link that leads out"),
    Bad("link loop", TABLE, linked("test.csv", "test.csv"), "test.csv", "leads back to itself"),
    Bad("pipe", TABLE, fifo, "test.csv", "pipe"),
    Bad("permission", TABLE, unreadable, "test.csv", "permission denied"),
    Bad("images in a file", good.pictures, described("path: pics", "path: m.onnx"), "m.onnx", "not a folder"),
    Bad("folder loop", good.pictures, lambda folder: (folder / "pics" / "maybe").symlink_to("."), "pics/maybe",
        "link to a directory"),
]  # fmt: skip


def rows(old: str, new: str) -> Spoil:
    return changed("test.csv", old, new)


def array(**named: Any) -> Spoil:
    arrays: dict[str, Any] = {"x": good.X, "y": good.Y, **named}
    return content("test.npz", good.packed(**arrays))


def forged(header: bytes, body: bytes = b"") -> bytes:
    """An npz whose array `x` has this header."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + body)
        archive.writestr("y.npy", b"")
    return buffer.getvalue()


HUGE = b"{'descr': '<f8', 'fortran_order': False, 'shape': (100000000, 2), }\n"


def bomb() -> bytes:
    return forged(HUGE, bytes(300_000_000))


def enormous() -> bytes:
    """A PNG of a few bytes that claims 30000 × 30000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def outside() -> bytes:
    """A model that keeps its weights in another file."""
    ends = [onnx.value("x", ["n", 2])], [onnx.value("y", ["n", 2])]
    weights = [onnx.external_tensor("W", "../../etc/passwd")]
    return onnx.model(onnx.graph([onnx.node("MatMul", ["x", "W"], ["y"])], *ends, weights))


def untrusted() -> bytes:
    return bytes(skops.io.dumps(FunctionTransformer(os.getcwd)))


INF = np.where(np.arange(good.X.size).reshape(good.X.shape) == 5, np.inf, good.X)
OBJECTS = np.array([["a", 1]] * good.ROWS, dtype=object)

ASSESSED = [
    Bad("no rows", TABLE, content("test.csv", b"id,a,b,y\n"), "test.csv", "holds no rows"),
    Bad("absent column", TABLE, rows("id,a,b,y", "id,a,bb,y"), "test.csv, header", "did you mean 'bb'?"),
    Bad("ragged", TABLE, rows("case-3,", "case-3,1,"), "test.csv, row 4", "5 cells, the header has 4"),
    Bad("text as number", TABLE, rows("case-2,-0.8298", "case-2,low"), "row 3, column a", "'low' is not a number"),
    Bad("NaN label", TABLE, rows("case-0,-1.0000,-0.9574,no", "case-0,-1,-0.9,nan"), "row 1, column y",
        "no declared class"),
    Bad("one class only", TABLE, lambda folder: (folder / "test.csv").write_bytes(good.cases().replace(b"yes", b"no")),
        "test.csv", "holds the class 'no' only"),
    Bad("identifier twice", TABLE, rows("case-7,", "case-6,"), "test.csv, row 8", "also in row 7"),
    Bad("predictions unknown", good.predictions, perhaps,
        "row 1, column answer", "'perhaps' is no declared class"),
    Bad("truncated arrays", good.arrays, cut("test.npz"), "test.npz", "not a readable npz"),
    Bad("objects", good.arrays, array(x=OBJECTS), "test.npz", "'x' holds object"),
    Bad("zip bomb", good.arrays, made("test.npz", bomb), "test.npz", "would unpack to"),
    Bad("broken picture", good.pictures, cut("pics/yes/1.png"), "pics/yes/1.png", "not a readable image"),
    Bad("picture's size", good.pictures, content("pics/yes/1.png", good.picture(5)), "pics/yes/1.png", "5×4"),
    Bad("truncated model", TABLE, cut("m.onnx"), "m.onnx", "not a protocol-buffer message"),
    Bad("input's name", TABLE, described("tensor: null\n    columns", "tensor: pixels\n    columns"), "m.onnx",
        "no input tensor 'pixels'; it has x"),
    Bad("output's width", TABLE, content("m.onnx", good.network(np.ones((2, 3), np.float32))), "m.onnx", "3"),
    Bad("truncated skops", good.estimator, cut("m.skops"), "m.skops", "not a readable skops"),
]  # fmt: skip
"""Data and models that the whole program meets."""

TAKEN_IN = [
    Bad("empty table", TABLE, content("test.csv", b""), "test.csv", "is empty"),
    Bad("header twice", TABLE, rows("id,a,b,y", "id,a,a,y"), "test.csv, header", "twice"),
    Bad("nan", TABLE, rows("case-2,-0.8298", "case-2,nan"), "row 3, column a", "not a finite"),
    Bad("no value", TABLE, rows("case-2,-0.8298", "case-2,"), "row 3, column a", "is empty"),
    Bad("table not UTF-8", TABLE, content("test.csv", "id,a,b,y\né,1,2,no".encode("latin-1")), "test.csv, line 2",
        "not UTF-8"),
    Bad("a pickle as table", TABLE, content("test.csv", pickle.dumps({"a": 1})), "test.csv", "not UTF-8"),
    Bad("random arrays", good.arrays, content("test.npz", bytes(range(256)) * 8), "test.npz", "not a readable npz"),
    Bad("a pickle as npz", good.arrays, content("test.npz", pickle.dumps([1])), "test.npz", "not a readable npz"),
    Bad("text as inputs", good.arrays, array(x=good.X.astype(str)), "test.npz", "plain numbers"),
    Bad("infinite", good.arrays, array(x=INF), "test.npz, row 3", "inf"),
    Bad("too few labels", good.arrays, array(y=good.Y[:-1]), "test.npz", "23 entries for 24 samples"),
    Bad("too wide", good.arrays, array(x=np.ones((good.ROWS, 3))), "test.npz", "samples of shape (3,)"),
    Bad("no such array", good.arrays, described("features: x", "features: inputs"), "test.npz", "no array 'inputs'"),
    Bad("array bomb", good.arrays, content("test.npz", forged(HUGE)), "test.npz", "more than the file holds"),
    Bad("text as picture", good.pictures, content("pics/yes/1.png", b"x"), "pics/yes/1.png", "neither PNG"),
    Bad("picture bomb", good.pictures, content("pics/yes/1.png", enormous()), "pics/yes/1.png", "far too many pixels"),
    Bad("stray file", good.pictures, content("pics/yes/notes.txt", b"x"), "pics/yes/notes.txt", "<class>/<image>"),
    Bad("random model", TABLE, content("m.onnx", np.random.default_rng(0).bytes(500)), "m.onnx", "ONNX"),
    Bad("too few inputs", TABLE, content("m.onnx", good.network(np.ones((3, 2), np.float32))), "m.onnx", "(?, 3)"),
    Bad("skops is no zip", good.estimator, content("m.skops", b"\x89PNG"), "m.skops", "not a readable skops"),
]  # fmt: skip
"""Data and models that the intake alone meets, to save the time of starting workers."""

HOLDING_CODE = [
    Bad("weights outside", TABLE, content("m.onnx", outside()), "m.onnx", "keeps weights outside"),
    Bad("untrusted type", good.estimator, made("m.skops", untrusted), "m.skops", "not known to be safe"),
]  # fmt: skip
"""Models that are not opened because they hold code, which is a finding and not a fault of the input."""


def named(cases: Sequence[Bad]) -> list[object]:
    return [pytest.param(case, id=case.name) for case in cases]


def snapshot(folder: Path) -> dict[str, str]:
    """What lies in a folder, file by file."""
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def assert_one_message(finished: Finished, file: str, said: str) -> None:
    """One headline that says what and where, and a line that says what to do."""
    headline, *rest = finished.err.splitlines()
    assert finished.code == 2, finished.err
    assert headline.startswith("error: ")
    assert file in headline
    assert said in headline
    assert [line[:4] for line in rest] == ["  → "], finished.err
    assert len(finished.err) < 1000


@pytest.mark.parametrize("bad", named(DESCRIPTIONS))
def test_wrong_descriptions(tmp_path: Path, capsys: Capture, bad: Bad) -> None:
    folder = bad.make(tmp_path / "system")
    before = snapshot(folder)
    checked = run(capsys, "check-system", folder)
    assessed = run(capsys, "assess", folder, "--output", tmp_path / "out")
    assert_one_message(checked, bad.file, bad.said)
    assert assessed == checked
    assert snapshot(folder) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["system"]


@pytest.mark.parametrize("bad", named(ASSESSED))
def test_wrong_data_and_models(tmp_path: Path, capsys: Capture, bad: Bad) -> None:
    folder = bad.make(tmp_path / "system")
    before = snapshot(folder)
    assert run(capsys, "check-system", folder).code == 0  # nothing is wrong until the bytes are looked at
    assert_one_message(run(capsys, "assess", folder, "--output", tmp_path / "out"), bad.file, bad.said)
    assert snapshot(folder) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["system"]


@pytest.mark.parametrize("bad", named(TAKEN_IN))
def test_wrong_data_and_models_at_the_intake(tmp_path: Path, bad: Bad) -> None:
    subject = open_system(bad.make(tmp_path / "system"))
    observation = measure(INTAKE, subject, intake_item(subject), "quick").observation
    assert observation.error is not None
    assert observation.error.code == REFUSED
    assert bad.file in observation.error.text.en
    assert bad.said in observation.error.text.en
    assert CHINESE.search(observation.error.text.zh)
    assert [note.code for note in observation.warnings] == [REMEDY]


@pytest.mark.parametrize("bad", named(HOLDING_CODE))
def test_models_that_hold_code_are_a_finding(tmp_path: Path, capsys: Capture, bad: Bad) -> None:
    folder = bad.make(tmp_path / "system")
    assessed = run(capsys, "assess", folder, "--output", tmp_path / "out", "--only", "MI-01", "--only", "MI-09")
    assert (assessed.code, assessed.err) == (1, "")
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    findings = {finding["control"]: finding for finding in report["assessment"]["findings"]}
    assert findings["MI-01"]["verdict"] == "fail"
    assert findings["MI-09"]["verdict"] == "error"
    assert bad.said in findings["MI-09"]["reason"]["text"]["en"]


class Place(NamedTuple):
    """A folder with everything the commands take, and some that they do not."""

    folder: Path

    def at(self, *arguments: str) -> list[str]:
        """Arguments that begin with `@` name something in the folder."""
        return [str(self.folder / argument[1:]) if argument.startswith("@") else argument for argument in arguments]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("place")
    (folder / "empty").mkdir()
    (folder / "system").mkdir()
    good.predictions(folder / "system")
    (folder / "right").write_text("open sesame\n")
    (folder / "wrong").write_text("open barley\n")
    generate(folder / "key", None)
    generate(folder / "other", None)
    generate(folder / "locked", b"open sesame")
    (folder / "torn").write_bytes((folder / "key").read_bytes()[:70] + b"\n-----END PRIVATE KEY-----\n")
    generate_log_key(folder / "log-key", None)
    generate_log_key(folder / "other-log-key", None)
    Log.create(folder / "log", "test.example", load_log_signing_key(folder / "log-key", None))
    for name, data in {"text": b"hello\n", "random": bytes(range(256)), "json": b"{}", "deep": b"[" * 10**6}.items():
        (folder / name).write_bytes(data)
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", bytes(50_000_000))
    return Place(folder)


ASSESS = ("assess", "@system", "--output", "@out")

COMMANDS: dict[str, tuple[tuple[str, ...], str, str]] = {
    # what is wrong: the command, what its message names, and what it holds
    "no such system": (("assess", "@absent"), "absent", "does not exist"),
    "a system that is no text": (("assess", "@random"), "random:2", "not UTF-8"),
    "unknown profile": ((*ASSESS, "--profile", "nosuch"), "", "no profile is called 'nosuch'"),
    "unknown check": ((*ASSESS, "--only", "model.preformance"), "", "neither a check nor a control"),
    "unknown control": ((*ASSESS, "--skip", "XX-01"), "", "neither a check nor a control"),
    "output is a file": (("assess", "@system", "--output", "@text"), "text", "is a file, not a folder"),
    "output below a file": (("assess", "@system", "--output", "@text/out"), "text/out", "part of its path is a file"),
    "output is used": (("assess", "@system", "--output", "@log"), "log", "holds something already"),
    "no key": ((*ASSESS, "--key", "@random"), "random", "not a private key"),
    "public for private": ((*ASSESS, "--key", "@key.pub"), "key.pub", "not a private key"),
    "torn key": ((*ASSESS, "--key", "@torn"), "torn", "not a private key"),
    "key is a folder": ((*ASSESS, "--key", "@empty"), "empty", "is a directory"),
    "locked key": ((*ASSESS, "--key", "@locked"), "locked", "no terminal to ask"),
    "wrong passphrase": ((*ASSESS, "--key", "@locked", "--passphrase-file", "@wrong"), "locked", "does not open"),
    "needless passphrase": ((*ASSESS, "--key", "@key", "--passphrase-file", "@right"), "key", "is not encrypted"),
    "no log": (
        (*ASSESS, "--key", "@key", "--log", "@empty", "--log-key", "@log-key"),
        "empty",
        "is no transparency log",
    ),
    "log of another": (
        (*ASSESS, "--key", "@key", "--log", "@log", "--log-key", "@other-log-key"),
        "log/checkpoint",
        "not signed by the key",
    ),
    "log without key": ((*ASSESS, "--log", "@log"), "log", "a log needs its own key"),
    "judge nothing": (("judge", "@absent"), "absent", "neither a folder nor a file"),
    "judge an empty folder": (("judge", "@empty"), "empty", "holds no evidence bundle"),
    "judge a system": (("judge", "@system"), "system", "holds no evidence bundle"),
    "judge noise": (("judge", "@random"), "random", "not a zip file"),
    "judge a bomb": (("judge", "@bomb.zip"), "bomb.zip", "compress"),
    "report of nothing": (("report", "@absent", "--output", "@out"), "absent", "neither a folder nor a file"),
    "report of text": (("report", "@text", "--output", "@out"), "text", "not a zip file"),
    "verify nothing": (("verify", "@absent", "--key", "@key.pub"), "absent", "does not exist"),
    "verify an empty folder": (("verify", "@empty", "--key", "@key.pub"), "empty", "holds no evidence"),
    "verify with noise": (("verify", "@empty", "--key", "@random"), "random", "not a public key"),
    "verify with a private key": (("verify", "@empty", "--key", "@key"), "key", "not a public key"),
    "overwrite a key": (("keys", "generate", "@key", "--without-passphrase"), "key", "exists already"),
    "key below a file": (("keys", "generate", "@text/key", "--without-passphrase"), "text", "is a file"),
    "passphrase absent": (("keys", "generate", "@new", "--passphrase-file", "@absent"), "absent", "does not exist"),
    "show noise": (("keys", "show", "@random"), "random", "not a public key"),
    "log at a file": (("log", "create", "@text", "--origin", "a", "--key", "@log-key"), "text", "no folder"),
    "log twice": (("log", "create", "@log", "--origin", "a", "--key", "@log-key"), "log", "holds a log already"),
    "show no log": (("log", "show", "@empty"), "empty", "is no transparency log"),
    "prove what is not there": (("log", "prove", "@log", "9"), "log", "has no entry 9"),
    "an older checkpoint": (("log", "check", "@log", "--log-key", "@log-key.pub", "--since", "@json"), "json", "note"),
    "unknown control shown": (("standard", "show", "XX-99"), "", "XX-99"),
    "unknown profile compared": (("standard", "diff", "baseline", "nosuch"), "", "nosuch"),
    "unknown check shown": (("checks", "show", "nosuch"), "", "nosuch"),
    "first description is there": (("init", "@system", "--yes"), "system.yaml", "is not overwritten"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_wrong_arguments(place: Place, capsys: Capture, name: str) -> None:
    arguments, file, said = COMMANDS[name]
    before = snapshot(place.folder)
    assert_one_message(run(capsys, *place.at(*arguments)), file, said)
    assert snapshot(place.folder) == before
    assert not (place.folder / "out").exists()


@pytest.mark.parametrize("file", ["text", "random", "json", "deep"])
def test_what_is_no_statement_is_not_valid(place: Place, capsys: Capture, file: str) -> None:
    """Whether a file was never a statement, or is one that somebody garbled, nobody can tell: it is not valid."""
    verified = run(capsys, "verify", place.folder / file, "--key", place.folder / "key.pub")
    assert (verified.code, verified.err) == (1, "")
    assert f"✗ {file}: " in verified.out


@pytest.mark.parametrize("bad", named(DESCRIPTIONS))
def test_chinese_messages(tmp_path: Path, capsys: Capture, bad: Bad) -> None:
    told = run(capsys, "--lang", "zh", "check-system", bad.make(tmp_path / "system"))
    headline, remedy = told.err.splitlines()
    assert told.code == 2
    assert headline.startswith("错误：")
    assert CHINESE.search(headline.removeprefix("错误："))
    assert CHINESE.search(remedy)


def test_every_problem_has_its_own_headline(tmp_path: Path, capsys: Capture) -> None:
    good.table(tmp_path)
    (tmp_path / "m.onnx").unlink()
    (tmp_path / "test.csv").unlink()
    told = run(capsys, "check-system", tmp_path).err.splitlines()
    assert [line.partition(" ")[0] for line in told if not line.startswith("  → ")] == ["error:", "error:"]


def test_nothing_in_a_message_steers_the_terminal(tmp_path: Path, capsys: Capture) -> None:
    told = run(capsys, "check-system", tmp_path / "\x1b[2J")
    assert told.code == 2
    assert "\x1b" not in told.err


def test_the_same_command_works_once_the_input_is_mended(place: Place, tmp_path: Path, capsys: Capture) -> None:
    system = tmp_path / "system"
    system.mkdir()
    good.predictions(system)
    right = (system / "test.csv").read_bytes()
    perhaps(system)
    log = tmp_path / "log"
    Log.create(log, "test.example", load_log_signing_key(place.folder / "log-key", None))
    command = ("assess", system, "--output", tmp_path / "out", "--key", place.folder / "key", "--log", log)
    command += ("--log-key", place.folder / "log-key")
    assert_one_message(run(capsys, *command), "test.csv", "no declared class")
    assert not (tmp_path / "out").exists()
    assert Log.open(log).checkpoint.size == 0
    (system / "test.csv").write_bytes(right)
    mended = run(capsys, *command)
    assert (mended.code, mended.err) == (1, "")
    assert Log.open(log).checkpoint.size == 3
    assert run(capsys, "verify", tmp_path / "out", "--key", place.folder / "key.pub").code == 0
