"""One tree of errors. Every error a user can cause says what is wrong, where, and what to do about it.

Exit codes of the command line follow the tree: 2 for anything the user can mend, 3 for our own mistakes.
"""

from touchstone.text import Language, Text


class TouchstoneError(Exception):
    """Root of the tree. Raised itself only for faults of Touchstone."""

    exit_code = 3


class UserError(TouchstoneError):
    """Something handed to us is wrong; the user can mend it.

    `what` is wrong, `where` it is (a file, with line and field when known), and `remedy`: what to do.
    """

    exit_code = 2

    def __init__(self, what: Text, where: str | None = None, remedy: Text | None = None) -> None:
        super().__init__(what.en if where is None else f"{where}: {what.en}")
        self.what = what
        self.where = where
        self.remedy = remedy

    @property
    def problems(self) -> "tuple[UserError, ...]":
        """Each thing that is wrong by itself: most often just this error."""
        return (self,)

    def render(self, language: Language) -> str:
        """The whole error as one to three lines for a person."""
        lines = [self.what.render(language) if self.where is None else f"{self.where}: {self.what.render(language)}"]
        if self.remedy is not None:
            lines.append(f"  → {self.remedy.render(language)}")
        return "\n".join(lines)


class DescriptionError(UserError):
    """The `system.yaml`, or a document it points to, is missing, unreadable or does not fit the schema.

    Several problems may be found in one reading; `problems` holds them all, the first one is the error's message.
    """

    def __init__(self, problems: "list[UserError]") -> None:
        first = problems[0]
        super().__init__(first.what, first.where, first.remedy)
        self._problems = tuple(problems)

    @property
    def problems(self) -> tuple[UserError, ...]:
        """All problems, in the order they were found."""
        return self._problems

    def render(self, language: Language) -> str:
        return "\n".join(problem.render(language) for problem in self.problems)


class ArtifactError(UserError):
    """A model file cannot be read, or is not what the description says it is."""


class DataError(UserError):
    """A data set cannot be read, or does not fit the description or the model."""


class StandardError(UserError):
    """A catalog, profile or rule pack breaks the rules that make a verdict defensible."""


class EvidenceError(UserError):
    """A bundle, statement, key or log cannot be read at all (as opposed to: is read and found false)."""


class UnavailableError(UserError):
    """What a check asked for is not given with this system: a handle, an access level, an optional extra."""


class BudgetSpentError(UnavailableError):
    """A model may not be asked anything more; what was found until then stands."""
