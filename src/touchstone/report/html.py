"""The report a laboratory sends to its client: one self-contained HTML page, no script, no outside request."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from jinja2 import Environment
from markupsafe import Markup
from pydantic import JsonValue

from touchstone import pages
from touchstone.assessment.disclosure import unsalted
from touchstone.assessment.plan import ACCESS_NAMES
from touchstone.canonical import parse_json
from touchstone.errors import EvidenceError
from touchstone.records import (
    CheckCard,
    Decision,
    Execution,
    Finding,
    Metric,
    Note,
    Observation,
    PlanItem,
    Profile,
    Requirement,
    Verdict,
)
from touchstone.report import words
from touchstone.report.material import Material
from touchstone.report.pictures import coverage_picture, interval_picture
from touchstone.report.robustness import CAPTIONS, Figure, cost_line, figures
from touchstone.standard.citing import place
from touchstone.standard.titles import Titles
from touchstone.standard.units import unit
from touchstone.standard.wording import answer
from touchstone.text import Language, Text

PICTURE_TYPES = frozenset({"image/png"})
LARGEST_PICTURE = 4 * 1024 * 1024
MOST_PICTURES = 4
MOST_FAULTS = 4
ATTACK_REPORT = "attack_report.json"
LARGEST_REPORT = 16 * 1024 * 1024
ATTENTION = (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.NOT_TESTED)
ORDER = (*ATTENTION, Verdict.PASS, Verdict.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class TestSection:
    """One check as a control's section shows it."""

    card: CheckCard | None
    item: PlanItem
    observation: Observation | None
    execution: Execution | None
    slices: tuple[Metric, ...]
    figures: tuple[Figure, ...]
    """Drawings made of the metrics."""
    pictures: tuple[tuple[str, str, Text | None], ...]
    """Name, data URI and caption of every picture among the exhibits."""
    cost: Text | None
    """What an attack cost, and what another way would have."""


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """One limit, with the metric that was held against it and the picture of both."""

    decision: Decision
    metric: Metric | None
    title: Text
    picture: Markup | None


@dataclass(frozen=True, slots=True)
class ControlSection:
    """One control: what it asks for, what was found, and how."""

    requirement: Requirement
    finding: Finding
    rows: tuple[DecisionRow, ...]
    shown: tuple[tuple[Text, Metric], ...]
    """Metrics that are reported without a limit."""
    left_out: tuple[tuple[Text, Text], ...]
    """Metrics that the profile does not ask for, each with the reason."""
    tests: tuple[TestSection, ...]

    @property
    def faults(self) -> tuple[Note, ...]:
        """What the checks of a failed control remarked: the reader wants to know what was found, not how often."""
        if self.finding.verdict is not Verdict.FAIL:
            return ()
        return tuple(note for test in self.tests if test.observation for note in test.observation.warnings)[
            :MOST_FAULTS
        ]

    @property
    def advice(self) -> tuple[Text, ...]:
        """What to do: the checks' own remedies for a failure, else what the judge says is missing."""
        if self.finding.verdict is Verdict.FAIL and any(test.card for test in self.tests):
            return tuple(test.card.remedy for test in self.tests if test.card)
        return () if self.finding.remedy is None else (self.finding.remedy,)

    @property
    def told_by_rows(self) -> bool:
        """Whether the rows say all there is to say about the verdict, so that its reason need not be repeated."""
        outcomes = {row.decision.outcome for row in self.rows if row.metric is not None}
        return self.finding.verdict.value in outcomes and all(
            control.passed for test in self.tests if test.observation for control in test.observation.controls
        )


def render_html(material: Material, language: Language) -> str:
    """The whole report in one language."""
    sections = _sections(material)
    environment = templates(language)
    environment.filters["part"] = partial(words.part, conditions=material.profile.conditions)
    template = environment.get_template("report.html.j2")
    return template.render(
        m=material,
        a=material.assessment,
        profile=material.profile,
        sections=sections,
        attention=[section for section in sections if section.finding.verdict in ATTENTION],
        headline=words.HEADLINES[material.assessment.verdict],
        coverage=coverage_picture(material.assessment),
        reach=material.reach,
        facts=[
            (name, _answered(material.profile, name, value)) for name, value in material.circumstances.facts.items()
        ],
        access=ACCESS_NAMES[material.assessment.access],
        pilot_limits=sum(row.decision.basis.kind == "pilot" for section in sections for row in section.rows),
        words=words,
        language=language,
    )


def templates(language: Language) -> Environment:
    """The templates of reports, with the words for what was measured."""
    environment = pages.templates("touchstone.report", language)
    environment.filters.update(
        measured=words.measured,
        interval=words.interval,
        amount=words.amount,
        unit=unit,
        method=words.method,
        place=place,
        sentence=words.sentence,
    )
    return environment


def _answered(profile: Profile, fact: str, value: JsonValue) -> Text:
    """A declared fact as the answer to the question that the profile asks for it, if it asks any."""
    return answer(profile.questions.get(fact, Text("", "")), value, assumed=False)


def _sections(material: Material) -> list[ControlSection]:
    requirements = {requirement.control: requirement for requirement in material.profile.requirements}
    findings = sorted(material.assessment.findings, key=lambda finding: ORDER.index(finding.verdict))
    return [_section(material, requirements[finding.control], finding) for finding in findings]


def _section(material: Material, requirement: Requirement, finding: Finding) -> ControlSection:
    items = [item for item in material.plan.items if item.check.id in requirement.checks]
    observations = [material.observations[item.check.id] for item in items if item.check.id in material.observations]
    overall = {metric.id: metric for observation in observations for metric in observation.metrics if not metric.slice}
    title = Titles(material.cards, requirement).metric
    decided = {decision.metric for decision in finding.decisions}
    return ControlSection(
        requirement=requirement,
        finding=finding,
        rows=tuple(
            _row(decision, overall.get(decision.metric), title(decision.metric)) for decision in finding.decisions
        ),
        shown=tuple((title(name), metric) for name, metric in overall.items() if name not in decided),
        left_out=tuple((title(name), why) for name, why in requirement.left_out.items()),
        tests=tuple(_test(material, item) for item in items),
    )


def _row(decision: Decision, metric: Metric | None, title: Text) -> DecisionRow:
    picture = None if metric is None or metric.low is None else interval_picture(decision, metric)
    return DecisionRow(decision, metric, title, picture)


def _test(material: Material, item: PlanItem) -> TestSection:
    observation = material.observations.get(item.check.id)
    return TestSection(
        card=material.cards.get(item.check.id),
        item=item,
        observation=observation,
        execution=material.executions.get(item.check.id),
        slices=() if observation is None else tuple(metric for metric in observation.metrics if metric.slice),
        figures=() if observation is None else figures(observation),
        pictures=() if observation is None else tuple(_pictures(material, observation)),
        cost=None if observation is None else _cost(material, observation),
    )


def _cost(material: Material, observation: Observation) -> Text | None:
    """Of the attack report among the exhibits, unless it is withheld or no attack report."""
    found = next((exhibit for exhibit in observation.exhibits if exhibit.name == ATTACK_REPORT), None)
    content = None if found is None or found.size > LARGEST_REPORT else material.exhibit(found)
    if content is None:
        return None
    try:
        report = unsalted(parse_json(content, ATTACK_REPORT))
    except EvidenceError:
        return None
    return cost_line(observation, material.executions.get(observation.check.id), report)


def _pictures(material: Material, observation: Observation) -> Sequence[tuple[str, str, Text | None]]:
    shown = [
        exhibit
        for exhibit in observation.exhibits
        if exhibit.media_type in PICTURE_TYPES and exhibit.size <= LARGEST_PICTURE
    ]
    contents = [(exhibit, material.exhibit(exhibit)) for exhibit in shown[:MOST_PICTURES]]
    return [
        (item.name, _data_uri(item.media_type, content), CAPTIONS.get(item.name))
        for item, content in contents
        if content is not None
    ]


def _data_uri(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
