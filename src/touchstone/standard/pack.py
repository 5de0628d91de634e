"""The schema of a pack: one YAML file with a part of a standard, in any split over files that reads well.

Reading checks the shape of one file only; what has to agree across files is checked by the catalog. Every entry
remembers where it stands, so that a later refusal can still name file and line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

from touchstone.documents import FieldPath, SourceDocument
from touchstone.errors import StandardError
from touchstone.records import Basis, Bound, Number, Operator
from touchstone.text import Text

Words = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")]
Severity = Literal["critical", "high", "medium", "low"]
Relation = Literal["eq", "sub", "sup", "int"]
Confidence = Literal["A", "B", "C"]
BasisKind = Literal["law", "standard", "guidance", "literature", "pilot"]
ReferenceKind = Literal[
    "law",
    "regulation",
    "normative_document",
    "mandatory_standard",
    "recommended_standard",
    "industry_standard",
    "international_standard",
    "european_standard",
    "draft_standard",
    "technical_report",
    "standard",
    "recommendation",
    "guidance",
    "framework",
    "taxonomy",
    "literature",
    "practice",
]


BOTH_LANGUAGES = Text(
    "every text is given in English and in Chinese: `{en: …, zh: …}`", "所有文本须同时给出英文与中文：`{en: …, zh: …}`"
)


class Entry(BaseModel):
    """Base of everything in a pack: frozen, closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Bilingual(Entry):
    """A text in both languages; neither may be missing."""

    en: Words
    zh: Words

    @property
    def text(self) -> Text:
        """As the records carry it."""
        return Text(self.en, self.zh)


class CatalogEntry(Entry):
    """The catalog as a whole. Exactly one pack of a standard holds it."""

    id: Name
    edition: Name
    as_of: Words
    heads: dict[Name, Bilingual]
    levels: dict[Name, Bilingual]
    """Assurance levels, the least demanding first."""
    decision_rules: tuple[Bilingual, ...]
    calibration_protocol: tuple[Bilingual, ...] = ()


class FactEntry(Entry):
    """One fact that conditions may mention: the values it may take, and how to ask for it."""

    values: Literal["bool"] | tuple[Name, ...]
    question: Bilingual


class ReferenceEntry(Entry):
    """A document outside this standard: identifier, edition and our own title, never its text."""

    title: Bilingual
    kind: ReferenceKind
    confidence: Confidence
    by: Words | None = None
    date: Words | None = None
    effective: Words | None = None
    successor: Name | None = None
    licence: Words | None = None
    note: Words | None = None


class BasisEntry(Entry):
    """Where a limit comes from: the document, the place in it (a locator, nothing else) and what to know about it."""

    kind: BasisKind
    ref: Name | None = None
    at: Words | None = None
    note: Bilingual | None = None

    @property
    def record(self) -> Basis:
        """As the records carry it."""
        return Basis(kind=self.kind, ref=self.ref, at=self.at, note=self.note.text if self.note else None)


class LimitEntry(Entry):
    """A limit as a control states it."""

    metric: Name
    op: Operator
    value: Number
    unit: Name
    bound: Bound
    basis: BasisEntry
    params: dict[str, JsonValue] = {}
    fallback_for: Name | None = None
    applies_when: str | None = None
    power: bool = False
    title: Bilingual | None = None


class ControlEntry(Entry):
    """One control."""

    id: Name
    head: Name
    title: Bilingual
    what: Bilingual
    methods: tuple[Literal["T", "A", "I", "M", "C"], ...]
    """Test, analyse an artefact, inspect documents, monitor in operation, compute from a model."""
    automation: Literal["full", "part", "none"]
    checks: tuple[Name, ...] = ()
    documents: tuple[Name, ...] = ()
    """Asked for from people."""
    leaves: tuple[Name, ...] = ()
    """What the test itself puts into the evidence."""
    applies_when: str
    lifecycle: tuple[Name, ...]
    severity: Severity
    gate: bool
    min_level: Name
    limits: tuple[LimitEntry, ...] = ()
    report_only: tuple[Name, ...] = ()
    cross_references: tuple[tuple[Name, Words, Relation, Confidence], ...] = ()


class OverrideEntry(Entry):
    """A limit that a profile sets anew. `unit` is needed only for a metric the control does not have."""

    control: Name
    metric: Name
    op: Operator
    value: Number
    unit: Name | None = None
    bound: Bound
    basis: BasisEntry
    params: dict[str, JsonValue] | None = None
    applies_when: str | None = None
    title: Bilingual | None = None


class ProfileEntry(Entry):
    """A profile: built on another (`imports`), cut out of another (`part_of`), or from the catalog's controls."""

    id: Name
    title: Bilingual
    scope: Bilingual
    imports: Name | None = None
    part_of: Name | None = None
    level: Name | None = None
    surveillance_months: int | None = Field(None, gt=0)
    certificate_months: int | None = Field(None, gt=0)
    controls: tuple[Name, ...] = ()
    add: tuple[Name, ...] = ()
    drop: dict[Name, Bilingual] = {}
    """Imported controls this profile does without, each with the reason."""
    left_out: dict[Name, dict[Name, Bilingual]] = {}
    """Metrics, by control, that this profile does not ask for, each with the reason."""
    documents: bool = True
    """False for a profile that asks for no documents."""
    assumed_facts: dict[Name, JsonValue] = {}
    intake: tuple[Bilingual, ...] = ()
    """Questions to the applicant that decide nothing automatically."""
    operating_domain: dict[Name, tuple[Name, ...]] = {}
    adversary: dict[Name, JsonValue] = {}
    overrides: tuple[OverrideEntry, ...] = ()


InputKind = Literal["image", "tabular", "timeseries"]
Fault = tuple[Name, Annotated[int, Field(ge=1, le=5)]]


class ConditionEntry(Entry):
    """A condition of an operating domain: what it is called, and which corruptions stand for it.

    Without corruptions it is either the ordinary case or one that only data collected there can show.
    """

    title: Bilingual
    faults: dict[InputKind, Annotated[tuple[Fault, ...], Field(min_length=1)]] = {}


class ConfidenceEntry(Entry):
    """How sure a recogniser is, by itself and with a word of its context close by."""

    alone: Annotated[float, Field(ge=0, le=1)]
    near: Annotated[float, Field(ge=0, le=1)]


class AnchorEntry(Entry):
    """Something short that every match contains, beginning at most `back` characters before it."""

    pattern: Words
    back: int = Field(ge=1, le=200)


class RecogniserEntry(Entry):
    """A kind of personal information and how a text gives it away; the fields are explained in the pack."""

    title: Bilingual
    sensitive: bool = False
    pattern: Words
    anchor: AnchorEntry | None = None
    check: Literal["resident-id", "luhn", "iban", "e164", "ipv4", "ipv6"] | None = None
    among: dict[Name, Name] = {}
    exclude: dict[Name, Name] = {}
    context: tuple[Words, ...] = ()
    columns_only: bool = False
    """Whether it is looked for only in cells of a column that its context names."""
    confidence: ConfidenceEntry


class WordsEntry(Entry):
    """A list of words that recognisers refer to, separated by white space."""

    words: Annotated[str, StringConstraints(min_length=1, max_length=100_000)]


class Pack(Entry):
    """One file of a standard."""

    schema_: Literal["touchstone.pack/v1"] = Field(alias="schema")
    catalog: CatalogEntry | None = None
    facts: dict[Name, FactEntry] = {}
    references: dict[Name, ReferenceEntry] = {}
    documents: dict[Name, Bilingual] = {}
    controls: tuple[ControlEntry, ...] = ()
    profiles: tuple[ProfileEntry, ...] = ()
    conditions: dict[Name, ConditionEntry] = {}
    personal_information: dict[Name, RecogniserEntry] = {}
    words: dict[Name, WordsEntry] = {}


EntryType = TypeVar("EntryType", bound=Entry)


@dataclass(frozen=True, slots=True)
class Placed(Generic[EntryType]):
    """An entry and where it stands."""

    id: str
    entry: EntryType
    source: SourceDocument
    path: FieldPath

    def at(self, *inside: str | int) -> str:
        """`file:line` of a part of this entry."""
        return self.source.at((*self.path, *inside))


def read_pack(source: SourceDocument) -> Pack:
    """The pack in a document. Raises `StandardError` with file, line and remedy."""
    return read_as(source, Pack)


def read_as(source: SourceDocument, kind: type[EntryType]) -> EntryType:
    """The document as one entry of that kind. Raises `StandardError` with file, line and remedy."""
    try:
        return kind.model_validate(source.value)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        what, remedy = _explain(problem)
        raise StandardError(what, source.at(problem["loc"]), remedy) from None


def placed(source: SourceDocument, pack: Pack, section: str) -> Iterator[Placed[Any]]:
    """Every entry of one section, with its id and place."""
    entries = getattr(pack, section)
    if isinstance(entries, dict):
        for name, entry in entries.items():
            yield Placed(name, entry, source, (section, name))
    else:
        for position, entry in enumerate(entries):
            yield Placed(entry.id, entry, source, (section, position))


def _explain(problem: ErrorDetails) -> tuple[Text, Text]:
    kind, location, message = problem["type"], problem["loc"], problem["msg"]
    field = ".".join(map(str, location)) or "(whole)"
    name = location[-1] if location else ""
    if kind == "missing" and name in ("en", "zh"):
        language = Text("English", "英文") if name == "en" else Text("Chinese", "中文")
        parent = ".".join(map(str, location[:-1]))
        return (
            Text(f"{parent} has no {language.en} text", f"{parent} 缺少{language.zh}文本"),
            BOTH_LANGUAGES,
        )
    if kind == "model_type" and problem.get("ctx", {}).get("class_name") == Bilingual.__name__:
        return Text(f"{field} is given in one language only", f"{field} 只有一种语言的文本"), BOTH_LANGUAGES
    if kind == "missing" and name == "basis":
        return (
            Text(f"{field}: this limit has no basis", f"{field}：该限值没有依据"),
            Text(
                "say where the number comes from; `basis: {kind: pilot}` if it is your own",
                "请说明数值来源；自拟数值写 `basis: {kind: pilot}`",
            ),
        )
    if kind == "missing":
        return Text(f"{field} is missing", f"缺少 {field}"), Text(f"add `{name}`", f"请补充 `{name}`")
    if kind == "extra_forbidden":
        return (
            Text(f"{field} is not a known field", f"{field} 不是已知字段"),
            Text("correct the spelling or remove it", "请更正拼写或删除"),
        )
    return (
        Text(f"{field}: {message}", f"{field} 的值无效：{message}"),
        Text("give a value the pack schema allows", "请填写数据包模式允许的值"),
    )
