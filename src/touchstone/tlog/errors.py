"""The one error of this package."""


class TlogError(Exception):
    """Something read is not what it must be. `what` is a fixed phrase, so that it can be translated."""

    def __init__(self, what: str, where: str) -> None:
        super().__init__(f"{where}: {what}")
        self.what = what
        self.where = where
