"""What a pickle would do, found by following its opcodes without doing any of it.

A pickle is a program for a small stack machine; a file may hold several, one after the other.
"""

from __future__ import annotations

from touchstone.system.artifacts.constructs import Construct
from touchstone.system.artifacts.pickle_machine import MOST_CONSTRUCTS, interpret
from touchstone.system.artifacts.pickle_values import Literal
from touchstone.text import Text

MOST_STREAMS = 1000

_TORCH_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_TORCH_LEGACY_STREAMS = 5
"""Magic number, protocol, machine, object and storage keys; raw storages follow (torch/serialization.py)."""


def screen_pickle(data: memoryview, where: str, *, persistent: bool = False) -> tuple[list[Construct], list[Text]]:
    """Constructs in a file of one or more pickles, and what in it was not understood.

    `persistent` allows references to storages beside the pickle, as PyTorch's archives have them.
    """
    constructs: list[Construct] = []
    problems: list[Text] = []
    position = streams = 0
    legacy = False
    while position < len(data):
        reading = interpret(data, where, position, persistent=persistent or (legacy and streams == 3))
        if streams and not reading.stopped and not reading.constructs:
            problems.append(
                Text(
                    f"{len(data) - position} bytes follow the pickle and are none",
                    f"pickle 之后还有 {len(data) - position} 字节，且不是 pickle",
                )
            )
            break
        constructs.extend(reading.constructs)
        if reading.raw_arrays:
            # Any other loader takes the arrays' bytes for opcodes.
            plain = interpret(data, where, position, persistent=persistent, joblib=False)
            constructs.extend(construct for construct in plain.constructs if construct not in reading.constructs)
        problems.extend(reading.problems)
        position = reading.end
        streams += 1
        if streams == 1:
            legacy = isinstance(reading.result, Literal) and reading.result.value == _TORCH_LEGACY_MAGIC
        if not reading.stopped or (legacy and streams == _TORCH_LEGACY_STREAMS):
            break
        if streams == MOST_STREAMS or len(constructs) >= MOST_CONSTRUCTS:
            problems.append(Text("holds more streams or constructs than are followed", "流或构造的数量超过追踪上限"))
            break
    return constructs, problems


def reads_as_pickle(head: bytes, *, whole: bool) -> bool:
    """Whether bytes begin a pickle: by the protocol mark, or because they call something or end as a pickle does.

    `whole` says that `head` is the entire file.
    """
    if len(head) > 1 and head[0] == 0x80 and head[1] <= 5:
        return True
    reading = interpret(memoryview(head), "", most_opcodes=len(head) + 1)
    if reading.calls:
        return True
    if reading.stopped:
        return whole and reading.end == len(head)
    return reading.truncated and not whole
