"""Settings that make the program that reads them import, call or evaluate something, in JSON, YAML or TOML.

A configuration looks like data and is often a small program: Hydra calls `_target_`, Transformers imports the files
that `auto_map` names, MONAI evaluates texts that begin with `$`, jsonpickle rebuilds any object from `py/object`. The
keys are looked for in every object of a document, however deep. A text that merely mentions `os.system` is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from touchstone.scan.configuration_rules import (
    CUSTOM_CODE,
    DANGEROUS_NAME,
    EXPRESSION,
    LEADS_OUT,
    REBUILT_OBJECT,
    REMOTE_CODE,
    REMOTE_KERNEL,
    RUNS_WHEN_OPENED,
    SERIALISED_CONSTRUCTOR,
    TRUSTS_CODE,
    UNREVIEWED_NAME,
)
from touchstone.scan.dotted_names import is_dotted, trust_in
from touchstone.scan.examination import Examination
from touchstone.scan.external_paths import leads_out
from touchstone.scan.findings import Rule, Severity

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
