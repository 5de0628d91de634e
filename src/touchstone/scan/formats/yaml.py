"""YAML: parsed to events only, so that no tag constructs anything and no alias is expanded.

What makes YAML dangerous is its loader: PyYAML's unsafe loaders obey `!!python/…`, SnakeYAML builds any Java class
(CVE-2022-1471, used against TorchServe), HyperPyYAML calls what `!new:` and `!apply:` name, OmegaConf runs resolvers
written `${name:…}`. Settings that libraries obey are judged as in JSON (`configuration`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from touchstone.scan.configuration import examine_configuration, report_called
from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.source import Source, Unreadable
from touchstone.scan.text_encoding import Decoded, whole_text
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.scan.yaml_documents import YamlReading, YamlTag

_SAFE_LOADER = Text("Load it with yaml.safe_load only.", "只能用 yaml.safe_load 加载。")

PYTHON_TAG: Final = Rule(
    id="yaml/python-object",
    severity="critical",
    nature="threat",
    title=Text(
        "Makes an unsafe YAML loader import, build or call a Python object",
        "使不安全的 YAML 加载器导入、构造或调用 Python 对象",
    ),
    remedy=_SAFE_LOADER,
    references=("CWE-502", "CVE-2020-14343", "MITRE ATLAS AML.T0011.000"),
)
PLAIN_PYTHON_TAG: Final = Rule(
    id="yaml/python-value",
    severity="information",
    nature="information",
    title=Text("Holds a plain Python value such as a tuple", "含有元组等普通 Python 值"),
    remedy=Text(
        "yaml.safe_load refuses it; yaml.full_load is enough.", "yaml.safe_load 会拒绝；使用 yaml.full_load 即可。"
    ),
    references=(),
)
FOREIGN_OBJECT: Final = Rule(
    id="yaml/foreign-object",
    severity="high",
    nature="threat",
    title=Text(
        "Makes a YAML loader of Java or Ruby build an object of a class it names",
        "使 Java 或 Ruby 的 YAML 加载器构造所指类的对象",
    ),
    remedy=Text("Do not load it.", "请勿加载。"),
    references=("CVE-2022-1471", "CWE-502"),
)
CUSTOM_TAG: Final = Rule(
    id="yaml/custom-tag",
    severity="low",
    nature="unreviewed",
    title=Text("Uses a tag whose meaning its own loader decides", "使用了由加载程序自行解释的标签"),
    remedy=Text("Find out what the program that reads it does with the tag.", "请了解读取程序如何处理该标签。"),
    references=("CWE-502",),
)
EXPANDS: Final = Rule(
    id="yaml/alias-bomb",
    severity="high",
    nature="threat",
    title=Text(
        "Grows beyond measure when its aliases are expanded",
        "展开别名后数据量急剧膨胀",
    ),
    remedy=Text("Do not load it.", "请勿加载。"),
    references=("CWE-776",),
)
EVALUATING_RESOLVER: Final = Rule(
    id="yaml/evaluating-resolver",
    severity="high",
    nature="threat",
    title=Text("Asks OmegaConf to evaluate code", "要求 OmegaConf 对代码求值"),
    remedy=Text("Do not register such a resolver; write the value out.", "请勿注册此类解析器；请直接写出取值。"),
    references=("CWE-95",),
)
CUSTOM_RESOLVER: Final = Rule(
    id="yaml/custom-resolver",
    severity="low",
    nature="unreviewed",
    title=Text("Calls an OmegaConf resolver that its program must define", "调用须由程序自行定义的 OmegaConf 解析器"),
    remedy=Text("Find out what the resolver does with its arguments.", "请了解该解析器如何处理参数。"),
    references=(),
)
READS_ENVIRONMENT: Final = Rule(
    id="yaml/reads-environment",
    severity="information",
    nature="information",
    title=Text("Reads an environment variable when it is loaded", "加载时读取环境变量"),
    remedy=Text("Make sure that the variable holds no secret.", "请确认该变量不含机密。"),
    references=("CWE-526",),
)
RULES: Final[tuple[Rule, ...]] = (
    PYTHON_TAG,
    PLAIN_PYTHON_TAG,
    FOREIGN_OBJECT,
    CUSTOM_TAG,
    EXPANDS,
    EVALUATING_RESOLVER,
    CUSTOM_RESOLVER,
    READS_ENVIRONMENT,
)

LARGEST: Final = 4 * 2**20

_STANDARD: Final = "tag:yaml.org,2002:"
_STANDARD_TYPES: Final = frozenset(
    {
        "str",
        "int",
        "float",
        "bool",
        "null",
        "binary",
        "timestamp",
        "set",
        "omap",
        "pairs",
        "map",
        "seq",
        "merge",
        "value",
    }
)
_PLAIN_PYTHON: Final = re.compile(r"python/(tuple|str|unicode|bytes|int|long|float|complex|bool|none|list|dict):?")
_CALLING_TAG: Final = re.compile(r"!(?:new|name|apply|module):(.+)")
"""HyperPyYAML, which SpeechBrain uses."""
_KNOWN_TAG: Final = re.compile(
    r"!(ref|copy|tuple|PLACEHOLDER|reference|Ref|Sub|GetAtt|Join|If|Equals|Not|And|Or|FindInMap|Select|Split|ImportValue"
    r"|Base64|Cidr|Condition|ENV|env|secret)"
)
"""HyperPyYAML's own, GitLab, AWS CloudFormation, and environment variables."""

_RESOLVER: Final = re.compile(r"\$\{\s*([A-Za-z_][\w.]*):(?![-+?=])")
"""`${name:…}`. A shell writes `${NAME:-default}`."""
_OWN_RESOLVERS: Final = re.compile(
    r"oc\.(select|decode|create|deprecated|dict\.keys|dict\.values)|hydra|now|add|sub|mul|multiply|div|divide|floordiv|mod"
    r"|pow|min|max|sum|int|float|str|len|if|ifelse|eq|equal|not|and|or|join|concat|format|path|basename|dirname|range|cat"
)
_EVALUATING: Final = re.compile(
    r"eval\w*|exec\w*|python|py|shell|cmd|command|system|call|lambda|import|get_(method|class|obj\w*)"
)


def read_yaml(source: Source, examination: Examination) -> None:
    """Read all documents of a YAML file."""
    decoded = whole_text(source, LARGEST)
    reading = examine_yaml(decoded, examination)
    for document in reading.documents:
        examine_document(document, examination)
    if reading.broken is not None:
        raise Unreadable(reading.broken)


def examine_tags(source: Source, examination: Examination) -> None:
    """Report what an unsafe loader would obey in a text that nobody calls YAML. Prose is no YAML, and that is fine."""
    decoded = whole_text(source)
    _report_tags(_compose(decoded.text[:LARGEST], examination), decoded, examination, only_python=True)


def examine_yaml(decoded: Decoded, examination: Examination) -> YamlReading:
    """Report everything in a text of YAML that some loader obeys."""
    reading = _compose(decoded.text, examination)
    _report_tags(reading, decoded, examination, only_python=False)
    if reading.expands_too_far >= 0:
        examination.report(EXPANDS, "aliases of aliases", offset=decoded.offset(reading.expands_too_far))
    _report_resolvers(reading, decoded, examination)
    left = 200

    def locate(said: str) -> int:
        nonlocal left
        left -= 1
        index = reading.places.get(said, -1)
        return decoded.offset(index) if index >= 0 and left > 0 else -1

    for document in reading.documents:
        examine_configuration(document, examination, locate)
    return reading


def examine_document(document: Any, examination: Examination) -> None:
    """Facts of one document, by what it is."""
    if not isinstance(document, dict):
        return
    from touchstone.scan.hugging_face import examine_settings

    examine_settings(document, examination)
    dependencies = document.get("dependencies")
    if isinstance(dependencies, list) and document.keys() & {"channels", "name", "prefix"}:
        from touchstone.scan.formats.requirements import examine_conda

        examine_conda(dependencies, examination)


def _compose(text: str, examination: Examination) -> YamlReading:
    from touchstone.scan.yaml_documents import compose

    return compose(text, examination.budget.check_time)


def _report_tags(reading: YamlReading, decoded: Decoded, examination: Examination, *, only_python: bool) -> None:
    for count, tag in enumerate(reading.tags):
        short = tag.name.removeprefix(_STANDARD)
        is_python = short.startswith("python/")
        offset = decoded.offset(tag.index) if count < 500 else -1
        if is_python and _PLAIN_PYTHON.fullmatch(short):
            examination.report(PLAIN_PYTHON_TAG, f"!!{short}", offset=offset)
        elif is_python:
            examination.runs_code()
            examination.report(PYTHON_TAG, f"!!{short} {tag.said}".rstrip(), offset=offset)
        elif not only_python:
            _report_other_tag(tag, short, offset, examination)


def _report_other_tag(tag: YamlTag, short: str, offset: int, examination: Examination) -> None:
    called = _CALLING_TAG.fullmatch(tag.name)
    if called:
        examination.runs_code()
        report_called(called[1], tag.name, examination, offset)
    elif tag.name.startswith(_STANDARD):
        if short not in _STANDARD_TYPES:
            examination.report(FOREIGN_OBJECT, f"!!{short}", offset=offset)
    elif tag.name.startswith(("!ruby/", "!java/", "tag:ruby.yaml.org")):
        examination.report(FOREIGN_OBJECT, tag.name, offset=offset)
    elif tag.name.startswith("!include"):
        from touchstone.scan.hugging_face import refer

        refer(tag.name.partition(":")[2] or tag.said, "data", examination)
    elif not _KNOWN_TAG.fullmatch(tag.name):
        examination.report(CUSTOM_TAG, tag.name, offset=offset)


def _report_resolvers(reading: YamlReading, decoded: Decoded, examination: Examination) -> None:
    """Interpolations of OmegaConf. Compose files and pipelines have others, written alike."""
    is_deployment = any(
        isinstance(document, dict) and document.keys() & {"services", "jobs", "runs", "apiVersion", "pipelines"}
        for document in reading.documents
    )
    for count, (value, index) in enumerate(reading.scalars):
        for resolver in _RESOLVER.finditer(value[:10_000]):
            name = resolver[1]
            if name.isupper() or _OWN_RESOLVERS.fullmatch(name):
                continue
            rule = READS_ENVIRONMENT if name in {"oc.env", "env"} else CUSTOM_RESOLVER
            rule = EVALUATING_RESOLVER if _EVALUATING.fullmatch(name) else rule
            if rule is CUSTOM_RESOLVER and is_deployment:
                continue
            examination.report(rule, value, offset=decoded.offset(index) if count < 500 else -1)
