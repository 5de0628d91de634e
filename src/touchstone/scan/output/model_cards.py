"""Which models lie among scanned files, and the card of each, from what the files say about themselves.

A file that holds weights or a graph is a model. Where texts beside it speak for a model (`config.json`, a model card),
the folder is the model, and the weights in it are its parts: that is how model hubs lay them out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from touchstone.interchange import Json, bom_property
from touchstone.scan.findings import Fact, FactName, FileResult
from touchstone.scan.licences import spdx_identifier

TEXT_FORMATS: Final = frozenset({"json", "yaml", "toml", "model-card", "text", "python", "chat-template"})
"""Formats whose files say something about the folder they lie in, and hold no model themselves."""

_MODEL_FACTS: Final[frozenset[FactName]] = frozenset(
    {"architecture", "task", "hyper-parameter", "parameters", "quantisation", "operator-set", "input", "output"}
)
_SPEAKING_FACTS: Final[frozenset[FactName]] = frozenset({"architecture", "task", "base-model", "dataset", "licence"})
_AS_PROPERTIES: Final[tuple[FactName, ...]] = (
    "framework",
    "quantisation",
    "operator-set",
    "hyper-parameter",
    "language",
    "template-digest",
    "imports",
    "producer",
)
_SHAPES: Final[tuple[tuple[FactName, str], ...]] = (("input", "inputs"), ("output", "outputs"))
_MOST_PROPERTIES: Final = 200


@dataclass(frozen=True, slots=True)
class Model:
    """One model: a file, or a folder with a description and weights."""

    reference: str
    path: str
    """Of the file, or of the folder (ending in `/`, empty for the scanned one)."""
    files: tuple[FileResult, ...]

    @property
    def facts(self) -> tuple[Fact, ...]:
        """What its files say."""
        return tuple(fact for file in self.files for fact in file.facts)

    def component(self) -> Json:
        """The model as a component, with its card."""
        facts = _by_name(self.facts)
        component: Json = {
            "bom-ref": self.reference,
            "type": "machine-learning-model",
            "name": _only(facts, "name") or self.path.rstrip("/") or "model",
            "modelCard": self._card(facts),
        }
        if version := _only(facts, "version"):
            component["version"] = version
        if authors := facts.get("author"):
            component["authors"] = [{"name": name} for name in authors]
        if licences := facts.get("licence"):
            component["licenses"] = [{"license": _licence(name)} for name in licences]
        if bases := facts.get("base-model"):
            component["pedigree"] = {"ancestors": [{"type": "machine-learning-model", "name": name} for name in bases]}
        sources = facts.get("source", ())
        if links := [link for link in sources if link.startswith("https://") and _is_plain_link(link)]:
            component["externalReferences"] = [{"type": "website", "url": link} for link in links]
        if others := [bom_property("source", link) for link in sources if link not in links]:
            component["properties"] = others
        return component

    def _card(self, facts: dict[FactName, list[str]]) -> Json:
        parameters: Json = {}
        if task := ", ".join(facts.get("task", ())):
            parameters["task"] = task
        if architecture := ", ".join(facts.get("architecture", ())):
            parameters["modelArchitecture"] = architecture
        if datasets := facts.get("dataset"):
            parameters["datasets"] = [{"type": "dataset", "name": name} for name in datasets]
        for name, field in _SHAPES:
            if formats := facts.get(name):
                parameters[field] = [{"format": text} for text in formats]
        properties = [bom_property(name, value) for name in _AS_PROPERTIES for value in facts.get(name, ())]
        properties = properties[:_MOST_PROPERTIES] + list(self._weights())
        card: Json = {"modelParameters": parameters} if parameters else {}
        return card | {"properties": properties} if properties else card

    @property
    def weights(self) -> int:
        """How many numbers it consists of, over all its files; 0 when they do not say."""
        counts = (fact.value for fact in self.facts if fact.name == "parameters")
        return sum(int(count) for count in counts if count.isascii() and count.isdecimal() and len(count) < 20)

    def _weights(self) -> Iterable[dict[str, str]]:
        """How many weights there are, and of which types."""
        if self.weights:
            yield bom_property("parameters", str(self.weights))
        tensors = [tensor for file in self.files for tensor in file.tensors]
        if tensors:
            yield bom_property("tensors", str(len(tensors)))
        for dtype, count in sorted(Counter(tensor.dtype for tensor in tensors).items()):
            yield bom_property("tensors-of-type", f"{dtype}: {count}")


def models_among(files: Sequence[FileResult]) -> tuple[Model, ...]:
    """The models, in the order of their paths: folders that a text speaks for, and files that are models themselves."""
    by_folder: dict[str, list[FileResult]] = {}
    for file in files:
        by_folder.setdefault(_folder(file.path), []).append(file)
    found: list[Model] = []
    for folder, together in sorted(by_folder.items()):
        parts = [file for file in together if _is_model(file)]
        speaking = [file for file in together if file.format in TEXT_FORMATS and _says(file, _SPEAKING_FACTS)]
        if speaking:
            found.append(Model(f"model:{folder or '.'}", folder, (*speaking, *parts)))
        else:
            found += [Model(f"model:{file.path}", file.path, (file,)) for file in parts]
    return tuple(found)


def _is_model(file: FileResult) -> bool:
    return file.format not in TEXT_FORMATS and (bool(file.tensors) or _says(file, _MODEL_FACTS))


def _says(file: FileResult, names: frozenset[FactName]) -> bool:
    return any(fact.name in names for fact in file.facts)


def _folder(path: str) -> str:
    return path[: path.rfind("/") + 1]


def _by_name(facts: Iterable[Fact]) -> dict[FactName, list[str]]:
    """Values by name, each once, in the order in which they are said."""
    values: dict[FactName, dict[str, None]] = {}
    for fact in facts:
        values.setdefault(fact.name, {})[fact.value] = None
    return {name: list(said) for name, said in values.items()}


def _only(facts: dict[FactName, list[str]], name: FactName) -> str:
    """The value on which all files agree; empty when there is none, or several."""
    values = facts.get(name, [])
    return values[0] if len(values) == 1 else ""


def _licence(name: str) -> dict[str, Any]:
    known = spdx_identifier(name)
    return {"name": name} if known is None else {"id": known}


def _is_plain_link(link: str) -> bool:
    return link.isascii() and not set(link) & set(' "<>\\^`{|}')
