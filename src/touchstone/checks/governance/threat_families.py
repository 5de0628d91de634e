"""Families of threats to a system that learnt, with their identifiers in public catalogues, and where each applies."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from touchstone.system.subject import Subject
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class ThreatFamily:
    """One family. An identifier stands for everything below it: AML.T0024 for AML.T0024.002 too."""

    name: Text
    identifiers: tuple[str, ...]
    """MITRE ATLAS, NIST AI 100-2 E2025, OWASP Machine Learning Security Top Ten 2023."""
    applies: Callable[[Subject], bool] = lambda _: True

    def covers(self, identifier: str) -> bool:
        """Whether an identifier, as somebody wrote it, belongs here."""
        written = identifier.strip().upper()
        return any(re.fullmatch(rf"{re.escape(own)}([.:].*)?", written) for own in self.identifiers)


def _holds_persons(subject: Subject) -> bool:
    """Unless it is declared that it does not: an unknown fact is no reason to leave a threat out."""
    return subject.facts.get("data.personal") is not False


def _answers_requests(subject: Subject) -> bool:
    return subject.description.model.endpoint is not None or subject.description.deployment.endpoint is not None


def _has_sensors(subject: Subject) -> bool:
    return bool(subject.description.deployment.edge_devices)


FAMILIES = (
    ThreatFamily(Text("evasion", "规避攻击"), ("AML.T0015", "AML.T0043", "NISTAML.022", "NISTAML.025", "ML01")),
    ThreatFamily(Text("poisoned data", "数据投毒"), ("AML.T0020", "NISTAML.013", "NISTAML.024", "ML02", "ML08")),
    ThreatFamily(
        Text("backdoors and changed models", "后门与模型篡改"),
        ("AML.T0018", "NISTAML.023", "NISTAML.026", "ML07", "ML10"),
    ),
    ThreatFamily(Text("copied models", "模型窃取"), ("AML.T0024.002", "NISTAML.031", "ML05")),
    ThreatFamily(
        Text("information about people in the training data", "训练数据中的个人信息泄露"),
        ("AML.T0024.000", "AML.T0024.001", "NISTAML.032", "NISTAML.033", "ML03", "ML04"),
        _holds_persons,
    ),
    ThreatFamily(Text("supply chain", "供应链"), ("AML.T0010", "NISTAML.051", "ML06")),
    ThreatFamily(Text("denial of service", "拒绝服务"), ("AML.T0029", "AML.T0034", "NISTAML.014"), _answers_requests),
    ThreatFamily(Text("physical access to sensors", "对传感器的物理接触"), ("AML.T0041",), _has_sensors),
)


def without_entry(families: Iterable[ThreatFamily], identifiers: Iterable[str]) -> tuple[ThreatFamily, ...]:
    """The families of which none of these identifiers is a member."""
    written = set(identifiers)
    return tuple(family for family in families if not any(family.covers(each) for each in written))
