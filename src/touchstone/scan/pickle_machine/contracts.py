"""What the arguments of a known name must look like where not every argument is harmless.

A pack names a contract at a symbol (`Standing.contract`); the pickle machine holds every use of the symbol to it. A
use that breaks its contract is reported even though the name is known. A contract is a function that answers whether
a use keeps to it; its docstring says what it demands and for which names it is meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from touchstone.scan.pickle_machine.values import Call, Container, Global, Outside, Stretch, Value, as_pairs
from touchstone.scan.symbols import Right, Standing, is_enumeration

LARGEST_ALLOCATION: Final = 2**28

_PLAIN_BASES: Final = frozenset(
    {"object", "list", "dict", "tuple", "set", "frozenset", "int", "float", "complex", "str", "bytes", "bytearray"}
    | {"unicode", "long", "bool", "Exception", "BaseException"}
)
_MOST_PARTS: Final = 2_000
_SHAPES: Final = r"[A-Za-z0-9_, ]*"
_SCIPY_PROGRAM: Final = re.compile(
    rf"\ndef _parse_args\(self, {_SHAPES}(loc=0, scale=1|loc=0)\):\n    return \({_SHAPES}\), {_SHAPES}\n"
    rf"\ndef _parse_args_rvs\(self, {_SHAPES}(loc=0, scale=1|loc=0), size=None\):\n"
    rf"    return self\._argcheck_rvs\({_SHAPES}, size=size\)\n"
    rf"\ndef _parse_args_stats\(self, {_SHAPES}(loc=0, scale=1|loc=0), moments='mv'\):\n"
    rf"    return \({_SHAPES}\), {_SHAPES}, moments\n"
)
_DICTIONARIES: Final = frozenset({"OrderedDict", "Counter", "defaultdict", "ChainMap", "UserDict"})


class Forgotten(Exception):  # noqa: N818 - an answer, not an error of ours
    """The arguments were forgotten to save memory, so nobody can say."""


@dataclass(slots=True)
class Use:
    """One use of a known name."""

    right: Right
    function: Global
    arguments: tuple[Value, ...]
    """Of the call; for `build`, the parts of the state."""
    lookup: Callable[[str, str], Standing]

    @property
    def first(self) -> Value:
        """The first argument."""
        return self.arguments[0] if self.arguments else None


def _no_arguments(use: Use) -> bool:
    """Is called without arguments."""
    return use.right == "build" or not use.arguments


def _plain_codes(use: Use) -> bool:
    """All arguments are single literals: text, bytes, numbers, booleans, None.

    For `re._compile`, numpy's types, enumerations that are called with a value.
    """
    return use.right == "build" or all(_is_literal(argument) for argument in use.arguments)


def _plain_data(use: Use) -> bool:
    """All arguments are literals, or lists, tuples, dictionaries and sets of literals: no names, no objects."""
    return use.right == "build" or all(_is_literal(part) for part in _parts(use.arguments))


def _plain_names(use: Use) -> bool:
    """All arguments are texts or numbers, and no part of a text between dots begins with an underscore.

    For `operator.attrgetter` and `operator.itemgetter`.
    """
    return all(
        (isinstance(part, str) and not any(step.startswith("_") for step in part.split(".")))
        or isinstance(part, int | None)
        for part in _parts(use.arguments)
    )


def _codecs_latin1(use: Use) -> bool:
    """`_codecs.encode(text, 'latin1')`: the way pickles of protocols 0 to 2 write bytes."""
    return len(use.arguments) == 2 and use.arguments[1] in {"latin1", "latin-1"} and _is_text(use.first)


def _bounded_allocation(use: Use) -> bool:
    """A number given first is a size in bytes, and at most 256 MiB: for `bytes` and `bytearray`."""
    if isinstance(use.first, Stretch):
        return use.first.kind != "integer"
    return not isinstance(use.first, int) or use.first <= LARGEST_ALLOCATION


def _bounded_range(use: Use) -> bool:
    """At most 2**28 numbers: a range is small, but a list or a set is filled with all of them. For `range`."""
    if use.right == "build":
        return True
    bounds = [argument for argument in use.arguments if isinstance(argument, int)]
    try:
        return len(bounds) == len(use.arguments) and len(range(*bounds)) <= LARGEST_ALLOCATION
    except (TypeError, ValueError, OverflowError):
        return False


def _bounded_shape(use: Use) -> bool:
    """Integers that stand alone or in tuples and lists, multiplied, are at most 2**28; no name is unknown.

    For `numpy.ndarray` and `numpy._core.multiarray._reconstruct`. The state that such an object is given later is
    compared with its shape by numpy itself.
    """
    if use.right == "build" or _is_empty_array(use):
        return True
    elements = 1
    for part in _parts(use.arguments):
        if isinstance(part, int):
            elements *= max(1, abs(part))
        elif isinstance(part, (Stretch, Global)) and not _is_small_or_known(part):
            return False
    return elements <= LARGEST_ALLOCATION


def _is_empty_array(use: Use) -> bool:
    """`_reconstruct(ndarray, (0,), b'b')`, as numpy writes every array."""
    if len(use.arguments) != 3 or use.arguments[2] not in {b"b", "b"}:
        return False
    shape = use.arguments[1]
    return _may(use.first, "import") and isinstance(shape, Container) and shape.items == [0]


def _is_small_or_known(part: Stretch | Global) -> bool:
    return part.standing.trust == "known" if isinstance(part, Global) else part.kind != "integer"


def _known_class(use: Use) -> bool:
    """The first argument is a known name with the right `new`.

    For `copyreg.__newobj__`, `__pyx_unpickle_X` of Cython, `newObj` of scikit-learn. The right to be given a state is
    then asked of that class.
    """
    return use.right == "build" or _may(use.first, "new")


def _plain_reconstruction(use: Use) -> bool:
    """`copyreg._reconstructor(class, base, state)`: a known class, and a base that is a type of plain data."""
    if use.right == "build":
        return True
    if len(use.arguments) != 3 or not _may(use.first, "new"):
        return False
    base = use.arguments[1]
    return (
        isinstance(base, Global)
        and base.name in _PLAIN_BASES
        and base.module in {"builtins", "__builtin__", "exceptions"}
    )


def _known_callable(use: Use) -> bool:
    """Every name among the arguments, at any depth, is known and has no contract of its own; the first is no literal.

    For `functools.partial`, `collections.defaultdict`, `numpy.vectorize`: what they are given is called later.
    """
    if use.right != "build" and use.first is not None and not isinstance(use.first, Global | Call):
        return False
    return all(_may_be_called_later(part) for part in _parts(use.arguments))


def _enum_getattr(use: Use) -> bool:
    """`getattr(class, 'NAME')`: a member of a known enumeration, or an attribute that is itself a known name.

    Also `getattr(instance, '_name')` of a known class: scipy's distributions hold private methods of themselves.
    """
    if use.right != "call" or len(use.arguments) != 2:
        return False
    of, attribute = use.arguments
    if not isinstance(attribute, str) or not attribute.isidentifier() or attribute.startswith("__"):
        return False
    if isinstance(of, Call):
        return attribute.startswith("_") and _is_known_call(of)
    if not isinstance(of, Global):
        return False
    if use.lookup(of.module, f"{of.name}.{attribute}").trust == "known":
        return True
    return not attribute.startswith("_") and is_enumeration(of.module, of.name)


def _empty_ordered_dict_hooks(use: Use) -> bool:
    """Every dictionary among the arguments is empty or holds literals, and every name is known.

    For `torch._utils._rebuild_tensor_v2` and the like, whose backward hooks could be anything that can be called.
    """
    return use.right == "build" or all(_is_data_of_tensors(argument) for argument in use.arguments)


def _calls_argument(use: Use) -> bool:
    """`torch._tensor._rebuild_from_type_v2(function, type, arguments, state)`: function and type are known names.

    It calls the function with the arguments, so the machine judges that call as well.
    """
    if use.right == "build":
        return True
    return len(use.arguments) == 4 and isinstance(use.first, Global) and _may(use.arguments[1], "import")


def _type_of_constant(use: Use) -> bool:
    """`type(x)` of exactly one argument, a literal or a known name: `type(None)` is how `NoneType` is pickled."""
    if use.right != "call" or len(use.arguments) != 1:
        return False
    return _is_literal(use.first) or _may(use.first, "import")


def _bit_generator(use: Use) -> bool:
    """The first argument is missing, a text, or a known class: for numpy's `__randomstate_ctor` and its sisters.

    Where another function that makes the generator follows, it must be a known one.
    """
    if use.right == "build":
        return True
    return all(_is_literal(part) or _may(part, "new") or _may(part, "call") or _is_known_call(part)
               for part in use.arguments)  # fmt: skip


def _nested_file(use: Use) -> bool:
    """One argument, bytes that are written in the stream: the callee loads them, so they are examined as a file.

    For `torch.storage._load_from_bytes`.
    """
    return use.right == "call" and len(use.arguments) == 1 and bytes_in(use.first) is not None


def _scipy_distribution(use: Use) -> bool:
    """The state's `_parse_arg_template`, a program that scipy executes, is one that scipy itself writes.

    For the classes of `scipy.stats` (scipy/stats/_distn_infrastructure.py, `rv_generic.__setstate__`). Before scipy
    1.6 the state was a pair of a dictionary, from which the program was made, and a random state. The dictionary of
    a pair has at least three keys, for `dict.update` would take one of two keys for a name and its value.
    """
    if use.right != "build":
        return _plain_data(use)
    state = use.first
    if not isinstance(state, Container) or state.kind != "dict":
        return False
    if state.forgotten or state.size > len(state.items):
        raise Forgotten
    if len(use.arguments) == 2:
        return len({key for key, _ in as_pairs(state) if isinstance(key, str)}) >= 3
    programs = [value for key, value in as_pairs(state) if key == "_parse_arg_template"]
    return all(isinstance(program, str) and _SCIPY_PROGRAM.fullmatch(program) for program in programs)


def _named_ufunc(use: Use) -> bool:
    """A module and a name, as texts, that are known together: numpy imports the one and takes the other from it.

    For `numpy._core._ufunc_reconstruct`, by which numpy before 1.23 pickled its functions.
    """
    if use.right == "build" or len(use.arguments) != 2:
        return False
    module, name = use.arguments
    return isinstance(module, str) and isinstance(name, str) and use.lookup(module, name).trust == "known"


def _statsmodels_data(use: Use) -> bool:
    """The state keeps no formula: statsmodels would evaluate its Python expressions while the model is loaded.

    For `statsmodels.base.data.ModelData` and its subclasses (statsmodels/base/data.py, `ModelData.__setstate__`).
    """
    if use.right != "build":
        return not use.arguments
    state = use.first
    if len(use.arguments) != 1 or not isinstance(state, Container) or state.kind != "dict":
        return False
    if state.forgotten or state.size > len(state.items):
        raise Forgotten
    return not {"restore_design_info", "restore_model_spec"} & {
        key for key, _ in as_pairs(state) if isinstance(key, str)
    }


Contract = Callable[[Use], bool]

CONTRACTS: Final[dict[str, Contract]] = {
    "no-arguments": _no_arguments,
    "plain-codes": _plain_codes,
    "plain-data": _plain_data,
    "plain-names": _plain_names,
    "codecs-latin1": _codecs_latin1,
    "bounded-allocation": _bounded_allocation,
    "bounded-range": _bounded_range,
    "bounded-shape": _bounded_shape,
    "known-class": _known_class,
    "known-callable": _known_callable,
    "plain-reconstruction": _plain_reconstruction,
    "enum-getattr": _enum_getattr,
    "empty-ordered-dict-hooks": _empty_ordered_dict_hooks,
    "calls-argument": _calls_argument,
    "type-of-constant": _type_of_constant,
    "bit-generator": _bit_generator,
    "nested-file": _nested_file,
    "scipy-distribution": _scipy_distribution,
    "named-ufunc": _named_ufunc,
    "statsmodels-data": _statsmodels_data,
}
"""All contracts a pack may name. A name that is none of these is kept by no use."""

MAKES_INSTANCES_OF_FIRST: Final = frozenset({"known-class", "plain-reconstruction", "bounded-shape"})
"""Contracts of functions that make an instance of their first argument: rights to a state are asked of that class."""
MAKES_BUILDABLE: Final = frozenset({"bit-generator"})
"""Contracts of functions whose results take any state: numpy's generators, whose state is numbers."""


def bytes_in(value: Value) -> bytes | Stretch | None:
    """The bytes that a value is, when it is bytes written in the stream, directly or as latin-1 text."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, Stretch):
        return value if value.kind == "bytes" else None
    if isinstance(value, Call) and isinstance(value.function, Global):
        function = value.function
        if function.is_named("_codecs", "encode") and value.arguments:
            text = value.arguments[0]
            return text if isinstance(text, Stretch) and text.kind == "text" else None
    return None


def _parts(values: tuple[Value, ...]) -> list[Value]:
    """The values and everything in containers among them. Containers hold few records, so this ends soon."""
    parts: list[Value] = []
    pending: list[Value] = list(values)
    for value in pending:
        if not isinstance(value, Container):
            parts.append(value)
        elif value.forgotten or value.size > len(value.items) or len(pending) > _MOST_PARTS:
            raise Forgotten
        else:
            pending.extend(value.items)
    return parts


def _is_literal(value: Value) -> bool:
    return not isinstance(value, Global | Call | Outside | Container)


def _is_text(value: Value) -> bool:
    return isinstance(value, str) or (isinstance(value, Stretch) and value.kind == "text")


def _may(value: Value, right: Right) -> bool:
    return isinstance(value, Global) and right in value.standing.rights


def _is_harmless(name: Global) -> bool:
    """Whether a known name may be called later with whatever comes."""
    return name.standing.trust == "known" and not name.standing.contract


def _may_be_called_later(value: Value) -> bool:
    return _is_harmless(value) if isinstance(value, Global) else _is_literal(value) or _is_known_call(value)


def _is_known_call(value: Value) -> bool:
    return isinstance(value, Call) and isinstance(value.function, Global) and value.function.standing.trust == "known"


def _is_data_of_tensors(value: Value) -> bool:
    if isinstance(value, Container):
        parts = _parts((value,))
        if value.kind == "dict":
            return all(_is_literal(part) for part in parts)
        return all(_is_data_of_tensors(part) for part in parts)
    if isinstance(value, Call):
        if not isinstance(value.function, Global) or value.function.standing.trust != "known":
            return False
        if value.function.name not in _DICTIONARIES:
            return True
        if value.forgotten:
            raise Forgotten
        return not value.arguments and not value.filled
    return not isinstance(value, Global) or value.standing.trust == "known"
