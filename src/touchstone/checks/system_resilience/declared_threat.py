"""What an attacker may change: the declared threat model of a system's inputs, and the one without a limit."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import numpy as np
from pydantic import Field

from touchstone.checks.declaration import Parameters
from touchstone.checks.system_resilience.inputs import Samples, ValueRange
from touchstone.errors import UnavailableError
from touchstone.methods.attacks.threat_model import (
    Norm,
    ThreatModel,
    interquartile_threat,
    uniform_threat,
    unlimited_threat,
)
from touchstone.records import number, plain
from touchstone.text import Text


class AdversarialParameters(Parameters):
    """The attacker's budget."""

    norm: Norm = "linf"
    """Tables know L∞ only. L2 and L1 of a time series need a declared legal range."""
    eps: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}/[1-9][0-9]{0,3}$")] = "4/255"
    """Images, and time series in L2 and L1: radius in units of the legal range."""
    interquartile_share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.05")
    """Tables and time series in L∞: radius as a share of each element's interquartile range."""
    queries: Annotated[int, Field(ge=10, le=100_000)] = 1000
    """Most questions to the model per sample."""


def declared_threat(
    kind: str, parameters: AdversarialParameters, legal: ValueRange, normal: Samples, *, constrained: bool
) -> ThreatModel:
    """What may be changed of inputs of this kind, `normal` being what they look like.

    Raises `UnavailableError` where nothing may be: no column is continuous, and the description declares no
    constraints either (`constrained`).
    """
    if parameters.norm != "linf":
        _require_norm(kind, parameters.norm, legal)
    if kind == "image" or parameters.norm != "linf":
        share, whole = parameters.eps.split("/")
        return uniform_threat(
            int(share) / int(whole) * (legal.high - legal.low), legal.low, legal.high, parameters.norm
        )
    threat = interquartile_threat(normal, float(parameters.interquartile_share), legal.low, legal.high)
    if not threat.epsilon.any() and not constrained:
        raise UnavailableError(
            Text("no input column is continuous, so nothing may be perturbed", "没有连续型输入列，无可扰动之处"),
            "model.input",
            Text(
                "declare under model.input.constraints what an attacker can change in the other columns",
                "请在 model.input.constraints 中声明攻击者可对其他列作何改动",
            ),
        )
    return threat


def without_limit(norm: Norm, legal: ValueRange, normal: Samples) -> ThreatModel:
    """A radius that reaches every legal value of every element at once."""
    if norm == "linf":
        return unlimited_threat(normal, legal.low, legal.high)
    elements = normal[0].size
    across = (elements**0.5 if norm == "l2" else elements) * (legal.high - legal.low)
    return uniform_threat(across, legal.low, legal.high, norm)


def radius_in_words(kind: str, parameters: AdversarialParameters, factor: Decimal) -> str:
    """A multiple of the radius in the words of the parameters."""
    if kind == "image" or parameters.norm != "linf":
        share, whole = parameters.eps.split("/")
        return f"{plain(number(Decimal(share) * factor))}/{whole}"
    return f"{plain(number(parameters.interquartile_share * factor))} IQR"


def _require_norm(kind: str, norm: Norm, legal: ValueRange) -> None:
    if kind == "tabular" or not np.isfinite([legal.low, legal.high]).all():
        raise UnavailableError(
            Text(
                f"{norm} needs inputs of one unit with a declared range",
                f"{norm} 范数要求输入单位一致并声明取值范围",
            ),
            "model.input",
            Text("take linf, or declare low and high", "请采用 linf，或声明 low 与 high"),
        )
