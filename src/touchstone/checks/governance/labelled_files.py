"""Small files with a label in their metadata or without one, written for tests of the test."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from touchstone.methods.labelling.implicit import MEMBERS

_MOMENT = (1980, 1, 1, 0, 0, 0)


def aigc_text(producer: str, number: str, label: str = "1") -> str:
    """A label with all its members (GB 45438-2025, appendix E)."""
    return json.dumps(dict(zip(MEMBERS, (label, producer, number, "", producer, number, ""), strict=True)))


def xmp_packet(name: str, namespace: str, value: str) -> bytes:
    """A packet with one property."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:n="{namespace}"><n:{name}>{escape(value)}</n:{name}>'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def tc260_xmp(label: str) -> bytes:
    """The label in XMP."""
    return xmp_packet("AIGC", "http://www.tc260.org.cn/ns/AIGC/1.0/", label)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk with its check sum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels: NDArray[np.uint8], chunks: bytes = b"") -> bytes:
    """A grey picture (height, width) with further chunks before its pixels."""
    height, width = pixels.shape
    rows = np.hstack([np.zeros((height, 1), np.uint8), pixels]).tobytes()
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunks + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")


def label_chunk(label: str) -> bytes:
    """The label as a text chunk."""
    return png_chunk(b"tEXt", b"AIGC\x00" + label.encode())


def xmp_chunk(packet: bytes) -> bytes:
    """XMP in an international text chunk."""
    return png_chunk(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + packet)


def wav(sound: NDArray[np.float64], label: str | None, rate: int = 8_000) -> bytes:
    """One channel of 16 bits, with the label in an `AIGC` entry of its list of information."""
    samples = (np.clip(sound, -1, 1) * 32_767).astype("<i2").tobytes()
    body = riff_chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, rate, 2 * rate, 2, 16)) + riff_chunk(b"data", samples)
    if label is not None:
        body += riff_chunk(b"LIST", b"INFO" + riff_chunk(b"AIGC", label.encode() + b"\x00"))
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WAVE" + body


def riff_chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk, filled up to an even length."""
    return kind + struct.pack("<I", len(data)) + data + b"\x00" * (len(data) % 2)


def box(kind: bytes, data: bytes) -> bytes:
    """One box of MP4."""
    return struct.pack(">I", 8 + len(data)) + kind + data


def _jpeg(label: str | None) -> bytes:
    """Exif with a comment; no picture follows."""
    comment = b"ASCII\x00\x00\x00" + json.dumps({"AIGC": json.loads(label)}).encode() if label else b"ASCII\x00\x00\x00"
    exif = struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<HHHIII", 1, 0x8769, 4, 1, 26, 0)
    exif += struct.pack("<HHHIII", 1, 0x9286, 7, len(comment), 44, 0) + comment
    segment = b"Exif\x00\x00" + exif
    return b"\xff\xd8\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + b"\xff\xda\x00\x02\xff\xd9"


def _webp(label: str | None) -> bytes:
    body = riff_chunk(b"VP8X", bytes(10)) + (riff_chunk(b"XMP ", tc260_xmp(label)) if label else b"")
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def _gif(label: str | None) -> bytes:
    text = json.dumps({"AIGC": json.loads(label)}).encode() if label else b""
    blocks = b"".join(bytes([len(text[at : at + 255])]) + text[at : at + 255] for at in range(0, len(text), 255))
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + b"\x21\xfe" + blocks + b"\x00\x3b"


def _mp3(label: str | None) -> bytes:
    frame = b"\x03AIGC\x00" + label.encode() if label else b"\x03TITLE\x00none"
    body = b"TXXX" + struct.pack(">IH", len(frame), 0) + frame
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + size + body + b"\xff\xfb\x90\x00"


def _mp4(label: str | None) -> bytes:
    item = box(b"\x00\x00\x00\x01", box(b"data", struct.pack(">II", 1, 0) + (label or "none").encode()))
    name = b"AIGC" if label else b"title"
    keys = box(b"keys", struct.pack(">II", 0, 1) + box(b"mdta", name))
    metadata = box(b"meta", bytes(4) + box(b"hdlr", bytes(8) + b"mdta" + bytes(13)) + keys + box(b"ilst", item))
    return box(b"ftyp", b"isom" + bytes(4)) + box(b"mdat", bytes(64)) + box(b"moov", box(b"udta", metadata))


def docx(paragraphs: tuple[str, ...], label: str | None) -> bytes:
    """A text document, with the label as a custom property."""
    space = "http://schemas.openxmlformats.org"
    text = "".join(f"<w:p><w:r><w:t>{escape(each)}</w:t></w:r></w:p>" for each in paragraphs)
    main = f"{space}/wordprocessingml/2006/main"
    members = {"word/document.xml": f'<w:document xmlns:w="{main}"><w:body>{text}</w:body></w:document>'}
    if label is not None:
        members["docProps/custom.xml"] = (
            f'<Properties xmlns="{space}/officeDocument/2006/custom-properties" '
            f'xmlns:vt="{space}/officeDocument/2006/docPropsVTypes"><property name="AIGC" pid="2">'
            f"<vt:lpwstr>{escape(label)}</vt:lpwstr></property></Properties>"
        )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, xml in members.items():
            archive.writestr(zipfile.ZipInfo(name, _MOMENT), xml)
    return content.getvalue()


def pdf(line: str, label: str | None) -> bytes:
    """One page with one line of Latin text, with the label in the information dictionary."""
    page = f"BT /F1 12 Tf 20 80 Td ({line}) Tj ET".encode()
    information = b"<</AIGC " + _pdf_text(label) + b">>" if label is not None else b"<<>>"
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 400 100]/Contents 5 0 R/Resources<</Font<</F1 4 0 R>>>>>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(page), page),
        information,
    )
    content, places = b"%PDF-1.7\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj%s endobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    tail = b"trailer<</Size %d/Root 1 0 R/Info 6 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(content))
    return content + b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table) + tail


def _pdf_text(text: str) -> bytes:
    return b"<feff" + text.encode("utf-16-be").hex().encode() + b">"


def html(body: str, label: str | None) -> bytes:
    """A page, with the label in a `meta` of its head."""
    meta = f'<meta name="AIGC" content="{escape(label, {chr(34): "&quot;"})}">' if label is not None else ""
    return f"<!doctype html><html><head><title>AI</title>{meta}</head><body>{body}</body></html>".encode()


def markdown(body: str, label: str | None) -> bytes:
    """A text, with the label in its front matter."""
    return (f"---\nAIGC: '{label}'\n---\n{body}" if label is not None else body).encode()


CARRIERS: Mapping[str, Callable[[str | None], bytes]] = MappingProxyType(
    {"a.jpg": _jpeg, "a.webp": _webp, "a.gif": _gif, "a.mp3": _mp3, "a.mp4": _mp4}
)
"""Files of which only the metadata are of use, by a name for each."""
