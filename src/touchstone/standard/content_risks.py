"""What texts are sorted by: risks of content after TC260-003 Appendix A, and the hazards of international benchmarks.

They stand apart from the catalog because several controls share them: what a corpus may hold, what a model may answer.

    content_risks().risks["terrorism"].title.text
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import Field

from touchstone.documents import SourceDocument, parse_yaml
from touchstone.standard.catalog import load_standard, unknown
from touchstone.standard.decision_table_pack import IsoDay
from touchstone.standard.pack import Bilingual, Entry, Name, Severity, Words, read_as
from touchstone.text import Text

UNFIT: frozenset[Severity] = frozenset({"critical", "high", "medium"})
"""Severities of which one occurrence makes a text unfit for training."""


class GroupEntry(Entry):
    """A group of risks, and where the reference has it."""

    at: Words
    title: Bilingual


class RiskEntry(Entry):
    """One kind of content that may not be there."""

    group: Name
    at: Words
    title: Bilingual
    severity: Severity


class HazardEntry(Entry):
    """What international benchmarks call it, and the risks that it falls under."""

    title: Bilingual
    risks: tuple[Name, ...] = Field(min_length=1)


class ContentRisks(Entry):
    """All groups, risks and hazards by name, in the order of the reference."""

    schema_: Literal["touchstone.content-risks/v1"] = Field(alias="schema")
    as_of: IsoDay
    reference: Name
    groups: Mapping[Name, GroupEntry]
    risks: Mapping[Name, RiskEntry]
    hazards: Mapping[Name, HazardEntry]

    def of_group(self, group: str) -> tuple[str, ...]:
        """Names of the risks of one group."""
        return tuple(name for name, risk in self.risks.items() if risk.group == group)


@cache
def content_risks() -> ContentRisks:
    """The installed risks. Raises `StandardError`, with file and line, where their parts do not fit together."""
    return read_content_risks(document("risks.yaml"))


def document(name: str) -> SourceDocument:
    """One of the installed packs about content."""
    resource = files("touchstone.standard").joinpath("packs", "content", name)
    return parse_yaml(resource.read_bytes(), f"touchstone.standard/packs/content/{name}")


def read_content_risks(source: SourceDocument) -> ContentRisks:
    """The risks in a document, whose references lead somewhere. Raises `StandardError`."""
    pack = read_as(source, ContentRisks)
    load_standard().require_reference(pack.reference, source.at(("reference",)))
    for name, risk in pack.risks.items():
        if risk.group not in pack.groups:
            raise unknown(
                Text("group of risks", "风险类别"), risk.group, pack.groups, source.at(("risks", name, "group"))
            )
    for name, hazard in pack.hazards.items():
        for position, each in enumerate(hazard.risks):
            if each not in pack.risks:
                raise unknown(Text("risk", "风险"), each, pack.risks, source.at(("hazards", name, "risks", position)))
    return pack
