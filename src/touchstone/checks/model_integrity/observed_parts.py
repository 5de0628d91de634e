"""What the model's files say they are made of: the libraries their loader needs, models and data they come from.

Read by the scanner, from bytes; nothing is loaded. Modules of Python's own library are not parts.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from touchstone.scan.dependencies import normalised, packages_of
from touchstone.scan.findings import Fact, FileResult

_DISTRIBUTIONS: Final = {
    "sklearn": "scikit-learn",
    "pil": "pillow",
    "cv2": "opencv-python",
    "yaml": "pyyaml",
    "pytorch": "torch",
    "onnx": "onnxruntime",
    "onnx-runtime": "onnxruntime",
    "paddle": "paddlepaddle",
    "bs4": "beautifulsoup4",
}
"""Names under which a library is imported or known, and the name it is installed by."""


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """One thing a file says it needs or comes from."""

    kind: Literal["library", "model", "dataset"]
    name: str
    """A library's name as PyPI compares it."""
    where: str


def parts_of(files: Sequence[FileResult]) -> list[Part]:
    """Every part that the files name, once for each file."""
    return sorted({part for file in files for part in _parts(file.facts)})


def distribution(name: str) -> str:
    """The name a library is installed by, from any name it goes by.

    >>> distribution("PyTorch"), distribution("sklearn")
    ('torch', 'scikit-learn')
    """
    plain = normalised(name.strip().replace(" ", "-"))
    return _DISTRIBUTIONS.get(plain, plain)


def _parts(facts: Sequence[Fact]) -> Iterator[Part]:
    for package in packages_of(facts):
        yield Part("library", distribution(package.name), package.where.partition("!")[0])
    for fact in facts:
        where = fact.where.partition("!")[0]
        if fact.name == "framework":
            yield Part("library", distribution(fact.value.split(" ")[0]), where)
        elif fact.name == "imports" and fact.value.split(".")[0] not in sys.stdlib_module_names:
            yield Part("library", distribution(fact.value.split(".")[0]), where)
        elif fact.name == "base-model":
            yield Part("model", fact.value, where)
        elif fact.name == "dataset":
            yield Part("dataset", fact.value, where)
