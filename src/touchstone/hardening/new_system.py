"""The folder of the new system: the new model file, everything else as it was, and a description that says so."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from touchstone.errors import UserError
from touchstone.hardening.instructions import Instructions
from touchstone.system.loading import FILE_NAME
from touchstone.system.subject import Subject, open_system
from touchstone.text import Text

HEADER = """\
# Made by `touchstone harden` from another system; model.derived says which and how.
# Claims and signature of that system's model are not taken over: this is another model.
# Check supplier, facts and documents before it goes into service.
"""


def require_empty(folder: Path) -> None:
    """Make the folder. Raises `UserError` when there is something in it or it cannot be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        empty = not any(folder.iterdir())
    except OSError as error:
        detail = error.strerror or ""
        raise UserError(Text(f"cannot be made: {detail}", f"无法创建：{detail}"), str(folder)) from None
    if not empty:
        raise UserError(
            Text("holds something already", "目录非空"),
            str(folder),
            Text("choose another folder with --output", "请用 --output 指定其他目录"),
        )


def write_system(
    subject: Subject, folder: Path, wanted: Instructions, model: tuple[str, bytes] | None, sigma: float
) -> Subject:
    """Write the new system and open it as anyone would. `model` is the new file's suffix and content, if it is new."""
    description = subject.description.model_dump(mode="json", by_alias=True, exclude_unset=True)
    declared = description["model"]
    old = subject.description.model
    dropped = {path for path in (old.signature, old.signer, old.provenance) if path is not None}
    for field in ("signature", "signer", "provenance", "claims"):
        declared.pop(field, None)
    if model is not None and old.file is not None:
        dropped.add(old.file)
        taken = {record.path for record in subject.files} - dropped
        declared["file"] = _free_name(PurePosixPath(old.file), model[0], taken)
    for record in subject.files:
        if record.path not in dropped:
            _copy(subject, record.path, folder)
    if model is not None:
        target = folder / declared["file"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(model[1])
    if wanted.recipe == "smoothing":
        declared["smoothing"] = {"sigma": sigma, "samples": wanted.votes, "seed": wanted.seed}
    declared["derived"] = {
        "system": subject.digest,
        "recipe": str(wanted.recipe),
        "seed": wanted.seed,
        "parameters": wanted.parameters(),
    }
    identity = description["system"]
    identity["version"] = f"{identity['version']}+{wanted.recipe}"
    (folder / FILE_NAME).write_text(HEADER + _written(description), encoding="utf-8")
    return open_system(folder)


def _free_name(old: PurePosixPath, suffix: str, taken: set[str]) -> str:
    """`hardened.onnx` beside the old file's place, or the first such name that no other file has."""
    names = (str(old.with_name(f"hardened{number}{suffix}")) for number in ("", *range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def _copy(subject: Subject, path: str, folder: Path) -> None:
    """One verified file, in the same place; its content is hashed again when the new system is opened."""
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(subject.locate(path), target)


def _written(description: dict[str, Any]) -> str:
    return str(yaml.safe_dump(description, allow_unicode=True, sort_keys=False, width=100))
