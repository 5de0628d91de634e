"""All rules of all readers, gathered for listings, SARIF and the reference page.

A reader declares its rules beside the code that finds them, in a tuple `RULES` of its module. Nothing registers
itself: the modules that declare rules are listed here.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from touchstone.scan.findings import Rule
from touchstone.scan.formats import MODULES, READERS

_BESIDE_FORMATS = (
    "touchstone.scan.advisories",
    "touchstone.scan.configuration_rules",
    "touchstone.scan.formats.mxnet",
    "touchstone.scan.hdf5_unused",
    "touchstone.scan.hidden_characters",
    "touchstone.scan.hugging_face",
    "touchstone.scan.node_packages",
    "touchstone.scan.protobuf_schema",
    "touchstone.scan.repository",
    "touchstone.scan.second_meanings",
    "touchstone.scan.signed",
    "touchstone.scan.tensor_beginnings",
    "touchstone.scan.tensor_statistics",
    "touchstone.scan.typosquats",
    "touchstone.scan.walk",
)


@cache
def all_rules() -> dict[str, Rule]:
    """Every rule by its id, in the order of the ids."""
    found: dict[str, Rule] = {}
    for name in sorted({*MODULES, *_BESIDE_FORMATS}):
        for rule in _rules_in(name):
            if found.setdefault(rule.id, rule) is not rule:
                raise ValueError(f"two rules are called {rule.id}")
    return dict(sorted(found.items()))


@cache
def rule_named(name: str) -> Rule | None:
    """One rule by its id. Looks first where it most likely is: importing every reader takes a while."""
    kind = name.partition("/")[0]
    likely = [f"touchstone.scan.formats.{READERS[kind][0]}"] if kind in READERS else []
    for module in (*likely, *_BESIDE_FORMATS):
        for rule in _rules_in(module):
            if rule.id == name:
                return rule
    return all_rules().get(name)


def _rules_in(module: str) -> tuple[Rule, ...]:
    rules: tuple[Rule, ...] = getattr(import_module(module), "RULES", ())
    return rules
