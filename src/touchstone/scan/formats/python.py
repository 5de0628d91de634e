"""Python source: parsed to its syntax tree and judged by what its calls stand for, never compiled or run.

A Python file beside a model is a program that nobody reviewed, so it is never simply clean: a file that only declares
(constants, relative imports, nothing else) passes; any other gets a finding that asks for a person's review, of
severity *low* as long as nothing in it acts on the machine. A helper such as `train.py` runs only when somebody runs
it, and low findings refuse nothing. Once a configuration names the file as code that its loader runs, the judgement of
the whole folder raises it (`repository`).

What raises it here is what the code does: running programs, evaluating text, loading native code, network, deletion,
secrets, and above all hiding any of these. The same call weighs more in a module where it runs on import.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Nature, Rule, Severity
from touchstone.scan.source import Source, Unreadable
from touchstone.scan.text_encoding import Decoded, Encoding, whole_text
from touchstone.text import Text

if TYPE_CHECKING:
    import ast

_REVIEW = Text("Read the code before anybody runs it.", "运行前请先审阅代码。")
_REFUSE = Text("Do not run or import it.", "请勿运行或导入。")


def _rule(name: str, severity: Severity, nature: Nature, title: Text, remedy: Text, *references: str) -> Rule:
    return Rule(f"python/{name}", severity, nature, title, remedy, references)


PROGRAM: Final = _rule(
    "program",
    "low",
    "unreviewed",
    Text("Is a Python program that nobody has reviewed", "是未经审查的 Python 程序"),
    _REVIEW,
    "MITRE ATLAS AML.T0011.000",
)
RUNS_PROGRAM: Final = _rule(
    "runs-program",
    "high",
    "threat",
    Text("Runs another program", "运行其他程序"),
    _REVIEW,
    "CWE-78",
)
EVALUATES: Final = _rule(
    "evaluates-code",
    "high",
    "threat",
    Text("Runs code that is put together while it runs", "运行在执行期间才生成的代码"),
    _REVIEW,
    "CWE-95",
)
HIDDEN_CODE: Final = _rule(
    "hidden-code",
    "critical",
    "threat",
    Text("Decodes or downloads code and runs it", "解码或下载代码并运行"),
    _REFUSE,
    "CWE-506",
    "CWE-494",
)
HIDDEN_LOOKUP: Final = _rule(
    "hidden-lookup",
    "high",
    "threat",
    Text("Hides which function of the system it uses", "隐藏所使用的系统功能"),
    _REFUSE,
    "CWE-506",
)
NATIVE_CODE: Final = _rule(
    "native-code",
    "medium",
    "threat",
    Text("Loads or compiles native code", "加载或编译本机代码"),
    _REVIEW,
    "CWE-114",
)
UNSAFE_LOADING: Final = _rule(
    "unsafe-loading",
    "medium",
    "threat",
    Text("Loads files in a way that runs code in them", "以会运行文件内代码的方式加载文件"),
    Text(
        "Load weights only: weights_only=True, allow_pickle=False, yaml.safe_load, safe_mode=True.",
        "请仅加载权重：weights_only=True、allow_pickle=False、yaml.safe_load、safe_mode=True。",
    ),
    "CWE-502",
)
NETWORK: Final = _rule(
    "network",
    "medium",
    "threat",
    Text("Uses the network", "使用网络"),
    _REVIEW,
    "CWE-918",
)
CHANGES_FILES: Final = _rule(
    "changes-files",
    "low",
    "threat",
    Text("Deletes, moves or overwrites files, or ends processes", "删除、移动或覆盖文件，或结束进程"),
    _REVIEW,
    "CWE-73",
)
SECRETS: Final = _rule(
    "reads-secrets",
    "medium",
    "threat",
    Text("Reads passwords, keys or private files", "读取密码、密钥或私密文件"),
    _REVIEW,
    "CWE-522",
)
SENDS_SECRETS: Final = _rule(
    "sends-secrets",
    "high",
    "threat",
    Text("Reads secrets of this machine and uses the network", "读取本机机密并使用网络"),
    _REFUSE,
    "CWE-200",
    "MITRE ATLAS AML.T0025",
)
REMOTE_SHELL: Final = _rule(
    "remote-shell",
    "critical",
    "threat",
    Text("Gives control of this machine to somebody on the network", "把本机控制权交给网络上的他人"),
    _REFUSE,
    "CWE-506",
)
INTERPRETER: Final = _rule(
    "changes-interpreter",
    "medium",
    "threat",
    Text("Changes how Python itself works", "改变 Python 解释器自身的行为"),
    _REVIEW,
    "CWE-913",
)
REACHES_INTERNALS: Final = _rule(
    "reaches-internals",
    "medium",
    "threat",
    Text("Reaches for Python's internals by attributes", "通过属性访问 Python 内部对象"),
    _REVIEW,
    "CWE-913",
)
ENCODED_LITERAL: Final = _rule(
    "encoded-literal",
    "medium",
    "unreviewed",
    Text("Holds a long encoded text", "含有较长的编码文本"),
    Text("Decode it and find out what it is.", "请解码并确认其内容。"),
    "CWE-506",
)
INSTALL_HOOK: Final = _rule(
    "install-hook",
    "medium",
    "unreviewed",
    Text("Runs its own commands when it is installed", "安装时运行自带命令"),
    _REVIEW,
    "CWE-829",
    "MITRE ATLAS AML.T0010.001",
)
RUNS_UNASKED: Final = _rule(
    "runs-unasked",
    "high",
    "threat",
    Text("Python runs a file of this name by itself when it starts", "Python 启动时会自动运行该名称的文件"),
    Text("Remove the file.", "请删除该文件。"),
    "CWE-427",
)
TRUSTS_CODE: Final = _rule(
    "trusts-remote-code",
    "low",
    "unreviewed",
    Text("Loads a model with the code that comes with it", "加载模型时一并运行其附带代码"),
    Text("Load with trust_remote_code=False.", "请以 trust_remote_code=False 加载。"),
    "CWE-829",
)
STRANGE_ENCODING: Final = _rule(
    "strange-encoding",
    "high",
    "threat",
    Text(
        "Declares an encoding in which Python reads something else than people do",
        "所声明的编码使 Python 读到的内容与人看到的不同",
    ),
    _REFUSE,
    "PEP 263",
    "CWE-506",
)
RULES: Final[tuple[Rule, ...]] = (
    PROGRAM,
    RUNS_PROGRAM,
    EVALUATES,
    HIDDEN_CODE,
    HIDDEN_LOOKUP,
    NATIVE_CODE,
    UNSAFE_LOADING,
    NETWORK,
    CHANGES_FILES,
    SECRETS,
    SENDS_SECRETS,
    REMOTE_SHELL,
    INTERPRETER,
    REACHES_INTERNALS,
    ENCODED_LITERAL,
    INSTALL_HOOK,
    RUNS_UNASKED,
    TRUSTS_CODE,
    STRANGE_ENCODING,
)

LARGEST: Final = 4 * 2**20
_MOST_BRACKETS: Final = 400_000
"""Bounds the memory of the syntax tree; generated tables of constants are the largest honest files."""
_DECLARED: Final = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_ORDINARY_ENCODINGS: Final = re.compile(
    r"utf-?8(-sig)?|us-?ascii|ascii|latin-?1|iso-?8859-?\d+|cp\d+|windows-?\d+|gbk|gb2312|gb18030|big5|shift_?jis|euc-?\w+",
    re.IGNORECASE,
)
_RUNS_BY_ITSELF: Final = frozenset({"sitecustomize.py", "usercustomize.py"})


def read_python(source: Source, examination: Examination) -> None:
    """Judge one Python file."""
    from touchstone.scan.formats.script import report_disguise

    decoded = whole_text(source, LARGEST)
    examination.runs_code()
    for line in source.read(decoded.encoding.mark, 1000).split(b"\n")[:2]:
        declared = _DECLARED.match(line)
        if declared and not _ORDINARY_ENCODINGS.fullmatch(declared[1].decode("latin-1").replace("_", "-")):
            examination.report(STRANGE_ENCODING, declared[1].decode("latin-1"), offset=0)
    report_disguise(examination)
    if examination.name in _RUNS_BY_ITSELF:
        examination.report(RUNS_UNASKED, examination.name)
    examine_python(decoded, examination, file_name=examination.name)


def examine_python(decoded: Decoded, examination: Examination, *, file_name: str = "", nested: int = 0) -> None:
    """Judge Python source. Raises `Unreadable` when it is no Python that we can parse."""
    from touchstone.scan.hidden_characters import report_hidden_characters
    from touchstone.scan.python_judgement import PythonJudge

    report_hidden_characters(decoded, examination, code=True)
    PythonJudge(decoded, examination, file_name=file_name, nested=nested).judge(_parsed(decoded.text))


def examine_expression(text: str, examination: Examination, *, offset: int = -1) -> None:
    """Judge an expression or statement that a configuration makes its loader evaluate, with modules at hand."""
    from touchstone.scan.python_judgement import PythonJudge

    try:
        tree = _parsed(text.strip())
    except Unreadable as unreadable:
        examination.gap(unreadable.why)
        return
    decoded = Decoded(text, Encoding("utf-8", max(offset, 0)))
    PythonJudge(decoded, examination, is_expression=True, nested=1).judge(tree)


def _parsed(text: str) -> ast.Module:
    import ast

    if sum(text.count(mark) for mark in "([{,=.:") > _MOST_BRACKETS:
        raise Unreadable(Text("is Python source with too many parts to read", "Python 源码的组成部分过多"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError):
        raise Unreadable(Text("is not Python 3 source", "不是 Python 3 源码")) from None
    except (RecursionError, MemoryError):
        raise Unreadable(Text("is Python source that is nested too deeply", "Python 源码嵌套过深")) from None


def parses(text: str) -> bool:
    """Whether a text is Python source that we can parse."""
    try:
        _parsed(text)
    except Unreadable:
        return False
    return True
