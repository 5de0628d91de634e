"""The packages that a folder needs, gathered from all its files, and what is known against them.

Readers state every requirement as a fact. Here they become packages, and each is looked up twice: among known
weaknesses and malicious releases (`advisories`), and among names made to be mistaken for popular ones (`typosquats`).
All of it works on packs that lie here; nothing is asked over the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from touchstone.scan.findings import Fact, FileResult, Finding, Rule, shown
from touchstone.scan.versions import Permitted, permitted

if TYPE_CHECKING:
    from touchstone.scan.advisories import AdvisoryPack

Ecosystem = Literal["PyPI", "npm", "conda", "docker"]

_PREFIXES: Final[dict[str, Ecosystem]] = {"npm": "npm", "conda": "conda", "docker": "docker"}
"""How facts begin that name a package of another ecosystem than PyPI."""

_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*([^;@]*)")
_CONDA_NAMES: Final = {
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "tensorflow-base": "tensorflow",
}
"""Packages whose name on conda is not that on PyPI."""


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One package that something here needs."""

    ecosystem: Ecosystem
    name: str
    """As the ecosystem compares names."""
    demand: str
    """The versions asked for, as written; empty for any."""
    where: str
    """File, and member, that asks."""

    @property
    def permitted(self) -> Permitted:
        """The versions that satisfy the demand."""
        return permitted(self.demand, self.ecosystem)


def packages_of(facts: Iterable[Fact]) -> tuple[Package, ...]:
    """Every package that the facts name, sorted, each once for each place."""
    return tuple(sorted({package for fact in facts if fact.name == "dependency" for package in _packages(fact)}))


def normalised(name: str) -> str:
    """A name as PyPI compares it (PEP 503).

    >>> normalised("Scikit_Learn")
    'scikit-learn'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def judge_dependencies(results: Iterable[FileResult], advisories: AdvisoryPack | None = None) -> list[FileResult]:
    """The results, with what is known against the packages they name and the models they were made from.

    `advisories` replaces the small pack that comes with this program.
    """
    from touchstone.scan.advisories import examine_package, own_pack
    from touchstone.scan.typosquats import examine_model_name, examine_package_name

    pack = advisories or own_pack()
    judged = []
    for result in results:
        found: list[tuple[Rule, str, str]] = []
        for package in packages_of(result.facts):
            found.extend((rule, said, package.where) for rule, said in examine_package(package, pack))
            found.extend((rule, said, package.where) for rule, said in examine_package_name(package))
        for fact in result.facts:
            if fact.name == "base-model":
                found.extend((rule, said, fact.where) for rule, said in examine_model_name(fact.value))
        judged.append(replace(result, findings=(*result.findings, *_findings(found))) if found else result)
    return judged


def _findings(found: list[tuple[Rule, str, str]]) -> Iterator[Finding]:
    for rule, said, where in dict.fromkeys(found):
        yield Finding(
            where=where,
            offset=-1,
            rule=rule.id,
            severity=rule.severity,
            nature=rule.nature,
            shown=shown(said),
            what=rule.title,
        )


def _packages(fact: Fact) -> Iterator[Package]:
    prefix, separator, rest = fact.value.partition(":")
    if separator and prefix in _PREFIXES:
        name, version = _split_named(rest)
        ecosystem = _PREFIXES[prefix]
        if ecosystem == "conda":
            name = _CONDA_NAMES.get(normalised(name), normalised(name))
        yield Package(ecosystem, name, version, fact.where)
        return
    requirement = _REQUIREMENT.match(fact.value)
    if requirement is not None and "://" not in requirement[0]:
        yield Package("PyPI", normalised(requirement[1]), requirement[2].strip(" ()"), fact.where)


def _split_named(value: str) -> tuple[str, str]:
    """`@scope/name@1.0` into name and version."""
    name, _, version = value[1:].partition("@")
    return value[:1] + name, version
