"""TOML: projects and their locked packages (pyproject.toml, Pipfile, *.lock), and any other settings."""

from __future__ import annotations

import tomllib
from typing import Any, Final

from touchstone.scan.configuration import examine_configuration
from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.scan.formats.requirements import examine_requirements, judge_address, judge_index
from touchstone.scan.source import Source, Unreadable
from touchstone.scan.text_encoding import whole_text
from touchstone.text import Text

OWN_BACKEND: Final = Rule(
    id="toml/own-build-backend",
    severity="low",
    nature="unreviewed",
    title=Text("Is built by Python code that comes with it", "由自带的 Python 代码构建"),
    remedy=Text("Read the build backend before installing.", "安装前请审阅构建后端代码。"),
    references=("PEP 517", "CWE-829"),
)
RULES: Final[tuple[Rule, ...]] = (OWN_BACKEND,)

LARGEST: Final = 8 * 2**20


def read_toml(source: Source, examination: Examination) -> None:
    """Read any TOML file."""
    decoded = whole_text(source, LARGEST)
    try:
        document = tomllib.loads(decoded.text.replace("\r\n", "\n"))
    except RecursionError:
        raise Unreadable(Text("is TOML that is nested too deeply", "TOML 嵌套过深")) from None
    except ValueError:
        raise Unreadable(Text("is not well-formed TOML", "不是格式正确的 TOML")) from None
    examine_configuration(document, examination, lambda _: -1)
    _examine_project(document, examination)
    _examine_poetry(_table(document, "tool", "poetry"), examination)
    _examine_pipfile(document, examination)
    for index in _list(_table(document, "tool", "uv").get("index")):
        if isinstance(index, dict) and isinstance(index.get("url"), str):
            judge_index(index["url"], examination)
    for package in _list(document.get("package")):
        if isinstance(package, dict) and isinstance(package.get("version"), str):
            examination.fact("dependency", f"{package.get('name')}=={package['version']}")


def _examine_project(document: dict[str, Any], examination: Examination) -> None:
    """`[project]` and `[build-system]` (PEP 621, PEP 518)."""
    project, build = _table(document, "project"), _table(document, "build-system")
    groups = [project.get("dependencies"), build.get("requires")]
    groups.extend(_table(document, "project", "optional-dependencies").values())
    groups.extend(_table(document, "dependency-groups").values())
    for group in groups:
        examine_requirements([line for line in _list(group) if isinstance(line, str)], examination)
    if isinstance(project.get("name"), str):
        examination.fact("name", project["name"])
    if isinstance(project.get("version"), str):
        examination.fact("version", project["version"])
    if build.get("backend-path"):
        examination.report(OWN_BACKEND, f"backend-path: {build['backend-path']!r:.100}")


def _examine_poetry(poetry: dict[str, Any], examination: Examination) -> None:
    groups = [group for group in _table(poetry, "group").values() if isinstance(group, dict)]
    for packages in (poetry.get("dev-dependencies"), *(group.get("dependencies") for group in (poetry, *groups))):
        for name, wanted in packages.items() if isinstance(packages, dict) else ():
            if name != "python":
                _examine_wanted(name, wanted, examination)
    for place in _list(poetry.get("source")):
        if isinstance(place, dict) and isinstance(place.get("url"), str):
            judge_index(place["url"], examination)


def _examine_pipfile(document: dict[str, Any], examination: Examination) -> None:
    for place in _list(document.get("source")):
        if isinstance(place, dict) and isinstance(place.get("url"), str):
            judge_index(place["url"], examination)
    for group in ("packages", "dev-packages"):
        for name, wanted in _table(document, group).items():
            _examine_wanted(name, wanted, examination)


def _examine_wanted(name: str, wanted: Any, examination: Examination) -> None:
    """`"^1.2"`, or a table with `version`, `git`, `url`."""
    table = wanted if isinstance(wanted, dict) else {"version": wanted}
    address = table.get("git") or table.get("url")
    if isinstance(address, str):
        revision = table.get("rev") or table.get("ref") or ""
        judge_address(f"{name} @ {address}@{revision}", f"{address}@{revision}", examination)
    version = table.get("version")
    if isinstance(version, str):
        exact = version[:1].isdigit() and "*" not in version
        examination.fact("dependency", f"{name}=={version}" if exact else f"{name}{version.strip('*')}")


def _table(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    value: Any = document
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
