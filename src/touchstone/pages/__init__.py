"""Self-contained HTML pages: one style, every value escaped, no script, no outside request.

environment = templates("touchstone.report", "en")     # the package that holds `templates/`
environment.get_template("report.html.j2").render(...)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from touchstone.text import Language, Text

if TYPE_CHECKING:
    from jinja2 import Environment


def templates(package: str, language: Language) -> Environment:
    """The templates of a package in one language: every value is escaped, and a value that is missing is an error.

    A template has `t(en, zh)` for its own words, `say(text)` for a :class:`Text`, and `style`, to be put in its head.
    """
    from importlib.resources import files

    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def both(en: str, zh: str) -> str:
        return Text(en, zh).render(language)

    def say(text: Text) -> str:
        return text.render(language)

    style = files("touchstone.pages").joinpath("style.css").read_text("utf-8")
    environment.globals.update(t=both, say=say, style=Markup(style))  # noqa: S704 - our own style sheet
    environment.filters.update(say=say)
    return environment
