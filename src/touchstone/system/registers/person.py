"""A person in a register, by a reference that the operator can resolve and others need not."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from touchstone.system.registers.spelling import one_spelling

_PLAIN = re.compile(r"[\x20-\x7e\u3400-\u9fff]+")
"""Letters of other alphabets look like these and would make one person several."""


def _person(reference: str) -> str:
    spelled = one_spelling(reference)
    if not _PLAIN.fullmatch(spelled):
        raise PydanticCustomError(
            "person",
            "is no reference to a person: use English letters, digits, signs and Chinese characters",
            {"zh": "不是人员代号：请使用英文字母、数字、符号与汉字"},
        )
    return spelled


Person = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_person)]
"""A staff number or another pseudonym rather than a name, the same in every register, in any spelling."""
