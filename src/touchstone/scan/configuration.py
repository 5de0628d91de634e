"""Settings that make the program that reads them import, call or evaluate something, in JSON, YAML or TOML.

A configuration looks like data and is often a small program: Hydra calls `_target_`, Transformers imports the files
that `auto_map` names, MONAI evaluates texts that begin with `$`, jsonpickle rebuilds any object from `py/object`. The
keys are looked for in every object of a document, however deep. A text that merely mentions `os.system` is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from touchstone.scan.dotted_names import is_dotted, trust_in
from touchstone.scan.examination import Examination
from touchstone.scan.external_paths import leads_out
from touchstone.scan.findings import Rule, Severity
from touchstone.text import Text

_REVIEW_CALLED = Text(
    "Ask which program reads this file, and what the named function does with these settings.",
    "请确认由哪个程序读取该文件，以及所指函数会如何使用这些参数。",
)

DANGEROUS_NAME: Final = Rule(
    id="configuration/dangerous-name",
    severity="critical",
    nature="threat",
    title=Text(
        "Tells its loader to call something that acts on the machine or loads code",
        "要求加载程序调用会操作主机或加载代码的对象",
    ),
    remedy=Text("Do not load this configuration.", "请勿加载该配置。"),
    references=("CVE-2025-23304", "CWE-470", "MITRE ATLAS AML.T0011.000"),
)
UNREVIEWED_NAME: Final = Rule(
    id="configuration/unreviewed-name",
    severity="medium",
    nature="unreviewed",
    title=Text("Tells its loader to call something that nobody has reviewed", "要求加载程序调用未经审查的对象"),
    remedy=_REVIEW_CALLED,
    references=("CWE-470",),
)
REMOTE_CODE: Final = Rule(
    id="configuration/remote-code",
    severity="critical",
    nature="threat",
    title=Text(
        "Makes its loader download Python code from another repository and run it",
        "使加载程序从其他仓库下载 Python 代码并运行",
    ),
    remedy=Text(
        "Load with trust_remote_code=False, or copy the code here at a fixed revision and review it.",
        "请以 trust_remote_code=False 加载，或把该代码的固定版本复制到本仓库并审查。",
    ),
    references=("CWE-829", "CWE-494", "MITRE ATLAS AML.T0010.002"),
)
CUSTOM_CODE: Final = Rule(
    id="configuration/custom-code",
    severity="high",
    nature="threat",
    title=Text(
        "Makes its loader run Python files that come with the model",
        "使加载程序运行随模型附带的 Python 文件",
    ),
    remedy=Text(
        "Load with trust_remote_code=False, or review the named files line by line first.",
        "请以 trust_remote_code=False 加载，或先逐行审查所指文件。",
    ),
    references=("CWE-829", "MITRE ATLAS AML.T0011.000"),
)
TRUSTS_CODE: Final = Rule(
    id="configuration/trusts-remote-code",
    severity="high",
    nature="threat",
    title=Text("Switches on the running of code that comes with a model", "启用了运行模型附带代码的选项"),
    remedy=Text("Set trust_remote_code to false.", "请把 trust_remote_code 设为 false。"),
    references=("CWE-829",),
)
REBUILT_OBJECT: Final = Rule(
    id="configuration/rebuilt-object",
    severity="high",
    nature="threat",
    title=Text(
        "Rebuilds Python objects of any class when decoded by jsonpickle",
        "经 jsonpickle 解码时可重建任意类的 Python 对象",
    ),
    remedy=Text("Do not decode it; ask for the data in plain JSON.", "请勿解码；请提供方改用普通 JSON。"),
    references=("CWE-502",),
)
SERIALISED_CONSTRUCTOR: Final = Rule(
    id="configuration/serialised-constructor",
    severity="medium",
    nature="unreviewed",
    title=Text(
        "Names a class or a secret that LangChain puts in its place when it loads this",
        "LangChain 加载时会按其中的名称创建对象或读取密钥",
    ),
    remedy=Text(
        "Load only from a source you trust, with secrets_from_env off.", "仅加载可信来源，并关闭 secrets_from_env。"
    ),
    references=("CVE-2025-68664", "CWE-502"),
)
EXPRESSION: Final = Rule(
    id="configuration/python-expression",
    severity="medium",
    nature="unreviewed",
    title=Text("Holds Python expressions that its loader evaluates", "含有加载程序会求值的 Python 表达式"),
    remedy=_REVIEW_CALLED,
    references=("CWE-95",),
)
LEADS_OUT: Final = Rule(
    id="configuration/path-leads-out",
    severity="high",
    nature="threat",
    title=Text("Names a file outside the model's own folder", "指向模型目录之外的文件"),
    remedy=Text("Do not load it; the path should be a plain file name.", "请勿加载；此处应为普通文件名。"),
    references=("CWE-22", "CWE-73"),
)
REMOTE_KERNEL: Final = Rule(
    id="configuration/remote-kernel",
    severity="high",
    nature="threat",
    title=Text(
        "Makes its loader download compiled code from another repository",
        "使加载程序从其他仓库下载已编译的代码",
    ),
    remedy=Text("Choose a built-in attention implementation.", "请改用内置的注意力实现。"),
    references=("CWE-494", "CWE-829"),
)
RUNS_WHEN_OPENED: Final = Rule(
    id="configuration/runs-when-opened",
    severity="high",
    nature="threat",
    title=Text(
        "Makes an editor or assistant run a command when somebody opens the folder",
        "使编辑器或助手在打开目录时运行命令",
    ),
    remedy=Text("Remove the file before opening the folder.", "打开目录前请先删除该文件。"),
    references=("CWE-829", "CWE-506"),
)
RULES: Final[tuple[Rule, ...]] = (
    RUNS_WHEN_OPENED,
    DANGEROUS_NAME,
    UNREVIEWED_NAME,
    REMOTE_CODE,
    CUSTOM_CODE,
    TRUSTS_CODE,
    REBUILT_OBJECT,
    SERIALISED_CONSTRUCTOR,
    EXPRESSION,
    LEADS_OUT,
    REMOTE_KERNEL,
)

Locate = Callable[[str], int]
"""The byte at which a text of the document stands, or -1 when that cannot be told."""


@dataclass(frozen=True, slots=True)
class _Setting:
    """One telling key, what stands beside it, and where to report."""

    key: str
    siblings: dict[str, Any]
    pointer: str
    examination: Examination
    locate: Locate

    @property
    def value(self) -> Any:
        return self.siblings[self.key]

    def report(self, rule: Rule, said: str, *, at: str = "", severity: Severity | None = None) -> None:
        """A finding that shows the pointer and what it says, at the place of the text `at` (the key itself)."""
        offset = self.locate(at or self.key)
        self.examination.report(rule, f"{self.pointer}: {said}", offset=offset, severity=severity)


def examine_configuration(document: Any, examination: Examination, locate: Locate) -> None:
    """Report every setting that a known loader obeys. `document` consists of dicts, lists and plain values."""
    obeys_expressions = False
    for pointer, settings in objects_in(document):
        present = TELLING_KEYS.intersection(settings)
        for key in sorted(present):
            _EXAMINERS[key](_Setting(key, settings, _step(pointer, key), examination, locate))
        obeys_expressions = obeys_expressions or "_target_" in present or "imports" in present
    if obeys_expressions:
        _examine_expressions(document, examination, locate)


def objects_in(document: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a document with the JSON pointer to it (RFC 6901), in the order of the document."""
    waiting: list[tuple[str, Any]] = [("", document)]
    while waiting:
        pointer, value = waiting.pop()
        if not isinstance(value, dict | list):
            continue
        if isinstance(value, dict):
            yield pointer, value
            inner = [(_step(pointer, key), part) for key, part in value.items() if isinstance(part, dict | list)]
        else:
            inner = [(_step(pointer, place), part) for place, part in enumerate(value) if isinstance(part, dict | list)]
        waiting.extend(reversed(inner))


def _step(pointer: str, part: object) -> str:
    """A longer pointer, cut at its beginning: keys may be megabytes long, and objects many."""
    return f"{pointer}/{str(part)[:80]}"[-400:]


def texts_in(document: Any) -> Iterator[str]:
    """Every text value of a document."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def report_called(dotted: str, shown: str, examination: Examination, offset: int) -> None:
    """Report a dotted name that a loader calls, unless it is known to be harmless."""
    trust = trust_in(dotted)
    if trust == "dangerous":
        examination.report(DANGEROUS_NAME, shown, offset=offset)
    elif trust == "unknown":
        examination.report(UNREVIEWED_NAME, shown, offset=offset)


def report_code_reference(name: str, shown: str, examination: Examination, offset: int) -> None:
    """`module.Class` in this repository, or `owner/repository--module.Class` in another one (Transformers)."""
    repository, separator, reference = name.rpartition("--")
    examination.runs_code()
    if separator:
        examination.report(REMOTE_CODE, shown, offset=offset)
        examination.fact("source", repository)
        return
    _report_own_code(reference.rsplit(".", 1)[0] + ".py", shown, examination, offset)


def _report_own_code(path: str, shown: str, examination: Examination, offset: int) -> None:
    examination.runs_code()
    examination.report(CUSTOM_CODE, shown, offset=offset)
    if leads_out(path):
        examination.report(LEADS_OUT, shown, offset=offset)
    examination.refers_to(path, "code")


def _called(setting: _Setting) -> None:
    """A name that is called with its siblings as arguments. `target` is also an ordinary word."""
    name = setting.value
    if not isinstance(name, str):
        return
    if is_dotted(name):
        if setting.key != "target" or "params" in setting.siblings or trust_in(name) == "dangerous":
            report_called(name, f"{setting.pointer}: {name}", setting.examination, setting.locate(name))
    elif setting.key == "loader_module" or (setting.key == "_target_" and "." in name):
        setting.report(UNREVIEWED_NAME, name, at=name)


def _rebuilt(setting: _Setting) -> None:
    named = setting.value if isinstance(setting.value, str) else ""
    calls = setting.key in {"py/reduce", "py/repr", "py/function"} or trust_in(named) == "dangerous"
    setting.report(REBUILT_OBJECT, f"{setting.value!r:.160}", severity="critical" if calls else None)


def _switch(setting: _Setting) -> None:
    if setting.value is True or (isinstance(setting.value, str) and setting.value.lower() == "true"):
        setting.report(TRUSTS_CODE, "true")


def _attention(setting: _Setting) -> None:
    """`owner/repository` instead of a name such as `sdpa` (Transformers, "Attention interface": kernels)."""
    if isinstance(setting.value, str) and "/" in setting.value:
        own = setting.value.startswith("kernels-community/")
        setting.report(REMOTE_KERNEL, setting.value, at=setting.value, severity="low" if own else None)


def _auto_map(setting: _Setting) -> None:
    if isinstance(setting.value, dict):
        for name in texts_in(setting.value):
            report_code_reference(name, f"{setting.pointer}: {name}", setting.examination, setting.locate(name))


def _pipelines(setting: _Setting) -> None:
    if not isinstance(setting.value, dict):
        return
    for pipeline in setting.value.values():
        name = pipeline.get("impl") if isinstance(pipeline, dict) else pipeline
        if isinstance(name, str):
            report_code_reference(name, f"{setting.pointer}: {name}", setting.examination, setting.locate(name))


def _templates(setting: _Setting) -> None:
    """One template, or several with names."""
    from touchstone.scan.formats.chat_template import examine_template

    inside = setting.examination.inside("chat_template")
    value = setting.value
    several = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else [value]
    for entry in several:
        template = entry.get("template") if isinstance(entry, dict) else entry
        if isinstance(template, str):
            examine_template(template, inside)


def _constructor(setting: _Setting) -> None:
    """LangChain's `{"lc": 1, "type": "constructor", "id": ["langchain", "llms", "OpenAI"], "kwargs": {}}`."""
    kind, identifier = setting.siblings.get("type"), setting.siblings.get("id")
    if kind not in ("constructor", "secret") or not isinstance(identifier, list):
        return
    name = ".".join(part for part in identifier if isinstance(part, str))
    dangerous = kind == "constructor" and trust_in(name) == "dangerous"
    setting.report(DANGEROUS_NAME if dangerous else SERIALISED_CONSTRUCTOR, f"{kind} {name}")


def _handler(setting: _Setting) -> None:
    """The manifest of a TorchServe archive: its handler is Python code, unless it is one of TorchServe's own."""
    handler = setting.siblings.get("handler")
    own = {"image_classifier", "image_segmenter", "object_detector", "text_classifier"}
    if not isinstance(handler, str) or handler in own:
        return
    path = handler.split(":", 1)[0]
    path = path if path.endswith(".py") else f"{path}.py"
    _report_own_code(path, f"{setting.pointer}: {handler}", setting.examination, setting.locate(handler))


def _parent_library(setting: _Setting) -> None:
    """PEFT imports `parent_library` to find the class that an adapter was made for."""
    mapping = setting.value if isinstance(setting.value, dict) else {}
    module, name = mapping.get("parent_library"), mapping.get("base_model_class")
    if isinstance(module, str) and isinstance(name, str):
        report_called(f"{module}.{name}", f"{setting.pointer}: {module}", setting.examination, setting.locate(module))


def _command(setting: _Setting) -> None:
    """A command that some tool runs when a person asks it to; only what attacks do is reported."""
    from touchstone.scan.formats.script import examine_commands

    words = setting.value if isinstance(setting.value, list) else [setting.value]
    commands = " ".join(word for word in words if isinstance(word, str))
    if commands:
        examine_commands(commands, setting.examination)


def _when_opened(setting: _Setting) -> None:
    """Visual Studio Code's `runOn: folderOpen`; hooks of coding assistants when a session starts."""
    if setting.key == "SessionStart" or setting.value == "folderOpen":
        setting.report(RUNS_WHEN_OPENED, f"{setting.value!r:.160}")


def _nothing_by_itself(_: _Setting) -> None:
    """A key that only says which program reads the document."""


_EXAMINERS: Final[dict[str, Callable[[_Setting], None]]] = {
    "_target_": _called,  # Hydra, MONAI
    "_component_": _called,  # torchtune
    "class_path": _called,  # Lightning, jsonargparse
    "target": _called,  # latent-diffusion
    "loader_module": _called,  # MLflow
    "auto_map": _auto_map,
    "custom_pipelines": _pipelines,
    "chat_template": _templates,
    "trust_remote_code": _switch,
    "attn_implementation": _attention,
    "_attn_implementation": _attention,
    "lc": _constructor,
    "serializedFile": _handler,
    "auto_mapping": _parent_library,
    "run": _command,
    "cmd": _command,
    "command": _command,
    "postCreateCommand": _command,
    "runOn": _when_opened,
    "SessionStart": _when_opened,
    "imports": _nothing_by_itself,
    **dict.fromkeys(
        (
            "py/object",
            "py/type",
            "py/function",
            "py/reduce",
            "py/repr",
            "py/newargs",
            "py/newargsex",
            "py/newobj",
            "py/initargs",
        ),
        _rebuilt,
    ),
}
TELLING_KEYS: Final = frozenset(_EXAMINERS)
"""An object with none of these keys has nothing for us; `json` looks for them while it parses."""


def _examine_expressions(document: Any, examination: Examination, locate: Locate) -> None:
    """MONAI evaluates every text that begins with `$` (MONAI documentation, "Configuration": `$` and `@`)."""
    from touchstone.scan.formats.python import examine_expression

    expressions = sorted({text for text in texts_in(document) if text.startswith("$") and not text.startswith("${")})
    if expressions:
        examination.runs_code()
        examination.report(EXPRESSION, "; ".join(expressions), offset=locate(expressions[0]))
    for text in expressions:
        examine_expression(text[1:], examination, offset=locate(text))
