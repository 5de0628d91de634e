"""Text for people, in English and Chinese at once.

A record never holds a message in one language: it holds a :class:`Text`, and the report or the command line
picks the language. Both renderings travel in the record, so evidence stays readable without the version of
the program (or of the third-party check) that wrote it.
"""

from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")


@dataclass(frozen=True, slots=True)
class Text:
    """One message in every language we speak.

    >>> Text("3 rows", "3 行").render("zh")
    '3 行'
    """

    en: str
    zh: str

    def render(self, language: Language) -> str:
        """The message in `language`."""
        return self.zh if language == "zh" else self.en

    def format(self, **arguments: object) -> "Text":
        """The message with `{names}` filled in, the same in both languages.

        Only templates written in our own source may be formatted; `arguments` may come from anywhere, because
        `str.format` does not look for fields inside the values it inserts.
        """
        return Text(self.en.format(**arguments), self.zh.format(**arguments))

    def __str__(self) -> str:
        return self.en
