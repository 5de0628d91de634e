"""What the adversarial check says of attacks that it could not make, or not to the end."""

from __future__ import annotations

from touchstone.checks.system_resilience.attacker import Attacker
from touchstone.records import Note
from touchstone.text import Text


def left_out(attacker: Attacker) -> tuple[Note, ...]:
    """Why gradients, the free attack or the rest of an attack are missing, as far as they are."""
    notes = []
    if not attacker.free:
        notes.append(_NO_FREE_ATTACK)
    elif attacker.no_gradients is not None:
        notes.append(_no_gradients(attacker.no_gradients))
    if attacker.spent is not None:
        notes.append(_budget_spent(attacker.spent.what))
    return tuple(notes)


_NO_FREE_ATTACK = Note(
    code="free-attack-left-out",
    text=Text(
        "no input column is continuous, so no small change of any column was tried; measured is what the description "
        "lets an attacker change",
        "没有连续型输入列，未做任意列的微小扰动攻击；所测为描述文件允许攻击者作出的改动",
    ),
)


def _no_gradients(why: Text) -> Note:
    return Note(
        code="no-gradients",
        text=Text(
            f"the model was attacked as a black box, without its gradients: {why.en}",
            f"仅对模型做黑盒攻击，未使用梯度：{why.zh}",
        ),
    )


def _budget_spent(what: Text) -> Note:
    return Note(
        code="budget-spent",
        text=Text(
            f"the attack ended early: {what.en}. What was broken until then is proof; how many of the others would "
            "break is open, and so is every limit that their number could meet",
            f"攻击提前结束：{what.zh}。此前攻破的样本仍为实证；其余样本中会被攻破的数量未知，"
            "凡取决于该数量的限值均不予认定满足",
        ),
    )
