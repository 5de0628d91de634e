"""Does any model file run code when it is loaded?

Threat: a serialised model is a program for its loader. A pickle calls whatever it names; archives, YAML and operator
libraries bring their own ways in (MITRE ATLAS AML.T0011.000, CWE-502).

Measured: the number of constructs in the model's files that run code, or may, each shown as the call it would make;
and the number of files the screen did not understand to the last byte. Nothing is executed: pickles are followed on
symbols against a list of reviewed names, and what is not on that list is reported.

Cannot tell: whether a file that loads safely behaves well. Backdoors in weights need other checks.

Source: OWASP AISVS C6.1; the pickle machine is that of CPython's `Lib/pickletools.py`.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.errors import UnavailableError
from touchstone.records import ControlRun, Metric, Note
from touchstone.system.artifacts.constructs import Construct, FileScreen, shown
from touchstone.system.artifacts.screen import external_tensors, screen_file
from touchstone.system.subject import FileRecord, Subject
from touchstone.text import Text

MOST_NOTES = 100
"""Remarks written out; the exhibit lists everything."""

# Both call something harmless, and are followed on symbols all the same.
_PLANTED = {
    "os.system": b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0cecho planted\x85R.",
    "timeit.timeit": b"\x80\x04\x8c\x06timeit\x8c\x06timeit\x93\x8c\x04pass\x85R.",
}
_SAFETENSORS_HEADER = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
_NPY_HEADER = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }".ljust(69) + b"\n"
_HARMLESS = {
    "safetensors": len(_SAFETENSORS_HEADER).to_bytes(8, "little") + _SAFETENSORS_HEADER + bytes(4),
    "npy": b"\x93NUMPY\x01\x00" + len(_NPY_HEADER).to_bytes(2, "little") + _NPY_HEADER + bytes(4),
    "pickle": b"\x80\x04}\x8c\x01w]K\x01as.",
}


@check(
    id="model.format_scan",
    version="1",
    title=Text("Code in model files", "模型文件中的可执行代码"),
    measures=Text(
        "Counts the constructs in the model's files that run code when a loader opens them, and shows each one as the"
        " call it would make. Also counts the files that could not be understood completely.",
        "统计模型文件中会在加载时运行代码的构造，并逐一还原其调用；同时统计未能完全解析的文件数。",
    ),
    cannot_tell=Text(
        "A file without such constructs loads safely; whether the model in it behaves well is a question for the other"
        " checks.",
        "没有此类构造只说明文件可以安全加载；模型行为是否良好须由其他测试判断。",
    ),
    remedy=Text(
        "Export the model to a format that holds only tensors and a graph (ONNX, safetensors), find out how the"
        " construct got into the file, and treat its origin as compromised until then.",
        "将模型导出为只含张量与计算图的格式（ONNX、safetensors），查明该构造的来源，在此之前视来源为不可信。",
    ),
    threats=("AML.T0011.000", "AML.T0018.002", "CWE-502"),
    source="OWASP AISVS C6.1; CPython Lib/pickletools.py; PKWARE APPNOTE 6.3.10",
    needs=Needs(),
    metrics=(
        MetricDeclaration(
            "executable_constructs", "count", "lower", Text("Constructs that run code", "会运行代码的构造")
        ),
        MetricDeclaration(
            "files_not_understood", "count", "lower", Text("Files not completely understood", "未能完全解析的文件")
        ),
        MetricDeclaration(
            "unsafe_format_files",
            "count",
            "lower",
            Text("Files in a format that can run code", "采用可运行代码之格式的文件"),
        ),
    ),
)
def format_scan(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Screen every file of the model."""
    records = _model_files(subject)
    screens = _screen_all(subject, records, run)
    return Measurement(
        metrics=(
            _count("executable_constructs", sum(len(screen.constructs) for screen in screens), len(screens)),
            _count("files_not_understood", sum(not screen.understood for screen in screens), len(screens)),
            _count("unsafe_format_files", sum(screen.unsafe_format for screen in screens), len(screens)),
        ),
        controls=(_planted_control(), _null_control()),
        exhibits=(run.exhibit("findings.json", "application/json", _findings(records, screens)),),
        warnings=_notes(screens),
    )


def _model_files(subject: Subject) -> list[FileRecord]:
    model = subject.description.model
    paths = ([] if model.file is None else [model.file]) + model.more_files
    if not paths:
        raise UnavailableError(
            Text("no model file was handed in", "未提交模型文件"),
            "model.file",
            Text("hand in the artefact, or leave this control untested", "请提交模型文件，否则该控制项记为未测试"),
        )
    unique = {record.path: record for record in map(subject.record, paths)}
    return [unique[path] for path in sorted(unique)]


def _screen_all(subject: Subject, records: list[FileRecord], run: Run) -> list[FileScreen]:
    contents = {record.path: subject.read(record.path) for record in records}
    reads = {path: {_beside(path, place) for place in external_tensors(content)} for path, content in contents.items()}
    tensors = set[str]().union(*reads.values())
    screens = []
    for index, (path, content) in enumerate(contents.items()):
        screen = screen_file(content, path, raw_tensors=path in tensors)
        screens.append(_with_missing(screen, sorted(reads[path] - contents.keys())))
        run.progress((index + 1) / len(contents))
    return screens


def _with_missing(screen: FileScreen, missing: list[str]) -> FileScreen:
    """A file is not understood while files it reads its tensors from were not handed in."""
    reasons = tuple(
        Text(
            f"{screen.where}: reads tensors from {shown(place)}, which was not handed in",
            f"{screen.where}：从未提交的文件 {shown(place)} 读取张量",
        )
        for place in missing
    )
    return replace(screen, not_understood=screen.not_understood + reasons)


def _beside(path: str, place: str) -> str:
    """Path of a file that the file at `path` refers to from its own folder."""
    folder = path.rpartition("/")[0]
    return f"{folder}/{place}" if folder else place


def _count(metric: str, value: int, files: int) -> Metric:
    return Metric(id=metric, unit="count", value=Decimal(value), n=files, better="lower")


def _planted_control() -> ControlRun:
    found = [
        call
        for call, content in _PLANTED.items()
        if any(call in c.shown for c in screen_file(content, call).constructs)
    ]
    return ControlRun(
        kind="planted",
        expected=Text(
            f"{' and '.join(_PLANTED)} are found in planted pickles", f"在植入的 pickle 中发现 {' 与 '.join(_PLANTED)}"
        ),
        seen=Text(f"found: {', '.join(found) or 'none'}", f"发现：{', '.join(found) or '无'}"),
        passed=len(found) == len(_PLANTED),
    )


def _null_control() -> ControlRun:
    alarmed = [name for name, content in _HARMLESS.items() if not screen_file(content, name).clean]
    return ControlRun(
        kind="null",
        expected=Text(
            f"nothing is found in a harmless {', '.join(_HARMLESS)}", f"在无害的 {'、'.join(_HARMLESS)} 中无发现"
        ),
        seen=Text(f"alarms: {', '.join(alarmed) or 'none'}", f"告警：{', '.join(alarmed) or '无'}"),
        passed=not alarmed,
    )


def _notes(screens: list[FileScreen]) -> tuple[Note, ...]:
    notes = [_construct_note(construct) for screen in screens for construct in screen.constructs]
    notes += [
        Note(
            code="file-not-understood",
            text=Text(f"Not completely understood: {reason.en}", f"未能完全解析：{reason.zh}"),
        )
        for screen in screens
        for reason in screen.not_understood
    ]
    if len(notes) <= MOST_NOTES:
        return tuple(notes)
    left = len(notes) - MOST_NOTES
    more = Text(f"{left} more are listed in findings.json", f"其余 {left} 项见 findings.json")
    return (*notes[:MOST_NOTES], Note(code="more", text=more))


def _construct_note(construct: Construct) -> Note:
    at = (
        Text("", "")
        if construct.offset is None
        else Text(f", byte {construct.offset}", f"，第 {construct.offset} 字节")
    )
    return Note(
        code=construct.kind,
        text=Text(
            f"{construct.where}{at.en}: {construct.shown}: {construct.what.en}",
            f"{construct.where}{at.zh}：{construct.shown}：{construct.what.zh}",
        ),
    )


def _findings(records: list[FileRecord], screens: list[FileScreen]) -> bytes:
    return canonical_json(
        {
            "schema": "touchstone.format-scan/v1",
            "files": [_file_finding(record, screen) for record, screen in zip(records, screens, strict=True)],
        }
    )


def _file_finding(record: FileRecord, screen: FileScreen) -> dict[str, Any]:
    return {
        "path": record.path,
        "digest": record.digest,
        "size": record.size,
        "format": screen.format,
        "unsafe_format": screen.unsafe_format,
        "not_understood": [_text(reason) for reason in screen.not_understood],
        "constructs": [
            {
                "kind": construct.kind,
                "severity": construct.severity,
                "where": construct.where,
                "offset": construct.offset,
                "shown": construct.shown,
                "what": _text(construct.what),
            }
            for construct in screen.constructs
        ],
    }


def _text(text: Text) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh}
