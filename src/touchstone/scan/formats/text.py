"""Plain text, tables and pages: no loader executes them. Read to the end, so that nothing else hides behind them."""

from __future__ import annotations

import codecs
import re
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.source import WINDOW, Source, Unreadable
from touchstone.scan.text_encoding import LONGEST_TEXT, Decoded, encoding_of
from touchstone.text import Text

SPREADSHEET_COMMAND: Final = Rule(
    id="text/spreadsheet-command",
    severity="medium",
    nature="threat",
    title=Text("Holds a cell that makes a spreadsheet start a program", "含有会使电子表格启动程序的单元格"),
    remedy=Text("Do not open it in a spreadsheet; remove the cell.", "请勿用电子表格打开；请删除该单元格。"),
    references=("CWE-1236",),
)
RULES: Final[tuple[Rule, ...]] = (SPREADSHEET_COMMAND,)

_SELDOM: Final = bytes([*sorted(set(range(1, 32)) - {9, 10, 12, 13}), 127])
_TAG_BYTES: Final = re.compile(rb"(?:\xf3\xa0[\x80\x81][\x80-\xbf]){10,}")
_DYNAMIC_DATA: Final = re.compile(
    rb"(?:^|[,;\t\"'\r\n])[ ]{0,9}[=+\-@][ ]{0,9}[A-Za-z]{2,20}[ ]{0,9}\|[ ]{0,9}'[^'\r\n]{1,400}'[ ]{0,9}!"
)
"""Dynamic Data Exchange: `=cmd|'/c …'!A0`."""
_PYTHON_TAG: Final = b"!!python/"


def read_text(source: Source, examination: Examination) -> None:
    """Any text: every byte must be text. What an unsafe YAML loader would obey in it is looked for as well."""
    mentions_python_tag = _read_to_end(source, examination)
    is_page = examination.name.lower().endswith((".md", ".markdown", ".rst", ".html", ".htm"))
    if mentions_python_tag and not is_page and source.size <= LONGEST_TEXT:
        from touchstone.scan.formats.yaml import examine_tags

        examine_tags(source, examination)


def _read_to_end(source: Source, examination: Examination) -> bool:
    """Raise `Unreadable` where the bytes stop being text; answer whether they hold a tag of Python's YAML."""
    head = source.read(0, WINDOW)
    encoding = encoding_of(head, whole=source.size <= len(head))
    if encoding is None:
        raise Unreadable(Text("is not text in a known encoding", "不是已知编码的文本"))
    bytewise = not encoding.name.startswith("utf-16")
    decoders = {name: codecs.getincrementaldecoder(name)() for name in _candidates(encoding.name)}
    start, seldom, high, tagged, tail = 0, 0, 0, False, b""
    for window in source.windows():
        examination.budget.check_time()
        body = window[encoding.mark :] if start == 0 else window
        if not (bytewise and window.isascii() and not _pending(decoders)):
            _decode_on(decoders, body, last=start + len(window) >= source.size)
            high += len(body) - len(body.translate(None, bytes(range(128, 256)))) if bytewise else 0
            for found in _TAG_BYTES.finditer(window):
                _report_invisible(found.group(), start + found.start(), examination)
        if bytewise:
            seldom += len(body) - len(body.translate(None, _SELDOM))
            if b"\x00" in body:
                raise Unreadable(_ends_at(start + window.index(b"\x00")))
        for command in _DYNAMIC_DATA.finditer(window) if b"|" in window else ():
            said = command.group().decode("latin-1").strip()
            examination.report(SPREADSHEET_COMMAND, said, offset=start + command.start())
        start += len(window)
        if seldom * 100 > start or (not decoders and high * 4 > start):
            raise Unreadable(_ends_at(start))
        tagged = tagged or _PYTHON_TAG in tail + window
        tail = window[-len(_PYTHON_TAG) :]
    return tagged


def _candidates(name: str) -> tuple[str, ...]:
    """Encodings the rest may turn out to be in: a long ASCII beginning fits all of them."""
    return ("utf-8", "gb18030") if name in {"utf-8", "gb18030"} else (name,)


def _decode_on(decoders: dict[str, codecs.IncrementalDecoder], body: bytes, *, last: bool) -> None:
    for name in tuple(decoders):
        try:
            decoders[name].decode(body, last)
        except UnicodeDecodeError:
            del decoders[name]


def _pending(decoders: dict[str, codecs.IncrementalDecoder]) -> bool:
    """Whether a decoder holds the first bytes of a character that the next window ends."""
    return any(decoder.getstate()[0] for decoder in decoders.values())


def _ends_at(offset: int) -> Text:
    return Text(f"is no longer text at byte {offset}", f"从第 {offset} 字节起不再是文本")


def _report_invisible(tags: bytes, offset: int, examination: Examination) -> None:
    from touchstone.scan.hidden_characters import report_hidden_characters
    from touchstone.scan.text_encoding import Encoding

    report_hidden_characters(Decoded(tags.decode("utf-8"), Encoding("utf-8", offset)), examination, code=False)
