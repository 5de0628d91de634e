"""Characters that HTML writes by name or number, in texts of any origin."""

from __future__ import annotations

import html
import re

_LEADING_ZEROS = re.compile(r"&#0+(?=[1-9])")
_BEYOND_ALL = re.compile(r"&#\d{8,};?")
"""Numbers that no character has. Python refuses to read one of thousands of digits at all."""


def unescaped(text: str) -> str:
    """The text with its entities resolved, as browsers do it.

    >>> unescaped("&lt;&#00000028856;")
    '<炸'
    """
    if "&" not in text:
        return text
    return html.unescape(_BEYOND_ALL.sub("\ufffd", _LEADING_ZEROS.sub("&#", text)))
