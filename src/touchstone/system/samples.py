"""What one sample looks like, read off the description: shared by the models that take it and the data that hold it."""

from __future__ import annotations

from touchstone.errors import DescriptionError, UserError
from touchstone.system.description import InputSpecification
from touchstone.text import Text


def sample_shape(specification: InputSpecification) -> tuple[int, ...]:
    """Shape of one sample without the batch axis: none for a text. Raises `DescriptionError` when not declared."""
    if specification.kind == "text":
        return ()
    if specification.columns is not None and (specification.kind == "tabular" or specification.shape is None):
        return (len(specification.columns),)
    if specification.shape is None:
        remedy = Text(
            "list the feature columns, or give the shape of one sample",
            "列出特征列，或给出单个样本的形状",
        )
        what = Text("neither columns nor shape is given", "既未给出 columns 也未给出 shape")
        raise DescriptionError([UserError(what, "model.input", remedy)])
    return tuple(specification.shape)


def channel_axis(specification: InputSpecification) -> int:
    """Axis of a sample that normalisation runs along: channels first, unless the layout says they are last."""
    return 0 if specification.layout == "CHW" else len(sample_shape(specification)) - 1
