"""The screen for planted training rows: how rows are seen, compared with vetted samples, and counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from touchstone.errors import UnavailableError
from touchstone.methods.backdoor.rows.reference import Features, Vetted, row_scores
from touchstone.methods.backdoor.rows.verdict import (
    ClassExcess,
    class_excesses,
    discoveries,
    flagged_classes,
    suspect_rows,
)
from touchstone.records import Note
from touchstone.system.models.handle import Capability, LayeredModel
from touchstone.system.subject import Subject
from touchstone.text import Text

Samples = NDArray[np.float32]
Labels = NDArray[np.int64]

MOST_COLUMNS = 1024
"""Elements of an input that rows are compared in where no network shows its features: every so many-th of them."""
_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class View:
    """How rows are seen: by the `network` (a `torch.nn.Sequential`), or `None`, by the elements of the input."""

    network: Any
    why_not: Text | None
    """Why the network's features are not seen."""

    def features(self, x: Samples) -> tuple[Features, ...]:
        """Layers of features, `(n, d)` each."""
        if self.network is None:
            return (columns(x),)
        from touchstone.methods.backdoor.rows.features import features

        return features(self.network, x)

    def agrees(self, x: Samples, y: Labels) -> NDArray[np.bool_]:
        """Rows whose label the network itself gives `(n,)`: those that a backdoor could have been learnt from.

        Rows it contradicts have wrong labels, or are hard; no backdoor answers them.
        """
        if self.network is None:
            return np.ones(len(y), dtype=np.bool_)
        import torch

        with torch.inference_mode():
            parts = [self.network(part).argmax(dim=1) for part in torch.split(torch.from_numpy(x), _AT_ONCE)]
        return np.asarray(torch.cat(parts).numpy() == y)

    def note(self) -> Note:
        """What rows were compared in."""
        if self.why_not is None:
            return Note(
                code="compared-in-features",
                text=Text(
                    "rows were compared in two layers of the model's own features, those it labels as the data do",
                    "以模型自身两层特征比较各数据行（仅限模型判定与所给标签一致的行）",
                ),
            )
        return Note(
            code="compared-in-inputs",
            text=Text(
                f"rows were compared in the values of the input, as the model shows no features: {self.why_not.en}; "
                "marks that stand out in the values only are seen",
                f"模型未提供内部特征（{self.why_not.zh}），故以输入取值比较各数据行；仅能发现取值上明显异常的标记",
            ),
        )


@dataclass(frozen=True, slots=True)
class Screening:
    """What the screen says of each row `(m,)`. Rows whose label the network contradicts have a p-value of one."""

    score: NDArray[np.float64]
    p: NDArray[np.float64]
    discovered: NDArray[np.bool_]
    suspect: NDArray[np.bool_]
    vetted: int
    """Vetted samples that rows were compared with."""
    flagged: tuple[ClassExcess, ...]


def view_of(subject: Subject) -> View:
    """The network's features where the model is layers in a row that may be seen, else the inputs themselves."""
    model = subject.model()
    if Capability.GRADIENTS not in model.capabilities or not isinstance(model, LayeredModel):
        return View(None, Text("it is a black box", "其为黑盒"))
    try:
        network = model.network()
    except UnavailableError as error:
        return View(None, error.what)
    return View(network, None)


def columns(x: Samples) -> Features:
    """Inputs `(n, *shape)` as rows of numbers."""
    flat = x.reshape(len(x), -1)
    return np.asarray(flat[:, :: -(-flat.shape[1] // MOST_COLUMNS)], dtype=np.float64)


def screen(view: View, vetted_x: Samples, vetted_y: Labels, x: Samples, y: Labels) -> Screening:
    """Compare rows with vetted samples.

    Seen by a network, a row is compared with samples of its label; seen by its values, with all samples, so that a
    wrong label alone makes no row strange.
    """
    known, judged = view.agrees(vetted_x, vetted_y), view.agrees(x, y)
    of_known, of_rows = vetted_y[known], y
    if view.network is None:
        of_known, of_rows = np.zeros_like(of_known), np.zeros_like(of_rows)
    score, p = np.full(len(y), -np.inf), np.ones(len(y))
    if known.any():
        found = row_scores(Vetted(view.features(vetted_x[known]), of_known), view.features(x), of_rows)
        score, p = found.score, np.where(judged, found.p, 1.0)
    flagged = tuple(flagged_classes(class_excesses(p[judged], y[judged], int(known.sum()))))
    return Screening(score, p, discoveries(p, y, flagged), suspect_rows(p, y, flagged), int(known.sum()), flagged)
