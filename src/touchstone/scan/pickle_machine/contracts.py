"""What the arguments of a known name must look like where not every argument is harmless.

A pack names a contract at a symbol (`Standing.contract`); the pickle machine holds every use of the symbol to it. A
use that breaks its contract is reported even though the name is known.
"""

from __future__ import annotations

from typing import Final

CONTRACTS: Final[dict[str, str]] = {
    "no-arguments": "is called without arguments: `torch.device` factories, `threading.RLock`",
    "plain-codes": "all arguments are single literals (text, bytes, numbers, booleans, None): `re._compile`, dtypes, "
    "enum classes called with a value",
    "plain-data": "all arguments are literals or lists, tuples, dictionaries, sets of literals: no names, no objects",
    "plain-names": "all arguments are texts or numbers, and no part of a text between dots begins with an underscore: "
    "`operator.attrgetter`, `operator.itemgetter`",
    "codecs-latin1": "`_codecs.encode(text, 'latin1')`, the way pickles of protocol 0 to 2 write bytes",
    "bounded-allocation": "a number given alone is a size in bytes and at most 256 MiB: `bytes`, `bytearray`",
    "bounded-shape": "all integers in tuples or lists among the arguments, multiplied, are at most 2**28, none negative: "
    "`numpy.ndarray`, `numpy._core.multiarray._reconstruct`; names among the arguments must be known",
    "known-class": "the first argument is a known name with the right `new`: `copyreg.__newobj__`, `__pyx_unpickle_X`, "
    "`newObj` of scikit-learn",
    "known-callable": "every name among the arguments, at any depth, is known and has no contract of its own, and the "
    "first argument is such a name or None: `functools.partial`, `collections.defaultdict`, `numpy.vectorize`",
    "plain-reconstruction": "`copyreg._reconstructor(cls, base, state)`: a known class with the right `new`, and a base "
    "that is a builtin type of plain data",
    "enum-getattr": "`getattr(cls, 'NAME')`: a known class, a name without leading underscore or dot",
    "empty-ordered-dict-hooks": "every argument that is an OrderedDict is empty, other arguments are data, tensors or "
    "storages: `torch._utils._rebuild_tensor_v2` and the like, whose backward hooks could call anything",
    "calls-argument": "`torch._tensor._rebuild_from_type_v2(function, type, arguments, state)`: calls the function, so "
    "it must be one that may be called with these arguments; the type is known",
    "type-of-constant": "`type(x)` of exactly one argument that is None, Ellipsis, NotImplemented or another literal",
    "bit-generator": "the first argument is a text or a known class with the right `new`: numpy's `__randomstate_ctor`",
    "nested-file": "one argument, bytes written in the stream, which the callee loads: they are examined as a file of "
    "their own: `torch.storage._load_from_bytes`",
}
"""Name of a contract, and what it demands."""
