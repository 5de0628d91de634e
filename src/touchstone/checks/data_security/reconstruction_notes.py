"""What the reconstruction check says beside its numbers."""

from __future__ import annotations

from touchstone.checks.data_security.planted_canaries import Canaries, what_to_plant
from touchstone.errors import UnavailableError
from touchstone.records import Note
from touchstone.text import Text


def what_to_hand_in() -> Text:
    """What makes either attack possible."""
    plant = what_to_plant()
    return Text(
        f"name the sensitive columns under `sensitive` of the training and test data, or {plant.en}",
        f"请在训练与测试数据的 `sensitive` 中列出敏感列；或{plant.zh.removeprefix('请')}",
    )


def no_attributes() -> Note:
    """Why no attribute was guessed."""
    return Note(
        code="no-sensitive-attribute",
        text=Text(
            "no sensitive attribute could be guessed: none is declared and no input column is called like one, or the "
            "inputs are texts",
            "无可推断的敏感属性：未声明敏感列，输入列名亦无敏感含义，或输入为文本",
        ),
    )


def too_few_persons(attribute: str, rare: list[str]) -> Note:
    """Why one attribute was not guessed."""
    named = ", ".join(rare)[:300]
    return Note(
        code="too-few-persons",
        text=Text(
            f"{attribute} was not guessed: fewer than two values have 40 persons each, both in the training data and "
            f"outside (too rare: {named or 'none'})",
            f"未对 {attribute} 进行推断：训练数据内外均有至少 40 人的取值不足两个（过少的取值：{named or '无'}）",
        ),
    )


def values_left_out(attribute: str, rare: list[str]) -> Note:
    """Of whom an attacked attribute was not guessed."""
    named = ", ".join(rare)[:300]
    return Note(
        code="values-left-out",
        text=Text(
            f"{attribute} was not guessed of persons whose value fewer than 40 have, in the training data or outside: "
            f"{named}",
            f"未对取值过少者（训练数据内或外不足 40 人）推断 {attribute}：{named}",
        ),
    )


def no_others() -> Note:
    """What the advantage is when nobody is known who was not trained on."""
    return Note(
        code="no-non-members",
        text=Text(
            "the attributes of others are not known, so what the answers tell about anybody is counted as well",
            "训练数据以外人员的属性未知，因此模型对任何人都透露的信息也一并计入",
        ),
    )


def no_canaries(error: UnavailableError) -> Note:
    """Why memorisation was not measured, and what to hand in."""
    plant = what_to_plant()
    return Note(
        code="no-canaries",
        text=Text(
            f"memorisation was not measured ({error.what.en}): {plant.en}",
            f"未测量记忆程度（{error.what.zh}）：{plant.zh}",
        ),
    )


_SOURCES = {
    "ledger": Text("canaries of the supplier's ledger", "供方台账中的金丝雀"),
    "estimator": Text(
        "our own canaries, planted in the training of clones of the estimator with its settings: this measures the way "
        "of training, not the run that made this model",
        "自备金丝雀，植入与所交估计器设置相同的克隆的训练：测量的是训练方式，而非产生本模型的那次训练",
    ),
    "network": Text(
        "our own canaries, planted in trainings of the same architecture with a recipe of ours: an indication, which "
        "no limit speaks of, as how this model was trained is not known",
        "自备金丝雀，以自定训练配方植入相同结构网络的训练：因不知本模型如何训练，仅作参考，不与限值比较",
    ),
}


def canaries_used(found: Canaries) -> tuple[Note, ...]:
    """Whose canaries they were, how often their labels are given anyway, and what is odd about them."""
    n, m, source = len(found.given_in), len(found.given_out), _SOURCES[found.source]
    used = Note(
        code="canaries-used",
        text=Text(
            f"{source.en}; {found.given_in.sum()} of {n} trained on get their label, {found.given_out.sum()} of {m} "
            "left out",
            f"{source.zh}；被给出植入标签的：参与训练的 {n} 个中 {found.given_in.sum()} 个、"
            f"未参与的 {m} 个中 {found.given_out.sum()} 个",
        ),
    )
    if found.source == "network":
        return (used, Note(code="no-ledger", text=what_to_plant()))
    if not found.strange:
        return (used,)
    return (
        used,
        Note(
            code="ledger-contradicted",
            text=Text(
                f"{found.strange} canaries were left aside: the training data handed in do not hold them although the "
                "ledger says so, or hold them although it does not",
                f"有 {found.strange} 个金丝雀未计入：台账所述与所交训练数据不符",
            ),
        ),
    )
