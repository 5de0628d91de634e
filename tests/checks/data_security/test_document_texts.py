"""Text is taken out of documents that people hand in, and nothing that they hold does more than be read or refused."""

from __future__ import annotations

import contextlib
import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from touchstone.checks.data_security.document_texts import UnreadableError, document_texts

WORD = '<w:document xmlns:w="w"><w:body><w:p><w:r><w:t>患者李雷 </w:t></w:r><w:r><w:t>13812345678</w:t></w:r></w:p>'
PARAGRAPHS = WORD + "<w:p><w:r><w:t>second</w:t></w:r></w:p></w:body></w:document>"


def packed(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/") + ".xml", content)
    return buffer.getvalue()


def pdf(line: str) -> bytes:
    """The smallest PDF with one line of text (ISO 32000-1, annex H.3)."""
    drawn = f"BT /F1 12 Tf 72 720 Td ({line}) Tj ET".encode()
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%b\nendstream" % (len(drawn), drawn),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ]
    content, places = b"%PDF-1.4\n", []
    for number, each in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj%b endobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    trailer = b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (size, len(content))
    return content + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + trailer


def test_paragraphs_of_a_word_document_stay_whole() -> None:
    assert document_texts(packed(word__document=PARAGRAPHS), "a.DOCX") == ["患者李雷 13812345678", "second"]


def test_cells_and_authors_are_read() -> None:
    strings = "<sst><si><t>Alice</t></si></sst>"
    sheet = "<worksheet><c><v>13812345678</v></c><c><v>2</v></c></worksheet>"
    core = '<cp:p xmlns:cp="c" xmlns:dc="d"><dc:creator>Bob</dc:creator></cp:p>'
    content = packed(xl__sharedStrings=strings, xl__worksheets__sheet1=sheet, docProps__core=core)
    assert document_texts(content, "a.xlsx") == ["Alice", "13812345678", "2", "Bob"]


def test_open_documents_are_read() -> None:
    content = packed(content='<o:d xmlns:o="o" xmlns:text="t"><text:h>head</text:h><text:p>body</text:p></o:d>')
    assert document_texts(content, "a.odt") == ["head", "body"]


def test_lines_of_a_pdf_are_read() -> None:
    pytest.importorskip("pypdf")
    assert document_texts(pdf("mail to x.y@example.com"), "a.pdf") == ["mail to x.y@example.com"]


def test_other_documents_are_left_alone() -> None:
    assert document_texts(b"\xff\xd8\xff", "scan.jpg") is None


BILLION = '<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><w:p xmlns:w="w">&b;</w:p>'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no zip",
        packed(word__document=BILLION),
        packed(word__document="<w:p>"),
        packed(word__document=PARAGRAPHS)[:-30],
        packed(word__document="<p>" + " " * (64 * 1024 * 1024) + "</p>"),
    ],
    ids=["empty", "no zip", "entities", "not closed", "cut off", "too large"],
)
def test_what_is_damaged_or_a_bomb_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableError):
        document_texts(content, "a.docx")


def test_a_damaged_pdf_is_refused() -> None:
    pytest.importorskip("pypdf")
    with pytest.raises(UnreadableError):
        document_texts(b"%PDF-1.4 nothing", "a.pdf")


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["a.docx", "a.pdf"]), st.integers(0, 500), st.binary(max_size=8))
def test_changed_bytes_raise_nothing_else(path: str, place: int, patch: bytes) -> None:
    content = pdf("text") if path.endswith("pdf") else packed(word__document=PARAGRAPHS)
    changed = content[:place] + patch + content[place + len(patch) :]
    with contextlib.suppress(UnreadableError):
        document_texts(changed, path)


def test_properties_are_left_out_where_only_the_reader_counts() -> None:
    content = packed(word__document=PARAGRAPHS, docProps__core="<p:p xmlns:p='p'><creator>Alice</creator></p:p>")
    whole, seen = document_texts(content, "a.docx"), document_texts(content, "a.docx", properties=False)
    assert whole is not None
    assert seen is not None
    assert set(whole) - set(seen) == {"Alice"}
