"""The part of verification that asks a whole log: what else did the same signer put on it?

The log keeps digests, not statements. Those that its owner keeps beside it are matched with their entries, so that
every plan for the same system shows with what came of it; the others are counted. Who ran five assessments and shows
one cannot hide that there are more.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from touchstone.canonical import digest_of
from touchstone.errors import EvidenceError
from touchstone.evidence.disclosed import Attempt, Disclosed, attempts, place_of, read_disclosed
from touchstone.evidence.files import read_regular
from touchstone.evidence.layout import CHECKPOINT, StatementName
from touchstone.evidence.leaf import named_by
from touchstone.evidence.log_errors import log_errors
from touchstone.evidence.verification import Signed, Steps
from touchstone.text import Text
from touchstone.tlog.checkpoint import Checkpoint
from touchstone.tlog.log import Log
from touchstone.tlog.note import LARGEST_NOTE, Note

_ABOUT_A_SYSTEM = {name.predicate_type for name in StatementName}


def ask_log(folder: Path, root: Path, shown: Sequence[Signed], steps: Steps) -> None:
    """Note what the signers of the statements `shown` put on the log besides them, and what came of their plans.

    `folder` is a copy of the log, `root` where the evidence with its checkpoint lies.
    """
    label = str(folder)
    with steps.noting("history", label), log_errors():
        log = Log.open(folder)
        _require_same_log(log, root, label)
        entries = list(log.entries())
        signers = {signed.party.key_id for signed in shown}
        by_them = {index for index, entry in enumerate(entries) if named_by(entry, label)[1] in signers}
        here = _shown_on(entries, shown)
        kept = {each.index: each for each in read_disclosed(folder, entries) if each.signer in signers}
        undisclosed = len(by_them - here.keys() - kept.keys())
        _count(len(by_them), len(by_them - here.keys()), undisclosed, steps, label)
        systems = {each.statement.subject_digest for each in shown if each.statement.predicate_type in _ABOUT_A_SYSTEM}
        known = sorted((kept | here).values(), key=lambda each: each.index)
        plans = [attempt for attempt in attempts(known) if attempt.plan.system in systems]
        _list(plans, undisclosed, steps, label)


def _shown_on(entries: Sequence[bytes], shown: Iterable[Signed]) -> dict[int, Disclosed]:
    """The statements at hand that are on the log, by their place."""
    positions = {entry: index for index, entry in enumerate(entries)}
    found = {}
    for signed in shown:
        key = signed.party.statement_key()
        index = place_of(signed.data, signed.file, key, positions)
        if index is not None:
            found[index] = Disclosed(index, digest_of(signed.data), key.id, signed.statement)
    return found


def _count(by_them: int, others: int, undisclosed: int, steps: Steps, label: str) -> None:
    if undisclosed:
        steps.not_checked(
            "history",
            Text(
                f"holds {by_them} statements by the same signer, {undisclosed} of which are not here "
                "and not kept with the log: ask for them, each further attempt leaves one",
                f"含同一签名方的 {by_them} 个声明，其中 {undisclosed} 个既不在此处也未随日志保存：请索取，"
                "每次另行尝试都会留下记录",
            ),
            label,
        )
    elif others:
        steps.ok(
            "history",
            Text(
                f"holds {by_them} statements by the same signer, {others} of which are not here but kept with the log",
                f"含同一签名方的 {by_them} 个声明，其中 {others} 个不在此处，但随日志保存",
            ),
            label,
        )
    else:
        steps.ok("history", Text("holds no other statement by the same signer", "没有同一签名方的其他声明"), label)


def _list(plans: Sequence[Attempt], undisclosed: int, steps: Steps, label: str) -> None:
    """Each plan with what came of it, then how many were reported: the number that a chosen result gives away."""
    if not plans:
        steps.not_checked(
            "plans",
            Text("no plan for this system is at hand or kept with it", "既未提供也未保存该系统的测评方案"),
            label,
        )
        return
    for attempt in plans:
        text = _told(attempt)
        if attempt.reported:
            steps.ok("plans", text, label)
        else:
            steps.not_checked("plans", text, label)
    reported = sum(attempt.reported for attempt in plans)
    summary = Text(
        f"{_counted(len(plans))} for this system by this signer, {reported} reported"
        + f"; {undisclosed} further statements are undisclosed" * bool(undisclosed),
        f"该签名方针对本系统有 {len(plans)} 个方案，已报告 {reported} 个"
        + f"；另有 {undisclosed} 个声明未公开" * bool(undisclosed),
    )
    if reported == len(plans) and not undisclosed:
        steps.ok("plans", summary, label)
    else:
        steps.not_checked("plans", summary, label)


def _counted(plans: int) -> str:
    return "1 plan" if plans == 1 else f"{plans} plans"


def _told(attempt: Attempt) -> Text:
    plan = attempt.plan
    verdicts = ", ".join(assessment.verdict for assessment in attempt.assessments)
    numbers = ", ".join(decision.id for decision in attempt.decisions)
    en = f"assessed ({verdicts})" if verdicts else "no assessment of it is on the log"
    zh = f"已测评（{verdicts}）" if verdicts else "日志上没有其测评结论"
    decided = f", {numbers}" if numbers else ""
    return Text(
        f"entry {attempt.index}, plan against {plan.profile_id}, edition {plan.edition}, budget {plan.budget}: "
        f"{en}{decided}",
        f"第 {attempt.index} 条，针对 {plan.profile_id}（{plan.edition} 版，预算 {plan.budget}）的方案：{zh}{decided}",
    )


def _require_same_log(log: Log, root: Path, label: str) -> None:
    """The checkpoint beside the evidence must be an earlier state of this log, or the log proves nothing about it."""
    if not os.path.lexists(root / CHECKPOINT):
        raise EvidenceError(
            Text("is missing: whether it is this log cannot be known", "缺失：无法得知是否为该日志"), CHECKPOINT
        )
    note = Note.parse(read_regular(root / CHECKPOINT, CHECKPOINT, largest=LARGEST_NOTE), CHECKPOINT)
    if not log.extends(Checkpoint.of(note, CHECKPOINT)):
        raise EvidenceError(
            Text(
                "is not the log that this evidence is in, or took something back", "不是收录该证据的日志，或已撤回记录"
            ),
            label,
        )
