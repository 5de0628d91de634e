"""What labels one output carries, for people and for machines, and what is wrong with them.

An output is the bytes of a file, or a text as it came out of a service together with the label that came beside it.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from touchstone.canonical import Digest, digest_of
from touchstone.checks.data_security.document_texts import UnreadableError, document_texts
from touchstone.methods.labelling.embedded import Embedded, embedded, format_of
from touchstone.methods.labelling.explicit_picture import ABSENT, FARTHEST, FOUND, LONGEST, Mark, Shades, find_mark
from touchstone.methods.labelling.explicit_sound import FOUND as FOUND_PROMPT
from touchstone.methods.labelling.explicit_sound import Sound, plays_rhythm, prompt_score, wav_sound
from touchstone.methods.labelling.explicit_text import text_label
from touchstone.methods.labelling.fields import AIGC, DamagedError, Field, UnsupportedError
from touchstone.methods.labelling.implicit import Aigc, aigc_label, states_generation
from touchstone.methods.labelling.markup import html_text, json_text, markdown_text
from touchstone.system.registers.content_labels import Scheme
from touchstone.system.registers.exports import Medium
from touchstone.text import Text

MOST_PIXELS: Final = 40_000_000
MOST_TEXT: Final = 16 * 1024 * 1024
"""Bytes of a text that is read."""
_PICTURES = ("PNG", "JPEG", "WEBP", "GIF", "TIFF")

BESIDE: Final = "reply"
"""Place of a label that came beside a text."""
MISSING, DAMAGED = "file-missing", "file-damaged"
FAULTS: Mapping[str, Text] = MappingProxyType(
    {
        MISSING: Text("the file is not in the folder of the register", "登记记录所在目录中没有该文件"),
        DAMAGED: Text("the file is damaged or cut off", "文件损坏或不完整"),
        "no-explicit-label": Text("no label for people", "没有显式标识"),
        "mark-too-small": Text("the mark is lower than 5 % of the shorter side", "图片标识的文字高度低于最短边的 5%"),
        "mark-not-at-edge": Text("the mark is neither at an edge nor in a corner", "图片标识不在边或角"),
        "no-implicit-label": Text("no label in the metadata", "元数据中没有隐式标识"),
        "label-unreadable": Text("the label in the metadata is no readable JSON", "隐式标识不是可读的 JSON"),
        "labels-contradict": Text("labels in the metadata contradict each other", "元数据中的多个隐式标识互相矛盾"),
        "label-value": Text("`Label` is not the text 1, 2 or 3", "`Label` 不是文本 1、2 或 3"),
        "no-producer": Text("the label names no producer", "隐式标识未写明生成服务提供者"),
        "other-producer": Text(
            "the label names a producer that is not declared", "隐式标识中的生成服务提供者与声明不符"
        ),
        "no-number": Text("the label has no number of the content", "隐式标识没有内容编号"),
        "number-twice": Text("several outputs have the same number", "多个内容使用同一编号"),
        "not-generated": Text("the metadata do not say that a model made it", "元数据未说明内容由模型生成"),
    }
)
"""What counts against an output, in the order of the notes."""
NOT_MEASURED: Mapping[str, Text] = MappingProxyType(
    {
        "frames-not-decoded": Text(
            "marks in films cannot be measured here; have a person look at the first frames",
            "此处无法测量视频画面中的标识，请由人员查看起始画面",
        ),
        "no-mark-declared": Text(
            "no picture of a mark is declared, so that none can be looked for", "未声明标识图片，无从查找"
        ),
        "mark-uncertain": Text(
            "something like the mark is in the picture, too faint to be sure; have a person look",
            "图片中有近似标识之物，但过于模糊，无法确定，请由人员查看",
        ),
        "no-prompt-declared": Text(
            "no spoken label is declared, and no rhythm is played", "未声明语音标识，亦未播放节奏标识"
        ),
        "format-not-read": Text(
            "labels in files of this format cannot be measured here", "此处无法测量该格式文件中的标识"
        ),
    }
)
"""Why nothing can be said of an output, neither for nor against it."""
_IMPLICIT_FAULTS = {"none": "no-implicit-label", "unreadable": "label-unreadable", "contradictory": "labels-contradict"}


@dataclass(frozen=True, slots=True)
class Output:
    """One generated output as users get it."""

    id: str
    medium: Medium
    name: str
    content: bytes | None
    """`None` where the file is not there."""
    carried: str | None = None
    """The label that came beside it, for what has no place for metadata."""


@dataclass(frozen=True, slots=True)
class Labelling:
    """How a product labels, as far as it has to be known to find the labels."""

    scheme: Scheme
    producers: frozenset[str]
    wordings: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()
    prompts: tuple[Sound, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one output: `None` for a label that is there, else a code of `FAULTS` or of `NOT_MEASURED`."""

    id: str
    medium: Medium
    name: str
    digest: Digest | None
    """Of its file, where that is there."""
    explicit: str | None
    implicit: str | None
    label: Aigc | None = None


def judged(output: Output, labelling: Labelling) -> Judged:
    """Both labels of one output."""
    if output.content is None:
        return Judged(output.id, output.medium, output.name, None, MISSING, MISSING)
    implicit = _implicit(output, output.content, labelling)
    label = implicit if isinstance(implicit, Aigc) else None
    code = None if isinstance(implicit, Aigc) else implicit
    try:
        explicit = _explicit(output, output.content, labelling)
    except (DamagedError, UnreadableError):
        explicit = DAMAGED
    except UnsupportedError:
        explicit = "format-not-read"
    return Judged(output.id, output.medium, output.name, digest_of(output.content), explicit, code, label)


def _implicit(output: Output, content: bytes, labelling: Labelling) -> Aigc | str | None:
    try:
        found = embedded(content, output.name)
    except DamagedError:
        return DAMAGED
    except UnsupportedError:
        return "format-not-read"
    fields = _fields(found, output.carried)
    if labelling.scheme == "gb45438":
        label = aigc_label(fields, labelling.producers)
        return label if isinstance(label, Aigc) else _IMPLICIT_FAULTS.get(label, label)
    fault = states_generation(fields, labelling.scheme)
    return None if fault is None else _IMPLICIT_FAULTS.get(fault, fault)


def _fields(found: Embedded, carried: str | None) -> tuple[Field, ...]:
    """A label beside a file counts only where the file has no place for one."""
    if found.has_place or carried is None:
        return found.fields
    return (Field(BESIDE, AIGC, carried),)


def _explicit(output: Output, content: bytes, labelling: Labelling) -> str | None:
    if output.medium == "video":
        return "frames-not-decoded"
    if output.medium == "image":
        return _in_picture(content, labelling.marks)
    if output.medium == "audio":
        return _in_sound(content, labelling.prompts)
    label = text_label(shown_text(content, output.name), labelling.wordings)
    return "no-explicit-label" if label is None else None


def shown_text(content: bytes, name: str) -> str:
    """The text of a file as its reader sees it. Raises `DamagedError`, `UnreadableError` or `UnsupportedError`."""
    format_ = format_of(content, name)
    if format_ in ("office", "pdf"):
        ending = ".pdf" if format_ == "pdf" else ".docx"
        pieces = document_texts(content, ending, properties=False)
        if pieces is None:
            raise UnsupportedError
        return "\n".join(pieces)
    if format_ not in ("text", "markdown", "html", "json") or len(content) > MOST_TEXT:
        raise UnsupportedError
    if format_ == "json":
        return json_text(content)
    text = content.decode("utf-8-sig")
    return {"html": html_text, "markdown": markdown_text}.get(format_, str)(text)


def _in_picture(content: bytes, marks: tuple[Mark, ...]) -> str | None:
    if not marks:
        return "no-mark-declared"
    picture, _ = shades(content)
    if max(picture.shape) > LONGEST * min(picture.shape):
        raise UnsupportedError
    best = max((find_mark(picture, mark) for mark in marks), key=lambda each: each.score)
    if best.score < FOUND:
        return "no-explicit-label" if best.score < ABSENT else "mark-uncertain"
    if not best.tall_enough:
        return "mark-too-small"
    return "mark-not-at-edge" if best.distance > FARTHEST else None


def shades(content: bytes) -> tuple[Shades, Shades | None]:
    """Grey values of a picture on white, and its opacity where it has one, both (height, width) in 0..1.

    Size is compared before a pixel is decoded. Raises `DamagedError`, `UnsupportedError` for no picture or a vast one.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(content), formats=_PICTURES)
        small = image.size[0] * image.size[1] <= MOST_PIXELS
        layers = image.convert("RGBA") if small else None
    except UnidentifiedImageError:
        known = (format_of(content, "") or "").upper() in _PICTURES
        raise (DamagedError if known else UnsupportedError) from None
    except Exception:  # hostile pictures can make the decoder fail in any way
        raise DamagedError from None
    if layers is None:
        raise UnsupportedError
    on_white = Image.new("RGBA", layers.size, "white")
    on_white.alpha_composite(layers)
    opacity = np.asarray(layers.getchannel("A"))
    return np.asarray(on_white.convert("L")) / 255.0, None if (opacity == 255).all() else opacity / 255.0


def _in_sound(content: bytes, prompts: tuple[Sound, ...]) -> str | None:
    if format_of(content, "") != "wav":
        raise UnsupportedError
    sound = wav_sound(content)
    if plays_rhythm(sound) or any(prompt_score(sound, prompt) >= FOUND_PROMPT for prompt in prompts):
        return None
    return "no-explicit-label" if prompts else "no-prompt-declared"
