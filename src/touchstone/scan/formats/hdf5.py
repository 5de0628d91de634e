"""HDF5: Keras weights and models, PyTables, AnnData and many more. The file is walked without its library.

The library follows links and storage into other files as it goes, loads filters as shared objects, and PyTables
unpickles attributes; so this is what is looked for, in every group, dataset and attribute. Source: HDF5 File Format
Specification version 3, and Keras' own refusals since CVE-2026-1669.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from touchstone.scan import hdf5_messages as messages
from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule, shown
from touchstone.scan.hdf5_heaps import FractalHeap, LocalHeap, global_heap_object
from touchstone.scan.hdf5_messages import Attribute, Datatype, Layout, Link, attribute_of, link_of
from touchstone.scan.hdf5_objects import Hdf5File, Message, damaged
from touchstone.scan.hdf5_trees import chunks_of, records_of, symbols_of
from touchstone.scan.hdf5_unused import look_at_unused_bytes
from touchstone.scan.recognise import recognise
from touchstone.scan.source import MemorySource, Source, Unreadable
from touchstone.scan.tensor_beginnings import look_at_beginning
from touchstone.text import Text

_REFUSE_OUTSIDE: Final = Text(
    "Do not open it. A file of weights holds its own data; ask its maker for one that does.",
    "不要打开该文件。权重文件应自带数据，请向提供者索取完整文件。",
)

EXTERNAL_DATA: Final = Rule(
    "hdf5/external-data",
    "critical",
    "threat",
    Text("The bytes of a dataset are read from another file", "数据集的内容从其他文件读取"),
    _REFUSE_OUTSIDE,
    ("CVE-2026-1669", "CWE-73"),
)
EXTERNAL_LINK: Final = Rule(
    "hdf5/external-link",
    "critical",
    "threat",
    Text("A link leads into another file, which is opened with this one", "链接指向其他文件，打开时会一并读取"),
    _REFUSE_OUTSIDE,
    ("CVE-2026-1669", "CWE-73"),
)
VIRTUAL_DATASET: Final = Rule(
    "hdf5/virtual-dataset",
    "high",
    "threat",
    Text("A dataset is put together from other files", "数据集由其他文件拼接而成"),
    _REFUSE_OUTSIDE,
    ("CVE-2026-1669", "CWE-73"),
)
USER_DEFINED_LINK: Final = Rule(
    "hdf5/user-defined-link",
    "high",
    "threat",
    Text("A link is followed by a program that the reader must have registered", "链接需由读取方注册的程序解析"),
    _REFUSE_OUTSIDE,
    ("CWE-829",),
)
UNKNOWN_FILTER: Final = Rule(
    "hdf5/unknown-filter",
    "medium",
    "unreviewed",
    Text(
        "Data go through a filter that nobody registered; HDF5 loads filters as native code from its plug-in path",
        "数据使用未注册的过滤器；HDF5 会从插件路径加载本机代码作为过滤器",
    ),
    Text("Find out which program provides this filter before you open the file.", "打开前请查明过滤器的来源程序。"),
    ("CWE-829",),
)
PLUGIN_FILTER: Final = Rule(
    "hdf5/plugin-filter",
    "information",
    "information",
    Text("Data go through a registered filter that is a plug-in of its own", "数据使用已注册的插件过滤器"),
    Text("Install the plug-in from its publisher.", "请从发布者处安装该插件。"),
    ("https://github.com/HDFGroup/hdf5_plugins/blob/master/docs/RegisteredFilterPlugins.md",),
)
PICKLED_ARRAY: Final = Rule(
    "hdf5/pickled-objects",
    "medium",
    "unreviewed",
    Text(
        "PyTables unpickles the elements of this array; they were not looked at",
        "PyTables 会反序列化该数组的元素，未经检查",
    ),
    Text("Store plain tables instead of Python objects.", "改为存储普通表格而非 Python 对象。"),
    ("CWE-502",),
)
SHAPE_BOMB: Final = Rule(
    "hdf5/shape-bomb",
    "medium",
    "threat",
    Text("A dataset claims far more bytes than the file holds", "数据集声明的大小远超文件实际内容"),
    Text("Do not load it with a program that trusts the shape.", "不要用信任形状的程序加载。"),
    ("CVE-2026-0897", "CWE-789"),
)

LINK_CIRCLE: Final = Rule(
    "hdf5/link-circle",
    "medium",
    "threat",
    Text("Soft links lead back to themselves", "软链接形成环路"),
    Text("Do not walk the file with a program that follows links.", "不要用会跟随链接的程序遍历该文件。"),
    ("CWE-835",),
)

RULES: Final[tuple[Rule, ...]] = (
    EXTERNAL_DATA, EXTERNAL_LINK, VIRTUAL_DATASET, USER_DEFINED_LINK, UNKNOWN_FILTER, PLUGIN_FILTER, PICKLED_ARRAY,
    SHAPE_BOMB, LINK_CIRCLE,
)  # fmt: skip

_BUILT_IN_FILTERS: Final = frozenset(range(1, 7)) | {32000}
"""Deflate, shuffle, checksum, szip, n-bit, scale-offset; LZF comes with h5py."""
_REGISTERED_FILTERS: Final = frozenset({257, 258, 259, 260, *range(305, 308), *range(32001, 32033)})
_BOMB_SIZE: Final = 2**32
_BOMB_RATIO: Final = 1000
_LONGEST_PATH: Final = 1000
_MOST_SOFT_LINKS: Final = 10_000
_MOST_STEPS: Final = 32
"""Links that lead to links; the library follows half as many."""
_KERAS_CONFIGS: Final = frozenset({"model_config", "training_config"})


def read_hdf5(source: Source, examination: Examination) -> None:
    """Visit every object that the root group leads to, then look at what nothing leads to."""
    file = Hdf5File(source, examination.budget)
    examination.fact("framework", "hdf5")
    _Walk(file, examination).all_objects()


class _Walk:
    def __init__(self, file: Hdf5File, examination: Examination) -> None:
        self._file = file
        self._examination = examination
        self._waiting = [(file.root, "")]
        self._seen = {file.root}
        self._soft_links: dict[str, str] = {}
        self._parameters = 0
        self._all_extents_known = True
        """Whether every chunk of every dataset was found, so that what is left over means something."""

    def all_objects(self) -> None:
        if self._file.driver_at is not None:
            self._examination.gap(
                Text("is one of several files that belong together", "是多文件存储中的一部分"), "absent"
            )
        if self._file.extension_at is not None:
            self._object(self._file.extension_at, "superblock extension")
        while self._waiting:
            at, path = self._waiting.pop()
            self._examination.budget.spend_members(1)
            self._examination.budget.check_time()
            self._object(at, path)
        self._circles()
        if self._parameters:
            self._examination.fact("parameters", str(self._parameters))
        look_at_unused_bytes(self._file, self._examination, all_extents_known=self._all_extents_known)

    def _object(self, at: int, path: str) -> None:
        """One object header. Damage ends this object, not the walk: what else is there must still be seen."""
        try:
            found = self._file.messages(at)
            for message in found:
                if message.kind not in messages.KNOWN_MESSAGES:
                    raise damaged(
                        f"has a message of unknown kind {message.kind}", f"对象头消息类型 {message.kind} 未知"
                    )
                if message.kind == messages.DRIVER:
                    self._examination.gap(Text("is one of several files", "是多文件存储中的一部分"), "absent")
        except Unreadable as unreadable:
            self._examination.gap(unreadable.why)
            self._all_extents_known = False
            return
        for read in (self._attributes, self._links, self._dataset):
            try:
                read(found, path)
            except Unreadable as unreadable:
                self._examination.gap(unreadable.why)
                self._all_extents_known = False

    # ---- groups

    def _links(self, found: list[Message], path: str) -> None:
        for message in found:
            if message.kind == messages.SYMBOL_TABLE:
                self._old_group(message, path)
            elif message.kind == messages.LINK:
                self._link(link_of(self._file, message), path)
            elif message.kind == messages.LINK_INFO:
                for data, place in self._dense(message, creation_index=8, identifier=slice(4, 11)):
                    self._link(link_of(self._file, Message(messages.LINK, data, place, False)), path)

    def _old_group(self, message: Message, path: str) -> None:
        file = self._file
        cursor = file.cursor(message.offset)
        tree = file.address(cursor)
        heap = LocalHeap(file, file.defined(cursor))
        if tree is None:
            return
        for symbol in symbols_of(file, tree):
            self._examination.budget.spend_members(1)
            name = heap.text(symbol.name)
            if symbol.soft_link is not None:
                self._link(Link(name, "soft", None, heap.text(symbol.soft_link)), path)
            else:
                self._link(Link(name, "hard", symbol.object, ""), path)

    def _link(self, link: Link, path: str) -> None:
        if link.kind == "external":
            self._examination.report(EXTERNAL_LINK, f"{path}/{link.name} -> {link.target}")
            self._examination.refers_to(link.target.partition(":")[0], "tensors")
        elif link.kind == "user-defined":
            self._examination.report(USER_DEFINED_LINK, f"{path}/{link.name}: {link.target}")
        elif link.kind == "soft" and len(self._soft_links) < _MOST_SOFT_LINKS:
            name = f"{path}/{link.name}"
            self._soft_links[name] = link.target if link.target.startswith("/") else f"{path}/{link.target}"
        elif link.kind == "hard" and link.object is not None and link.object not in self._seen:
            self._seen.add(link.object)
            self._waiting.append((link.object, f"{path}/{link.name}"[-_LONGEST_PATH:]))

    def _circles(self) -> None:
        for start in self._soft_links:
            place, steps = start, 0
            while place in self._soft_links and steps <= _MOST_STEPS:
                place, steps = self._soft_links[place], steps + 1
            if steps > _MOST_STEPS:
                self._examination.report(LINK_CIRCLE, f"{start} -> {self._soft_links[start]}")
                return

    def _dense(self, message: Message, *, creation_index: int, identifier: slice) -> Iterator[tuple[bytes, int]]:
        """Links or attributes that lie in a heap, found through the index of their names."""
        file = self._file
        cursor = file.cursor(message.offset, len(message.data))
        _, flags = cursor.numbers("BB")
        cursor.skip(creation_index if flags & 1 else 0)
        heap_at, tree = file.address(cursor), file.address(cursor)
        if heap_at is None or tree is None:
            return
        if flags & 2 and (by_creation := file.address(cursor)) is not None:
            for _ in records_of(file, by_creation):
                self._examination.budget.check_time()
        heap = FractalHeap(file, heap_at)
        for record in records_of(file, tree):
            self._examination.budget.spend_members(1)
            yield heap.object(record[identifier])

    # ---- attributes

    def _attributes(self, found: list[Message], path: str) -> None:
        for message in found:
            if message.kind == messages.ATTRIBUTE:
                self._attribute_message(message, path)
            elif message.kind == messages.ATTRIBUTE_INFO:
                for data, place in self._dense(message, creation_index=2, identifier=slice(0, 8)):
                    self._attribute_message(Message(messages.ATTRIBUTE, data, place, False), path)

    def _attribute_message(self, message: Message, path: str) -> None:
        if message.is_shared:
            raise damaged("shares an attribute, which is not read", "共享属性无法解析")
        self._attribute(attribute_of(self._file, message), path)

    def _attribute(self, attribute: Attribute, path: str) -> None:
        if not attribute.type.is_text or attribute.elements != 1:
            return
        values = messages.texts_of(self._file, attribute)
        value = values[0] if values else b""
        name = attribute.name
        if name in _KERAS_CONFIGS:
            self._examination.examine(MemorySource(value), name, as_format="keras-config")
        elif name in {"keras_version", "backend"} and path in {"", "/model_weights"}:
            text = value[:100].decode("utf-8", "replace")
            self._examination.fact("framework", f"keras {text}" if name == "keras_version" else text)
        elif name == "PSEUDOATOM" and value == b"object":
            self._examination.report(PICKLED_ARRAY, path)
        elif value.endswith(b".") and len(value) > 2:
            self._pickled_attribute(value, f"{path}@{name}")

    def _pickled_attribute(self, value: bytes, name: str) -> None:
        """PyTables takes a text that ends in a full stop for a pickle, if it is one."""
        source = MemorySource(value)
        if recognise(source) == "pickle":
            self._examination.runs_code()
            self._examination.examine(source, name, as_format="pickle")

    # ---- datasets

    def _dataset(self, found: list[Message], path: str) -> None:
        first = {message.kind: message for message in reversed(found)}
        if messages.LAYOUT not in first:
            return
        if messages.DATASPACE not in first or messages.DATATYPE not in first:
            raise damaged("has a dataset without shape or type", "数据集缺少形状或类型")
        if messages.EXTERNAL_FILES in first:
            self._external(first[messages.EXTERNAL_FILES], path)
        if messages.FILTERS in first:
            self._filters(first[messages.FILTERS], path)
        kind = messages.resolved_datatype(self._file, first[messages.DATATYPE])
        if first[messages.DATASPACE].is_shared:
            raise damaged("has a dataset with a shared shape", "数据集使用共享形状")
        shape = messages.dimensions_of(first[messages.DATASPACE])
        layout = messages.layout_of(self._file, first[messages.LAYOUT])
        self._data(layout, kind, (0,) if shape is None else shape, path, is_external=messages.EXTERNAL_FILES in first)

    def _data(self, layout: Layout, kind: Datatype, shape: tuple[int, ...], path: str, *, is_external: bool) -> None:
        claimed = math.prod(shape) * kind.size
        if claimed > _BOMB_SIZE and claimed > _BOMB_RATIO * self._file.source.size:
            self._examination.report(SHAPE_BOMB, f"{path}: {list(shape)} of {kind.name}")
        if layout.kind == "virtual":
            self._virtual(layout, path)
            return
        data: Source = MemorySource(b"")
        if layout.kind == "chunked":
            self._chunks(layout)
        elif layout.start is not None and not is_external and claimed:
            if claimed > layout.size or layout.start + claimed > self._file.source.size:
                raise damaged("has a dataset that ends beyond its place", "数据集超出其存储范围")
            self._file.use(layout.start, layout.size)
            data = self._file.source.part(layout.start, claimed)
            look_at_beginning(data, path, layout.start, self._examination)
        self._examination.tensor(path.lstrip("/"), kind.name, shape, data)
        if kind.kind == "float":
            self._parameters += math.prod(shape)

    def _chunks(self, layout: Layout) -> None:
        if layout.start is None or not layout.dimensions:
            self._all_extents_known = self._all_extents_known and layout.dimensions > 0
            return
        for chunk in chunks_of(self._file, layout.start, layout.dimensions):
            self._examination.budget.check_time()
            self._file.use(chunk.start, chunk.size)

    def _external(self, message: Message, path: str) -> None:
        heap_at, names = messages.external_files_of(message, self._file)
        heap = LocalHeap(self._file, heap_at)
        for offset in names[:100]:
            name = heap.text(offset)
            self._examination.report(EXTERNAL_DATA, f"{path} <- {name}", offset=message.offset)
            self._examination.refers_to(name, "tensors")

    def _virtual(self, layout: Layout, path: str) -> None:
        """The first entry of the mapping names the first file; `.` is this one, but others may follow."""
        first = "nothing"
        if layout.start is not None:
            mapping = global_heap_object(self._file, layout.start, layout.index)
            first = mapping[9:265].partition(b"\x00")[0].decode("utf-8", "replace")
            if first == "." and int.from_bytes(mapping[1:9], "little") == 1:
                return
        self._examination.report(VIRTUAL_DATASET, f"{path} <- {first}")

    def _filters(self, message: Message, path: str) -> None:
        if message.is_shared:
            raise damaged("shares its filters, which is not read", "共享过滤器无法解析")
        for number, name in messages.filters_of(message):
            if number in _BUILT_IN_FILTERS:
                continue
            rule = PLUGIN_FILTER if number in _REGISTERED_FILTERS else UNKNOWN_FILTER
            self._examination.report(rule, f"{shown(path, 120)}: filter {number} {shown(name, 60)}")
