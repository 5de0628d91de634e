"""Whether a decision can be followed from its line in the log back to the model and the input that it came from."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.operation.hash_chain import holds, line_digest
from touchstone.system.registers.event_log import LoggedEvent
from touchstone.text import Text

TOLERANCE = 1e-3
"""Largest difference of a probability: what runtimes and rounding in a log may change."""

REASONS = {
    "chain-broken": Text("the chain of the log does not hold at the line", "日志链在该行处不成立"),
    "clock-back": Text("written earlier than the line before", "写入时间早于前一行"),
    "number-twice": Text("a number that stands twice", "编号重复"),
    "model-unknown": Text("names no model of this system", "未指明本系统的模型"),
    "model-not-in-service": Text(
        "names a model that was not yet in service then, by the record of releases",
        "所指模型按发布记录当时尚未投入使用",
    ),
    "input-unknown": Text(
        "names no input of the test data, or two different ones", "未指明测试数据中的输入，或指向两个不同的输入"
    ),
    "answer-differs": Text("the model, asked again, answers otherwise", "再次询问模型，其回答与日志不同"),
    "override-incomplete": Text(
        "an override without a person, or of no earlier decision in the log",
        "改判未注明人员，或日志中没有所改判的更早决策",
    ),
}
"""Why a decision cannot be traced, in the order in which it is looked for."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model answers to some rows: classes `(n,)`, and their probabilities `(n,)` where it gives any."""

    classes: NDArray[np.int64]
    probabilities: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True)
class Known:
    """What a log is held against."""

    labels: Sequence[str]
    rows: Mapping[str, int]
    """Place of a row in the test data, by its identifier."""
    inputs: Mapping[str, int]
    """The same, by the digest of its input."""
    ask: Mapping[str, Callable[[Sequence[int]], Answers]]
    """Asks the model with this digest about rows of the test data. Under `ANY` stands a model without a file."""
    in_service_since: Mapping[str, datetime] = field(default_factory=dict)
    """When the model with this digest first went into service, as far as releases are on record."""


ANY = ""
"""Stands for the digest of a model that is a service or a table of answers: nobody can compare it."""


def untraceable(
    lines: Sequence[bytes], events: Sequence[LoggedEvent], sample: Sequence[int], known: Known
) -> dict[int, str | None]:
    """For the places of decisions and overrides in `sample`, why they cannot be traced; `None` where they can.

    `lines` are the lines of the log as they are, one for each of `events`.
    """
    found = _by_the_log_itself(lines, events, sample)
    asked: dict[str, dict[int, int]] = {}
    for place in sample:
        event = events[place]
        if found[place] is None and event.kind == "decision":
            model = ANY if ANY in known.ask and event.model is not None else event.model
            row = _row(event, known)
            if model not in known.ask:
                found[place] = "model-unknown"
            elif event.at < known.in_service_since.get(event.model or ANY, event.at):
                found[place] = "model-not-in-service"
            elif row is None or event.output is None:
                found[place] = "input-unknown" if row is None else "answer-differs"
            else:
                asked.setdefault(model or ANY, {})[place] = row
    for model, row_of in asked.items():
        found.update(_asked_again(events, row_of, known, model))
    return found


def _by_the_log_itself(
    lines: Sequence[bytes], events: Sequence[LoggedEvent], sample: Sequence[int]
) -> dict[int, str | None]:
    links = [*holds(lines, [event.previous for event in events]), True]
    first: dict[str, int] = {}
    for place, event in enumerate(events):
        first.setdefault(event.id, place)
    found: dict[int, str | None] = dict.fromkeys(sample)
    for place in sample:
        event = events[place]
        if not (links[place] and links[place + 1]):
            found[place] = "chain-broken"
        elif place and event.at < events[place - 1].at:
            found[place] = "clock-back"
        elif first[event.id] != place:
            found[place] = "number-twice"
        elif event.kind == "override" and not _complete(event, events, first):
            found[place] = "override-incomplete"
    return found


def _complete(event: LoggedEvent, events: Sequence[LoggedEvent], first: Mapping[str, int]) -> bool:
    changed = first.get(event.of or "")
    if event.person is None or event.decision is None or changed is None:
        return False
    return changed < first[event.id] and events[changed].kind == "decision"


def _row(event: LoggedEvent, known: Known) -> int | None:
    named = {known.rows.get(event.row)} if event.row is not None else set()
    if event.input is not None:
        named.add(known.inputs.get(event.input))
    return named.pop() if len(named) == 1 else None


def _asked_again(
    events: Sequence[LoggedEvent], row_of: Mapping[int, int], known: Known, model: str
) -> dict[int, str | None]:
    rows = sorted(set(row_of.values()))
    answers = known.ask[model](rows)
    at = {row: position for position, row in enumerate(rows)}
    found: dict[int, str | None] = {}
    for place, row in row_of.items():
        event, position = events[place], at[row]
        same = event.output == known.labels[int(answers.classes[position])]
        if same and event.probability is not None and answers.probabilities is not None:
            same = abs(event.probability - float(answers.probabilities[position])) <= TOLERANCE
        found[place] = None if same else "answer-differs"
    return found


def written(entries: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """Lines of a log with these entries, each naming the digest of the one before."""
    lines: list[bytes] = []
    for entry in entries:
        chained = {**entry, "previous": line_digest(lines[-1])} if lines else entry
        lines.append(json.dumps(chained, ensure_ascii=False).encode())
    return lines


def consistent_log(generator: np.random.Generator) -> tuple[list[dict[str, Any]], Known]:
    """Entries of a made-up log in which every decision can be traced, and what they are held against."""
    size, model = 10, line_digest(b"made-up model")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    classes = generator.integers(2, size=size)
    probabilities = generator.uniform(0.5, 1.0, size=size)
    known = Known(
        labels=("no", "yes"),
        rows={f"row-{row}": row for row in range(size)},
        inputs={line_digest(f"input {row}".encode()): row for row in range(size)},
        ask={model: lambda rows: Answers(classes[list(rows)], probabilities[list(rows)])},
        in_service_since={model: start},
    )
    entries: list[dict[str, Any]] = []
    for number in range(30):
        row = int(generator.integers(size))
        named = {"row": f"row-{row}"} if number % 2 else {"input": line_digest(f"input {row}".encode())}
        entries.append(
            {
                "id": f"made-up-{number}",
                "at": (start + timedelta(seconds=number)).isoformat(),
                "kind": "decision",
                "model": model,
                **named,
                "output": known.labels[classes[row]],
                "probability": round(float(probabilities[row]), 4),
            }
        )
    entries.append(
        {
            "id": "made-up-override",
            "at": (start + timedelta(minutes=1)).isoformat(),
            "kind": "override",
            "of": "made-up-3",
            "decision": "no",
            "person": "made-up person",
        }
    )
    return entries, known
