"""How the judge says it: numbers and sentences in both languages. Decides nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from statistics import NormalDist

from touchstone.records import ControlRun, Limit, Metric, Operator, Profile, Verdict, plain
from touchstone.text import Text

SHOWN_DIGITS = 4
"""Significant digits of a measured number in a sentence; the record keeps them all."""

SIGNS: dict[Operator, str] = {"<=": "≤", ">=": "≥"}
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


def spaced(name: str) -> str:
    """The id of a metric or unit as words: `attack auc`."""
    return name.replace("_", " ")


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


def comparison(limit: Limit, metric: Metric | None) -> Text:
    """`attack auc 0.55 (one-sided 95 % bounds 0.51 and 0.58, n = 2000), limit ≤ 0.6 on the upper bound`."""
    name = spaced(limit.metric)
    if metric is None:
        return Text(f"{name} not measured", f"{name} 未测得")
    value, low, high = (shown(each, limit.value) for each in (metric.value, metric.low, metric.high))
    demand = f"{SIGNS[limit.op]} {plain(limit.value)}"
    if limit.bound in ("point", "exact"):
        return Text(f"{name} {value}, limit {demand}", f"{name} 为 {value}，限值 {demand}")
    percent = plain((metric.confidence * 100).normalize())
    return Text(
        f"{name} {value} (one-sided {percent} % bounds {low} and {high}, n = {metric.n}),"
        f" limit {demand} on the {limit.bound} bound",
        f"{name} 为 {value}（单侧 {percent} % 置信界 {low} 与 {high}，n = {metric.n}），"
        f"{'上' if limit.bound == 'upper' else '下'}界限值 {demand}",
    )


def way_back(limit: Limit, compared: Decimal | None) -> Text:
    """What has to become of a number that misses its limit."""
    en, zh = ("at most", "不高于") if limit.op == "<=" else ("at least", "不低于")
    bound, bound_zh = {"upper": ("upper bound of ", "上界"), "lower": ("lower bound of ", "下界")}.get(
        limit.bound, ("", "")
    )
    name, from_value = spaced(limit.metric), shown(compared, limit.value)
    now, now_zh = ("", "") if compared is None else (f" from {from_value}", f"由 {from_value} ")
    return Text(
        f"bring the {bound}{name}{now} to {en} {plain(limit.value)}, then test again",
        f"将 {name} {bound_zh}{now_zh}改进至{zh} {plain(limit.value)}，然后重新测试",
    )


def what_would_decide(limit: Limit, metric: Metric) -> Text:
    """What is missing for a decision: samples (roughly how many), a bound, or a stronger test."""
    name = spaced(limit.metric)
    if limit.power:
        return Text(
            f"{name}: a test that finds more of the planted faults is needed",
            f"{name}：需要能检出更多植入缺陷的测试",
        )
    if metric.low is None and metric.high is None:
        return Text(
            f"{name}: the {limit.bound} bound was not measured, and the value alone decides nothing",
            f"{name}：未测得{'上' if limit.bound == 'upper' else '下'}界，仅凭估计值不能判定",
        )
    if metric.value == limit.value:
        return Text(
            f"{name}: the observed value equals the limit; more than {metric.n} samples are needed to part them",
            f"{name}：实测值等于限值，需要多于 {metric.n} 个样本才能区分二者",
        )
    needed = samples_needed(metric, limit.value)
    if needed is None:
        return Text(
            f"{name}: more independent samples than the {metric.n} used are needed",
            f"{name}：需要多于 {metric.n} 个独立样本",
        )
    return Text(
        f"{name}: about {needed} samples would decide at the observed rate ({metric.n} used)",
        f"{name}：按实测比率约需 {needed} 个样本方可判定（已用 {metric.n} 个）",
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


def not_applicable(deciding: Mapping[str, object], assumed: Sequence[str]) -> Text:
    """Which facts decided that a control does not apply, and which of them the profile only assumes."""
    facts = ", ".join(f"{fact} = {_fact(value)}" for fact, value in deciding.items())
    en, zh = f"does not apply, because {facts}", f"不适用，因为 {facts}"
    if assumed:
        en += f" (assumed by the profile: {', '.join(assumed)})"
        zh += f"（由档案假定：{'、'.join(assumed)}）"
    return Text(en, zh)


def control_run_failed(check: str, control: ControlRun) -> Text:
    """Why a check is not believed."""
    kind, kind_zh = ("null", "阴性") if control.kind == "null" else ("planted-fault", "阳性（植入缺陷）")
    expected, seen = clause(control.expected), clause(control.seen)
    return Text(
        f"check {check} is not believed, because its {kind} control run failed;"
        f" expected: {expected.en}; seen: {seen.en}",
        f"检查项 {check} 的结果不予采信，其{kind_zh}对照未通过；预期：{expected.zh}；实测：{seen.zh}",
    )


def not_measured(metrics: Sequence[str], because: Sequence[Text]) -> Text:
    """Which metrics are missing, and why as far as that is known."""
    names = [spaced(metric) for metric in metrics]
    en, zh = f"not measured: {', '.join(names)}", f"未测得：{'、'.join(names)}"
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


def _rounded(value: Decimal, digits: int) -> Decimal:
    return Context(prec=digits, rounding=ROUND_HALF_EVEN).plus(value).normalize()


def _fact(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _two_digits(count: float) -> int:
    """Rounded up to two significant digits: an estimate should not look exact."""
    scale: int = 10 ** max(math.floor(math.log10(count)) - 1, 0)
    return math.ceil(count / scale) * scale
