"""The arguments that lines, planes and volumes have in common, for type checkers; `help(loss_landscape.surface)` describes them."""

from __future__ import annotations

from typing import Any, TypedDict


class SampleOptions(TypedDict, total=False):
    """Keyword arguments of `surface`, `line` and `volume`."""

    grid: int | str | tuple[int, ...] | list[int] | None
    range: float | tuple[float, float] | list[tuple[float, float]] | None
    direction: str
    directions: Any
    to: Any
    norm: str | None
    bias: str
    orthogonal: bool
    distribution: str
    seed: int
    select: str | list[str] | None
    weights: Any
    run: str | None
    step: int | None
    split: str | None
    samples: int | None
    data_dir: Any
    max_batches: int | None
    batch_norm: str
    l1: float | None
    l2: float | None
    precision: str
    adaptive: float | None
    shard: tuple[int, int] | str | None
    how: str
    params: Any
    vectorized: bool | int
    key: str | None
    device: str | list[str] | None
    threads: int | None
    batch: int
    db: Any
    name: str | None
    replace: bool
    progress: bool | None
