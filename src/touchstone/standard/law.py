"""The installed packs of law: tables and obligations as data, dated, each read once and refused unless it is sound.

They stand apart from the catalog because they go stale first: each says when it was compared with the law, and when
that has to be done again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from touchstone.documents import SourceDocument, parse_yaml
from touchstone.errors import StandardError
from touchstone.standard.catalog import load_standard
from touchstone.standard.decision_table_pack import LawTable, read_decision_table
from touchstone.standard.obligation_pack import Regime, read_regime
from touchstone.text import Text

ADVICE = Text(
    "Decision support, not legal advice. Grade A was compared with a copy of the text, B is from memory, C is open.",
    "仅供决策参考，不构成法律意见。A 级已与文本副本核对，B 级凭记忆整理，C 级尚无定论。",
)
"""Printed with every result that rests on a pack of law."""

_TABLE, _REGIME = "touchstone.decision-table/v1", "touchstone.jurisdiction/v1"


@cache
def decision_tables() -> Mapping[str, LawTable]:
    """Tables that decide exports of data, by the jurisdiction the data leave."""
    references = load_standard().references
    read = (read_decision_table(source, references) for source in _documents(_TABLE))
    return MappingProxyType({table.pack.territory: table for table in read})


@cache
def regimes() -> Mapping[str, Regime]:
    """Sets of obligations, by id."""
    standard = load_standard()
    read = (read_regime(source, standard) for source in _documents(_REGIME))
    return MappingProxyType({regime.pack.id: regime for regime in read})


def _documents(schema: str) -> Iterator[SourceDocument]:
    folder = files("touchstone.standard").joinpath("packs", "law")
    for resource in sorted(folder.iterdir(), key=lambda item: item.name):
        source = parse_yaml(resource.read_bytes(), f"touchstone.standard/packs/law/{resource.name}")
        said = source.value.get("schema") if isinstance(source.value, dict) else None
        if said not in (_TABLE, _REGIME):
            raise StandardError(
                Text(f"{said!r} is no schema of a pack of law", f"{said!r} 不是法律数据包的模式"),
                source.where,
                Text(f"write `schema: {_TABLE}` or `{_REGIME}`", f"请写 `schema: {_TABLE}` 或 `{_REGIME}`"),
            )
        if said == schema:
            yield source
