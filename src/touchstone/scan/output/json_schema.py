"""The JSON Schema of `touchstone.scan/v1`, from the records whose fields the document has."""

from __future__ import annotations

from dataclasses import fields
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from touchstone.interchange import Json
from touchstone.scan.budget import Limits
from touchstone.scan.findings import VERDICTS, FileResult, GapCode, Rule
from touchstone.scan.output.json import SCHEMA
from touchstone.text import Text

_SIMPLE: dict[Any, Json] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    float: {"type": "string", "pattern": "^[0-9.e+-]+$", "description": "A decimal: numbers in here are integers."},
}


def json_schema() -> Json:
    """The whole schema."""
    definitions: dict[str, Json] = {}
    file = _record(FileResult, definitions)
    definitions["FileResult"]["properties"]["verdict"] = {"enum": list(VERDICTS)}
    definitions["FileResult"]["required"].append("verdict")
    counts = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}}
    properties: Json = {
        "schema": {"const": SCHEMA},
        "tool": _closed({"name": {"const": "touchstone"}, "version": {"type": "string"}}),
        "symbols_sha256": {"type": "string", "description": "Digest of the reviewed names that decided."},
        "advisories_sha256": {
            "type": "string",
            "description": "Digest of the advisories in which packages were looked up; empty when no file names any.",
        },
        "limits": _record(Limits, definitions),
        "verdict": {"enum": list(VERDICTS), "description": "That of the worst file."},
        "coverage": _closed(
            {
                "files": {"type": "integer"},
                "bytes": {"type": "integer"},
                "complete": {"type": "integer", "description": "Files that were understood to the last byte."},
                "verdicts": {**counts, "propertyNames": {"enum": list(VERDICTS)}},
                "gaps": {**counts, "propertyNames": {"enum": list(get_args(GapCode))}},
            }
        ),
        "rules": {
            "type": "object",
            "description": "The rules of all findings, by their ids.",
            "additionalProperties": _record(Rule, definitions),
        },
        "notes": _form(tuple[Text, ...], definitions),
        "files": {"type": "array", "items": file},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Result of touchstone scan",
        **_closed(properties),
        "$defs": definitions,
    }


def _form(kind: Any, definitions: dict[str, Json]) -> Json:
    """The schema of one type of field."""
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": _form(arguments[0], definitions)}
    if origin in (Union, UnionType):
        return {"oneOf": [_form(each, definitions) for each in arguments]}
    return _record(kind, definitions)


def _record(kind: type, definitions: dict[str, Json]) -> Json:
    """A reference to the schema of a record, which is added to the definitions when it is first met."""
    name = kind.__name__
    if name not in definitions:
        definitions[name] = {}
        hints = get_type_hints(kind)
        described = {"description": " ".join((kind.__doc__ or "").split("\n\n")[0].split())}
        definitions[name] |= described | _closed(
            {each.name: _form(hints[each.name], definitions) for each in fields(kind)}
        )
    return {"$ref": f"#/$defs/{name}"}


def _closed(properties: Json) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
