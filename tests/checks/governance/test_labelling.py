"""Labels are counted in the files that come out, not in what the register says; every flaw is named with its output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.checks.governance.registered import MODEL, registered
from tests.checks.running import InProcessRun, codes, metric
from tests.system.made import describe, make
from touchstone.canonical import digest_of
from touchstone.checks.declaration import Measurement
from touchstone.checks.governance import labelled_files as files
from touchstone.checks.governance.labelled_files import aigc_text, markdown
from touchstone.checks.governance.labelled_outputs import Labelling, Output, judged, shades
from touchstone.checks.governance.labelling import labelling
from touchstone.checks.governance.labelling_audit import audit_outputs
from touchstone.checks.governance.labelling_controls import declared_controls, labelling_controls
from touchstone.checks.least_samples import LeastSamples
from touchstone.errors import DescriptionError, UnavailableError
from touchstone.methods.labelling.explicit_picture import Mark
from touchstone.methods.labelling.fields import DamagedError, UnsupportedError
from touchstone.system.registers.exports import Export

PRODUCT = {"producers": ["maker"], "wordings": ["由示例助手AI生成"]}
SAID = "长江全长约6300公里。\n\n（内容由AI生成）"


def entry(number: int, **other: Any) -> dict[str, Any]:
    return {
        "id": f"E-{number}",
        "medium": "text",
        "file": f"exports/{number}.md",
        "at": "2026-11-02T10:00:00+08:00",
        "way": "download",
    } | other


def measured(
    folder: Path,
    outputs: dict[str, bytes],
    exports: list[dict[str, Any]],
    *,
    product: dict[str, Any] | None = None,
    least: int = 1,
    controls: bool = False,
    **rest: Any,
) -> Measurement:
    written = {f"exports/{name}": content for name, content in outputs.items()}
    written["exports/exports.jsonl"] = b"\n".join(json.dumps(each).encode() for each in exports)
    written["labels.yaml"] = json.dumps(PRODUCT | (product or {})).encode()
    description = describe(columns=["a"], format_="onnx", file="model.onnx", labels=["healthy", "ill"])
    description["registers"] = {"exports": "exports/exports.jsonl", "content-labels": "labels.yaml"}
    subject = make(folder, description | rest, {"model.onnx": MODEL, **written})
    run = InProcessRun()
    with pytest.MonkeyPatch.context() as patched:
        if not controls:  # they take seconds and are the same every time
            patched.setattr("touchstone.checks.governance.labelling.labelling_controls", lambda *_: ())
        found = labelling.function(subject, LeastSamples(n_min=least), run)
    listing = json.loads(run.kept["outputs.json"])["outputs"]
    assert len(listing) == len({each["digest"] for each in listing})
    return found


def labelled(number: int, said: str = SAID) -> bytes:
    return markdown(said, aigc_text("maker", f"no-{number}"))


def test_outputs_with_both_labels_pass_and_the_test_is_tested(tmp_path: Path) -> None:
    found = measured(tmp_path, {f"{n}.md": labelled(n) for n in range(3)}, [entry(n) for n in range(3)], controls=True)
    for name in ("explicit_label_present", "implicit_label_present"):
        assert metric(found, name).value == 1
        assert float(metric(found, name).low or 0) == pytest.approx(0.05 ** (1 / 3), abs=1e-6)
        assert metric(found, name, "text").n == 3
        assert metric(found, name).unit == "share_of_outputs"
    assert codes(found) == []
    assert [control.expected.en for control in found.controls if not control.passed] == []
    assert {control.kind for control in found.controls} == {"null", "planted"}


def test_one_output_without_labels_is_enough_and_is_named(tmp_path: Path) -> None:
    outputs = {"0.md": labelled(0), "1.md": "如今，AI生成内容很多。\n这是正文。".encode()}
    found = measured(tmp_path, outputs, [entry(0), entry(1)], least=200)
    assert metric(found, "explicit_label_present").value == metric(found, "implicit_label_present").value == 0.5
    assert codes(found) == ["too-few-samples", "no-explicit-label", "no-implicit-label"]
    assert found.warnings[1].text.en.endswith(": E-1")


def test_few_good_outputs_decide_nothing(tmp_path: Path) -> None:
    found = measured(tmp_path, {"0.md": labelled(0)}, [entry(0)], least=200)
    assert [each.slice for each in found.metrics] == ["text", "text"]
    assert codes(found) == ["too-few-samples"]


def test_copies_are_one_output_and_a_number_is_borne_once(tmp_path: Path) -> None:
    outputs = {"0.md": labelled(0), "1.md": labelled(0), "2.md": labelled(0, "别的。\n\nAI生成"), "3.md": labelled(3)}
    found = measured(tmp_path, outputs, [entry(n) for n in range(4)])
    assert metric(found, "implicit_label_present").n == 3
    assert float(metric(found, "implicit_label_present").value) == pytest.approx(1 / 3)
    assert codes(found) == ["copies", "number-twice"]


def test_own_words_count_only_if_they_say_it(tmp_path: Path) -> None:
    outputs = {"0.md": labelled(0, "正文。\n由示例助手AI生成"), "1.md": labelled(1, "正文。\n智能创作")}
    product = {"wordings": ["由示例助手AI生成", "智能创作"]}
    found = measured(tmp_path, outputs, [entry(0), entry(1)], product=product)
    assert codes(found) == ["no-explicit-label", "wording-not-enough"]
    assert metric(found, "explicit_label_present").value == 0.5


def test_a_film_is_never_taken_to_be_marked(tmp_path: Path) -> None:
    film = files.CARRIERS["a.mp4"](aigc_text("maker", "film"))
    exports = [entry(0), entry(1, medium="video", file="exports/1.mp4")]
    found = measured(tmp_path, {"0.md": labelled(0), "1.mp4": film}, exports)
    assert [each.slice for each in found.metrics if each.id == "explicit_label_present"] == ["text"]
    assert metric(found, "implicit_label_present").value == 1
    assert codes(found) == ["frames-not-decoded"]


def test_pictures_need_a_declared_mark_and_it_is_found(tmp_path: Path) -> None:
    generator = np.random.default_rng(5)
    ink = np.kron(generator.integers(0, 2, (5, 24)), np.ones((5, 5)))
    scene = generator.uniform(0, 90, (200, 300)).astype(np.uint8)
    drawn = scene.copy()
    drawn[165:190, 170:290] = np.where(ink > 0, 230, drawn[165:190, 170:290])
    chunks = [files.label_chunk(aigc_text("maker", str(number))) for number in range(2)]
    mark = files.png((255 * np.pad(ink, 4)).astype(np.uint8))
    outputs = {"0.png": files.png(drawn, chunks[0]), "1.png": files.png(scene, chunks[1]), "mark.png": mark}
    exports = [entry(n, medium="image", file=f"exports/{n}.png") for n in range(2)]
    product = {"marks": [{"picture": "exports/mark.png", "says": "AI生成"}]}
    found = measured(tmp_path / "a", outputs, exports, product=product)
    assert metric(found, "explicit_label_present", "image").value == 0.5
    assert codes(found) == ["no-explicit-label"]
    assert codes(measured(tmp_path / "b", outputs, exports)) == ["no-mark-declared"]
    silent = {"marks": [{"picture": "exports/mark.png", "says": "example.org"}]}
    assert codes(measured(tmp_path / "c", outputs, exports, product=silent)) == [
        "no-mark-declared",
        "wording-not-enough",
    ]


def test_a_label_beside_a_plain_text_counts_but_not_beside_a_file_that_has_a_place(tmp_path: Path) -> None:
    carried = {"carried": aigc_text("maker", "a")}
    exports = [entry(0, file="exports/0.txt", **carried), entry(1, **carried)]
    outputs = {"0.txt": SAID.encode(), "1.md": f"{SAID} ".encode()}
    found = measured(tmp_path, outputs, exports)
    assert codes(found) == ["no-implicit-label", "label-stated"]
    assert metric(found, "implicit_label_present").value == 0.5


def test_labels_of_another_scheme_count_where_that_is_declared_and_the_standard_does_not_apply(tmp_path: Path) -> None:
    source = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    space = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    picture = files.png(
        np.zeros((20, 20), np.uint8), files.xmp_chunk(files.xmp_packet("DigitalSourceType", space, source))
    )
    exports = [entry(0, medium="image", file="exports/0.png")]
    product = {"scheme": "iptc"}
    abroad = measured(tmp_path / "a", {"0.png": picture}, exports, product=product)
    assert metric(abroad, "implicit_label_present", "image").value == 1
    here = measured(tmp_path / "b", {"0.png": picture}, exports, product=product, deployment={"jurisdictions": ["CN"]})
    assert metric(here, "implicit_label_present", "image").value == 0
    assert "scheme-not-enough" in codes(here)


def test_files_that_are_not_there_or_not_read_are_named(tmp_path: Path) -> None:
    exports = [entry(0), entry(1), entry(2, medium="audio", file="exports/2.flac")]
    found = measured(tmp_path, {"0.md": labelled(0), "2.flac": b"fLaC\x00\xff"}, exports)
    assert codes(found) == ["format-not-read", "file-missing"]
    assert metric(found, "explicit_label_present").value == 0.5


def test_an_export_that_changes_nothing_is_named(tmp_path: Path) -> None:
    outputs = {"0.md": labelled(0), "1.md": labelled(1)}
    exports = [entry(n, before=digest_of(labelled(0))) for n in range(2)]
    found = measured(tmp_path, outputs, exports)
    assert codes(found) == ["unchanged-by-export"]
    assert found.warnings[0].text.en.endswith(": E-0")


def test_a_system_that_generates_nothing_has_nothing_to_label(tmp_path: Path) -> None:
    subject = registered(tmp_path, {}, facts={"model.generative": False})
    with pytest.raises(UnavailableError) as caught:
        labelling.function(subject, LeastSamples(), InProcessRun())
    assert "notice to users" in caught.value.render("en")


def test_outputs_show_that_something_is_generated(tmp_path: Path) -> None:
    subject = registered(tmp_path, {"exports": [entry(0)]}, facts={"model.generative": False})
    with pytest.raises(DescriptionError) as caught:
        subject.register(Export)
    assert "model.generative" in caught.value.render("en")


@pytest.mark.parametrize(
    ("product", "said"),
    [
        ({"marks": [{"picture": "exports/0.md", "says": "AI生成"}]}, "is no picture"),
        ({"marks": [{"picture": "elsewhere.png", "says": "AI生成"}]}, "is not a file of this system"),
        ({"prompts": ["exports/0.md"]}, "is no WAV file"),
    ],
)
def test_declared_labels_that_cannot_be_read_are_no_findings(
    tmp_path: Path, product: dict[str, Any], said: str
) -> None:
    with pytest.raises(UnavailableError) as caught:
        measured(tmp_path, {"0.md": labelled(0)}, [entry(0)], product=product)
    assert said in caught.value.render("en")


def test_no_outputs_are_no_result(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as caught:
        measured(tmp_path, {}, [])
    assert "no exported output" in caught.value.render("en")


def test_a_register_beside_the_description_has_no_files(tmp_path: Path) -> None:
    subject = registered(tmp_path, {"exports": [entry(0)], "content-labels": PRODUCT})
    with pytest.raises(UnavailableError) as caught:
        labelling.function(subject, LeastSamples(), InProcessRun())
    assert "no folder of its own" in caught.value.render("en")


@pytest.mark.parametrize(("scheme", "seed"), [("gb45438", 1), ("gb45438", 2), ("c2pa", 3), ("iptc", 4)])
def test_controls_pass_whatever_the_seed(scheme: Any, seed: int) -> None:
    runs = labelling_controls(scheme, np.random.default_rng(seed))
    assert [each.expected.en for each in runs if not each.passed] == []
    assert len(runs) > 25


def text_mark(generator: np.random.Generator) -> Mark:
    """Strokes like those of a line of letters."""
    return Mark(np.hstack([np.kron(generator.integers(0, 2, (6, 4)), np.ones((6, 6))) for _ in range(6)]))


@pytest.mark.parametrize("seed", range(3))
def test_a_mark_with_strokes_and_a_spoken_prompt_are_found_where_they_are_only(seed: int) -> None:
    generator = np.random.default_rng(seed)
    prompt = generator.standard_normal(8_000)
    [control] = declared_controls(
        Labelling("gb45438", frozenset(), marks=(text_mark(generator),), prompts=(prompt,)), generator
    )
    assert control.passed, control.seen.en


@pytest.mark.parametrize(
    ("marks", "prompts"),
    [
        ((Mark(np.ones((20, 60))),), ()),
        ((Mark(np.hypot(*np.mgrid[-1:1:40j, -1:1:40j]) < 1),), ()),
        ((), (np.array([1.0, -1.0]),)),
    ],
    ids=["box", "disc", "click"],
)
def test_a_mark_that_is_everywhere_marks_nothing(marks: Any, prompts: Any) -> None:
    labelling = Labelling("gb45438", frozenset(), marks=marks, prompts=prompts)
    [control] = declared_controls(labelling, np.random.default_rng(0))
    assert not control.passed


def test_without_marks_there_is_nothing_to_find() -> None:
    assert declared_controls(Labelling("gb45438", frozenset()), np.random.default_rng(0)) == ()


def test_texts_of_a_service_are_judged_like_files() -> None:
    replies = [Output("a", "text", "reply.txt", "你好。AI生成".encode(), aigc_text("maker", "1"))]
    audit = audit_outputs(replies, Labelling("gb45438", frozenset({"maker"})), least=1)
    assert [float(each.value) for each in audit.metrics] == [1, 1, 1, 1]


def test_a_doubtful_label_and_one_without_all_members_count_but_are_named() -> None:
    short = json.dumps({"Label": "3", "ContentProducer": "maker", "ProduceID": "1"})
    outputs = [Output("a", "text", "reply.txt", "你好。AI生成".encode(), short)]
    audit = audit_outputs(outputs, Labelling("gb45438", frozenset({"maker"})), least=1)
    assert [note.code for note in audit.notes] == ["label-doubts", "members-absent"]


def test_office_properties_are_no_label_for_people() -> None:
    content = files.docx(("text",), "AI生成")
    found = judged(Output("a", "document", "a.docx", content), Labelling("gb45438", frozenset({"maker"})))
    assert found.explicit == "no-explicit-label"
    assert found.implicit == "label-unreadable"


def test_pictures_are_read_with_care() -> None:
    with pytest.raises(UnsupportedError):
        shades(b"no picture")
    with pytest.raises(DamagedError):
        shades(files.png(np.zeros((9, 9), np.uint8))[:40])
    assert judged_picture(np.zeros((1, 30), np.uint8)) == "format-not-read"
    assert judged_picture(np.zeros((1, 1), np.uint8)) == "no-explicit-label"
    huge = files.png(np.zeros((1, 1), np.uint8)).replace(
        b"\x00\x00\x00\x01\x00\x00\x00\x01", b"\x00\x01\x00\x00" * 2, 1
    )
    with pytest.raises((DamagedError, UnsupportedError)):
        shades(huge)


def judged_picture(pixels: NDArray[np.uint8]) -> str | None:
    mark = Mark(np.ones((4, 9)))
    return judged(
        Output("a", "image", "a.png", files.png(pixels)), Labelling("gb45438", frozenset(), marks=(mark,))
    ).explicit
