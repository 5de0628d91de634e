"""Packages are gathered from all files, and known weaknesses, malicious releases and look-alikes are found."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.errors import UserError
from touchstone.scan.advisories import AdvisoryPack, own_pack, read_osv
from touchstone.scan.dependencies import judge_dependencies, packages_of
from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import Fact
from touchstone.scan.typosquats import look_alike

RECORD: dict[str, Any] = {
    "id": "GHSA-0000",
    "aliases": ["CVE-2099-1"],
    "summary": "made up",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Some_Package"},
            "ranges": [
                {"type": "GIT", "events": [{"introduced": "0"}]},
                {
                    "type": "ECOSYSTEM",
                    "events": [
                        {"introduced": "1.0"},
                        {"fixed": "1.5"},
                        {"introduced": "2.0"},
                        {"last_affected": "2.3"},
                    ],
                },
            ],
            "versions": ["0.1"],
        }
    ],
    "database_specific": {"severity": "MODERATE"},
}


def packages(*values: str) -> set[tuple[str, str, str]]:
    found = packages_of(Fact("a", "dependency", value) for value in values)
    return {(package.ecosystem, package.name, package.demand) for package in found}


def found(requirements: str, pack: AdvisoryPack | None = None) -> dict[str, str]:
    (result,) = judge_dependencies([scan_bytes(requirements.encode(), "requirements.txt")], pack)
    return {finding.rule: finding.shown for finding in result.findings if finding.rule.startswith("dependencies/")}


def test_facts_become_packages() -> None:
    assert packages(
        "Torch[extra]>=2,<3; python_version > '3'",
        "fork @ git+https://example.org/a",
        "git+https://example.org/a",
        "npm:@scope/name@1.0",
        "conda:pytorch@2.1",
        "docker:python:3.11",
        "jinja2^3.1",
    ) == {
        ("PyPI", "torch", ">=2,<3"),
        ("PyPI", "fork", ""),
        ("npm", "@scope/name", "1.0"),
        ("conda", "torch", "2.1"),
        ("docker", "python:3.11", ""),
        ("PyPI", "jinja2", "^3.1"),
    }


@pytest.mark.parametrize(
    ("requirement", "rule"),
    [
        ("torch==2.5.1", "dependencies/grave-weakness"),
        ("torch==2.5.1+cu121", "dependencies/grave-weakness"),
        ("torch<2.6", "dependencies/grave-weakness"),
        ("torch>=2.0", "dependencies/permits-weakness"),
        ("keras==3.5.0", "dependencies/grave-weakness"),
        ("jinja2==3.1.4", "dependencies/known-weakness"),
        ("PyYAML==5.3", "dependencies/grave-weakness"),
        ("ultralytics==8.3.41", "dependencies/malicious-package"),
        ("deepseeek", "dependencies/malicious-package"),
        ("torchtriton>=2", "dependencies/malicious-package"),
        ("pytroch", "dependencies/look-alike"),
        ("scikitlearn", "dependencies/look-alike"),
    ],
)
def test_what_the_own_pack_knows(requirement: str, rule: str) -> None:
    assert rule in found(requirement)


@pytest.mark.parametrize(
    "requirement", ["torch>=2.10", "keras>=3.15", "ultralytics==8.3.40", "ultralytics", "Jinja2==3.1.6"]
)
def test_what_has_no_known_weakness(requirement: str) -> None:
    assert found(requirement) == {}


def test_the_own_pack_is_dated_and_understood() -> None:
    pack = own_pack()
    assert (pack.date, pack.skipped) == ("2026-11-26", 0)
    assert sum(len(advisories) for advisories in pack.by_package.values()) >= 50
    assert all(advisory.intervals or advisory.versions for group in pack.by_package.values() for advisory in group)


def test_conda_has_an_index_of_its_own() -> None:
    environment = b"name: x\ndependencies:\n- torchtriton=2.0.0\n- pytorch=2.5.1\n"
    (result,) = judge_dependencies([scan_bytes(environment, "environment.yml")])
    rules = {finding.rule for finding in result.findings}
    assert "dependencies/grave-weakness" in rules  # of PyTorch
    assert "dependencies/malicious-package" not in rules


def test_publishers_that_look_like_known_ones() -> None:
    for name, expected in (
        ("meta-Ilama/Llama-3", True),
        ("meta-llama/Llama-3", False),
        ("me/Llama-3", False),
        ("gpt2", False),
    ):
        (result,) = judge_dependencies([scan_bytes(json.dumps({"_name_or_path": name}).encode(), "config.json")])
        assert any(finding.rule == "dependencies/look-alike-publisher" for finding in result.findings) is expected


@pytest.mark.parametrize(
    ("version", "affected"),
    [("0.1", True), ("0.9", False), ("1.0", True), ("1.5", False), ("2.3", True), ("2.4", False)],
)
def test_ranges_of_a_record(tmp_path: Path, version: str, affected: bool) -> None:
    (tmp_path / "a.json").write_text(json.dumps(RECORD))
    rules = found(f"some-package=={version}", read_osv(tmp_path, "2099-01-01"))
    assert ("dependencies/known-weakness" in rules) is affected
    if affected:
        assert rules["dependencies/known-weakness"] == f"some-package =={version}: CVE-2099-1 (GHSA-0000) made up"


def test_records_come_from_a_folder_a_zip_or_lines(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.json").write_text(json.dumps(RECORD))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("a.json", json.dumps(RECORD))
    lines = tmp_path / "all.jsonl"
    lines.write_text(json.dumps(RECORD) + "\n\nnot JSON\n" + json.dumps(RECORD | {"withdrawn": "2099-01-01"}) + "\n")
    packs = [read_osv(place) for place in (folder, tmp_path / "all.zip", lines)]
    assert [list(pack.by_package) for pack in packs] == [[("PyPI", "some-package")]] * 3
    assert [pack.skipped for pack in packs] == [0, 0, 1]
    assert len(packs[0].sha256) == 64


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff"])
def test_what_holds_no_record(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(UserError):
        read_osv(tmp_path / "a")
    with pytest.raises(UserError):
        read_osv(tmp_path / "absent")


_KEYS = "id affected package ecosystem name ranges events introduced fixed type versions aliases"
_JSON = st.recursive(
    st.none() | st.text(max_size=8) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_KEYS.split()),
            inner,
        )
    ),
    max_leaves=12,
)


@given(st.lists(_JSON, max_size=3))
def test_malformed_records_are_counted(tmp_path_factory: pytest.TempPathFactory, records: list[Any]) -> None:
    path = tmp_path_factory.mktemp("osv") / "all.jsonl"
    path.write_text("\n".join(json.dumps(record) for record in [RECORD, *records]))
    assert ("PyPI", "some-package") in read_osv(path).by_package


@pytest.mark.parametrize(
    ("name", "popular"),
    [
        ("pytroch", "pytorch"),
        ("tensorfllow", "tensorflow"),
        ("tensor-flow", "tensorflow"),
        ("transfomers", "transformers"),
        ("reqeusts", "requests"),
        ("nunpy", None),
        ("numpyy", "numpy"),
        ("nmupy", "numpy"),
        ("openai-official", "openai"),
        ("rnodelscope", "modelscope"),
        ("mode1scope", "modelscope"),
        ("paddelpaddle", "paddlepaddle"),
        ("tοrch", "torch"),
    ],
)
def test_slips_of_the_finger(name: str, popular: str | None) -> None:
    assert look_alike(name, "PyPI") == popular


@pytest.mark.parametrize(
    "name",
    [
        "torch",
        "Torch",
        "tensorboardx",
        "boto",
        "h5py",
        "torch-geometric",
        "my-own-package",
        "fastai",
        "x",
        "panda",
        "pytorch",
    ],
)
def test_names_that_are_their_own(name: str) -> None:
    assert look_alike(name, "PyPI") is None


@pytest.mark.parametrize(
    ("name", "popular"),
    [
        ("deepseek_ai", "deepseek-ai"),
        ("Qwenn", "Qwen"),
        ("mistra1ai", "mistralai"),
        ("deepseek-ai", None),
        ("qwen", None),
    ],
)
def test_publishers(name: str, popular: str | None) -> None:
    if name == "Qwenn":
        popular = None  # four letters are too few to tell a slip from a name
    assert look_alike(name, "publishers") == popular
