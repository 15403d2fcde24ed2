"""Who is told of an operation while it runs: warnings, the log, and a progress bar."""

from __future__ import annotations

import importlib.util
import logging
import time
import warnings
from typing import Any

from ._errors import LandscapeWarning

log = logging.getLogger("loss_landscape")

#: Seconds before a progress bar appears.
DELAY = 0.5


class Bar:
    """A progress bar of tqdm, which is imported for what takes longer than `DELAY` alone."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._begun = time.monotonic()
        self._bar: Any = None

    def update(self, done: int, total: int) -> None:
        if self._bar is None:
            if time.monotonic() - self._begun < DELAY:
                return
            from tqdm.auto import tqdm

            self._bar = tqdm(total=total, initial=done, desc=self._what, leave=False)
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


class Nothing:
    """Shows nothing."""

    def update(self, done: int, total: int) -> None:
        pass

    def close(self) -> None:
        pass


class Told:
    """Warnings become `LandscapeWarning`, everything else goes to the logger ``loss_landscape``."""

    def __init__(self, progress: bool | None = None) -> None:
        self._progress = progress

    def say(self, level: str, words: str) -> None:
        if level == "warning":
            words = words.removeprefix("warning: ")
            warnings.warn(words, LandscapeWarning, stacklevel=_outside())
        else:
            log.log(logging.INFO if level == "note" else logging.DEBUG, words)

    def meter(self, what: str, at_most: bool) -> Bar | Nothing:
        if self._progress is False or importlib.util.find_spec("tqdm") is None:
            return Nothing()
        return Bar(what)


def warn(words: str) -> None:
    """Warns whoever called the package."""
    warnings.warn(words, LandscapeWarning, stacklevel=_outside())


def _outside() -> int:
    """How far up the first caller is that is not of this package."""
    import sys

    level, frame = 1, sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("loss_landscape"):
        level, frame = level + 1, frame.f_back  # type: ignore[assignment]
    return level
