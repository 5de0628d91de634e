"""Every node of a skops schema is judged by the name it shows and by what it does with it."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from typing import Any

import pytest
from hypothesis import given, settings

from tests.scan.formats.damage import damaged, facts, scanned
from touchstone.scan.findings import FileResult


def node(loader: str, module: str = "builtins", name: str = "dict", **parts: Any) -> dict[str, Any]:
    return {"__loader__": loader, "__module__": module, "__class__": name, **parts}


def archive(root: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr("schema.json", json.dumps(root | {"protocol": 2, "_skops_version": "0.16.0"}))
    return file.getvalue()


def scan(*nodes: dict[str, Any]) -> FileResult:
    return scanned(archive(node("ListNode", name="list", content=list(nodes))), "model.skops")


@pytest.mark.parametrize("estimator", ["LogisticRegression", "RandomForestClassifier", "SVC", "KMeans", "Pipeline"])
def test_real_models_are_clean(estimator: str) -> None:
    skops = pytest.importorskip("skops.io")
    from sklearn import cluster, ensemble, linear_model, pipeline, preprocessing, svm
    from sklearn.datasets import load_iris

    made = {
        "LogisticRegression": linear_model.LogisticRegression(),
        "RandomForestClassifier": ensemble.RandomForestClassifier(n_estimators=3),
        "SVC": svm.SVC(probability=False),
        "KMeans": cluster.MiniBatchKMeans(3, n_init=1),
        "Pipeline": pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.Ridge()),
    }[estimator]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = skops.dumps(made.fit(*load_iris(return_X_y=True)))
    result = scanned(content, "model.skops")
    assert (result.verdict, result.findings) == ("clean", ())
    assert ("architecture", type(made).__name__) in facts(content, "model.skops")


@pytest.mark.parametrize(
    ("planted", "rule", "verdict"),
    [
        (node("FunctionNode", "os", "system"), "skops/dangerous-name", "unsafe"),
        (node("TypeNode", "subprocess", "Popen"), "skops/dangerous-name", "unsafe"),
        (node("ObjectNode", "subprocess", "Popen", content=None), "skops/dangerous-name", "unsafe"),
        (node("FunctionNode", content={"module_path": "os", "function": "system"}), "skops/dangerous-name", "unsafe"),
        (node("ConstructorFromReduceNode", "builtins", "eval", content=None), "skops/dangerous-name", "unsafe"),
        (node("OperatorFuncNode", "operator", "call", attrs=None), "skops/dangerous-name", "unsafe"),
        (node("OperatorFuncNode", "builtins", "str", attrs=None), "skops/two-names", "unsafe"),
        (
            node("MethodNode", "builtins", "str", content={"func": "x", "obj": node("ObjectNode", "planted", "X")}),
            "skops/two-names",
            "unsafe",
        ),
        (node("PartialNode", "builtins", "str", content={"func": None}), "skops/two-names", "unsafe"),
        (node("ObjectNode", "planted", "Thing", content=None), "skops/unknown-name", "review"),
        (
            node("ConstructorFromReduceNode", "sklearn.linear_model._ridge", "Ridge", content=None),
            "skops/unknown-use",
            "review",
        ),
        (node("OperatorFuncNode", "operator", "methodcaller", attrs=None), "skops/unknown-use", "review"),
        (node("NdArrayNode", "numpy", "ndarray", type="numpy", file="../a.npy"), "skops/member-path", "review"),
        (node("PlantedNode", "builtins", "dict"), "skops/unknown-use", "review"),
        (
            node("RandomGeneratorNode", "numpy.random._generator", "Generator", content={}),
            "skops/unknown-use",
            "review",
        ),
    ],
)
def test_names_and_uses_that_nobody_reviewed_are_found(planted: dict[str, Any], rule: str, verdict: str) -> None:
    result = scan(planted)
    assert rule in {finding.rule for finding in result.findings}
    assert result.verdict == verdict


def test_a_partial_is_as_harmless_as_its_function() -> None:
    function = node("FunctionNode", "os", "getpid")
    result = scan(node("PartialNode", "functools", "partial", content={"func": function, "args": None}))
    assert {"skops/dangerous-name", "skops/unknown-use"} <= {finding.rule for finding in result.findings}


def test_a_malformed_node_is_never_clean() -> None:
    assert scan({"__loader__": "ObjectNode"}).verdict == "incomplete"


@settings(max_examples=100, deadline=None)
@given(damaged(archive(node("ObjectNode", "builtins", "dict", content=node("JsonNode", name="str", content="1")))))
def test_damage_never_breaks_the_reader(content: bytes) -> None:
    scanned(content, "model.skops")
