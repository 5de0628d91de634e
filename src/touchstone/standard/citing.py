"""Documents outside this standard as people cite them: by title and place."""

from __future__ import annotations

from touchstone.text import Text


def place(locator: str) -> Text:
    """Where in a document: `Art. 28-30`, which Chinese texts call 第 28-30 条."""
    article = locator.removeprefix("Art. ")
    return Text(locator, locator if article == locator else f"第 {article} 条")


def cited(title: Text, locator: str) -> Text:
    """A document by its title, and where in it."""
    at = place(locator)
    return Text(f"{title.en}, {at.en}", f"《{title.zh}》{at.zh}")
