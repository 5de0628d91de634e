"""Image data sets: a folder per class, PNG, JPEG or BMP files in it.

Every image must have the declared size and number of channels already; nothing is resized or converted. Pixels
(0 to 255) are scaled to `[low, high]` when the declared `high` is 1, as models trained on unit-range images expect,
and are left as they are otherwise. Rows come sorted by path, and the path below the folder identifies a row.
"""

from __future__ import annotations

import io
import warnings
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from touchstone.errors import DataError, UnavailableError
from touchstone.system.data.validation import Rows, validate
from touchstone.system.samples import sample_shape
from touchstone.text import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from touchstone.system.data.dataset import LabelledData
    from touchstone.system.description import DataSet, InputSpecification
    from touchstone.system.subject import Subject

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".bmp": "BMP"}
MODES = {1: "L", 3: "RGB"}
"""Pixel mode of an image with that many channels."""
LARGEST_PICTURE_FILE = 64 * 1024**2
MOST_ELEMENTS = 500_000_000
"""Numbers of a data set in memory: 2 GB of float32."""


def read_image_folder(subject: Subject, role: str, declared: DataSet) -> LabelledData:
    """Read `<folder>/<class>/<image>` for one data set."""
    where = declared.path
    specification = subject.description.model.input
    height, width, channels = _picture_shape(specification, where)
    records = subject.below(where)
    if len(records) * prod(sample_shape(specification)) > MOST_ELEMENTS:
        raise DataError(
            Text("holds more images than fit into memory", "图像数量超出内存上限"),
            where,
            Text("hand in a sample of the images", "请提交部分图像"),
        )
    pixels = np.empty((len(records), height, width, channels), dtype=np.uint8)
    names, classes = [], []
    for row, record in enumerate(records):
        class_name, name = _class_and_name(record.path, record.path[len(where.rstrip("/")) + 1 :])
        if record.size > LARGEST_PICTURE_FILE:
            raise _fault(Text("is larger than 64 MiB", "大于 64 MiB"), record.path)
        pixels[row] = _pixels(subject.read(record.path), record.path, (height, width, channels))
        names.append(name)
        classes.append(class_name)
    rows = Rows(
        where=where,
        inputs=_arranged(pixels, specification),
        target=classes,
        identifiers=names,
        target_name="folder",
        identifier_name="file",
    )
    return validate(rows, role, subject.description.model)


def _picture_shape(specification: InputSpecification, where: str) -> tuple[int, int, int]:
    """Height, width and channels of the declared images."""
    shape = sample_shape(specification)
    if specification.kind == "image" and len(shape) == 3:
        height, width, channels = (*shape[1:], shape[0]) if specification.layout == "CHW" else shape
        if channels in MODES:
            return height, width, channels
    raise DataError(
        Text(
            f"images need model.input of kind image with 1 or 3 channels, not {specification.kind} {shape}",
            f"图像数据要求 model.input 为 image 且有 1 或 3 个通道，当前为 {specification.kind} {shape}",
        ),
        where,
        Text(
            "correct model.input.shape and layout, or hand the data in as npz", "请更正 model.input，或以 npz 提交数据"
        ),
    )


def _class_and_name(path: str, below: str) -> tuple[str, str]:
    """The class folder of an image, and its path below the data set's folder."""
    parts = below.split("/")
    suffix = "." + parts[-1].rpartition(".")[2].lower()
    if len(parts) != 2 or suffix not in FORMATS:
        raise DataError(
            Text("is not at <class>/<image>.png, .jpg or .bmp", "不符合 <类别>/<图像>.png、.jpg 或 .bmp 的位置要求"),
            path,
            Text("move it there, or remove it from the folder", "请移至相应位置，或从文件夹中删除"),
        )
    return parts[0], below


def _pixels(content: bytes, path: str, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Decode one image. Size and mode are compared before a pixel is decoded, so a bomb cannot unpack."""
    try:
        from PIL import Image
    except ImportError:
        raise UnavailableError(
            Text("reading images needs Pillow", "读取图像需要 Pillow"),
            path,
            Text("pip install 'touchstone[assess]'", "pip install 'touchstone[assess]'"),
        ) from None

    height, width, channels = shape
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=sorted(set(FORMATS.values())))
    except Exception as error:  # hostile images can make the decoder fail in any way
        raise _fault(_unreadable(error), path) from None
    if image.size != (width, height):
        found = f"{image.size[0]}×{image.size[1]}"
        raise _fault(
            Text(
                f"is {found} pixels, {width}×{height} are declared",
                f"尺寸为 {found} 像素，声明为 {width}×{height}",
            ),
            path,
        )
    if image.mode != MODES[channels]:
        raise _fault(
            Text(
                f"has pixel mode {image.mode}, {MODES[channels]} is needed for {channels} channels",
                f"像素模式为 {image.mode}，{channels} 通道需要 {MODES[channels]}",
            ),
            path,
        )
    try:
        return np.asarray(image, dtype=np.uint8).reshape(shape)
    except Exception as error:  # as above
        raise _fault(_unreadable(error), path) from None


def _arranged(pixels: NDArray[np.uint8], specification: InputSpecification) -> NDArray[Any]:
    """Pixels in the declared layout and range."""
    arranged = pixels.transpose(0, 3, 1, 2) if specification.layout == "CHW" else pixels
    if specification.high != 1:
        return arranged
    low = np.float32(specification.low or 0.0)
    return np.minimum(low + (np.float32(1.0) - low) * (arranged / np.float32(255.0)), np.float32(1.0))


def _unreadable(error: BaseException) -> Text:
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        return Text("is not a readable image: neither PNG, JPEG nor BMP", "不是可读取的图像：并非 PNG、JPEG 或 BMP")
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return Text("is not a readable image: it claims far too many pixels", "不是可读取的图像：声称的像素数过大")
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    return Text(f"is not a readable image: {reason}", f"不是可读取的图像：{reason}")


def _fault(what: Text, path: str) -> DataError:
    return DataError(
        what,
        path,
        Text(
            "convert the images to the size and channels the model takes, as the deployed system does",
            "请按实际部署方式将图像转换为模型所需的尺寸与通道数",
        ),
    )
