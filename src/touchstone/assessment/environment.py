"""The environment a result was obtained in, as far as it may influence a number."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

INFLUENTIAL = ("numpy", "scipy", "scikit-learn", "onnxruntime", "skops", "pillow", "torch", "pyarrow")


def tool() -> str:
    """This program and its version."""
    return f"touchstone {version('touchstone')}"


def environment() -> dict[str, str]:
    """Versions of everything that computes, and the kind of machine. The same on two runs of one installation."""
    found = {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "operating-system": platform.system(),
        "touchstone": version("touchstone"),
    }
    for package in INFLUENTIAL:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
