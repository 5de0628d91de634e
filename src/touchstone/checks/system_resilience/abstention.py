"""Whether a system can refuse to answer: one of its declared classes says so by its name."""

from __future__ import annotations

from typing import Final

from touchstone.methods.attacks.patch.judging import NONE
from touchstone.system.subject import Subject

NAMES: Final = frozenset({"abstain", "abstention", "reject", "rejected", "refuse", "unknown", "拒识", "拒绝", "未知"})
"""Names of a class, in any letter case, that mean “I do not answer this”."""


def abstention_of(subject: Subject) -> int:
    """Index of the class by which the system abstains; :data:`NONE` where it declares none."""
    labels = subject.description.model.output.labels
    return next((index for index, label in enumerate(labels) if label.strip().lower() in NAMES), NONE)
