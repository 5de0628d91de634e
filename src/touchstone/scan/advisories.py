"""Known weaknesses and malicious releases of packages, from records in the format of OSV (ossf.github.io/osv-schema).

A small dated pack comes with this program: the advisories that matter most to whoever loads models. A laboratory adds
the full set: `read_osv` takes the files that osv.dev and GitHub publish (a folder, a zip or JSON lines), without
network. A record is matched by its own ranges; what is not understood of a record is counted, never guessed.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from touchstone.errors import UserError
from touchstone.scan.findings import Rule
from touchstone.scan.versions import Key, Permitted, version_key
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.scan.dependencies import Package

_UPDATE = Text("Use a version without it; see the advisory.", "请改用不受影响的版本；详见公告。")

MALICIOUS: Final = Rule(
    id="dependencies/malicious-package",
    severity="critical",
    nature="threat",
    title=Text("Needs a package release that is known to be malicious", "依赖已知的恶意软件包版本"),
    remedy=Text(
        "Do not install it. Where it was installed, treat every secret of that machine as stolen.",
        "请勿安装。若已安装，应视该主机上的所有机密均已泄露。",
    ),
    references=("CWE-506", "MITRE ATLAS AML.T0010.001"),
)
GRAVE: Final = Rule(
    id="dependencies/grave-weakness",
    severity="medium",
    nature="threat",
    title=Text("Needs a package version with a grave known weakness", "依赖存在已知严重漏洞的软件包版本"),
    remedy=_UPDATE,
    references=("CWE-1395",),
)
WEAK: Final = Rule(
    id="dependencies/known-weakness",
    severity="low",
    nature="threat",
    title=Text("Needs a package version with a known weakness", "依赖存在已知漏洞的软件包版本"),
    remedy=_UPDATE,
    references=("CWE-1395",),
)
MAY_BE_WEAK: Final = Rule(
    id="dependencies/permits-weakness",
    severity="information",
    nature="information",
    title=Text(
        "Permits package versions with known weaknesses, along with others",
        "所允许的软件包版本中包含有已知漏洞的版本",
    ),
    remedy=Text("Raise the lowest version that is permitted.", "请提高所允许的最低版本。"),
    references=("CWE-1395",),
)
RULES: Final[tuple[Rule, ...]] = (MALICIOUS, GRAVE, WEAK, MAY_BE_WEAK)

_LARGEST_RECORD: Final = 8 * 2**20
_MOST_RECORDS: Final = 2_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """Versions from the first affected to before the first that is not; `None` leaves that side open."""

    introduced: Key | None
    fixed: Key | None
    last: Key | None = None
    """The last affected version, when no fixed one is known."""

    def holds(self, key: Key) -> bool:
        """Whether a version lies within."""
        after = self.introduced is None or key >= self.introduced
        before = (self.fixed is None or key < self.fixed) and (self.last is None or key <= self.last)
        return after and before

    def covers(self, wanted: Permitted) -> bool:
        """Whether every permitted version lies within."""
        if self.introduced is not None and (wanted.at_least is None or wanted.at_least < self.introduced):
            return False
        limit = self.fixed or self.last
        return limit is None or (wanted.below is not None and wanted.below <= limit)

    def meets(self, wanted: Permitted) -> bool:
        """Whether any permitted version can lie within."""
        starts_later = self.introduced is not None and wanted.below is not None and wanted.below <= self.introduced
        is_fixed = self.fixed is not None and wanted.at_least is not None and wanted.at_least >= self.fixed
        is_past = self.last is not None and wanted.at_least is not None and wanted.at_least > self.last
        return not (starts_later or is_fixed or is_past)


@dataclass(frozen=True, slots=True)
class Advisory:
    """What one record says about one package."""

    id: str
    aliases: tuple[str, ...]
    summary: str
    severity: str
    """`critical`, `high`, `medium`, `low`; empty when the record does not say."""
    is_malicious: bool
    intervals: tuple[Interval, ...]
    versions: frozenset[str]
    """Versions listed one by one."""

    @property
    def shown(self) -> str:
        """Its identifiers, the best known first."""
        known = next((alias for alias in self.aliases if alias.startswith("CVE-")), "")
        return f"{known} ({self.id})" if known and known != self.id else self.id


@dataclass(slots=True)
class AdvisoryPack:
    """Advisories by package."""

    date: str
    """The day up to which it is complete, `YYYY-MM-DD`; empty when nobody said."""
    sha256: str
    skipped: int = 0
    """Records that could not be understood."""
    by_package: dict[tuple[str, str], list[Advisory]] = field(default_factory=dict)


def affecting(package: Package, pack: AdvisoryPack) -> Iterator[Advisory]:
    """Every advisory about the version that is asked for, or about all versions that satisfy the demand."""
    ecosystem = _index_of(package)
    for advisory in _listed(package, pack):
        if _is_affected(advisory, package.permitted, ecosystem):
            yield advisory


def examine_package(package: Package, pack: AdvisoryPack) -> Iterator[tuple[Rule, str]]:
    """What is known against a package: rules, each with what to show."""
    wanted = package.permitted
    named = f"{package.name} {package.demand}".strip()
    certain = list(affecting(package, pack))
    for advisory in certain:
        rule = WEAK if advisory.severity in {"low", "medium", ""} else GRAVE
        yield MALICIOUS if advisory.is_malicious else rule, f"{named}: {advisory.shown} {advisory.summary}"
    possible = [
        advisory.shown
        for advisory in _listed(package, pack)
        if not wanted.exactly
        and not advisory.is_malicious
        and advisory not in certain
        and any(part.meets(wanted) for part in advisory.intervals)
    ]
    if possible:
        yield MAY_BE_WEAK, f"{named}: {', '.join(sorted(possible))}"


def _index_of(package: Package) -> str:
    """The index whose advisories speak of the package: those about PyPI also hold for what conda builds of it."""
    return "PyPI" if package.ecosystem == "conda" else package.ecosystem


def _listed(package: Package, pack: AdvisoryPack) -> list[Advisory]:
    advisories = pack.by_package.get((_index_of(package), package.name), [])
    # A malicious release lay on one index; another has packages of its own.
    return [advisory for advisory in advisories if not (advisory.is_malicious and package.ecosystem == "conda")]


def _is_affected(advisory: Advisory, wanted: Permitted, ecosystem: str) -> bool:
    if not wanted.exactly:
        return any(part.covers(wanted) for part in advisory.intervals)
    key = version_key(wanted.exactly, ecosystem)
    listed = {version_key(version, ecosystem) for version in advisory.versions}
    return key is not None and (key in listed or any(part.holds(key) for part in advisory.intervals))


# ---- packs


@cache
def own_pack() -> AdvisoryPack:
    """The pack that comes with this program."""
    data = (files("touchstone.scan") / "packs" / "advisories.json").read_bytes()
    document = json.loads(data)
    return _packed(document["records"], document["date"], hashlib.sha256(data))


def read_osv(path: Path, date: str = "") -> AdvisoryPack:
    """Read records as osv.dev publishes them: a folder of JSON files, a zip of them, or one file of JSON lines.

    `date` is the day the records were fetched. Raises `UserError` when there is nothing to read at the path.
    """
    digest = hashlib.sha256()
    pack = _packed(_parsed(_texts(path, digest)), date, digest)
    if not pack.by_package:
        raise UserError(Text("holds no advisories in the OSV format", "不含 OSV 格式的公告"), str(path))
    return pack


def _texts(path: Path, digest: hashlib._Hash) -> Iterator[bytes]:
    """The text of each record, in an order that does not depend on the file system."""
    try:
        if path.is_dir():
            parts: Iterable[bytes] = (file.read_bytes() for file in sorted(path.rglob("*.json")))
        elif zipfile.is_zipfile(path):
            parts = _members(path)
        else:
            parts = path.open("rb")
        for text in parts:
            digest.update(text)
            if text.strip():
                yield text
    except (OSError, zipfile.BadZipFile) as error:
        raise UserError(Text(f"cannot be read: {error}", f"无法读取：{error}"), str(path)) from None


def _members(path: Path) -> Iterator[bytes]:
    with zipfile.ZipFile(path) as archive:
        for entry in sorted(archive.infolist(), key=lambda entry: entry.filename)[:_MOST_RECORDS]:
            if entry.filename.endswith(".json") and entry.file_size <= _LARGEST_RECORD:
                yield archive.read(entry)


def _parsed(texts: Iterable[bytes]) -> Iterator[Any]:
    for text in texts:
        try:
            yield json.loads(text)
        except (ValueError, RecursionError):
            yield None


def _packed(records: Iterable[Any], date: str, digest: hashlib._Hash) -> AdvisoryPack:
    pack = AdvisoryPack(date, "")
    for record in records:
        found = list(_advisories(record))
        if not found and not (isinstance(record, dict) and record.get("withdrawn")):
            pack.skipped += 1
        for key, advisory in found:
            pack.by_package.setdefault(key, []).append(advisory)
    for advisories in pack.by_package.values():
        advisories.sort(key=lambda advisory: advisory.id)
    pack.sha256 = digest.hexdigest()
    return pack


def _advisories(record: Any) -> Iterator[tuple[tuple[str, str], Advisory]]:
    """One advisory for each package of a record that is well-formed and not withdrawn."""
    from touchstone.scan.dependencies import normalised

    if not isinstance(record, dict) or record.get("withdrawn") or not isinstance(record.get("id"), str):
        return
    for affected in _list(record.get("affected")):
        package = affected.get("package") if isinstance(affected, dict) else None
        if not isinstance(package, dict) or not isinstance(package.get("name"), str):
            continue
        ecosystem = str(package.get("ecosystem"))
        name = normalised(package["name"]) if ecosystem == "PyPI" else package["name"]
        details = record.get("database_specific")
        severity = details.get("severity") if isinstance(details, dict) else None
        yield (
            (ecosystem, name),
            Advisory(
                id=record["id"],
                aliases=tuple(alias for alias in _list(record.get("aliases")) if isinstance(alias, str)),
                summary=str(record.get("summary") or "")[:200],
                severity={"MODERATE": "medium"}.get(str(severity), str(severity or "").lower()),
                is_malicious=record["id"].startswith(("MAL-", "TS-MAL-")) or _names_malware(details),
                intervals=tuple(_intervals(affected, ecosystem)),
                versions=frozenset(version for version in _list(affected.get("versions")) if isinstance(version, str)),
            ),
        )


def _names_malware(details: Any) -> bool:
    weaknesses = details.get("cwe_ids") if isinstance(details, dict) else None
    return isinstance(weaknesses, list) and "CWE-506" in weaknesses


def _intervals(affected: dict[str, Any], ecosystem: str) -> Iterator[Interval]:
    """The ranges of a record: events in order, each `introduced` opened until a `fixed` or `last_affected`."""
    for span in _list(affected.get("ranges")):
        if not isinstance(span, dict) or span.get("type") not in {"ECOSYSTEM", "SEMVER"}:
            continue
        opened: Key | None = None
        is_open = False
        for event in _list(span.get("events")):
            if not isinstance(event, dict):
                continue
            if "introduced" in event:
                opened = None if event["introduced"] == "0" else version_key(str(event["introduced"]), ecosystem)
                is_open = opened is not None or event["introduced"] == "0"
            elif is_open and ("fixed" in event or "last_affected" in event):
                fixed = version_key(str(event["fixed"]), ecosystem) if "fixed" in event else None
                last = version_key(str(event["last_affected"]), ecosystem) if "last_affected" in event else None
                is_open = False
                if fixed is not None or last is not None:
                    yield Interval(opened, fixed, last)
        if is_open:
            yield Interval(opened, None)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
