"""A person in a register, by a reference that the operator can resolve and others need not."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def one_spelling(reference: str) -> str:
    """So that a capital letter or a full-width one makes no second person."""
    return " ".join(unicodedata.normalize("NFKC", reference).casefold().split())


Person = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(one_spelling)]
"""A staff number or another pseudonym rather than a name, the same in every register, in any spelling."""
