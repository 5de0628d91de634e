"""What the standard must accept of a description before anything is planned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from touchstone.documents import FieldPath, read_yaml
from touchstone.errors import DescriptionError, StandardError, UserError
from touchstone.standard.catalog import Standard
from touchstone.system.loading import description_file
from touchstone.system.subject import Subject, open_system


def open_declared(path: Path, standard: Standard) -> Subject:
    """Open the system at `path` and refuse facts and conditions that the standard does not know, naming their lines."""
    subject = open_system(path)
    document = read_yaml(description_file(path))
    require_known_words(subject, standard, document.at)
    return subject


def require_known_words(subject: Subject, standard: Standard, place_of: Callable[[FieldPath], str]) -> None:
    """Refuse declared facts and operating conditions that no control knows: misspelt, they would silently do nothing.

    `place_of` tells where a field stands. Raises `DescriptionError` with everything that is wrong.
    """
    problems: list[UserError] = []
    for name, value in subject.description.facts.items():
        try:
            standard.require_facts({name: value}, place_of(("facts", name)))
        except StandardError as problem:
            problems.append(problem)
    for position, name in enumerate(subject.description.operating_domain or ()):
        try:
            standard.require_operating_condition(name, place_of(("operating_domain", position)))
        except StandardError as problem:
            problems.append(problem)
    if problems:
        raise DescriptionError(problems)
