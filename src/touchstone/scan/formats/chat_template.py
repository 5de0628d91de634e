"""Chat templates: Jinja programs that turn a conversation into the text a model reads, run on every request.

A template is parsed to its syntax tree and judged there; it is never rendered. What templates of real models do (loops,
`namespace`, `raise_exception`, `tojson`, methods of texts) is harmless. What reaches from a value to Python itself is
not: attributes with underscores, the `attr` filter, names spelled in pieces (CVE-2024-34359 llama-cpp-python,
CVE-2025-27516 and CVE-2024-56326 Jinja; James Kettle, "Server-side template injection", 2015).
"""

from __future__ import annotations

import hashlib
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.source import Source
from touchstone.scan.text_encoding import Decoded, Encoding, whole_text
from touchstone.text import Text

_REFUSE = Text(
    "Do not use this template; take the one its original author published.",
    "请勿使用该模板；请改用原作者发布的版本。",
)

REACHES_INTERNALS: Final = Rule(
    id="template/reaches-internals",
    severity="critical",
    nature="threat",
    title=Text(
        "The template reaches from a value to Python's internals, the way to running any code",
        "模板由普通值访问 Python 内部对象，可借此运行任意代码",
    ),
    remedy=_REFUSE,
    references=("CVE-2024-34359", "CWE-1336", "MITRE ATLAS AML.T0011.000"),
)
CALLS_SYSTEM: Final = Rule(
    id="template/calls-system",
    severity="high",
    nature="threat",
    title=Text("The template calls something that acts on the machine", "模板调用会操作主机的功能"),
    remedy=_REFUSE,
    references=("CWE-1336",),
)
COMPUTED_NAME: Final = Rule(
    id="template/computed-name",
    severity="high",
    nature="threat",
    title=Text(
        "The template looks attributes up by a name that it makes itself",
        "模板以自行拼接的名称查找属性",
    ),
    remedy=_REFUSE,
    references=("CVE-2025-27516", "CVE-2024-56326", "CWE-1336"),
)
READS_FILE: Final = Rule(
    id="template/reads-file",
    severity="high",
    nature="threat",
    title=Text("The template includes another file", "模板引入了其他文件"),
    remedy=_REFUSE,
    references=("CWE-98",),
)
EXHAUSTS: Final = Rule(
    id="template/exhausts",
    severity="high",
    nature="threat",
    title=Text(
        "Rendering the template takes memory or time without reasonable limit", "渲染该模板会消耗过多内存或时间"
    ),
    remedy=_REFUSE,
    references=("CWE-400",),
)
REACTS_TO_WORDS: Final = Rule(
    id="template/reacts-to-words",
    severity="information",
    nature="information",
    title=Text(
        "The template behaves differently when a message holds these words",
        "消息含有这些词语时模板的行为会改变",
    ),
    remedy=Text("Check that the words and what follows on them are intended.", "请确认这些词语及其后果符合预期。"),
    references=("MITRE ATLAS AML.T0051",),
)
NAMES_ADDRESS: Final = Rule(
    id="template/names-address",
    severity="information",
    nature="information",
    title=Text("The template writes a web address into the prompt", "模板把网址写入提示词"),
    remedy=Text("Check that the address is meant to be there.", "请确认该网址符合预期。"),
    references=(),
)
RULES: Final[tuple[Rule, ...]] = (
    REACHES_INTERNALS,
    CALLS_SYSTEM,
    COMPUTED_NAME,
    READS_FILE,
    EXHAUSTS,
    REACTS_TO_WORDS,
    NAMES_ADDRESS,
)

LONGEST: Final = 256 * 1024


def read_template(source: Source, examination: Examination) -> None:
    """A file that holds one template."""
    decoded = whole_text(source, LONGEST)
    examine_template(decoded.text, examination, offset=decoded.encoding.mark, encoding=decoded.encoding.name)


def examine_template(text: str, examination: Examination, *, offset: int = -1, encoding: str = "utf-8") -> None:
    """Judge one template. `offset` is the byte where it begins, if it stands in the file as it is.

    What is wrong with the template is a gap of this place; only a limit of the whole examination is raised.
    """
    from touchstone.scan.hidden_characters import report_hidden_characters

    examination.fact("template-digest", hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest())
    if len(text) > LONGEST:
        examination.gap(Text("the template is too long to be read", "模板过长，无法解析"), "limit")
        return
    report_hidden_characters(Decoded(text, Encoding(encoding, max(offset, 0))), examination, code=True)
    if not any(mark in text for mark in ("{{", "{%", "{#")):
        return
    from jinja2.exceptions import TemplateError

    from touchstone.scan.template_judgement import TemplateJudge
    from touchstone.scan.template_syntax import parse_template

    try:
        tree = parse_template(text)
    except TemplateError:
        examination.gap(Text("the template is not well-formed Jinja", "模板不是格式正确的 Jinja"))
        return
    except RecursionError:
        examination.gap(Text("the template is nested too deeply", "模板嵌套过深"), "limit")
        return
    TemplateJudge(text, examination, offset, encoding).judge(tree)
