"""Reading a data set of a subject: from the declared format to validated rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from touchstone.errors import UnavailableError
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.system.data.dataset import LabelledData
    from touchstone.system.description import DataSet, Role
    from touchstone.system.subject import Subject


def read_data(subject: Subject, role: Role) -> LabelledData:
    """The data set handed in for `role`, validated against the description.

    Raises `UnavailableError` when none was handed in, or its format needs an extra that is not installed, and
    `DataError`, with the place and a remedy, for anything that does not fit. Nothing is repaired silently.
    """
    declared = subject.description.data.declared().get(role)
    if declared is None:
        raise UnavailableError(
            Text(f"no {role} data were handed in", f"未提交 {role} 数据"),
            f"data.{role}",
            Text(f"declare a data set in data.{role}", f"请在 data.{role} 中声明数据集"),
        )
    return read_declared(subject, role, declared)


def read_declared(subject: Subject, role: str, declared: DataSet) -> LabelledData:
    """A data set that has its own place in the description. Raises like :func:`read_data`."""
    # Each reader is imported when its format is met: parquet and images need libraries the others do not.
    if declared.format == "csv":
        from touchstone.system.data.delimited import read_csv

        return read_csv(subject, role, declared)
    if declared.format == "parquet":
        from touchstone.system.data.columnar import read_parquet

        return read_parquet(subject, role, declared)
    if declared.format == "jsonl":
        from touchstone.system.data.texts import read_jsonl

        return read_jsonl(subject, role, declared)
    if declared.format == "npz":
        from touchstone.system.data.arrays import read_npz

        return read_npz(subject, role, declared)
    from touchstone.system.data.images import read_image_folder

    return read_image_folder(subject, role, declared)
