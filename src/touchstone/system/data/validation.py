"""From rows as a reader found them to a :class:`LabelledData`, or to one clear `DataError`.

Every format ends here, so that a rule about data (unique identifiers, finite features, known classes) is written
once and reads the same wherever the rows come from.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from touchstone.errors import DataError
from touchstone.system.classes import ClassNames
from touchstone.system.data.dataset import LabelledData
from touchstone.system.models.answers import probability_fault, unit_rows
from touchstone.system.samples import sample_shape
from touchstone.text import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from touchstone.system.description import InputSpecification, ModelDeclaration

LARGEST_TEXT = 1000
"""Characters of an identifier, site or attribute value."""
LONGEST_INPUT = 100_000
"""Characters of a text that a model is asked about."""


@dataclass(slots=True)
class Rows:
    """The parts of a data set as its reader found them, before any rule was applied.

    Every part has one entry per row; `where` names the data set in errors, `names` says what a part is called in
    the file. `predictions` is one column of labels, or one per class.
    """

    where: str
    inputs: NDArray[Any]
    feature_names: Sequence[str] | None = None
    target: Sequence[Any] | None = None
    identifiers: Sequence[Any] | None = None
    sensitive: dict[str, Sequence[Any]] = field(default_factory=dict)
    predictions: Sequence[Sequence[Any]] = ()
    sites: Sequence[Any] | None = None
    annotations: dict[str, Sequence[Any]] = field(default_factory=dict)
    fills: Mapping[str, float] = field(default_factory=dict)
    """For feature columns that may lack a value (NaN), what the deployed system fills in."""
    target_name: str = "target"
    identifier_name: str = "identifier"
    site_name: str = "site"
    prediction_names: Sequence[str] = ()

    def place(self, row: int, column: str | None = None) -> str:
        """Where a value stands, for people: rows count from 1, after the header."""
        place = f"{self.where}, row {row + 1}"
        return place if column is None else f"{place}, column {column}"


def validate(rows: Rows, role: str, model: ModelDeclaration) -> LabelledData:
    """Apply every rule. Raises `DataError` at the first value that breaks one."""
    names = ClassNames(model.output.labels)
    writes_texts = model.output.kind == "text"
    missing = _filled(rows)
    inputs = _inputs(rows, model.input)
    _same_lengths(rows, len(inputs))
    return LabelledData(
        role=role,
        inputs=inputs,
        target=None if writes_texts else _target(rows, names),
        expected=_expected(rows) if writes_texts else None,
        identifiers=_identifiers(rows),
        sensitive={name: _texts(rows, values, name) for name, values in rows.sensitive.items()},
        predictions=_predictions(rows, names),
        sites=None if rows.sites is None else _texts(rows, rows.sites, rows.site_name),
        annotations=_annotations(rows, names),
        missing=None if missing is None else missing.reshape(inputs.shape),
    )


def _filled(rows: Rows) -> NDArray[np.bool_] | None:
    """Fill missing values as the deployed system does. Where that was, or `None` when nothing was missing."""
    places = [place for place, name in enumerate(rows.feature_names or ()) if name in rows.fills]
    if not places or not np.isnan(rows.inputs[:, places]).any():
        return None
    missing = np.zeros(rows.inputs.shape, dtype=bool)
    missing[:, places] = np.isnan(rows.inputs[:, places])
    fills = np.array([rows.fills.get(name, 0.0) for name in rows.feature_names or ()])
    rows.inputs = np.where(missing, fills, rows.inputs)
    return missing


def _inputs(rows: Rows, specification: InputSpecification) -> NDArray[Any]:
    shape = sample_shape(specification)
    if len(rows.inputs) == 0:
        raise DataError(
            Text("holds no rows", "不含任何数据行"),
            rows.where,
            Text("hand in at least one row", "请至少提供一行数据"),
        )
    if specification.kind == "text":
        return _input_texts(rows)
    found = rows.inputs
    if specification.kind == "timeseries" and found.shape[1:] == (math.prod(shape),):
        found = found.reshape(len(found), *shape)  # a table holds one reading per column, channel after channel
    if found.shape[1:] != shape:
        raise DataError(
            Text(
                f"holds samples of shape {rows.inputs.shape[1:]}, the model takes {shape}",
                f"样本形状为 {rows.inputs.shape[1:]}，而模型输入为 {shape}",
            ),
            rows.where,
            Text(
                "correct model.input in the description, or hand in the data the model was built for",
                "请更正描述文件中的 model.input，或提交与模型匹配的数据",
            ),
        )
    with np.errstate(over="ignore", invalid="ignore"):
        inputs = np.ascontiguousarray(found, dtype=np.float32)
    _refuse_where(
        ~np.isfinite(inputs),
        rows,
        Text("is not a finite 32-bit number: {value}", "不是有限的 32 位浮点数：{value}"),
        Text(
            "write under `missing:` of the data set what the deployed system fills in for this column",
            "请在该数据集的 `missing:` 下写明部署系统为此列填补的值",
        ),
    )
    widen = Text(
        "correct the value, or widen model.input.low and model.input.high",
        "请更正该值，或放宽 model.input.low 与 model.input.high",
    )
    if specification.low is not None:
        bound = Text("is {value}, below the declared smallest value", "为 {value}，小于声明的最小值")
        _refuse_where(inputs < np.float32(specification.low), rows, bound, widen)
    if specification.high is not None:
        bound = Text("is {value}, above the declared largest value", "为 {value}，大于声明的最大值")
        _refuse_where(inputs > np.float32(specification.high), rows, bound, widen)
    return inputs


def _input_texts(rows: Rows) -> NDArray[np.object_]:
    column = rows.feature_names[0] if rows.feature_names else None
    for row, text in enumerate(rows.inputs):
        fault = _text_fault(text)
        if fault is not None:
            raise DataError(
                fault,
                rows.place(row, column),
                Text(
                    "correct the text, or leave the row out and say so in `origin`",
                    "请更正该文本，或删除该行并在 origin 中说明",
                ),
            )
    return np.asarray(rows.inputs, dtype=object)


def _text_fault(text: Any) -> Text | None:
    """Why a value is no text a model can be asked about."""
    if not isinstance(text, str):
        return Text(f"{_shown(text)} is not a text", f"{_shown(text)} 不是文本")
    if not text.strip():
        return Text("is empty", "为空")
    if len(text) > LONGEST_INPUT:
        return Text(f"has more than {LONGEST_INPUT:,} characters", f"超过 {LONGEST_INPUT:,} 个字符")
    if any("\ud800" <= character <= "\udfff" for character in text):
        return Text("holds half of a character (a lone surrogate)", "含不完整的字符（孤立的代理项）")
    return None


def _refuse_where(bad: NDArray[np.bool_], rows: Rows, what: Text, remedy: Text) -> None:
    """Raise at the first element that is `bad`, naming its row and column."""
    if not bad.any():
        return
    bad = bad.reshape(rows.inputs.shape)
    row, *element = (int(index) for index in np.unravel_index(int(bad.argmax()), bad.shape))
    column = rows.feature_names[element[0]] if rows.feature_names else f"element {element}"
    raise DataError(what.format(value=rows.inputs[(row, *element)]), rows.place(row, column), remedy)


def _same_lengths(rows: Rows, count: int) -> None:
    parts = {
        rows.target_name: rows.target,
        rows.identifier_name: rows.identifiers,
        rows.site_name: rows.sites,
        **rows.sensitive,
        **rows.annotations,
        **dict(zip(rows.prediction_names, rows.predictions, strict=True)),
    }
    for name, values in parts.items():
        if values is not None and len(values) != count:
            raise DataError(
                Text(
                    f"{name} has {len(values)} entries for {count} samples",
                    f"{name} 有 {len(values)} 项，而样本有 {count} 个",
                ),
                rows.where,
                Text("give one entry per sample", "每个样本须对应一项"),
            )


def _target(rows: Rows, names: ClassNames) -> NDArray[np.int64] | None:
    if rows.target is None:
        return None
    target = _classes(rows, rows.target, rows.target_name, names)
    present = np.unique(target)
    if len(present) == 1:
        only = names.labels[int(present[0])]
        raise DataError(
            Text(f"holds the class {only!r} only", f"仅含一个类别 {only!r}"),
            f"{rows.where}, column {rows.target_name}",
            Text(
                "hand in data with every class: nothing can be told about a classifier from one",
                "请提供包含各类别的数据：仅凭一个类别无法评价分类器",
            ),
        )
    return target


def _expected(rows: Rows) -> NDArray[np.str_] | None:
    """What the answers of a system that writes texts have to hold."""
    return None if rows.target is None else _texts(rows, rows.target, rows.target_name)


def _classes(
    rows: Rows, values: Sequence[Any], column: str, names: ClassNames, places: Sequence[int] | None = None
) -> NDArray[np.int64]:
    """Class indices of values that stand in all rows, or in those at `places`."""
    indices = names.indices_of(values)
    known = [index for index in indices if index is not None]
    if len(known) < len(indices):
        row = indices.index(None)
        declared = ", ".join(names.labels)[:300]
        raise DataError(
            Text(
                f"{_shown(values[row])} is no declared class ({declared})",
                f"{_shown(values[row])} 不是已声明的类别（{declared}）",
            ),
            rows.place(row if places is None else places[row], column),
            Text(
                "write classes by name or by index, or correct model.output.labels",
                "请以名称或序号书写类别，或更正 model.output.labels",
            ),
        )
    return np.array(known, dtype=np.int64)


def _identifiers(rows: Rows) -> tuple[str, ...] | None:
    if rows.identifiers is None:
        return None
    identifiers = tuple(_texts(rows, rows.identifiers, rows.identifier_name).tolist())
    first_rows: dict[str, int] = {}
    for row, identifier in enumerate(identifiers):
        first = first_rows.setdefault(identifier, row)
        if first != row:
            raise DataError(
                Text(
                    f"the identifier {identifier[:100]!r} is also in row {first + 1}",
                    f"标识符 {identifier[:100]!r} 与第 {first + 1} 行重复",
                ),
                rows.place(row, rows.identifier_name),
                Text("give every row an identifier of its own", "每行须有唯一的标识符"),
            )
    return identifiers


def _texts(rows: Rows, values: Iterable[Any], column: str) -> NDArray[np.str_]:
    texts = [str(value).strip() for value in values]
    for row, text in enumerate(texts):
        if not text or len(text) > LARGEST_TEXT:
            raise DataError(
                Text("is empty", "为空") if not text else Text("is too long", "过长"),
                rows.place(row, column),
                Text("write a short value; `unknown` when there is none", "请填写简短的值；没有时写 unknown"),
            )
    return np.array(texts, dtype=np.str_)


def _annotations(rows: Rows, names: ClassNames) -> NDArray[np.int64] | None:
    """One column per person, -1 where nothing stands."""
    if not rows.annotations:
        return None
    found = np.full((len(rows.inputs), len(rows.annotations)), -1, dtype=np.int64)
    for place, (name, values) in enumerate(rows.annotations.items()):
        given = [row for row, value in enumerate(values) if value is not None and str(value).strip()]
        found[given, place] = _classes(rows, [values[row] for row in given], name, names, given)
    return found


def _predictions(rows: Rows, names: ClassNames) -> NDArray[np.float64] | NDArray[np.int64] | None:
    if not rows.predictions:
        return None
    if len(rows.predictions) == 1:
        return _classes(rows, rows.predictions[0], rows.prediction_names[0], names)
    if len(rows.predictions) != len(names.labels):
        raise DataError(
            Text(
                f"{len(rows.predictions)} prediction columns for {len(names.labels)} classes",
                f"有 {len(rows.predictions)} 个预测列，而类别有 {len(names.labels)} 个",
            ),
            rows.where,
            Text(
                "name one column of labels, or one column of probabilities per class in the order of the classes",
                "请给出一个标签列，或按类别顺序每类一个概率列",
            ),
        )
    return _probabilities(rows)


def _probabilities(rows: Rows) -> NDArray[np.float64]:
    columns = np.empty((len(rows.inputs), len(rows.predictions)))
    for place, (name, values) in enumerate(zip(rows.prediction_names, rows.predictions, strict=True)):
        for row, value in enumerate(values):
            columns[row, place] = _probability(rows, value, row, name)
    for row in range(len(columns)):
        fault = probability_fault(columns[row : row + 1])
        if fault is not None:
            raise DataError(
                fault,
                rows.place(row),
                Text("give probabilities that sum to one, or a column of labels", "请给出和为 1 的概率，或标签列"),
            )
    return unit_rows(columns)


def _probability(rows: Rows, value: Any, row: int, column: str) -> float:
    try:
        probability = float(value)
    except (TypeError, ValueError):
        probability = float("nan")
    if not np.isfinite(probability):
        raise DataError(
            Text(f"{_shown(value)} is no probability", f"{_shown(value)} 不是概率"),
            rows.place(row, column),
            Text("write a number from 0 to 1", "请填写 0 到 1 之间的数"),
        )
    return probability


def _shown(value: Any) -> str:
    """A value from outside, short enough to print."""
    return repr(str(value)[:60])
