"""What an oversight exercise comes to: errors caught, right advice overruled, and what the advice did to people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

from touchstone.checks.delays import delay_metric
from touchstone.checks.governance.oversight_exercise import Answer, Exercise, answers
from touchstone.checks.least_samples import too_few, undecided_below
from touchstone.checks.register_controls import Audit
from touchstone.checks.remarks import Remarks
from touchstone.checks.shares import share_metric
from touchstone.methods.clustered import clustered_share
from touchstone.records import Metric
from touchstone.statistics import CONFIDENCE
from touchstone.text import Text

SLOWEST = 0.95
"""Quantile of the time to intervene."""
BY_CHANCE = 1.0 - CONFIDENCE
"""Chance at which overruling is told from overruling without looking."""
MOST_OVERSEERS = 50
"""Most people of whom the share is shown one by one."""
MOST_TIMES_AS_MANY = 2
"""Most times as many seeded errors as one overseer that another may meet, or the exercise is about that one."""
OUT_OF_ORDER = 0.001
"""Chance below which the places of the seeded errors are not by lot."""


def audit_oversight(exercise: Exercise, least: int) -> Audit:
    """Measure what people caught. `least` is the number of seeded errors below which a good result decides nothing."""
    remarks = Remarks()
    given = answers(exercise, remarks)
    wrong = [answer for answer in given if answer.wrong_advice]
    good = [answer for answer in given if answer.advised and not answer.wrong_advice]
    errors_met = Counter(dict.fromkeys(exercise.setting.overseers, 0))
    errors_met.update(answer.overseer for answer in wrong)
    uneven = max(errors_met.values()) > MOST_TIMES_AS_MANY * min(errors_met.values())
    caught = _share("seeded_errors_caught", "higher", wrong, [answer.right for answer in wrong], uneven)
    overruled = _share("right_advice_overruled", "lower", good, [answer.overruled for answer in good], False)
    _remark(exercise, wrong, good, errors_met, remarks)
    if not _tell_apart(wrong, good):
        remarks.say(
            "no-better-than-chance",
            Text(
                "wrong advice was not overruled more often than right advice: whoever overrules everything catches all",
                "对错误建议的改判并不多于正确建议：一律改判者自然“发现”全部错误",
            ),
        )
        caught = caught.model_copy(update={"low": None})
    if not exercise.setting.blinded:
        caught = caught.model_copy(update={"low": None})
    delays = [answer.seconds for answer in wrong if answer.right]
    slowest = delay_metric("seconds_to_intervene", "seconds", delays, SLOWEST)
    metrics = (
        *((undecided_below(least, caught.n, caught),) if wrong else ()),
        *((overruled,) if good else ()),
        *_bias(wrong, [answer for answer in given if not answer.advised]),
        *((slowest,) if slowest is not None else ()),
        *_by_overseer(wrong),
    )
    notes = too_few(least, caught.n, Text("cases with a seeded error", "植入错误的案例"))
    return Audit(metrics, (*remarks.notes(), *notes))


def _share(
    name: str,
    better: Literal["higher", "lower"],
    given: Sequence[Answer],
    outcomes: Sequence[bool],
    sample_of_overseers: bool,
) -> Metric:
    """The share over cases, and where not everyone took part alike, also over people: some need not be like the rest.

    Among people who all took part, each with a skill of his own, independent cases bound the average. Where some had
    none or few of the cases, people are a sample, and as many units as they are.
    """
    shares = [clustered_share(outcomes, [answer.case for answer in given])]
    if sample_of_overseers:
        shares.append(clustered_share(outcomes, [answer.overseer for answer in given]))
    return Metric(
        id=name,
        unit="share",
        value=shares[0].value,
        low=min(share.low for share in shares),
        high=max(share.high for share in shares),
        method="clusters/cases+overseers" if sample_of_overseers else shares[0].method,
        n=shares[0].clusters,
        better=better,
    )


def _tell_apart(wrong: Sequence[Answer], good: Sequence[Answer]) -> bool:
    """Whether wrong advice was overruled more often than right advice (Fisher's exact test, one-sided)."""
    from scipy.stats import fisher_exact

    overruled = sum(answer.right for answer in wrong), sum(answer.overruled for answer in good)
    table = [[overruled[0], len(wrong) - overruled[0]], [overruled[1], len(good) - overruled[1]]]
    return bool(wrong) and bool(good) and float(fisher_exact(table, alternative="greater").pvalue) <= BY_CHANCE


def _bias(wrong: Sequence[Answer], alone: Sequence[Answer]) -> Iterator[Metric]:
    """How much more often people err with wrong advice than without any; each share takes half of the error."""
    if not wrong or not alone:
        return
    misled, erred = (
        clustered_share(
            [not answer.right for answer in given],
            [answer.case for answer in given],
            confidence=1.0 - (1.0 - CONFIDENCE) / 2,
        )
        for given in (wrong, alone)
    )
    yield Metric(
        id="automation_bias",
        unit="points",
        value=misled.value - erred.value,
        low=misled.low - erred.high,
        high=misled.high - erred.low,
        method="clusters/difference",
        n=misled.clusters + erred.clusters,
        better="lower",
    )


def _by_overseer(wrong: Sequence[Answer]) -> Iterator[Metric]:
    """The share each person caught, with bounds that hold for all of them together; the worst come first."""
    caught: dict[str, list[bool]] = {}
    for answer in wrong:
        caught.setdefault(answer.overseer, []).append(answer.right)
    shares = sorted((sum(each) / len(each), person) for person, each in caught.items())
    for _, person in shares[:MOST_OVERSEERS]:
        yield share_metric(
            "caught_by_overseer",
            sum(caught[person]),
            len(caught[person]),
            "higher",
            part=f"overseer={person}",
            looks=len(caught),
        )


def _remark(
    exercise: Exercise, wrong: Sequence[Answer], good: Sequence[Answer], errors_met: Counter[str], remarks: Remarks
) -> None:
    most = max(errors_met.values())
    for person, errors in sorted(errors_met.items()):
        if errors == 0:
            remarks.add("overseer-not-tested", person, Text("met no seeded error", "未遇到植入的错误"))
        elif most > MOST_TIMES_AS_MANY * errors:
            what = Text(
                f"met {errors} seeded errors, somebody else {most}", f"遇到 {errors} 个植入的错误，而他人遇到 {most} 个"
            )
            remarks.add("overseer-hardly-tested", person, what)
    if not exercise.setting.blinded:
        remarks.say(
            "not-blinded",
            Text(
                "the overseers knew which or how many answers were wrong: in service they know neither, so that a good"
                " result decides nothing",
                "监督者知晓哪些回答有误或其数量；实际使用中并不知晓，故结果良好亦不足以判定",
            ),
        )
    if _out_of_order(wrong, good):
        remarks.say(
            "order-not-by-lot",
            Text(
                "the seeded errors came together, early or late: people learn when to look",
                "植入的错误集中于开头或结尾：人员可学会何时留意",
            ),
        )


def _out_of_order(wrong: Sequence[Answer], good: Sequence[Answer]) -> bool:
    """Whether seeded errors came earlier or later than the other cases (Mann and Whitney's test)."""
    from scipy.stats import mannwhitneyu

    if not wrong or not good:
        return False
    order = {id(answer): place for place, answer in enumerate(sorted([*wrong, *good], key=lambda each: each.shown))}
    places = [[order[id(answer)] for answer in given] for given in (wrong, good)]
    return float(mannwhitneyu(*places).pvalue) < OUT_OF_ORDER
