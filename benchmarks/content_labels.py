"""Claim: labels of generated content are found where they are, and nowhere else.

Marks: drawn in the style of products (light and half transparent, dark, two lines on a box) at 5 to 12 % of the shorter
side into photographs and rendered pages, at corners by lot; then compressed, resized, cropped, or photographed off a
screen's window. Found, too small and not at an edge are counted; cut-off marks must not be found. False alarms: the
same pictures without a mark, and pages full of other writing. Metadata: labelled files of every format that is read,
as they are and with their metadata taken out. Texts: pages of documentation, which speak of many things and carry no
label, and the same with a label at either end. Folders with further pictures can be named.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/content_labels.py [FOLDER ...]
"""

from __future__ import annotations

import io
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps
from sklearn.datasets import load_sample_image

from record import keep
from touchstone.checks.governance import labelled_files as files
from touchstone.methods.labelling.embedded import embedded
from touchstone.methods.labelling.explicit_picture import ABSENT, FARTHEST, FOUND, Mark, find_mark, mark_of
from touchstone.methods.labelling.explicit_text import text_label
from touchstone.methods.labelling.fields import DamagedError, UnsupportedError
from touchstone.methods.labelling.implicit import Aigc, aigc_label

DOCS = Path(__file__).parent.parent / "docs"
PHOTOGRAPHS, PAGES = 130, 20
CHANGED = 32
"""Photographs that marks are drawn into."""
HEIGHTS = (0.05, 0.06, 0.08, 0.12)
STYLES = ("light", "faint", "dark", "boxed")
WORDS = ("river", "model", "year", "light", "house", "which", "data", "made", "content", "by", "the", "and", "under")
SIMILAR = ("AI", "general", "generates", "Al", "generator", "art", "genuine")

Picture = Image.Image


def pictures(generator: np.random.Generator) -> Iterator[tuple[str, Picture]]:
    """Crops of photographs, pages of writing, and what lies in the folders that were named."""
    photographs = [Image.fromarray(load_sample_image(name)) for name in ("china.jpg", "flower.jpg")]
    for number in range(PHOTOGRAPHS):
        whole = photographs[number % 2]
        width, height = (int(generator.integers(200, side)) for side in whole.size)
        left = int(generator.integers(whole.width - width + 1))
        top = int(generator.integers(whole.height - height + 1))
        crop = whole.crop((left, top, left + width, top + height))
        factor = generator.uniform(1, 2.5)
        yield "photograph", crop.resize((int(width * factor), int(height * factor)), Image.Resampling.LANCZOS)
    for _ in range(PAGES):
        yield "page", page(generator, WORDS)
        yield "page_of_similar_words", page(generator, SIMILAR)
    for folder in sys.argv[1:]:
        for path in sorted(Path(folder).glob("*")):
            if path.suffix.lower() in (".png", ".jpg", ".jpeg") and min(Image.open(path).size) >= 100:
                yield "folder", Image.open(path).convert("RGB")


def page(generator: np.random.Generator, words: tuple[str, ...]) -> Picture:
    """A sheet full of writing."""
    size = int(generator.integers(14, 40))
    sheet = Image.new("RGB", (600, 800), "white")
    font = ImageFont.load_default(size)
    for row in range(10, 780, int(size * 1.4)):
        ImageDraw.Draw(sheet).text((10, row), " ".join(generator.choice(words, 14)), (20, 20, 20), font)
    return sheet


def layer(style: str, size: float) -> Picture:
    """The mark by itself, on a transparent ground."""
    text = "AI generated\ncontent" if style == "boxed" else "AI generated"
    font = ImageFont.load_default(size)
    box = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox((0, 0), text, font, spacing=0.3 * size)
    margin = 0.4 * size
    area = (int(box[2] - box[0] + 2 * margin), int(box[3] - box[1] + 2 * margin))
    drawn = Image.new("RGBA", area, (0, 0, 0, 150) if style == "boxed" else (255, 255, 255, 0))
    colour = {"light": (255, 255, 255, 200), "faint": (255, 255, 255, 110), "dark": (10, 10, 10, 230)}
    place = (margin - box[0], margin - box[1])
    ImageDraw.Draw(drawn).multiline_text(place, text, colour.get(style, (255, 255, 255, 255)), font, spacing=0.3 * size)
    return drawn


def declared(style: str) -> Mark:
    """The mark as it would be declared: by its opacity, or on its box."""
    drawn = layer(style, 64)
    grey = np.asarray(drawn.convert("RGB").convert("L")) / 255.0
    opacity = np.asarray(drawn.getchannel("A")) / 255.0
    found = mark_of(grey, None if style == "boxed" else opacity, lines=2 if style == "boxed" else 1)
    assert found is not None
    return found


def marked(picture: Picture, style: str, mark: Mark, height: float, generator: np.random.Generator) -> Picture:
    """The picture with the mark in a corner by lot, one line of its ink `height` of the shorter side high."""
    wanted = height * mark.lines * min(picture.size)
    drawn = layer(style, 64)
    factor = wanted / mark.ink.shape[0]
    drawn = drawn.resize(
        (max(1, round(drawn.width * factor)), max(1, round(drawn.height * factor))), Image.Resampling.LANCZOS
    )
    right, bottom = generator.integers(2, size=2)
    place = (int(right) * (picture.width - drawn.width), int(bottom) * (picture.height - drawn.height))
    result = picture.convert("RGBA")
    result.alpha_composite(drawn, (max(0, place[0]), max(0, place[1])))
    return result.convert("RGB")


def as_jpeg(quality: int) -> Callable[[Picture], Picture]:
    def change(picture: Picture) -> Picture:
        content = io.BytesIO()
        picture.save(content, "JPEG", quality=quality)
        return Image.open(content)

    return change


def at_size(factor: float) -> Callable[[Picture], Picture]:
    return lambda picture: picture.resize(
        (round(picture.width * factor), round(picture.height * factor)), Image.Resampling.BICUBIC
    )


def in_a_window(picture: Picture) -> Picture:
    """A screenshot: the picture at another size in a window with bars."""
    shown = at_size(0.83)(picture)
    return ImageOps.expand(ImageOps.expand(shown, 24, (245, 245, 245)), (0, 40, 0, 0), (60, 60, 70))


CHANGES: dict[str, Callable[[Picture], Picture]] = {
    "none": lambda picture: picture,
    **{f"jpeg_{quality}": as_jpeg(quality) for quality in (95, 75, 50)},
    **{f"resized_{factor}": at_size(factor) for factor in (0.5, 0.75, 1.5, 2.0)},
    "jpeg_75_resized_0.5_jpeg_75": lambda picture: as_jpeg(75)(at_size(0.5)(as_jpeg(75)(picture))),
    "screenshot": in_a_window,
}


def seen(picture: Picture, mark: Mark) -> tuple[float, float, float, float]:
    """Score, height, distance and seconds."""
    shades = np.asarray(picture.convert("L")) / 255.0
    started = time.process_time()
    found = find_mark(shades, mark)
    return found.score, found.height, found.distance, time.process_time() - started


def marks(generator: np.random.Generator) -> dict[str, Any]:
    """What is found of marks after each change, and what is found where none is."""
    all_pictures = list(pictures(generator))
    known = {style: declared(style) for style in STYLES}
    seconds: list[float] = []
    scores: dict[str, dict[str, list[float]]] = {change: {style: [] for style in STYLES} for change in CHANGES}
    accepted: dict[str, list[bool]] = {change: [] for change in CHANGES}
    heights: list[float] = []
    for number, (_, picture) in enumerate(all_pictures[:CHANGED]):
        style, height = STYLES[number % 4], HEIGHTS[number // 4 % 4]
        drawn = marked(picture, style, known[style], height, generator)
        for change, changed in CHANGES.items():
            score, measured, distance, spent = seen(changed(drawn), known[style])
            seconds.append(spent)
            scores[change][style].append(score)
            accepted[change].append(score >= FOUND and measured >= 0.048 and distance <= FARTHEST)
            if change == "none" and score >= FOUND:
                heights.append(abs(measured - height) / height)
    alarms: dict[str, dict[str, list[float]]] = {}
    for style in ("light", "boxed"):  # light, faint and dark have the same ink
        for kind, picture in all_pictures:
            alarms.setdefault(f"{style}_{kind}", []).append(seen(picture, known[style])[0])
    return {
        "thresholds": {"found": FOUND, "absent": ABSENT},
        "after": {
            change: {style: outcome(each) for style, each in by_style.items()} for change, by_style in scores.items()
        },
        "accepted_after": {change: f"{sum(each)}/{len(each)}" for change, each in accepted.items()},
        "error_of_height": {"median": round(statistics.median(heights), 4), "greatest": round(max(heights), 4)},
        "without_mark": {name: outcome(each) | {"greatest": round(max(each), 3)} for name, each in alarms.items()},
        "cut_off": outcome(cut_off(all_pictures[:CHANGED], known, generator)),
        "processor_seconds_per_picture": round(statistics.median(seconds), 3),
    }


def outcome(scores: list[float]) -> dict[str, Any]:
    """How many are found, left to people, and taken not to be there."""
    found = sum(score >= FOUND for score in scores)
    absent = sum(score < ABSENT for score in scores)
    return {"found": found, "uncertain": len(scores) - found - absent, "absent": absent}


def cut_off(chosen: list[tuple[str, Picture]], known: dict[str, Mark], generator: np.random.Generator) -> list[float]:
    """Marks of which the picture was cropped: each one found is a false alarm."""
    scores = []
    for number, (_, picture) in enumerate(chosen):
        style = STYLES[number % 4]
        drawn = marked(picture, style, known[style], 0.06, generator)
        rows = round(0.25 * drawn.height)
        scores.append(seen(drawn.crop((0, rows, drawn.width, drawn.height - rows)), known[style])[0])
    return scores


def metadata() -> dict[str, Any]:
    """Labels by format: as they were written, and after the file was written anew without its metadata."""
    label = files.aigc_text("maker", "1")
    pixels = np.zeros((8, 8), np.uint8)
    written: dict[str, Callable[[str | None], bytes]] = {
        **files.CARRIERS,
        "a.png": lambda text: files.png(pixels, files.label_chunk(text) if text else b""),
        "b.png": lambda text: files.png(pixels, files.xmp_chunk(files.tc260_xmp(text)) if text else b""),
        "a.wav": lambda text: files.wav(np.zeros(800), text),
        "a.docx": lambda text: files.docx(("text",), text),
        "a.pdf": lambda text: files.pdf("text", text),
        "a.html": lambda text: files.html("<p>text</p>", text),
        "a.md": lambda text: files.markdown("text", text),
    }
    result = {}
    for name, write in written.items():
        whole = write(label)
        started = time.process_time()
        found = isinstance(aigc_label(embedded(whole, name).fields, {"maker"}), Aigc)
        spent = time.process_time() - started
        stripped = aigc_label(embedded(write(None), name).fields, {"maker"}) == "none"
        cut = [_label_in(whole[:length], name) for length in range(0, len(whole) - 1, max(1, len(whole) // 300))]
        result[name] = {
            "found": found,
            "none_when_stripped": stripped,
            "found_in_cut_files": f"{sum(cut)}/{len(cut)}",
            "milliseconds": round(1000 * spent, 2),
        }
    return result


def _label_in(content: bytes, name: str) -> bool:
    try:
        return isinstance(aigc_label(embedded(content, name).fields, {"maker"}), Aigc)
    except (DamagedError, UnsupportedError):
        return False


def texts() -> dict[str, Any]:
    """Pages of documentation without a label, and with one at an end."""
    pages = [path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md"))]
    paragraphs = [piece for text in pages for piece in text.split("\n\n") if len(piece) > 200]
    labelled = [f"AI生成\n\n{piece}" for piece in paragraphs] + [f"{piece}\n\n（内容由AI生成）" for piece in paragraphs]
    started = time.process_time()
    alarms = [text for text in (*pages, *paragraphs) if text_label(text) is not None]
    spent = time.process_time() - started
    return {
        "unlabelled": len(pages) + len(paragraphs),
        "false_alarms": len(alarms),
        "labelled": len(labelled),
        "found": sum(text_label(text) is not None for text in labelled),
        "processor_milliseconds_per_text": round(1000 * spent / (len(pages) + len(paragraphs)), 3),
    }


if __name__ == "__main__":
    keep(
        "content_labels",
        "labels of generated content are found where they are, and nowhere else",
        {"metadata": metadata(), "texts": texts(), "marks": marks(np.random.default_rng(45438))},
    )
