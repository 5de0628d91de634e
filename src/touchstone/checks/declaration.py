"""How a check declares itself, and what it is given when it runs.

    @check(
        id="model.performance", version="1", title=Text("Declared performance", "声明性能"), ...,
    )
    def performance(subject: Subject, parameters: Parameters, run: Run) -> Measurement: ...

The listing, the plan, the report section and the documentation page are all generated from the declaration.

An audit is a check of the assessment itself. It is declared with `@audit`, runs after all others, and is given the
record of the run in place of a subject. It uses no randomness and keeps nothing but what follows from that record, so
that whoever verifies the evidence can repeat it offline; whatever changes what it says needs a new version.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from touchstone.records import Access, Budget, ControlRun, Exhibit, Metric, Note
from touchstone.system.models.handle import Capability
from touchstone.text import Text

if TYPE_CHECKING:
    import numpy as np

    from touchstone.checks.run_record import RunRecord
    from touchstone.system.subject import Subject


NUMBERS: tuple[Literal["tabular", "image", "timeseries"], ...] = ("tabular", "image", "timeseries")
"""Kinds of input that are arrays of numbers."""
ANY_KIND: tuple[Literal["tabular", "image", "timeseries", "text"], ...] = (*NUMBERS, "text")
"""For checks that hand inputs to the model as they are."""


class Parameters(BaseModel):
    """Base of a check's parameters: frozen, closed, all with defaults. Floats are recorded as decimal strings."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Needs:
    """The least a check needs. Less than this yields `not-tested`, with the reason, never a pass."""

    access: Access | None = None
    """`None` when the check looks at files only and opens no model."""
    capabilities: frozenset[Capability] = frozenset()
    data: tuple[Literal["test", "train", "reference"], ...] = ()
    target: bool = True
    """Whether the data sets must be labelled."""
    sensitive: bool = False
    """Whether the test data must carry sensitive attributes."""
    tasks: tuple[Literal["classification", "regression", "generation"], ...] = ("classification", "regression")
    inputs: tuple[Literal["tabular", "image", "timeseries", "text"], ...] = NUMBERS
    attacked_service: bool = False
    """Whether the model must be a service whose owner consents to hostile requests and load."""
    run: bool = False
    """Whether the check needs the record of the whole run in place of a subject: an audit."""


@dataclass(frozen=True, slots=True)
class MetricDeclaration:
    """One quantity a check can measure. The id is the one the catalog sets limits on."""

    id: str
    unit: str
    better: Literal["higher", "lower"]
    title: Text


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a check returns: numbers, tests of the test, and remarks. The runner makes the observation of it."""

    metrics: tuple[Metric, ...]
    controls: tuple[ControlRun, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    warnings: tuple[Note, ...] = ()


class Run(Protocol):
    """What a check may use besides the subject. Random numbers come from here and from nowhere else."""

    @property
    def budget(self) -> Budget:
        """How much effort the plan allows."""

    def generator(self, purpose: str) -> np.random.Generator:
        """A generator of its own for each purpose, derived from the seed of this check on this system."""

    def decided(self, metrics: Sequence[Metric]) -> bool:
        """Whether these (already look-corrected) bounds settle every limit that was set, so sampling may stop."""

    def exhibit(self, name: str, media_type: str, content: bytes) -> Exhibit:
        """Keep raw evidence beside the observation. `name` is a plain file name."""

    def progress(self, fraction: float) -> None:
        """Tell the person watching how far the check is, from 0 to 1."""


CheckFunction = Callable[["Subject", Any, Run], Measurement]
AuditFunction = Callable[["RunRecord", Any, Run], Measurement]


@dataclass(frozen=True, slots=True)
class Check:
    """One automated test: its declaration and its function."""

    id: str
    version: str
    title: Text
    measures: Text
    """What is measured and against which threat, in two or three sentences."""
    cannot_tell: Text
    """What a good result does *not* show. Printed beside every result."""
    remedy: Text
    """What a supplier does about a bad result."""
    threats: tuple[str, ...]
    """MITRE ATLAS, NIST AI 100-2, CWE or AVID identifiers."""
    source: str
    """Paper or standard the method comes from."""
    needs: Needs
    metrics: tuple[MetricDeclaration, ...]
    parameters: type[Parameters]
    cost: Callable[[Subject, Parameters, Budget], int] | None
    """Estimated seconds on one core; `None` for a second or less."""
    function: Callable[[Any, Any, Run], Measurement]
    """Takes the subject, or the record of the run if the check `needs` that; then parameters, and the run's tools."""


def check(
    *,
    id: str,  # noqa: A002 - the field's own word for it
    version: str,
    title: Text,
    measures: Text,
    cannot_tell: Text,
    remedy: Text,
    threats: tuple[str, ...],
    source: str,
    needs: Needs,
    metrics: tuple[MetricDeclaration, ...],
    parameters: type[Parameters] = Parameters,
    cost: Callable[[Any, Any, Budget], int] | None = None,
) -> Callable[[CheckFunction], Check]:
    """Declare the decorated function as a check."""

    def declare(function: CheckFunction) -> Check:
        return Check(
            id=id,
            version=version,
            title=title,
            measures=measures,
            cannot_tell=cannot_tell,
            remedy=remedy,
            threats=threats,
            source=source,
            needs=needs,
            metrics=metrics,
            parameters=parameters,
            cost=cost,
            function=function,
        )

    return declare


def audit(
    *,
    id: str,  # noqa: A002 - the field's own word for it
    version: str,
    title: Text,
    measures: Text,
    cannot_tell: Text,
    remedy: Text,
    source: str,
    metrics: tuple[MetricDeclaration, ...],
) -> Callable[[AuditFunction], Check]:
    """Declare the decorated function as an audit of the run."""

    def declare(function: AuditFunction) -> Check:
        return Check(
            id=id,
            version=version,
            title=title,
            measures=measures,
            cannot_tell=cannot_tell,
            remedy=remedy,
            threats=(),
            source=source,
            needs=Needs(target=False, run=True),
            metrics=metrics,
            parameters=Parameters,
            cost=None,
            function=function,
        )

    return declare
