"""What goes wrong, with what happened, where, and what to do."""

from __future__ import annotations


class LandscapeWarning(UserWarning):
    """Something of a result, or of what it was made from, that one should know."""


class LandscapeError(Exception):
    """An operation failed.

    Attributes:
        what: what happened.
        where: what it is about, a file, a run, an argument; ``None`` where it is about none.
        remedy: what to do; ``None`` where the message says it already.
    """

    def __init__(self, what: str, where: str | None = None, remedy: str | None = None) -> None:
        super().__init__(what, where, remedy)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        return self.what if self.remedy is None else f"{self.what}\n  remedy: {self.remedy}"


class InputError(LandscapeError, ValueError):
    """What was asked for cannot work; nothing was computed or stored."""


class Unsupported(InputError):
    """The network, or its loss, has something that the own kernels do not know."""


class Interrupted(KeyboardInterrupt):
    """An operation was stopped; what was done is stored, and the same call continues from there."""

    def __init__(self, what: str = "", where: str | None = None, remedy: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
