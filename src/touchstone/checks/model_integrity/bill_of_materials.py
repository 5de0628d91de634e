"""Does the bill of materials say everything, and is what the model is really made of on it?

Threat: a part that nobody knows of cannot be watched for weaknesses, replaced when its supplier fails, or used within
its licence (MITRE ATLAS AML.T0010, CWE-1395).

Measured: the share of fields that a bill must have and that the declared components fill; the number of libraries,
models and data sets that the model's own files name and that no component declares; how many licences are missing or
cannot be identified; and how many licences found in the files are other than those declared.

Cannot tell: what a service or a chip is made of, and whether suppliers and origins are true.

Source: CycloneDX 1.6 (ECMA-424), machine-learning bill of materials; SPDX licence list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.checks.model_integrity.model_files import model_files, scanned
from touchstone.checks.model_integrity.observed_parts import Part, distribution, parts_of
from touchstone.records import ControlRun, Metric, Note
from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult
from touchstone.scan.licences import identified
from touchstone.system.description import Component, SystemDescription
from touchstone.system.subject import Subject
from touchstone.text import Text

# Both are followed on symbols, never loaded.
_IMPORTS_SCIPY: Final = b"\x80\x04\x8c\x11scipy.sparse._csr\x8c\ncsr_matrix\x93."
_IMPORTS_NOTHING: Final = b"\x80\x04}\x8c\x01w]K\x01as."

_SOFTWARE: Final = frozenset({"framework", "library", "driver", "model", "dataset"})
"""Kinds of components that are used under a licence; chips, devices and services are bought."""


@check(
    id="supply.aibom",
    version="1",
    title=Text("Bill of materials", "物料清单"),
    measures=Text(
        "How completely the declared components are described (version, supplier, origin, licence), and which"
        " libraries, models and data sets the model's own files name without their being declared. Licences are checked"
        " for being identified and for agreeing with what the files say.",
        "所申报组件的描述是否完整（版本、供应方、来源法域、许可），以及模型文件自身提到而未申报的库、模型与数据集；"
        "同时核对许可是否可识别、是否与文件所载一致。",
    ),
    cannot_tell=Text(
        "What services and chips consist of, and whether the declared suppliers and origins are true.",
        "无法得知服务与芯片的内部构成，也无法核实所申报的供应方与来源是否属实。",
    ),
    remedy=Text(
        "Declare every part under `components:` with version, supplier, origin, licence (an SPDX expression) and"
        " package URL; `touchstone scan --format cyclonedx` lists what the files name.",
        "请在 `components:` 下申报每个组成部分的版本、供应方、来源、许可（SPDX 表达式）与软件包 URL；"
        "`touchstone scan --format cyclonedx` 可列出文件所提到的内容。",
    ),
    threats=("AML.T0010", "CWE-1395"),
    source="CycloneDX 1.6 (ECMA-424); SPDX licence list",
    needs=Needs(),
    metrics=(
        MetricDeclaration(
            "required_field_completeness", "share", "higher", Text("Required fields filled", "必填字段完整率")
        ),
        MetricDeclaration(
            "loaded_but_undeclared",
            "components",
            "lower",
            Text("Parts in use but not declared", "在用而未申报的组成部分"),
        ),
        MetricDeclaration(
            "licences_not_identified",
            "components",
            "lower",
            Text("Components without an identifiable licence", "许可缺失或无法识别的组件"),
        ),
        MetricDeclaration(
            "licence_conflicts", "count", "lower", Text("Licences other than declared", "与申报不一致的许可")
        ),
    ),
)
def bill_of_materials(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Compare what is declared with what the files say."""
    description = subject.description
    files = list(scanned(subject, model_files(subject)))
    fields = list(_fields(description))
    missing = [name for name, filled in fields if not filled]
    undeclared = _undeclared(parts_of(files), description)
    unidentified = [each.name for each in description.components if _unidentified(each)]
    conflicts = _conflicts(files, description.components)
    components = len(description.components)
    return Measurement(
        metrics=(
            Metric(
                id="required_field_completeness",
                unit="share",
                value=Decimal(len(fields) - len(missing)) / Decimal(len(fields)),
                n=len(fields),
                better="higher",
            ),
            _count(
                "loaded_but_undeclared", "components", len({(part.kind, part.name) for part in undeclared}), len(files)
            ),
            _count("licences_not_identified", "components", len(unidentified), components),
            _count("licence_conflicts", "count", len(conflicts), len(files)),
        ),
        controls=_controls(),
        exhibits=(
            run.exhibit("bill.json", "application/json", _listing(missing, undeclared, unidentified, conflicts)),
        ),
        warnings=(
            *(
                _note("field-missing", Text(f"not declared: {name}", f"未申报：{name.replace(': ', ' 的 ')}"))
                for name in missing
            ),
            *(_note("part-undeclared", _about(part)) for part in undeclared),
            *(_note("licence-unidentified", _about_licence(name)) for name in unidentified),
            *(_note("licence-conflict", Text(text, text)) for text in conflicts),
        ),
    )


def _count(metric: str, unit: str, value: int, n: int) -> Metric:
    return Metric(id=metric, unit=unit, value=Decimal(value), n=max(n, 1), better="lower")


def _fields(description: SystemDescription) -> Iterator[tuple[str, bool]]:
    """Every field a bill must have, and whether it is filled. The schema itself demands the others."""
    yield "system supplier: country", description.system.supplier.country is not None
    for component in description.components:
        yield f"{component.name}: version", component.version is not None
        yield f"{component.name}: supplier", component.supplier is not None
        yield f"{component.name}: origin", component.origin is not None
        if component.kind in _SOFTWARE:
            yield f"{component.name}: licence", component.licence is not None
    for role, data_set in description.data.declared().items():
        yield f"data.{role}: sha256", data_set.sha256 is not None


def _undeclared(parts: Sequence[Part], description: SystemDescription) -> list[Part]:
    declared = {distribution(component.name) for component in description.components}
    declared |= {
        distribution(component.package.partition("@")[0].rsplit("/", 1)[-1])
        for component in description.components
        if component.package is not None
    }
    names = {component.name.lower() for component in description.components}
    return [
        part
        for part in parts
        if (part.name not in declared if part.kind == "library" else part.name.lower() not in names)
    ]


def _unidentified(component: Component) -> bool:
    return component.kind in _SOFTWARE and (component.licence is None or not identified(component.licence))


def _conflicts(files: Sequence[FileResult], components: Sequence[Component]) -> list[str]:
    """Licences that the model's own files state and that no declared model or data set is under."""
    declared = {
        component.licence.lower()
        for component in components
        if component.licence is not None and component.kind in {"model", "dataset"}
    }
    found = {(fact.where, fact.value) for file in files for fact in file.facts if fact.name == "licence"}
    return [f"{where}: {value}" for where, value in sorted(found) if value.lower() not in declared]


def _about(part: Part) -> Text:
    kinds = {
        "library": Text("library", "库"),
        "model": Text("model", "模型"),
        "dataset": Text("data set", "数据集"),
    }
    kind = kinds[part.kind]
    return Text(
        f"{part.where} names the {kind.en} {part.name}, which is not declared",
        f"{part.where} 提到未申报的{kind.zh} {part.name}",
    )


def _about_licence(name: str) -> Text:
    return Text(f"{name} has no licence that can be identified", f"{name} 没有可识别的许可")


def _note(code: str, text: Text) -> Note:
    return Note(code=code, text=text)


def _listing(
    missing: Sequence[str], undeclared: Sequence[Part], unidentified: Sequence[str], conflicts: Sequence[str]
) -> bytes:
    return canonical_json(
        {
            "schema": "touchstone.bill-of-materials/v1",
            "missing_fields": list(missing),
            "undeclared": [{"kind": part.kind, "name": part.name, "where": part.where} for part in undeclared],
            "licences_not_identified": list(unidentified),
            "licence_conflicts": list(conflicts),
        }
    )


def _controls() -> tuple[ControlRun, ControlRun]:
    """A model that imports a library must be seen to need it, and one that imports none to need none."""
    planted = parts_of([scan_bytes(_IMPORTS_SCIPY, "planted")])
    null = parts_of([scan_bytes(_IMPORTS_NOTHING, "null")])
    found = any(part.name == "scipy" for part in planted)
    return (
        ControlRun(
            kind="planted",
            expected=Text("a planted pickle is seen to need scipy", "植入的 pickle 被识别为依赖 scipy"),
            seen=Text("seen" if found else "missed", "已识别" if found else "未识别"),
            passed=found,
        ),
        ControlRun(
            kind="null",
            expected=Text("a pickle of plain data is seen to need nothing", "仅含普通数据的 pickle 不依赖任何库"),
            seen=Text(f"{len(null)} parts", f"{len(null)} 项"),
            passed=not null,
        ),
    )
