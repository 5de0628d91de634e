"""PyTorch's zip archives: which member is read how, raw storages, and the small records beside them."""

from __future__ import annotations

import pytest

from tests.scan.formats.zips import CALL, NUMBER, Made, made, zipped
from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult

RECORDS = (
    ("m/version", b"3\n"),
    ("m/byteorder", b"little"),
    ("m/.format_version", b"1"),
    ("m/.storage_alignment", b"64"),
    ("m/.data/serialization_id", b"1" * 40),
)
NUMBERS = bytes(range(1, 41))


def scan(content: bytes) -> FileResult:
    return scan_bytes(content, "m.pt")


def test_an_archive_of_tensors_is_clean() -> None:
    result = scan(zipped(("m/data.pkl", NUMBER), ("m/data/0", NUMBERS), *RECORDS))
    assert (result.format, result.runs_code, result.verdict) == ("torch-archive", True, "clean")


def test_an_archive_without_checksums_is_clean() -> None:
    """As `torch.serialization.set_crc32_options(False)` writes it: zero for every member."""
    members = (Made(b"m/data.pkl", NUMBER, checksum=0), Made(b"m/data/0", NUMBERS, checksum=0))
    assert scan(made(*members)).verdict == "clean"
    mixed = (Made(b"m/data.pkl", NUMBER), Made(b"m/data/0", NUMBERS, checksum=0))
    assert [finding.rule for finding in scan(made(*mixed)).findings] == ["zip/checksum"]


@pytest.mark.parametrize("name", ["m/data.pkl", "m/DATA.PKL", "data.pkl", "a/b/data.pkl"])
def test_the_pickle_that_the_loader_finds_is_read(name: str) -> None:
    result = scan(zipped((name, CALL), *RECORDS))
    assert result.format == "torch-archive"
    assert result.verdict == "unsafe"


@pytest.mark.parametrize("content", [b"\x7fELF\x02\x01\x01" + bytes(57), b"PK\x03\x04\x14\x00" + bytes(60)])
def test_a_storage_that_is_a_program_or_an_archive(content: bytes) -> None:
    result = scan(zipped(("m/data.pkl", NUMBER), ("m/data/0", content)))
    assert "tensor/other-content" in [finding.rule for finding in result.findings]


def test_a_pickle_hidden_in_a_storage() -> None:
    result = scan(zipped(("m/data.pkl", NUMBER), ("m/data/0", b"\x80\x02" + CALL + bytes(20))))
    assert result.verdict == "unsafe"


def stored(key: str, elements: int, member: tuple[str, bytes] | None, *, offset: int = 0) -> FileResult:
    """An archive whose pickle is one tensor of two floats in a storage of so many elements."""
    identifier = (
        b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\n" + text(key) + text("cpu") + b"K" + bytes((elements,)) + b"tQ"
    )
    tensor = (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + identifier
        + b"K"
        + bytes((offset,))
        + b"K\x02\x85K\x01\x85\x89ccollections\nOrderedDict\n)RtR"
    )
    members = [member] if member else []
    return scan(zipped(("m/data.pkl", b"\x80\x02}(" + text("weight") + tensor + b"u."), *members))


def text(value: str) -> bytes:
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def test_the_tensors_are_listed() -> None:
    result = stored("0", 2, ("m/data/0", NUMBERS[:8]))
    (tensor,) = result.tensors
    assert (tensor.name, tensor.dtype, tensor.shape, tensor.bytes) == ("weight", "F32", (2,), 8)
    assert tensor.offset > 0
    assert result.verdict == "clean"


def test_storages_that_are_not_what_the_pickle_says() -> None:
    assert [finding.rule for finding in stored("0", 3, ("m/data/0", NUMBERS[:8])).findings] == ["torch/short-storage"]
    beyond = stored("0", 2, ("m/data/0", NUMBERS[:8]), offset=2)
    assert [finding.rule for finding in beyond.findings] == ["torch/short-storage"]
    assert [gap.code for gap in stored("1", 2, ("m/data/0", NUMBERS[:8])).gaps] == ["absent"]
    assert [finding.rule for finding in stored("../../x", 2, None).findings] == ["torch/storage-name"]


def test_a_record_with_other_content_is_examined() -> None:
    result = scan(zipped(("m/data.pkl", NUMBER), ("m/version", CALL)))
    assert result.verdict == "unsafe"


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (("m/data.pkl", "m/constants.pkl"), "torchscript"),
        (("m/constants.pkl",), "torchscript"),
        (("m/bytecode.pkl",), "torchscript"),
        (("m/data.pkl", "m/code/a.py"), "torchscript"),
        (("m/archive_format", "m/models/model.json"), "torch-export"),
        (("serialized_exported_program.json",), "torch-export"),
        (("MAR-INF/MANIFEST.json", "handler.py"), "torch-model-archive"),
        (("config.json", "metadata.json", "model.weights.h5"), "keras"),
        (("config.json", "data.pkl", "metadata.json"), "torch-archive"),
        (("schema.json", "1.npy"), "skops"),
        (("a.npy", "b/c.npy"), "npz"),
        (("a.npy", "b.txt"), "zip"),
        (("x-1.0.dist-info/WHEEL", "x.py"), "wheel"),
        (("META-INF/MANIFEST.MF",), "jar"),
        (("[Content_Types].xml", "word/document.xml"), "ooxml"),
        (("m.mlpackage/Data/com.apple.CoreML/model.mlmodel",), "coreml-package"),
        (("__main__.py",), "zipapp"),
    ],
)
def test_kinds_of_archives(names: tuple[str, ...], kind: str) -> None:
    assert scan(zipped(*((name, b"") for name in names))).format == kind


def test_each_member_is_read_as_the_most_dangerous_loader_would() -> None:
    """A Keras file with the pickle of a PyTorch archive beside it is read as both."""
    members = (("config.json", b'{"module": "x"}'), ("metadata.json", b"{}"), ("data.pkl", CALL))
    wheres = {finding.where for finding in scan(zipped(*members)).findings}
    assert "m.pt!data.pkl" in wheres
