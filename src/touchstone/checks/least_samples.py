"""A standard may ask for a least number of samples: with fewer, a good result proves nothing, a bad one still does."""

from __future__ import annotations

from pydantic import Field

from touchstone.checks.declaration import Parameters
from touchstone.records import Metric, Note
from touchstone.text import Text


class LeastSamples(Parameters):
    """How many samples the standard asks for."""

    n_min: int = Field(1, ge=1)


def undecided_below(least: int, n: int, metric: Metric) -> Metric:
    """Without the bound that a pass would rest on, where `n` samples are fewer than `least`."""
    if n >= least:
        return metric
    return metric.model_copy(update={"low": None} if metric.better == "higher" else {"high": None})


def too_few(least: int, n: int, of: Text) -> tuple[Note, ...]:
    """A remark where `n` samples are fewer than `least`; `of` says what there are too few of."""
    if n >= least:
        return ()
    text = Text(
        f"{n} {of.en}; the standard asks for at least {least}, so a good result decides nothing",
        f"{of.zh}共 {n} 项；标准要求至少 {least} 项，结果良好亦不足以判定",
    )
    return (Note(code="too-few-samples", text=text),)
