"""What the standard must accept of a description before anything is planned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from touchstone.documents import read_yaml
from touchstone.errors import DescriptionError, StandardError, UserError
from touchstone.standard.catalog import Standard
from touchstone.system.loading import description_file
from touchstone.system.subject import Subject, open_system


def open_declared(path: Path, standard: Standard) -> Subject:
    """Open the system at `path` and refuse facts that no control knows, naming their lines."""
    subject = open_system(path)
    document = read_yaml(description_file(path))
    require_known_facts(subject, standard, lambda name: document.at(("facts", name)))
    return subject


def require_known_facts(subject: Subject, standard: Standard, place_of: Callable[[str], str]) -> None:
    """Refuse declared facts that no control knows: a misspelt fact would silently decide nothing.

    `place_of` tells where a fact stands. Raises `DescriptionError` with every fact that is wrong.
    """
    problems: list[UserError] = []
    for name, value in subject.description.facts.items():
        try:
            standard.require_facts({name: value}, place_of(name))
        except StandardError as problem:
            problems.append(problem)
    if problems:
        raise DescriptionError(problems)
