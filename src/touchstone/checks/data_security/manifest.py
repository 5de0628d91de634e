"""Are the data sets still the ones the supplier recorded?

Threat: data that were exchanged or changed after training make every other result meaningless
(MITRE ATLAS AML.T0020, CWE-353).

Measured: the share of declared data sets whose SHA-256 equals the one recorded at training time. A data set without
a recorded digest counts as not matching, because nothing shows that it is the same. A folder of images is named by
the digest of its list of paths and file digests.

Cannot tell: whether the recorded digest itself was taken before the change, or whether the data were good.

Source: TC260 AI safety framework 6.1(f); FIPS 180-4 (SHA-256).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from touchstone.canonical import Digest, canonical_json, digest_of, digest_of_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.errors import UnavailableError
from touchstone.records import ControlRun, Metric, Note
from touchstone.system.description import DataSet
from touchstone.system.subject import Subject
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class _Entry:
    """One declared data set: what was recorded of it, and what it is."""

    role: str
    path: str
    recorded: Digest | None
    actual: Digest


@check(
    id="data.manifest",
    version="1",
    title=Text("Data set integrity", "数据集完整性"),
    measures=Text(
        "Compares the SHA-256 of every declared data set with the digest recorded at training time, and lists every"
        " file of the system with its digest.",
        "将每个声明数据集的 SHA-256 与训练时记录的摘要比对，并列出系统全部文件及其摘要。",
    ),
    cannot_tell=Text(
        "A match shows that nothing changed since the digest was recorded, not that the data were good then.",
        "摘要一致只说明记录之后未被改动，不说明数据当时的质量。",
    ),
    remedy=Text(
        "Find the data set the model was trained or tested on, restore it, and record its digest under `sha256:` as"
        " part of the training pipeline.",
        "找回模型训练或测试所用的数据集并恢复，并在训练流程中将其摘要记入 `sha256:`。",
    ),
    threats=("AML.T0020", "CWE-353"),
    source="TC260 AI Safety Governance Framework 6.1(f); FIPS 180-4",
    needs=Needs(),
    metrics=(
        MetricDeclaration(
            "manifest_match",
            "share_of_files",
            "higher",
            Text("Data sets that match their recorded digest", "与记录摘要一致的数据集占比"),
        ),
    ),
)
def manifest(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Compare every declared data set with its recorded digest."""
    entries = _entries(subject)
    matching = sum(_matches(entry.recorded, entry.actual) for entry in entries)
    share = Metric(
        id="manifest_match",
        unit="share_of_files",
        value=Decimal(matching) / Decimal(len(entries)),
        n=len(entries),
        better="higher",
    )
    return Measurement(
        metrics=(share,),
        controls=_controls(subject, run),
        exhibits=(run.exhibit("manifest.json", "application/json", _listing(subject, entries)),),
        warnings=tuple(_note(entry) for entry in entries if not _matches(entry.recorded, entry.actual)),
    )


def _entries(subject: Subject) -> list[_Entry]:
    entries = [
        _Entry(
            role,
            data_set.path,
            None if data_set.sha256 is None else f"sha256:{data_set.sha256}",
            data_digest(subject, data_set),
        )
        for role, data_set in subject.description.data.declared().items()
    ]
    if not entries:
        raise UnavailableError(
            Text("no data set was handed in", "未提交任何数据集"),
            "data",
            Text("declare the data sets under `data:`", "请在 `data:` 下声明数据集"),
        )
    return entries


def data_digest(subject: Subject, data_set: DataSet) -> Digest:
    """Digest of a data file, or of the sorted list of paths and digests of a folder of images."""
    if data_set.format != "image-folder":
        return subject.record(data_set.path).digest
    return digest_of_json([[record.path, record.digest] for record in subject.below(data_set.path)])


def _matches(recorded: Digest | None, actual: Digest) -> bool:
    return recorded == actual


def _note(entry: _Entry) -> Note:
    if entry.recorded is None:
        value = entry.actual.removeprefix("sha256:")
        return Note(
            code="digest-not-recorded",
            text=Text(
                f"{entry.path} ({entry.role}): no digest was recorded at training time; if this is the data set that"
                f" was used, add `sha256: {value}`",
                f"{entry.path}（{entry.role}）：训练时未记录摘要；若确为所用数据集，请添加 `sha256: {value}`",
            ),
        )
    return Note(
        code="digest-differs",
        text=Text(
            f"{entry.path} ({entry.role}) changed: recorded {entry.recorded}, found {entry.actual}",
            f"{entry.path}（{entry.role}）已被改动：记录为 {entry.recorded}，实际为 {entry.actual}",
        ),
    )


def _controls(subject: Subject, run: Run) -> tuple[ControlRun, ControlRun]:
    """The comparison must notice one changed bit in a copy of the smallest file, and accept an unchanged copy."""
    smallest = min(subject.files, key=lambda record: (record.size, record.path))
    content = subject.read(smallest.path) or b"\x00"
    bit = int(run.generator("planted bit").integers(8 * len(content)))
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << (bit % 8)
    noticed = not _matches(digest_of(content), digest_of(bytes(changed)))
    accepted = _matches(digest_of(content), digest_of(bytes(bytearray(content))))
    return (
        ControlRun(
            kind="planted",
            expected=Text(
                f"a copy of {smallest.path} with bit {bit} flipped does not match",
                f"翻转 {smallest.path} 副本的第 {bit} 位后不再匹配",
            ),
            seen=Text("noticed" if noticed else "missed", "已察觉" if noticed else "未察觉"),
            passed=noticed,
        ),
        ControlRun(
            kind="null",
            expected=Text(f"an unchanged copy of {smallest.path} matches", f"{smallest.path} 的未改动副本应匹配"),
            seen=Text("matches" if accepted else "differs", "匹配" if accepted else "不匹配"),
            passed=accepted,
        ),
    )


def _listing(subject: Subject, entries: list[_Entry]) -> bytes:
    return canonical_json(
        {
            "schema": "touchstone.manifest/v1",
            "data": [
                {"role": entry.role, "path": entry.path, "recorded": entry.recorded, "found": entry.actual}
                for entry in entries
            ],
            "files": [
                {"path": record.path, "size": record.size, "digest": record.digest, "format": record.format}
                for record in subject.files
            ],
        }
    )
