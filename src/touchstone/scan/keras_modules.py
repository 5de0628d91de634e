"""Where in Keras and its sister packages a model's configuration may point, and where it may not.

Keras imports the module a configuration names, and calls `from_config` of what it finds, or the function itself
(CVE-2025-1550). Modelling code is harmless; what downloads, reads files, loads models or changes settings is not
(CVE-2025-8747, CVE-2025-9906). Source: `keras/src/saving/serialization_lib.py` of keras 3.15.1.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final, Literal

Place = Literal["modelling", "acting", "other"]
"""Code that models are made of · code of Keras that acts on files, network or settings · not Keras."""

_ROOTS: Final = (
    "tensorflow.python.keras",
    "tensorflow.keras",
    "keras._tf_keras.keras",
    "keras.api",
    "tf_keras.src",
    "tf_keras",
    "keras.src",
    "keras_hub.src",
    "keras_nlp.src",
    "keras_cv.src",
    "keras_hub",
    "keras_nlp",
    "keras_cv",
    "keras",
)
"""Longest first."""

_MODELLING: Final = frozenset(
    {
        "activations", "backend", "constraints", "dtype_policies", "engine", "feature_column", "initializers", "layers",
        "legacy", "legacy_tf_layers", "losses", "metrics", "mixed_precision", "models", "ops", "optimizers", "premade",
        "premade_models", "quantizers", "random", "regularizers", "rnn", "samplers", "tokenizers", "trainers",
    }
)  # fmt: skip
"""Below these, what looks like a class is one that models are made of."""
_ELSEWHERE: Final = frozenset(
    {
        "DTypePolicy", "FeatureSpace", "FloatDTypePolicy", "Function", "Initializer", "InputSpec", "KerasTensor",
        "Layer", "Loss", "Metric", "Model", "Operation", "Optimizer", "Quantizer", "Regularizer", "Sequential",
        "Variable",
    }
)  # fmt: skip
"""Classes that models are made of in `keras` itself and in `keras.utils`."""
_FUNCTIONS: Final = frozenset(
    {"activations", "constraints", "initializers", "losses", "metrics", "ops", "random", "regularizers"}
)
"""Below these, functions are mathematics. Elsewhere they may be loaders, such as `keras.models.load_model`."""

_PACKAGES: Final = frozenset({"Keras", "keras", "keras_hub", "keras_nlp", "keras_cv", "tf_keras"})
_PACK: Final = Path(__file__).with_name("packs") / "keras_names.json"


def place_of(module: str, name: str, *, is_function: bool) -> Place:
    """Where `module.name` lies."""
    root = next((root for root in _ROOTS if module == root or module.startswith(f"{root}.")), None)
    if root is None:
        return "other"
    below = module[len(root) + 1 :].split(".", 1)[0]
    if is_function:
        return "modelling" if below in _FUNCTIONS else "acting"
    if below in {"", "utils"}:
        return "modelling" if name in _ELSEWHERE else "acting"
    return "modelling" if below in _MODELLING and name[:1].isupper() else "acting"


def is_registered_by_keras(registered_name: str) -> bool:
    """Whether a name of the form `package>name` belongs to Keras or a sister package."""
    package, separator, _ = registered_name.partition(">")
    return bool(separator) and package in _PACKAGES


def is_built_in(name: str, *, is_function: bool) -> bool:
    """Whether Keras finds a bare name among its own, as models without module names have it.

    TensorFlow 2.11 to 2.15 wrote its own optimisers as `Custom>Adam`.
    """
    return name.removeprefix("Custom>") in _built_in()["functions" if is_function else "classes"]


@cache
def _built_in() -> dict[str, frozenset[str]]:
    pack = json.loads(_PACK.read_bytes())
    return {kind: frozenset(pack[kind]) for kind in ("classes", "functions")}
