"""What `touchstone model lineage` says about weights themselves: how each tensor changed, and what that amounts to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from touchstone.cli.language import chosen, say
from touchstone.errors import UserError
from touchstone.methods.fingerprint.lineage import Declared, Judgement, judge
from touchstone.methods.fingerprint.number_formats import StoredTensor, format_called, stored
from touchstone.methods.fingerprint.tensor_change import PROBES, TensorChange, tensor_change
from touchstone.scan.findings import shown
from touchstone.scan.tensor_digests import Lineage
from touchstone.system.models.stored_tensors import TensorPlace, tensor_places
from touchstone.text import Text

MOST_SHOWN: Final = 10
_QUANTISED: Final = "_quantized"
"""What ONNX Runtime adds to the name of a tensor it quantised."""
_SEED: Final = 1
"""Of the probes through which ranks are seen: the same comparison says the same."""


@dataclass(frozen=True, slots=True)
class ComparedWeights:
    """Every tensor of two versions, and what was done to the elder one."""

    changes: tuple[TensorChange, ...]
    only_known: tuple[str, ...]
    only_model: tuple[str, ...]
    judgement: Judgement


def compared_weights(known: Path, model: Path) -> ComparedWeights | None:
    """Compare the weights of `model` with the elder ones of `known`; `None` where either has none to compare."""
    try:
        elder, younger = _comparable(known), _comparable(model)
    except UserError:
        return None
    if not elder or not younger:
        return None
    partner = {name: _partner(name, younger) for name in elder}
    generator = np.random.default_rng(_SEED)
    changes = tuple(
        tensor_change(_read(place), _read(younger[other]), generator)
        for name, place in elder.items()
        if (other := partner[name]) is not None
    )
    only_known = tuple(name for name, other in partner.items() if other is None)
    only_model = tuple(sorted(set(younger) - set(partner.values())))
    return ComparedWeights(changes, only_known, only_model, judge(changes, only_known, only_model))


def _partner(name: str, among: dict[str, TensorPlace]) -> str | None:
    candidates = (name, name + _QUANTISED, name.removesuffix(_QUANTISED))
    return next((each for each in candidates if each in among), None)


def _comparable(path: Path) -> dict[str, TensorPlace]:
    places = tensor_places(path)
    return {name: place for name, place in places.items() if format_called(place.dtype) is not None}


def _read(place: TensorPlace) -> StoredTensor:
    number_format = format_called(place.dtype)
    assert number_format is not None  # noqa: S101 - only such were kept
    return stored(place.name, place.read(), number_format, place.shape)


def without_weights(known: Path, model: Path) -> UserError:
    """Why a declared change cannot be compared with what was done."""
    return UserError(
        Text(
            "a declared change is compared with the weights themselves, and these are not both there",
            "核对所声明的变更需要两个版本的权重本身，目前并不齐全",
        ),
        f"{known}, {model}",
        Text(
            "name model files of floating-point or 8-bit tensors, not tables of digests",
            "请指定含浮点或 8 位张量的模型文件，而非摘要清单",
        ),
    )


def lines(found: ComparedWeights, declared: Declared | None) -> Iterator[str]:
    """The judgement, its reasons, and the tensors that changed most."""
    judged = found.judgement
    mark = " " + say("(suspicious)", "（可疑）") if judged.is_suspicious else ""
    yield say("change of the weights: ", "权重变更：") + judged.lineage + mark
    for reason in judged.reasons:
        yield "  " + reason.render(chosen())
    different = sorted(
        (each for each in found.changes if each.kind != "identical"), key=lambda each: -each.relative_norm
    )
    for each in different[:MOST_SHOWN]:
        yield f"  {shown(each.name)}: {_described(each)}"
    if declared is not None:
        fits = judged.fits(declared)
        yield (
            say(f"✓ consistent with {declared}", f"✓ 与声明的 {declared} 一致")
            if fits
            else say(f"✗ declared {declared}, found {judged.lineage}", f"✗ 声明为 {declared}，实为 {judged.lineage}")
        )


def _described(change: TensorChange) -> str:
    parts = [change.kind + ("" if change.precision is None else f" ({change.precision})")]
    parts.append(say(f"changed {change.share:.2%}", f"改变 {change.share:.2%}"))
    parts.append(say(f"relative norm {change.relative_norm:.3g}", f"相对范数 {change.relative_norm:.3g}"))
    if change.rank is not None:
        most = PROBES <= change.rank < (change.full_rank or 0)
        parts.append(say("rank", "秩") + f" {'≥ ' if most else ''}{change.rank} / {change.full_rank}")
    return ", ".join(parts)


def document(known: str, equal: Lineage, found: ComparedWeights | None, declared: Declared | None) -> dict[str, Any]:
    """The same as JSON."""
    told: dict[str, Any] = {
        "known": known,
        "relation": equal.relation,
        "share_of_model": equal.share_of_first,
        "share_of_known": equal.share_of_second,
    }
    if found is not None:
        told |= {
            "change": found.judgement.lineage,
            "suspicious": found.judgement.is_suspicious,
            "reasons": [{"en": reason.en, "zh": reason.zh} for reason in found.judgement.reasons],
            "only_known": list(found.only_known),
            "only_model": list(found.only_model),
            "tensors": [_tensor(each) for each in found.changes if each.kind != "identical"],
        }
    if declared is not None and found is not None:
        told |= {"declared": declared, "as_declared": found.judgement.fits(declared)}
    return told


def _tensor(change: TensorChange) -> dict[str, Any]:
    bits = change.bits
    return {
        "name": change.name,
        "kind": change.kind,
        "precision": change.precision,
        "elements": change.elements,
        "changed": change.changed,
        "relative_norm": None if np.isinf(change.relative_norm) else change.relative_norm,
        "rank": change.rank,
        "full_rank": change.full_rank,
        "bits": bits and {"sign": bits.sign, "exponent": bits.exponent, "mantissa": bits.mantissa},
    }
