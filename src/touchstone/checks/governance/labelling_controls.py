"""Outputs made up for a test of the test: all labelled in order, and one flaw at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from touchstone.checks.governance import labelled_files as files
from touchstone.checks.governance.labelled_outputs import Labelling, Output
from touchstone.checks.governance.labelling_audit import audit_outputs
from touchstone.checks.register_controls import Audit, Plant, register_controls
from touchstone.methods.labelling.explicit_picture import FOUND, Mark, Shades, find_mark, scaled
from touchstone.methods.labelling.explicit_sound import FOUND as SOUNDS
from touchstone.methods.labelling.explicit_sound import prompt_score
from touchstone.methods.labelling.implicit import GENERATED
from touchstone.records import ControlRun
from touchstone.system.registers.content_labels import Scheme
from touchstone.text import Text

_PRODUCER = "control"
_SIDES = (360, 480)
_SPOKEN = "内容由AI生成"
_PROSE = "如今许多图片由AI生成，在网上流传。人们谈论AI-generated pictures，也谈论它们的来源。结论如下。"
_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_RATE = 8_000
_UNMARKED = 4
"""Pictures and sounds without a label in which declared ones are looked for."""

Sound = NDArray[np.float64]
Pixels = NDArray[np.uint8]


def labelling_controls(scheme: Scheme, generator: np.random.Generator) -> tuple[ControlRun, ...]:
    """Nothing may be found wrong with labelled outputs of every medium, and each planted flaw has to be."""
    made = _Made(generator)
    runs = register_controls(_audit_for(made.labelling), made.outputs, tuple(made.flaws()))
    return runs if scheme == "gb45438" else (*runs, *_of_another_scheme(scheme, made))


def declared_controls(labelling: Labelling, generator: np.random.Generator) -> tuple[ControlRun, ...]:
    """Pictures and sounds without the declared marks and prompts must be seen to lack them: a blot is everywhere.

    Planted faults, not a null control: who declares a blot is not to be excused for outputs in which not even that is.
    """
    marks, prompts = labelling.marks, labelling.prompts
    if not (marks or prompts):
        return ()
    scenes = [_scene_with_shapes(generator) for _ in range(_UNMARKED)]
    sounds = [_speech(generator, 3.0) for _ in range(_UNMARKED)]
    everywhere = [
        *(f"marks[{at}]" for at, mark in enumerate(marks) if any(find_mark(s, mark).score >= FOUND for s in scenes)),
        *(f"prompts[{at}]" for at, each in enumerate(prompts) if any(prompt_score(s, each) >= SOUNDS for s in sounds)),
    ]
    named = ", ".join(everywhere)
    expected = Text(
        f"declared marks and prompts are found in none of {_UNMARKED} pictures and sounds without them",
        f"所声明的标识不应在 {_UNMARKED} 个不含标识的图片与声音中找到",
    )
    seen = Text(f"found there: {named}", f"误认：{named}") if everywhere else Text("none is", "均未误认")
    return (ControlRun(kind="planted", expected=expected, seen=seen, passed=not everywhere),)


def _of_another_scheme(scheme: Scheme, made: _Made) -> tuple[ControlRun, ...]:
    """The same for a picture that says in this scheme what made it."""

    def picture(source: str) -> tuple[Output, ...]:
        packet = files.xmp_packet("DigitalSourceType", _IPTC, source)
        manifest = files.png_chunk(b"caBX", files.box(b"jumb", b"c2pa" + source.encode()))
        return (made.picture("p", manifest if scheme == "c2pa" else files.xmp_chunk(packet)),)

    plants: tuple[Plant[tuple[Output, ...]], ...] = (
        Plant(Text("metadata of a photograph", "照片的元数据"), picture(f"{_SOURCE}digitalCapture"), "not-generated"),
        Plant(Text("no such metadata", "无此类元数据"), (made.picture("p", b""),), "no-implicit-label"),
    )
    audit = _audit_for(replace(made.labelling, scheme=scheme))
    return register_controls(audit, picture(f"{_SOURCE}{GENERATED}"), plants)


def _audit_for(labelling: Labelling) -> Callable[[tuple[Output, ...]], Audit]:
    return lambda outputs: audit_outputs(outputs, labelling, least=1)


class _Made:
    """A product that labels as it should, out of noise."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._mark = Mark(_ink(generator))
        self._prompt = _speech(generator, 1.2)
        self.labelling = Labelling("gb45438", frozenset({_PRODUCER}), marks=(self._mark,), prompts=(self._prompt,))
        self._scene = _scene(generator)
        self._music = _speech(generator, 3.0)
        self._spoken = np.concatenate([self._prompt, self._music])
        self._marked = self._with_mark(0.07, (-30, 0))
        self.outputs = tuple(self._labelled())

    def _labelled(self) -> Iterator[Output]:
        yield self.picture("png-text", files.label_chunk(_label("png-text")))
        yield self._picture("png-xmp", self._with_mark(0.09, (0, -12)), files.xmp_chunk(files.tc260_xmp(_label("x"))))
        yield self._sound("wav-prompt", self._spoken, _label("wav-prompt"))
        yield self._sound("wav-rhythm", np.concatenate([self._music, _rhythm()]), _label("wav-rhythm"))
        yield _text("a.html", files.html(f"<p>{_PROSE}</p><p>{_SPOKEN}</p>", _label("html")))
        yield _text("a.md", files.markdown(f"{_PROSE}\n\n*{_SPOKEN}*\n", _label("markdown")))
        yield Output("reply", "text", "a.txt", f"{_PROSE}（AI生成）".encode(), _label("reply"))
        yield Output("docx", "document", "a.docx", files.docx((_SPOKEN, _PROSE), _label("docx")))
        if find_spec("pypdf") is not None:
            yield Output("pdf", "document", "a.pdf", files.pdf("A text. AI-generated", _label("pdf")))

    def flaws(self) -> Iterator[Plant[tuple[Output, ...]]]:
        """One output at a time with something wrong with it."""
        yield from self._flaws_for_people()
        yield from self._flaws_for_machines()
        yield from self._stripped()

    def _flaws_for_people(self) -> Iterator[Plant[tuple[Output, ...]]]:
        chunk = files.label_chunk(_label("p"))
        cropped = self._marked[: int(_SIDES[0] * 0.8)]
        yield _plant("the mark is cut off the picture", "图片标识被裁去", self._picture("p", cropped, chunk))
        yield _plant(
            "the mark is half as high as it has to be", "图片标识高度仅为要求的一半",
            self._picture("p", self._with_mark(0.03, (0, 0)), chunk), "mark-too-small",
        )  # fmt: skip
        yield _plant(
            "the mark is in the middle", "图片标识位于中部",
            self._picture("p", self._with_mark(0.08, (-165, -135)), chunk), "mark-not-at-edge",
        )  # fmt: skip
        yield _plant("sound without a prompt", "音频无语音标识", self._sound("s", self._music, _label("s")))
        yield _plant(
            "a text that only speaks of generated content", "文本仅提及生成内容",
            _text("a.md", files.markdown(_PROSE, _label("m"))),
        )  # fmt: skip
        yield _plant(
            "a text that says that it is not generated", "文本声明非人工智能生成",
            _text("a.md", files.markdown(f"{_PROSE}\n\n本文非AI生成。", _label("m"))),
        )  # fmt: skip

    def _flaws_for_machines(self) -> Iterator[Plant[tuple[Output, ...]]]:
        good = _label("p")
        for en, zh, label, code in (
            ("a label that is cut off", "隐式标识被截断", good[:-20], "label-unreadable"),
            ("a label of another value", "隐式标识取值错误", files.aigc_text(_PRODUCER, "p", "4"), "label-value"),
            ("a label without a producer", "隐式标识无提供者", files.aigc_text("", "p"), "no-producer"),
            ("a label of another producer", "隐式标识为其他提供者", files.aigc_text("other", "p"), "other-producer"),
            ("a label without a number", "隐式标识无编号", files.aigc_text(_PRODUCER, ""), "no-number"),
        ):
            yield _plant(en, zh, self._sound("s", self._spoken, label), code)
        number = Text("two outputs with one number", "两个内容使用同一编号")
        same = (self._sound("s", self._spoken, good), _text("a.md", files.markdown(_SPOKEN, good)))
        yield Plant(number, same, "number-twice")
        chunks = files.label_chunk(good) + files.label_chunk(_label("q"))
        picture = self.picture("p", chunks)
        yield _plant("two labels in one file", "同一文件有两个不同标识", picture, "labels-contradict")
        cut = replace(picture, content=(picture.content or b"")[:-40])
        yield _plant("a file that is cut off", "文件不完整", cut, "file-damaged")
        yield _plant("a file that is not there", "文件缺失", replace(picture, content=None), "file-missing")

    def _stripped(self) -> Iterator[Plant[tuple[Output, ...]]]:
        """The same outputs without metadata, as after an export that writes files anew."""
        for name, write in files.CARRIERS.items():
            yield _unlabelled(Output(name, "video", name, write(None)))
        yield _unlabelled(self.picture("png", b""))
        yield _unlabelled(self._sound("wav", self._spoken, None))
        yield _unlabelled(_text("a.html", files.html(f"<p>{_SPOKEN}</p><p>{_label('h')}</p>", None)))
        yield _unlabelled(_text("a.md", files.markdown(f"{_SPOKEN}\n\n{_label('m')}", None)))
        yield _unlabelled(Output("docx", "document", "a.docx", files.docx((_SPOKEN, _label("d")), None)))

    def _with_mark(self, height: float, place: tuple[int, int]) -> Pixels:
        """The scene with the mark drawn on it, its lower right corner at `place` from that of the picture."""
        ink = scaled(self._mark.ink, height * _SIDES[0] / self._mark.ink.shape[0]) * 0.9
        rows, columns = ink.shape
        drawn = self._scene.copy()
        bottom, right = _SIDES[0] + place[0], _SIDES[1] + place[1]
        part = drawn[bottom - rows : bottom, right - columns : right]
        part += ink * ((1 if part.mean() < 0.5 else 0) - part)
        return _pixels(drawn)

    def picture(self, name: str, chunks: bytes) -> Output:
        """The scene with its mark, and these metadata."""
        return self._picture(name, self._marked, chunks)

    def _picture(self, name: str, pixels: Pixels, chunks: bytes) -> Output:
        return Output(name, "image", f"{name}.png", files.png(pixels, chunks))

    def _sound(self, name: str, sound: Sound, label: str | None) -> Output:
        return Output(name, "audio", f"{name}.wav", files.wav(sound, label))


def _text(name: str, content: bytes) -> Output:
    return Output(name, "text", name, content)


def _label(number: str) -> str:
    return files.aigc_text(_PRODUCER, number)


def _plant(en: str, zh: str, output: Output, code: str = "no-explicit-label") -> Plant[tuple[Output, ...]]:
    return Plant(Text(en, zh), (output,), code)


def _unlabelled(output: Output) -> Plant[tuple[Output, ...]]:
    kind = output.name.rpartition(".")[2].upper()
    return _plant(f"{kind} without metadata", f"{kind} 元数据被去除", output, "no-implicit-label")


def _ink(generator: np.random.Generator) -> Shades:
    """Something like a line of letters: columns of bars, each half ink."""
    letters = [np.kron(generator.permutation(np.arange(20) % 2).reshape(5, 4), np.ones((8, 6))) for _ in range(6)]
    return np.hstack([np.pad(each, ((0, 0), (0, 8))) for each in letters])[:, :-8]


def _scene(generator: np.random.Generator) -> Shades:
    """Something like a picture: slow changes and some fast ones."""
    scene = sum(
        weight * scaled(generator.uniform(size=(rows, rows * 4 // 3)), _SIDES[0] / rows)
        for rows, weight in ((3, 0.45), (12, 0.12), (60, 0.06), (240, 0.03))
    )
    return np.asarray(scene) * 0.9


def _scene_with_shapes(generator: np.random.Generator) -> Shades:
    """A picture with the shapes of which pictures are full: even rectangles and ellipses of all sizes."""
    scene = _scene(generator)
    rows, columns = np.indices(scene.shape)
    for number in range(40):
        row, column, height, width = generator.uniform((0, 0, 4, 4), (*scene.shape, 40, 40))
        down, across = np.abs(rows - row) / height, np.abs(columns - column) / width
        inside = np.maximum(down, across) < 1 if number % 2 else down**2 + across**2 < 1
        scene[inside] = generator.uniform(0, 0.9)
    return scene


def _pixels(scene: Shades) -> Pixels:
    return (np.clip(scene, 0, 1) * 255).round().astype(np.uint8)


def _speech(generator: np.random.Generator, seconds: float) -> Sound:
    """Noise in syllables."""
    times = np.arange(int(seconds * _RATE)) / _RATE
    return 0.2 * generator.standard_normal(len(times)) * np.abs(np.sin(2 * np.pi * 2.5 * times))


def _rhythm() -> Sound:
    """Short long, short short: "AI" in Morse code, with rests around it."""
    unit = np.arange(800)
    pieces = [np.zeros(2_400)]
    for dots, rest in ((1, 1), (3, 3), (1, 1), (1, 4)):
        tone = 0.5 * np.sin(2 * np.pi * 700 * np.arange(dots * len(unit)) / _RATE)
        pieces += [tone, np.zeros(rest * len(unit))]
    return np.concatenate(pieces)
