"""How the judge says it: numbers and sentences in both languages. Decides nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from statistics import NormalDist
from typing import Final, NamedTuple

from touchstone.records import ControlRun, Limit, Metric, Operator, Profile, Verdict, plain
from touchstone.standard.comparing import compare
from touchstone.standard.units import with_unit
from touchstone.text import Text

SHOWN_DIGITS = 4
"""Significant digits of a measured number in a sentence; the record keeps them all."""


class _Sides(NamedTuple):
    """How the two sides of a limit, and the two bounds, are called for one direction."""

    meets: Text
    misses: Text
    pessimistic: Text
    optimistic: Text


_LOWER, _UPPER = Text("lower bound", "下界"), Text("upper bound", "上界")
_SIDES: Final[dict[Operator, _Sides]] = {
    "<=": _Sides(Text("at most", "不高于"), Text("above", "高于"), pessimistic=_UPPER, optimistic=_LOWER),
    ">=": _Sides(Text("at least", "不低于"), Text("below", "低于"), pessimistic=_LOWER, optimistic=_UPPER),
}
OTHER_VERDICTS = {
    Verdict.FAIL: Text("fail", "未通过"),
    Verdict.INCONCLUSIVE: Text("inconclusive", "无法判定"),
    Verdict.ERROR: Text("broken off by an error", "出错"),
    Verdict.NOT_TESTED: Text("not tested", "未测试"),
    Verdict.NOT_APPLICABLE: Text("not applicable", "不适用"),
}


def sentence(text: Text) -> Text:
    """With a capital letter at the start and a full stop at the end; names such as `data.one` stay as they are."""
    en, zh = text.en.rstrip(), text.zh.rstrip()
    return Text(
        _FIRST_WORD.sub(lambda word: word[0].capitalize(), en) + ("" if en.endswith(_ENDINGS) else "."),
        zh + ("" if zh.endswith(_ENDINGS) else "。"),
    )


def clause(text: Text) -> Text:
    """Without its full stop, to stand inside a sentence."""
    return Text(text.en.rstrip().removesuffix("."), text.zh.rstrip().removesuffix("。"))


def joined(parts: Sequence[Text]) -> Text:
    """Several remarks in one."""
    return Text("; ".join(part.en for part in parts), "；".join(part.zh for part in parts))


def listed(titles: Sequence[Text]) -> Text:
    """Several titles, each in quotes: some are half a sentence long."""
    return Text(", ".join(f"“{title.en}”" for title in titles), "、".join(f"“{title.zh}”" for title in titles))


def shown(value: Decimal | None, limit: Decimal | None = None) -> str:
    """To four significant digits; to more where rounding would move the value onto the limit or across it.

    >>> shown(Decimal("0.123456")), shown(Decimal("0.300012"), limit=Decimal("0.3"))
    ('0.1235', '0.30001')
    """
    if value is None:
        return "–"
    if value == value.to_integral_value():
        return plain(value.to_integral_value())
    digits = SHOWN_DIGITS
    rounded = _rounded(value, digits)
    while limit is not None and rounded.compare(limit) != value.compare(limit):
        digits += 1
        rounded = _rounded(value, digits)
    return plain(rounded)


def comparison(limit: Limit, metric: Metric | None, title: Text) -> Text:
    """A quantity, the limit it was held against, and which number of the two decided."""
    if metric is None:
        return Text(f"“{title.en}” was not measured", f"未测得“{title.zh}”")
    value = with_unit(shown(metric.value, limit.value), metric.unit)
    en, zh = f"“{title.en}” is {value.en}", f"“{title.zh}”为 {value.zh}"
    if limit.bound in ("point", "exact"):
        said = _how_the_value_stands(limit, metric)
        return Text(en + said.en, zh + said.zh)
    bounds, said = _bounds(metric, limit.value), _how_the_bounds_stand(limit, metric)
    return Text(f"{en} ({bounds.en}); {said.en}", f"{zh}（{bounds.zh}）；{said.zh}")


def way_back(limit: Limit, compared: Decimal | None, title: Text) -> Text:
    """What has to become of a number that misses its limit."""
    meets = _SIDES[limit.op].meets
    bound = {"upper": Text("the upper bound of ", "的上界"), "lower": Text("the lower bound of ", "的下界")}.get(
        limit.bound, Text("", "")
    )
    now = shown(compared, limit.value)
    since = Text("", "") if compared is None else Text(f" from {now}", f"由 {now} ")
    goal = with_unit(plain(limit.value), limit.unit)
    return Text(
        f"bring {bound.en}“{title.en}”{since.en} to {meets.en} {goal.en}, then test again",
        f"将“{title.zh}”{bound.zh}{since.zh}改进至{meets.zh} {goal.zh}，然后重新测试",
    )


def what_would_decide(limit: Limit, metric: Metric, title: Text) -> Text:
    """What is missing for a decision: samples (roughly how many), a bound, or a stronger test."""
    for_it, for_it_zh = f"for “{title.en}”,", f"就“{title.zh}”而言，"
    if limit.power:
        return Text(
            f"{for_it} a test of more power is needed: with more samples, or one that finds more of what is planted",
            f"{for_it_zh}需要检出能力更强的测试：增加样本，或能检出更多植入缺陷",
        )
    if metric.low is None and metric.high is None:
        bound = _SIDES[limit.op].pessimistic
        return Text(
            f"{for_it} the {bound.en} has to be measured: the value alone decides nothing",
            f"{for_it_zh}须测得{bound.zh}：仅凭估计值不能判定",
        )
    if metric.value == limit.value:
        return Text(
            f"{for_it} the observed value equals the limit: more than {metric.n} samples are needed to part them",
            f"{for_it_zh}实测值等于限值，需要多于 {metric.n} 个样本才能区分二者",
        )
    needed = samples_needed(metric, limit.value)
    if needed is None:
        return Text(
            f"{for_it} more independent samples than the {metric.n} used are needed",
            f"{for_it_zh}需要多于 {metric.n} 个独立样本",
        )
    return Text(
        f"{for_it} about {needed} samples would decide at the observed rate ({metric.n} used)",
        f"{for_it_zh}按实测比率约需 {needed} 个样本方可判定（已用 {metric.n} 个）",
    )


def samples_needed(metric: Metric, limit: Decimal) -> int | None:
    """Roughly how many samples decide a proportion at its observed rate, or `None` if it is no proportion.

    From the score test (Wilson 1927, JASA 22): decided once (p - limit)² ≥ z² limit (1 - limit) / n. Where that
    is no more than was already used (bounds corrected for looks are wider), the width is scaled by 1/√n instead.
    """
    distance = abs(float(metric.value - limit))
    if metric.method != "clopper-pearson" or not 0 < limit < 1 or distance == 0:
        return None
    quantile = NormalDist().inv_cdf(float(metric.confidence))
    needed = quantile**2 * float(limit * (1 - limit)) / distance**2
    if needed <= metric.n:
        widest = max(abs(float(bound - metric.value)) for bound in (metric.low, metric.high) if bound is not None)
        needed = max(metric.n * (widest / distance) ** 2, metric.n + 1)
    return _two_digits(needed)


def not_applicable(answers: Sequence[Text]) -> Text:
    """By which answers a control does not apply."""
    return Text(
        f"does not apply: {' '.join(answer.en for answer in answers)}",
        f"不适用：{''.join(answer.zh for answer in answers)}",
    )


def answer(question: Text, value: object, *, assumed: bool) -> Text:
    """A question about the system with its answer, and whether the profile only assumes it.

    >>> answer(Text("Is it public?", "是否公开？"), False, assumed=True).en
    'Is it public? No (assumed by the profile).'
    """
    said = _value(value)
    by = Text(" (assumed by the profile)", "（由档案假定）") if assumed else Text("", "")
    return Text(f"{question.en} {said.en}{by.en}.", f"{question.zh}{said.zh}{by.zh}。")


def control_run_failed(check: Text, control: ControlRun) -> Text:
    """Why a check is not believed."""
    kind, kind_zh = ("null", "阴性") if control.kind == "null" else ("planted-fault", "阳性（植入缺陷）")
    expected, seen = clause(control.expected), clause(control.seen)
    return Text(
        f"the check “{check.en}” is not believed, because its {kind} control run failed;"
        f" expected: {expected.en}; seen: {seen.en}",
        f"检查项“{check.zh}”的结果不予采信，其{kind_zh}对照未通过；预期：{expected.zh}；实测：{seen.zh}",
    )


def not_measured(metrics: Sequence[Text], because: Sequence[Text]) -> Text:
    """Which metrics are missing, and why as far as that is known."""
    names = listed(metrics)
    en, zh = f"not measured: {names.en}", f"未测得：{names.zh}"
    for reason in map(clause, because):
        en, zh = f"{en} ({reason.en})", f"{zh}（{reason.zh}）"
    return Text(en, zh)


def summary(profile: Profile, verdicts: Sequence[Verdict]) -> Text:
    """One sentence that claims exactly what was tested, against which profile and edition."""
    others = [(word, verdicts.count(verdict)) for verdict, word in OTHER_VERDICTS.items() if verdict in verdicts]
    passed, total = verdicts.count(Verdict.PASS), len(verdicts)
    en = f"Tested against {profile.title.en}, edition {profile.edition}: {passed} of {total} controls pass"
    zh = f"依据“{profile.title.zh}”（{profile.edition} 版）测试：{total} 项控制中 {passed} 项通过"
    en += "".join(f", {count} {word.en}" for word, count in others)
    zh += "".join(f"，{count} 项{word.zh}" for word, count in others)
    if profile.outside_scope and profile.whole_title:
        count = len(profile.outside_scope)
        en += f"; {count} further control{'' if count == 1 else 's'} of {profile.whole_title.en} outside this test"
        zh += f"；“{profile.whole_title.zh}”另有 {count} 项控制不在本次测试范围内"
    return Text(f"{en}.", f"{zh}。")


_FIRST_WORD = re.compile(r"^[a-z][a-z-]*(?=[ ,:;]|$)")
_ENDINGS = (".", "?", "!", "。", "？", "！")


def _how_the_value_stands(limit: Limit, metric: Metric) -> Text:
    sides, number = _SIDES[limit.op], plain(limit.value)
    if compare(limit.op, limit.value, limit.bound, metric) == "pass":
        return Text(f" (limit: {sides.meets.en} {number})", f"（限值：{sides.meets.zh} {number}）")
    return Text(f", {sides.misses.en} the limit of {number}", f"，{sides.misses.zh}限值 {number}")


def _how_the_bounds_stand(limit: Limit, metric: Metric) -> Text:
    (meets, misses, pessimistic, optimistic), number = _SIDES[limit.op], plain(limit.value)
    outcome = compare(limit.op, limit.value, limit.bound, metric)
    if outcome == "pass":
        return Text(
            f"the {pessimistic.en} meets the limit of {meets.en} {number}",
            f"{pessimistic.zh}满足限值（{meets.zh} {number}）",
        )
    if outcome == "fail":
        return Text(
            f"even the {optimistic.en} is {misses.en} the limit of {number}",
            f"即便{optimistic.zh}也{misses.zh}限值 {number}",
        )
    if (metric.high if limit.op == "<=" else metric.low) is None:
        return Text(
            f"the {pessimistic.en}, which has to meet the limit of {meets.en} {number}, was not measured",
            f"须满足限值（{meets.zh} {number}）的{pessimistic.zh}未测得",
        )
    if None in (metric.low, metric.high):
        return Text(
            f"the {pessimistic.en} is {misses.en} the limit of {number}, and the {optimistic.en} was not measured",
            f"{pessimistic.zh}{misses.zh}限值 {number}，而{optimistic.zh}未测得",
        )
    return Text(f"the limit of {number} lies between the two", f"限值 {number} 落在两界之间")


def _bounds(metric: Metric, limit: Decimal) -> Text:
    """The bounds that were measured, and on how many samples."""
    percent = plain((metric.confidence * 100).normalize())
    low, high = shown(metric.low, limit), shown(metric.high, limit)
    if metric.low is None and metric.high is None:
        return Text(f"n = {metric.n}", f"n = {metric.n}")
    if metric.low is not None and metric.high is not None:
        said = Text(f"bounds {low} and {high}", f"置信界 {low} 与 {high}")
    else:
        side, number = (_LOWER, low) if metric.high is None else (_UPPER, high)
        said = Text(f"{side.en} {number}", f"置信{side.zh} {number}")
    return Text(f"one-sided {percent} % {said.en}, n = {metric.n}", f"单侧 {percent} % {said.zh}，n = {metric.n}")


def _rounded(value: Decimal, digits: int) -> Decimal:
    return Context(prec=digits, rounding=ROUND_HALF_EVEN).plus(value).normalize()


def _value(value: object) -> Text:
    if isinstance(value, bool):
        return Text("Yes", "是") if value else Text("No", "否")
    if value == "none":
        return Text("None", "无")
    if isinstance(value, list):
        return Text(", ".join(map(str, value)), "、".join(map(str, value)))
    return Text(str(value), str(value))


def _two_digits(count: float) -> int:
    """Rounded up to two significant digits: an estimate should not look exact."""
    scale: int = 10 ** max(math.floor(math.log10(count)) - 1, 0)
    return math.ceil(count / scale) * scale
