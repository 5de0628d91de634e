"""Names made to be mistaken for popular ones: of packages, and of those who publish models.

Whoever types `pytroch` should get an error, not somebody's package. A name is a look-alike when it differs from a
popular one by a slip of the finger (a letter more, less, changed or swapped), by separators, or by characters that
look the same, and is not itself the name of something many people use. The lists are data
(`packs/popular_names.json`); the real neighbours in it were found by running these rules over the 15,000 most
downloaded names of PyPI.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from touchstone.scan.findings import Rule
from touchstone.scan.look_alikes import skeleton
from touchstone.text import Text

if TYPE_CHECKING:
    from touchstone.scan.dependencies import Package

LOOK_ALIKE: Final = Rule(
    id="dependencies/look-alike",
    severity="medium",
    nature="threat",
    title=Text(
        "Needs a package whose name is easily mistaken for a popular one",
        "所依赖的软件包名称易与常用软件包混淆",
    ),
    remedy=Text("Check the spelling, and who publishes the package.", "请核对拼写及软件包的发布者。"),
    references=("CWE-1357", "MITRE ATLAS AML.T0010.001"),
)
LOOK_ALIKE_PUBLISHER: Final = Rule(
    id="dependencies/look-alike-publisher",
    severity="medium",
    nature="threat",
    title=Text(
        "Comes from a publisher whose name is easily mistaken for a known one",
        "来源发布者的名称易与知名发布者混淆",
    ),
    remedy=Text("Check the spelling, and where the model came from.", "请核对拼写及模型来源。"),
    references=("CWE-1357", "MITRE ATLAS AML.T0010.003"),
)
RULES: Final[tuple[Rule, ...]] = (LOOK_ALIKE, LOOK_ALIKE_PUBLISHER)

_SEPARATORS: Final = re.compile(r"[-_.]+")
_SHORTEST_SLIP: Final = 5
"""Shorter names have real neighbours everywhere."""
_LOOKS_LIKE: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("0", "o"), ("1", "l"), ("3", "e"), ("5", "s"), ("4", "a"))
_AFFIXES: Final = re.compile(r"(?:official|real|original|genuine)-(.+)|(.+)-(?:official|real|original|genuine|pypi)")


def examine_package_name(package: Package) -> Iterator[tuple[Rule, str]]:
    """Report a package of PyPI whose name looks like a popular one; conda's channels are looked after by people."""
    if package.ecosystem == "PyPI":
        popular = look_alike(package.name, "PyPI")
        if popular:
            yield LOOK_ALIKE, f"{package.name} looks like {popular}"


def examine_model_name(name: str) -> Iterator[tuple[Rule, str]]:
    """Report a model whose publisher looks like a known one. `owner/model`, as hubs write it."""
    owner, separator, _ = name.partition("/")
    popular = look_alike(owner, "publishers") if separator else None
    if popular:
        yield LOOK_ALIKE_PUBLISHER, f"{name} looks like {popular}"


@lru_cache(4096)
def look_alike(name: str, group: str) -> str | None:
    """The popular name that this one may be mistaken for; `None` for popular names, their neighbours and all others.

    >>> look_alike("pytroch", "PyPI"), look_alike("torch", "PyPI")
    ('pytorch', None)
    """
    names = _names(group)
    lowered = name.lower()
    if lowered in names.known or not 3 <= len(name) <= 100:
        return None
    squeezed = _SEPARATORS.sub("", lowered)
    if squeezed in names.squeezed:
        return names.squeezed[squeezed]
    plain = _plain(name)
    if plain in names.plain:
        return names.plain[plain]
    affixed = _AFFIXES.fullmatch(lowered)
    if affixed and (affixed[1] or affixed[2]) in names.known:
        return affixed[1] or affixed[2]
    slips = (names.slips[form] for form in (lowered, *_shortened(lowered)) if form in names.slips)
    return next((popular for found in slips for popular in found if _is_slip(lowered, popular.lower())), None)


@dataclass(frozen=True, slots=True)
class _Names:
    known: frozenset[str]
    """Popular names and their real neighbours, in lower case."""
    squeezed: dict[str, str]
    """Popular names by their letters without separators."""
    plain: dict[str, str]
    """Popular names by what they look like."""
    slips: dict[str, tuple[str, ...]]
    """Popular names by themselves and by each form that lacks one letter."""


@cache
def _names(group: str) -> _Names:
    pack = json.loads((files("touchstone.scan") / "packs" / "popular_names.json").read_text("utf-8"))[group]
    popular: list[str] = pack["popular"]
    slips: dict[str, tuple[str, ...]] = {}
    for name in popular:
        if len(name) >= _SHORTEST_SLIP:
            for form in {name.lower(), *_shortened(name.lower())}:
                slips[form] = (*slips.get(form, ()), name)
    return _Names(
        known=frozenset(name.lower() for name in (*popular, *pack["neighbours"])),
        squeezed={_SEPARATORS.sub("", name.lower()): name for name in popular},
        plain={_plain(name): name for name in popular},
        slips=slips,
    )


def _plain(name: str) -> str:
    """What a name looks like at a glance."""
    looks = _SEPARATORS.sub("", skeleton(name.replace("I", "l")))
    for written, read in _LOOKS_LIKE:
        looks = looks.replace(written, read)
    return looks


def _shortened(name: str) -> Iterator[str]:
    return (name[:place] + name[place + 1 :] for place in range(len(name)))


def _is_slip(name: str, popular: str) -> bool:
    """Whether two different names are one insertion, deletion, change or swap of neighbours apart.

    Names of five letters are only told apart by swaps and doubled letters: too many words differ in one.
    """
    if name == popular or abs(len(name) - len(popular)) > 1 or _differ_in_number(name, popular):
        return False
    start = next((place for place, pair in enumerate(zip(name, popular, strict=False)) if pair[0] != pair[1]), None)
    if start is None:
        start = min(len(name), len(popular))
    mine, theirs = name[start:], popular[start:]
    swapped = mine[:2] == theirs[1::-1][:2] and len(theirs) >= 2 and mine[2:] == theirs[2:]
    doubled = mine[1:] == theirs and start > 0 and mine[:1] == name[start - 1]
    halved = theirs[1:] == mine and start > 0 and theirs[:1] == popular[start - 1]
    if len(popular) == _SHORTEST_SLIP:
        return swapped or doubled or halved
    return swapped or mine[1:] == theirs[1:] or mine[1:] == theirs or mine == theirs[1:]


def _differ_in_number(name: str, popular: str) -> bool:
    """`boto` and `boto3`, `h5py` and `h6py` are versions rather than slips."""
    return re.sub(r"\d+", "", name) == re.sub(r"\d+", "", popular)
