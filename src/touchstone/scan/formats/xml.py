"""XML: OpenVINO graphs, PMML, and anything else, read without following where it points.

A document type can make a parser read files, call addresses and expand a few bytes to gigabytes. Nothing of it is
resolved here: declarations are reported, and expansion stops at the first entity that uses another.

Source: XML 1.0 (https://www.w3.org/TR/xml/), OWASP XML External Entity Prevention; CWE-611, CWE-776.
"""

from __future__ import annotations

from typing import Final
from xml.parsers import expat

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.formats import xml_openvino, xml_pmml
from touchstone.scan.formats.xml_dialect import Dialect
from touchstone.scan.source import Source, Unreadable
from touchstone.text import Text

_REMEDY: Final = Text(
    "Remove the declaration, or load the file with a parser that refuses it.", "删除该声明，或使用拒绝该声明的解析器。"
)

EXTERNAL_ENTITY: Final = Rule(
    "xml/external-entity",
    "critical",
    "threat",
    Text("Makes an XML parser read another file or address", "会使 XML 解析器读取其他文件或地址"),
    _REMEDY,
    ("CWE-611",),
)
ENTITY_BOMB: Final = Rule(
    "xml/entity-bomb",
    "high",
    "threat",
    Text(
        "Entities that contain each other grow without limit when a parser expands them",
        "相互嵌套的实体展开后无限膨胀",
    ),
    _REMEDY,
    ("CWE-776",),
)
ENTITY: Final = Rule(
    "xml/entity",
    "medium",
    "threat",
    Text("Declares an entity; model files need none", "声明了实体；模型文件不需要实体"),
    _REMEDY,
    ("CWE-776",),
)
EXTERNAL_DOCUMENT_TYPE: Final = Rule(
    "xml/external-document-type",
    "high",
    "threat",
    Text("Names a document type at another place, which a parser may fetch", "引用外部文档类型，解析器可能会读取"),
    _REMEDY,
    ("CWE-611",),
)
STYLE_SHEET: Final = Rule(
    "xml/style-sheet",
    "medium",
    "threat",
    Text("Names a style sheet at another place, which a viewer fetches and runs", "引用外部样式表，查看器会获取并执行"),
    _REMEDY,
    ("CWE-611", "CWE-829"),
)
INCLUSION: Final = Rule(
    "xml/inclusion",
    "high",
    "threat",
    Text("Includes another file or address by XInclude", "通过 XInclude 引入其他文件或地址"),
    _REMEDY,
    ("CWE-611",),
)
JAVA_OBJECT: Final = Rule(
    "xml/java-object",
    "critical",
    "threat",
    Text("Describes Java objects that a decoder makes by calling methods", "描述 Java 对象，解码时会调用其方法"),
    Text("Do not decode the file.", "不要解码该文件。"),
    ("CWE-502",),
)
SCRIPT: Final = Rule(
    "xml/script",
    "medium",
    "threat",
    Text("Holds a script that a viewer may run", "含查看器可能执行的脚本"),
    Text("Remove the script.", "请删除脚本。"),
    ("CWE-79",),
)
RULES: Final[tuple[Rule, ...]] = (
    EXTERNAL_ENTITY,
    ENTITY_BOMB,
    ENTITY,
    EXTERNAL_DOCUMENT_TYPE,
    STYLE_SHEET,
    INCLUSION,
    JAVA_OBJECT,
    SCRIPT,
    *xml_openvino.RULES,
    *xml_pmml.RULES,
)

_DEEPEST: Final = 256
_LONGEST_TOKEN: Final = 4 * 2**20
"""Bytes that the parser may hold back before something is understood."""
_WINDOW: Final = 64 * 1024
_WELL_KNOWN_TYPES: Final = ("-//W3C//DTD ", "-//Apple//DTD PLIST", "-//Apple Computer//DTD PLIST")
"""Public names that parsers have catalogues of: SVG, XHTML, property lists."""
_XINCLUDE: Final = "http://www.w3.org/2001/XInclude"


def read_xml(source: Source, examination: Examination) -> str:
    """Parse the document, following nothing; answers which dialect it is."""
    reading = _Reading(examination)
    parser = reading.parser
    held_back, met = 0, 0
    try:
        for window in source.windows(_WINDOW):
            examination.budget.check_time()
            parser.Parse(window, False)
            held_back = held_back + len(window) if reading.met == met else 0
            met = reading.met
            if held_back > _LONGEST_TOKEN:
                raise Unreadable(Text("has a part that is too long", "存在过长的部分"))
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Unreadable(
            Text(f"is not well-formed XML from line {error.lineno}", f"第 {error.lineno} 行起不是格式正确的 XML")
        ) from None
    except (ValueError, LookupError):
        raise Unreadable(Text("is in an encoding that is not read", "使用了未支持的编码")) from None
    reading.dialect.finish()
    return reading.dialect.name


class _Reading:
    """One document while it is parsed."""

    def __init__(self, examination: Examination) -> None:
        self._examination = examination
        self._depth = 0
        self.met = 0
        """Events so far."""
        self.dialect = Dialect(examination)
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self.parser.StartDoctypeDeclHandler = self._document_type
        self.parser.EntityDeclHandler = self._entity
        self.parser.ProcessingInstructionHandler = self._instruction
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        # With a default handler, entities in text are handed on as written instead of expanded.
        self.parser.DefaultHandler = self._other

    def _place(self) -> int:
        return self.parser.CurrentByteIndex

    def _document_type(self, _name: str, system: str | None, public: str | None, _internal: bool) -> None:
        self.met += 1
        if system is None or (public or "").startswith(_WELL_KNOWN_TYPES):
            return
        self._examination.report(EXTERNAL_DOCUMENT_TYPE, f"{public or ''} {system}".strip(), offset=self._place())

    def _entity(
        self,
        name: str,
        _is_parameter: bool,
        value: str | None,
        _base: str | None,
        system: str | None,
        public: str | None,
        _notation: str | None,
    ) -> None:
        self.met += 1
        if system is not None or public is not None:
            self._examination.report(EXTERNAL_ENTITY, f"{name}: {system or public}", offset=self._place())
        elif value is not None and ("&" in value or "%" in value):
            self._examination.report(ENTITY_BOMB, f"{name}: {value}", offset=self._place())
            raise Unreadable(Text("has entities within entities, which are not expanded", "含嵌套实体，未展开"))
        else:
            self._examination.report(ENTITY, f"{name}: {value}", offset=self._place())

    def _instruction(self, target: str, data: str) -> None:
        self.met += 1
        if target == "xml-stylesheet" and "#" not in data:
            self._examination.report(STYLE_SHEET, data, offset=self._place())

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.met += 1
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Unreadable(Text(f"is nested deeper than {_DEEPEST}", f"嵌套超过 {_DEEPEST} 层"))
        namespace, _, tag = name.rpartition(" ")
        if self._depth == 1:
            self.dialect = self._dialect_of(tag, attributes)
        if namespace == _XINCLUDE and tag == "include":
            self._examination.report(INCLUSION, attributes.get("href", ""), offset=self._place())
        elif tag.lower() == "script":
            self._examination.report(SCRIPT, " ".join(f'{key}="{value}"' for key, value in attributes.items()) or tag)
        self.dialect.start(tag, attributes, self._place())

    def _dialect_of(self, tag: str, attributes: dict[str, str]) -> Dialect:
        if tag == "net" and "name" in attributes:
            return xml_openvino.OpenVino(self._examination)
        if tag == "PMML":
            return xml_pmml.Pmml(self._examination)
        if tag == "java" and "class" in attributes:
            self._examination.report(JAVA_OBJECT, attributes["class"], offset=self._place())
        return self.dialect

    def _end(self, name: str) -> None:
        self.met += 1
        self._depth -= 1
        self.dialect.end(name.rpartition(" ")[2])

    def _text(self, text: str) -> None:
        self.met += 1
        self.dialect.text(text)

    def _other(self, _text: str) -> None:
        self.met += 1
