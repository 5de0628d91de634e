"""Stable-Baselines3 agents: the pickles inside of their JSON are found."""

from __future__ import annotations

import base64
import json

from tests.scan.formats.zips import CALL, NUMBER, zipped
from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult


def scan(pickled: str, *members: tuple[str, bytes]) -> FileResult:
    data = {"gamma": 0.99, "lr_schedule": {":type:": "<class 'function'>", ":serialized:": pickled}}
    return scan_bytes(zipped(("data", json.dumps(data).encode()), *members), "agent.zip")


def test_a_pickle_in_the_data_is_found() -> None:
    pickled = base64.b64encode(CALL).decode()
    result = scan(pickled, ("_stable_baselines3_version", b"2.7.0"))
    assert {finding.where for finding in result.findings} == {"agent.zip!data!lr_schedule"}
    assert (result.format, result.verdict, result.runs_code) == ("stable-baselines3", "unsafe", True)
    assert scan(pickled).verdict == "unsafe"


def test_harmless_data_are_clean() -> None:
    assert scan(base64.b64encode(NUMBER).decode()).verdict == "clean"


def test_what_is_no_base64_is_a_gap() -> None:
    assert [gap.code for gap in scan("abcde").gaps] == ["damaged"]


def test_other_members_of_that_name_are_read_as_what_they_are() -> None:
    assert scan_bytes(zipped(("data", b"plain text\n")), "a.zip").verdict == "clean"
    assert scan_bytes(zipped(("data", CALL)), "a.zip").verdict == "unsafe"
