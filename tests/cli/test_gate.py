"""`touchstone gate` as a program."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import run
from tests.evidence.made import Laboratory

HARMLESS = b"\x80\x04}\x8c\x01w]K\x01as."
TOKEN = "0123456789abcdef0123"
RUNS_CODE = b"cos\nsystem\n(S'echo planted'\ntR."


Capture = pytest.CaptureFixture[str]


@pytest.fixture
def keys(tmp_path: Path) -> list[str]:
    """The options that name a gate's keys and log."""
    folder = Laboratory.in_folder(tmp_path / "lab").folder
    return ["--key", str(folder / "lab.key"), "--log", str(folder / "log"), "--log-key", str(folder / "log.key")]


def _inbox(tmp_path: Path) -> Path:
    inbox = tmp_path / "store" / "inbox"
    inbox.mkdir(parents=True)
    return inbox


def test_once_decides_about_what_is_there(capsys: Capture, tmp_path: Path, keys: list[str]) -> None:
    inbox = _inbox(tmp_path)
    (inbox / "good.pkl").write_bytes(HARMLESS)
    finished = run(capsys, "gate", "watch", str(tmp_path / "store"), *keys, "--once", "--settle", "0")
    assert finished.code == 0, finished.err
    assert finished.out.startswith("✓ admitted  good.pkl")
    (inbox / "bad.pkl").write_bytes(RUNS_CODE)
    finished = run(capsys, "gate", "watch", str(tmp_path / "store"), *keys, "--once", "--settle", "0", "--lang", "zh")
    assert finished.code == 1
    assert "✗ 拒绝  bad.pkl" in finished.out
    assert "system('echo planted')" in finished.out
    shown = run(capsys, "log", "show", keys[3])
    assert shown.out.count("signed by") == 2


def test_what_somebody_answers_for_is_part_of_the_decision(capsys: Capture, tmp_path: Path, keys: list[str]) -> None:
    (_inbox(tmp_path) / "notes.bin").write_bytes(b"\x01\x02\x03\x04" * 10)
    allow = tmp_path / "allow.yaml"
    allow.write_text(
        "schema: touchstone.allow/v1\nallow:\n- gap: format\n  where: notes.bin\n  reason: ours\n  by: A. Person\n"
        '  expires: "2999-01-01"\n'
    )
    finished = run(
        capsys, "gate", "watch", str(tmp_path / "store"), *keys, "--once", "--settle", "0", "--allow", str(allow)
    )
    assert finished.code == 0, finished.out + finished.err
    (decision,) = (tmp_path / "store" / "decisions").glob("*.json")
    payload = base64.b64decode(json.loads(decision.read_bytes())["payload"])
    assert json.loads(payload)["predicate"]["answered"][0]["by"] == "A. Person"


def test_served_until_stopped(tmp_path: Path, keys: list[str]) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    command = [sys.executable, "-m", "touchstone", "gate", "serve", str(tmp_path / "store"), *keys]
    command += ["--token-file", str(token), "--listen", "127.0.0.1:0"]
    environment = {**os.environ, "TOUCHSTONE_LANG": "en"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as served:
        try:
            assert served.stdout is not None
            host, _, port = served.stdout.readline().split("//")[-1].strip().rpartition(":")
            connection = http.client.HTTPConnection(host, int(port), timeout=20)
            connection.request("POST", "/v1/items/model.pkl", RUNS_CODE, {"Authorization": f"Bearer {TOKEN}"})
            assert b'"outcome":"refuse"' in connection.getresponse().read()
            served.send_signal(signal.SIGINT)
            assert served.wait(timeout=20) == 2
        finally:
            served.kill()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["watch", "{store}", "--policy", "{missing}"], "does not exist"),
        (["watch", "{store}", "--policy", "{policy}"], "field colour"),
        (["watch", "{store}", "--allow", "{missing}"], "does not exist"),
        (["watch", "{file}"], "part of its path is a file"),
        (["serve", "{store}", "--token-file", "{missing}"], "does not exist"),
        (["serve", "{store}", "--token-file", "{file}"], "holds no usable token"),
        (["serve", "{store}", "--token-file", "{token}", "--listen", "nowhere"], "is not HOST:PORT"),
        (["serve", "{store}", "--token-file", "{token}", "--listen", "256.0.0.1:1"], "cannot be listened on"),
    ],
)
def test_wrong_input_is_one_clear_message(
    capsys: Capture, tmp_path: Path, keys: list[str], arguments: list[str], message: str
) -> None:
    places = {name: str(tmp_path / name) for name in ("store", "missing", "file", "token", "policy")}
    (tmp_path / "file").write_text("short")
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "policy").write_text("schema: touchstone.gate-policy/v1\nname: x\ncolour: red\n")
    filled = [argument.format(**places) for argument in arguments]
    finished = run(capsys, "gate", *filled, *keys, *(["--once"] if filled[0] == "watch" else []))
    assert finished.code == 2, finished.out + finished.err
    assert message in finished.err
    assert "Traceback" not in finished.err


def test_a_log_with_another_key_is_refused_at_once(capsys: Capture, tmp_path: Path, keys: list[str]) -> None:
    item = _inbox(tmp_path) / "good.pkl"
    item.write_bytes(HARMLESS)
    run(capsys, "keys", "generate", str(tmp_path / "other.pem"), "--for", "log", "--without-passphrase")
    wrong = [*keys[:-1], str(tmp_path / "other.pem")]
    finished = run(capsys, "gate", "watch", str(tmp_path / "store"), *wrong, "--once", "--settle", "0")
    assert finished.code == 2
    assert item.exists()
