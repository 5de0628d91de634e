"""What the data sets hold, and whether somebody declared it.

Every data set is listed with its columns. A column whose name or content speaks of a sensitive class (health,
ethnicity, whereabouts) must be covered by a declaration: the facts `data.personal` or `data.sensitive_personal`, or the
data set's list of sensitive columns. Names, numbers and addresses of persons in free text have a check of their own.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from touchstone.canonical import canonical_json
from touchstone.checks.data_security.texts_of_system import texts_of
from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.errors import UnavailableError
from touchstone.methods.data_quality.sensitive_columns import CLASSES, class_by_content, class_by_name
from touchstone.records import ControlRun, Metric, Note, number
from touchstone.system.description import DataSet
from touchstone.system.subject import Subject
from touchstone.text import Text

VALUES = 2_000
"""Values of a column, drawn by lot, that its content is told from."""
TECHNICAL = ("vibration_rms", "bearing_band", "flow", "voltage", "pixel_17", "振动幅值", "电机电流", "节拍时间", "y")
"""Names of columns that speak of no person."""


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of one data set, what it seems to hold, and by what that was told."""

    path: str
    name: str
    holds: str | None
    told_by: str
    declared: bool


@check(
    id="data.inventory",
    version="1",
    title=Text("Inventory of data classes", "数据类别清单"),
    measures=Text(
        "Lists the data sets with their columns and finds, by name and by content, classes of personal and sensitive "
        "data such as health, ethnicity or whereabouts; counted are the classes that no declaration covers.",
        "列出各数据集及其列，按列名与内容识别健康、民族、行踪等个人与敏感数据类别；统计未被任何申报涵盖的类别数。",
    ),
    cannot_tell=Text(
        "Columns under names that say nothing, with values that have no telling form, go unnoticed, and so does what "
        "pictures or arrays show or can be concluded from several columns. Whether the grade is right is not examined.",
        "列名无含义且取值无特征的列无法识别；图像、数组所呈现的内容及由多列推断出的信息亦无法识别。不审查分级是否恰当。",
    ),
    remedy=Text(
        "Declare the classes under `facts` and the columns under `sensitive` of the data set, or remove the columns.",
        "在 `facts` 中申报相应类别，并将列写入数据集的 `sensitive`；或删除这些列。",
    ),
    threats=("CWE-359",),
    source="PIPL Art. 28; GDPR Art. 9; GB/T 43697",
    needs=Needs(inputs=ANY_KIND),
    metrics=(
        MetricDeclaration(
            "undeclared_sensitive_classes",
            "count",
            "lower",
            Text("classes of sensitive data that nobody declared", "未申报的敏感数据类别数"),
        ),
    ),
    cost=lambda _, __, ___: 5,
)
def inventory(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Look at every column of every data set."""
    columns = list(_columns(subject, run))
    if not columns:
        raise UnavailableError(
            Text("no data set with columns was handed in", "未提交含有列的数据集"),
            "data",
            Text("declare the data sets under `data:`", "请在 `data:` 下声明数据集"),
        )
    undeclared = sorted({column.holds for column in columns if column.holds and not column.declared})
    metric = Metric(
        id="undeclared_sensitive_classes", unit="count", value=number(len(undeclared)), n=len(columns), better="lower"
    )
    exhibit = run.exhibit("inventory.json", "application/json", canonical_json(_listing(subject, columns)))
    return Measurement((metric,), _controls(), (exhibit,), tuple(_note(columns, name) for name in undeclared))


def _columns(subject: Subject, run: Run) -> Iterator[_Column]:
    """Columns by name and by content; of arrays and features, by name only."""
    declared = {each.path: each for each in subject.description.data.declared().values()}
    seen: set[tuple[str, str]] = set()
    for texts in texts_of(subject):
        if texts.path not in declared or not texts.records:
            continue
        drawn = run.generator(f"rows/{texts.path}").permutation(len(texts.records))[:VALUES]
        names = dict.fromkeys(name for row in drawn for name in texts.records[row])
        for name in names:
            seen.add((texts.path, name))
            values = [texts.records[row].get(name, "") for row in drawn]
            yield _column(subject, declared[texts.path], name, values)
    for path, each in declared.items():
        for name in _names(subject, each):
            if (path, name) not in seen:
                seen.add((path, name))
                yield _column(subject, each, name, [])


def _names(subject: Subject, declared: DataSet) -> Iterator[str]:
    """What the description calls the parts of a data set, and the arrays of an archive."""
    if declared.format != "image-folder":
        yield from subject.description.model.input.columns or ()
    yield from (name for name in (declared.target, declared.site, *declared.sensitive) if name)
    if declared.format == "npz":
        try:
            with zipfile.ZipFile(io.BytesIO(subject.read(declared.path))) as archive:
                yield from (name.removesuffix(".npy") for name in archive.namelist())
        except zipfile.BadZipFile:
            return


def _column(subject: Subject, declared: DataSet, name: str, values: list[str]) -> _Column:
    by_name = class_by_name(name)
    holds = by_name or class_by_content(values)
    told_by = "nothing" if holds is None else "name" if by_name else "content"
    return _Column(declared.path, name, holds, told_by, holds is None or _is_declared(subject, declared, name, holds))


def _is_declared(subject: Subject, declared: DataSet, name: str, holds: str) -> bool:
    fact = "data.sensitive_personal" if CLASSES[holds].sensitive else "data.personal"
    return subject.facts.get(fact) is True or name in declared.sensitive


def _listing(subject: Subject, columns: list[_Column]) -> dict[str, object]:
    return {
        "schema": "touchstone.inventory/v1",
        "data": [
            {
                "role": role,
                "path": each.path,
                "format": each.format,
                "origin": each.origin,
                "columns": [
                    {"name": column.name, "holds": column.holds, "told_by": column.told_by, "declared": column.declared}
                    for column in columns
                    if column.path == each.path
                ],
            }
            for role, each in subject.description.data.declared().items()
        ],
    }


def _note(columns: list[_Column], holds: str) -> Note:
    places = sorted({f"{c.path}: {c.name}" for c in columns if c.holds == holds and not c.declared})
    shown = ", ".join(places[:5]) + (" …" if len(places) > 5 else "")
    fact = "data.sensitive_personal" if CLASSES[holds].sensitive else "data.personal"
    return Note(
        code="undeclared-class",
        text=Text(
            f"{holds} in {shown}: declare it (fact `{fact}`, or the column under `sensitive`)",
            f"{shown} 含有类别 {holds}：请申报（事实 `{fact}`，或将该列写入 `sensitive`）",
        ),
    )


def _controls() -> tuple[ControlRun, ControlRun]:
    """A column of each class, in both languages, and columns of machines."""
    planted = [(name, f"patient_{min(one.words).replace(' ', '_')}") for name, one in CLASSES.items()]
    planted += [(name, f"患者{one.chinese[0]}") for name, one in CLASSES.items()]
    found = sum(class_by_name(column) == name for name, column in planted)
    alarms = sum(class_by_name(column) is not None for column in TECHNICAL)
    return (
        ControlRun(
            kind="null",
            expected=Text("columns of machines speak of no person", "设备数据的列不涉及个人"),
            seen=Text(f"{alarms} of {len(TECHNICAL)} held for sensitive", f"{len(TECHNICAL)} 列中误判 {alarms} 列"),
            passed=alarms == 0,
        ),
        ControlRun(
            kind="planted",
            expected=Text("a column of each class is found, English and Chinese", "中英文各类别的列均被识别"),
            seen=Text(f"{found} of {len(planted)} found", f"{len(planted)} 列中识别 {found} 列"),
            passed=found == len(planted),
        ),
    )
