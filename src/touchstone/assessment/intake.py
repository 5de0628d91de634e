"""The first look at what was handed in: can the data be read, does the model open and answer?

Runs in a worker like every check, because decoders and model runtimes meet hostile bytes here for the first time,
but is no test: what it finds wrong is wrong input, said once, before an hour of testing.
"""

from __future__ import annotations

from datetime import date

from touchstone.assessment.measure import Measured
from touchstone.assessment.seeds import seed_of
from touchstone.checks.declaration import Check, Measurement, Needs, Parameters, Run
from touchstone.conversation import ask
from touchstone.errors import ArtifactError
from touchstone.records import CheckIdentity, Exhibit, PlanItem, Record
from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import Finding
from touchstone.system.registers.handed_in import newest_days, registers_of
from touchstone.system.subject import Subject
from touchstone.text import Text

FEW = 4
NEWEST_DAYS = "newest-days.json"


class _RegisterDays(Record):
    """What the worker tells of the registers, which are read nowhere else."""

    newest: dict[str, date]


def _take_in(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    data = {role: subject.data(role) for role in subject.description.data.declared()}
    exhibits = _reach(subject, run)
    if subject.description.model.task == "generation":
        subject.assistant().reply([ask("Good morning.")])
        return Measurement(metrics=(), exhibits=exhibits)
    try:
        model = subject.model()
        if "test" in data:
            model.labels(data["test"].inputs if subject.access.value == "predictions" else data["test"].inputs[:FEW])
    except ArtifactError:
        if not _holds_code(subject):
            raise  # what cannot be opened because it holds code is a finding, to be tested and documented
    return Measurement(metrics=(), exhibits=exhibits)


def _reach(subject: Subject, run: Run) -> tuple[Exhibit, ...]:
    days = _RegisterDays(newest=newest_days(registers_of(subject)))
    return (run.exhibit(NEWEST_DAYS, "application/json", days.to_bytes()),) if days.newest else ()


def register_days(taken_in: Measured) -> dict[str, date]:
    """The newest day in each register, as the intake found it. Raises `EvidenceError` for what does not say days."""
    for exhibit in taken_in.observation.exhibits:
        if exhibit.name == NEWEST_DAYS:
            return _RegisterDays.from_bytes(taken_in.exhibits[exhibit.digest], NEWEST_DAYS).newest
    return {}


def _holds_code(subject: Subject) -> bool:
    model = subject.description.model
    files = [name for name in (model.file, *model.more_files) if name is not None]
    scanned = (scan_bytes(subject.read(name), name) for name in files)
    return any(_is_about_code(finding) for file in scanned for finding in file.findings)


def _is_about_code(finding: Finding) -> bool:
    """A damaged archive is wrong input: its own contradictions are no code."""
    return finding.nature != "information" and not finding.rule.startswith("zip/")


INTAKE = Check(
    id="intake",
    version="1",
    title=Text("Intake", "接收检查"),
    measures=Text(
        "Whether data and registers can be read and the model answers.", "数据与登记记录可否读取、模型可否作答。"
    ),
    cannot_tell=Text("Anything about quality.", "不涉及质量。"),
    remedy=Text("Mend the file that is named.", "修正所指出的文件。"),
    threats=(),
    source="",
    needs=Needs(),
    metrics=(),
    parameters=Parameters,
    cost=None,
    function=_take_in,
)


def intake_item(subject: Subject) -> PlanItem:
    """The intake as work for the engine."""
    identity = CheckIdentity(id=INTAKE.id, version=INTAKE.version)
    return PlanItem(check=identity, controls=(), runs=True, seed=seed_of(subject.digest, INTAKE.id, INTAKE.version))
