"""How bad one call is, by what it is given: `git rev-parse` is not `curl … | sh`, nor `weights_only=True` a pickle."""

from __future__ import annotations

import ast
import re
from typing import Final

from touchstone.scan.findings import Severity
from touchstone.scan.python_names import Bindings
from touchstone.scan.python_values import Value

_PLAIN_PROGRAMS: Final = re.compile(
    r"(?:/usr/(?:local/)?bin/)?(git|nvidia-smi|rocm-smi|npu-smi|nvcc|nproc|uname|hostname|which|where|ldconfig|ffmpeg|ffprobe|sox|espeak|ls|du|df"
    r"|mkdir|cp|mv|tar|unzip|gunzip|make|cmake|ninja|gcc|g\+\+|clang|pip3?|uv|conda|python[\d.]*|torchrun|accelerate"
    r"|deepspeed|huggingface-cli|tesseract|pandoc|dot|lscpu|free|sysctl|xcrun)(?:\.exe)?"
)
"""Programs that model projects start for honest reasons. Still for a person to look at."""
_GRAVE_PROGRAMS: Final = re.compile(
    r"(?:\S*/)?(?:(?:ba|z|k|da|c|fi)?sh|cmd(?:\.exe)?|powershell(?:\.exe)?|pwsh|curl|wget|nc|ncat|netcat|socat|telnet|ssh|scp|ftp|rm|dd|mkfs"
    r"|chmod|chown|crontab|at|systemctl|osascript|perl|ruby|php|node|sudo|su|kill|xterm|gdb|mshta|certutil|regsvr32|rundll32"
    r"|bitsadmin|schtasks|reg|wmic|net)(?:\s|$)"
)
"""Programs by which others act, fetch or stay."""
_SHELL_SYNTAX: Final = re.compile(r"[;|&`<>]|\$\(|\bcurl\b|\bwget\b|/dev/tcp|base64|\bnc\b|https?://")
_ALWAYS_GRAVE: Final = re.compile(r"os\.(exec|fork|posix_spawn|spawn)\w*|pty\..*|webbrowser\..*")
_PIPE_METHODS: Final = re.compile(r".*\.(communicate|wait|poll|kill|terminate|returncode|stdout|stderr)")

_SYSTEM_LIBRARY: Final = re.compile(
    r"(?:/usr/lib/|/usr/local/cuda/lib64/)?(lib(c|m|dl|rt|pthread|gomp|iomp5|cuda|cudart|cublas|cublasLt|cudnn|nccl|nvidia-ml|nvrtc|nvToolsExt|hip\w*"
    r"|roc\w*|objc|System|mlx|numa|jemalloc|tcmalloc|stdc\+\+|gcc_s|z|ssl|crypto)(\.so[\d.]*|[\d.]*\.dylib)"
    r"|(kernel32|user32|shell32|advapi32|msvcrt|nvcuda|nvml|cudart64_\d+)(\.dll)?)"
)
_EVALUATION: Final[dict[str, Severity]] = {
    "importlib.import_module": "medium",
    "importlib.reload": "medium",
    "builtins.__import__": "medium",
    "importlib.__import__": "medium",
    "importlib.util.spec_from_file_location": "medium",
    "importlib.util.module_from_spec": "low",
    "importlib.machinery.SourceFileLoader": "medium",
    "timeit.timeit": "medium",
    "timeit.repeat": "medium",
    "timeit.Timer": "medium",
    "numexpr.evaluate": "medium",
    "pandas.eval": "medium",
    "sympy.sympify": "medium",
    "sympy.parse_expr": "medium",
    "hydra.utils.instantiate": "medium",
    "hydra.utils.call": "medium",
    "torch.hub.load": "medium",
}
"""Evaluations that honest model code uses; all others are grave."""
_IMPORTING: Final = frozenset({"importlib.import_module", "builtins.__import__", "importlib.__import__"})
_SAFE_YAML: Final = frozenset({"SafeLoader", "CSafeLoader", "BaseLoader", "CBaseLoader", "FullLoader", "CFullLoader"})


def severity_of_process(name: str, call: ast.Call, bindings: Bindings) -> Severity | None:
    """How bad it is to start this program."""
    if _PIPE_METHODS.fullmatch(name):
        return None
    if _ALWAYS_GRAVE.fullmatch(name):
        return "high"
    command = _command(call, bindings)
    program = command.split(maxsplit=1)[0] if command.strip() else ""
    if _SHELL_SYNTAX.search(command) or _GRAVE_PROGRAMS.match(command):
        return "high"
    asks_shell = name.startswith(
        ("os.", "get_ipython.", "subprocess.getoutput", "subprocess.getstatusoutput", "commands.")
    ) or any(keyword.arg == "shell" and _truth(keyword.value) for keyword in call.keywords)
    return "high" if asks_shell and not _PLAIN_PROGRAMS.fullmatch(program) else "medium"


def severity_of_evaluation(name: str, call: ast.Call, bindings: Bindings) -> Severity | None:
    """How bad it is to evaluate this; `None` for an import of a module that is named outright."""
    if name in _IMPORTING and call.args and isinstance(bindings.constant(call.args[0]), str):
        return None
    return _EVALUATION.get(name, "high")


def severity_of_loading(name: str, call: ast.Call, bindings: Bindings) -> Severity | None:
    """How bad it is to load a file this way; `None` when the call keeps code out."""
    given = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    last = name.rsplit(".", 1)[-1]
    if name == "torch.load":
        weights_only = _truth(given.get("weights_only"))
        return None if weights_only else "low" if "weights_only" not in given else "medium"
    if name == "numpy.load":
        return "medium" if _truth(given.get("allow_pickle")) else None
    if last == "load_model":
        return "medium" if "safe_mode" in given and not _truth(given["safe_mode"]) else None
    if name in {"yaml.load", "yaml.load_all"}:
        loader = given.get("Loader") or (call.args[1] if len(call.args) > 1 else None)
        named = {found.rsplit(".", 1)[-1] for found in bindings.names(loader)}
        return None if named and named <= _SAFE_YAML else "medium"
    return None if name in {"yaml.full_load", "ruamel.yaml.YAML", "torch.jit.load", "skops.io.load"} else "medium"


def severity_of_native(name: str, call: ast.Call, bindings: Bindings) -> Severity:
    """How bad it is to load this library: those of the system and of drivers are what most code asks for."""
    library = bindings.constant(call.args[0]) if call.args else None
    loads = name.rsplit(".", 1)[-1] in {"CDLL", "PyDLL", "WinDLL", "OleDLL", "LoadLibrary", "load_library", "dlopen"}
    return "high" if loads and isinstance(library, str) and not _SYSTEM_LIBRARY.fullmatch(library) else "medium"


def said(value: Value) -> str:
    """A constant argument as it is shown; `?` when it is not known."""
    return "?" if value is None else f"{value!r:.80}"


def _truth(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _command(call: ast.Call, bindings: Bindings) -> str:
    """The command line as far as it is constant: of an f-string, its beginning."""
    first = call.args[0] if call.args else next((word.value for word in call.keywords if word.arg == "args"), None)
    for _ in range(4):
        first = bindings.expressions.get(first.id) if isinstance(first, ast.Name) else first
        first = first.left if isinstance(first, ast.BinOp) else first
    if isinstance(first, ast.List | ast.Tuple):
        return " ".join(_word(element, bindings) for element in first.elts)
    if isinstance(first, ast.JoinedStr):
        return "".join(_word(part, bindings) for part in first.values)
    return _word(first, bindings) if first is not None else ""


def _word(node: ast.expr, bindings: Bindings) -> str:
    if "sys.executable" in bindings.names(node):
        return "python"
    value = bindings.constant(node)
    return value if isinstance(value, str) else "?"
