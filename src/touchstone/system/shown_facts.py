"""Facts that a description shows by itself, beside those it declares.

An applicant who declares a fact false leaves out every control that rests on it. Where the description shows that it is
true, and leaves no room for another reading, that is a contradiction and not a declaration.
"""

from __future__ import annotations

from collections.abc import Iterator

from touchstone.documents import FieldPath
from touchstone.system.description import FactValue, SystemDescription
from touchstone.system.problem import Problem, dotted
from touchstone.text import Text

_OF_ITS_OWN_MEANING = frozenset({"data.sites_declared", "data.groups_declared"})
"""Facts that a declaration may deny all the same: a column may name groups of streets rather than of people."""


def shown_facts(description: SystemDescription) -> dict[str, FieldPath]:
    """The facts that are shown to be true, each with the field that shows it."""
    return dict(_shown(description))


def _shown(description: SystemDescription) -> Iterator[tuple[str, FieldPath]]:
    test, training = description.data.test, description.training
    if description.deployment.edge_devices:
        yield "deploy.edge_devices", ("deployment", "edge_devices")
    if test is not None and test.site is not None:
        yield "data.sites_declared", ("data", "test", "site")
    if test is not None and test.sensitive:
        yield "data.groups_declared", ("data", "test", "sensitive")
    if description.model.task == "generation":
        yield "model.generative", ("model", "task")
    if description.model.generation is not None and description.model.generation.calls_tools:
        yield "model.tool_use", ("model", "generation", "calls_tools")
    if description.model.deployed:
        yield "model.converted_for_deployment", ("model", "deployed")
    if training is not None and training.differential_privacy is not None:
        yield "training.dp_claimed", ("training", "differential_privacy")
    if training is not None and training.collaboration is not None:
        yield "training.federated_or_mpc", ("training", "collaboration")
    for role, data_set in description.data.declared().items():
        if data_set.personal_information:
            yield "data.personal", ("data", role, "personal_information")


def denied_facts(description: SystemDescription) -> Iterator[Problem]:
    """Facts that are declared false although the description shows that they are true."""
    for name, at in shown_facts(description).items():
        if description.facts.get(name) is False and name not in _OF_ITS_OWN_MEANING:
            yield Problem(
                ("facts", name),
                Text(f"is false, and {dotted(at)} shows that it is true", f"为 false，而 {dotted(at)} 表明其为真"),
                Text("correct one of the two", "请更正其中之一"),
            )


def facts_of(description: SystemDescription) -> dict[str, FactValue]:
    """What decides which controls apply: the declared facts, and those the description itself shows.

    Only what is certain is derived; a fact that is neither declared nor shown stays unknown. What the model does and
    takes can be declared more precisely, and not otherwise: another word for it would end every control of it. Other
    declared facts stand against derived ones; what cannot be denied is refused when the description is read.
    """
    model, declared = description.model, description.facts
    derived: dict[str, FactValue] = dict.fromkeys(shown_facts(description), True)
    return (
        derived
        | declared
        | {
            "model.task": _beside(model.task, declared.get("model.task")),
            "input.modality": _beside(model.input.kind, declared.get("input.modality")),
        }
    )


def _beside(shown: str, declared: FactValue | None) -> FactValue:
    """A value that the description shows, with those that are declared for the same fact."""
    if declared is None:
        return shown
    stated = [declared] if isinstance(declared, str) else declared
    return [shown, *stated] if isinstance(stated, list) and shown not in stated else declared
