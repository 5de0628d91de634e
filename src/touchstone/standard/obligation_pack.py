"""The file of the obligations of one jurisdiction: who asks for what, from whom, when, and what has to be reported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from pydantic import Field

from touchstone.canonical import Digest, digest_of_json
from touchstone.documents import FieldPath, SourceDocument
from touchstone.errors import StandardError
from touchstone.standard.applicability import Facts, Truth, known_facts, parse
from touchstone.standard.catalog import Standard, unknown
from touchstone.standard.citing import cited
from touchstone.standard.decision_table_pack import IsoDay
from touchstone.standard.pack import Bilingual, Confidence, Entry, FactEntry, Name, Placed, Words, read_as
from touchstone.text import Text

Function = Literal["rule", "approve", "monitor", "receive_report", "investigate", "sanction"]


class CircumstanceEntry(FactEntry):
    """A fact beside those of the catalog."""

    event: bool = False
    """Whether it is known only once something has happened."""


class InstrumentEntry(Entry):
    """A document that obliges: who issued it, whether it binds, from when."""

    ref: Name
    by: tuple[Name, ...] = Field(min_length=1)
    binding: bool = True
    """False for guidance and pilots: they leave a gap that is soft only."""
    applies_from: IsoDay | None = None


class ReportEntry(Entry):
    """An incident that has to be reported, and by when after it was noticed; 0 minutes means at once."""

    within_minutes: int = Field(ge=0, le=1_000_000)
    to: tuple[Name, ...] = Field(min_length=1)
    """Every one of these has to be told."""


class FilingEntry(Entry):
    """Something that has to be filed, once within so many working days or every year."""

    within_working_days: int | None = Field(None, gt=0)
    yearly: bool = False
    metric: Name | None = None
    """The metric under which profiles limit the working days it took."""


class KeepingEntry(Entry):
    """How long something is kept."""

    least_days: int | None = Field(None, ge=0)
    most_days: int | None = Field(None, ge=0)


class ObligationEntry(Entry):
    """One obligation. What it says is our own wording."""

    id: Name
    instrument: Name
    at: Words
    agencies: tuple[Name, ...] = Field(min_length=1)
    functions: tuple[Function, ...] = Field(min_length=1)
    stage: Name
    topic: Name
    addressee: Name
    modality: Literal["must", "must_not"] = "must"
    act: Name
    entails: tuple[Name, ...] = ()
    """Acts that nobody can avoid who meets this obligation."""
    artefact: Name | None = None
    when: str
    lead: Name | None = None
    """The agency that coordinates where several are competent."""
    says: Bilingual
    confidence: Confidence
    placeholder: bool = False
    """A number that is not in the instrument and only shows how the engine works."""
    report: ReportEntry | None = None
    filing: FilingEntry | None = None
    keep: KeepingEntry | None = None


class RegimePack(Entry):
    """The whole file."""

    schema_: Literal["touchstone.jurisdiction/v1"] = Field(alias="schema")
    id: Name
    title: Bilingual
    territory: tuple[Name, ...] = ()
    """Jurisdictions in which it holds. A demonstration holds nowhere and is asked for by name."""
    demonstration: bool = False
    as_of: IsoDay
    recheck_by: IsoDay
    agencies: dict[Name, Bilingual]
    stages: dict[Name, Bilingual]
    topics: dict[Name, Bilingual]
    addressees: dict[Name, Bilingual]
    facts: dict[Name, CircumstanceEntry] = Field(default_factory=dict)
    instruments: dict[Name, InstrumentEntry]
    expectation: dict[Name, dict[Name, tuple[Function, ...]]] = Field(default_factory=dict)
    """What a complete regime would have, by stage and topic; ours, to find gaps with."""
    obligations: tuple[ObligationEntry, ...] = Field(min_length=1)


@dataclass(frozen=True, eq=False)
class Regime:
    """The obligations of one jurisdiction, found sound."""

    pack: RegimePack
    digest: Digest
    vocabulary: Standard
    """The catalog with the facts of this regime beside its own."""

    @property
    def obligations(self) -> Iterator[Obligation]:
        """Every obligation, in the order of the file."""
        return (Obligation(self, entry) for entry in self.pack.obligations)

    def stale(self, day: date) -> bool:
        """Whether nobody has compared the pack with the law since before `day` demands it."""
        return day.isoformat() > self.pack.recheck_by


@dataclass(frozen=True, slots=True)
class Obligation:
    """One obligation of one regime."""

    regime: Regime
    entry: ObligationEntry

    @property
    def id(self) -> str:
        """`regime/obligation`, the name it has everywhere else."""
        return f"{self.regime.pack.id}/{self.entry.id}"

    @property
    def instrument(self) -> InstrumentEntry:
        """The document it stands in."""
        return self.regime.pack.instruments[self.entry.instrument]

    @property
    def article(self) -> str:
        """Document and place in it."""
        return f"{self.instrument.ref} {self.entry.at}"

    @property
    def source(self) -> Text:
        """The same as people cite it."""
        return cited(self.regime.vocabulary.references[self.instrument.ref].entry.title.text, self.entry.at)

    def in_force(self, day: date | None) -> bool:
        """Whether it applies by that day; without a day, whether it will."""
        start = self.instrument.applies_from
        return day is None or start is None or start <= day.isoformat()

    def applies(self, facts: Facts) -> Truth:
        """Whether it applies to a case of which `facts` are known."""
        return parse(self.entry.when).evaluate(known_facts({}, facts))

    def needs(self, facts: Facts) -> tuple[str, ...]:
        """The facts still needed to know whether it applies."""
        return parse(self.entry.when).explain(known_facts({}, facts)) if self.applies(facts) == "unknown" else ()

    def needs_now(self, facts: Facts) -> tuple[str, ...]:
        """Those of them that can be known before anything happens."""
        local = self.regime.pack.facts
        return tuple(name for name in self.needs(facts) if name not in local or not local[name].event)


def read_regime(source: SourceDocument, standard: Standard) -> Regime:
    """The obligations in a document. Raises `StandardError` with file, line and remedy for one that does not fit."""
    pack = read_as(source, RegimePack)
    for name in pack.facts:
        if name in standard.facts:
            raise StandardError(
                Text(f"{name} is a fact of the catalog already", f"{name} 已是目录中的事实"),
                source.at(("facts", name)),
                Text("use the catalog's fact, or another name", "请使用目录中的事实，或另取名称"),
            )
    local: dict[str, Placed[FactEntry]] = {
        name: Placed(name, entry, source, ("facts", name)) for name, entry in pack.facts.items()
    }
    vocabulary = replace(standard, facts={**standard.facts, **local})
    _require_names(source, pack, standard)
    ids = [entry.id for entry in pack.obligations]
    for place, entry in enumerate(pack.obligations):
        if entry.id in ids[:place]:
            raise StandardError(
                Text(f"{entry.id} is defined twice", f"{entry.id} 重复定义"),
                source.at(("obligations", place)),
                Text("keep one of the two", "请只保留其中一个"),
            )
        vocabulary.require_condition(entry.when, source.at(("obligations", place, "when")))
    if pack.demonstration == bool(pack.territory):
        raise StandardError(
            Text("a regime has a territory, a demonstration has none", "法域须有适用地域，演示数据则不得有"),
            source.at(("territory",)),
            Text(
                "give one of `territory` and `demonstration: true`", "请在 `territory` 与 `demonstration: true` 中择一"
            ),
        )
    return Regime(pack, digest_of_json(source.value), vocabulary)


def _require_names(source: SourceDocument, pack: RegimePack, standard: Standard) -> None:
    """Every name that is used must be declared."""

    def known(kind: Text, names: Iterable[str], there: Iterable[str], path: FieldPath) -> None:
        declared = set(there)
        for name in names:
            if name not in declared:
                raise unknown(kind, name, declared, source.at(path))

    agency, stage, topic = Text("agency", "机构"), Text("stage", "阶段"), Text("topic", "主题")
    for name, instrument in pack.instruments.items():
        standard.require_reference(instrument.ref, source.at(("instruments", name, "ref")))
        known(agency, instrument.by, pack.agencies, ("instruments", name, "by"))
    for at_stage, topics in pack.expectation.items():
        known(stage, [at_stage], pack.stages, ("expectation", at_stage))
        known(topic, topics, pack.topics, ("expectation", at_stage))
    for place, entry in enumerate(pack.obligations):
        at: FieldPath = ("obligations", place)
        known(Text("instrument", "规范性文件"), [entry.instrument], pack.instruments, (*at, "instrument"))
        known(agency, entry.agencies, pack.agencies, (*at, "agencies"))
        known(agency, [] if entry.lead is None else [entry.lead], entry.agencies, (*at, "lead"))
        known(agency, () if entry.report is None else entry.report.to, pack.agencies, (*at, "report", "to"))
        known(stage, [entry.stage], pack.stages, (*at, "stage"))
        known(topic, [entry.topic], pack.topics, (*at, "topic"))
        known(Text("addressee", "义务主体"), [entry.addressee], pack.addressees, (*at, "addressee"))
