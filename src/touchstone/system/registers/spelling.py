"""Names as they are compared between registers: what looks the same is the same."""

from __future__ import annotations

import unicodedata

_UNSEEN = "Cf"
"""Unicode's category of characters that only steer others, such as a space of no width."""
_DASH = "Pd"


def holds_unseen(name: str) -> bool:
    """Whether a name has spaces at an end, or characters that nobody sees: it looks like another one."""
    return name != name.strip() or any(unicodedata.category(sign) in ("Cc", _UNSEEN) for sign in name)


def one_spelling(name: str) -> str:
    """A name without what makes no second one: capitals, full-width letters, spaces, kinds of dashes, unseen signs."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    seen = (
        "-" if unicodedata.category(sign) == _DASH else sign for sign in plain if unicodedata.category(sign) != _UNSEEN
    )
    return " ".join("".join(seen).split())
