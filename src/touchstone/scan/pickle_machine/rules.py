"""What a pickle can be accused of."""

from __future__ import annotations

from typing import Final

from touchstone.scan.findings import Rule
from touchstone.text import Text

_SPECIFICATION: Final = "https://docs.python.org/3/library/pickletools.html"
_DO_NOT_LOAD: Final = Text(
    "Do not load the file. Obtain the model from a source you trust, best as safetensors or ONNX.",
    "不要加载该文件。请从可信来源重新获取模型，最好采用 safetensors 或 ONNX 格式。",
)
_REVIEW: Final = Text(
    "Read what the name does when it is called with these arguments. If it only rebuilds data, have it added to the "
    "reviewed names; otherwise do not load the file.",
    "查明以这些参数调用该名称时会做什么。若仅用于还原数据，可将其加入已审查名称；否则不要加载该文件。",
)
_BROKEN_ON_PURPOSE: Final = Text(
    "Do not load the file; no pickler writes this. Obtain it again from its source.",
    "不要加载该文件；正常的 pickle 写入程序不会产生这种内容。请从原始来源重新获取。",
)

DANGEROUS_CALL: Final = Rule(
    "pickle/dangerous-call",
    "critical",
    "threat",
    Text("Runs this when the file is loaded", "加载文件时会执行该调用"),
    _DO_NOT_LOAD,
    ("CWE-502", "AML.T0018", "AML.T0010"),
)
UNREVIEWED_CALL: Final = Rule(
    "pickle/unreviewed-call",
    "high",
    "unreviewed",
    Text(
        "Calls a function or class that nobody reviewed when the file is loaded",
        "加载文件时会调用未经审查的函数或类",
    ),
    _REVIEW,
    ("CWE-502",),
)
UNREVIEWED_USE: Final = Rule(
    "pickle/unreviewed-use",
    "high",
    "unreviewed",
    Text(
        "Uses a known name in a way that nobody reviewed: calls it, makes an instance of it or sets its state",
        "以未经审查的方式使用已知名称：调用、创建实例或设置其状态",
    ),
    _REVIEW,
    ("CWE-502",),
)
DANGEROUS_IMPORT: Final = Rule(
    "pickle/dangerous-import",
    "high",
    "threat",
    Text(
        "Carries a name that can run code; whatever receives it may call it",
        "携带可执行代码的名称，接收它的程序可能会调用它",
    ),
    _DO_NOT_LOAD,
    ("CWE-502", "AML.T0018"),
)
UNREVIEWED_IMPORT: Final = Rule(
    "pickle/unreviewed-import",
    "medium",
    "unreviewed",
    Text(
        "Imports a name that nobody reviewed; importing a module runs it",
        "导入未经审查的名称；导入模块即会运行它",
    ),
    _REVIEW,
    ("CWE-502",),
)
BROKEN_CONTRACT: Final = Rule(
    "pickle/harmful-arguments",
    "high",
    "threat",
    Text(
        "Calls a known function with other arguments than those it is harmless with",
        "以可能有害的参数调用已知函数",
    ),
    _DO_NOT_LOAD,
    ("CWE-502",),
)
CODE_OBJECT: Final = Rule(
    "pickle/code-object",
    "critical",
    "threat",
    Text(
        "Carries compiled Python code and makes functions of it",
        "携带已编译的 Python 代码并由此构造函数",
    ),
    Text(
        "Do not load the file: what the code does cannot be told from it. Ask for the weights alone.",
        "不要加载该文件：无法由其内容判断代码的行为。请改为只获取权重。",
    ),
    ("CWE-502", "AML.T0018"),
)
ATTRIBUTE_WALK: Final = Rule(
    "pickle/attribute-walk",
    "critical",
    "threat",
    Text(
        "Reaches what it calls by walking through attributes of a module, past any list of names",
        "通过逐级访问模块属性到达被调用对象，以绕过名称清单",
    ),
    _DO_NOT_LOAD,
    ("CWE-502", "CWE-184"),
)
COMPUTED_NAME: Final = Rule(
    "pickle/computed-name",
    "critical",
    "threat",
    Text("Imports a name that is computed while loading", "导入在加载时计算得到的名称"),
    _DO_NOT_LOAD,
    ("CWE-502",),
)
COMPUTED_CALL: Final = Rule(
    "pickle/computed-call",
    "critical",
    "threat",
    Text("Calls something that is computed while loading", "调用在加载时计算得到的对象"),
    _DO_NOT_LOAD,
    ("CWE-502",),
)
EXTENSION_CODE: Final = Rule(
    "pickle/extension-code",
    "critical",
    "threat",
    Text(
        "Imports a name that only the loading program's registry knows",
        "导入仅由加载程序的扩展注册表确定的名称",
    ),
    _DO_NOT_LOAD,
    ("CWE-502", "PEP 307"),
)
CHANGES_IMPORT: Final = Rule(
    "pickle/changes-import",
    "critical",
    "threat",
    Text("Changes an imported object of the loading program", "修改加载程序中被导入的对象"),
    _DO_NOT_LOAD,
    ("CWE-502", "CWE-915"),
)
SPECIAL_ATTRIBUTE: Final = Rule(
    "pickle/special-attribute",
    "critical",
    "threat",
    Text(
        "Replaces a special attribute of an object, so that using the object runs something else",
        "替换对象的特殊属性，使对该对象的使用变为执行其他代码",
    ),
    _DO_NOT_LOAD,
    ("CWE-915",),
)
NESTED_PAYLOAD: Final = Rule(
    "pickle/nested-payload",
    "high",
    "threat",
    Text(
        "Carries another pickle as data, which imports or calls something when it is loaded in turn",
        "以数据形式携带另一个 pickle，后者被加载时会导入或调用对象",
    ),
    Text(
        "Do not load the file unless you know which program loads the inner pickle, and why.",
        "除非清楚由哪个程序、出于何种目的加载内层 pickle，否则不要加载该文件。",
    ),
    ("CWE-502", "CWE-506"),
)
SECOND_VIEW: Final = Rule(
    "pickle/two-meanings",
    "critical",
    "threat",
    Text(
        "A loader that does not know joblib's raw arrays takes their bytes for opcodes and runs this",
        "不识别 joblib 原始数组的加载器会把数组字节当作操作码并执行该调用",
    ),
    _DO_NOT_LOAD,
    ("CWE-436", "CWE-502"),
)
FRAME_STRADDLE: Final = Rule(
    "pickle/frame-straddle",
    "critical",
    "threat",
    Text(
        "An opcode crosses the end of its frame: unpicklers read different programs from these bytes",
        "操作码跨越帧边界：不同的反序列化器会从这些字节读出不同的程序",
    ),
    _BROKEN_ON_PURPOSE,
    ("CWE-436", "https://github.com/python/cpython/issues/154848"),
)
FRAME_LIE: Final = Rule(
    "pickle/frame-mismatch",
    "high",
    "threat",
    Text(
        "A frame begins inside another one, or ends behind the file: some unpicklers refuse it, others run it",
        "帧位于另一帧之内或超出文件末尾：部分反序列化器拒绝，部分会执行",
    ),
    _BROKEN_ON_PURPOSE,
    ("CWE-436", "PEP 3154"),
)
BOMB: Final = Rule(
    "pickle/bomb",
    "high",
    "threat",
    Text(
        "Makes the loader use far more memory or time than the file is worth",
        "使加载器消耗远超文件规模的内存或时间",
    ),
    _BROKEN_ON_PURPOSE,
    ("CWE-400", "CWE-789"),
)
DTYPE_LIE: Final = Rule(
    "pickle/array-of-pointers",
    "critical",
    "threat",
    Text(
        "Declares a numpy type with objects in it to be plain bytes, so that bytes of the file become pointers",
        "将含对象的 numpy 数据类型声明为普通字节，使文件字节被当作内存指针",
    ),
    _DO_NOT_LOAD,
    ("CWE-843", "CWE-502"),
)
PERSISTENT: Final = Rule(
    "pickle/persistent-id",
    "medium",
    "threat",
    Text(
        "Asks the loading program for objects that are not in the file",
        "向加载程序索取文件之外的对象",
    ),
    Text(
        "Find out which program answers these requests, and with what.",
        "查明由哪个程序响应这些请求以及返回什么。",
    ),
    ("CWE-502", _SPECIFICATION),
)
OUT_OF_BAND: Final = Rule(
    "pickle/out-of-band-buffer",
    "medium",
    "threat",
    Text("Refers to buffers that are not in the file", "引用了文件之外的缓冲区"),
    Text("Ask for a file that holds its own data.", "请获取包含全部数据的文件。"),
    ("PEP 574",),
)
OUTSIDE_FILE: Final = Rule(
    "pickle/outside-file",
    "high",
    "threat",
    Text(
        "Makes joblib load another file, outside of the model's folder",
        "使 joblib 加载模型目录之外的文件",
    ),
    _DO_NOT_LOAD,
    ("CWE-22",),
)
NEWER_OPCODE: Final = Rule(
    "pickle/protocol-mismatch",
    "low",
    "threat",
    Text(
        "Uses opcodes of a later protocol than it declares, as no pickler does",
        "使用了比所声明协议更新的操作码，正常写入程序不会如此",
    ),
    Text("Find out what wrote the file.", "查明该文件由何种程序写入。"),
    (_SPECIFICATION,),
)
HIDDEN_MAGIC: Final = Rule(
    "pickle/hidden-magic",
    "high",
    "threat",
    Text(
        "Computes PyTorch's magic number by a call, so that only PyTorch recognises the format",
        "通过调用计算 PyTorch 魔数，使只有 PyTorch 能识别该格式",
    ),
    _BROKEN_ON_PURPOSE,
    ("CWE-436",),
)
TRAILING: Final = Rule(
    "pickle/trailing-bytes",
    "medium",
    "threat",
    Text(
        "Bytes follow the end of the pickle that are no pickle",
        "pickle 结束之后还有不属于 pickle 的字节",
    ),
    Text("Find out what these bytes are; loaders ignore them.", "查明这些字节的内容；加载器会忽略它们。"),
    ("CWE-506",),
)
FURTHER_STREAM: Final = Rule(
    "pickle/further-streams",
    "information",
    "information",
    Text("Holds several pickles one after the other", "文件包含多个依次排列的 pickle"),
    Text("All of them were read.", "已全部解析。"),
    (_SPECIFICATION,),
)

RULES: Final[tuple[Rule, ...]] = (
    DANGEROUS_CALL,
    UNREVIEWED_CALL,
    UNREVIEWED_USE,
    DANGEROUS_IMPORT,
    UNREVIEWED_IMPORT,
    BROKEN_CONTRACT,
    CODE_OBJECT,
    ATTRIBUTE_WALK,
    COMPUTED_NAME,
    COMPUTED_CALL,
    EXTENSION_CODE,
    CHANGES_IMPORT,
    SPECIAL_ATTRIBUTE,
    NESTED_PAYLOAD,
    SECOND_VIEW,
    FRAME_STRADDLE,
    FRAME_LIE,
    BOMB,
    DTYPE_LIE,
    PERSISTENT,
    OUT_OF_BAND,
    OUTSIDE_FILE,
    NEWER_OPCODE,
    HIDDEN_MAGIC,
    TRAILING,
    FURTHER_STREAM,
)
