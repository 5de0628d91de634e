"""Shell, batch and PowerShell scripts, and programs in other languages than Python.

They run only when somebody runs them, so a script by itself is a finding of low severity that refuses nothing. What it
would do is told by the few patterns in which attacks on users of models have actually come: fetched and run in one
line, decoded and run, a shell to somebody else, entries that survive a restart. Source code that must be compiled
first is only noted; what compiles it (`torch.utils.cpp_extension`) is reported where it stands.
"""

from __future__ import annotations

import re
from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Nature, Rule, Severity
from touchstone.scan.source import Source
from touchstone.scan.text_encoding import whole_text
from touchstone.text import Text

_REVIEW = Text("Read it before anybody runs it.", "运行前请先审阅。")
_REFUSE = Text("Do not run it.", "请勿运行。")


def _rule(name: str, severity: Severity, nature: Nature, title: Text, remedy: Text, *references: str) -> Rule:
    return Rule(f"script/{name}", severity, nature, title, remedy, references)


PROGRAM: Final = _rule(
    "program",
    "low",
    "unreviewed",
    Text("Is a script that nobody has reviewed", "是未经审查的脚本"),
    _REVIEW,
    "MITRE ATLAS AML.T0011.000",
)
DISGUISED: Final = _rule(
    "disguised-program",
    "high",
    "threat",
    Text("Is a program under the name of a model or data file", "以模型或数据文件名称伪装的程序"),
    _REFUSE,
    "CWE-434",
    "CWE-646",
)
SOURCE_CODE: Final = _rule(
    "source-code",
    "information",
    "information",
    Text("Is source code that does nothing until it is compiled", "是编译后才会运行的源代码"),
    _REVIEW,
)
FETCHED_AND_RUN: Final = _rule(
    "fetched-and-run",
    "high",
    "threat",
    Text("Fetches a program from the network and runs it unseen", "从网络获取程序后直接运行"),
    Text("Fetch it, read it, compare its digest, and only then run it.", "请先下载、审阅并核对摘要，再运行。"),
    "CWE-494",
)
DECODED_AND_RUN: Final = _rule(
    "decoded-and-run",
    "critical",
    "threat",
    Text("Decodes a hidden program and runs it", "解码隐藏的程序并运行"),
    _REFUSE,
    "CWE-506",
)
REMOTE_SHELL: Final = _rule(
    "remote-shell",
    "critical",
    "threat",
    Text("Gives a shell on this machine to somebody on the network", "把本机命令行交给网络上的他人"),
    _REFUSE,
    "CWE-506",
)
DESTROYS: Final = _rule(
    "destroys",
    "high",
    "threat",
    Text("Deletes or overwrites the system or a home folder", "删除或覆盖系统或用户主目录"),
    _REFUSE,
    "CWE-73",
)
PERSISTS: Final = _rule(
    "persists",
    "high",
    "threat",
    Text("Makes itself start again by itself", "设置自身自动启动"),
    _REFUSE,
    "CWE-506",
)
SENDS_SECRETS: Final = _rule(
    "sends-secrets",
    "high",
    "threat",
    Text("Sends keys, passwords or the environment to the network", "把密钥、密码或环境变量发送到网络"),
    _REFUSE,
    "CWE-200",
    "MITRE ATLAS AML.T0025",
)
RUNS_UNASKED: Final = _rule(
    "runs-unasked",
    "high",
    "threat",
    Text("Is a hook that git runs by itself", "是 git 会自动运行的钩子"),
    Text("Remove it; a model needs no hooks.", "请删除；模型不需要钩子。"),
    "CWE-829",
    "CVE-2024-32002",
)
RULES: Final[tuple[Rule, ...]] = (
    PROGRAM,
    RUNS_UNASKED,
    DISGUISED,
    SOURCE_CODE,
    FETCHED_AND_RUN,
    DECODED_AND_RUN,
    REMOTE_SHELL,
    DESTROYS,
    PERSISTS,
    SENDS_SECRETS,
)

LARGEST: Final = 4 * 2**20

_NO_PROGRAM: Final = re.compile(
    r".*\.(bin|pt|pth|ckpt|safetensors|onnx|gguf|ggml|h5|hdf5|keras|pkl|pickle|joblib|npy|npz|pb|tflite|mlmodel|engine|model"
    r"|pdparams|pdmodel|mindir|om|rknn|msgpack|parquet|arrow|json|csv|tsv|yaml|yml|xml|png|jpe?g|gif|webp|bmp|wav|mp3)",
    re.IGNORECASE,
)
"""Names under which nobody expects a program."""

_INTERPRETER = (
    r"(?:sudo[ \t]{1,9}(?:-\w{1,20}[ \t]{1,9}){0,5})?(?:env[ \t]{1,9})?(?:/[\w./-]{0,80}/)?"
    r"(?:(?:ba|z|k|da|a)?sh|python[\d.]{0,5}|perl|ruby|node|php)(?:\s|$|[;&|)\"'`-])"
)
_PIPED = r"\|\s{0,40}(?:[^\n;&|]{0,80}\|\s{0,40}){0,4}"
_FETCH = r"(?:curl|wget|fetch|aria2c|lwp-download)\b"
_PRIVATE = r"/etc/shadow|\.ssh/|id_rsa|\.aws/|\.netrc|\.git-credentials|\.kube/config|\.huggingface/token"


def _bounded(pattern: str) -> re.Pattern[str]:
    """A pattern that looks only so far, so that a hostile script is searched in linear time."""
    for endless, limited in (
        (r"\s+", r"\s{1,20}"),
        (r"\s*", r"\s{0,20}"),
        (r"\w*", r"\w{0,20}"),
        (r"\w+", r"\w{1,40}"),
    ):
        pattern = pattern.replace(endless, limited)
    return re.compile(pattern, re.IGNORECASE)


_PATTERNS: Final[tuple[tuple[Rule, re.Pattern[str]], ...]] = tuple(
    (rule, _bounded(pattern))
    for rule, pattern in (
        (FETCHED_AND_RUN, rf"{_FETCH}[^\n|;&]{{0,500}}{_PIPED}{_INTERPRETER}"),
        (FETCHED_AND_RUN, rf"(?:{_INTERPRETER}|\bsource\s|(?<!\S)\.\s)[^\n;]{{0,80}}?(?:<\(|\$\(|`)\s{{0,9}}{_FETCH}"),
        (FETCHED_AND_RUN, rf"\beval\b[^\n]{{0,40}}?(?:\$\(|`)\s{{0,9}}{_FETCH}"),
        (
            FETCHED_AND_RUN,
            r"\b(?:iex|invoke-expression)\b[^\n]{0,200}\b(?:iwr|irm|invoke-webrequest|downloadstring|http)",
        ),
        (
            FETCHED_AND_RUN,
            r"\b(?:iwr|irm|invoke-webrequest|downloadstring)\b[^\n]{0,300}\|\s*(?:iex|invoke-expression)",
        ),
        (FETCHED_AND_RUN, r"\b(?:mshta|regsvr32|rundll32|msiexec)\b[^\n]{0,80}https?:|certutil\b[^\n]{0,80}-urlcache"),
        (
            DECODED_AND_RUN,
            rf"(?:base64\s+(?:-d|-D|--decode)|xxd\s+-r|openssl\s+enc\s+-d)[^\n;&|]{{0,200}}{_PIPED}{_INTERPRETER}",
        ),
        (DECODED_AND_RUN, r"\b(?:eval|(?:ba|z)?sh\s+-c)\b[^\n]{0,80}base64\s+(?:-d|-D|--decode)"),
        (DECODED_AND_RUN, r"powershell[^\n]{0,120}\s-e(?:nc|ncodedcommand)?\s+[A-Za-z0-9+/=]{20,}|frombase64string\b"),
        (REMOTE_SHELL, r"/dev/(?:tcp|udp)/|\b(?:nc|ncat|netcat)\b[^\n]{0,80}\s-\w*[ec]\b|socat\b[^\n]{0,120}\bexec:"),
        (REMOTE_SHELL, r"mkfifo[^\n]{0,200}\b(?:nc|ncat|telnet)\b|(?:ba|z)?sh\s+-i\s*[>&|<]"),
        (
            DESTROYS,
            r"\brm\s+(?:-[\w-]{1,20}\s+){0,4}-\w*r\w*\s+(?:-[\w-]{1,20}\s+){0,4}(?:/|~|\$HOME)/?\*?(?=\s|$|;)",
        ),
        (
            DESTROYS,
            r"\bmkfs(?:\.\w+)?\s|\bdd\b[^\n]{0,80}\bof=/dev/(?:sd|nvme|hd|vd|mmc)|:\(\)\s*\{\s*:\|:|format\s+c:",
        ),
        (
            PERSISTS,
            r"\|\s*crontab\b|>>?\s*[\"']?[~$\w./{}-]{0,120}?(?:/etc/cron|\.bashrc|\.zshrc|\.profile|authorized_keys|/etc/rc\.local)",
        ),
        (PERSISTS, r"\bschtasks\b[^\n]{0,40}/create|\breg\s+add\b[^\n]{0,120}\\Run\b|\blaunchctl\s+load\b"),
        (SENDS_SECRETS, rf"{_FETCH}[^\n]{{0,200}}(?:@|<[ \t]{{0,9}})\S{{0,200}}?(?:{_PRIVATE})"),
        (
            SENDS_SECRETS,
            rf"(?:\bcat\b[^\n]{{0,80}}(?:{_PRIVATE})|\b(?:env|printenv)\b)\s*\|[^\n]{{0,80}}(?:curl|wget|nc|ncat)\b",
        ),
    )
)
_GIT_HOOK: Final = re.compile(r"(?:^|/)(?:\.git|[\w.-]+\.git)/(?:modules/.*/)?hooks/(?!.*\.sample$)[^/]+$")
_OWN_HOOK: Final = re.compile(r"^git lfs [a-z-]+ \"\$@\"\s*$", re.MULTILINE)
"""What Git LFS installs (git-lfs, lfs/hook.go)."""
_PYTHON_COMMAND: Final = re.compile(r"\bpython[\d.]*\s+-c\s+(\"|')(.{1,2000}?)\1(?=\s|$|[;&|)])", re.DOTALL)
_LONGEST_COMMANDS: Final = 200_000
"""Characters in which Python on command lines is looked for."""
_INSTALLS: Final = re.compile(r"\b(?:pip[\d.]*|uv\s+pip)\s+install\s+([^\n;&|]*)")
_KNOWN_INSTALLERS: Final = re.compile(
    r"https://(?:astral\.sh/uv|sh\.rustup\.rs|get\.docker\.com|ollama\.com/install|deb\.nodesource\.com|install\.python-poetry\.org"
    r"|bootstrap\.pypa\.io|raw\.githubusercontent\.com/(?:Homebrew|nvm-sh|pyenv)/|pixi\.sh|bun\.sh|get\.helm\.sh|nvidia\.github\.io)",
)


def read_script(source: Source, examination: Examination) -> None:
    """A script in any language that an interpreter reads."""
    from touchstone.scan.hidden_characters import report_hidden_characters

    decoded = whole_text(source, LARGEST)
    examination.runs_code()
    report_disguise(examination)
    report_hidden_characters(decoded, examination, code=True)
    first = next((line for line in decoded.text.splitlines() if line.strip()), "")
    if _GIT_HOOK.search(examination.where) and not _OWN_HOOK.search(decoded.text):
        examination.report(RUNS_UNASKED, examination.name)
    elif first:
        examination.report(PROGRAM, first, offset=decoded.encoding.mark)
    is_batch = examination.name.lower().endswith((".bat", ".cmd"))
    _examine_text(without_comments(decoded.text, batch=is_batch), examination, decoded.encoding.mark)


def report_disguise(examination: Examination) -> None:
    """Report a program that is called like a model or like data."""
    if _NO_PROGRAM.fullmatch(examination.name):
        examination.report(DISGUISED, examination.name)


def read_source_code(source: Source, examination: Examination) -> None:
    """Source code of a compiled language."""
    from touchstone.scan.hidden_characters import report_hidden_characters

    decoded = whole_text(source, LARGEST)
    report_hidden_characters(decoded, examination, code=True)
    examination.report(SOURCE_CODE, examination.name)


def examine_commands(commands: str, examination: Examination, *, offset: int = -1) -> None:
    """Judge commands that some other file hands to a shell."""
    for rule, pattern in _PATTERNS:
        found = pattern.search(commands)
        if found:
            _report(rule, found, commands, examination, offset)
    _examine_inside(commands, examination)


def without_comments(text: str, *, batch: bool = False) -> str:
    """The text with comment lines blanked and continued lines joined, every character at its place."""
    comment = r"^[ \t]*(?:@?rem\b|::)[^\n]*" if batch else r"^[ \t]*#[^\n]*"
    text = re.sub(comment, _blank, text, flags=re.MULTILINE | re.IGNORECASE)
    return re.sub(r"[\\`^][ \t]*\r?\n", _blank, text)


def _blank(found: re.Match[str]) -> str:
    return " " * len(found.group())


def _examine_text(text: str, examination: Examination, mark: int) -> None:
    for rule, pattern in _PATTERNS:
        examination.budget.check_time()
        for count, found in enumerate(pattern.finditer(text)):
            if count >= 50:
                break
            _report(rule, found, text, examination, mark + len(text[: found.start()].encode("utf-8", "replace")))
    _examine_inside(text, examination)


def _examine_inside(text: str, examination: Examination) -> None:
    """Python given on a command line, and where packages are installed from."""
    from touchstone.scan.formats.python import examine_expression, parses
    from touchstone.scan.formats.requirements import examine_install

    for count, install in enumerate(_INSTALLS.finditer(text)):
        if count < 200:
            examine_install(install[1], examination)
    for count, code in enumerate(_PYTHON_COMMAND.finditer(text[:_LONGEST_COMMANDS])):
        if count < 50 and parses(code[2]):
            examine_expression(code[2], examination.inside("python -c"))


def _report(rule: Rule, found: re.Match[str], text: str, examination: Examination, offset: int) -> None:
    line = text[text.rfind("\n", 0, found.start()) + 1 :].split("\n", 1)[0].strip()
    known = rule is FETCHED_AND_RUN and _KNOWN_INSTALLERS.search(line)
    examination.report(rule, line, offset=offset, severity="medium" if known else None)
