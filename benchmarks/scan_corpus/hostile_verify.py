"""Proves labels: loads inert units with their real loaders, one process each, and watches whether the call happens.

    python benchmarks/scan_corpus/hostile_verify.py CORPUS

Run it with an interpreter that has numpy, joblib and torch. Only units whose payload is inert are loaded
(`load_with` in the manifest), in a process without network where the system allows that, in an empty folder, with
limits on time and memory. `CORPUS/verified.json` keeps for each unit whether the call was seen; `hostile.py` copies it
into the manifest. This is the only part of Touchstone that ever loads such a file, and no test does.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

LIMIT_S = 60


def main() -> None:
    """Load each unit in a process of its own, or be that process."""
    if len(sys.argv) == 4:
        watch(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
        return
    corpus = Path(sys.argv[1])
    units: list[dict[str, Any]] = json.loads((corpus / "manifest.json").read_text())["units"]
    verified: dict[str, bool] = {}
    for unit in units:
        if unit["load_with"] and unit["proof"]:
            verified[unit["path"]] = proved(corpus / unit["path"], unit["load_with"], unit["proof"])
    (corpus / "verified.json").write_text(json.dumps(verified, indent=1) + "\n")
    print(sum(verified.values()), "of", len(verified), "seen to act; not seen:")
    print("\n".join(path for path, seen in verified.items() if not seen))


def proved(unit: Path, loader: str, proof: str) -> bool:
    """Whether the call is seen when the unit is loaded."""
    with tempfile.TemporaryDirectory() as empty:
        command = [*_offline(), sys.executable, str(Path(__file__).resolve()), str(unit.resolve()), loader, proof]
        try:
            done = subprocess.run(
                command, cwd=empty, capture_output=True, timeout=LIMIT_S, stdin=subprocess.DEVNULL, check=False
            )
        except subprocess.TimeoutExpired:
            return False
    return b"PLANTED CALL SEEN" in done.stderr


def _offline() -> list[str]:
    """A prefix that takes the network away, where that is allowed."""
    works = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode == 0
    return ["unshare", "-rn"] if works else []


def watch(unit: Path, loader: str, proof: str) -> None:
    """Load the unit here and say on the error stream when the call is seen."""
    resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))
    load = _loader(loader)
    if proof.startswith("audit:"):
        _watch_audit(proof.removeprefix("audit:"))
    else:
        _watch_call(*proof.split(":"))
    load(unit)


def seen() -> None:
    """Write at once: the payload may end the process."""
    os.write(2, b"PLANTED CALL SEEN\n")


def _watch_audit(event: str) -> None:
    def hook(name: str, arguments: tuple[Any, ...]) -> None:
        quiet = {"open": lambda: "planted" in str(arguments[0]) or "nonexistent" in str(arguments[0]),
                 "import": lambda: "planted" in str(arguments[0]),
                 "exec": lambda: getattr(arguments[0], "co_filename", "") in {"<string>", "planted"}}  # fmt: skip
        if name == event and quiet.get(name, lambda: True)():
            seen()

    sys.addaudithook(hook)


def _watch_call(module: str, name: str) -> None:
    """Python functions are seen by the profiler; built-in ones by a stand-in that tells and calls."""
    if module == "module":
        codes = {name}
        sys.setprofile(lambda frame, event, _: seen() if event == "call" and frame.f_code.co_name in codes else None)
        return
    owner: Any = import_module(module)
    *path, last = name.split(".")
    for part in path:
        owner = getattr(owner, part)
    target = getattr(owner, last)
    wanted = {getattr(part, "__code__", None) for part in (target, *_constructors(target))} - {None}
    if wanted:
        sys.setprofile(lambda frame, event, _: seen() if event == "call" and frame.f_code in wanted else None)
        return

    def stand_in(*arguments: Any, **named: Any) -> Any:
        seen()
        return target(*arguments, **named)

    setattr(owner, last, stand_in)
    if (module, name) == ("os", "getpid"):
        vars(import_module("posix"))["getpid"] = stand_in


def _constructors(target: Any) -> list[Any]:
    names = ("__init__", "__new__") if isinstance(target, type) else ("__wrapped__",)
    return [getattr(target, name, None) for name in names]


def _loader(name: str) -> Callable[[Path], Any]:
    import pickle

    def pickle_all(unit: Path) -> None:
        with unit.open("rb") as file:
            for _ in range(5):
                pickle.load(file)  # noqa: S301

    def pickle_file(unit: Path) -> Any:
        with unit.open("rb") as file:
            return pickle.load(file)  # noqa: S301

    if name == "pickle":
        return pickle_file
    if name == "pickle-all":
        return pickle_all
    if name == "numpy":
        import numpy

        def numpy_load(unit: Path) -> None:
            loaded = numpy.load(unit, allow_pickle=True)
            for member in getattr(loaded, "files", ()):
                loaded[member]

        return numpy_load
    if name == "joblib":
        import joblib

        loading: Callable[[Path], Any] = joblib.load
        return loading
    if name == "torch":
        import torch

        return lambda unit: torch.load(unit, weights_only=False)
    if name == "yaml":
        import yaml

        return lambda unit: yaml.unsafe_load(unit.read_bytes())
    raise ValueError(name)


if __name__ == "__main__":
    main()
