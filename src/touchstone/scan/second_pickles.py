"""Files of one format that are a pickle to whoever unpickles them.

`pickle.load` does not ask what a file is. Many formats let their author choose the first bytes: a member's name in a
tar archive, the text of a configuration, the length of a header.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from touchstone.scan.budget import Budget, Limits
from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.source import Source
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.scan.pickle_machine.notes import Notice

ALSO_PICKLE: Final = Rule(
    id="file/also-pickle",
    severity="critical",
    nature="threat",
    title=Text(
        "The file is of another format, but unpickling it runs this",
        "文件属于其他格式，但对其反序列化（unpickle）会执行该调用",
    ),
    remedy=Text(
        "Refuse the file; ask whoever made it for one that means the same to every program.",
        "拒绝该文件；请提供方给出对任何程序含义都相同的文件。",
    ),
    references=("CWE-436", "CWE-502"),
)
RULES: Final[tuple[Rule, ...]] = (ALSO_PICKLE,)

FIRST_OPCODES: Final = frozenset(b"()]}NIJKMLGFSTUVXBCciPQ\x80\x82\x83\x84\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x95\x96\x97")
"""Opcodes that need nothing on the stack: what a pickle can begin with."""
_MOST_OPCODES: Final = 20_000
_LONGEST_NAMES: Final = 1024
_IMPORT_FROM_PROSE: Final = re.compile(rb"[ci][^\n]{0,400}[ \t][^\n]{0,400}\n")
_CALLS: Final = frozenset(
    {"pickle/dangerous-call", "pickle/unreviewed-call", "pickle/attribute-walk", "pickle/code-object"}
)


def look_for_pickle(source: Source, kind: str, examination: Examination) -> None:
    """Report what unpickling a file of another format would run."""
    head = source.read(0, _LONGEST_NAMES)
    if head[0] not in FIRST_OPCODES or names_nothing(head):
        return
    from touchstone.scan.pickle_machine.machine import Loader, Machine
    from touchstone.scan.pickle_machine.notes import Notes

    notes = Notes()
    budget = Budget(Limits(), source.size)
    Machine(source, 0, notes, budget, Loader(joblib=False)).run(_MOST_OPCODES)
    for notice in notes.notices:
        if does_something(notice):
            examination.report(ALSO_PICKLE, f"{kind}, and {notice.shown}", offset=notice.offset)


def does_something(notice: Notice) -> bool:
    """Whether a notice is of more than a name: a word list is full of those, `cat` imports `dog` from `at`."""
    from touchstone.scan.pickle_machine.notes import Evidence

    return notice.evidence >= Evidence.DANGER or (notice.evidence >= Evidence.NAME and notice.rule.id in _CALLS)


def names_nothing(head: bytes) -> bool:
    """Whether bytes begin by importing from a module with a space in its name, as prose and Python's `import os` do."""
    return _IMPORT_FROM_PROSE.match(head) is not None
