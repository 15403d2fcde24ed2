"""Figures and pages of stored runs."""

from __future__ import annotations

import html as _html
import json
import os
import tempfile
from typing import Any

from . import _native
from ._errors import InputError
from ._requests import coded, paths

#: Endings of files that are drawn; all others are tables and arrays.
DRAWN = (".svg", ".png", ".pdf", ".tex", ".gif", ".webp", ".apng", ".html", ".htm")
#: Height of the page in a notebook, in pixels.
HEIGHT = 640


def look_of(log: bool, options: dict[str, Any]) -> dict[str, Any]:
    """How a figure looks."""
    known = {"clip", "smooth", "measured", "basins", "levels", "value", "path", "title", "size", "width", "colormap", "dpi"}
    for name in options:
        if name not in known:
            raise InputError(f"figures have no `{name}`", name, f"give some of: log, {', '.join(sorted(known))}")
    return {"log": bool(log)} | options


class Figure:
    """A figure of a stored run. Notebooks show it; `save` writes it to a file."""

    def __init__(self, db: str, run: str, kind: str | None = None, log: bool = False, **look: Any) -> None:
        self._db, self._run, self._kind = db, run, kind
        self._look = look_of(log, look)
        self._svg: str | None = None

    @property
    def svg(self) -> str:
        """The figure as SVG."""
        if self._svg is None:
            self._svg = str(self._bytes("svg"), "utf-8")
        return self._svg

    def png(self, dpi: float = 200.0) -> bytes:
        """The figure as PNG, `dpi` dots an inch."""
        return self._bytes("png", dpi=dpi)

    def save(self, path: str | os.PathLike[str], replace: bool = True) -> str:
        """Writes it to a file: `.svg`, `.png`, `.pdf`, `.tex`, or `.gif`, `.webp`, `.apng` for a path that grows."""
        return draw(self._db, [self._run], path, self._kind, self._look, replace)

    def _bytes(self, form: str, **look: Any) -> bytes:
        return _native.figure(self._db, self._run, self._kind, coded(self._look | look), form)

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<Figure of run {self._run!r}: {self._kind or 'as usual'}>"


def draw(
    db: str, runs: list[str], path: Any, kind: str | None = None, look: dict[str, Any] | None = None, replace: bool = True
) -> str:
    """Draws runs into a file, by its ending."""
    request = {"runs": runs, "kind": kind, "output": os.fspath(path), "look": look or {}, "replace": replace}
    return os.fspath(_native.draw(db, coded(request))[0])


def kinds(db: str, run: str) -> list[str]:
    """The kinds of figures that a run has, the usual one first."""
    return [one["kind"] for one in json.loads(_native.figures(db, run))]


class Page:
    """The interactive page of some runs. Notebooks show it in a frame; elsewhere `open` shows it in a browser."""

    def __init__(self, db: str, runs: str | list[str], title: str | None = None, log: bool = False) -> None:
        self._runs = paths(runs)
        self.html: str = _native.page(db, self._runs, title, log)

    def save(self, path: str | os.PathLike[str]) -> str:
        """Writes it to a file, which needs nothing else."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.html)
        return os.fspath(path)

    def open(self) -> str:
        """Shows it in a browser; gives the file."""
        import webbrowser

        with tempfile.NamedTemporaryFile("w", suffix=".html", delete=False, encoding="utf-8") as file:
            file.write(self.html)
        webbrowser.open(f"file://{file.name}")
        return file.name

    def _repr_html_(self) -> str:
        text = _html.escape(self.html, quote=True)
        return f'<iframe srcdoc="{text}" width="100%" height="{HEIGHT}" style="border: 0"></iframe>'

    def __repr__(self) -> str:
        return f"<Page of {', '.join(self._runs)}: save('page.html'), open()>"


def in_notebook() -> bool:
    """Whether this runs where objects are shown as they are."""
    import sys

    shell = sys.modules.get("IPython")
    found = shell.get_ipython() if shell is not None else None
    return found is not None and "kernel" in type(found).__module__
