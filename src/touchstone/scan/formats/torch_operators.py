"""Which operators a PyTorch program may call: those that compute on tensors, and the few that reach beyond them.

A TorchScript archive, a mobile bytecode and an exported program all name operators as `namespace::name`. Namespaces
below were reviewed as a whole in PyTorch 2.13 (`torch._C._jit_get_all_schemas()`); the operators in them that touch
files, processes or other machines are listed one by one. Any other namespace is a library somebody must have loaded.
"""

from __future__ import annotations

from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.text import Text

REACHING_OPERATOR: Final = Rule(
    id="torch/reaching-operator",
    severity="high",
    nature="threat",
    title=Text(
        "The program calls an operator that reads or writes files or talks to other machines",
        "程序调用了读写文件或与其他机器通信的算子",
    ),
    remedy=Text(
        "Refuse the model unless whoever made it explains the call; run it only where it can reach nothing.",
        "除非提供方能说明该调用，否则应拒绝；只可在隔离环境中运行。",
    ),
    references=("CWE-73", "CWE-918", "MITRE ATLAS AML.T0011.000"),
)
UNREVIEWED_OPERATOR: Final = Rule(
    id="torch/unreviewed-operator",
    severity="medium",
    nature="unreviewed",
    title=Text(
        "The program calls an operator that is not PyTorch's own: it needs a native library beside the model",
        "程序调用了非 PyTorch 自带的算子，需要模型之外的原生库",
    ),
    remedy=Text(
        "Find out which library brings the operator and review it as code.", "查明提供该算子的库，并按代码审查。"
    ),
    references=("CWE-829",),
)
RULES: Final[tuple[Rule, ...]] = (REACHING_OPERATOR, UNREVIEWED_OPERATOR)

_COMPUTING_NAMESPACES: Final = frozenset(
    {
        "aten",
        "prim",
        "prims",
        "quantized",
        "_quantized",
        "quantization",
        "mkl",
        "mkldnn",
        "mkldnn_prepacked",
        "onednn",
        "onnx",
        "prepacked",
        "metal",
        "metal_prepack",
        "vulkan",
        "vulkan_prepack",
        "sparse",
        "static_runtime",
        "inductor",
        "inductor_prims",
        "rngprims",
        "profiler",
        "torchvision",
        "image",
    }
)
REACHING: Final = frozenset(
    {
        "from_file",  # aten
        "save",
        "rpc_async",  # prim
        "rpc_remote",
        "rpc_sync",
        "PythonOp",
        "IgnoredPythonOp",
        "load_tensor",  # debugprims
        "read_file",  # image, of torchvision
        "write_file",
    }
)
"""Last parts of names, in whatever namespace: any value has the operators of `aten` as its methods, so that even
`"/etc/passwd".from_file()` compiles."""


def judge_operator(name: str, offset: int, examination: Examination) -> None:
    """Report an operator, written `namespace::name`, that does more than compute or that nobody reviewed."""
    namespace, _, last = name.partition("::")
    if last in REACHING:
        examination.report(REACHING_OPERATOR, name, offset=offset)
    elif namespace not in _COMPUTING_NAMESPACES:
        examination.report(UNREVIEWED_OPERATOR, name, offset=offset)
