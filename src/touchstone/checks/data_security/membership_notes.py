"""What the membership check says beside its numbers."""

from __future__ import annotations

from touchstone.errors import UnavailableError
from touchstone.records import Note
from touchstone.text import Text
from touchstone.training.shadows import Kind, Shadows

KINDS: dict[Kind, Text] = {
    "estimator": Text("clones of the estimator with its settings", "与所交估计器设置相同的克隆"),
    "network": Text("networks of the same architecture", "结构相同的网络"),
    "small-network": Text(
        "small networks with one hidden layer, as the model itself cannot be trained again here",
        "单隐层小网络（该模型本身无法在此重新训练）",
    ),
}


def references_used(shadows: Shadows) -> Note:
    """How many references there were, and of what kind."""
    count, kind = len(shadows.references), KINDS[shadows.kind]
    return Note(
        code="references-used",
        text=Text(
            f"compared with {count} references, each trained on half of the samples: {kind.en}",
            f"与 {count} 个参考模型对比，每个用一半样本训练：{kind.zh}",
        ),
    )


def no_references(error: UnavailableError) -> Note:
    """Why no upper bound can be given."""
    return Note(
        code="no-references",
        text=Text(
            f"no references could be trained ({error.what.en}), so an attacker who has some may see more: "
            "there is no upper bound",
            f"未能训练参考模型（{error.what.zh}）；拥有参考模型的攻击者可能获得更多信息，故不给出上界",
        ),
    )


def attack_used(attack: str, labels_only: bool) -> Note:
    """Which attack is scored."""
    en = f"the strongest attack on the half that chooses was {attack}"
    zh = f"在用于选择的一半样本上最强的攻击为 {attack}"
    if labels_only:
        en += "; the model answers with labels only, so attacks on probabilities could not be tried"
        zh += "；模型仅返回标签，无法尝试基于概率的攻击"
    return Note(code="attack-used", text=Text(en, zh))


def too_few_for_low_rate(have: int, need: int) -> Note:
    """Why the rate of the limit is missing."""
    return Note(
        code="too-few-for-low-false-positive-rate",
        text=Text(
            f"the true positive rate at 0.1 % false positives is not reported: {have} scored non-members, {need} "
            "needed; the AUC stands in",
            f"未报告 0.1 % 误报率下的真阳性率：参与评分的非成员为 {have} 个，至少需要 {need} 个；以 AUC 代替",
        ),
    )


def shared_rows(count: int) -> Note:
    """Test data that were no strangers."""
    return Note(
        code="test-rows-in-training-data",
        text=Text(
            f"{count} test samples are also training data and were left out",
            f"有 {count} 个测试样本同时出现在训练数据中，已排除",
        ),
    )


def skipped_groups(groups: list[str]) -> Note:
    """Groups without a number of their own."""
    named = ", ".join(groups)[:500]
    return Note(
        code="groups-too-small",
        text=Text(
            f"too few scored samples to say anything about: {named}",
            f"以下分组参与评分的样本过少，无法给出结论：{named}",
        ),
    )
