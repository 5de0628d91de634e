"""Does any model file run code when it is loaded?

Threat: a serialised model is a program for its loader. A pickle calls whatever it names; archives, graphs, YAML and
operator libraries bring their own ways in (MITRE ATLAS AML.T0011.000, CWE-502).

Measured: how many things in the model's files run code when they are loaded, may do so, or mean different things to
different loaders, each shown as the call it would make; and how many files were not understood to the last byte. The
scanner (`touchstone.scan`) executes nothing: pickles are followed on symbols against lists of reviewed names, and what
is on no list is reported.

Cannot tell: whether a file that loads safely behaves well. Backdoors in weights need other checks.

Source: OWASP AISVS C6.1; the specification of each format, as its reader names it.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.model_integrity.model_files import model_files, scanned
from touchstone.records import ControlRun, Metric, Note
from touchstone.scan import symbols
from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult, Finding, Gap
from touchstone.scan.plain import plain
from touchstone.scan.repository import judge_repository
from touchstone.scan.rules import all_rules
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
    version="2",
    title=Text("Code in model files", "模型文件中的可执行代码"),
    measures=Text(
        "Counts what in the model's files runs code when a loader opens them, may do so, or means different things to"
        " different loaders, and shows each as the call it would make. Also counts the files that could not be"
        " understood completely.",
        "统计模型文件中会在加载时运行代码、可能运行代码或在不同加载程序中含义不同的构造，并逐一还原其调用；"
        "同时统计未能完全解析的文件数。",
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
    source="OWASP AISVS C6.1; specifications of the formats, as each finding names them",
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
    """Scan every file of the model, and what the files make of each other."""
    records = model_files(subject)
    files = _scan_all(subject, records, run)
    counted = [finding for file in files for finding in _counted(file)]
    return Measurement(
        metrics=(
            _count("executable_constructs", len(counted), len(files)),
            _count("files_not_understood", sum(bool(file.gaps) for file in files), len(files)),
            _count("unsafe_format_files", sum(file.runs_code for file in files), len(files)),
        ),
        controls=(_planted_control(), _null_control()),
        exhibits=(run.exhibit("findings.json", "application/json", _findings(files)),),
        warnings=_notes(files),
    )


def _scan_all(subject: Subject, records: list[FileRecord], run: Run) -> list[FileResult]:
    files: list[FileResult] = []
    for file in scanned(subject, records):
        files.append(file)
        run.progress(len(files) / len(records))
    return judge_repository(files)


def _counted(file: FileResult) -> list[Finding]:
    """Everything but what is merely worth knowing."""
    return [finding for finding in file.findings if finding.nature != "information"]


def _count(metric: str, value: int, files: int) -> Metric:
    return Metric(id=metric, unit="count", value=Decimal(value), n=files, better="lower")


def _planted_control() -> ControlRun:
    found = [
        call
        for call, content in _PLANTED.items()
        if any(call in finding.shown for finding in scan_bytes(content, call).findings)
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
    alarmed = [name for name, content in _HARMLESS.items() if scan_bytes(content, name).verdict != "clean"]
    return ControlRun(
        kind="null",
        expected=Text(
            f"nothing is found in a harmless {', '.join(_HARMLESS)}", f"在无害的 {'、'.join(_HARMLESS)} 中无发现"
        ),
        seen=Text(f"alarms: {', '.join(alarmed) or 'none'}", f"告警：{', '.join(alarmed) or '无'}"),
        passed=not alarmed,
    )


def _notes(files: list[FileResult]) -> tuple[Note, ...]:
    notes = [_finding_note(finding) for file in files for finding in _counted(file)]
    notes += [_gap_note(gap) for file in files for gap in file.gaps]
    if len(notes) <= MOST_NOTES:
        return tuple(notes)
    left = len(notes) - MOST_NOTES
    more = Text(f"{left} more are listed in findings.json", f"其余 {left} 项见 findings.json")
    return (*notes[:MOST_NOTES], Note(code="more", text=more))


def _finding_note(finding: Finding) -> Note:
    at = Text("", "") if finding.offset < 0 else Text(f", byte {finding.offset}", f"，第 {finding.offset} 字节")
    return Note(
        code=finding.rule.replace("/", "-"),
        text=Text(
            f"{finding.where}{at.en}: {finding.shown}: {finding.what.en}",
            f"{finding.where}{at.zh}：{finding.shown}：{finding.what.zh}",
        ),
    )


def _gap_note(gap: Gap) -> Note:
    return Note(
        code="file-not-understood",
        text=Text(f"Not completely understood: {gap.where}: {gap.why.en}", f"未能完全解析：{gap.where}：{gap.why.zh}"),
    )


def _findings(files: list[FileResult]) -> bytes:
    """Everything found, and the rules it was found under; tensor tables stay out."""
    named = {finding.rule for file in files for finding in file.findings}
    document: dict[str, Any] = {
        "schema": "touchstone.format-scan/v2",
        "symbols_sha256": symbols.digest(),
        "rules": [plain(rule) for name, rule in all_rules().items() if name in named],
        "files": [plain(replace(file, tensors=())) for file in files],
    }
    return canonical_json(document)
