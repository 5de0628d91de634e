"""TOML: projects and locked packages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult

PROJECT = """
[build-system]
requires = ["hatchling"]
[project]
name = "model"
version = "1.0"
dependencies = ["torch>=2", "numpy==1.26.4"]
[project.optional-dependencies]
dev = ["pytest"]
[tool.poetry.dependencies]
python = "^3.11"
pandas = "2.0.0"
jinja2 = { version = "^3.1", extras = ["i18n"] }
[[package]]
name = "locked"
version = "1.2.3"
released = 2024-01-01
"""


def scan(text: str, name: str = "pyproject.toml") -> FileResult:
    return scan_bytes(text.encode(), name)


def rules(text: str, name: str = "pyproject.toml") -> set[str]:
    return {finding.rule for finding in scan(text, name).findings}


def test_a_project_is_clean_and_states_what_it_needs() -> None:
    result = scan(PROJECT)
    assert (result.format, result.verdict) == ("toml", "clean")
    assert {fact.value for fact in result.facts if fact.name == "dependency"} == {
        "hatchling",
        "torch>=2",
        "numpy==1.26.4",
        "pytest",
        "pandas==2.0.0",
        "jinja2^3.1",
        "locked==1.2.3",
    }


@pytest.mark.parametrize(
    ("text", "rule", "name"),
    [
        ('[build-system]\nrequires = []\nbackend-path = ["."]\n', "toml/own-build-backend", "pyproject.toml"),
        ('[[tool.poetry.source]]\nurl = "https://p.planted.example"\n', "requirements/other-index", "pyproject.toml"),
        ('[[tool.uv.index]]\nurl = "http://pypi.org/simple"\n', "requirements/unprotected-address", "pyproject.toml"),
        ('[[source]]\nurl = "https://p.planted.example"\n', "requirements/other-index", "Pipfile"),
        ('[packages]\na = {git = "http://x.example/a"}\n', "requirements/unprotected-address", "Pipfile"),
        ('[model]\n_target_ = "os.getpid"\n', "configuration/dangerous-name", "config.toml"),
    ],
)
def test_what_projects_should_not_do(text: str, rule: str, name: str) -> None:
    assert rule in rules(text, name)


@pytest.mark.parametrize("text", ["a = ", "[a\n", "a = " + "[" * 5000, "\x01"])
def test_what_is_no_toml_is_a_gap(text: str) -> None:
    assert scan(text).verdict == "incomplete"


@given(st.text(st.sampled_from("ab=[]{}\"',.\n 1"), max_size=60))
def test_never_fails(text: str) -> None:
    assert "reader" not in {gap.code for gap in scan(text).gaps}
