"""The outputs that were handed in, and how their product says it labels them."""

from __future__ import annotations

from collections.abc import Iterator

from touchstone.checks.governance.labelled_outputs import Labelling, Output, shades
from touchstone.errors import ArtifactError, UnavailableError
from touchstone.methods.labelling.explicit_picture import Mark, mark_of
from touchstone.methods.labelling.explicit_sound import Sound, wav_sound
from touchstone.methods.labelling.explicit_text import is_wording
from touchstone.methods.labelling.fields import DamagedError, UnsupportedError
from touchstone.records import Note
from touchstone.system.references import normal
from touchstone.system.registers.content_labels import ContentLabels
from touchstone.system.registers.exports import Export
from touchstone.system.subject import Subject
from touchstone.text import Text

LARGEST_BYTES = 256 * 1024 * 1024


def labelling_of(subject: Subject) -> tuple[Labelling, tuple[Note, ...]]:
    """What the register says, and remarks on what of it cannot count.

    Raises `UnavailableError` without the register and where a mark or a prompt of it cannot be read.
    """
    [declared] = subject.register(ContentLabels)
    in_china = "CN" in subject.description.deployment.jurisdictions
    notes = []
    if in_china and declared.scheme != "gb45438":
        text = Text(
            "the system is deployed where GB 45438 applies: its labels are looked for, not those that are declared",
            "该系统部署于适用 GB 45438 的法域：按该标准而非所声明的方案查找标识",
        )
        notes.append(Note(code="scheme-not-enough", text=text))
    mute = [each for each in (*declared.wordings, *(mark.says for mark in declared.marks)) if not is_wording(each)]
    if mute:
        text = Text(
            f"does not say that this is AI and generated, and is no label: {'; '.join(mute[:5])}",
            f"未同时含“人工智能”或 AI 与“生成”或“合成”，或含否定，不作为标识：{'；'.join(mute[:5])}",
        )
        notes.append(Note(code="wording-not-enough", text=text))
    labelling = Labelling(
        scheme="gb45438" if in_china else declared.scheme,
        producers=frozenset(declared.producers),
        wordings=tuple(each for each in declared.wordings if is_wording(each)),
        marks=tuple(_mark(subject, each.picture, each.lines) for each in declared.marks if is_wording(each.says)),
        prompts=tuple(_prompt(subject, path) for path in declared.prompts),
    )
    return labelling, tuple(notes)


def outputs_of(subject: Subject) -> Iterator[Output]:
    """Every output of the register, with the bytes of its file. Raises `UnavailableError` where there is none."""
    exports = subject.register(Export)
    if not exports:
        raise UnavailableError(
            Text("no exported output is on record", "没有导出样本记录"),
            f"registers.{Export.register}",
            Text("export outputs as users do, and record them", "请按用户的方式导出内容并予以登记"),
        )
    if "/" not in normal((subject.description.registers or {})[Export.register]):
        raise UnavailableError(
            Text(
                "has no folder of its own, so that exported files are no part of the system",
                "未置于单独目录，导出文件因此不属于该系统",
            ),
            f"registers.{Export.register}",
            Text("put it into a folder with the files that it names", "请将其与所列文件置于同一目录"),
        )
    for each in exports:
        yield Output(each.id, each.medium, each.file, _content(subject, each.file), each.carried)


def _content(subject: Subject, path: str) -> bytes | None:
    try:
        record = subject.record(path)
    except ArtifactError:
        return None
    if record.size > LARGEST_BYTES:
        raise UnavailableError(
            Text(f"is larger than {LARGEST_BYTES} bytes", f"大于 {LARGEST_BYTES} 字节"),
            path,
            Text("hand in a shorter output", "请提交更短的样本"),
        )
    return subject.read(path)


def _mark(subject: Subject, path: str, lines: int) -> Mark:
    try:
        found = mark_of(*shades(_declared(subject, path)), lines=lines)
    except (DamagedError, UnsupportedError):
        found = None
    if found is None:
        raise UnavailableError(
            Text("is no picture in which a mark can be seen", "不是可辨认出标识的图片"),
            path,
            Text("draw the mark alone on a plain or transparent ground", "请将标识单独绘于单一或透明底色上"),
        )
    return found


def _prompt(subject: Subject, path: str) -> Sound:
    try:
        return wav_sound(_declared(subject, path))
    except (DamagedError, UnsupportedError):
        raise UnavailableError(
            Text("is no WAV file with PCM samples", "不是 PCM 编码的 WAV 文件"),
            path,
            Text("convert the spoken label to WAV", "请将语音标识转换为 WAV"),
        ) from None


def _declared(subject: Subject, path: str) -> bytes:
    content = _content(subject, path)
    if content is None:
        raise UnavailableError(
            Text("is not a file of this system", "不是该系统的文件"),
            path,
            Text("put it into the folder of the register `exports`", "请放入登记记录 `exports` 所在目录"),
        )
    return content
