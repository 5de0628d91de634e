"""What each part of the check of joint training contributes to its result."""

from __future__ import annotations

from dataclasses import dataclass

from touchstone.errors import UnavailableError
from touchstone.records import ControlRun, Metric, Note
from touchstone.text import Text


@dataclass(frozen=True, slots=True)
class Part:
    """Numbers, tests of the test, remarks, and what goes into the report."""

    metrics: tuple[Metric, ...] = ()
    controls: tuple[ControlRun, ...] = ()
    notes: tuple[Note, ...] = ()
    listed: object = None


def not_measured(code: str, what: Text, error: UnavailableError) -> Part:
    """A part that could not be measured, with the reason and what to hand in."""
    remedy = error.remedy or Text("", "")
    where = f" ({error.where})" if error.where else ""
    text = Text(
        f"{what.en}: not measured: {error.what.en}{where}; {remedy.en}".rstrip("; "),
        f"{what.zh}：未测量：{error.what.zh}{where}；{remedy.zh}".rstrip("；"),
    )
    return Part(notes=(Note(code=code, text=text),))
