"""What the names of its members make an archive, and how each member's loader will read it.

An archive can be several kinds at once: each loader looks only for the names it knows. So a member is read in the
way of every kind that fits, the most dangerous first, and only the name of the format goes to the first. PyTorch
finds members without regard to case, and so do we.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Final, NamedTuple


class _Names(NamedTuple):
    """All names of an archive, in lower case."""

    whole: frozenset[str]
    last: frozenset[str]
    """Their last parts."""


class _Kind(NamedTuple):
    name: str
    fits: Callable[[_Names], bool]
    members: tuple[tuple[str, str], ...] = ()
    """How members whose names match are read."""
    runs_code: bool = False


_KINDS: Final[tuple[_Kind, ...]] = (
    _Kind(
        # torch/csrc/jit/serialization/export_module.cpp; `torch.load` takes any archive with constants.pkl for one
        "torchscript",
        lambda names: (
            bool({"constants.pkl", "bytecode.pkl"} & names.last)
            # before PyTorch 1.3 model.json stood for data.pkl
            or (bool({"data.pkl", "model.json"} & names.last) and any("/code/" in f"/{name}" for name in names.whole))
        ),
        (
            (r"(.*/)?bytecode\.pkl", "torchscript-bytecode"),
            (r"(.*/)?(data|constants|attributes|traced_inputs|mobile_debug_handles)\.pkl", "torchscript-pickle"),
            (r"(.*/)?code/.*\.debug_pkl", "torchscript-pickle"),
            (r"(.*/)?code/.*\.py", "torchscript-code"),
            (r"(.*/)?(data|constants|traced_inputs|tensors)/\d+", "torch-storage"),
        ),
        runs_code=True,
    ),
    _Kind(
        # torch/export/pt2_archive/constants.py; before PyTorch 2.8, torch/_export/serde/serialize.py
        "torch-export",
        lambda names: bool({"archive_format", "serialized_exported_program.json"} & names.last),
        (
            (r"(.*/)?serialized_exported_program\.json", "torch-export-program"),
            (r"(.*/)?models/[^/]*\.json", "torch-export-program"),
            (r"(.*/)?data/(weights/weight|constants/tensor)_\d+", "torch-export-weight"),
        ),
    ),
    _Kind(
        "torch-archive",
        lambda names: "data.pkl" in names.last,
        ((r"(.*/)?data\.pkl", "torch-pickle"), (r"(.*/)?data/\d+", "torch-storage")),
        runs_code=True,
    ),
    _Kind(
        # TorchServe, docs/default_handlers.md: the archive brings its own handler in Python
        "torch-model-archive",
        lambda names: "mar-inf/manifest.json" in names.whole,
        runs_code=True,
    ),
    _Kind(
        # keras/src/saving/saving_lib.py
        "keras",
        lambda names: (
            "config.json" in names.whole
            and bool({"metadata.json", "model.weights.h5", "model.weights.npz"} & names.whole)
        ),
        ((r"config\.json", "keras-config"), (r"metadata\.json", "keras-metadata")),
        runs_code=True,
    ),
    _Kind("stable-baselines3", lambda names: "_stable_baselines3_version" in names.whole, runs_code=True),
    _Kind("skops", lambda names: "schema.json" in names.whole, ((r"schema\.json", "skops-schema"),)),
    _Kind(
        "coreml-package", lambda names: any(name.endswith("/com.apple.coreml/model.mlmodel") for name in names.whole)
    ),
    _Kind("ooxml", lambda names: "[content_types].xml" in names.whole, runs_code=True),
    _Kind("wheel", lambda names: any(name.endswith(".dist-info/wheel") for name in names.whole), runs_code=True),
    _Kind("jar", lambda names: "meta-inf/manifest.mf" in names.whole, runs_code=True),
    _Kind("zipapp", lambda names: "__main__.py" in names.whole, runs_code=True),
    _Kind("npz", lambda names: bool(names.whole) and all(name.endswith(".npy") for name in names.whole)),
    # stable_baselines3/common/save_util.py asks for nothing but this member
    _Kind("zip", lambda names: "data" in names.whole, ((r"data", "stable-baselines3-data"),)),
)
"""Most dangerous reading first."""


class ArchiveKinds:
    """The kinds that an archive's names make it."""

    def __init__(self, names: Collection[str]) -> None:
        lower = frozenset(name.lower() for name in names)
        seen = _Names(lower, frozenset(name.rsplit("/", 1)[-1] for name in lower))
        self._fitting = tuple(kind for kind in _KINDS if kind.fits(seen))

    @property
    def format(self) -> str:
        """The kind that names the format; `zip` when it is just an archive."""
        return self._fitting[0].name if self._fitting else "zip"

    @property
    def runs_code(self) -> bool:
        """Whether a loader of one of these kinds runs code from the archive by design."""
        return any(kind.runs_code for kind in self._fitting)

    @property
    def is_pytorch(self) -> bool:
        """Whether PyTorch's own zip reader (miniz) loads it: without regard to case and checksums."""
        return any(kind.name in {"torchscript", "torch-export", "torch-archive"} for kind in self._fitting)

    def format_of(self, name: str) -> str | None:
        """The format that some loader takes a member of this name for; `None` when its content decides."""
        lower = name.lower()
        for kind in self._fitting:
            for pattern, member_format in kind.members:
                if re.fullmatch(pattern, lower, re.DOTALL):
                    return member_format
        return None
