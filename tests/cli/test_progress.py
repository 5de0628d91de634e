"""What the table of verdicts says about a control, on the terminal."""

from rich.console import Console

from tests.standard.test_judge import card, finding, limit, metric, observation, profile, requirement
from touchstone.cli.progress import show_verdicts
from touchstone.records import Access, Assessment, Finding, Metric, ProfileIdentity, SystemIdentity
from touchstone.standard.judge import conclude
from touchstone.text import Text

CARD = card(leak=Text("leaked rows", "泄漏行"), waste=Text("wasted rows", "浪费行"))


def table(found: Finding) -> str:
    whole = profile(requirement(limit(), limit("waste")))
    concluded = conclude(whole, [found])
    assessment = Assessment(
        system=SystemIdentity(
            name="a", version="1", supplier="b", sector="other", synthetic=False, digest="sha256:" + "0" * 64
        ),
        profile=ProfileIdentity(
            id="whole", edition="1", title=Text("Whole", "整体"), level="AL1", digest="sha256:" + "0" * 64
        ),
        plan="sha256:" + "0" * 64,
        access=Access.LABELS,
        environment={},
        findings=(found,),
        coverage=concluded.coverage,
        verdict=concluded.verdict,
        summary=concluded.summary,
    )
    console = Console(record=True, width=400)
    show_verdicts(console, assessment, whole, {"data.one": CARD}, "en")
    return console.export_text()


def judged(*metrics: Metric) -> Finding:
    return finding(requirement(limit(), limit("waste")), observation(*metrics), cards=(CARD,))


def test_the_bounds_that_decided_are_shown_with_their_limits() -> None:
    assert "leaked rows 0.3000 (≤ 0.5); wasted rows 0.3000 (≤ 0.5)" in table(judged(metric(), metric("waste")))


def test_a_failure_without_an_upper_bound_is_told_in_words() -> None:
    """What passes beside it must not stand there alone, as if it were why."""
    unbounded = metric(value="0.9", low="0.8", high=None)
    said = table(judged(unbounded, metric("waste")))
    assert "“leaked rows” is 0.9" in said
    assert "wasted rows 0.3000 (≤" not in said
