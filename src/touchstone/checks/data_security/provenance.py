"""Does every source of data say where it comes from, by what right, from when, and is it still what was recorded?

Nothing of what is written can be proven from here. What can be seen is whether a record has all its parts, and whether
the digest it names is that of the data handed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from touchstone.canonical import canonical_json
from touchstone.checks.data_security.manifest import data_digest
from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.errors import UnavailableError
from touchstone.records import ControlRun, Metric, Note, number
from touchstone.system.subject import Subject
from touchstone.text import Text

RIGHT = re.compile(
    r"\b(?:licen[cs]e|consent|permit|permission|approv|agreement|contract|public\b|own\b|owned\b|apache-|mit\b|bsd-|cc)"
    r"|许可|授权|同意|批准|审批|伦理|协议|合同|公开|自有|自采",
    re.IGNORECASE,
)
"""Words by which an origin names its licence, consent or other right."""
YEAR = re.compile(r"(?:19|20)[0-9]{2}")
PARTS = {
    "origin": Text("where it comes from", "来源"),
    "right": Text("licence, consent or other right", "许可、同意或其他权利依据"),
    "time": Text("when it was collected", "采集时间"),
    "digest": Text("the digest of the data handed in", "与所提交数据一致的摘要"),
}


@dataclass(frozen=True, slots=True)
class _Source:
    """What is recorded of one source. `matches` is whether the recorded digest is that of the data, `None` without."""

    name: str
    origin: str
    right: str
    time: str
    matches: bool

    def missing(self) -> tuple[str, ...]:
        """Parts that are not there."""
        there = {
            "origin": bool(self.origin.strip()),
            "right": bool(RIGHT.search(self.right)),
            "time": bool(YEAR.search(self.time)) or self.time == GENERATED,
            "digest": self.matches,
        }
        return tuple(part for part, is_there in there.items() if not is_there)


GENERATED = "generated"
"""Stands for the time of data that were never collected."""


@check(
    id="data.provenance",
    version="1",
    title=Text("Provenance of data", "数据来源记录"),
    measures=Text(
        "The share of data sets whose record says where they come from, by which licence, consent or other right, when "
        "they were collected (or that they are generated), and names the digest that the data handed in really have.",
        "数据集中来源记录完整的占比：写明来源、许可或同意等权利依据、采集时间（或声明为生成数据），且所记录的摘要与实际提交的数据一致。",
    ),
    cannot_tell=Text(
        "A complete record may be untrue: whether the licence exists, covers this use and was kept to is for people to "
        "examine. Sources that were merged before they were handed in count as one.",
        "记录完整不代表内容属实：许可是否存在、是否涵盖此用途并得到遵守，须由人工核查。提交前已合并的来源按一个计。",
    ),
    remedy=Text(
        "Complete `origin` (source and licence or consent), `collected` and `sha256` of the data sets named.",
        "补全所列数据集的 `origin`（来源及许可或同意）、`collected` 与 `sha256`。",
    ),
    threats=("AML.T0020",),
    source="TC260-003 5.1; ISO/IEC 42001 A.7.5",
    needs=Needs(inputs=ANY_KIND),
    metrics=(
        MetricDeclaration(
            "records_with_provenance",
            "share_of_sources",
            "higher",
            Text("data sets with a complete record", "来源记录完整的数据集占比"),
        ),
    ),
)
def provenance(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Look through the record of every declared data set."""
    sources = list(_sources(subject))
    if not sources:
        raise UnavailableError(
            Text("no data set was handed in", "未提交任何数据集"),
            "data",
            Text("declare the data sets under `data:`", "请在 `data:` 下声明数据集"),
        )
    complete = sum(not source.missing() for source in sources)
    share = Metric(
        id="records_with_provenance",
        unit="share_of_sources",
        value=number(complete / len(sources)),
        n=len(sources),
        better="higher",
    )
    report = {
        "schema": "touchstone.provenance/v1",
        "sources": [
            {"name": source.name, "origin": source.origin, "time": source.time, "missing": list(source.missing())}
            for source in sources
        ],
    }
    exhibit = run.exhibit("provenance.json", "application/json", canonical_json(report))
    notes = tuple(_note(source) for source in sources if source.missing())
    return Measurement((share,), _controls(), (exhibit,), notes)


def _sources(subject: Subject) -> Iterator[_Source]:
    for role, declared in subject.description.data.declared().items():
        yield _Source(
            name=f"{declared.path} ({role})",
            origin=declared.origin,
            right=declared.origin,
            time=GENERATED if declared.synthetic else declared.collected or "",
            matches=data_digest(subject, declared) == f"sha256:{declared.sha256}",
        )


def _note(source: _Source) -> Note:
    parts = source.missing()
    english = "; ".join(PARTS[part].en for part in parts)
    chinese = "；".join(PARTS[part].zh for part in parts)
    return Note(
        code="record-incomplete",
        text=Text(f"{source.name}: the record lacks {english}", f"{source.name}：记录缺少{chinese}"),
    )


def _controls() -> tuple[ControlRun, ControlRun]:
    """A complete record, and the same with each of its parts taken away."""
    whole = _Source(
        "made up", "Registry of an example hospital, ethics approval 2025-17", "ethics approval", "2024", True
    )
    damaged = (
        replace(whole, origin=" "),
        replace(whole, right="found on a disk"),
        replace(whole, time="recently"),
        replace(whole, matches=False),
    )
    noticed = sum(each.missing() == (part,) for part, each in zip(PARTS, damaged, strict=True))
    return (
        ControlRun(
            kind="null",
            expected=Text("a complete record lacks nothing", "完整的记录不缺任何内容"),
            seen=Text(f"{len(whole.missing())} parts missing", f"缺少 {len(whole.missing())} 项"),
            passed=not whole.missing(),
        ),
        ControlRun(
            kind="planted",
            expected=Text("each part taken away is missed", "逐项删除时均被发现"),
            seen=Text(f"{noticed} of {len(PARTS)} missed", f"{len(PARTS)} 项中发现 {noticed} 项"),
            passed=noticed == len(PARTS),
        ),
    )
