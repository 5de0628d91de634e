"""What the files handed to `init` say about a system: the beginning of a description, for a person to check.

    values = guess([Path("model.onnx"), Path("test.csv")], Path("."))

Nothing is executed. What no file says stays unknown, and becomes a placeholder in the draft.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from touchstone.documents import FieldPath
from touchstone.errors import UserError
from touchstone.system.drafting import UNKNOWN, Known, Values
from touchstone.system.inspection import (
    class_folders,
    features_and_target,
    file_format,
    read_arrays,
    read_onnx,
    read_table,
)
from touchstone.system.models.onnx_structure import OnnxStructure
from touchstone.text import Text

MOST_COLUMNS = 4096
"""Columns of a nameless table that are given names of our making."""

_MODEL_FORMATS = {".onnx": "onnx", ".safetensors": "safetensors", ".pt2": "torch-export", ".skops": "skops"}
_DATA_FORMATS = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".npz": "npz", ".jsonl": "jsonl"}


def guess(files: Sequence[Path], folder: Path) -> Values:
    """What `files` tell about a system whose description will lie in `folder`.

    Raises `UserError` for a file that is outside the folder, is of no known kind, or is a pickle.
    """
    values: Values = {}
    for file in files:
        path = _inside(file, folder)
        if file.is_dir():
            _take_images(values, file, path)
            continue
        found = file_format(file)
        suffix = file.suffix.lower()
        if found == "pickle":
            raise _no_reader(found, path)
        if suffix in _MODEL_FORMATS:
            values[("model", "format")] = Known(_MODEL_FORMATS[suffix])
            values[("model", "file")] = Known(path)
            values[("model", "access")] = Known("artefact", guessed=True)
            if suffix == ".onnx":
                _take_onnx(values, read_onnx(file))
        elif suffix in _DATA_FORMATS:
            _take_data(values, file, path, _DATA_FORMATS[suffix])
        else:
            raise _no_reader(found, path)
    return values


def _inside(file: Path, folder: Path) -> str:
    try:
        return file.resolve().relative_to(folder.resolve()).as_posix()
    except ValueError:
        raise UserError(
            Text("is not in the system's folder", "不在系统目录之内"),
            str(file),
            Text(f"put it into {folder} first", f"请先把它放进 {folder}"),
        ) from None


def _no_reader(found: str, path: str) -> UserError:
    if found == "pickle" or path.endswith((".pkl", ".joblib", ".pt", ".pth")):
        return UserError(
            Text("may be a pickle, which runs code when it is opened", "可能是 pickle，打开即会执行代码"),
            path,
            Text(
                "export the model as ONNX, safetensors, torch.export or skops",
                "请导出为 ONNX、safetensors、torch.export 或 skops",
            ),
        )
    known = ", ".join([*_MODEL_FORMATS, *_DATA_FORMATS])
    return UserError(
        Text(f"is of no known kind ({found})", f"类型未知（{found}）"),
        path,
        Text(f"known: {known}, and folders of images", f"可用：{known}，以及图像目录"),
    )


def _role(path: str) -> str:
    """Which data a file holds, by the words in its name."""
    name = path.lower()
    if "train" in name or "训练" in name:
        return "train"
    return "reference" if "ref" in name or "参考" in name else "test"


def _take_onnx(values: Values, structure: OnnxStructure | None) -> None:
    """What the graph of an ONNX file says of its inputs and outputs."""
    if structure is None:
        return
    if structure.external_data:
        values[("model", "more_files")] = Known(list(structure.external_data))
    if len(structure.inputs) > 1:
        values[("model", "input", "tensor")] = UNKNOWN
    scores = [output for output in structure.outputs if output.element_type.startswith("float")]
    if len(structure.outputs) > 1:
        values[("model", "output", "tensor")] = Known(scores[-1].name, guessed=True) if scores else UNKNOWN
    shape = structure.inputs[0].shape if structure.inputs else None
    sample = [size for size in (shape or ())[1:] if size is not None]
    if shape is not None and len(sample) == len(shape) - 1 and len(sample) > 1:
        _take_shape(values, sample)


def _take_shape(values: Values, sample: list[int]) -> None:
    """Inputs of two or more axes are images (three axes) or time series."""
    values[("model", "input", "kind")] = Known("image" if len(sample) == 3 else "timeseries", guessed=True)
    values[("model", "input", "shape")] = Known(sample, guessed=True)
    if len(sample) == 3 and sample[0] not in {1, 3, 4} and sample[2] in {1, 3, 4}:
        values[("model", "input", "layout")] = Known("HWC", guessed=True)


def _take_data(values: Values, file: Path, path: str, form: str) -> None:
    at = ("data", _role(path))
    values[(*at, "path")] = Known(path)
    values[(*at, "format")] = Known(form)
    values[(*at, "target")] = UNKNOWN
    if form == "csv":
        _take_table(values, file, at)
    elif form == "npz":
        _take_arrays(values, file, at)
    elif form == "jsonl":
        values[("model", "input", "kind")] = Known("text")
        values[(*at, "features")] = UNKNOWN


def _take_table(values: Values, file: Path, at: FieldPath) -> None:
    table = read_table(file)
    if table is None:
        return
    values[(*at, "target")] = Known(table.target, guessed=True)
    if table.identifier is not None:
        values[(*at, "identifier")] = Known(table.identifier, guessed=True)
    if table.sensitive:
        values[(*at, "sensitive")] = Known(list(table.sensitive), guessed=True)
    values[("model", "input", "kind")] = Known("tabular")
    values[("model", "input", "columns")] = Known(list(table.features), guessed=True)
    if table.classes:
        values[("model", "output", "labels")] = Known(list(table.classes), guessed=True)


def _take_arrays(values: Values, file: Path, at: FieldPath) -> None:
    values[(*at, "features")] = UNKNOWN
    features, target = features_and_target(read_arrays(file))
    if target is not None:
        values[(*at, "target")] = Known(target.name, guessed=True)
    if features is None:
        return
    values[(*at, "features")] = Known(features.name, guessed=True)
    sample = list(features.shape[1:])
    if len(sample) == 1:
        values[("model", "input", "kind")] = Known("tabular", guessed=True)
        names = [f"x{number}" for number in range(sample[0])] if sample[0] <= MOST_COLUMNS else None
        values[("model", "input", "columns")] = UNKNOWN if names is None else Known(names, guessed=True)
        return
    _take_shape(values, sample)


def _take_images(values: Values, folder: Path, path: str) -> None:
    at = ("data", _role(path))
    values[(*at, "path")] = Known(path)
    values[(*at, "format")] = Known("image-folder")
    values[("model", "input", "kind")] = Known("image")
    classes = class_folders(folder)
    if len(classes) >= 2:
        values[("model", "output", "labels")] = Known(classes, guessed=True)
