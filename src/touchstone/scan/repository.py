"""The files of one folder judged together: what one of them makes of another.

A graph says which of its neighbours are raw tensors; an index says which shards there must be; a configuration turns a
helper script into code that its loader runs; and some things only show beside each other: two names that people take
for one, a pickle under the name of a safe format, weights in two forms of which a loader may prefer the worse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

from touchstone.scan.external_paths import leads_out
from touchstone.scan.findings import SEVERITIES, FileResult, Finding, Gap, Nature, Reference, Rule, Severity, shown
from touchstone.scan.look_alikes import skeleton
from touchstone.text import Text


def _rule(name: str, severity: Severity, nature: Nature, title: Text, remedy: Text, *references: str) -> Rule:
    return Rule(f"repository/{name}", severity, nature, title, remedy, references)


DISGUISED_PICKLE: Final = _rule(
    "disguised-pickle",
    "high",
    "threat",
    Text(
        "Is a pickle under the name of a format that cannot run code",
        "以不能运行代码的格式命名，实为 pickle",
    ),
    Text("Do not load it; ask the author why it is called so.", "请勿加载；请向作者询问为何如此命名。"),
    "CVE-2025-1889",
    "CWE-646",
    "MITRE ATLAS AML.T0011.000",
)
DISGUISED_PROGRAM: Final = _rule(
    "disguised-program",
    "high",
    "threat",
    Text("Is a program under the name of a model or of data", "以模型或数据命名，实为程序"),
    Text("Do not open it.", "请勿打开。"),
    "CWE-646",
)
OTHER_FORMAT: Final = _rule(
    "other-format",
    "information",
    "information",
    Text("Is of another format than its name says", "实际格式与文件名所示不同"),
    Text("Rename it, so that loaders take it for what it is.", "请改名，使加载程序按其实际格式读取。"),
    "CWE-646",
)
LOADED_CODE: Final = _rule(
    "loaded-code",
    "medium",
    "unreviewed",
    Text(
        "Is Python code that a configuration beside it makes its loader run",
        "是旁边的配置使加载程序运行的 Python 代码",
    ),
    Text("Review it line by line before loading with trust_remote_code.", "以 trust_remote_code 加载前请逐行审查。"),
    "CWE-829",
    "MITRE ATLAS AML.T0011.000",
)
SAME_LOOK: Final = _rule(
    "same-look",
    "medium",
    "threat",
    Text("Has a name that people take for that of another file here", "文件名与此处另一文件看起来相同"),
    Text("Keep one of the two.", "请只保留其中之一。"),
    "CWE-1007",
    "CWE-178",
)
MISLEADING_NAME: Final = _rule(
    "misleading-name",
    "high",
    "threat",
    Text("Has a name with characters that hide what it ends in", "文件名含有掩盖真实扩展名的字符"),
    Text("Do not open it.", "请勿打开。"),
    "CWE-1007",
    "CWE-451",
)
PICKLE_BESIDE: Final = _rule(
    "pickle-beside-safetensors",
    "information",
    "information",
    Text(
        "The same weights lie here as safetensors, which cannot run code",
        "同样的权重在此另有 safetensors 形式，后者不能运行代码",
    ),
    Text(
        "Load with use_safetensors=True, and delete the pickle.", "请以 use_safetensors=True 加载，并删除 pickle 文件。"
    ),
    "CWE-502",
)
READS_BEYOND_END: Final = _rule(
    "reads-beyond-end",
    "high",
    "threat",
    Text("Makes its loader read beyond the end of another file", "会使加载程序读取到另一文件末尾之外"),
    Text("Obtain both files again from the same place.", "请从同一来源重新获取这两个文件。"),
    "CWE-125",
)
RULES: Final[tuple[Rule, ...]] = (
    DISGUISED_PICKLE,
    DISGUISED_PROGRAM,
    OTHER_FORMAT,
    LOADED_CODE,
    SAME_LOOK,
    MISLEADING_NAME,
    PICKLE_BESIDE,
    READS_BEYOND_END,
)

_MOST_IMPORTED: Final = 10_000
_MOST_ABSENT: Final = 500
_ZIPS: Final = frozenset({"zip", "torch-archive", "torchscript", "torch-export", "npz", "keras", "skops"})
_PICKLES: Final = frozenset({"pickle", "torch-pickle", "torch-archive", "torchscript", "joblib-zfile"})
_PROGRAMS: Final = frozenset({"python", "script", "elf", "pe", "mach-o", "wasm", "java-class"})
_TEXTS: Final = frozenset(
    {"text", "json", "json-lines", "yaml", "csv", "xml", "html", "toml", "model-card", "requirements", "chat-template"}
    | {"prototxt", "lfs-pointer", "notebook", "dockerfile", "source-code", "tensorflow-text", "lightgbm"}
    | {"keras-config", "keras-metadata", "skops-schema"}
)
_EXPECTED: Final[dict[str, frozenset[str]]] = {
    "safetensors": frozenset({"safetensors"}),
    "gguf": frozenset({"gguf"}),
    "onnx": frozenset({"onnx"}),
    "ort": frozenset({"ort"}),
    "tflite": frozenset({"tflite"}),
    "h5": frozenset({"hdf5"}),
    "hdf5": frozenset({"hdf5"}),
    "keras": frozenset({"zip", "keras", "hdf5"}),
    "npy": frozenset({"npy"}),
    "npz": _ZIPS,
    "json": _TEXTS,
    "yaml": _TEXTS,
    "yml": _TEXTS,
    "toml": _TEXTS,
    "txt": _TEXTS,
    "md": _TEXTS,
    "csv": _TEXTS,
    "tsv": _TEXTS,
    "xml": frozenset({"xml", "html", "openvino", "pmml"}),
    "jinja": _TEXTS,
    "png": frozenset({"png"}),
    "jpg": frozenset({"jpeg"}),
    "jpeg": frozenset({"jpeg"}),
    "gif": frozenset({"gif"}),
    "bmp": frozenset({"bmp"}),
    "webp": frozenset({"webp"}),
    "tif": frozenset({"tiff"}),
    "tiff": frozenset({"tiff"}),
    "wav": frozenset({"wav"}),
    "pdf": frozenset({"pdf"}),
    "parquet": frozenset({"parquet"}),
    "arrow": frozenset({"arrow"}),
    "spm": frozenset({"sentencepiece"}),
    "mlmodel": frozenset({"coreml"}),
}
"""What files with these endings are. Endings that may be anything (`.bin`, `.model`, `.pt`, `.data`) are not listed."""
_READ_BY_PEOPLE: Final = frozenset({"txt", "md"})
"""Source code under such a name is for reading; nothing runs it by that name."""
_SILENT: Final = frozenset({"unknown", "empty", "link", "lfs-pointer"})
"""Formats that say nothing about a lie: other gaps speak for them."""


def judge_repository(results: Iterable[FileResult]) -> list[FileResult]:
    """The results of all files of one folder, with what they mean to each other."""
    folder = _Folder({result.path: result for result in results})
    folder.follow_references()
    folder.raise_loaded_code()
    folder.compare_names()
    folder.compare_formats()
    return list(folder.files.values())


@dataclass(slots=True)
class _Folder:
    files: dict[str, FileResult]

    # ---- references

    def follow_references(self) -> None:
        """Free raw tensors of their gap; say which named parts are not here."""
        for file in list(self.files.values()):
            for reference in file.references:
                target = _resolved(reference)
                if target is None:
                    continue
                if target not in self.files:
                    self._note_absent(file.path, reference)
                elif reference.role == "tensors":
                    self._free(target)
                    self._compare_reach(file.path, reference, self.files[target].size)

    def _note_absent(self, path: str, reference: Reference) -> None:
        if reference.role not in {"tensors", "shard", "code"}:
            return
        name = shown(reference.path, 120)
        gap = Gap(reference.where, "absent", Text(f"needs {name}, which is not here", f"所需的 {name} 不在此处"))
        file = self.files[path]
        if gap not in file.gaps:
            self.files[path] = replace(file, gaps=(*file.gaps, gap))

    def _compare_reach(self, path: str, reference: Reference, size: int) -> None:
        if reference.reach > size:
            said = f"{shown(reference.path, 120)}: up to byte {reference.reach} of {size}"
            self._report(path, READS_BEYOND_END, said)

    def _free(self, path: str) -> None:
        """A file that a graph reads as plain numbers needs no reader of its own."""
        file = self.files[path]
        if file.format == "unknown":
            gaps = tuple(gap for gap in file.gaps if not (gap.code == "format" and gap.where == path))
            self.files[path] = replace(file, format="raw-tensors", gaps=gaps)

    # ---- code

    def raise_loaded_code(self) -> None:
        """Python that a loader runs weighs more than Python that merely lies here."""
        loaded: dict[str, str] = {}
        waiting = [
            (target, file.path)
            for file in self.files.values()
            for reference in file.references
            if reference.role == "code" and (target := _resolved(reference)) in self.files and target is not None
        ]
        while waiting and len(loaded) < _MOST_IMPORTED:
            path, by = waiting.pop()
            if path not in loaded:
                loaded[path] = by
                waiting.extend((imported, path) for imported in self._imported(path))
        for path, by in sorted(loaded.items()):
            file = self.files[path]
            findings = tuple(_raised(finding) for finding in file.findings)
            self.files[path] = replace(file, findings=findings)
            self._report(path, LOADED_CODE, f"by {by}")

    def _imported(self, path: str) -> Iterator[str]:
        """Files here that a Python file imports by a relative import."""
        for fact in self.files[path].facts:
            if fact.name == "imports" and fact.value.startswith("."):
                bare = fact.value.lstrip(".")
                base = PurePosixPath(path).parents[
                    min(len(fact.value) - len(bare), len(PurePosixPath(path).parents)) - 1
                ]
                module = base / bare.replace(".", "/")
                for candidate in (f"{module}.py", f"{module}/__init__.py"):
                    if candidate in self.files:
                        yield candidate

    # ---- names

    def compare_names(self) -> None:
        """Names that look alike, and names that hide how they end."""
        by_look: dict[str, list[str]] = {}
        for path in self.files:
            by_look.setdefault(skeleton(_unescaped(path)), []).append(path)
            if any(mark in path for mark in ("\\u202e", "\\u202d", "\\u2066", "\\u2067", "\\u200b")):
                self._report(path, MISLEADING_NAME, path)
        for paths in by_look.values():
            for path in paths[1:]:
                self._report(path, SAME_LOOK, f"{path} and {paths[0]}")

    # ---- formats

    def compare_formats(self) -> None:
        """Names that promise another format than the bytes have."""
        safe_weights = {_stem(path) for path, file in self.files.items() if file.format == "safetensors"}
        for path, file in list(self.files.items()):
            if file.format in _PICKLES and _stem(path) in safe_weights:
                self._report(path, PICKLE_BESIDE, path)
            ending = PurePosixPath(path).suffix.lower().removeprefix(".")
            expected = _EXPECTED.get(ending)
            if expected is None or file.format in expected or file.format in _SILENT:
                continue
            self._report(path, self._lie(file, ending), f".{ending} holds {file.format}")

    def _lie(self, file: FileResult, ending: str) -> Rule:
        if ending in _READ_BY_PEOPLE and file.format in {"python", "script"}:
            return OTHER_FORMAT
        if file.format in _PICKLES or (file.format in _ZIPS and file.runs_code):
            return DISGUISED_PICKLE
        return DISGUISED_PROGRAM if file.format in _PROGRAMS else OTHER_FORMAT

    def _report(self, path: str, rule: Rule, fact: str) -> None:
        finding = Finding(
            where=path,
            offset=-1,
            rule=rule.id,
            severity=rule.severity,
            nature=rule.nature,
            shown=shown(fact),
            what=rule.title,
        )
        file = self.files[path]
        self.files[path] = replace(file, findings=(*file.findings, finding))


def _absent(reference: Reference) -> Gap:
    name = shown(reference.path, 120)
    return Gap(reference.where, "absent", Text(f"needs {name}, which is not here", f"所需的 {name} 不在此处"))


def _resolved(reference: Reference) -> str | None:
    """The path below the scanned folder that a file on disk refers to; members of archives refer within those."""
    if "!" in reference.where or not reference.path or leads_out(reference.path):
        return None
    parts = [part for part in PurePosixPath(reference.path.replace("\\", "/")).parts if part != "."]
    return str(PurePosixPath(reference.where).parent.joinpath(*parts))


def _raised(finding: Finding) -> Finding:
    """A finding one level worse, unless it is mere information."""
    if finding.nature == "information":
        return finding
    return replace(finding, severity=SEVERITIES[max(SEVERITIES.index(finding.severity) - 1, 0)])


def _stem(path: str) -> str:
    """Folder and name without ending; the two names under which Transformers keeps the same weights count as one."""
    stem = str(PurePosixPath(path).with_suffix(""))
    name = PurePosixPath(stem).name
    for start in ("pytorch_model", "adapter_model", "diffusion_pytorch_model", "model"):
        if name.startswith(start):
            return f"{PurePosixPath(stem).parent}/model{name.removeprefix(start)}"
    return stem


def _unescaped(path: str) -> str:
    """A path as it is, not as it is shown."""
    return path.encode("ascii", "backslashreplace").decode("unicode_escape")
