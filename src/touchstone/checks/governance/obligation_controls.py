"""A register of obligations made up for a test of the test: everything decided and filed, and one flaw at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from touchstone.checks.governance.obligation_records import ObligationRecords, reading_of
from touchstone.checks.register_controls import Plant
from touchstone.standard.obligation_pack import Regime
from touchstone.system.description import FactValue
from touchstone.system.registers.obligation_record import ObligationDecision, ObligationFiling, ObligationRecord
from touchstone.text import Text


def sound_obligations(regimes: Sequence[Regime], generator: np.random.Generator) -> ObligationRecords:
    """Every fact of the packs stated by lot, every issue decided, every filing made."""
    day = max(date.fromisoformat(regime.pack.as_of) for regime in regimes)
    # Something to file is always there, or a missing filing could not be planted.
    facts: dict[str, FactValue] = {"deploy.public_facing": True, "service.public_opinion": True}
    for regime in regimes:
        for obligation in regime.obligations:
            for name in obligation.needs_now(facts):
                values = regime.vocabulary.facts[name].entry.values
                facts[name] = bool(generator.integers(2)) if values == "bool" else str(generator.choice(values))
    record = ObligationRecord(as_of=day, facts=facts)
    reading = reading_of(ObligationRecords(record, tuple(regimes), {}, day))
    decision = ObligationDecision(
        on=[issue.id for issue in reading.issues] or ["nothing"],
        owner="owner",
        decided=day - timedelta(days=int(generator.integers(1, 50))),
        decision="made up",
    )
    arose = day - timedelta(days=100)
    filings = [
        ObligationFiling(
            obligation=obligation.id,
            owner="owner",
            arose=arose,
            filed=arose + timedelta(days=2),
        )
        for obligation in reading.found.applying
        if obligation.entry.filing is not None
    ]
    decisions = [decision] if reading.issues else []
    return ObligationRecords(
        record.model_copy(update={"decisions": decisions, "filings": filings}), tuple(regimes), {}, day
    )


def flawed_obligations(sound: ObligationRecords, generator: np.random.Generator) -> Iterator[Plant[ObligationRecords]]:
    """The same register with one flaw at a time, in an entry by lot."""
    record, day = sound.record, sound.day
    filings = record.filings
    chosen = int(generator.integers(len(filings)))
    filing = filings[chosen]

    def with_record(**changed: Any) -> ObligationRecords:
        return replace(sound, record=record.model_copy(update=changed))

    def with_filing(**changed: Any) -> ObligationRecords:
        others = [*filings[:chosen], *filings[chosen + 1 :]]
        return with_record(filings=[*others, filing.model_copy(update=changed)])

    issues = reading_of(sound).issues
    if issues:
        dropped = issues[int(generator.integers(len(issues)))]
        (decision,) = record.decisions
        kept = [name for name in decision.on if name != dropped.id]
        yield Plant(
            Text("one of the overlaps, gaps and conflicts without a decision", "重叠、空白与冲突中有一项未作决定"),
            with_record(decisions=[decision.model_copy(update={"on": kept})]),
            f"{dropped.kind}-undecided",
        )
        yield Plant(
            Text("a decision of tomorrow", "尚未作出的决定"),
            with_record(decisions=[decision.model_copy(update={"decided": day + timedelta(days=1)})]),
            f"{dropped.kind}-undecided",
        )
    fact = "service.public_opinion"
    yield Plant(
        Text("a fact that nobody stated", "未说明的事实"),
        with_record(facts={name: value for name, value in record.facts.items() if name != fact}),
        "obligation-undecided",
    )
    yield Plant(
        Text("a value that the fact cannot take", "事实取值有误"),
        with_record(facts={**record.facts, fact: "no"}),
        "fact-not-understood",
    )
    yield Plant(
        Text("a fact the description states otherwise", "与系统描述不一致的事实"),
        replace(
            with_record(facts={**record.facts, "deploy.public_facing": False}), described={"deploy.public_facing": True}
        ),
        "contradicts-description",
    )
    yield Plant(
        Text("nothing filed", "未办理"),
        with_record(filings=[*filings[:chosen], *filings[chosen + 1 :]]),
        "filing-missing",
    )
    yield Plant(
        Text("a filing long overdue", "逾期未办理"),
        with_filing(filed=None, due=day - timedelta(days=1), arose=day - timedelta(days=800)),
        "overdue_filings",
    )
    yield Plant(
        Text("a filing that ended", "备案已届满"), with_filing(valid_until=day - timedelta(days=1)), "overdue_filings"
    )
    yield Plant(
        Text("a filing made too late", "逾期办理"),
        with_filing(due=filing.arose, filed=filing.arose + timedelta(days=2)),
        "filing-late",
    )
    yield Plant(
        Text("packs that nobody compared with the law", "数据包逾期未核对"),
        replace(sound, day=date(2100, 1, 1)),
        "law-not-compared",
    )
