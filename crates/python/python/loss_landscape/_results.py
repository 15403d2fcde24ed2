"""What is stored of a run, as objects with arrays."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _native
from ._arrays import floats, tensors
from ._errors import InputError, LandscapeError
from ._figures import DRAWN, Figure, Page, draw, in_notebook, kinds, look_of
from ._requests import coded, database, decoded

if TYPE_CHECKING:
    import pandas
    import xarray

AXES = ("alpha", "beta", "gamma")


class Result:
    """A stored run: its name, its database, and what was found, as the command prints it."""

    def __init__(self, run: str, db: str, summary: dict[str, Any] | None = None, words: str = "") -> None:
        #: The name of the run.
        self.run = run
        #: The database that it is stored in.
        self.db = db
        #: What was found, in numbers; see ``docs/json.md``.
        self.summary = summary or {}
        self._words = words

    def __getitem__(self, name: str) -> Any:
        return self.summary[name]

    def __str__(self) -> str:
        return self._words.rstrip() or repr(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.run!r} in {self.db!r}>"

    def plot(self, kind: str | None = None, *, log: bool = False, **look: Any) -> Figure:
        """A figure of the run, which notebooks show.

        Args:
            kind: one of `kinds()`; the usual one where it is absent.
            log: whether values have a logarithmic scale.
            look: ``title``, ``levels``, ``clip``, ``smooth``, ``colormap``, ``width`` in mm, ``size``, ``dpi``, ``value``, ``basins``.
        """
        return Figure(self.db, self.run, kind, log, **look)

    def kinds(self) -> list[str]:
        """The kinds of figures that it has, the usual one first."""
        return kinds(self.db, self.run)

    def show(self, *, log: bool = False, title: str | None = None) -> Page:
        """The interactive page: in a notebook as the value of a cell, elsewhere in a browser."""
        page = Page(self.db, self.run, title, log)
        if not in_notebook():
            page.open()
        return page

    def save(self, path: str | os.PathLike[str], *, kind: str | None = None, log: bool = False, **look: Any) -> str:
        """Writes the run to a file, by its ending.

        Pictures and pages: ``.svg .png .pdf .tex .gif .webp .apng .html``; numbers: ``.csv .json .parquet .npz .vtk .h5 .obj .gltf``.
        A file that is there is replaced.
        """
        if os.path.splitext(os.fspath(path))[1].lower() in DRAWN:
            return draw(self.db, [self.run], path, kind, look_of(log, look))
        request = {"run": self.run, "part": "usual", "output": os.fspath(path), "height": "log" if log else "loss", "replace": True}
        _native.export(self.db, coded(request))
        return os.fspath(path)

    def _repr_html_(self) -> str:
        import html

        words = f"<pre>{html.escape(str(self))}</pre>"
        try:
            return f"<div>{self.plot().svg}{words}</div>"
        except LandscapeError:
            return words


class Metrics(dict[str, Any]):
    """The figures of a landscape by name; printed, they are a table. See ``docs/metrics.md``."""

    def __init__(self, values: dict[str, Any], words: str) -> None:
        super().__init__(values)
        self._words = words

    def __str__(self) -> str:
        return self._words.rstrip()

    def __repr__(self) -> str:
        return self._words.rstrip()


class Landscape(Result):
    """A line, plane or volume: arrays over its grid, of the shape ``(len(alpha), len(beta), len(gamma))`` as far as there are axes.

    Attributes:
        alpha, beta, gamma: coordinates of the axes in units of the directions; ``None`` beyond the axes that there are.
        loss: mean loss over the data at each point; NaN where it is not known.
        loss_se: standard error of that mean; ``None`` where losses a sample are not known.
        accuracy: share classified correctly, in [0, 1]; ``None`` where that means nothing.
        terms: regularisers by name, not multiplied by their weights.
        measured: whether each point was measured, and not interpolated.
        how: how the network was run, and why so.
        seconds: time of sampling in this call.
        computed: points that were computed in this call; all others were stored already.
    """

    def __init__(self, found: dict[str, Any], db: str, how: str) -> None:
        run = decoded(found["run"])
        summary = decoded(found["summary"]) if "summary" in found else {}
        super().__init__(run["name"], db, summary, found.get("words", ""))
        axes = [floats(axis) for axis in found["axes"]]
        self.axes: tuple[np.ndarray, ...] = tuple(axes)
        padded: list[np.ndarray | None] = [*axes, None, None]
        self.alpha, self.beta, self.gamma = padded[0], padded[1], padded[2]
        shape = tuple(len(axis) for axis in axes)
        self.loss: np.ndarray = floats(found["loss"], shape)
        self.loss_se: np.ndarray | None = _optional(found["loss_se"], shape)
        self.accuracy: np.ndarray | None = _optional(found["accuracy"], shape)
        self.terms: dict[str, np.ndarray] = {name: floats(values, shape) for name, values in found["terms"].items()}
        self.measured: np.ndarray = np.frombuffer(found["measured"], dtype=np.uint8).reshape(shape).astype(bool)
        self.is_complete: bool = found["is_complete"]
        self.how = how
        self.seconds: float | None = found.get("seconds")
        self.computed: int = found.get("computed", 0)
        self.settings: dict[str, Any] = run["settings"]

    @property
    def shape(self) -> tuple[int, ...]:
        """Points on each axis."""
        return self.loss.shape

    @property
    def center(self) -> float | None:
        """The loss at the origin, where that is a point of the grid."""
        places = [np.flatnonzero(axis == 0.0) for axis in self.axes]
        if any(len(place) == 0 for place in places):
            return None
        return float(self.loss[tuple(place[0] for place in places)])

    def metrics(self, value: str = "loss") -> Metrics:
        """Figures of the landscape: convexity, smoothness, width of the basin, roughness, minima and barriers."""
        values, words = _native.metrics(self.db, self.run, value)
        return Metrics(decoded(values), words)

    def directions(self) -> list[dict[str, np.ndarray]]:
        """The directions, each as its tensors by the names of the parameters."""
        return [tensors(one) for one in _native.directions(self.db, self.run)]

    def to_numpy(self) -> dict[str, np.ndarray]:
        """All arrays by name."""
        named: dict[str, np.ndarray | None] = dict(zip(AXES, self.axes, strict=False))
        named |= {"loss": self.loss, "loss_se": self.loss_se, "accuracy": self.accuracy} | self.terms
        return {name: values for name, values in named.items() if values is not None}

    def to_pandas(self) -> pandas.DataFrame:
        """A row for each point, in the order of the grid (needs pandas)."""
        import pandas

        grid = np.meshgrid(*self.axes, indexing="ij")
        columns = {name: axis.ravel() for name, axis in zip(AXES, grid, strict=False)}
        columns |= {name: values.ravel() for name, values in self._values().items()}
        return pandas.DataFrame(columns)

    def to_xarray(self) -> xarray.Dataset:
        """Variables over named coordinates (needs xarray)."""
        import xarray

        names = AXES[: len(self.axes)]
        variables = {name: (names, values) for name, values in self._values().items()}
        coordinates = dict(zip(names, self.axes, strict=True))
        return xarray.Dataset(variables, coordinates, attrs={"run": self.run, "how": self.how})

    def _values(self) -> dict[str, np.ndarray]:
        return {name: values for name, values in self.to_numpy().items() if name not in AXES}

    def __repr__(self) -> str:
        known = np.isfinite(self.loss)
        span = f", loss {self.loss[known].min():.4g} to {self.loss[known].max():.4g}" if known.any() else ""
        shape = "x".join(map(str, self.shape))
        return f"<{type(self).__name__} {self.run!r}: {shape} points{span}>"


def _optional(values: Any, shape: tuple[int, ...]) -> np.ndarray | None:
    return None if values is None else floats(values, shape)


class Line(Landscape):
    """A line through parameter space."""


class Surface(Landscape):
    """A plane through parameter space."""


class Volume(Landscape):
    """A volume of parameter space."""


KINDS: dict[int, type[Landscape]] = {1: Line, 2: Surface, 3: Volume}


def load(run: str, db: Any = None) -> Result:
    """A stored run by its name: a `Line`, `Surface` or `Volume` where it has a landscape, else what can be drawn of it.

    Raises:
        InputError: where there is no such database or run.
    """
    db = database(db)
    found = _native.load(db, run)
    if "axes" not in found:
        stored = decoded(found["run"])
        return Result(stored["name"], db, stored)
    return KINDS[len(found["axes"])](found, db, "read from the database")


class Runs(list[dict[str, Any]]):
    """The runs of a database; printed, they are a table."""

    def __init__(self, rows: list[dict[str, Any]], words: str) -> None:
        super().__init__(rows)
        self._words = words

    def __str__(self) -> str:
        return self._words.rstrip()

    __repr__ = __str__


def runs(db: Any = None) -> Runs:
    """The runs of a database, a dictionary each."""
    rows, words = _native.runs(database(db))
    found = decoded(rows)
    return Runs(found["runs"] if isinstance(found, dict) else found, words)


def page(names: str | list[str], db: Any = None, *, title: str | None = None, log: bool = False) -> Page:
    """One interactive page of several runs."""
    if not names:
        raise InputError("no runs are named", "names", "name at least one")
    return Page(database(db), names, title, log)
