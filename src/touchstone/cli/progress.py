"""What the person watching an assessment sees: one line per check while it runs, the verdicts at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text as Line

from touchstone.assessment.conclusion import Circumstances
from touchstone.assessment.engine import Event, Finished, Progressed, Started
from touchstone.records import Assessment, CheckCard, Execution, Finding, Plan, Profile, Verdict
from touchstone.report.reach import reach_of
from touchstone.report.words import HEADLINES, MARKS, VERDICTS, demand, measured
from touchstone.standard.titles import Titles
from touchstone.text import Language

STYLES = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "yellow",
    Verdict.ERROR: "bold magenta",
    Verdict.NOT_TESTED: "bright_black",
    Verdict.NOT_APPLICABLE: "bright_black",
}


class Watch:
    """Shows events as they come: live on a terminal, one line per finished check elsewhere."""

    def __init__(self, console: Console, language: Language) -> None:
        self.console = console
        self.language = language
        self.tasks: dict[str, TaskID] = {}
        self.bars = Progress(
            SpinnerColumn(finished_text="✓"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    def planned(self, plan: Plan, recalled: int) -> None:
        """Say what will run."""
        runs = sum(item.runs for item in plan.items)
        self.console.print(
            f"{runs} checks to run, {len(plan.items) - runs} cannot"
            if self.language == "en"
            else f"将执行 {runs} 项检查，{len(plan.items) - runs} 项无法执行",
            style="bright_black",
        )
        if recalled:
            self.console.print(
                f"{recalled} already done, taken from the journal"
                if self.language == "en"
                else f"{recalled} 项已完成，取自日志库",
                style="bright_black",
            )

    def happened(self, event: Event) -> None:
        """Show one event."""
        check = event.item.check.id
        if isinstance(event, Started):
            self.tasks[check] = self.bars.add_task(check.ljust(32), total=1.0)
        elif isinstance(event, Progressed):
            self.bars.update(self.tasks[check], completed=event.fraction)
        elif isinstance(event, Finished):
            self.bars.update(self.tasks[check], completed=1.0)
            error = event.measured.observation.error
            if error is not None:
                self.console.print(f"! {check}: {error.text.render(self.language)}", style="magenta", markup=False)
            elif not self.console.is_terminal:
                self.console.print(f"  {check} {event.execution.wall_ms / 1000:.1f} s", markup=False)


def show_verdicts(
    console: Console, assessment: Assessment, profile: Profile, cards: Mapping[str, CheckCard], language: Language
) -> None:
    """The verdict table, the overall verdict and the coverage line, which always go together."""
    requirements = {requirement.control: requirement for requirement in profile.requirements}
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for finding in assessment.findings:
        style = STYLES[finding.verdict]
        table.add_row(
            Line(finding.control),
            Line(requirements[finding.control].title.render(language)),
            Line(f"{MARKS[finding.verdict]} {VERDICTS[finding.verdict].render(language)}", style=style),
            Line(_why(finding, Titles(cards, requirements[finding.control]), language), style="bright_black"),
        )
    console.print(table)
    tone = STYLES[Verdict(assessment.verdict)]
    headline = HEADLINES[assessment.verdict].render(language)
    console.print(Line(f"{headline}: {assessment.summary.text.render(language)}", style=tone))


def show_reach(
    console: Console, circumstances: Circumstances, executions: Iterable[Execution], language: Language
) -> None:
    """What has to be known of the day on which registers were judged, if anything."""
    reach = reach_of(circumstances.register_days, executions)
    if reach is not None and reach.remark is not None:
        console.print(Line(f"! {reach.remark.render(language)}", style="yellow"))


def _why(finding: Finding, titles: Titles, language: Language) -> str:
    """The bounds that decided, or the reason when none did."""
    compared = [
        f"{titles.metric(decision.metric).render(language)} {measured(decision.compared)} ({demand(decision)})"
        for decision in finding.decisions
        if decision.compared is not None
    ]
    deciding = [each for each in finding.decisions if each.outcome == finding.verdict.value]
    told = deciding and all(each.compared is not None for each in deciding)  # a search cut short has no upper bound
    return "; ".join(compared) if told else finding.reason.text.render(language)
