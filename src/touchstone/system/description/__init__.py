"""The schema of `system.yaml`: what the applicant declares about one AI system.

The models in here are the published JSON Schema; every field says what it is for. Facts that decide which controls
apply are three-valued: a fact that is left out is *unknown*, never false. Nothing in here reads a file or knows a rule
that holds between fields: `consistency` does.
"""

from touchstone.system.description.data import DataSet, DataSets, Role
from touchstone.system.description.deployment import Component, Deployment, EdgeDevice, EndpointTests, ToolGateway
from touchstone.system.description.identity import Identity, Supplier
from touchstone.system.description.inputs import (
    ColumnConstraint,
    InputConstraints,
    InputSpecification,
    Normalisation,
    OneHotGroup,
)
from touchstone.system.description.model import (
    DeployedForm,
    Derivation,
    Generation,
    Layer,
    ModelDeclaration,
    OutputSpecification,
    Smoothing,
)
from touchstone.system.description.part import Finite, Identifier, Jurisdiction, Line, Part, RelativePath
from touchstone.system.description.training import CanaryLedger, Collaboration, DifferentialPrivacy, Training
from touchstone.system.description.whole import Document, FactValue, SystemDescription

__all__ = [
    "CanaryLedger",
    "Collaboration",
    "ColumnConstraint",
    "Component",
    "DataSet",
    "DataSets",
    "DeployedForm",
    "Deployment",
    "Derivation",
    "DifferentialPrivacy",
    "Document",
    "EdgeDevice",
    "EndpointTests",
    "FactValue",
    "Finite",
    "Generation",
    "Identifier",
    "Identity",
    "InputConstraints",
    "InputSpecification",
    "Jurisdiction",
    "Layer",
    "Line",
    "ModelDeclaration",
    "Normalisation",
    "OneHotGroup",
    "OutputSpecification",
    "Part",
    "RelativePath",
    "Role",
    "Smoothing",
    "Supplier",
    "SystemDescription",
    "ToolGateway",
    "Training",
]
