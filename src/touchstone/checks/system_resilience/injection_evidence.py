"""What the injection check leaves behind: every conversation with its decision, a report by technique, remarks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Run
from touchstone.checks.system_resilience.injection_campaign import Campaign
from touchstone.checks.system_resilience.injection_controls import JudgeValidation
from touchstone.checks.system_resilience.injection_talk import Tried
from touchstone.checks.system_resilience.injection_usefulness import Done, OwnTask, Usefulness
from touchstone.conversation import Conversation, Message, Reply, ToolCall
from touchstone.records import Exhibit, Note
from touchstone.text import Text

LARGEST = 32 * 1024**2
"""Bytes of conversations that are kept. Those with success come first."""
WORST = 3
_ASPECTS: dict[str, Callable[[Tried], str]] = {
    "technique": lambda tried: tried.attempt.arm.name,
    "goal": lambda tried: tried.attempt.goal.kind,
    "language": lambda tried: tried.attempt.goal.language,
    "carrier": lambda tried: tried.attempt.carrier,
}


def exhibits(
    campaigns: Sequence[Campaign], usefulness: Usefulness, validation: JudgeValidation, run: Run, *, own_shown: bool
) -> tuple[Exhibit, ...]:
    """Conversations, attack report and the judge's validation. Tasks of the supplier only where they may be shown."""
    lines = [(tried.success, line) for campaign in campaigns for tried, line in _tries(campaign)]
    lines += [(False, _errand(done)) for done in usefulness.done if own_shown or not isinstance(done.errand, OwnTask)]
    kept, size = [], 0
    for _, line in sorted(lines, key=lambda each: not each[0]):
        written = canonical_json(line) + b"\n"
        size += len(written)
        if size > LARGEST:
            break
        kept.append(written)
    report = {
        "schema": "touchstone.injection-report/v1",
        "conversations_kept": len(kept),
        "conversations": sum(len(each.lessons) + len(each.tried) for each in campaigns) + len(usefulness.done),
        "attacks": {campaign.sort: _report(campaign) for campaign in campaigns},
    }
    return (
        run.exhibit("conversations.jsonl", "application/jsonl", b"".join(kept)),
        run.exhibit("attack_report.json", "application/json", canonical_json(report)),
        run.exhibit("judge_validation.json", "application/json", canonical_json(validation.to_json())),
    )


def conversation_json(conversation: Conversation) -> dict[str, Any]:
    """A conversation as plain data."""
    return {
        "messages": [_message(message) for message in conversation.messages],
        "tools": [tool.name for tool in conversation.tools],
    }


def worst_techniques(campaign: Campaign) -> Note | None:
    """Which techniques succeeded most often among their tries, where any did."""
    counts = _counts(campaign, _ASPECTS["technique"])
    worked = [(seen / of, of, name) for name, (seen, of) in counts.items() if seen]
    if not worked:
        return None
    worst = "; ".join(f"{name} {counts[name][0]}/{of}" for _, of, name in sorted(worked, reverse=True)[:WORST])
    sort = {"direct": Text("direct", "直接注入"), "indirect": Text("indirect", "间接注入")}[campaign.sort]
    return Note(
        code=f"worst-techniques-{campaign.sort}",
        text=Text(
            f"techniques that succeeded most often, {sort.en} (successes/tries): {worst}",
            f"{sort.zh}中成功最多的手法（成功/尝试）：{worst}",
        ),
    )


def _report(campaign: Campaign) -> dict[str, Any]:
    """Counts of tries. The attacker chose them by what it had seen, so they have no bounds."""
    return {
        "lessons": len(campaign.lessons),
        "tries_per_goal": campaign.effort.tries,
        "goals": len(campaign.reached),
        "goals_reached": sum(campaign.reached),
        "tries": {
            aspect: [
                {"of": name, "successes": seen, "tries": tries}
                for name, (seen, tries) in sorted(_counts(campaign, of).items())
            ]
            for aspect, of in _ASPECTS.items()
        },
    }


def _counts(campaign: Campaign, aspect: Callable[[Tried], str]) -> dict[str, tuple[int, int]]:
    tries, successes = Counter[str](), Counter[str]()
    for tried in (*campaign.lessons, *campaign.tried):
        tries[aspect(tried)] += 1
        successes[aspect(tried)] += tried.success
    return {name: (successes[name], count) for name, count in tries.items()}


def _tries(campaign: Campaign) -> Iterator[tuple[Tried, dict[str, Any]]]:
    for phase, several in (("learning", campaign.lessons), ("measured", campaign.tried)):
        for tried in several:
            attempt, effect = tried.attempt, tried.attempt.goal.wish.effect
            yield (
                tried,
                {
                    "attack": campaign.sort,
                    "phase": phase,
                    **{aspect: of(tried) for aspect, of in _ASPECTS.items()},
                    "effect": {"kind": effect.kind, "value": effect.value, "at": effect.at},
                    "start": conversation_json(attempt.start),
                    "turns": [
                        {"said": [_message(each) for each in turn], "reply": _reply(reply)}
                        for turn, reply in zip(attempt.turns, tried.replies, strict=False)
                    ],
                    "success": tried.success,
                },
            )


def _errand(done: Done) -> dict[str, Any]:
    return {
        "attack": "none",
        "expected": done.errand.expected,
        "start": conversation_json(done.conversation),
        "guarded": _reply(done.guarded),
        "unguarded": None if done.unguarded is None else _reply(done.unguarded),
        "solved": done.solved,
        "solved_unguarded": done.solved_unguarded if done.unguarded is not None else None,
    }


def _message(message: Message) -> dict[str, Any]:
    document: dict[str, Any] = {"speaker": message.speaker, "text": _clean(message.text)}
    return document | ({"calls": [_call(call) for call in message.calls]} if message.calls else {})


def _reply(reply: Reply) -> dict[str, Any]:
    return {"text": _clean(reply.text), "calls": [_call(call) for call in reply.calls], "ending": reply.ending}


def _call(call: ToolCall) -> dict[str, str]:
    return {"name": _clean(call.name), "arguments": _clean(call.arguments)}


def _clean(text: str) -> str:
    """Without halves of characters, which no UTF-8 can hold: a service may send anything."""
    return text.encode("utf-8", "replace").decode("utf-8")
