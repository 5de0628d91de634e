"""The judge: from recorded observations to findings. Pure; it measures nothing and opens nothing.

What a finding rests on is compared in `comparing`; here the weightiest thing that speaks to a control becomes its
verdict. Nothing that was not measured ever passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from touchstone.records import (
    CheckCard,
    Coverage,
    Finding,
    Limit,
    Metric,
    Note,
    Observation,
    Plan,
    PlanItem,
    Profile,
    Requirement,
    Verdict,
)
from touchstone.standard import reasons, wording
from touchstone.standard.applicability import Facts, applies, known_facts, parse, questions
from touchstone.standard.attesting import ATTESTED, BY_REVIEWERS, Reading, objections
from touchstone.standard.comparing import Compared, Outcome, decide
from touchstone.standard.reviews import Review
from touchstone.standard.titles import Titles
from touchstone.text import Text

NO_TEST_YET = "no-test-yet"
"""Reason code of a planned check that is not installed: the control is then a matter of documents."""
INPUT_NOT_COVERED = "input-not-covered"
"""Reason code of a planned check for systems that take another kind of input."""
UNAVAILABLE = "unavailable"
"""Code of the error of a check that lacks something of the system, not handed in or not declared, to measure it."""


class Conclusion(NamedTuple):
    """What all findings together come to."""

    coverage: Coverage
    verdict: Outcome
    summary: Note


def judge(
    profile: Profile,
    facts: Facts,
    plan: Plan,
    observations: Mapping[str, Observation],
    documents: Mapping[str, Sequence[str]],
    cards: Mapping[str, CheckCard],
    reviews: Sequence[Review] = (),
) -> tuple[Finding, ...]:
    """One finding per control of the profile, in the profile's order.

    `facts` are what the applicant declared, `observations` are keyed by check id, `documents` (titles of what was
    handed in) by control id; `cards`, by check id, only say what everything is called; `reviews` stand on the day of
    the judgement.
    """
    return tuple(
        _Case(
            profile=profile,
            requirement=requirement,
            facts=facts,
            items=tuple(item for item in plan.items if item.check.id in requirement.checks),
            observations=tuple(observations[check] for check in requirement.checks if check in observations),
            reading=Reading(
                kinds=requirement.evidence,
                titles=profile.documents,
                documents=len(documents.get(requirement.control, ())),
                reviews=tuple(review for review in reviews if requirement.control in review.controls),
            ),
            titles=Titles(cards, requirement),
        ).finding()
        for requirement in profile.requirements
    )


def conclude(profile: Profile, findings: Sequence[Finding]) -> Conclusion:
    """Coverage, overall verdict, and one sentence that claims no more than the coverage."""
    verdicts = [finding.verdict for finding in findings]
    required = {finding.verdict for finding in findings if finding.required}
    verdict: Outcome = "inconclusive"
    if Verdict.FAIL in required:
        verdict = "fail"
    elif Verdict.PASS in required and required <= {Verdict.PASS, Verdict.NOT_APPLICABLE}:
        verdict = "pass"
    judged = [finding for finding in findings if finding.verdict in (Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE)]
    attested = sum(
        finding.reason.code == ATTESTED or (not finding.observations and finding.reason.code in BY_REVIEWERS)
        for finding in judged
    )
    coverage = Coverage(
        tested=len(judged) - attested,
        attested=attested,
        not_tested=verdicts.count(Verdict.NOT_TESTED),
        not_applicable=verdicts.count(Verdict.NOT_APPLICABLE),
        error=verdicts.count(Verdict.ERROR),
        outside_scope=len(profile.outside_scope),
    )
    return Conclusion(coverage, verdict, Note(code=f"overall-{verdict}", text=wording.summary(profile, verdicts)))


@dataclass(frozen=True, slots=True)
class _Case:
    """Everything that speaks to one control."""

    profile: Profile
    requirement: Requirement
    facts: Facts
    items: tuple[PlanItem, ...]
    observations: tuple[Observation, ...]
    reading: Reading
    titles: Titles

    def finding(self) -> Finding:
        """The weightiest conclusion that holds."""
        return next(self._conclusions())

    def _conclusions(self) -> Iterator[Finding]:
        """Every conclusion that holds, weightiest first. The last one, a pass, is reached when nothing opposes it."""
        yield from self._out_of_reach()
        compared, unclear = self._compare()
        if mistaken := [each for each in compared if each.metric and each.metric.unit != each.limit.unit]:
            yield self._conclude(Verdict.ERROR, reasons.units_differ(mistaken), compared=compared)
        if failures := [each for each in compared if each.decision.outcome == "fail" and self._credible(each)]:
            yield self._fail(failures, compared)
        if rejected := self.reading.judged("rejected"):
            yield self._conclude(Verdict.FAIL, *objections(rejected), compared=compared)
        if crash := self._crash():
            yield self._conclude(Verdict.ERROR, crash, compared=compared)
        if distrust := self._distrust():
            yield self._conclude(Verdict.INCONCLUSIVE, distrust, compared=compared)
        if not any(each.metric for each in compared) and not (self._attests and not compared):
            yield self._conclude(
                Verdict.NOT_TESTED, *self._why_nothing_was_measured(compared, unclear), compared=compared
            )
        if straddling := [each for each in compared if each.decision.outcome == "inconclusive"]:
            yield self._conclude(Verdict.INCONCLUSIVE, *reasons.straddle(straddling), compared=compared)
        if unclear:
            yield self._conclude(Verdict.INCONCLUSIVE, *self._ask(unclear), compared=compared)
        if missing := [each for each in compared if each.metric is None]:
            yield self._conclude(Verdict.INCONCLUSIVE, self._not_measured(missing), compared=compared)
        if self.reading.unaccepted:
            yield self._conclude(Verdict.INCONCLUSIVE, *self.reading.unreviewed(), compared=compared)
        passed = self.reading.attested() if self._attests else reasons.met(compared)
        yield self._conclude(Verdict.PASS, passed, compared=compared)

    def _out_of_reach(self) -> Iterator[Finding]:
        """What is said of a control that does not apply, or of which nobody knows whether it does."""
        applicability = applies(self.requirement.applies_when, self.profile.assumed_facts, self.facts)
        if applicability == "false":
            yield self._conclude(Verdict.NOT_APPLICABLE, self._why_not_applicable())
        if applicability == "unknown":
            yield self._conclude(Verdict.NOT_TESTED, *self._ask([self.requirement.applies_when]))

    def _compare(self) -> tuple[list[Compared], list[str]]:
        """Every limit that applies against its metric, and the conditions of which nobody knows whether they hold."""
        measured = {metric.id: metric for each in self.observations for metric in each.metrics if metric.slice is None}
        if self._attests:
            measured = self.reading.stated(self.requirement.limits)
        compared, unclear = [], []
        for limit in self._standing_limits(measured):
            condition = limit.applies_when or "true"
            applicability = applies(condition, self.profile.assumed_facts, self.facts)
            if applicability == "unknown":
                unclear.append(condition)
            if applicability == "true":
                metric = measured.get(limit.metric)
                compared.append(Compared(limit, metric, decide(limit, metric), self.titles.metric(limit.metric)))
        return compared, unclear

    def _standing_limits(self, measured: Mapping[str, Metric]) -> list[Limit]:
        """A fallback stands in for its primary when only the fallback was measured, and is silent otherwise."""
        replaced = {
            limit.fallback_for
            for limit in self.requirement.limits
            if limit.fallback_for and limit.metric in measured and limit.fallback_for not in measured
        }
        return [
            limit
            for limit in self.requirement.limits
            if (limit.fallback_for in replaced if limit.fallback_for else limit.metric not in replaced)
        ]

    @property
    def _attests(self) -> bool:
        """Whether reviewers speak here in place of tests: where no check is installed, or none has anything to test.

        A check has nothing to test where it could not begin and every limit it serves is for other systems.
        """
        silent = not self.observations or (self._all_limits_elsewhere and all(map(_unavailable, self.observations)))
        untested = silent and all(reason.code == NO_TEST_YET for reason in self._refusals())
        return untested and self.reading.suffices

    @property
    def _all_limits_elsewhere(self) -> bool:
        """Whether the control has limits, and none of them is for this system."""
        conditions = [limit.applies_when or "true" for limit in self.requirement.limits]
        return bool(conditions) and all(
            applies(condition, self.profile.assumed_facts, self.facts) == "false" for condition in conditions
        )

    def _credible(self, failure: Compared) -> bool:
        """A check that found something where there was nothing is not believed when it finds something here."""
        return not any(
            control.kind == "null" and not control.passed
            for observation in self.observations
            if failure.metric in observation.metrics
            for control in observation.controls
        )

    def _why_not_applicable(self) -> Note:
        known = known_facts(self.profile.assumed_facts, self.facts)
        stated = known_facts({}, self.facts)
        deciding = parse(self.requirement.applies_when).explain(known)
        answers = [
            wording.answer(
                self.profile.questions.get(fact, Text(f"{fact}:", f"{fact}：")), known[fact], assumed=fact not in stated
            )
            for fact in deciding
        ]
        return Note(code="not-applicable", text=wording.not_applicable(answers))

    def _ask(self, conditions: Sequence[str]) -> tuple[Note, Text]:
        return reasons.unknown(questions(conditions, self.profile.assumed_facts, self.facts, self.profile.questions))

    def _fail(self, failures: Sequence[Compared], compared: Sequence[Compared]) -> Finding:
        only_pilot = all(each.limit.basis.kind == "pilot" for each in failures)
        return self._conclude(Verdict.FAIL, *reasons.missed(failures), compared=compared, only_pilot=only_pilot)

    def _crash(self) -> Note | None:
        """A check that broke off, or whose planned observation is gone."""
        for observation in self.observations:
            if observation.status == "error" and not _unavailable(observation):
                return reasons.crashed(self.titles.check(observation.check.id), observation.error)
        observed = {observation.check.id for observation in self.observations}
        for item in self.items:
            if item.runs and item.check.id not in observed:
                return reasons.absent(self.titles.check(item.check.id))
        return None

    def _distrust(self) -> Note | None:
        """A control run that did not behave: a check that cannot find a planted fault is not believed."""
        for observation in self.observations:
            for control in observation.controls:
                if not control.passed:
                    text = wording.control_run_failed(self.titles.check(observation.check.id), control)
                    return Note(code="control-run-failed", text=text)
        return None

    def _why_nothing_was_measured(
        self, compared: Sequence[Compared], unclear: Sequence[str]
    ) -> tuple[Note] | tuple[Note, Text]:
        unavailable = next((each for each in self.observations if _unavailable(each)), None)
        if unavailable is not None and unavailable.error is not None:
            what, remedy = unavailable.error.text, next((note.text for note in unavailable.warnings), None)
            text = Text(f"cannot be measured here: {what.en}", f"此处无法测量：{what.zh}")
            reason = Note(code=UNAVAILABLE, text=text)
            return (reason,) if remedy is None else (reason, remedy)
        refusals = [reason for reason in self._refusals() if reason.code != NO_TEST_YET]
        if refusals:
            return (refusals[0],)
        if self.observations and compared:
            return (self._not_measured(compared),)
        if self.observations and unclear:
            return self._ask(unclear)
        if self.observations:
            text = Text("no limit of this control applies to this system", "本控制项没有适用于该系统的限值")
            return (Note(code="no-limit-applies", text=text),)
        return self._documentary()

    def _refusals(self) -> list[Note]:
        """Why checks of this control did not run; one for another kind of input is silent beside one for this kind."""
        reasons = [item.reason for item in self.items if item.reason is not None]
        fitting = [reason for reason in reasons if reason.code != INPUT_NOT_COVERED]
        return fitting if fitting or len(reasons) < len(self.items) else reasons

    def _documentary(self) -> tuple[Note] | tuple[Note, Text]:
        """The reason where no automated test speaks to the control."""
        if self._attests:
            return (
                self.reading.without_value([self.titles.metric(limit.metric) for limit in self.requirement.limits]),
            )
        if self.reading.documents:
            return self.reading.unreviewed()
        asked = self.reading.asked()
        if not self.requirement.checks:
            return (
                Note(
                    code="documents-missing",
                    text=Text(f"asks for {asked.en}; none handed in", f"要求提交：{asked.zh}；尚未提交"),
                ),
            )
        note = Text("no installed check measures this yet", "尚无已安装的检查项可对此测量")
        if asked.en:
            note = Text(f"{note.en}; asks for {asked.en}", f"{note.zh}；要求提交：{asked.zh}")
        return (Note(code=NO_TEST_YET, text=note),)

    def _not_measured(self, missing: Sequence[Compared]) -> Note:
        """Which metrics are missing, with what the plan or else the check said about it."""
        refused = [reason.text for reason in self._refusals()]
        refused += [each.error.text for each in self.observations if _unavailable(each) and each.error is not None]
        warned = [warning.text for observation in self.observations for warning in observation.warnings]
        names = [each.title for each in missing]
        return Note(code="not-measured", text=wording.not_measured(names, (refused or warned)[:1]))

    def _conclude(
        self,
        verdict: Verdict,
        reason: Note,
        remedy: Text | None = None,
        *,
        compared: Sequence[Compared] = (),
        only_pilot: bool = False,
    ) -> Finding:
        severity = self.requirement.severity
        if only_pilot and not self.requirement.gate and severity in ("critical", "high"):
            severity = "medium"  # calibration protocol of the catalog
        return Finding(
            control=self.requirement.control,
            verdict=verdict,
            required=self.requirement.required,
            gate=self.requirement.gate,
            severity=severity,
            decisions=tuple(each.decision for each in compared),
            reason=Note(code=reason.code, text=wording.sentence(reason.text)),
            remedy=None if remedy is None else wording.sentence(remedy),
            observations=tuple(observation.own_digest() for observation in self.observations),
        )


def _unavailable(observation: Observation) -> bool:
    return observation.error is not None and observation.error.code == UNAVAILABLE
