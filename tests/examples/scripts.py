"""Loads the scripts of the example folders, whose names are no package names."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

EXAMPLES = Path(__file__).parents[2] / "examples"


def load_script(path: str) -> ModuleType:
    """The script at `path` below `examples/`, imported as a module of its own."""
    file = EXAMPLES / path
    specification = importlib.util.spec_from_file_location(f"example_{file.stem}", file)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    sys.path.insert(0, str(file.parent))
    try:
        specification.loader.exec_module(module)
    finally:
        sys.path.remove(str(file.parent))
    return module
