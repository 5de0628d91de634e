"""The generated reference files are what the code says today."""

import importlib.util
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"

_SPECIFICATION = importlib.util.spec_from_file_location("generate_reference", DOCS / "generate_reference.py")
assert _SPECIFICATION is not None
assert _SPECIFICATION.loader is not None
GENERATOR = importlib.util.module_from_spec(_SPECIFICATION)
_SPECIFICATION.loader.exec_module(GENERATOR)


@pytest.mark.parametrize("name", GENERATOR.GENERATED)
def test_generated_files_are_current(name: str) -> None:
    current = GENERATOR.GENERATED[name]()
    assert (DOCS / "reference" / name).read_text(encoding="utf-8") == current, "run: python docs/generate_reference.py"
