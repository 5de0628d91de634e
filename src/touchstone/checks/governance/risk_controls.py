"""A risk register made up for a test of the test: everything in order, and one flaw at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from touchstone.checks.governance.recorded_state import PresentState
from touchstone.checks.governance.risk_records import RiskRecords
from touchstone.checks.governance.threat_families import FAMILIES
from touchstone.checks.register_controls import Plant
from touchstone.system.registers.risk_acceptances import RiskAcceptance
from touchstone.system.registers.risks import Risk
from touchstone.text import Text

START = date(2026, 1, 1)
LONGEST = 180
STATE = PresentState("2", {"model": "sha256:" + "0" * 64}, ("model",))


def sound_risks(generator: np.random.Generator) -> RiskRecords:
    """One risk for each family of threats, all accepted, at times by lot."""
    risks, acceptances = [], []
    for number, family in enumerate(FAMILIES):
        identified = START + timedelta(days=int(generator.integers(60)))
        accepted = identified + timedelta(days=int(generator.integers(30)))
        risks.append(
            Risk(
                id=f"R-{number}",
                title=family.name.en,
                identified=identified,
                owner="owner",
                threats=[family.identifiers[0]],
                treatment="reduce",
                residual="low",
            )
        )
        acceptances.append(
            RiskAcceptance(
                id=f"A-{number}",
                risk=f"R-{number}",
                requested_by="engineer",
                accepted_by="director",
                accepted=accepted,
                until=accepted + timedelta(days=int(generator.integers(100, LONGEST))),
                state=STATE.as_recorded(),
                reason="it is small",
            )
        )
    return RiskRecords(tuple(risks), tuple(acceptances), STATE, FAMILIES, START + timedelta(days=90))


def flawed_risks(sound: RiskRecords, generator: np.random.Generator) -> Iterator[Plant[RiskRecords]]:
    """The same register with one flaw at a time, in an entry by lot."""
    chosen = int(generator.integers(len(sound.risks)))
    risk, acceptance = sound.risks[chosen], sound.acceptances[chosen]
    other_risks = sound.risks[:chosen] + sound.risks[chosen + 1 :]
    others = sound.acceptances[:chosen] + sound.acceptances[chosen + 1 :]

    def accepted(**changed: Any) -> RiskRecords:
        return replace(sound, acceptances=(*others, acceptance.model_copy(update=changed)))

    yield Plant(
        Text("an acceptance that ended", "接受已到期"),
        accepted(until=sound.day - timedelta(days=1)),
        "acceptance-expired",
    )
    yield Plant(
        Text("accepted by whoever asked", "申请人自行接受"),
        accepted(accepted_by=acceptance.requested_by),
        "accepted-by-requester",
    )
    yield Plant(
        Text("accepted for another version", "针对其他版本的接受"),
        accepted(state=acceptance.state.model_copy(update={"version": "1"})),
        "accepted-for-another-state",
    )
    yield Plant(
        Text("accepted before anybody knew of the risk", "识别之前即已接受"),
        accepted(accepted=risk.identified - timedelta(days=1)),
        "accepted-before-identified",
    )
    yield Plant(
        Text("a risk that is not in the register", "台账中不存在的风险"),
        replace(sound, risks=other_risks),
        "risk-unknown",
    )
    yield Plant(
        Text("a risk without acceptance", "无人接受的风险"),
        replace(sound, acceptances=others),
        "risk-not-accepted",
    )
    yield Plant(Text("an acceptance that was revoked", "接受已撤销"), accepted(revoked=sound.day), "risk-not-accepted")
    yield Plant(
        Text("a name used twice", "编号重复"),
        replace(sound, risks=(*sound.risks, risk)),
        "name-used-twice",
    )
    yield Plant(
        Text("a threat that nobody thought of", "未考虑的威胁"),
        replace(sound, risks=(*other_risks, risk.model_copy(update={"threats": []}))),
        "threat-without-risk",
    )
    yield Plant(
        Text("a treatment that is never due", "永不到期的处置"),
        replace(
            sound,
            risks=(*other_risks, risk.model_copy(update={"due": risk.identified + timedelta(days=LONGEST + 1)})),
            acceptances=others,
        ),
        "acceptance_max_days",
    )
    yield Plant(
        Text("an acceptance for ever", "无限期接受"),
        accepted(until=acceptance.accepted + timedelta(days=LONGEST + 1)),
        "acceptance_max_days",
    )
