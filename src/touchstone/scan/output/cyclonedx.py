"""A bill of materials in CycloneDX 1.6: the models with their cards, every file by its digest, the libraries and
frameworks they name, and which known vulnerabilities concern them.

Everything in it was read from the files, or was declared by whoever runs the scan. There is no date and no random
number: the same files have the same bill, with the same serial number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from touchstone.interchange import Json, bom_document, bom_property, sentence
from touchstone.scan.dependencies import packages_of
from touchstone.scan.findings import SEVERITIES, FileResult, Finding, Rule, ScanResult, Severity
from touchstone.scan.output.json import rules_of
from touchstone.scan.output.model_cards import Model, models_among
from touchstone.text import Language
from touchstone.version import __version__

ROOT: Final = "scanned"

_SEVERITIES: Final[dict[Severity, str]] = {
    "critical": "critical",
    "high": "high",
    "medium": "medium",
    "low": "low",
    "information": "info",
}
_ADVISORY: Final = re.compile(r"CVE-\d{4}-\d{4,}|GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}|(?:TS-)?(?:MAL|PYSEC)-\d{4}-\d+")
_SOURCES: Final = {
    "CVE": ("NVD", "https://nvd.nist.gov/vuln/detail/"),
    "GHSA": ("GitHub Advisories", "https://github.com/advisories/"),
    "": ("OSV", "https://osv.dev/vulnerability/"),
}
"""Where an advisory is published, by how its identifier begins."""
_ABOUT_LIBRARIES: Final = "dependencies/"
"""Rules of `touchstone.scan.advisories`."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What somebody declares about the whole, in CycloneDX's own words: no file can say who supplied it."""

    whole: Mapping[str, object] = field(default_factory=dict)
    """Name, version, supplier, description of the root component."""
    components: Sequence[Json] = ()
    services: Sequence[Json] = ()


def to_cyclonedx(result: ScanResult, language: Language, declared: Declared | None = None) -> bytes:
    """The whole bill of materials."""
    said = declared or Declared()
    models = models_among(result.files)
    libraries = {library["bom-ref"]: library for file in result.files for library in _libraries(file)}
    files = [_file(file) for file in result.files]
    parts = [*(model.component() for model in models), *files, *libraries.values(), *said.components]
    top = [*(model.reference for model in models), *_loose(result.files, models)]
    top += [str(part["bom-ref"]) for part in (*said.components, *said.services)]
    body: Json = {
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "touchstone", "version": __version__}]},
            "component": {"bom-ref": ROOT, "type": "application", "name": "scanned files", **said.whole},
            "properties": [
                bom_property("verdict", result.verdict),
                bom_property("symbols-sha256", result.symbols_sha256),
            ],
        },
        "components": parts,
        "dependencies": [{"ref": ROOT, "dependsOn": sorted(set(top))}, *_dependencies(result.files, models)],
    }
    if said.services:
        body["services"] = list(said.services)
    if vulnerabilities := list(_vulnerabilities(result, language)):
        body["vulnerabilities"] = vulnerabilities
    return bom_document("1.6", body)


def _file(file: FileResult) -> Json:
    component: Json = {
        "bom-ref": _reference(file.path),
        "type": "file",
        "name": file.path,
        "properties": [
            bom_property("format", file.format),
            bom_property("size", str(file.size)),
            bom_property("verdict", file.verdict),
            bom_property("may-run-code", str(file.runs_code).lower()),
        ],
    }
    return component | {"hashes": [{"alg": "SHA-256", "content": file.sha256}]} if file.sha256 else component


def _reference(path: str) -> str:
    return f"file:{path}"


def _loose(files: Iterable[FileResult], models: Iterable[Model]) -> list[str]:
    """Files that belong to no model."""
    owned = {file.path for model in models for file in model.files}
    return [_reference(file.path) for file in files if file.path not in owned]


def _dependencies(files: Sequence[FileResult], models: Iterable[Model]) -> Iterator[Json]:
    """Models on their files; files on the files they make their loader read, and on the libraries they name."""
    for model in models:
        yield {"ref": model.reference, "dependsOn": sorted(_reference(file.path) for file in model.files)}
    known = {file.path for file in files}
    for file in files:
        folder = file.path[: file.path.rfind("/") + 1]
        named = {folder + reference.path.removeprefix("./") for reference in file.references} & known - {file.path}
        needs = {_reference(path) for path in named} | {library["bom-ref"] for library in _libraries(file)}
        if needs:
            yield {"ref": _reference(file.path), "dependsOn": sorted(needs)}


def _libraries(file: FileResult) -> Iterator[Json]:
    """The libraries and frameworks that a file names."""
    for package in packages_of(file.facts):
        version = package.permitted.exactly
        purl = f"pkg:{package.ecosystem.lower()}/{quote(package.name, safe='/')}" + (
            f"@{quote(version)}" if version else ""
        )
        kind = "container" if package.ecosystem == "docker" else "library"
        library: Json = {"bom-ref": purl, "type": kind, "name": package.name, "purl": purl}
        yield library | {"version": version} if version else library
    for fact in file.facts:
        if fact.name == "framework":
            name, _, version = fact.value.rpartition(" ") if fact.value[-1:].isdigit() else (fact.value, "", "")
            framework: Json = {"bom-ref": f"framework:{fact.value}", "type": "framework", "name": name or fact.value}
            yield framework | {"version": version} if name and version else framework


def _vulnerabilities(result: ScanResult, language: Language) -> Iterator[Json]:
    """Known vulnerabilities: those a finding's rule is about, and those of the libraries that files ask for."""
    rules = {rule.id: rule for rule in rules_of(result)}
    affected: dict[tuple[str, str], list[tuple[FileResult, Finding]]] = {}
    for file in result.files:
        for finding in file.findings:
            if finding.nature != "information" and finding.rule in rules:
                for advisory in _advisories(finding, rules[finding.rule]):
                    affected.setdefault((advisory, finding.rule), []).append((file, finding))
    for (advisory, rule), places in sorted(affected.items(), key=lambda item: item[0]):
        yield _vulnerability(advisory, rules[rule], places, language)


def _advisories(finding: Finding, rule: Rule) -> Iterator[str]:
    """Identifiers of advisories: a rule about libraries says in each finding which one it is."""
    if rule.id.startswith(_ABOUT_LIBRARIES):
        found = _ADVISORY.search(finding.shown)
        if found is not None:
            yield found.group()
    else:
        yield from (reference for reference in rule.references if _ADVISORY.fullmatch(reference))


def _vulnerability(advisory: str, rule: Rule, places: Sequence[tuple[FileResult, Finding]], language: Language) -> Json:
    source, address = next(where for start, where in _SOURCES.items() if advisory.startswith(start))
    worst = min((finding.severity for _, finding in places), key=SEVERITIES.index)
    about_library = rule.id.startswith(_ABOUT_LIBRARIES)
    weaknesses = [int(reference[4:]) for reference in rule.references if re.fullmatch(r"CWE-\d+", reference)]
    title = sentence(rule.title.render(language))
    vulnerability: Json = {
        "bom-ref": f"vulnerability:{advisory}:{rule.id}",
        "id": advisory,
        "source": {"name": source, "url": address + advisory},
        "ratings": [{"source": {"name": "touchstone"}, "severity": _SEVERITIES[worst], "method": "other"}],
        "description": f"{title} {places[0][1].shown}" if about_library else title,
        "recommendation": sentence(rule.remedy.render(language)),
        "affects": [{"ref": reference} for reference in sorted(set(_affected(places)))],
    }
    return vulnerability | {"cwes": weaknesses} if weaknesses and not about_library else vulnerability


def _affected(places: Iterable[tuple[FileResult, Finding]]) -> Iterator[str]:
    """The files, and the libraries they ask for when the finding begins with the name of one."""
    for file, finding in places:
        yield _reference(file.path)
        for library in _libraries(file):
            if finding.rule.startswith(_ABOUT_LIBRARIES) and finding.shown.split(" ")[0] == library["name"]:
                yield str(library["bom-ref"])
