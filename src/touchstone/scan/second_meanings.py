"""The same bytes as another loader would read them.

A loader does not ask what a file is: `pickle.load` follows opcodes, a zip reader looks from the end. A file that is
harmless to one and a program to another is the way past a scanner that believes the first reading.
"""

from __future__ import annotations

from typing import Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.second_archives import RULES as ARCHIVE_RULES
from touchstone.scan.second_archives import look_for_tar, look_for_zip
from touchstone.scan.second_pickles import RULES as PICKLE_RULES
from touchstone.scan.second_pickles import look_for_pickle
from touchstone.scan.source import Source

RULES: Final[tuple[Rule, ...]] = (*ARCHIVE_RULES, *PICKLE_RULES)


def look_for_second_meanings(source: Source, kind: str, examination: Examination) -> None:
    """Report what the bytes of a file of format `kind` mean to loaders of other formats."""
    if kind not in ("zip", "tar"):
        # A TensorFlow Lite model may have an archive of associated files behind it, which its reader examines.
        if kind != "tflite":
            look_for_zip(source, kind, examination)
        look_for_tar(source, kind, examination)
    if kind not in ("pickle", "empty"):
        look_for_pickle(source, kind, examination)
