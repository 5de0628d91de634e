"""The whole bill of materials: system, model, data, files, declared components, declarations."""

from __future__ import annotations

from typing import Any, Literal

from touchstone.canonical import digest_of_json
from touchstone.evidence.projections.cyclonedx.declarations import declarations, standard
from touchstone.evidence.projections.cyclonedx.model_card import model_card
from touchstone.evidence.projections.source import Source, hexadecimal
from touchstone.interchange import bom_document, bom_property
from touchstone.system.description import Component, DataSet, SystemDescription
from touchstone.system.subject import FileRecord

SpecificationVersion = Literal["1.6", "1.7"]

SYSTEM = "system"
MODEL = "model"

_TYPES = {
    "model": "machine-learning-model",
    "dataset": "data",
    "framework": "framework",
    "library": "library",
    "driver": "device-driver",
    "chip": "device",
    "device": "device",
}
"""CycloneDX's component type for each kind of declared component; a service is no component there."""


def bill_of_materials(source: Source, version: SpecificationVersion) -> bytes:
    """The system, everything it was declared to consist of, and what was found about it."""
    parts = [_model(source), *_data_sets(source), *_files(source), *declared_components(source.description)]
    services = declared_services(source.description)
    body: dict[str, Any] = {
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "touchstone", "version": source.tool_version}]},
            "component": _system(source),
            "properties": [bom_property("synthetic", str(source.assessment.system.synthetic).lower())],
        },
        "components": parts,
        "dependencies": [
            {"ref": SYSTEM, "dependsOn": sorted(part["bom-ref"] for part in (*parts, *services))},
        ],
        "declarations": declarations(source, SYSTEM),
        "definitions": {"standards": [standard(source)]},
    }
    if services:
        body["services"] = services
    if source.ended is not None:
        body["metadata"]["timestamp"] = source.ended
    return bom_document(version, body)


def _system(source: Source) -> dict[str, Any]:
    identity = source.description.system
    return {
        "bom-ref": SYSTEM,
        "type": "application",
        "name": identity.name,
        "version": identity.version,
        "supplier": {"name": identity.supplier.name},
        "description": identity.intended_use,
        "properties": [
            bom_property("system-digest", source.assessment.system.digest),
            bom_property("sector", identity.sector),
        ],
    }


def _model(source: Source) -> dict[str, Any]:
    declared = source.description.model
    component: dict[str, Any] = {
        "bom-ref": MODEL,
        "type": "machine-learning-model",
        "name": f"{source.description.system.name} model",
        "version": source.description.system.version,
        "modelCard": model_card(source),
        "properties": [bom_property("format", declared.format), bom_property("access", declared.access)],
    }
    record = _record(source, declared.file)
    if record is not None:
        component["hashes"] = _hashes(record)
    return component


def _data_sets(source: Source) -> list[dict[str, Any]]:
    return [_data_set(source, role, data) for role, data in source.description.data.declared().items()]


def _data_set(source: Source, role: str, data: DataSet) -> dict[str, Any]:
    content: dict[str, Any] = {
        "type": "dataset",
        "name": data.path,
        "contents": {
            "properties": [bom_property("format", data.format), bom_property("synthetic", str(data.synthetic).lower())]
        },
    }
    if data.sensitive:
        content["sensitiveData"] = list(data.sensitive)
    component: dict[str, Any] = {
        "bom-ref": f"data:{role}",
        "type": "data",
        "name": f"{role} data",
        "description": data.origin,
        "data": [content],
        "properties": [bom_property("role", role)],
    }
    record = _record(source, data.path)
    if record is not None:
        component["hashes"] = _hashes(record)
    else:
        component["properties"].append(bom_property("folder-digest", _folder_digest(source, data.path)))
    return component


def _folder_digest(source: Source, path: str) -> str:
    """A data set of many files: one digest over their paths and digests, as CycloneDX would list every one."""
    below = path.rstrip("/") + "/"
    return digest_of_json(
        [{"path": file.path, "digest": file.digest} for file in source.files if file.path.startswith(below)]
    )


def _files(source: Source) -> list[dict[str, Any]]:
    model = source.description.model
    paths = dict.fromkeys([*([] if model.file is None else [model.file]), *model.more_files])
    records = [record for record in (_record(source, path) for path in paths) if record is not None]
    return [
        {
            "bom-ref": f"file:{record.path}",
            "type": "file",
            "name": record.path,
            "hashes": _hashes(record),
            "properties": [bom_property("format", record.format), bom_property("size", str(record.size))],
        }
        for record in records
    ]


def declared_components(description: SystemDescription) -> list[dict[str, Any]]:
    """What the applicant declares the system to depend on, services apart."""
    components = []
    for index, declared in enumerate(description.components):
        if declared.kind == "service":
            continue
        component: dict[str, Any] = {
            "bom-ref": f"declared:{index}",
            "type": _TYPES[declared.kind],
            "name": declared.name,
            "properties": _properties(declared),
        }
        if declared.version is not None:
            component["version"] = declared.version
        if declared.supplier is not None:
            component["supplier"] = {"name": declared.supplier}
        if declared.licence is not None:
            component["licenses"] = [{"license": {"name": declared.licence}}]
        components.append(component)
    return components


def declared_services(description: SystemDescription) -> list[dict[str, Any]]:
    """The services among them."""
    services = []
    for index, declared in enumerate(description.components):
        if declared.kind != "service":
            continue
        service: dict[str, Any] = {
            "bom-ref": f"declared:{index}",
            "name": declared.name,
            "properties": _properties(declared),
        }
        if declared.version is not None:
            service["version"] = declared.version
        if declared.supplier is not None:
            service["provider"] = {"name": declared.supplier}
        services.append(service)
    return services


def _properties(declared: Component) -> list[dict[str, str]]:
    properties = [bom_property("kind", declared.kind)]
    if declared.origin is not None:
        properties.append(bom_property("origin", declared.origin))
    return properties + [bom_property("substitute", name) for name in declared.substitutes]


def _record(source: Source, path: str | None) -> FileRecord | None:
    return next((record for record in source.files if record.path == path), None)


def _hashes(record: FileRecord) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": hexadecimal(record.digest)}]
