"""The face every data set shows to a check, whatever file format is behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LabelledData:
    """Rows of one data set, validated against the description.

    `inputs` are float32 `(n, *shape)` in the units of the description, or an object array `(n,)` of texts; `target`
    int64 class indices `(n,)` or `None` when the set is unlabelled; `sensitive` maps attribute name to `(n,)` strings;
    `predictions` float64 `(n, K)` probabilities or `(n,)` int64 labels when they were computed beforehand.
    """

    role: str
    inputs: NDArray[Any]
    target: NDArray[np.int64] | None
    identifiers: tuple[str, ...] | None = None
    sensitive: dict[str, NDArray[np.str_]] = field(default_factory=dict)
    predictions: NDArray[np.float64] | NDArray[np.int64] | None = None
    sites: NDArray[np.str_] | None = None
    annotations: NDArray[np.int64] | None = None
    """Labels that single people gave, `(n, people)`; -1 where a person gave none."""

    expected: NDArray[np.str_] | None = None
    """Of a system that writes texts: what each answer has to hold, `(n,)`; it has no classes, and so no `target`."""

    missing: NDArray[np.bool_] | None = None
    """Where `inputs` hold what the deployed system fills in for a missing value; of their shape, `None` if nowhere."""

    def __len__(self) -> int:
        return len(self.inputs)
