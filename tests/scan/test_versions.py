"""Versions sort as their ecosystems say, and demands become intervals."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.scan.versions import permitted, version_key


@pytest.mark.parametrize(
    ("ecosystem", "ordered"),
    [
        (
            "PyPI",
            [
                "0.9",
                "1.0.dev1",
                "1.0a1.dev1",
                "1.0a1",
                "1.0b2",
                "1.0rc1",
                "1.0",
                "1.0.post1",
                "1.0.1",
                "1.10",
                "2",
                "1!0.1",
            ],
        ),
        (
            "npm",
            ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.10.0"],
        ),
    ],
)
def test_versions_sort(ecosystem: str, ordered: list[str]) -> None:
    keys = [version_key(version, ecosystem) for version in ordered]
    assert None not in keys
    assert all(first < second for first, second in pairwise(keys) if first is not None and second is not None)


def test_spellings_of_one_version() -> None:
    assert len({version_key(version) for version in ("2.4", "2.4.0", "v2.4.0", "2.4.0+cu121")}) == 1
    assert version_key("1.0-1") == version_key("1.0.post1")
    assert version_key("1.0.ALPHA.1") == version_key("1.0a1")


@pytest.mark.parametrize("version", ["", "latest", "1..2", "a.b", "1.0-x-y", "1" * 300])
def test_what_is_no_version(version: str) -> None:
    assert version_key(version) is None


@pytest.mark.parametrize(
    ("demand", "inside", "outside"),
    [
        (">=1.2,<2", ["1.2", "1.9.9"], ["1.1", "2.0"]),
        ("<=2.3", ["2.3"], ["2.3.1"]),
        ("~=1.4.2", ["1.4.2", "1.4.9"], ["1.5", "1.4.1"]),
        ("~=1.4", ["1.9"], ["2.0"]),
        ("==1.2.*", ["1.2", "1.2.9"], ["1.3"]),
        ("^1.2", ["1.2", "1.9"], ["2.0", "1.1"]),
        ("^0.2.3", ["0.2.9"], ["0.3"]),
    ],
)
def test_demands(demand: str, inside: list[str], outside: list[str]) -> None:
    wanted = permitted(demand)
    assert wanted.exactly == ""

    def holds(version: str) -> bool:
        key = version_key(version)
        assert key is not None
        return (wanted.at_least is None or key >= wanted.at_least) and (wanted.below is None or key < wanted.below)

    assert all(holds(version) for version in inside)
    assert not any(holds(version) for version in outside)


def test_exact_demands() -> None:
    assert permitted("==1.2.3").exactly == permitted("1.2.3").exactly == permitted("=1.2.3", "conda").exactly == "1.2.3"
    assert permitted("!=1.2").exactly == permitted("").exactly == ""


@given(st.text(max_size=30), st.sampled_from(["PyPI", "npm"]))
def test_never_fails(text: str, ecosystem: str) -> None:
    version_key(text, ecosystem)
    permitted(text, ecosystem)
