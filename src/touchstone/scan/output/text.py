"""The result for a person at a terminal: the worst first, what to do about it, and how much was read at the end.

What is clean is counted; of many findings or files of one kind the first are told. `verbose` tells all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from touchstone.scan.findings import VERDICTS, Allowed, FileResult, Finding, Gap, Rule, ScanResult, Verdict
from touchstone.scan.output import words
from touchstone.scan.output.coverage import coverage_of, readable_size
from touchstone.scan.rules import rule_named
from touchstone.text import Language, Text

_FEW_FILES: Final = 10
_FINDINGS_OF_A_FILE: Final = 5
_FILES_OF_A_KIND: Final = 3

_COLOURS: Final[dict[Verdict, str]] = {
    "unsafe": "1;31",
    "review": "33",
    "incomplete": "35",
    "accepted": "36",
    "clean": "32",
}


def to_text(result: ScanResult, language: Language, *, verbose: bool = False, colour: bool = False) -> str:
    """The whole text, ending with a line break."""
    return "\n".join(_Telling(language, verbose, colour).lines(result)) + "\n"


def conclusion(result: ScanResult, language: Language, *, colour: bool = False) -> str:
    """The last lines of the text: the verdict, and how much was read."""
    telling = _Telling(language, verbose=False, colour=colour)
    return "\n".join(telling.conclusion(result))


@dataclass(frozen=True, slots=True)
class _Telling:
    language: Language
    verbose: bool
    colour: bool

    def lines(self, result: ScanResult) -> Iterator[str]:
        for verdict in VERDICTS:
            files = [file for file in result.files if file.verdict == verdict]
            if verdict != "clean" or self.verbose or len(result.files) <= _FEW_FILES:
                yield from self._files(verdict, files)
        yield from self._accepted(result.files)
        for note in result.notes:
            yield f"! {self._say(note)}"
        yield ""
        yield from self.conclusion(result)

    def _files(self, verdict: Verdict, files: Sequence[FileResult]) -> Iterator[str]:
        """The files of one verdict; those that want attention for the same slight reasons are told together."""
        alike: dict[tuple[Rule | Text, ...], list[FileResult]] = {}
        for file in files:
            reasons = () if self.verbose else _slight_reasons(file)
            if reasons:
                alike.setdefault(reasons, []).append(file)
            else:
                yield from self._file(file)
        for reasons, together in alike.items():
            if len(together) <= _FILES_OF_A_KIND:
                for file in together:
                    yield from self._file(file)
            else:
                yield f"{self._mark(verdict)}  {self._first(file.path for file in together)}"
                for reason in reasons:
                    yield from self._reason(reason)

    def _reason(self, reason: Rule | Text) -> Iterator[str]:
        if isinstance(reason, Text):
            yield f"    {self._say(reason)}"
        else:
            severity = self._say(words.SEVERITIES[reason.severity])
            yield f"    {severity}{self._both(': ', '：')}{self._say(reason.title)}  [{reason.id}]"
            yield f"      → {self._say(reason.remedy)}"

    def _file(self, file: FileResult) -> Iterator[str]:
        size = readable_size(file.size)
        yield f"{self._mark(file.verdict)}  {file.path}  ({file.format}, {size})"
        told = [each for each in file.findings if each.nature != "information" or self.verbose]
        worst_first = sorted(told, key=lambda finding: list(words.SEVERITIES).index(finding.severity))
        advised: set[Text] = set()
        for finding in worst_first if self.verbose else worst_first[:_FINDINGS_OF_A_FILE]:
            yield from self._finding(finding)
            rule = rule_named(finding.rule)
            if rule is not None and finding.nature != "information" and rule.remedy not in advised:
                advised.add(rule.remedy)
                yield f"      → {self._say(rule.remedy)}"
        if len(told) > _FINDINGS_OF_A_FILE and not self.verbose:
            yield f"    {self._more(len(told) - _FINDINGS_OF_A_FILE)}"
        yield from self._gaps(file)

    def _gaps(self, file: FileResult) -> Iterator[str]:
        """What was not understood; the same in several members is told once."""
        alike: dict[Text, list[str]] = {}
        for gap in file.gaps:
            alike.setdefault(gap.why, []).append(gap.where)
        reasons = list(alike.items()) if self.verbose else list(alike.items())[:_FINDINGS_OF_A_FILE]
        for why, places in reasons:
            for place in places if self.verbose else places[:1]:
                yield f"    {'' if place == file.path else f'{place}: '}{self._say(why)}"
            if len(places) > 1 and not self.verbose:
                yield f"      {self._more(len(places) - 1)}"
        if len(reasons) < len(alike):
            yield f"    {self._more(len(alike) - len(reasons))}"

    def _finding(self, finding: Finding) -> Iterator[str]:
        severity = self._say(words.SEVERITIES[finding.severity])
        yield f"    {severity}{self._both(': ', '：')}{finding.shown}" if finding.shown else f"    {severity}"
        yield f"      {self._say(finding.what)}"
        yield f"      {finding.where}{self._bytes(finding)}  [{finding.rule}]"

    def _bytes(self, finding: Finding) -> str:
        if finding.offset < 0:
            return ""
        at = f"{finding.offset}" if finding.length <= 1 else f"{finding.offset}–{finding.offset + finding.length - 1}"
        return self._both(f", byte {at}", f"，字节 {at}")

    def _accepted(self, files: Iterable[FileResult]) -> Iterator[str]:
        allowed = [(file.path, each) for file in files for each in file.allowed]
        if not allowed:
            return
        yield ""
        yield self._both("Accepted:", "已接受：")
        shown = allowed if self.verbose else allowed[: 2 * _FINDINGS_OF_A_FILE]
        for path, each in shown:
            yield f"  {path}: {self._allowed(each)}"
        if len(shown) < len(allowed):
            yield f"  {self._more(len(allowed) - len(shown))}"

    def _allowed(self, allowed: Allowed) -> str:
        item = allowed.item
        what = self._say(item.why) if isinstance(item, Gap) else item.shown or self._say(item.what)
        by = f"{allowed.by}, " if allowed.by else ""
        return f"{what} – {allowed.reason} " + self._both(
            f"({by}until {allowed.expires})", f"（{by}至 {allowed.expires}）"
        )

    def conclusion(self, result: ScanResult) -> Iterator[str]:
        coverage = coverage_of(result)
        counts = coverage.verdicts.items()
        told = self._both(", ", "，").join(f"{count} {self._say(words.VERDICTS[verdict])}" for verdict, count in counts)
        yield f"{self._mark(result.verdict)}  {told}"
        yield self._say(words.MEANINGS[result.verdict])
        yield self._say(coverage.sentence())

    def _mark(self, verdict: Verdict) -> str:
        marked = f"{words.MARKS[verdict]} {self._say(words.VERDICTS[verdict])}"
        return f"\x1b[{_COLOURS[verdict]}m{marked}\x1b[0m" if self.colour else marked

    def _first(self, paths: Iterable[str]) -> str:
        listed = list(paths)
        rest = len(listed) - _FILES_OF_A_KIND
        return f"{', '.join(listed[:_FILES_OF_A_KIND])}, " + self._more(rest)

    def _more(self, count: int) -> str:
        return self._both(f"{count} more (--verbose lists them)", f"另有 {count} 项（--verbose 可全部列出）")

    def _say(self, text: Text) -> str:
        return text.render(self.language)

    def _both(self, en: str, zh: str) -> str:
        return Text(en, zh).render(self.language)


def _slight_reasons(file: FileResult) -> tuple[Rule | Text, ...]:
    """What is wrong with a file in rules and reasons, when no place in it needs to be told; nothing otherwise."""
    counted = [finding for finding in file.findings if finding.nature != "information"]
    places: list[Finding | Gap] = [*counted, *file.gaps]
    if any(item.where != file.path for item in places):
        return ()
    rules = {finding.rule: rule_named(finding.rule) for finding in counted if finding.severity == "low"}
    if any(finding.rule not in rules for finding in counted):
        return ()
    return (*(rule for _, rule in sorted(rules.items()) if rule is not None), *(gap.why for gap in file.gaps))
