"""The configuration of a Keras model: a tree of objects to make, and of functions to find by name.

In the `.keras` archive it is `config.json`, in the older HDF5 form an attribute, and alone a JSON file. Loading makes
every object of the tree. Sources: `serialization_lib.py`, `lambda_layer.py`, `torch_utils.py` and `tfsm_layer.py` of
keras 3.15.1; CVE-2024-3660, CVE-2025-1550, -8747, -9905, -9906, -12058, -49655, CVE-2026-1462.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any, Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule, shown
from touchstone.scan.keras_modules import is_built_in, is_registered_by_keras, place_of
from touchstone.scan.source import MemorySource, Source, Unreadable
from touchstone.text import Text

_REFUSE: Final = Text(
    "Do not load it. Ask for the model without code in it, or for its weights and the source of its class.",
    "不要加载。请索取不含代码的模型，或其权重与类的源代码。",
)

BYTECODE: Final = Rule(
    "keras/bytecode",
    "critical",
    "threat",
    Text("Holds Python bytecode that runs with the model", "含有随模型运行的 Python 字节码"),
    _REFUSE,
    ("CVE-2024-3660", "CVE-2025-9905", "CWE-502"),
)
EMBEDDED_PICKLE: Final = Rule(
    "keras/torch-module",
    "critical",
    "threat",
    Text("Holds a pickled PyTorch module that is unpickled with the model", "含有随模型反序列化的 PyTorch 模块"),
    _REFUSE,
    ("CVE-2025-49655", "CWE-502"),
)
OTHER_MODEL: Final = Rule(
    "keras/external-model",
    "critical",
    "threat",
    Text("Loads another model from a path and runs its graph", "从指定路径加载另一个模型并运行其计算图"),
    _REFUSE,
    ("CVE-2026-1462", "CWE-829"),
)
ACTING_FUNCTION: Final = Rule(
    "keras/acting-name",
    "critical",
    "threat",
    Text(
        "Names a function that downloads, reads files, loads models or changes settings instead of computing",
        "引用了用于下载、读取文件、加载模型或修改设置的函数，而非计算函数",
    ),
    _REFUSE,
    ("CVE-2025-1550", "CVE-2025-8747", "CVE-2025-9906", "CWE-502"),
)
FOREIGN_MODULE: Final = Rule(
    "keras/foreign-module",
    "critical",
    "threat",
    Text("Makes Keras import a module that has nothing to do with models", "使 Keras 导入与模型无关的模块"),
    _REFUSE,
    ("CVE-2025-1550", "CWE-502"),
)
CUSTOM_CLASS: Final = Rule(
    "keras/custom-object",
    "medium",
    "unreviewed",
    Text("Needs a class or function that is not part of Keras", "需要不属于 Keras 的类或函数"),
    Text("Review the code that registers this name before you load the model.", "加载前请审查注册该名称的代码。"),
    ("CWE-829",),
)
NAMED_LAMBDA: Final = Rule(
    "keras/lambda-by-name",
    "medium",
    "unreviewed",
    Text("Calls a function that it names, wherever it is found", "按名称调用函数"),
    Text("Find out which function this is before you load the model.", "加载前请查明该函数。"),
    ("CWE-829",),
)
VOCABULARY_PATH: Final = Rule(
    "keras/file-path",
    "high",
    "threat",
    Text(
        "Reads a file at a path or address of its own choice when it is loaded", "加载时读取其自行指定路径或地址的文件"
    ),
    Text("Ask for a model that holds its vocabulary itself.", "请索取自带词表的模型。"),
    ("CVE-2025-12058", "CWE-73", "CWE-918"),
)
TENSORFLOW_FUNCTION: Final = Rule(
    "keras/tensorflow-function",
    "high",
    "threat",
    Text(
        "A layer calls a function of TensorFlow that acts on files or runs code",
        "某层调用可操作文件或运行代码的 TensorFlow 函数",
    ),
    _REFUSE,
    ("CWE-829",),
)

SIZE_BOMB: Final = Rule(
    "keras/size-bomb",
    "medium",
    "threat",
    Text("A layer asks for more memory than any machine has", "某层请求的内存超过任何机器的容量"),
    Text("Do not load it without a memory limit.", "不要在没有内存限制的情况下加载。"),
    ("CVE-2026-0897", "CWE-789"),
)

RULES: Final[tuple[Rule, ...]] = (
    BYTECODE, EMBEDDED_PICKLE, OTHER_MODEL, ACTING_FUNCTION, FOREIGN_MODULE, CUSTOM_CLASS, NAMED_LAMBDA,
    VOCABULARY_PATH, TENSORFLOW_FUNCTION, SIZE_BOMB,
)  # fmt: skip

_PLAIN_VALUES: Final = frozenset(
    {"__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__", "__tuple__", "__set__",
     "TensorShape", "CompositeTensor", "__tf_type__", "__passive_serialization__"}
)  # fmt: skip
_WRAPPERS_OF_FUNCTIONS: Final = frozenset({"JaxLayer", "FlaxLayer", "ModuleWrapper"})
_LOOKUPS: Final = frozenset({"StringLookup", "IntegerLookup", "IndexLookup", "TextVectorization"})
_MARSHALLED_CODE: Final = re.compile(r"\s*(?:4wAAA|YwAAA|YwEAA|4wEAA|4wIAA|YwIAA)[A-Za-z0-9+/\s]{24,}")
"""Base64 of `marshal`'s mark for code, with and without a reference, and a small number of arguments."""
_TEXT_IN_CODE: Final = re.compile(rb"[zZ\xda\xfa]([\x02-\x40])")
"""`marshal`'s mark for short text, with and without a reference, and its length."""
_MOST_PAYLOAD: Final = 64 * 2**20
_LONGEST_SHOWN: Final = 160
_SIZES: Final = frozenset(
    {"units", "filters", "input_dim", "output_dim", "num_heads", "key_dim", "value_dim", "hidden_dim", "n", "size",
     "target_shape", "batch_shape", "batch_input_shape", "input_shape", "max_tokens", "num_tokens", "depth_multiplier"}
)  # fmt: skip
_LARGEST_SIZE: Final = 2**31

_ACTING_TENSORFLOW: Final = re.compile(
    r"(?:tf\.)?(?:io|raw_ops|data|saved_model|train|summary|distribute|autograph|debugging|profiler|queue|lookup|estimator"
    r"|compat\.v1\.(?:py_func|load_library|load_op_library|read_file|write_file|gfile|saved_model|train|data|io))\b"
    r"|.*\b(?:py_function|numpy_function|py_func|load_library|load_op_library|read_file|write_file|print)\b"
)
_NOT_MODELS: Final = frozenset(
    {"os", "posix", "nt", "sys", "subprocess", "shutil", "socket", "ctypes", "importlib", "runpy", "pickle",
     "marshal", "code", "pty", "webbrowser", "urllib", "http", "pip", "commands", "types", "operator", "functools"}
)  # fmt: skip
_ACTING_BUILT_INS: Final = frozenset(
    {"__import__", "breakpoint", "compile", "delattr", "eval", "exec", "getattr", "globals", "input", "locals", "open",
     "print", "setattr", "vars"}
)  # fmt: skip
"""Both explain only: what is not listed is a custom object and needs a review."""


def read_config(source: Source, examination: Examination) -> None:
    """A configuration that a container says is one."""
    from touchstone.scan.formats.json import LARGEST, REPEATED_KEY, parse_json
    from touchstone.scan.text_encoding import whole_text

    reading = parse_json(whole_text(source, LARGEST).text)
    for key in dict.fromkeys(reading.repeated[:100]):
        examination.report(REPEATED_KEY, key)
    for document in (reading.document, *reading.discarded):
        examine_config(document, examination)


def read_metadata(source: Source, examination: Examination) -> None:
    """`metadata.json` of a `.keras` archive: the version that wrote it."""
    from touchstone.scan.formats.json import LARGEST, parse_json
    from touchstone.scan.text_encoding import whole_text

    examine_metadata(parse_json(whole_text(source, LARGEST).text).document, examination)


def examine_metadata(document: Any, examination: Examination) -> None:
    """The version of Keras that wrote an archive."""
    if not isinstance(document, dict):
        raise Unreadable(Text("the metadata is not an object", "元数据不是 JSON 对象"))
    version = document.get("keras_version")
    if isinstance(version, str):
        examination.fact("framework", f"keras {version}")


def examine_config(document: Any, examination: Examination) -> None:
    """Every object of a configuration tree."""
    if not isinstance(document, (dict, list)):
        raise Unreadable(Text("the configuration is not an object", "配置不是 JSON 对象"))
    if isinstance(document, dict) and isinstance(document.get("class_name"), str):
        examination.fact("architecture", document["class_name"])
        version = document.get("keras_version")
        examination.fact("framework", f"keras {version}" if isinstance(version, str) else "keras")
    for node, pointer in _nodes(document):
        if isinstance(node, str):
            _text(node, pointer, examination)
        elif isinstance(node.get("class_name"), str):
            _object(node, node["class_name"], pointer, examination)


def _nodes(document: Any) -> Iterator[tuple[dict[str, Any] | str, str]]:
    """Every object and long text with its JSON pointer, without recursion."""
    waiting: list[tuple[Any, str]] = [(document, "")]
    while waiting:
        value, pointer = waiting.pop()
        if isinstance(value, dict):
            yield value, pointer
            waiting.extend((inner, f"{pointer}/{key}"[-_LONGEST_SHOWN:]) for key, inner in value.items())
        elif isinstance(value, list):
            waiting.extend((inner, f"{pointer}/{index}"[-_LONGEST_SHOWN:]) for index, inner in enumerate(value))
        elif isinstance(value, str) and len(value) > 24:
            yield value, pointer


def _text(value: str, pointer: str, examination: Examination) -> None:
    """Bytecode wherever it stands: a class may hand any of its settings on to `func_load`."""
    if _MARSHALLED_CODE.match(value):
        examination.runs_code()
        examination.report(BYTECODE, f"{pointer}: {', '.join(_names_in(_decoded(value)))}")


def _names_in(code: bytes) -> dict[str, None]:
    """Identifiers in marshalled code, which is never loaded."""
    found: dict[str, None] = {}
    for mark in _TEXT_IN_CODE.finditer(code):
        word = code[mark.end() : mark.end() + mark[1][0]]
        if word.isascii() and word.decode("ascii").isidentifier():
            found[word.decode("ascii")] = None
    return found


def _object(node: dict[str, Any], name: str, pointer: str, examination: Examination) -> None:
    config = node.get("config")
    module = node.get("module")
    settings: dict[str, Any] = config if isinstance(config, dict) else {}
    if name == "__lambda__":
        examination.runs_code()
        examination.report(BYTECODE, f"{pointer}: __lambda__")
    elif name == "Lambda":
        _lambda(settings, pointer, examination)
    elif name == "TorchModuleWrapper":
        _torch_module(settings, pointer, examination)
    elif name in {"TFSMLayer", "KerasLayer"}:
        _other_model(name, settings, pointer, examination)
    elif name == "TFOpLambda":
        _tensorflow_function(settings, pointer, examination)
    elif name in _WRAPPERS_OF_FUNCTIONS:
        examination.report(NAMED_LAMBDA, f"{pointer}: {name}")
    elif name == "function":
        _named(module, config if isinstance(config, str) else "?", node, pointer, examination, is_function=True)
    elif name == "__typespec__":
        _named(module, str(node.get("spec_name")), node, pointer, examination, is_function=False)
    elif name not in _PLAIN_VALUES:
        _named(module, name, node, pointer, examination, is_function=False)
    _sizes(settings, pointer, examination)
    if name.rpartition(">")[2] in _LOOKUPS or any(name.endswith(lookup) for lookup in _LOOKUPS):
        _vocabulary(settings, pointer, examination)


def _named(
    module: Any, name: str, node: dict[str, Any], pointer: str, examination: Examination, *, is_function: bool
) -> None:
    """A class or function that is found by its name, or first by the name it is registered under."""
    registered = node.get("registered_name")
    written = f"{pointer}: {module}.{name}" if isinstance(module, str) else f"{pointer}: {name}"
    if isinstance(registered, str) and ">" in registered and not is_registered_by_keras(registered):
        examination.report(CUSTOM_CLASS, f"{written}, registered as {registered}")
    elif not isinstance(module, str) or (is_function and module == "builtins"):
        if not is_built_in(name, is_function=is_function) and not is_registered_by_keras(name):
            _foreign(module if isinstance(module, str) else "", name, written, examination)
        return
    if not isinstance(module, str):
        return
    place = place_of(module, name, is_function=is_function)
    if place == "acting":
        examination.report(ACTING_FUNCTION, written)
    elif place == "other":
        _foreign(module, name, written, examination)


def _foreign(module: str, name: str, written: str, examination: Examination) -> None:
    from touchstone.scan.symbols import standing

    package = module.split(".", 1)[0]
    if module == "builtins":  # where older versions wrote functions of the user's own, too
        is_dangerous = name in _ACTING_BUILT_INS
    else:
        is_dangerous = package in _NOT_MODELS or standing(module, name).trust == "dangerous"
    examination.report(FOREIGN_MODULE if is_dangerous else CUSTOM_CLASS, written)


def _lambda(settings: dict[str, Any], pointer: str, examination: Examination) -> None:
    """The code of a Lambda layer is bytecode, or a function found by name. Bytecode itself is found as text."""
    function = settings.get("function")
    module = settings.get("module")
    if isinstance(function, str) and settings.get("function_type") == "function":
        examination.report(NAMED_LAMBDA, f"{pointer}: Lambda {shown(function, 120)}")
        if isinstance(module, str):
            _foreign(module, function, f"{pointer}: Lambda {module}.{function}", examination)
        return
    if isinstance(function, dict) and function.get("class_name") == "function":
        examination.report(NAMED_LAMBDA, f"{pointer}: Lambda {shown(str(function.get('config')), 120)}")
        return
    examination.runs_code()
    examination.report(BYTECODE, f"{pointer}: Lambda")


def _torch_module(settings: dict[str, Any], pointer: str, examination: Examination) -> None:
    examination.runs_code()
    examination.report(EMBEDDED_PICKLE, f"{pointer}: TorchModuleWrapper")
    payload = settings.get("module")
    if isinstance(payload, str):
        examination.examine(MemorySource(_decoded(payload)), "torch module")


def _other_model(name: str, settings: dict[str, Any], pointer: str, examination: Examination) -> None:
    path = str(settings.get("filepath") or settings.get("handle") or "?")
    examination.report(OTHER_MODEL, f"{pointer}: {name} loads {path}")
    examination.refers_to(path, "data")


def _tensorflow_function(settings: dict[str, Any], pointer: str, examination: Examination) -> None:
    function = settings.get("function")
    if not isinstance(function, str):
        examination.report(NAMED_LAMBDA, f"{pointer}: TFOpLambda")
    elif _ACTING_TENSORFLOW.match(function):
        examination.report(TENSORFLOW_FUNCTION, f"{pointer}: {function}")


def _sizes(settings: dict[str, Any], pointer: str, examination: Examination) -> None:
    """Keras allocates what a layer asks for as soon as it is built."""
    for key in _SIZES & settings.keys():
        value = settings[key]
        numbers = value if isinstance(value, list) else [value]
        if any(type(number) is int and abs(number) >= _LARGEST_SIZE for number in numbers):
            examination.report(SIZE_BOMB, f"{pointer}: {key} = {shown(str(value), 80)}")


def _vocabulary(settings: dict[str, Any], pointer: str, examination: Examination) -> None:
    for key in ("vocabulary", "idf_weights"):
        value = settings.get(key)
        if isinstance(value, str) and value:
            examination.report(VOCABULARY_PATH, f"{pointer}: {key} = {value}")
            examination.refers_to(value, "data")


def _decoded(text: str) -> bytes:
    """Base64, as far as it goes."""
    try:
        return base64.b64decode("".join(text[:_MOST_PAYLOAD].split()), validate=False)
    except (binascii.Error, ValueError):
        return b""
