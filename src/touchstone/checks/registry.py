"""Which checks are installed: our own, and those of packages that offer the `touchstone.checks` entry point."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType

from touchstone.checks.declaration import Check
from touchstone.errors import TouchstoneError, UnavailableError
from touchstone.text import Text

ENTRY_POINTS = "touchstone.checks"


@cache
def installed_checks() -> dict[str, Check]:
    """Every installed check by id, in order of id. Raises `UnavailableError` without the `assess` extra."""
    checks: dict[str, Check] = {}
    for entry_point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        try:
            found = list(_checks_below(entry_point.load()))
        except ModuleNotFoundError as error:
            raise UnavailableError(
                Text(f"the checks need {error.name}, which is not installed", f"检查项需要 {error.name}，尚未安装"),
                remedy=Text("pip install 'touchstone[assess]'", "请执行 pip install 'touchstone[assess]'"),
            ) from None
        for check in found:
            if checks.setdefault(check.id, check) is not check:
                raise TouchstoneError(f"two installed checks call themselves {check.id}")
    return dict(sorted(checks.items()))


@cache
def own_audits() -> dict[str, Check]:
    """The audits that come with this program, by id. Needs no extra: whoever verifies evidence repeats them."""
    return {check.id: check for check in _checks_below(import_module("touchstone.checks.evaluation.audits"))}


def installed_check(check_id: str) -> Check:
    """One check by id."""
    try:
        return installed_checks()[check_id]
    except KeyError:
        raise UnavailableError(
            Text(f"no check is called {check_id}", f"不存在名为 {check_id} 的检查项"),
            remedy=Text("`touchstone checks list` shows them all", "可用 `touchstone checks list` 查看全部"),
        ) from None


def _checks_below(package: ModuleType) -> Iterator[Check]:
    yield from {id(value): value for value in vars(package).values() if isinstance(value, Check)}.values()
    for module in pkgutil.iter_modules(getattr(package, "__path__", []), prefix=package.__name__ + "."):
        yield from _checks_below(import_module(module.name))
