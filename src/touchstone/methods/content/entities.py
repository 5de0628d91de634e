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
    return html.unescape(with_readable_numbers(text)) if "&" in text else text


def with_readable_numbers(text: str) -> str:
    """The text with entities that any reader of HTML can resolve.

    >>> with_readable_numbers("&#00000028856;&#123456789;")
    '&#28856;\ufffd'
    """
    return _BEYOND_ALL.sub("\ufffd", _LEADING_ZEROS.sub("&#", text))
