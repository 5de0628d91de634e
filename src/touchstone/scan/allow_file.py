"""The file in which somebody answers for findings: which, why, and until when.

    schema: touchstone.allow/v1
    allow:
      - rule: pickle/unreviewed-call
        where: models/*.pkl
        symbol: ourlib.Scaler
        reason: our own class, reviewed 2026-10-02
        by: A. Person
        expires: 2027-04-01
      - gap: format
        where: docs/*.psd
        reason: drawings, no loader opens them
        expires: 2027-04-01

A finding that is allowed stays in the result, with the reason. An entry counts until the end of its last day; one that
has expired, or that nothing needs, is remarked upon.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fnmatch import translate
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, get_args

from touchstone.errors import DescriptionError, UserError
from touchstone.scan.findings import Allowed, FileResult, Finding, Gap, GapCode, ScanResult
from touchstone.scan.walk import shown_path
from touchstone.text import Text

if TYPE_CHECKING:
    from pathlib import Path

    from touchstone.documents import SourceDocument

SCHEMA: Final = "touchstone.allow/v1"

_RULE: Final = re.compile(r"[a-z0-9-]+/[a-z0-9-]+")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SYMBOL: Final = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)+")
_CODES: Final = frozenset(get_args(GapCode))
_LONGEST: Final = 2000

_FOR_FINDINGS: Final = ("shown", "symbol")
_FIELDS: Final = ("rule", "gap", "where", "sha256", *_FOR_FINDINGS, "reason", "by", "expires")


class AllowFileError(DescriptionError):
    """An allow file that cannot be relied on, with every problem and its line."""


@dataclass(frozen=True)
class Entry:
    """One thing somebody answers for. Every field that is not empty must fit."""

    line: int
    reason: str
    expires: date
    by: str = ""
    rule: str = ""
    gap: str = ""
    where: str = ""
    sha256: str = ""
    shown: str = ""
    symbol: str = ""

    def fits(self, file: FileResult, item: Finding | Gap) -> bool:
        """Whether this entry is about `item` of `file`."""
        if isinstance(item, Finding):
            about = self.rule == item.rule and self.shown in ("", item.shown)
            about = about and self.symbol in ("", symbol_of(item))
        else:
            about = self.gap == item.code
        return about and self.sha256 in ("", file.sha256) and self._lies_in(file.path, item.where)

    def _lies_in(self, path: str, where: str) -> bool:
        return not self.where or any(self._pattern.fullmatch(name) is not None for name in (path, where))

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(translate(self.where))


@dataclass(frozen=True, slots=True)
class AllowFile:
    """What somebody answers for."""

    where: str
    entries: tuple[Entry, ...]


def symbol_of(finding: Finding) -> str:
    """The name a finding is about, when what it shows begins with one: `os.system` of `os.system('id')`."""
    found = _SYMBOL.match(finding.shown)
    return "" if found is None else found.group()


def with_allowed(result: ScanResult, allow: AllowFile, today: date) -> ScanResult:
    """The result with everything set apart that `allow` covers on that day."""
    valid = [entry for entry in allow.entries if entry.expires >= today]
    used: set[Entry] = set()
    files = tuple(_one_file(file, valid, used) for file in result.files)
    expired = [entry for entry in allow.entries if entry.expires < today]
    unused = [entry for entry in valid if entry not in used]
    notes = [_expired(allow, entry) for entry in expired] + [_unused(allow, entry) for entry in unused]
    return replace(result, files=files, notes=(*result.notes, *notes))


def _one_file(file: FileResult, entries: Sequence[Entry], used: set[Entry]) -> FileResult:
    allowed: list[Allowed] = []

    def is_open(item: Finding | Gap) -> bool:
        entry = next((entry for entry in entries if entry.fits(file, item)), None)
        if entry is None:
            return True
        used.add(entry)
        allowed.append(Allowed(item, entry.reason, entry.by, entry.expires.isoformat()))
        return False

    findings = tuple(filter(is_open, file.findings))
    gaps = tuple(filter(is_open, file.gaps))
    return replace(file, findings=findings, gaps=gaps, allowed=(*file.allowed, *allowed)) if allowed else file


def _expired(allow: AllowFile, entry: Entry) -> Text:
    day = entry.expires.isoformat()
    return Text(
        f"{allow.where}:{entry.line}: expired on {day}, so it no longer counts",
        f"{allow.where}:{entry.line}：已于 {day} 到期，不再生效",
    )


def _unused(allow: AllowFile, entry: Entry) -> Text:
    return Text(
        f"{allow.where}:{entry.line}: nothing that was found needs this entry; remove it",
        f"{allow.where}:{entry.line}：没有任何发现需要该条目，请删除",
    )


# ---- reading


def read_allow_file(path: Path) -> AllowFile:
    """Read an allow file (YAML or JSON). Raises `AllowFileError` with every problem, each with its line."""
    from touchstone.documents import read_yaml

    try:
        document = read_yaml(path)
    except UserError as error:
        raise AllowFileError([error]) from None
    reading = _Reading(document)
    entries = tuple(reading.entries())
    if reading.problems:
        raise AllowFileError(reading.problems)
    return AllowFile(shown_path(document.where), entries)


class _Reading:
    """Reads one document and keeps what is wrong with it."""

    def __init__(self, document: SourceDocument) -> None:
        self.document = document
        self.problems: list[UserError] = []

    def entries(self) -> Iterator[Entry]:
        """Every entry that can be relied on."""
        value = self.document.value
        if not isinstance(value, dict) or value.get("schema") != SCHEMA:
            self._wrong((), Text(f"does not begin with schema: {SCHEMA}", f"未以 schema: {SCHEMA} 开头"))
            return
        for key in value.keys() - {"schema", "allow"}:
            self._unknown((key,), key, ("schema", "allow"))
        listed = value.get("allow")
        if not isinstance(listed, list):
            self._wrong(("allow",), Text("allow is not a list of entries", "allow 不是条目列表"))
            return
        seen: dict[Entry, int] = {}
        for position, given in enumerate(listed):
            entry = self._entry(position, given)
            if entry is None:
                continue
            about = replace(entry, line=0, reason="", by="", expires=date.min)
            if about in seen:
                self._wrong(
                    ("allow", position),
                    Text(f"allows the same as the entry on line {seen[about]}", f"与第 {seen[about]} 行的条目相同"),
                    Text("keep one of the two", "请只保留其中一个"),
                )
            seen[about] = entry.line
            yield entry

    def _entry(self, position: int, given: Any) -> Entry | None:
        at = ("allow", position)
        if not isinstance(given, dict):
            self._wrong(at, Text("is not an entry with fields", "不是带字段的条目"))
            return None
        before = len(self.problems)
        for key, value in given.items():
            if key not in _FIELDS:
                self._unknown((*at, key), key, _FIELDS)
            elif not isinstance(value, str) or not value.isprintable() or len(value) > _LONGEST:
                self._wrong((*at, key), Text(f"{key} is not one line of text", f"{key} 不是单行文本"), _QUOTE)
        if len(self.problems) > before:
            return None
        fields = {key: value if key in ("shown", "where") else value.strip() for key, value in given.items()}
        self._require_one_subject(at, fields)
        self._require_reason(at, fields)
        for key, pattern, said in _PATTERNS:
            if fields.get(key) and pattern.fullmatch(fields[key]) is None:
                self._wrong((*at, key), said)
        expires = self._day(at, fields)
        if len(self.problems) > before or expires is None:
            return None
        return Entry(self.document.line_of(at), **{**fields, "expires": expires})

    def _require_one_subject(self, at: tuple[str | int, ...], fields: dict[str, str]) -> None:
        if bool(fields.get("rule")) == bool(fields.get("gap")):
            self._wrong(at, Text("names neither or both of rule and gap", "rule 与 gap 须且只能填写一个"))
        if fields.get("gap") and fields["gap"] not in _CODES:
            known = ", ".join(sorted(_CODES))
            self._wrong((*at, "gap"), Text(f"gap is none of {known}", f"gap 不在以下取值中：{known}"))
        if fields.get("gap") and not (fields.get("where") or fields.get("sha256")):
            self._wrong(at, Text("a gap needs where or sha256", "gap 条目须填写 where 或 sha256"))
        for key in _FOR_FINDINGS:
            if fields.get("gap") and fields.get(key):
                self._wrong(
                    (*at, key), Text(f"{key} belongs to a finding, not to a gap", f"{key} 只用于发现，不用于缺口")
                )

    def _require_reason(self, at: tuple[str | int, ...], fields: dict[str, str]) -> None:
        if not fields.get("reason"):
            self._wrong(
                (*at, "reason"),
                Text("gives no reason", "未填写理由"),
                Text("say in reason why this may stay as it is", "请在 reason 中说明为何可以保留"),
            )

    def _day(self, at: tuple[str | int, ...], fields: dict[str, str]) -> date | None:
        text = fields.get("expires", "")
        try:
            if _DAY.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError:
            pass
        self._wrong(
            (*at, "expires"),
            Text("expires is not a day, as 2027-01-31", "expires 不是日期，例如 2027-01-31"),
            Text("say until when this holds; nothing is allowed for ever", "请填写有效期限；不接受永久放行"),
        )
        return None

    def _unknown(self, at: tuple[str | int, ...], key: str, known: Iterable[str]) -> None:
        told = ", ".join(known)
        self._wrong(
            at,
            Text(f"has the unknown field {key[:80]!r}", f"含未知字段 {key[:80]!r}"),
            Text(f"fields are {told}", f"可用字段：{told}"),
        )

    def _wrong(self, at: tuple[str | int, ...], what: Text, remedy: Text | None = None) -> None:
        self.problems.append(UserError(what, self.document.at(at), remedy))


_QUOTE = Text("put it in quotes, on one line", "请加引号并写在同一行")
_PATTERNS: Final = (
    ("rule", _RULE, Text("rule is not the id of a rule, as pickle/dangerous-call", "rule 不是规则编号")),
    ("sha256", _DIGEST, Text("sha256 is not 64 hexadecimal digits in lower case", "sha256 不是 64 位小写十六进制数")),
    ("symbol", _SYMBOL, Text("symbol is not a dotted name, as os.system", "symbol 不是带点的名称，例如 os.system")),
)
