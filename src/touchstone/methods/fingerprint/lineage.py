"""What was done to a model between two versions, told from its weights: and whether that is what was declared.

The judgement names the one kind of change that explains every tensor, and why. It is about form: a fine-tuning that
plants a backdoor is a fine-tuning here. What stands out are changes that no declared work leaves behind: a few edited
numbers, single flipped bits, a matrix rewritten by one direction as model editing does (Meng et al. 2022, "Locating
and Editing Factual Associations in GPT").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from touchstone.methods.fingerprint.tensor_change import PROBES, TensorChange
from touchstone.text import Text

Lineage = Literal[
    "identical",
    "precision-change",
    "re-quantised",
    "pruned",
    "head-replaced",
    "fine-tuned",
    "sparse-edit",
    "bit-flips",
    "unrelated",
]
Declared = Literal["identical", "precision-change", "re-quantised", "pruned", "head-replaced", "fine-tuned"]

CONSISTENT: Final[dict[Declared, frozenset[Lineage]]] = {
    "identical": frozenset({"identical"}),
    "precision-change": frozenset({"precision-change"}),
    "re-quantised": frozenset({"re-quantised", "precision-change"}),
    "pruned": frozenset({"pruned"}),
    "head-replaced": frozenset({"head-replaced"}),
    "fine-tuned": frozenset({"fine-tuned", "head-replaced"}),
}
"""What is found when the declared change, and nothing else, was made."""
SUSPICIOUS: Final[frozenset[Lineage]] = frozenset({"sparse-edit", "bit-flips"})
"""What no usual work on a model leaves behind."""

PRECISION: Final = frozenset({"rounded", "quantised", "re-quantised"})
"""Kinds of change of a tensor that leave its values what they were, up to rounding."""
FEW: Final = 0.02
"""Share of the numbers of changed tensors up to which an edit is sparse. Training in bfloat16 at a small rate moves a
tenth of the weights and more; editing single facts or neurons moves a thousandth."""
MOST_EDITED_ROWS: Final = 2
"""Rank up to which the rewriting of a single matrix counts as an edit."""
LEAST_RANK_TOLD: Final = 8
"""Smaller matrices are of low rank whatever was done to them."""
NEARLY_WHOLE: Final = 0.9
"""Share of its numbers that a replaced head changes at least."""
ANEW: Final = 0.5
"""Relative norm of its difference from which a head counts as replaced; training one further moves it less."""
UNRELATED: Final = 0.1
"""Cosine below which a tensor has nothing of the elder one."""
_HEADS: Final = re.compile(r"(^|[._/])(head|lm_head|classifier|score|logits|fc|answer|output)([._/]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The kind of change, and the reasons for it."""

    lineage: Lineage
    reasons: tuple[Text, ...]

    @property
    def is_suspicious(self) -> bool:
        """Whether no usual work on a model leaves this behind."""
        return self.lineage in SUSPICIOUS

    def fits(self, declared: Declared) -> bool:
        """Whether this is what is found when the declared change, and nothing else, was made."""
        return self.lineage in CONSISTENT[declared]


def judge(
    changes: Sequence[TensorChange], only_first: Sequence[str] = (), only_second: Sequence[str] = ()
) -> Judgement:
    """Judge a model of tensors `changes`, in the order of the network, and tensors that only one version has."""
    different = [each for each in changes if each.kind != "identical"]
    reasons = tuple(_reasons(changes, different, only_first, only_second))
    return Judgement(_kind(changes, different, bool(only_first or only_second)), reasons)


def _kind(changes: Sequence[TensorChange], different: Sequence[TensorChange], tensors_came_or_went: bool) -> Lineage:
    if not changes:
        return "unrelated"
    if not different:
        return "fine-tuned" if tensors_came_or_went else "identical"
    edited = [each for each in different if each.kind not in PRECISION]
    if edited:
        return _kind_of_edit(changes, edited)
    return "re-quantised" if any(each.kind == "re-quantised" for each in different) else "precision-change"


def _kind_of_edit(changes: Sequence[TensorChange], edited: Sequence[TensorChange]) -> Lineage:
    """From the most particular to the most general."""
    kinds = {each.kind for each in edited}
    is_sparse = sum(each.changed for each in edited) <= FEW * sum(each.elements for each in edited)
    told: dict[Lineage, bool] = {
        "bit-flips": kinds == {"low bits"} or (kinds <= {"flipped", "low bits"} and is_sparse),
        "pruned": kinds == {"zeroed"} and not is_sparse,
        "unrelated": _nothing_in_common(changes),
        "head-replaced": _head_only(changes, edited),
        "sparse-edit": is_sparse or _one_rewritten_matrix(edited) is not None,
    }
    return next((lineage for lineage, holds in told.items() if holds), "fine-tuned")


def _nothing_in_common(changes: Sequence[TensorChange]) -> bool:
    """Whether most of the numbers are of tensors that have nothing of the elder ones."""
    total = sum(each.elements for each in changes)
    return sum(each.elements for each in changes if each.cosine < UNRELATED) > total / 2


def _module(name: str) -> str:
    return re.split(r"[._](?=[^._]*$)", name)[0]


def _head_only(changes: Sequence[TensorChange], edited: Sequence[TensorChange]) -> bool:
    """Whether one last module was rewritten whole, or has another shape, and all before it stayed."""
    modules = {_module(each.name) for each in edited}
    if len(modules) != 1 or len(edited) == len(changes):
        return False
    (module,) = modules
    is_last = module == max((_module(each.name) for each in changes), key=_natural)
    whole = all(each.kind == "reshaped" or each.share >= NEARLY_WHOLE for each in edited)
    whole &= max(edited, key=lambda each: each.elements).relative_norm >= ANEW
    return whole and (is_last or bool(_HEADS.search(module))) and _one_rewritten_matrix(edited) is None


def _natural(name: str) -> tuple[tuple[bool, int, str], ...]:
    """Sorts `layer.10` behind `layer.9`."""
    return tuple((part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name))


def _one_rewritten_matrix(edited: Sequence[TensorChange]) -> TensorChange | None:
    """The only changed matrix, when its change has one or two directions; a changed bias beside it is no matter."""
    matrices = [each for each in edited if each.full_rank is not None]
    if len(matrices) != 1 or matrices[0].rank is None or (matrices[0].full_rank or 0) < LEAST_RANK_TOLD:
        return None
    return matrices[0] if matrices[0].rank <= MOST_EDITED_ROWS else None


def _reasons(
    changes: Sequence[TensorChange],
    different: Sequence[TensorChange],
    only_first: Sequence[str],
    only_second: Sequence[str],
) -> Iterator[Text]:
    yield Text(
        f"{len(different)} of {len(changes)} tensors of both versions differ",
        f"两个版本共有的 {len(changes)} 个张量中有 {len(different)} 个不同",
    )
    if only_first or only_second:
        yield Text(
            f"{len(only_first)} tensors are gone and {len(only_second)} are new",
            f"消失 {len(only_first)} 个张量，新增 {len(only_second)} 个",
        )
    formats = sorted({each.precision for each in different if each.precision is not None})
    if formats:
        count = sum(each.precision is not None for each in different)
        yield Text(
            f"{count} tensors hold the elder values as {', '.join(formats)} rounds them",
            f"{count} 个张量的取值等于旧值按 {'、'.join(formats)} 舍入的结果",
        )
    edited = [each for each in different if each.changed]
    if not edited:
        return
    changed, size = sum(each.changed for each in edited), sum(each.elements for each in edited)
    yield Text(
        f"{changed} of {size} numbers in {len(edited)} tensors changed beyond that ({changed / size:.2%}); "
        f"largest relative change of a tensor {max(each.relative_norm for each in edited):.3g}",
        f"此外 {len(edited)} 个张量的 {size} 个数中有 {changed} 个改变（{changed / size:.2%}）；"
        f"单个张量的最大相对变化为 {max(each.relative_norm for each in edited):.3g}",
    )
    if all(each.kind == "zeroed" for each in edited):
        yield Text("everything that changed became zero", "所有改变的数均变为零")
    yield from _bit_reasons(edited)
    yield from _rank_reasons(edited)


def _bit_reasons(edited: Sequence[TensorChange]) -> Iterator[Text]:
    flips = [each.bits for each in edited if each.kind == "flipped" and each.bits is not None]
    if flips:
        sign, exponent, mantissa = (
            sum(getattr(each, part) for each in flips) for part in ("sign", "exponent", "mantissa")
        )
        yield Text(
            f"single bits were flipped: {sign} signs, {exponent} in exponents, {mantissa} in mantissas",
            f"存在单比特翻转：符号位 {sign} 个、指数位 {exponent} 个、尾数位 {mantissa} 个",
        )
    low = [each for each in edited if each.kind == "low bits" and each.bits is not None]
    if low:
        highest = max(each.bits.highest for each in low if each.bits is not None)
        yield Text(
            f"{len(low)} tensors differ in their lowest {highest + 1} bits only, which arithmetic does not do",
            f"{len(low)} 个张量仅最低 {highest + 1} 位不同，正常运算不会如此",
        )


def _rank_reasons(edited: Sequence[TensorChange]) -> Iterator[Text]:
    matrix = _one_rewritten_matrix(edited)
    if matrix is not None:
        yield Text(
            f"the only changed matrix, {matrix.name}, was changed by {matrix.rank} direction(s), as model editing does",
            f"唯一改变的矩阵 {matrix.name} 仅沿 {matrix.rank} 个方向改变，与模型编辑的做法一致",
        )
        return
    matrices = [each for each in edited if each.rank is not None and (each.full_rank or 0) >= LEAST_RANK_TOLD]
    low = [
        each
        for each in matrices
        if each.rank is not None and each.full_rank is not None and each.rank < min(PROBES, each.full_rank / 2)
    ]
    if low and len(low) == len(matrices) and any(each.share > FEW for each in low):
        ranks = sorted({each.rank for each in low if each.rank is not None})
        yield Text(
            f"every changed matrix changed by a matrix of low rank (at most {ranks[-1]}), as merged adapters (LoRA) do",
            f"每个改变的矩阵的变化均为低秩（不超过 {ranks[-1]}），与合并低秩适配器（LoRA）一致",
        )
