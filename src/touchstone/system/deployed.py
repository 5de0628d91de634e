"""A deployed form of a model, declared as if it were the model under test: so that one set of rules opens both."""

from __future__ import annotations

from touchstone.records import Access
from touchstone.system.description import DeployedForm, ModelDeclaration


def deployed_model(model: ModelDeclaration, form: DeployedForm) -> ModelDeclaration:
    """The declaration of `model` with the files, service and output of `form` in place of its own.

    Inputs, normalisation and noise stay: they belong to the system. A service shows no more than probabilities.
    """
    by_service = form.format == "http" and model.access is Access.ARTEFACT
    output = {"tensor": form.output_tensor, "kind": form.output or model.output.kind}
    return model.model_copy(
        update={
            "format": form.format,
            "access": Access.PROBABILITIES if by_service else model.access,
            "file": form.file,
            "more_files": form.more_files,
            "signature": None,
            "signer": None,
            "provenance": None,
            "endpoint": form.endpoint,
            "endpoint_model": form.endpoint_model,
            "endpoint_queries": model.endpoint_queries if form.format == "http" else None,
            "input": model.input.model_copy(update={"tensor": form.input_tensor}),
            "output": model.output.model_copy(update=output),
            "architecture": form.architecture,
            "deployed": None,
        }
    )
