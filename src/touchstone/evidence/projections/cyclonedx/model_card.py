"""The model card of CycloneDX, from the description and the measurements."""

from __future__ import annotations

from typing import Any

from touchstone.evidence.projections.source import Source
from touchstone.interchange import both
from touchstone.records import Metric, plain
from touchstone.system.description import InputSpecification


def model_card(source: Source) -> dict[str, Any]:
    """What the model is, what was measured on it, and what the tests cannot tell about it."""
    model, data = source.description.model, source.description.data
    parameters: dict[str, Any] = {
        "approach": {"type": "supervised"},
        "task": model.task,
        "modelArchitecture": model.format,
        "inputs": [{"format": _input(model.input)}],
        "outputs": [{"format": f"{model.output.kind} of {', '.join(model.output.labels)}"}],
    }
    if data.train is not None:
        parameters["datasets"] = [{"ref": "data:train"}]
    card: dict[str, Any] = {
        "modelParameters": parameters,
        "considerations": {
            "useCases": [source.description.system.intended_use],
            "technicalLimitations": [
                both(source.cards[check].cannot_tell) for check in sorted(source.observations) if check in source.cards
            ],
        },
    }
    if measured := _metrics(source):
        card["quantitativeAnalysis"] = {"performanceMetrics": measured}
    return card


def _metrics(source: Source) -> list[dict[str, Any]]:
    return [
        _metric(check, metric)
        for check, observation in sorted(source.observations.items())
        for metric in observation.metrics
    ]


def _metric(check: str, metric: Metric) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": f"{check}:{metric.id} ({metric.unit})", "value": plain(metric.value)}
    if metric.slice is not None:
        entry["slice"] = metric.slice
    bounds = {"lowerBound": metric.low, "upperBound": metric.high}
    if interval := {name: plain(value) for name, value in bounds.items() if value is not None}:
        entry["confidenceInterval"] = interval
    return entry


def _input(declared: InputSpecification) -> str:
    if declared.columns:
        return f"{declared.kind}: {', '.join(declared.columns)}"
    if declared.shape:
        layout = f" ({declared.layout})" if declared.kind == "image" else ""
        return f"{declared.kind}: {' x '.join(map(str, declared.shape))}{layout}"
    return declared.kind
