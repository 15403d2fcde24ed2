"""What is asked of the library, in the form in which it reads it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

from ._errors import InputError

#: The database where none is named.
DATABASE = "landscape.duckdb"

Range = "tuple[float, float] | Sequence[tuple[float, float]] | float | None"


def database(db: Any) -> str:
    """The database that is meant."""
    return os.fspath(db) if db is not None else os.environ.get("LANDSCAPE_DB") or DATABASE


def grid_of(grid: Any, span: Any) -> dict[str, Any]:
    """Points and ranges of the axes.

    `grid` is a number, a sequence of them, or words such as ``"51x31"``; `span` a distance, a pair, or a pair for each axis.
    """
    counts = None
    if isinstance(grid, str):
        words = grid.replace("x", " ").split()
        if not all(word.isdigit() for word in words):
            raise InputError(f"`{grid}` is not a grid", grid, "give a number of points, or one for each axis, as in (51, 31)")
        counts = [int(word) for word in words]
    elif isinstance(grid, (list, tuple)):
        counts = [int(one) for one in grid]
    elif grid is not None:
        counts = [int(grid)]
    return {"counts": counts, "ranges": _ranges(span)}


def _ranges(span: Any) -> list[list[float]] | None:
    if span is None:
        return None
    if isinstance(span, (int, float)):
        return [[-float(span), float(span)]]
    pairs = [span] if len(span) == 2 and all(isinstance(one, (int, float)) for one in span) else span
    try:
        return [[float(low), float(high)] for low, high in pairs]
    except (TypeError, ValueError):
        raise InputError(f"{span!r} is not a range", "range", "give (-1, 1), or one such pair for each axis") from None


def selection_of(select: Any) -> str | None:
    """Which parameters move: a pattern of names, several separated by commas, or a list of them; all where it is `None`."""
    if select is None or isinstance(select, str):
        return select
    try:
        return ",".join(select)
    except TypeError:
        raise InputError(f"{select!r} does not select parameters", "select", 'give patterns of names, as in "layer1" or ["fc", "!*.bias"]') from None


def keep_of(name: str | None, replace: bool) -> dict[str, Any]:
    """How a run is kept."""
    return {"name": name, "replace": replace}


def evaluation_of(device: Any, threads: int | None) -> dict[str, Any]:
    """Where something is evaluated."""
    device = device or os.environ.get("LANDSCAPE_DEVICE") or "cpu"
    names = device.split(",") if isinstance(device, str) else list(device)
    usual = os.environ.get("LANDSCAPE_THREADS") or 0
    return {"devices": names, "threads": int(threads if threads is not None else usual)}


def shard_of(shard: Any) -> str | None:
    """A part of the points, `(k, n)` or ``"k/n"``."""
    if shard is None or isinstance(shard, str):
        return shard
    number, of = shard
    return f"{int(number)}/{int(of)}"


def shard_database(db: Any, shard: Any) -> str:
    """The database of a shard: one of its own unless one is named."""
    words = shard_of(shard)
    if words is None or db is not None:
        return database(db)
    number, _, of = words.partition("/")
    stem = os.path.splitext(database(None))[0]
    return f"{stem}-shard-{number}-of-{of}.duckdb"


def terms_of(l1: float | None, l2: float | None) -> list[dict[str, float]]:
    """Terms that are stored beside the loss."""
    return [{name: float(weight)} for name, weight in (("l1", l1), ("l2", l2)) if weight is not None]


def paths(given: Any) -> list[str]:
    """Paths as text."""
    given = [given] if isinstance(given, (str, os.PathLike)) else given
    return [os.fspath(path) for path in given]


def coded(request: dict[str, Any]) -> str:
    """A request as text; what is absent is as it is usual."""
    return json.dumps(_without_none(request))


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(one) for key, one in value.items() if one is not None}
    if isinstance(value, (list, tuple)):
        return [_without_none(one) for one in value]
    return value


def decoded(text: str) -> Any:
    """A result from text, in which NaN and infinities are words."""
    return _numbers(json.loads(text))


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_numbers(one) for one in value]
    return float(value) if isinstance(value, str) and value in ("NaN", "inf", "-inf") else value
