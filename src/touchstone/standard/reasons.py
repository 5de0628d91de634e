"""The reasons that the judge gives: a code for programs, a sentence for people, and what to do. Decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

from touchstone.records import Note
from touchstone.standard import wording
from touchstone.standard.applicability import Question
from touchstone.standard.comparing import Compared
from touchstone.standard.units import unit
from touchstone.text import Text


def met(compared: Sequence[Compared]) -> Note:
    """Every limit is met."""
    said = _said(compared)
    return Note(code="all-limits-met", text=Text(f"meets every limit: {said.en}", f"满足全部限值：{said.zh}"))


def missed(failures: Sequence[Compared]) -> tuple[Note, Text]:
    """Limits are missed, some of which may be our own starting values."""
    said = _said(failures)
    en, zh = f"misses the limit: {said.en}", f"未达限值：{said.zh}"
    pilot = [each.title for each in failures if each.limit.basis.kind == "pilot"]
    if pilot:
        named = wording.listed(pilot)
        en += f". Pilot limit (our own starting value, not a legal or standard limit): {named.en}"
        zh += f"。试点限值（本标准自拟的起始值，非法律或标准限值）：{named.zh}"
    by_reviewers = all(each.metric is not None and each.metric.method == "attested" for each in failures)
    return (
        Note(code="attested-value-misses-limit" if by_reviewers else "bound-misses-limit", text=Text(en, zh)),
        wording.joined([wording.way_back(each.limit, each.decision.compared, each.title) for each in failures]),
    )


def straddle(straddling: Sequence[Compared]) -> tuple[Note, Text]:
    """Limits that what was measured leaves open."""
    said = _said(straddling)
    decisive = [
        wording.what_would_decide(each.limit, each.metric, each.title) for each in straddling if each.metric is not None
    ]
    text = Text(f"cannot be decided: {said.en}", f"无法判定：{said.zh}")
    return Note(code="bound-straddles-limit", text=text), wording.joined(decisive)


def units_differ(mistaken: Sequence[Compared]) -> Note:
    """Numbers in different units must not meet: the check and the standard do not fit together."""
    parts = []
    for each in mistaken:
        if each.metric is not None:
            measured, limit = unit(each.metric.unit), unit(each.limit.unit)
            parts.append(
                Text(
                    f"the unit of “{each.title.en}” is “{measured.en}”, that of its limit “{limit.en}”",
                    f"“{each.title.zh}”的测量单位为“{measured.zh}”，而限值单位为“{limit.zh}”",
                )
            )
    return Note(code="units-differ", text=wording.joined(parts))


def unknown(asked: Sequence[Question]) -> tuple[Note, Text]:
    """Questions that nobody answered, on which it depends what applies."""
    facts = [f"`{question.fact}`" for question in asked]
    text = Text(
        "it is not known what applies: " + " ".join(question.text.en for question in asked),
        "尚未回答，无法确定是否适用：" + "".join(question.text.zh for question in asked),
    )
    return (
        Note(code="fact-unknown", text=text),
        Text(
            f"answer under `facts` of the description, as {', '.join(facts)}",
            f"请在系统描述的 `facts` 中以 {'、'.join(facts)} 回答",
        ),
    )


def crashed(check: Text, error: Note | None) -> Note:
    """A check that broke off."""
    detail = error.text if error else Text("no details", "无详细信息")
    text = Text(f"the check “{check.en}” did not finish: {detail.en}", f"检查项“{check.zh}”未能完成：{detail.zh}")
    return Note(code="check-crashed", text=text)


def absent(check: Text) -> Note:
    """A check whose planned observation is gone."""
    text = Text(
        f"the check “{check.en}” was planned, but there is no observation of it",
        f"检查项“{check.zh}”已列入计划，但没有其观测记录",
    )
    return Note(code="observation-absent", text=text)


def _said(compared: Sequence[Compared]) -> Text:
    return wording.joined([wording.comparison(each.limit, each.metric, each.title) for each in compared])
