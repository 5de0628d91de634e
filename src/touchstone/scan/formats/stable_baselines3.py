"""Stable-Baselines3 agents: a zip archive whose member `data` is JSON with pickles in it.

`stable_baselines3/common/save_util.py` unpickles every text under the key `:serialized:`, base64 encoded, whatever else
the archive holds. Policies and schedules are pickled there by value, so honest agents carry code as well.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any, Final

from touchstone.scan.examination import Examination
from touchstone.scan.formats.json import parse_json
from touchstone.scan.recognise import recognise
from touchstone.scan.source import MemorySource, Source
from touchstone.scan.text_encoding import whole_text
from touchstone.text import Text

_LARGEST: Final = 64 * 2**20
_KEY: Final = ":serialized:"


def read_data(source: Source, examination: Examination) -> None:
    """Read a member called `data`: what is pickled in it, when it is JSON, and the rest like any file."""
    if recognise(source) == "json":
        for name, pickled in _pickled(parse_json(whole_text(source, _LARGEST).text).document):
            try:
                content = base64.b64decode(pickled)
            except (binascii.Error, ValueError):
                examination.gap(Text(f"{name[:80]!r} is no base64", f"{name[:80]!r} 不是 base64"))
                continue
            examination.examine(MemorySource(content), name, "pickle")
    examination.run(source)


def _pickled(document: Any) -> Iterator[tuple[str, str]]:
    """Every pickled value with the key it stands under."""
    waiting = [("data", document)]
    while waiting:
        name, value = waiting.pop()
        if not isinstance(value, dict):
            continue
        pickled = value.get(_KEY)
        if isinstance(pickled, str):
            yield name, pickled
        waiting.extend(value.items())
