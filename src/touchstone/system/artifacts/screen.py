"""The unsafe-code screen: everything in one file that runs code when the file is loaded, found without running it.

    >>> screen_file(b"cos\\nsystem\\n(S'id'\\ntR.", "model.pkl").constructs[0].shown
    "os.system('id')"

The screen knows which formats it understands completely. Anything else (an unread format, a broken stream, a limit
that was reached) is reported as not understood: it is never called clean.
"""

from __future__ import annotations

import bz2
import lzma
import mmap
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from touchstone.errors import ArtifactError
from touchstone.system.artifacts.archives import Member, has_zip_directory, read_zip
from touchstone.system.artifacts.constructs import Construct, FileScreen, shown
from touchstone.system.artifacts.documents_in_models import keras_lambda, screen_json, screen_yaml
from touchstone.system.artifacts.exported_programs import screen_exported_program
from touchstone.system.artifacts.onnx_structure import read_onnx_structure
from touchstone.system.artifacts.pickle_machine import interpret
from touchstone.system.artifacts.pickles import screen_pickle
from touchstone.system.artifacts.skops_schema import screen_skops
from touchstone.system.artifacts.sniff import HEAD, sniff
from touchstone.system.artifacts.tensor_files import read_npy, safetensors_problem
from touchstone.text import Text

DEEPEST = 4
"""Archives within archives."""
LARGEST_UNPACKED = 2**28
"""Bytes a compressed file may unpack to."""
MOST_CONSTRUCTS = 2000
"""Constructs listed for one file."""

DATA_FORMATS = frozenset(
    {"empty", "csv", "text", "json", "yaml", "png", "jpeg", "gif", "bmp", "tiff", "webp", "parquet", "arrow"}
)
"""Formats that no reader of data executes. They are understood as such; JSON, YAML and text are looked at for keys
and tags that loaders of models obey."""
PROGRAMS = frozenset({"python", "script", "elf", "pe", "mach-o", "wasm"})

_ONNX_DOMAINS = frozenset(
    {"ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview", "ai.onnx.preview.training", "com.microsoft"}
)
"""Operator sets that ONNX Runtime itself implements; any other needs a library beside the file."""
_PYTHON_OPERATORS = frozenset({"PyOp", "PyCustomOp", "PythonOp", "ATen"})
_TORCH_STORAGE = re.compile(r"(?:[^/]+/)?(?:data/\d+|data/weights/[\w.]+|data/constants/[\w.]+)")
_KERAS_LAMBDA = re.compile(rb'"class_name"\s*:\s*"Lambda"')


def screen_file(content: bytes | Path, where: str, *, raw_tensors: bool = False) -> FileScreen:
    """Screen one file, given as its bytes or as a path that is mapped into memory. Never raises on hostile bytes.

    `where` is the name shown in findings. `raw_tensors` says that another file of the model reads this one as plain
    tensor values, so that an unknown format is understood. Raises `OSError` when a path cannot be read.
    """
    if isinstance(content, bytes):
        return _screen(memoryview(content), where, raw_tensors=raw_tensors)
    with _mapped(content) as data:
        return _screen(data, where, raw_tensors=raw_tensors)


@contextmanager
def _mapped(path: Path) -> Iterator[memoryview]:
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            yield memoryview(b"")
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as data:
            yield data


def external_tensors(content: bytes) -> tuple[str, ...]:
    """Places outside an ONNX file from which its tensors are read; none for any other file."""
    if sniff(content[:HEAD]) != "onnx":
        return ()
    try:
        return read_onnx_structure(content, "").external_data
    except ArtifactError:
        return ()


@dataclass(slots=True)
class _Notes:
    """What one screening collects while it descends."""

    constructs: list[Construct] = field(default_factory=list)
    problems: dict[str, Text] = field(default_factory=dict)
    unsafe_format: bool = False

    def problem(self, where: str, problem: Text) -> None:
        if len(self.problems) < MOST_CONSTRUCTS:
            self.problems.setdefault(f"{where}: {problem.en}", Text(f"{where}: {problem.en}", f"{where}：{problem.zh}"))

    def take(self, where: str, found: tuple[list[Construct], list[Text]]) -> None:
        constructs, problems = found
        self.constructs.extend(constructs[: MOST_CONSTRUCTS - len(self.constructs)])
        for problem in problems:
            self.problem(where, problem)


def _screen(data: memoryview, where: str, *, raw_tensors: bool) -> FileScreen:
    notes = _Notes()
    kind = _descend(data, where, notes, 0, raw_tensors=raw_tensors)
    return FileScreen(
        where=where,
        format=kind,
        constructs=tuple(dict.fromkeys(notes.constructs)),
        not_understood=tuple(notes.problems.values()),
        unsafe_format=notes.unsafe_format,
    )


def _descend(data: memoryview, where: str, notes: _Notes, depth: int, *, raw_tensors: bool = False) -> str:
    """Screen one file or member and everything inside it; answer its format."""
    kind = sniff(bytes(data[:HEAD]))
    if depth > DEEPEST:
        notes.problem(where, Text("archives are nested too deeply", "归档嵌套过深"))
        return kind
    if kind != "pickle" or raw_tensors:
        _screen_second_meanings(data, kind, where, notes)
    if raw_tensors and kind not in PROGRAMS - {"python", "script"}:
        return "tensor-bytes"
    if kind == "zip":
        return _screen_zip(data, where, notes, depth)
    if kind in PROGRAMS:
        _screen_program(data, kind, where, notes)
    elif kind in _UNPACKERS:
        _screen_packed(data, kind, where, notes, depth)
    elif kind in _READERS:
        _READERS[kind](data, where, notes)
    elif kind not in DATA_FORMATS:
        notes.problem(where, Text(f"format {kind} is not read by this screen", f"本筛查不解析 {kind} 格式"))
    return kind


def _screen_second_meanings(data: memoryview, kind: str, where: str, notes: _Notes) -> None:
    """The same bytes as another loader would read them."""
    as_pickle = interpret(data, where)
    if as_pickle.calls and as_pickle.constructs:
        notes.unsafe_format = True
        notes.take(where, (list(as_pickle.constructs), []))
    if kind != "zip" and has_zip_directory(data):
        notes.constructs.append(
            Construct(
                "archive-trick",
                "critical",
                where,
                len(data),
                f"{kind} + zip",
                Text("is also a zip archive when read from its end", "从末尾读取时又是一个 zip 归档"),
            )
        )


def _screen_program(data: memoryview, kind: str, where: str, notes: _Notes) -> None:
    notes.unsafe_format = True
    first_line = bytes(data[:200]).split(b"\n", 1)[0].decode("latin-1")
    notes.constructs.append(
        Construct(
            "code-execution",
            "high",
            where,
            0,
            f"{kind}: {shown(first_line, 80)}" if kind in {"python", "script"} else kind,
            Text("is a program handed in as part of a model", "作为模型组成部分提交的程序"),
        )
    )


# ---- formats with a reader of their own


def _screen_pickle_file(data: memoryview, where: str, notes: _Notes) -> None:
    notes.unsafe_format = True
    notes.take(where, screen_pickle(data, where))


def _screen_npy(data: memoryview, where: str, notes: _Notes) -> None:
    reading = read_npy(data)
    if reading.problem is not None:
        notes.problem(where, reading.problem)
    if reading.pickled_at is not None:
        notes.unsafe_format = True
        notes.take(where, screen_pickle(data[reading.pickled_at :], where))


def _screen_safetensors(data: memoryview, where: str, notes: _Notes) -> None:
    problem = safetensors_problem(data)
    if problem is not None:
        notes.problem(where, problem)


def _screen_onnx(data: memoryview, where: str, notes: _Notes) -> None:
    try:
        structure = read_onnx_structure(bytes(data), where)
    except ArtifactError as error:
        notes.problem(where, error.what)
        return
    own = set(structure.functions)
    for domain, operator in structure.operators:
        if (domain, operator) in own or (domain in _ONNX_DOMAINS and operator not in _PYTHON_OPERATORS):
            continue
        notes.constructs.append(
            Construct(
                "custom-code",
                "high",
                where,
                None,
                shown(f"{domain}::{operator}"),
                Text(
                    "needs an operator library that is not part of ONNX Runtime",
                    "需要 ONNX Runtime 以外的算子库",
                ),
            )
        )
    for place in structure.external_data:
        if _leads_out(place):
            notes.constructs.append(
                Construct(
                    "archive-trick",
                    "critical",
                    where,
                    None,
                    shown(place),
                    Text("reads tensors from outside the model's folder", "从模型目录之外读取张量"),
                )
            )


def _leads_out(place: str) -> bool:
    return place.startswith("/") or "\\" in place or ":" in place or "\x00" in place or ".." in place.split("/")


def _screen_json_file(data: memoryview, where: str, notes: _Notes) -> None:
    notes.take(where, screen_json(data, where))


def _screen_yaml_file(data: memoryview, where: str, notes: _Notes) -> None:
    notes.take(where, screen_yaml(data, where, certainly_yaml=True))


def _screen_text_file(data: memoryview, where: str, notes: _Notes) -> None:
    notes.take(where, screen_yaml(data, where, certainly_yaml=False))


def _screen_hdf5(data: memoryview, where: str, notes: _Notes) -> None:
    notes.unsafe_format = True
    if _KERAS_LAMBDA.search(data):
        notes.constructs.append(keras_lambda(where))
    notes.problem(where, Text("format hdf5 is not read by this screen", "本筛查不解析 hdf5 格式"))


_READERS: dict[str, Callable[[memoryview, str, _Notes], None]] = {
    "pickle": _screen_pickle_file,
    "npy": _screen_npy,
    "safetensors": _screen_safetensors,
    "onnx": _screen_onnx,
    "json": _screen_json_file,
    "yaml": _screen_yaml_file,
    "text": _screen_text_file,
    "csv": _screen_text_file,
    "hdf5": _screen_hdf5,
}


# ---- compressed files and archives


def _inflate_zlib(data: memoryview, most: int, window: int) -> tuple[bytes, int, bool]:
    inflater = zlib.decompressobj(window)
    unpacked = inflater.decompress(data, most)
    return unpacked, len(inflater.unused_data), inflater.eof


def _inflate_bz2(data: memoryview, most: int) -> tuple[bytes, int, bool]:
    inflater = bz2.BZ2Decompressor()
    unpacked = inflater.decompress(data, most)
    return unpacked, len(inflater.unused_data), inflater.eof


def _inflate_lzma(data: memoryview, most: int) -> tuple[bytes, int, bool]:
    inflater = lzma.LZMADecompressor(lzma.FORMAT_AUTO, memlimit=LARGEST_UNPACKED)
    unpacked = inflater.decompress(data, most)
    return unpacked, len(inflater.unused_data), inflater.eof


_UNPACKERS: dict[str, Callable[[memoryview, int], tuple[bytes, int, bool]]] = {
    "gzip": lambda data, most: _inflate_zlib(data, most, 31),
    "zlib": lambda data, most: _inflate_zlib(data, most, 15),
    "bzip2": _inflate_bz2,
    "xz": _inflate_lzma,
    "lzma": _inflate_lzma,
}


def _screen_packed(data: memoryview, kind: str, where: str, notes: _Notes, depth: int) -> None:
    """A file that is one compressed stream, as joblib writes them."""
    try:
        unpacked, left, complete = _UNPACKERS[kind](data, LARGEST_UNPACKED)
    except (zlib.error, OSError, EOFError, lzma.LZMAError):
        notes.problem(where, Text(f"is damaged {kind} data", f"{kind} 数据损坏"))
        return
    if not complete:
        notes.problem(where, Text("is cut off or unpacks to too much", "数据不完整，或解包后过大"))
    if left:
        notes.problem(where, Text(f"{left} bytes follow the compressed stream", f"压缩流之后还有 {left} 字节"))
    _descend(memoryview(unpacked), f"{where}!{kind}", notes, depth + 1)


def _screen_zip(data: memoryview, where: str, notes: _Notes, depth: int) -> str:
    archive = read_zip(data, where)
    notes.take(where, (archive.constructs, archive.problems))
    kind = _kind_of_archive({member.name for member in archive.members})
    for member in archive.members:
        inside = f"{where}!{shown(member.name, 120)}"
        if member.name.endswith("/") and not member.data:
            continue
        if kind == "skops" and member.name == "schema.json":
            notes.take(inside, screen_skops(member.data, inside))
        elif kind == "torch-archive" and member.name.endswith("/data.pkl"):
            notes.unsafe_format = True
            notes.take(inside, screen_pickle(member.data, inside, persistent=True))
        elif kind == "torch-export" and _is_program(member):
            notes.take(inside, screen_exported_program(member.data, inside))
        else:
            storage = kind.startswith("torch-") and _TORCH_STORAGE.fullmatch(member.name) is not None
            _descend(member.data, inside, notes, depth + 1, raw_tensors=storage)
    if kind == "keras":
        notes.unsafe_format = True
        notes.problem(where, Text("Keras archives are not read by this screen", "本筛查不解析 Keras 归档"))
    if kind == "torchscript":
        notes.unsafe_format = True
        notes.problem(where, Text("TorchScript code is not read by this screen", "本筛查不解析 TorchScript 代码"))
    return kind


def _is_program(member: Member) -> bool:
    name = member.name.rsplit("/", 1)[-1]
    return name == "serialized_exported_program.json" or (
        "models/" in member.name and name.endswith(".json") and sniff(bytes(member.data[:HEAD])) == "json"
    )


def _kind_of_archive(names: set[str]) -> str:
    """What the members together make the archive, the most dangerous reading first."""
    ends = {name.rsplit("/", 1)[-1] for name in names}
    marks = (
        ("torchscript", any("/code/" in f"/{name}" for name in names) and "data.pkl" in ends),
        ("torch-export", "archive_format" in ends or "serialized_exported_program.json" in ends),
        ("torch-archive", "data.pkl" in ends),
        ("keras", {"config.json", "metadata.json"} <= ends),
        ("skops", "schema.json" in names),
        ("npz", bool(names) and all(name.endswith(".npy") for name in names)),
    )
    return next((kind for kind, fits in marks if fits), "zip")
