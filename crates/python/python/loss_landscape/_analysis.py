"""Curvature, paths of trainings and between networks, comparisons, and what they say."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import _native, _torch
from ._errors import InputError, LandscapeError
from ._problem import Problem, with_kernels
from ._requests import coded, database, decoded, evaluation_of, grid_of, keep_of, paths, selection_of, shard_database, shard_of
from ._results import Result
from ._told import Told, warn


class Curvature(Result):
    """Curvature at the parameters of a network.

    Attributes:
        eigenvalues: the largest, descending; ``residuals`` are their true residuals: an eigenvalue of the matrix lies within that
            distance of each.
        bottom: the smallest, ascending; ``bottom_residuals`` likewise.
        trace, trace_se: the trace and its standard error; ``None`` where it was not asked for.
        density, density_grid, density_se: the spectral density, where it is and its standard error.
        sharpness: measures that were asked for, a dictionary each.
        loss, gradient_norm: of the mean loss there.
    """

    def __init__(self, summary: dict[str, Any], words: str, db: str, how: str) -> None:
        super().__init__(summary["run"], db, summary, words)
        self.how = how
        self.eigenvalues, self.residuals = _pairs(summary.get("eigenvalues"))
        self.bottom, self.bottom_residuals = _pairs(summary.get("bottom"))
        trace = summary.get("trace") or {}
        self.trace: float | None = trace.get("mean")
        self.trace_se: float | None = trace.get("se")
        density = summary.get("density") or {}
        self.density_grid, self.density, self.density_se = (_array(density.get(name)) for name in ("grid", "density", "se"))
        self.loss: float | None = summary.get("loss")
        self.gradient_norm: float | None = summary.get("gradient_norm")
        self.sharpness: list[dict[str, Any]] = summary.get("sharpness") or []

    def __repr__(self) -> str:
        known = ", ".join(f"{value:.4g}" for value in self.eigenvalues)
        return f"<Curvature {self.run!r}: eigenvalues {known or 'not asked for'}>"


def _pairs(found: Any) -> tuple[np.ndarray, np.ndarray]:
    found = found or []
    return np.array([one["value"] for one in found]), np.array([one["residual"] for one in found])


def _array(values: Any) -> np.ndarray | None:
    return None if values is None else np.asarray(values, dtype=np.float64)


def hessian(
    model: Any = None,
    data: Any = None,
    loss: Any = None,
    *,
    top: int | None = None,
    bottom: int | None = None,
    trace: bool = False,
    density: bool = False,
    per_layer: bool = False,
    per: Sequence[str] = (),
    subspace: int | None = None,
    sharpness: Sequence[str] = (),
    map: bool = False,  # noqa: A002
    all_steps: bool = False,
    matrix: str = "hessian",
    method: str = "lanczos",
    tolerance: float = 1e-3,
    max_products: int | None = None,
    probes: int = 8,
    lanczos_steps: int = 80,
    rho: float | None = None,
    double: bool = False,
    grid: Any = None,
    range: Any = None,  # noqa: A002
    direction: str = "random",
    seed: int = 42,
    select: Any = None,
    weights: Any = None,
    run: str | None = None,
    step: int | None = None,
    split: str | None = None,
    samples: int | None = None,
    data_dir: Any = None,
    max_batches: int | None = None,
    shard: Any = None,
    device: Any = None,
    threads: int | None = None,
    db: Any = None,
    name: str | None = None,
    replace: bool = False,
    progress: bool | None = None,
) -> Curvature:
    """Curvature of the mean loss at the parameters of a network: the five largest eigenvalues and the trace, unless other things are
    asked for. Derivatives are exact.

    Args:
        model, data, loss, weights, run, step, split, samples, data_dir, max_batches, device, threads, db, name, replace, progress: see
            `surface`.
        top, bottom: so many of the largest and of the smallest eigenvalues, with their true residuals.
        trace: the trace, with its standard error.
        density: the density of all eigenvalues.
        per_layer: traces and largest eigenvalues of the diagonal blocks of layers.
        per: what the network is looked at in parts for: ``"layer"`` (as `per_layer`), ``"block"`` (the same of each block of layers),
            ``"pair"`` (Frobenius norms of what is between the parts) and ``"matrix"`` (Hessian, Gauss-Newton matrix, residual and
            empirical Fisher matrix side by side); found in ``["layers"]``, ``["blocks"]``, ``["pairs"]`` and ``["matrices"]``.
        subspace: with `all_steps`: how much of gradient, updates and path lies in the space of so many leading eigenvectors.
        sharpness: measures by name, as ``["sam", "adaptive", "pac-bayes-loss"]``; see ``landscape hessian --help``.
        map: both ends of the spectrum over a `grid` of `range` along `direction`.
        all_steps: all of this at every checkpoint of `run`.
        matrix: ``"hessian"``, ``"gauss-newton"``, ``"fisher"`` or ``"residual"``.
        method: of eigenvalues: ``"lanczos"`` or ``"power"``.
        tolerance: an eigenvalue has converged when its residual is at most this share of it.
        max_products: bound on the products of each search and each trace.
        probes, lanczos_steps: of the density: random vectors, and steps from each of them.
        rho: radius of the measures of sharpness that have one.
        double: whether derivatives are computed in 64-bit floats.
        seed: of random vectors.
        select: which parameters are differentiated, see `surface`: all that is asked for is then of that block.
        shard: of a map: ``(k, n)``, see `surface`.

    Raises:
        InputError: for what cannot work, also for networks that the own kernels do not know: they have the derivatives.
    """
    path, told = shard_database(db, shard), Told(progress)
    named = {"split": split, "samples": samples, "data_dir": data_dir, "max_batches": max_batches}
    with Problem(model, data, loss, weights=weights, run=run, step=step, **named) as problem:

        def work() -> Curvature:
            request = {
                "network": problem.network() | {"params": selection_of(select)},
                "data": problem.data_request(),
                "top": top,
                "bottom": bottom,
                "trace": trace,
                "density": density,
                "per_layer": per_layer,
                "per": list(per),
                "subspace": subspace,
                "map": map,
                "sharpness": list(sharpness),
                "all_steps": all_steps,
                "matrix": matrix,
                "method": method,
                "tolerance": tolerance,
                "max_products": max_products,
                "probes": probes,
                "lanczos_steps": lanczos_steps,
                "rho": rho,
                "double": double,
                "plane": {"direction": direction, "seed": seed},
                "grid": grid_of(grid, range),
                "shard": shard_of(shard),
                "evaluation": evaluation_of(device, threads),
                "keep": keep_of(name, replace),
            }
            found, words = _native.curvature(coded(request), problem.native_data(), problem.name(), path, told)
            return Curvature(decoded(found), words, path, problem.hows("exact derivatives"))

        return with_kernels("auto", work, None)


class Trajectory(Result):
    """Paths of trainings on the plane of their principal components.

    Attributes:
        explained_variance: share of each component, of all paths together.
        step, x, y, z: of each checkpoint, path after path: its step and coordinates; ``z`` with three components.
        residual: its distance from the plane.
        loss, plane_loss: its true loss, and that of its projection.
        label: the path that it is of.
    """

    def __init__(self, summary: dict[str, Any], words: str, db: str, how: str) -> None:
        super().__init__(summary["run"], db, summary, words)
        self.how = how
        self.explained_variance = np.asarray(summary["explained_variance"], dtype=np.float64)
        points = summary["points"]
        column = lambda name: np.array([_number(point.get(name)) for point in points])  # noqa: E731
        self.step = np.array([point["step"] for point in points])
        self.x, self.y, self.residual = column("x"), column("y"), column("residual")
        self.z = column("z") if any("z" in point for point in points) else None
        self.loss, self.plane_loss = column("loss"), column("plane_loss")
        self.label = [point.get("run") for point in points]

    def __repr__(self) -> str:
        shares = ", ".join(f"{share:.1%}" for share in self.explained_variance)
        return f"<Trajectory {self.run!r}: {len(self.step)} checkpoints, explained variance {shares}>"


def _number(value: Any) -> float:
    return np.nan if value is None else float(value)


def trajectory(
    checkpoints: Any = None,
    model: Any = None,
    data: Any = None,
    loss: Any = None,
    *,
    run: str | Sequence[str] | None = None,
    steps: Sequence[int] | None = None,
    grid: Any = None,
    range: Any = None,  # noqa: A002
    components: int = 2,
    center: str = "last",
    project: str = "lstsq",
    select: Any = None,
    margin: float = 0.25,
    batch_norm: str = "frozen",
    split: str | None = None,
    samples: int | None = None,
    data_dir: Any = None,
    max_batches: int | None = None,
    shard: Any = None,
    device: Any = None,
    threads: int | None = None,
    db: Any = None,
    name: str | None = None,
    replace: bool = False,
    progress: bool | None = None,
) -> Trajectory:
    """Projects the checkpoints of trainings on the plane of their principal components, with their true losses and those of the plane.

    Args:
        checkpoints: the name of a stored training, or several: what `Recorder` recorded, or `train`; else checkpoints in their order, each
            a state dictionary or a dictionary of arrays; or a pattern of files, as ``"epochs/*.pt"``.
        model, data, loss: the network, and what its loss is measured on, see `surface`; of a training that `train` stored those of the
            training where they are absent.
        run: the same as names in `checkpoints`.
        steps: the steps of checkpoints that are given; 0, 1, 2, ... unless given.
        grid: points of the part of the plane that is sampled, as in `surface`; nothing is sampled unless it is given.
        range: the part that is sampled; the paths and a margin unless given.
        components: 2 or 3.
        center: what the components are taken around: ``"last"``, ``"mean"`` or ``"first"``.
        project: ``"lstsq"`` or ``"cos"``.
        select: which parameters the paths and their plane are about, see `surface`; the rest are those of the centre on the plane.
        margin: what is sampled beyond the paths on either side, as a share of their extent.
        shard: ``(k, n)``, see `surface`.
    """
    path, told = shard_database(db, shard), Told(progress)
    checkpoints = run if checkpoints is None else checkpoints
    names, pattern = _names_of(checkpoints)
    with Problem(model, data, loss, split=split, samples=samples, data_dir=data_dir, max_batches=max_batches) as problem:

        def work() -> Trajectory:
            runs = names
            if runs is None and pattern is None:
                runs = [_recorded(checkpoints, steps, problem, path, name)]
            request = {
                "runs": runs,
                "checkpoints": pattern,
                "model": problem.network().get("model"),
                "data": problem.data_request(),
                "params": selection_of(select),
                "statistics": batch_norm,
                "center": center,
                "components": components,
                "project": project,
                "grid": grid_of(grid, range),
                "margin": margin,
                "shard": shard_of(shard),
                "evaluation": evaluation_of(device, threads),
                "keep": keep_of(name, replace),
            }
            found, words, warnings = _native.trajectory(coded(request), problem.native_data(), problem.name(), path, told)
            for warning in warnings:
                warn(warning)
            return Trajectory(decoded(found), words, path, problem.hows("every checkpoint"))

        return with_kernels("auto", work, None)


def _names_of(given: Any) -> tuple[list[str] | None, str | None]:
    """Names of runs, or a pattern of files."""
    if given is None:
        raise InputError("no checkpoints are given", "checkpoints", "give the name of a training, checkpoints, or a pattern of files")
    if isinstance(given, os.PathLike):
        return None, os.fspath(given)
    if isinstance(given, str):
        is_pattern = any(sign in given for sign in "*?[") or os.path.exists(given)
        return (None, given) if is_pattern else ([given], None)
    if all(isinstance(one, str) for one in given):
        return list(given), None
    return None, None


def _recorded(checkpoints: Any, steps: Any, problem: Problem, db: str, name: str | None) -> str:
    """Checkpoints as a stored training, which is told by their values."""
    import hashlib

    from ._recorder import Recorder

    given = list(checkpoints)
    steps = list(steps) if steps is not None else list(range(len(given)))
    if len(steps) != len(given):
        raise InputError(f"there are {len(given)} checkpoints and {len(steps)} steps", "steps", "give one for each")
    native = [_torch.recorded_params(one, problem.model) for one in given]
    digest = hashlib.sha256("".join(one.digest() for one in native).encode() + repr(steps).encode()).hexdigest()
    recorder = Recorder(db, name=f"{name or 'checkpoints'}-{digest[:8]}", every=1, settings={"checkpoints": digest})
    if recorder.last_step != steps[-1]:
        for step, params in zip(steps, native, strict=True):
            recorder.push(step, params)
        recorder.finish()
    return recorder.name


class Connection(Result):
    """Paths between two networks: the barrier of the line, after aligning their units, and along a curve."""

    @property
    def barrier(self) -> float | None:
        """The barrier on the straight line: how far the loss rises above what lies between those of both ends."""
        found = (self.summary.get("line") or {}).get("barrier")
        return found.get("height") if isinstance(found, dict) else found


def connect(
    a: Any,
    b: Any,
    model: Any = None,
    data: Any = None,
    loss: Any = None,
    *,
    align: str | None = None,
    curve: str | None = None,
    epochs: int | None = None,
    lr: float | None = None,
    points: int = 61,
    select: Any = None,
    batch_norm: str | None = None,
    grid: Any = None,
    seed: int = 42,
    save: Any = None,
    split: str | None = None,
    samples: int | None = None,
    data_dir: Any = None,
    max_batches: int | None = None,
    device: Any = None,
    threads: int | None = None,
    db: Any = None,
    name: str | None = None,
    replace: bool = False,
    progress: bool | None = None,
) -> Connection:
    """Measures the loss between two networks of one kind.

    Args:
        a, b: the networks: names of stored trainings, files, modules of PyTorch, or state dictionaries.
        model, data, loss: see `surface`; where `a` is a module of PyTorch, it is the network too.
        align: permutes the units of `b` for those of `a` first: ``"weights"`` or ``"activations"``.
        curve: also trains a curve of low loss: ``"bezier"`` or ``"polychain"``, for so many `epochs` with the rate `lr`.
        points: on each path.
        select: which parameters go to the second network, see `surface`; the rest stay those of the first.
        batch_norm: ``"reestimate"`` unless given, ``"frozen"`` or ``"batch"``.
        grid: points of the plane of the curve, which is sampled where they are given.
        save: a file for the parameters of `b` after alignment.
    """
    path, told = database(db), Told(progress)
    if model is None and _torch.is_module(a):
        model = a
    named = {"split": split, "samples": samples, "data_dir": data_dir, "max_batches": max_batches}
    with Problem(model, data, loss, **named) as problem:

        def work() -> Connection:
            given = {key: value for key, value in (("epochs", epochs), ("lr", lr)) if value is not None}
            training = {"epochs": 50, "optimizer": "adam", "lr": 0.003, "schedule": "cosine", "seed": seed} | given
            trained = None if curve is None else {"config": {"kind": curve, "training": training}, "grid": grid_of(grid, None)}
            if trained is not None and grid is None:
                del trained["grid"]
            request = {
                "ends": [_end(one, place, problem) for place, one in enumerate((a, b), start=1)],
                "model": problem.network().get("model"),
                "data": problem.data_request(),
                "params": selection_of(select),
                "points": points,
                "statistics": batch_norm,
                "align": align,
                "curve": trained,
                "seed": seed,
                "save": None if save is None else os.fspath(save),
                "evaluation": evaluation_of(device, threads),
                "keep": keep_of(name, replace),
            }
            found, words = _native.connect(coded(request), problem.native_data(), path, told)
            summary = decoded(found)
            run = (summary.get("line") or {}).get("run") or name or "connection"
            return Connection(run, path, summary, words)

        return with_kernels("auto", work, None)


def _end(given: Any, place: int, problem: Problem) -> dict[str, str]:
    if isinstance(given, str) and not os.path.exists(given):
        return {"run": given}
    return {"file": problem.save_params(given, f"network-{place}")}


class Diagnosis(Result):
    """What is said of a training: is it hard to train, can it improve, and what happened."""


def diagnose(
    run: str, *, curvature: bool = True, threads: int = 0, db: Any = None, progress: bool | None = None
) -> Diagnosis:
    """Answers three questions about a stored training, trajectory or landscape: is the network hard to train, can it improve, and what
    happened.

    Args:
        run: its name.
        curvature: whether the largest eigenvalue is computed where it decides something and is not stored; that needs a network and data
            that are found by name.
    """
    run = run.run if isinstance(run, Result) else run
    path = database(db)
    request = {"run": run, "curvature": curvature, "threads": threads}
    try:
        found, words = _native.diagnose(coded(request), path, Told(progress))
    except LandscapeError:
        if not curvature or not _is_in_memory(path, run):
            raise
        warn(f"run `{run}` is of a network and data that were handed over: the diagnosis goes without computing curvature")
        found, words = _native.diagnose(coded(request | {"curvature": False}), path, Told(progress))
    summary = decoded(found)
    return Diagnosis(summary["run"], path, summary, words)


def _is_in_memory(db: str, run: str) -> bool:
    """Whether a run's network or data are in no file."""
    provenance = decoded(_native.load(db, run)["run"]).get("provenance") or {}
    data = provenance.get("data") or {}
    return data.get("spec") == "memory" or not data


class Comparison(Result):
    """Trainings or landscapes side by side."""


def compare(
    runs: Sequence[str] | None = None,
    *,
    model: Any = None,
    data: Any = None,
    loss: str | None = None,
    seeds: Sequence[int] | None = None,
    optimizers: Any = None,
    rates: Sequence[float] | None = None,
    widths: Sequence[int] | None = None,
    batch_sizes: Sequence[int] | None = None,
    training: dict[str, Any] | None = None,
    grid: Any = 51,
    end_grid: Any = 31,
    curvature: bool = True,
    tolerance: float | None = None,
    samples: int | None = None,
    data_dir: Any = None,
    shard: Any = None,
    device: Any = None,
    threads: int = 0,
    db: Any = None,
    name: str | None = None,
    replace: bool = False,
    progress: bool | None = None,
) -> Comparison:
    """Puts stored runs side by side, all trainings or all landscapes; or trains variants of one network and puts these side by side.

    Args:
        runs: names of runs, or results.
        model, data, loss: of the trainings to be made: a named network, or a program in a file.
        seeds, optimizers, rates, widths, batch_sizes: what is varied, one of them; optimisers are names, or a dictionary with a learning rate
            for each.
        training: of all of them: ``{"epochs": 30, "lr": 0.1, "batch": 64, ...}``.
        grid, end_grid: points of the joint plane, and of the planes around the ends.
        curvature: whether the largest eigenvalue and the sharpness of the ends are computed.
        tolerance: of landscapes: the largest difference at a point that is allowed, see ``within_tolerance``.
    """
    told = Told(progress)
    comparison = {
        "name": name or "comparison",
        "counts": grid_of(grid, None)["counts"],
        "end_counts": grid_of(end_grid, None)["counts"],
        "curvature": curvature,
        "evaluation": evaluation_of(device, threads or None),
        "keep": keep_of(name, replace),
    }
    if runs is not None:
        names = [one.run if isinstance(one, Result) else one for one in runs]
        comparison["name"] = name or "-".join(names)
        path = database(db)
        found, words = _native.compare(names, coded(comparison), tolerance, path, told)
        return Comparison(comparison["name"], path, decoded(found), words)
    varied = _variation(seeds, optimizers, rates, widths, batch_sizes)
    path = shard_database(db, shard)
    with Problem(model, data, loss, samples=samples, data_dir=data_dir) as problem:
        request = {
            "model": problem.network().get("model"),
            "data": problem.data_request(),
            "config": training or {},
            "variation": varied,
            "shard": shard_of(shard),
            "threads": threads,
            "keep": keep_of(name, replace),
        }
        found, words = _native.sweep(coded(request), coded(comparison), problem.native_data(), path, told)
    return Comparison(name or next(iter(varied)), path, decoded(found), words)


def _variation(seeds: Any, optimizers: Any, rates: Any, widths: Any, batch_sizes: Any) -> dict[str, Any]:
    if optimizers is not None:
        pairs = optimizers.items() if isinstance(optimizers, dict) else ((one, None) for one in optimizers)
        optimizers = [list(pair) for pair in pairs]
    given = {"seeds": seeds, "optimizers": optimizers, "learning-rates": rates, "widths": widths, "batch-sizes": batch_sizes}
    given = {kind: list(values) for kind, values in given.items() if values is not None}
    if len(given) != 1:
        raise InputError(
            f"{len(given) or 'no'} things are varied" if given else "nothing is given to compare",
            "compare",
            "give runs, or one of seeds, optimizers, rates, widths and batch_sizes",
        )
    return given


class Merged(Result):
    """What was merged; ``is_complete`` says whether no shard is missing."""

    is_complete: bool = False


def merge(databases: Any, into: Any, *, progress: bool | None = None) -> Merged:
    """Adds what databases of shards hold to another one: what is new, once; points that disagree are an error.

    >>> merged = loss_landscape.merge(["shard-0.duckdb", "shard-1.duckdb"], into="landscape.duckdb")  # doctest: +SKIP
    >>> merged.is_complete  # doctest: +SKIP
    True
    """
    path = database(into)
    request = {"sources": paths(databases), "into": path}
    found, words, is_complete = _native.merge(coded(request), Told(progress))
    merged = Merged("", path, decoded(found), words)
    merged.is_complete = is_complete
    return merged


