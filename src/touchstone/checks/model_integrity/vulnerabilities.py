"""Is anything that the system consists of known to be malicious, or to have a grave weakness?

Threat: malicious releases and unpatched weaknesses of the libraries that load and run the model (MITRE ATLAS
AML.T0010.001, CWE-1395, CWE-506).

Measured: declared components with a package URL, and the libraries that the model's own files ask for, against a dated
pack of advisories in OSV's format that lies here; nothing is asked over the network. Counted are releases known to be
malicious, and critical weaknesses. The pack does not say since when each is known: all count as open for over 15 days.

Cannot tell: whether a weakness can be reached in this system, and what was published after the pack's date.

Source: OSV schema 1.6; CISA BOD 19-02 (15 days for critical weaknesses); PEP 440.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from urllib.parse import unquote

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.model_integrity.model_files import model_files, scanned
from touchstone.errors import UnavailableError
from touchstone.records import ControlRun, Metric, Note
from touchstone.scan.advisories import Advisory, AdvisoryPack, affecting, own_pack
from touchstone.scan.dependencies import Ecosystem, Package, normalised, packages_of
from touchstone.system.description import Component
from touchstone.system.subject import Subject
from touchstone.text import Text

_PACKAGE_URL: Final = re.compile(r"pkg:(?P<kind>[a-z.+-]+)/(?P<name>[^@?#]+)(?:@(?P<version>[^?#]+))?")
_ECOSYSTEMS: Final[dict[str, Ecosystem]] = {"pypi": "PyPI", "npm": "npm", "conda": "conda", "docker": "docker"}


@dataclass(frozen=True, slots=True)
class _Match:
    """One thing that is known against one package."""

    package: Package
    advisory: Advisory


@check(
    id="supply.vulnerabilities",
    version="1",
    title=Text("Known weaknesses of components", "组件已知漏洞"),
    measures=Text(
        "Matches the declared components (by package URL) and the libraries that the model's files ask for with a"
        " dated, offline pack of advisories: releases known to be malicious, and critical weaknesses open for over 15"
        " days.",
        "将申报组件（按软件包 URL）与模型文件所需的库，同带日期的离线公告库比对："
        "已知恶意版本，以及超过 15 天未修复的严重漏洞。",
    ),
    cannot_tell=Text(
        "Whether a weakness can be reached in this system, and anything published after the date of the pack."
        " Components without a package URL are not looked up, and are named.",
        "无法判断漏洞在本系统中是否可达，也不含公告库日期之后的内容；没有软件包 URL 的组件不作查询，并会列出。",
    ),
    remedy=Text(
        "Update to a release that the advisory names as fixed. Where a release was malicious, treat the machine that"
        " installed it as compromised.",
        "升级至公告所列的修复版本；若曾安装恶意版本，应视该主机已失陷。",
    ),
    threats=("AML.T0010.001", "CWE-1395", "CWE-506"),
    source="OSV schema 1.6; CISA BOD 19-02; PEP 440",
    needs=Needs(),
    metrics=(
        MetricDeclaration(
            "known_malicious", "components", "lower", Text("Releases known to be malicious", "已知恶意的软件包版本")
        ),
        MetricDeclaration(
            "critical_open_over_15_days",
            "count",
            "lower",
            Text("Critical weaknesses open for over 15 days", "超过 15 天未修复的严重漏洞"),
        ),
    ),
)
def vulnerabilities(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Look up everything that has a name an advisory could use."""
    pack = own_pack()
    components = subject.description.components
    packages, unnamed = _packages(subject)
    matches = [match for package in packages for match in _matches(package, pack)]
    malicious = {match.package.name for match in matches if match.advisory.is_malicious}
    critical = {(match.package.name, match.advisory.id) for match in matches if _is_critical(match.advisory)}
    looked_up = max(len(packages), 1)
    listing = {
        "schema": "touchstone.vulnerabilities/v1",
        "advisories": {"date": pack.date, "sha256": pack.sha256, "skipped": pack.skipped},
        "packages": [
            {"ecosystem": package.ecosystem, "name": package.name, "demand": package.demand, "where": package.where}
            for package in packages
        ],
        "matches": [
            {
                "package": match.package.name,
                "advisory": match.advisory.id,
                "aliases": list(match.advisory.aliases),
                "severity": match.advisory.severity,
                "malicious": match.advisory.is_malicious,
            }
            for match in matches
        ],
        "not_looked_up": [component.name for component in unnamed],
    }
    return Measurement(
        metrics=(
            Metric(id="known_malicious", unit="components", value=Decimal(len(malicious)), n=looked_up, better="lower"),
            Metric(
                id="critical_open_over_15_days", unit="count", value=Decimal(len(critical)), n=looked_up, better="lower"
            ),
        ),
        controls=_controls(pack),
        exhibits=(run.exhibit("vulnerabilities.json", "application/json", canonical_json(listing)),),
        warnings=(*_notes(matches), *_not_looked_up(unnamed, len(components)), _dated(pack)),
    )


def _packages(subject: Subject) -> tuple[list[Package], list[Component]]:
    """What can be looked up, and the software components that cannot."""
    declared: list[Package] = []
    unnamed: list[Component] = []
    for component in subject.description.components:
        package = _declared(component)
        if package is not None:
            declared.append(package)
        elif component.kind in {"framework", "library", "driver"}:
            unnamed.append(component)
    try:
        files = list(scanned(subject, model_files(subject)))
    except UnavailableError:
        files = []
    observed = [package for file in files for package in packages_of(file.facts)]
    if not declared and not observed and not unnamed:
        raise UnavailableError(
            Text("no component is declared", "未申报任何组件"),
            "components",
            Text("declare them with a package URL", "请申报组件并附软件包 URL"),
        )
    return sorted({*declared, *observed}), unnamed


def _declared(component: Component) -> Package | None:
    found = None if component.package is None else _PACKAGE_URL.match(component.package)
    ecosystem = None if found is None else _ECOSYSTEMS.get(found["kind"])
    if found is None or ecosystem is None:
        return None
    name = unquote(found["name"])
    version = unquote(found["version"]) if found["version"] else component.version or ""
    demand = f"=={version}" if version and ecosystem == "PyPI" else version
    return Package(ecosystem, normalised(name) if ecosystem in {"PyPI", "conda"} else name, demand, "system.yaml")


def _matches(package: Package, pack: AdvisoryPack) -> Iterator[_Match]:
    return (_Match(package, advisory) for advisory in affecting(package, pack))


def _is_critical(advisory: Advisory) -> bool:
    return advisory.severity == "critical" and not advisory.is_malicious


def _notes(matches: Sequence[_Match]) -> Iterator[Note]:
    for match in matches:
        package, advisory = match.package, match.advisory
        severity = advisory.severity or "severity not stated"
        said = f"{package.name} {package.demand}: {advisory.shown} ({severity}) {advisory.summary}"
        code = "malicious-release" if advisory.is_malicious else "known-weakness"
        yield Note(code=code, text=Text(said, said))


def _not_looked_up(unnamed: Sequence[Component], declared: int) -> Iterator[Note]:
    if unnamed:
        names = ", ".join(component.name for component in unnamed)
        yield Note(
            code="not-looked-up",
            text=Text(
                f"{len(unnamed)} of {declared} components have no package URL and were not looked up: {names}",
                f"{declared} 个组件中有 {len(unnamed)} 个没有软件包 URL，未作查询：{names}",
            ),
        )


def _dated(pack: AdvisoryPack) -> Note:
    return Note(
        code="advisories",
        text=Text(f"advisories up to {pack.date}", f"公告截至 {pack.date}"),
    )


def _controls(pack: AdvisoryPack) -> tuple[ControlRun, ControlRun]:
    """A release that is known to be bad must be found, and a name that no advisory knows must not."""
    planted = Package("PyPI", "torch", "==2.5.1", "planted")
    found = any(_is_critical(match.advisory) for match in _matches(planted, pack))
    null = Package("PyPI", "no-such-package-touchstone", "==1.0", "null")
    quiet = not list(_matches(null, pack))
    return (
        ControlRun(
            kind="planted",
            expected=Text("torch 2.5.1 is known to have a critical weakness", "torch 2.5.1 存在已知严重漏洞"),
            seen=Text("found" if found else "missed", "已发现" if found else "未发现"),
            passed=found,
        ),
        ControlRun(
            kind="null",
            expected=Text("nothing is known of a package that does not exist", "不存在的软件包没有任何公告"),
            seen=Text("nothing" if quiet else "something", "无" if quiet else "有"),
            passed=quiet,
        ),
    )
