"""Data sets in npz: a zip of plain numpy arrays, named in the description.

The archive is opened as a zip and every array header is read, and bounded, before its values are. Arrays of
Python objects are pickles in disguise and are refused. `uint8` values are taken as they are (0 to 255), in the
layout the description declares.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy

from touchstone.errors import DataError
from touchstone.system.data.files import read_bounded
from touchstone.system.data.validation import Rows, validate
from touchstone.text import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from touchstone.system.data.dataset import LabelledData
    from touchstone.system.description import DataSet
    from touchstone.system.subject import Subject

LARGEST_ARRAY = 2 * 1024**3
LARGEST_UNCHECKED_RATIO = 256 * 1024**2
"""Arrays up to this size may be compressed as far as they like: there is little to blow up."""
LARGEST_RATIO = 200
"""Unpacked over packed size beyond which a large array is taken for a zip bomb."""
MOST_MEMBERS = 1000

_FEATURE_KINDS = "fiub"
_COLUMN_KINDS = "fiubU"


def read_npz(subject: Subject, role: str, declared: DataSet) -> LabelledData:
    """Read the arrays of one data set: `features`, and whichever others the description names."""
    where = declared.path
    archive = Archive(read_bounded(subject, where), where)
    name = declared.features or "features"
    features = archive.array(name, _FEATURE_KINDS)
    if features.ndim < 2:
        raise DataError(
            Text(f"the array {name!r} has no sample axis", f"数组 {name!r} 缺少样本轴"),
            where,
            Text("save it as (n, *shape of one sample)", "请保存为 (n, *单个样本形状)"),
        )
    rows = Rows(
        where=where,
        inputs=features,
        feature_names=subject.description.model.input.columns if features.ndim == 2 else None,
        target=archive.column(declared.target) if declared.target else None,
        identifiers=archive.column(declared.identifier) if declared.identifier else None,
        sensitive={name: archive.column(name) for name in declared.sensitive},
        sites=archive.column(declared.site) if declared.site else None,
        annotations={name: archive.column(name) for name in declared.annotations or ()},
        fills=declared.missing or {},
        target_name=declared.target or "",
        identifier_name=declared.identifier or "",
        site_name=declared.site or "",
        **_predictions(archive, declared.predictions),
    )
    return validate(rows, role, subject.description.model)


def _predictions(archive: Archive, names: Sequence[str]) -> dict[str, Any]:
    """One array `(n,)` of labels or `(n, K)` of probabilities, or K arrays `(n,)`."""
    if len(names) == 1:
        table = archive.array(names[0], _COLUMN_KINDS)
        if table.ndim == 2 and table.shape[1] > 1:
            columns = [column.tolist() for column in table.T]
            return {"predictions": columns, "prediction_names": [f"{names[0]}[{i}]" for i in range(len(columns))]}
    return {"predictions": [archive.column(name) for name in names], "prediction_names": list(names)}


class Archive:
    """An npz file, its arrays read by name."""

    def __init__(self, content: bytes, where: str) -> None:
        self._where = where
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
        except Exception as error:  # a hostile archive can make the reader fail in any way
            raise self._unreadable(error) from None
        members = self._zip.infolist()
        if len(members) > MOST_MEMBERS:
            raise self._fault(Text(f"holds more than {MOST_MEMBERS} arrays", f"数组超过 {MOST_MEMBERS} 个"))
        self._members = {member.filename.removesuffix(".npy"): member for member in members}
        if len(self._members) != len(members):
            raise self._fault(Text("holds two arrays of one name", "存在同名数组"))

    def column(self, name: str) -> list[Any]:
        """A one-dimensional array (or `(n, 1)`) as a list."""
        values = self.array(name, _COLUMN_KINDS)
        if values.ndim == 2 and values.shape[1] == 1:
            values = values[:, 0]
        if values.ndim != 1:
            raise self._fault(
                Text(
                    f"the array {name!r} has shape {values.shape}, one entry per sample was expected",
                    f"数组 {name!r} 的形状为 {values.shape}，应为每个样本一项",
                )
            )
        entries: list[Any] = values.tolist()
        return entries

    def array(self, name: str, kinds: str) -> NDArray[Any]:
        """The array `name`, of one of the dtype `kinds`. Its size is bounded before a value is read."""
        member = self._member(name)
        try:
            with self._zip.open(member) as stream:
                shape, kind = _header(stream)
            self._check_header(name, member, shape, kind, kinds)
            with self._zip.open(member) as stream:
                return np.asarray(npy.read_array(stream, allow_pickle=False))
        except DataError:
            raise
        except Exception as error:  # as above: encrypted, truncated, forged members
            raise self._unreadable(error) from None

    def _member(self, name: str) -> zipfile.ZipInfo:
        member = self._members.get(name)
        if member is None:
            present = ", ".join(sorted(self._members))[:300]
            raise DataError(
                Text(f"has no array {name!r}; it has {present}", f"没有数组 {name!r}；现有：{present}"),
                self._where,
                Text(
                    "correct the name in the description or in the file; names are case-sensitive",
                    "请更正描述文件或数据文件中的数组名；名称区分大小写",
                ),
            )
        too_dense = member.file_size > max(LARGEST_UNCHECKED_RATIO, LARGEST_RATIO * member.compress_size)
        if member.file_size > LARGEST_ARRAY or too_dense:
            raise self._fault(
                Text(
                    f"the array {name!r} would unpack to {member.file_size:,} bytes",
                    f"数组 {name!r} 解压后将达 {member.file_size:,} 字节",
                )
            )
        return member

    def _check_header(
        self, name: str, member: zipfile.ZipInfo, shape: tuple[int, ...], kind: np.dtype[Any], kinds: str
    ) -> None:
        if kind.kind not in kinds:
            raise self._fault(
                Text(
                    f"the array {name!r} holds {kind}, plain numbers (or text, for columns) were expected",
                    f"数组 {name!r} 的类型为 {kind}，应为普通数值（列数据也可为文本）",
                )
            )
        if kind.itemsize > 4096 or prod(shape) * kind.itemsize > member.file_size:
            raise self._fault(
                Text(
                    f"the array {name!r} claims shape {shape}, more than the file holds",
                    f"数组 {name!r} 声称的形状 {shape} 超出文件内容",
                )
            )

    def _unreadable(self, error: BaseException) -> DataError:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        return self._fault(Text(f"is not a readable npz file: {reason}", f"不是可读取的 npz 文件：{reason}"))

    def _fault(self, what: Text) -> DataError:
        return DataError(
            what,
            self._where,
            Text(
                "save plain arrays with numpy.savez, and name them in the description",
                "请用 numpy.savez 保存普通数组，并在描述文件中指明其名称",
            ),
        )


def _header(stream: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype an array claims to have, from its header alone."""
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, kind = read(stream)
    return shape, kind
