"""Labels are found where formats keep them, and hostile files end in one declared error."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from touchstone.checks.governance import labelled_files as files
from touchstone.checks.governance.labelled_files import aigc_text, box, png_chunk, riff_chunk, tc260_xmp
from touchstone.methods.labelling.embedded import Embedded, embedded, format_of
from touchstone.methods.labelling.fields import DamagedError, UnsupportedError
from touchstone.methods.labelling.implicit import Aigc, aigc_label, states_generation

LABEL = aigc_text("maker", "no-1")
MEMBERS = json.loads(LABEL)
WRAPPED = json.dumps({"AIGC": MEMBERS})
PIXELS = np.zeros((4, 4), np.uint8)


def picture(format_: str, **options: object) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (8, 8)).save(content, format_, **options)
    return content.getvalue()


def exif(tag: int, text: str) -> bytes:
    found = Image.Exif()
    if tag == 0x9286:
        found.get_ifd(0x8769)[tag] = b"ASCII\x00\x00\x00" + text.encode()
    else:
        found[tag] = text
    return found.tobytes()


def png_text() -> bytes:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("AIGC", LABEL, zip=True)
    return picture("PNG", pnginfo=chunks)


def iptc() -> bytes:
    record = b"\x1c\x02\x78" + struct.pack(">H", len(WRAPPED)) + WRAPPED.encode()
    resource = b"8BIM\x04\x04\x00\x00" + struct.pack(">I", len(record)) + record
    segment = b"Photoshop 3.0\x00" + resource + b"\x00" * (len(resource) % 2)
    whole = picture("JPEG")
    return whole[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + whole[2:]


def id3(version: int, encoding: int, name: str) -> bytes:
    codec = ("latin-1", "utf-16", "utf-16-be", "utf-8")[encoding]
    end = b"\x00\x00" if encoding in (1, 2) else b"\x00"
    body = bytes([encoding]) + "AIGC".encode(codec) + end + LABEL.encode(codec)
    seven = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    size = {2: struct.pack(">I", len(body))[1:], 3: struct.pack(">I", len(body)), 4: seven}[version]
    frame = name.encode() + size + (b"" if version == 2 else b"\x00\x00") + body
    whole = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3" + bytes([version, 0, 0]) + whole + frame


def riff(form: bytes, *chunks: bytes) -> bytes:
    body = b"".join(chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + form + body


def odt() -> bytes:
    space = "urn:oasis:names:tc:opendocument:xmlns"
    xml = (
        f'<office:document-meta xmlns:office="{space}:office:1.0" xmlns:meta="{space}:meta:1.0"><office:meta>'
        f'<meta:user-defined meta:name="AIGC">{LABEL}</meta:user-defined></office:meta></office:document-meta>'
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("meta.xml", xml)
    return content.getvalue()


def mp4(*inside: bytes) -> bytes:
    return box(b"ftyp", b"isom\x00\x00\x00\x00") + box(b"moov", b"".join(inside)) + box(b"mdat", bytes(8))


def itunes() -> bytes:
    item = box(b"mean", bytes(4) + b"com.apple.iTunes") + box(b"name", bytes(4) + b"AIGC")
    item += box(b"data", struct.pack(">II", 1, 0) + LABEL.encode())
    return box(b"udta", box(b"meta", bytes(4) + box(b"hdlr", bytes(25)) + box(b"ilst", box(b"----", item))))


def gif_xmp() -> bytes:
    """The packet as it is, then bytes that lead readers of sub-blocks to its end from wherever they land."""
    ending = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
    return picture("GIF")[:-1] + b"\x21\xff\x0bXMP DataXMP" + tc260_xmp(LABEL) + ending + b"\x3b"


ATTRIBUTE = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    f"<rdf:Description xmlns:TC260=\"http://www.tc260.org.cn/ns/AIGC/1.0/\" TC260:AIGC='{LABEL}'/>"
    "</rdf:RDF></x:xmpmeta>"
).encode()
XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
FLAT = LABEL.replace("\n", "")

CARRIERS: dict[str, tuple[str, bytes]] = {
    "PNG text": ("a.png", files.png(PIXELS, files.label_chunk(LABEL))),
    "PNG compressed text": ("a.png", png_text()),
    "PNG international text": ("a.png", files.png(PIXELS, png_chunk(b"iTXt", b"AIGC" + bytes(5) + LABEL.encode()))),
    "PNG compressed international": (
        "a.png",
        files.png(PIXELS, png_chunk(b"iTXt", b"AIGC\x00\x01\x00\x00\x00" + zlib.compress(LABEL.encode()))),
    ),
    "PNG XMP": ("a.png", files.png(PIXELS, files.xmp_chunk(tc260_xmp(LABEL)))),
    "PNG XMP attribute": ("a.png", files.png(PIXELS, files.xmp_chunk(ATTRIBUTE))),
    "PNG Exif": ("a.png", picture("PNG", exif=exif(0x010E, WRAPPED))),
    "JPEG Exif comment": ("a.jpg", picture("JPEG", exif=exif(0x9286, WRAPPED))),
    "JPEG Exif description": ("a.jpg", picture("JPEG", exif=exif(0x010E, f"AIGC{LABEL}"))),
    "JPEG XMP": ("a.jpg", picture("JPEG", xmp=tc260_xmp(LABEL))),
    "JPEG comment": ("a.jpg", picture("JPEG", comment=WRAPPED.encode())),
    "JPEG IPTC": ("a.jpg", iptc()),
    "TIFF": ("a.tif", picture("TIFF", tiffinfo={0x010E: WRAPPED})),
    "WebP XMP": ("a.webp", picture("WEBP", xmp=tc260_xmp(LABEL))),
    "WebP Exif": ("a.webp", picture("WEBP", exif=exif(0x9286, WRAPPED))),
    "GIF comment": ("a.gif", picture("GIF", comment=WRAPPED.encode())),
    "GIF XMP": ("a.gif", gif_xmp()),
    "WAV list": ("a.wav", files.wav(np.zeros(9), LABEL)),
    "WAV broadcast": ("a.wav", riff(b"WAVE", riff_chunk(b"bext", f"AIGC{LABEL}".encode().ljust(602, b"\x00")))),
    "WAV ID3": ("a.wav", riff(b"WAVE", riff_chunk(b"id3 ", id3(4, 3, "TXXX")))),
    "AVI list": ("a.avi", riff(b"AVI ", riff_chunk(b"LIST", b"INFO" + riff_chunk(b"AIGC", LABEL.encode())))),
    "MP3 2.2": ("a.mp3", id3(2, 0, "TXX")),
    "MP3 2.3": ("a.mp3", id3(3, 1, "TXXX")),
    "MP3 2.4": ("a.mp3", id3(4, 2, "TXXX")),
    "MP4 keys": ("a.mp4", files.CARRIERS["a.mp4"](LABEL)),
    "M4A item": ("a.m4a", mp4(itunes())),
    "MP4 user data": ("a.mp4", mp4(box(b"udta", box(b"AIGC", LABEL.encode())))),
    "MP4 XMP": ("a.mp4", mp4() + box(b"uuid", XMP_UUID + tc260_xmp(LABEL))),
    "PDF": ("a.pdf", files.pdf("text", LABEL)),
    "DOCX": ("a.docx", files.docx(("text",), LABEL)),
    "ODT": ("a.odt", odt()),
    "HTML": ("a.html", files.html("<p>text</p>", LABEL)),
    "Markdown text": ("a.md", f"---\nAIGC: '{FLAT}'\n---\ntext".encode()),
    "Markdown mapping": ("a.md", b"---\nAIGC:\n  Label: 1\n  ContentProducer: maker\n  ProduceID: no-1\n---"),
    "JSON": ("a.json", json.dumps({"answer": "text", "AIGC": MEMBERS, "score": 0.5}).encode()),
}


def label_of(found: Embedded) -> object:
    return aigc_label(found.fields, {"maker"})


@pytest.mark.parametrize("kind", CARRIERS)
def test_a_label_is_found_where_the_format_keeps_it(kind: str) -> None:
    name, content = CARRIERS[kind]
    label = label_of(embedded(content, name))
    assert isinstance(label, Aigc), label
    assert (label.label, label.producer, label.number) == ("1", "maker", "no-1")


@pytest.mark.parametrize("kind", CARRIERS)
def test_files_that_are_cut_off_anywhere_end_in_the_declared_error_or_without_a_label(kind: str) -> None:
    name, content = CARRIERS[kind]
    for length in range(0, len(content), max(1, len(content) // 200)):
        try:
            embedded(content[:length], name)
        except (DamagedError, UnsupportedError):
            continue


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(CARRIERS)), st.data())
def test_changed_bytes_end_in_the_declared_error_or_in_fields(kind: str, data: st.DataObject) -> None:
    name, whole = CARRIERS[kind]
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = embedded(bytes(content), name)
    except (DamagedError, UnsupportedError):
        return
    label_of(found)


@given(st.binary(max_size=200), st.sampled_from(["a.txt", "a.md", "a.html", "a.json", "a"]))
def test_any_bytes_end_in_the_declared_error_or_in_fields(content: bytes, name: str) -> None:
    try:
        embedded(content, name)
    except (DamagedError, UnsupportedError):
        assert True


@given(st.text(max_size=300))
def test_any_value_of_the_field_is_a_label_or_a_fault(text: str) -> None:
    found = Embedded("png", embedded(files.png(PIXELS, files.label_chunk(LABEL)), "a.png").fields)
    [field] = found.fields
    other = type(field)(field.place, field.name, text)
    assert aigc_label((other,), {"maker"}) in ("unreadable", "label-value")


def test_bombs_are_damaged() -> None:
    bomb = zlib.compress(bytes(50_000_000))
    with pytest.raises(DamagedError):
        embedded(files.png(PIXELS, png_chunk(b"zTXt", b"AIGC\x00\x00" + bomb)), "a.png")
    many = png_chunk(b"zTXt", b"a\x00\x00" + zlib.compress(bytes(900_000))) * 40
    with pytest.raises(DamagedError):
        embedded(files.png(PIXELS, many), "a.png")
    same = struct.pack("<HHII", 0x010E, 2, 900_000, 500) * 40  # forty entries with one place
    tiff = (struct.pack("<2sHIH", b"II", 42, 8, 40) + same).ljust(901_000, b"a")
    with pytest.raises(DamagedError):
        embedded(tiff, "a.tif")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("docProps/custom.xml", bytes(50_000_000))
    with pytest.raises(DamagedError):
        embedded(content.getvalue(), "a.docx")
    entity = b'<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>'
    with pytest.raises(DamagedError):
        embedded(files.png(PIXELS, files.xmp_chunk(entity)), "a.png")


def test_what_only_speaks_of_labels_has_none() -> None:
    in_text = f"The field AIGC holds {LABEL} by the standard.".encode()
    for name in ("a.txt", "a.md", "a.html"):
        assert label_of(embedded(in_text, name)) == "none"
    assert label_of(embedded(files.png(PIXELS) + LABEL.encode(), "a.png")) == "none"
    assert label_of(embedded(picture("JPEG", comment=b"made by AIGC tools"), "a.jpg")) == "none"
    assert label_of(embedded(json.dumps({"text": LABEL}).encode(), "a.json")) == "none"
    assert not embedded(b"text", "a.txt").has_place


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"Label": "4"}, "label-value"),
        ({"Label": "AIGC"}, "label-value"),
        ({"ContentProducer": " "}, "no-producer"),
        ({"ContentProducer": "other"}, "other-producer"),
        ({"ProduceID": ""}, "no-number"),
        ({"Label": 1}, "unreadable"),
        ({"ReservedCode1": {"a": "b"}}, "unreadable"),
    ],
)
def test_a_label_says_all_it_has_to(change: dict[str, object], fault: str) -> None:
    label = json.dumps(MEMBERS | change)
    assert label_of(embedded(files.png(PIXELS, files.label_chunk(label)), "a.png")) == fault


def test_labels_must_agree_and_may_be_there_twice() -> None:
    twice = files.png(PIXELS, files.label_chunk(LABEL) + files.xmp_chunk(tc260_xmp(WRAPPED)))
    label = label_of(embedded(twice, "a.png"))
    assert isinstance(label, Aigc)
    assert label.places == ("png tEXt", "png iTXt XMP")
    other = files.xmp_chunk(tc260_xmp(aigc_text("maker", "no-2")))
    assert label_of(embedded(files.png(PIXELS, files.label_chunk(LABEL) + other), "a.png")) == "contradictory"


@pytest.mark.parametrize(("kind", "fault"), [("trainedAlgorithmicMedia", None), ("digitalCapture", "not-generated"),
                                             ("compositeWithTrainedAlgorithmicMedia", None)])  # fmt: skip
def test_other_schemes(kind: str, fault: str | None) -> None:
    source = f"http://cv.iptc.org/newscodes/digitalsourcetype/{kind}"
    packet = files.xmp_packet("DigitalSourceType", "http://iptc.org/std/Iptc4xmpExt/2008-02-29/", source)
    fields = embedded(picture("JPEG", xmp=packet), "a.jpg").fields
    assert states_generation(fields, "iptc") == fault
    assert states_generation(fields, "c2pa") == "none"
    manifest = box(b"jumb", box(b"jumd", b"c2pa\x00") + source.encode())
    segment = b"JP" + bytes(6) + manifest
    plain = picture("JPEG")
    signed = plain[:2] + b"\xff\xeb" + struct.pack(">H", len(segment) + 2) + segment + plain[2:]
    assert states_generation(embedded(signed, "a.jpg").fields, "c2pa") == fault
    assert states_generation(embedded(riff(b"WEBP", riff_chunk(b"C2PA", manifest)), "a").fields, "c2pa") == fault
    uuid = box(b"uuid", bytes.fromhex("d8fec3d61b0e483c92975828877ec481") + manifest)
    assert states_generation(embedded(mp4() + uuid, "a").fields, "c2pa") == fault


def test_formats_are_told_by_their_bytes() -> None:
    assert format_of(picture("JPEG"), "a.png") == "jpeg"
    assert format_of(b"text", "a.png") is None
    assert format_of(b"\x00\x00\x00\x18ftypheic", "a.heic") is None
    assert format_of(b"\xff\xfb\x90\x00", "a.mp3") == "mp3"
    with pytest.raises(UnsupportedError):
        embedded(b"fLaC\xff", "a.flac")
