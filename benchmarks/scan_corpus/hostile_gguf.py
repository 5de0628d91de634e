"""GGUF files with templates that break out of the template engine, and headers that lie. Source: ggml/docs/gguf.md.

CVE-2024-34359 (template), CVE-2025-53630 and CVE-2026-27940 (size overflow).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from hostile_units import Class, Unit

TEMPLATES = {
    "globals": "{{ cycler.__init__.__globals__.os.getpid() }}",
    "joiner": "{{ joiner.__init__.__globals__['os'].getpid() }}",
    "subclasses": "{{ ''.__class__.__mro__[1].__subclasses__()[132].__init__.__globals__['getpid']() }}",
    "for-subclasses": "{% for c in ().__class__.__base__.__subclasses__() %}"
    "{% if c.__name__ == 'Popen' %}{{ c('true') }}{% endif %}{% endfor %}",
    "attr-filter": "{{ messages|attr('__class__')|attr('__base__')|attr('__subclasses__')() }}",
    "attr-concat": "{{ messages|attr('__cl' ~ 'ass__') }}",
    "attr-hex": "{{ messages|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "subscript": "{{ messages['__class__']['__base__'] }}",
    "subscript-concat": "{{ messages['__cla' + 'ss__'] }}",
    "self": "{{ self.__init__.__globals__.__builtins__.__import__('os').getpid() }}",
    "lipsum": "{{ lipsum.__globals__['os'].popen('echo planted').read() }}",
    "namespace": "{{ namespace.__init__.__globals__ }}",
    "set": "{% set x = cycler %}{% set y = x.__init__ %}{{ y.__globals__.os.getpid() }}",
    "macro": "{% macro m(v) %}{{ v.__globals__ }}{% endmacro %}{{ m(lipsum) }}",
    "map-attribute": "{{ messages|map(attribute='__class__')|list }}",
    "format-string": "{{ '{0.__class__}'.format(messages) }}",
    "format-map": "{{ ('%s' ~ '{x.__globals__}').format_map({'x': lipsum}) }}",
    "join-letters": "{{ messages|attr(['__', 'class', '__']|join) }}",
    "reverse": "{{ messages|attr('__ssalc__'|reverse) }}",
    "include": "{% include '/etc/planted' %}",
    "import": "{% import '/etc/planted' as p %}",
    "extends": "{% extends '../../planted' %}",
    "hidden-in-long": "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}" * 40
    + "{{ lipsum.__globals__ }}",
    "comment-trick": "{# harmless #}{{ lipsum  .  __globals__ }}",
    "getattribute": "{{ messages.__getattribute__('__class__') }}",
}
LOOPS = {
    "range": "{% for i in range(10**10) %}{{ i }}{% endfor %}",
    "nested-range": "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
    "multiply": "{{ 'x' * 10000000000 }}",
    "power": "{{ 9 ** 9 ** 9 }}",
}


def text(value: str) -> bytes:
    """A string with its length."""
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def pair(key: str, value: str | int) -> bytes:
    """A key and its value: text, or an unsigned 32-bit number."""
    return text(key) + (struct.pack("<I", 8) + text(value) if isinstance(value, str) else struct.pack("<II", 4, value))


def gguf(
    *pairs: bytes,
    tensors: tuple[bytes, ...] = (),
    data: bytes = b"",
    version: int = 3,
    count: int | None = None,
    keys: int | None = None,
    align: int = 32,
) -> bytes:
    """A file: header, keys, tensor table, padding, tensors."""
    head = b"GGUF" + struct.pack(
        "<IQQ", version, len(tensors) if count is None else count, len(pairs) if keys is None else keys
    )
    head += b"".join(pairs) + b"".join(tensors)
    return head + bytes(-len(head) % align if data else 0) + data


def tensor(name: str = "w", dims: tuple[int, ...] = (4,), kind: int = 0, offset: int = 0) -> bytes:
    """One line of the tensor table."""
    return text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, offset)


BASIC = (pair("general.architecture", "llama"), pair("general.name", "planted"))


def units() -> Iterator[Unit]:
    """All of them."""
    for way, template in TEMPLATES.items():
        yield _unit(
            f"template-{way}",
            gguf(*BASIC, pair("tokenizer.chat_template", template)),
            f"the chat template breaks out ({way})",
            "template reaches outside the sandbox",
            "code",
            "llama-cpp-python (CVE-2024-34359), any renderer without a sandbox",
        )
    yield _unit(
        "template-named",
        gguf(*BASIC, pair("tokenizer.chat_template.tool_use", TEMPLATES["globals"])),
        "a named second template breaks out",
        "template reaches outside the sandbox",
        "code",
    )
    yield _unit(
        "template-version2",
        gguf(*BASIC, pair("tokenizer.chat_template", TEMPLATES["globals"]), version=2),
        "the same in version 2",
        "template reaches outside the sandbox",
        "code",
    )
    duplicate = (
        pair("tokenizer.chat_template", "{{ messages }}"),
        pair("tokenizer.chat_template", TEMPLATES["globals"]),
    )
    yield _unit(
        "template-duplicate",
        gguf(*BASIC, *duplicate),
        "two chat templates: readers differ on which counts",
        "duplicate key; template reaches outside the sandbox",
        "code",
    )
    for way, template in LOOPS.items():
        yield _unit(
            f"template-loop-{way}",
            gguf(*BASIC, pair("tokenizer.chat_template", template)),
            f"the chat template never ends ({way})",
            "template of unbounded work",
            "resource",
        )
    yield from _claims()


def _claims() -> Iterator[Unit]:
    lies = {
        "string-length": (gguf(*BASIC, text("k") + struct.pack("<IQ", 8, 2**63)), "a text of 2^63 bytes"),
        "key-length": (gguf(*BASIC, struct.pack("<Q", 2**62) + b"k"), "a key of 2^62 bytes"),
        "array-length": (gguf(*BASIC, text("k") + struct.pack("<IIQ", 9, 4, 2**62)), "an array of 2^62 numbers"),
        "array-of-text": (gguf(*BASIC, text("k") + struct.pack("<IIQ", 9, 8, 2**61)), "an array of 2^61 texts"),
        "nested-arrays": (
            gguf(*BASIC, text("k") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 20_000),
            "arrays nested 20,000 deep",
        ),
        "key-count": (gguf(*BASIC, keys=2**62), "2^62 keys"),
        "tensor-count": (gguf(*BASIC, count=2**62), "2^62 tensors"),
        "dims-overflow": (
            gguf(*BASIC, tensors=(tensor(dims=(2**32, 2**32)),), data=bytes(16)),
            "dimensions whose product overflows to 0 (CVE-2025-53630)",
        ),
        "size-overflow": (
            gguf(*BASIC, tensors=(tensor("a", (2**61 + 4,)), tensor("b", (2**61 + 4,), offset=32)), data=bytes(64)),
            "sizes whose sum overflows (CVE-2026-27940)",
        ),
        "many-dims": (gguf(*BASIC, tensors=(tensor(dims=(1,) * 64),), data=bytes(16)), "64 dimensions"),
    }
    for way, (data, threat) in lies.items():
        yield _unit(f"claims-{way}", data, threat, "claims beyond the file", "resource")
    odd = {
        "duplicate-key": (gguf(*BASIC, pair("general.name", "other")), "one key twice"),
        "duplicate-tensor": (
            gguf(*BASIC, tensors=(tensor(), tensor(offset=32)), data=bytes(64)),
            "one tensor name twice",
        ),
        "offset-beyond": (gguf(*BASIC, tensors=(tensor(offset=2**40),), data=bytes(16)), "a tensor beyond the file"),
        "offset-unaligned": (gguf(*BASIC, tensors=(tensor(offset=3),), data=bytes(32)), "a tensor that is not aligned"),
        "overlap": (gguf(*BASIC, tensors=(tensor("a"), tensor("b")), data=bytes(16)), "two tensors share their bytes"),
        "alignment-zero": (
            gguf(*BASIC, pair("general.alignment", 0), tensors=(tensor(),), data=bytes(16)),
            "an alignment of zero",
        ),
        "alignment-odd": (
            gguf(*BASIC, pair("general.alignment", 7), tensors=(tensor(),), data=bytes(16)),
            "an alignment of seven",
        ),
        "tail": (gguf(*BASIC, tensors=(tensor(),), data=bytes(32)) + b"planted" * 50, "bytes follow the tensors"),
        "elf-tensor": (
            gguf(
                *BASIC,
                tensors=(tensor(dims=(64,)),),
                data=(b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 3, 62, 1)).ljust(256, b"\0"),
            ),
            "a tensor is a program",
        ),
        "unknown-type": (gguf(*BASIC, tensors=(tensor(kind=200),), data=bytes(16)), "an unknown tensor type"),
        "unknown-value-type": (gguf(*BASIC, text("k") + struct.pack("<II", 77, 0)), "an unknown value type"),
        "cut": (gguf(*BASIC, pair("k", "value"))[:-3], "cut short"),
        "version": (gguf(*BASIC, version=99), "an unknown version"),
        "bool-two": (gguf(*BASIC, text("k") + struct.pack("<IB", 7, 2)), "a truth value of two"),
    }
    for way, (data, threat) in odd.items():
        yield _unit(f"odd-{way}", data, threat, threat, "integrity")


def _unit(name: str, data: bytes, threat: str, expect: str, kind: Class, loader: str = "llama.cpp") -> Unit:
    return Unit(f"gguf/{name}.gguf", data, kind, "gguf", threat, loader, expect)
