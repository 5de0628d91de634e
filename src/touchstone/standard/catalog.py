"""The standard: every pack together, refused unless what they say holds together.

standard = load_standard()
profile = standard.profile("digital-healthcare-screening")
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

from touchstone.documents import SourceDocument, parse_yaml, read_yaml
from touchstone.errors import StandardError
from touchstone.records import Profile
from touchstone.standard.applicability import parse
from touchstone.standard.pack import (
    BasisEntry,
    Bilingual,
    CatalogEntry,
    ConditionEntry,
    ControlEntry,
    FactEntry,
    LimitEntry,
    Pack,
    Placed,
    ProfileEntry,
    RecogniserEntry,
    ReferenceEntry,
    WordsEntry,
    placed,
    read_pack,
)
from touchstone.text import Text

ENTRY_POINTS = "touchstone.packs"
OPPOSITE = {">=": "lower", "<=": "upper"}
LONGEST_LIST = 300
"""Characters of a list of names in a message."""
"""The pessimistic bound of each comparison: the only one on which a pass means anything."""


@dataclass(frozen=True)
class Standard:
    """A catalog with its vocabulary, references, controls and profiles. Built by :func:`load_standard`."""

    catalog: CatalogEntry
    facts: Mapping[str, Placed[FactEntry]]
    references: Mapping[str, Placed[ReferenceEntry]]
    documents: Mapping[str, Placed[Bilingual]]
    controls: Mapping[str, Placed[ControlEntry]]
    profiles: Mapping[str, Placed[ProfileEntry]]
    conditions: Mapping[str, Placed[ConditionEntry]]
    personal_information: Mapping[str, Placed[RecogniserEntry]]
    words: Mapping[str, Placed[WordsEntry]]

    @property
    def name(self) -> str:
        """`catalog@edition`."""
        return f"{self.catalog.id}@{self.catalog.edition}"

    def profile(self, profile_id: str) -> Profile:
        """A profile with everything resolved. Raises `StandardError` when there is none of this name."""
        from touchstone.standard.profiles import resolve

        if profile_id not in self.profiles:
            known = ", ".join(sorted(self.profiles))
            raise StandardError(
                Text(f"no profile is called {profile_id!r}", f"不存在名为 {profile_id!r} 的档案"),
                remedy=Text(f"choose one of: {known}", f"可选：{known}"),
            )
        return resolve(self, profile_id)

    def control(self, control_id: str) -> ControlEntry:
        """A control as the catalog states it. Raises `StandardError` when there is none of this name."""
        if control_id not in self.controls:
            raise StandardError(
                Text(f"no control is called {control_id!r}", f"不存在名为 {control_id!r} 的控制项"),
                remedy=Text(
                    "`touchstone standard list --controls` shows them all",
                    "可用 `touchstone standard list --controls` 查看全部",
                ),
            )
        return self.controls[control_id].entry

    def require_condition(self, expression: str, where: str) -> None:
        """Refuse a condition that cannot be read or that mentions what the vocabulary does not have."""
        try:
            mentions = parse(expression).mentions
        except StandardError as error:
            raise StandardError(error.what, where, error.remedy) from None
        for mention in mentions:
            fact = self._require_fact(mention.fact, where)
            if mention.values is None and fact.values != "bool":
                raise _not_a_value(mention.fact, "true", fact, where)
            for value in mention.values or ():
                if fact.values == "bool" or value not in fact.values:
                    raise _not_a_value(mention.fact, value, fact, where)

    def require_facts(self, stated: Mapping[str, object], where: str) -> None:
        """Refuse stated facts that the vocabulary does not have, or values that they cannot take."""
        for name, value in stated.items():
            fact = self._require_fact(name, where)
            if value is None or value == "unknown":
                continue
            if value == []:
                raise _not_a_value(name, "[]", fact, where)
            for each in value if isinstance(value, list) else [value]:
                fits = isinstance(each, bool) and value is each if fact.values == "bool" else each in fact.values
                if not fits:
                    raise _not_a_value(name, str(each), fact, where)

    def require_basis(self, basis: BasisEntry, where: str) -> None:
        """Refuse a limit whose basis names no document, or one that nobody knows."""
        if basis.ref is None and basis.kind != "pilot":
            raise StandardError(
                Text(f"a basis of kind {basis.kind} names no document", f"{basis.kind} 类依据未指明文件"),
                where,
                Text("add `ref`", "请补充 `ref`"),
            )
        if basis.ref is not None:
            self.require_reference(basis.ref, where)

    def require_reference(self, reference: str, where: str) -> None:
        """Refuse a reference that dangles."""
        if reference not in self.references:
            raise unknown(Text("reference", "参考文件"), reference, self.references, where)

    def require_operating_condition(self, name: str, where: str) -> None:
        """Refuse a condition of an operating domain that no pack describes."""
        if name not in self.conditions:
            raise unknown(Text("operating condition", "运行条件"), name, self.conditions, where)

    def _require_fact(self, name: str, where: str) -> FactEntry:
        if name not in self.facts:
            raise unknown(Text("fact", "事实"), name, self.facts, where)
        return self.facts[name].entry


def load_standard(folder: Path | None = None) -> Standard:
    """The installed standard, or the one whose packs lie in `folder`.

    The installed standard is our own packs and those of packages that offer the `touchstone.packs` entry point.
    Raises `StandardError`, with file, line and remedy, for packs on which no defensible verdict can rest.
    """
    if folder is None:
        return _installed()
    sources = [read_yaml(path) for path in sorted(folder.glob("*.yaml"))]
    if not sources:
        raise StandardError(
            Text("holds no packs", "其中没有标准数据包"),
            str(folder),
            Text("name a folder with *.yaml packs", "请指定含 *.yaml 数据包的目录"),
        )
    return _assemble(sources)


@cache
def _installed() -> Standard:
    return _assemble([*_resources("touchstone.standard", "packs"), *_third_party()])


def _third_party() -> Iterator[SourceDocument]:
    for entry_point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: (point.name, point.value)):
        try:
            yield from _resources(entry_point.module)
        except ModuleNotFoundError:
            raise StandardError(
                Text(
                    f"the installed pack {entry_point.name} names the package {entry_point.module}, which is not there",
                    f"已安装的数据包 {entry_point.name} 指向不存在的软件包 {entry_point.module}",
                ),
                remedy=Text("reinstall or remove the pack", "请重新安装或卸载该数据包"),
            ) from None


def _resources(package: str, *folders: str) -> Iterator[SourceDocument]:
    """YAML files among the resources of an installed package, in order of name."""
    folder = files(package).joinpath(*folders)
    for resource in sorted(folder.iterdir(), key=lambda item: item.name):
        if resource.name.endswith(".yaml"):
            yield parse_yaml(resource.read_bytes(), "/".join((package, *folders, resource.name)))


def _assemble(sources: Iterable[SourceDocument]) -> Standard:
    packs = [(source, read_pack(source)) for source in sources]
    catalog = _only_catalog(packs)
    standard = Standard(
        catalog=catalog,
        facts=_collect(packs, "facts"),
        references=_collect(packs, "references"),
        documents=_collect(packs, "documents"),
        controls=_in_order_of_heads(catalog, _collect(packs, "controls")),
        profiles=_collect(packs, "profiles"),
        conditions=_collect(packs, "conditions"),
        personal_information=_collect(packs, "personal_information"),
        words=_collect(packs, "words"),
    )
    for control in standard.controls.values():
        _require_sound(standard, control)
    for recogniser in standard.personal_information.values():
        _require_words(standard, recogniser)
    for profile in standard.profiles:
        standard.profile(profile)
    return standard


def _only_catalog(packs: list[tuple[SourceDocument, Pack]]) -> CatalogEntry:
    found = [(source, pack.catalog) for source, pack in packs if pack.catalog is not None]
    if not found:
        raise StandardError(
            Text("no pack holds the catalog", "没有任何数据包包含目录（catalog）"),
            packs[0][0].where,
            Text("add a `catalog` section to one pack", "请在一个数据包中加入 `catalog` 部分"),
        )
    if len(found) > 1:
        raise _duplicate("catalog", found[1][0].at(("catalog",)), found[0][0].at(("catalog",)))
    return found[0][1]


def _collect(packs: Iterable[tuple[SourceDocument, Pack]], section: str) -> dict[str, Placed[Any]]:
    """All entries of a section by id, in order of file and line; an id may be given once only."""
    entries: dict[str, Placed[Any]] = {}
    for source, pack in packs:
        for entry in placed(source, pack, section):
            before = entries.setdefault(entry.id, entry)
            if before is not entry:
                raise _duplicate(entry.id, entry.at(), before.at())
    return entries


def _in_order_of_heads(
    catalog: CatalogEntry, controls: Mapping[str, Placed[ControlEntry]]
) -> dict[str, Placed[ControlEntry]]:
    """Controls as a reader expects them: by head in the catalog's order, then by id. Unknown heads are refused."""
    heads = list(catalog.heads)
    for control in controls.values():
        if control.entry.head not in heads:
            raise unknown(Text("head", "类别"), control.entry.head, heads, control.at("head"))
    return dict(sorted(controls.items(), key=lambda item: (heads.index(item[1].entry.head), item[0])))


def _require_sound(standard: Standard, control: Placed[ControlEntry]) -> None:
    """Everything about one control that its own file cannot tell."""
    entry, at = control.entry, control.at
    if entry.min_level not in standard.catalog.levels:
        raise unknown(Text("assurance level", "保证级别"), entry.min_level, standard.catalog.levels, at("min_level"))
    if not entry.checks and not entry.documents:
        raise StandardError(
            Text(f"nobody tests or attests {entry.id}", f"{entry.id} 既无检查项也无证明文件"),
            at(),
            Text(
                "name `checks` that test it or `documents` that attest it",
                "请列出测试它的 `checks` 或证明它的 `documents`",
            ),
        )
    for position, kind in enumerate(entry.documents):
        if kind not in standard.documents:
            raise unknown(Text("kind of document", "文件类别"), kind, standard.documents, at("documents", position))
    standard.require_condition(entry.applies_when, at("applies_when"))
    for position, limit in enumerate(entry.limits):
        _require_sound_limit(standard, limit, at("limits", position))
    require_consistent(entry.limits, at("limits"))
    for position, (reference, *_) in enumerate(entry.cross_references):
        standard.require_reference(reference, at("cross_references", position))


def _require_sound_limit(standard: Standard, limit: LimitEntry, where: str) -> None:
    standard.require_basis(limit.basis, where)
    require_pessimistic_bound(limit.op, limit.bound, where)
    if limit.applies_when is not None:
        standard.require_condition(limit.applies_when, where)


def require_pessimistic_bound(operator: str, bound: str, where: str) -> None:
    """Refuse a limit that the optimistic bound could pass: it would reward a small sample."""
    if bound in ("lower", "upper") and bound != OPPOSITE[operator]:
        raise StandardError(
            Text(
                f"a limit `{operator}` cannot be decided on the {bound} bound",
                f"`{operator}` 限值不能以 {bound} 界判定",
            ),
            where,
            Text(
                f"use `bound: {OPPOSITE[operator]}`, point or exact",
                f"请用 `bound: {OPPOSITE[operator]}`、point 或 exact",
            ),
        )


def require_consistent(limits: Iterable[Any], where: str) -> None:
    """Refuse limits of one control that are stated twice, cannot both be met, or stand in for nothing."""
    seen: dict[tuple[str, str, str | None], Any] = {}
    listed = list(limits)
    for limit in listed:
        if (limit.metric, limit.op, limit.applies_when) in seen:
            raise _duplicate(limit.metric, where, where)
        seen[(limit.metric, limit.op, limit.applies_when)] = limit
    for (metric, operator, condition), limit in seen.items():
        ceiling = seen.get((metric, "<=", condition))
        if operator == ">=" and ceiling is not None and limit.value > ceiling.value:
            raise StandardError(
                Text(
                    f"{metric} cannot be >= {limit.value} and <= {ceiling.value} at once",
                    f"{metric} 不可能同时 >= {limit.value} 且 <= {ceiling.value}",
                ),
                where,
                Text("correct one of the two limits", "请更正其中一个限值"),
            )
    metrics = {limit.metric for limit in listed}
    for limit in listed:
        if limit.fallback_for is not None and (limit.fallback_for not in metrics or limit.fallback_for == limit.metric):
            raise StandardError(
                Text(
                    f"{limit.metric} is the fallback for {limit.fallback_for}, which has no limit here",
                    f"{limit.metric} 是 {limit.fallback_for} 的备选指标，但后者在此没有限值",
                ),
                where,
                Text(
                    "name a metric with a limit, or leave out the fallback too",
                    "请指明有限值的指标，或一并略去备选指标",
                ),
            )


def unknown(kind: Text, name: str, known: Iterable[str], where: str) -> StandardError:
    """The error for a name that nothing bears, with the names that come near."""
    from difflib import get_close_matches

    there = sorted(known)
    near = ", ".join(get_close_matches(name, there, n=3))
    listed = ", ".join(there)
    listed = listed if len(listed) <= LONGEST_LIST else listed[:LONGEST_LIST].rpartition(",")[0] + ", …"
    return StandardError(
        Text(f"unknown {kind.en} {name!r}", f"未知的{kind.zh} {name!r}"),
        where,
        Text(f"did you mean {near}?", f"是否指 {near}？")
        if near
        else Text(f"known are: {listed}", f"已知的有：{listed}"),
    )


def _not_a_value(fact: str, value: str, entry: FactEntry, where: str) -> StandardError:
    allowed = "true, false" if entry.values == "bool" else ", ".join(entry.values)
    return StandardError(
        Text(f"{value!r} is not a value of fact {fact}", f"{value!r} 不是事实 {fact} 的取值"),
        where,
        Text(f"use one of: {allowed}", f"可用取值：{allowed}"),
    )


def _duplicate(name: str, where: str, before: str) -> StandardError:
    return StandardError(
        Text(f"{name} is defined twice; the first is at {before}", f"{name} 重复定义；首次出现于 {before}"),
        where,
        Text("keep one of the two", "请只保留其中一个"),
    )


def _require_words(standard: Standard, recogniser: Placed[RecogniserEntry]) -> None:
    """Refuse a recogniser whose expressions cannot be read, or that asks for a list that no pack has."""
    anchor = recogniser.entry.anchor
    written = {("pattern",): recogniser.entry.pattern, ("anchor", "pattern"): anchor.pattern if anchor else ""}
    for place, expression in written.items():
        try:
            re.compile(expression)
        except re.error as error:
            raise StandardError(
                Text(f"is not a regular expression: {error}", f"不是合法的正则表达式：{error}"), recogniser.at(*place)
            ) from None
    for field in ("among", "exclude"):
        for group, name in getattr(recogniser.entry, field).items():
            if name not in standard.words:
                raise unknown(Text("list of words", "词表"), name, standard.words, recogniser.at(field, group))
