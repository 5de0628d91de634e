"""`package.json` of npm: what it depends on, and the commands that run when it is installed."""

from __future__ import annotations

from typing import Any, Final

from touchstone.scan.examination import Examination
from touchstone.scan.findings import Rule
from touchstone.text import Text

INSTALL_COMMAND: Final = Rule(
    id="json/install-command",
    severity="medium",
    nature="unreviewed",
    title=Text("Runs a command when npm installs it", "npm 安装时会运行命令"),
    remedy=Text(
        "Install with --ignore-scripts, or review the command.", "请使用 --ignore-scripts 安装，或先审查该命令。"
    ),
    references=("CWE-829", "MITRE ATLAS AML.T0010.001"),
)
RULES: Final[tuple[Rule, ...]] = (INSTALL_COMMAND,)

_INSTALL_STAGES: Final = ("preinstall", "install", "postinstall", "prepare")


def examine_scripts(document: dict[str, Any], examination: Examination) -> None:
    """Commands that `npm install` runs by itself."""
    scripts = document["scripts"]
    for stage in _INSTALL_STAGES if isinstance(scripts, dict) else ():
        command = scripts.get(stage)
        if isinstance(command, str):
            examination.report(INSTALL_COMMAND, f"{stage}: {command}")
            from touchstone.scan.formats.script import examine_commands

            examine_commands(command, examination)


def examine_dependencies(document: dict[str, Any], examination: Examination) -> None:
    """Packages it needs, as `npm:name@version`."""
    for group in ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies"):
        packages = document.get(group)
        for name, version in packages.items() if isinstance(packages, dict) else ():
            if isinstance(version, str):
                examination.fact("dependency", f"npm:{name}@{version}")
