"""The interface of a writer, as other tools have it: everything of an experiment in a folder."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import numpy as np

from . import _native, _torch
from ._analysis import Curvature, Trajectory, hessian, trajectory
from ._data import Samples, samples_of
from ._errors import InputError
from ._recorder import Recorder
from ._results import Landscape, Metrics, runs
from ._sampling import line, surface, volume

#: Names of the files in a folder.
DATABASE, EXPORTED = "landscape.duckdb", "landscape.json"
#: What `mode` means.
_SAMPLED = {"1d": line, "2d": surface, "3d": volume}
#: What the mode of a network means for its normalisation layers.
_STATISTICS = {"eval": "frozen", "train": "batch"}

Directions = list[dict[str, np.ndarray]]


class LandscapeStorage:
    """A database of landscapes, by its file."""

    def __init__(self, path: str | os.PathLike[str] = DATABASE, mode: str = "create") -> None:
        self.path = os.fspath(path)

    def close(self) -> None:
        """Closes the file in this process."""
        _native.close(self.path)

    def __repr__(self) -> str:
        return f"LandscapeStorage({self.path!r})"


class _Task:
    """A network, its data and its loss, as the writer's methods are given them."""

    def __init__(
        self,
        model: Any,
        data: Any,
        loss: Any,
        *,
        regularizer: Callable[[Any], Any] | None = None,
        regularizer_weight: float = 1.0,
        custom_loss_fn: Callable[[Any, Any, Any], Any] | None = None,
        model_mode: str = "eval",
        max_batches: int | None = None,
        pre_batch_hook: Callable[[Any], Any] | None = None,
        post_batch_hook: Callable[[Any, Any, Any], Any] | None = None,
    ) -> None:
        if model_mode not in _STATISTICS:
            raise InputError(f"`{model_mode}` is not a mode of a network", "model_mode", "give 'eval' or 'train'")
        if data is None:
            raise InputError("there are no data", "data_loader", "give a loader")
        self.model, self.statistics = model, _STATISTICS[model_mode]
        self.samples = _read(data, max_batches, pre_batch_hook)
        self.loss = _loss(loss, custom_loss_fn, post_batch_hook, regularizer, regularizer_weight)

    def arguments(self) -> dict[str, Any]:
        """The first arguments of all functions."""
        return {"model": self.model, "data": self.samples, "loss": self.loss}


def _read(data: Any, max_batches: int | None, hook: Callable[[Any], Any] | None) -> Samples:
    if hook is None:
        return samples_of(data, max_batches)

    def hooked() -> Iterator[Any]:
        for batch in data:
            yield hook(batch)

    return samples_of(hooked(), max_batches)


def _loss(loss: Any, custom: Any, hook: Any, regularizer: Any, weight: float) -> Any:
    """The loss that is meant: of outputs and targets, or of the network, its inputs and the targets."""
    if custom is not None:
        loss = custom
    if hook is not None:
        loss = lambda model, x, y: hook(_torch.output_of(model(x)), x, y)  # noqa: E731
    if regularizer is None:
        return loss
    if isinstance(loss, str):
        known = _torch.function_of(loss)
        data_loss = lambda model, x, y: known(_torch.output_of(model(x)), y).mean()  # noqa: E731
    elif _torch.takes_model(loss):
        data_loss = loss
    else:
        data_loss = lambda model, x, y: loss(_torch.output_of(model(x)), y)  # noqa: E731
    return lambda model, x, y: data_loss(model, x, y) + weight * regularizer(model)


def _directions(given: Any, model: Any) -> Directions | None:
    """Directions as dictionaries: these as they are, or flat tensors over the parameters in their order."""
    if given is None:
        return None
    return [one if isinstance(one, dict) else _unflat(one, model) for one in given]


def _unflat(flat: Any, model: Any) -> dict[str, np.ndarray]:
    from ._arrays import as_numpy

    values, start, named = as_numpy(flat, "a direction").reshape(-1), 0, {}
    count = sum(parameter.numel() for parameter in model.parameters())
    if count != len(values):
        raise InputError(
            f"a direction has {len(values)} values, and the network {count} parameters",
            "directions",
            "give a dictionary of arrays by the names of the parameters, or one tensor of all",
        )
    for name, parameter in model.named_parameters():
        size = parameter.numel()
        named[name] = values[start : start + size].reshape(tuple(parameter.shape))
        start += size
    return named


def _unused(name: str, db: str) -> str:
    """A name that no run of a database has yet: a later writer in the same folder records another training."""
    taken = {run["name"] for run in runs(db)} if os.path.exists(db) else set()
    return next(one for one in (name, *(f"{name}-{place}" for place in range(2, 10**6))) if one not in taken)


class LossLandscapeWriter:
    """Keeps all of an experiment in a folder: ``landscape.duckdb``, and ``landscape.json`` when it is closed.

    >>> with loss_landscape.LossLandscapeWriter("runs/exp1") as writer:  # doctest: +SKIP
    ...     for epoch in range(10):
    ...         train_loss = train_one_epoch(model)
    ...         writer.record_checkpoint(model, epoch, train_loss=train_loss)
    ...     writer.build_trajectory(model, loader, loss_fn)
    ...     writer.sample_landscape(model, loader, loss_fn, grid_size=50)

    A loss is a function of ``(model, inputs, targets)``, or of ``(outputs, targets)``, or one of PyTorch's.

    Args:
        log_dir: the folder; it is made.
        seed: of random directions. The generators of PyTorch and NumPy are left as they are.
        auto_export: whether `close` writes ``landscape.json``.
    """

    def __init__(self, log_dir: str | os.PathLike[str], seed: int | None = 42, auto_export: bool = True) -> None:
        self.log_dir = os.fspath(log_dir)
        os.makedirs(self.log_dir, exist_ok=True)
        self.seed = secrets.randbits(32) if seed is None else int(seed)
        self.auto_export = auto_export
        self.storage = LandscapeStorage(os.path.join(self.log_dir, DATABASE))
        self._directions: Directions | None = None
        self._recorder: Recorder | None = None
        self._checkpoints = 0
        self._landscapes: dict[str, Landscape] = {}
        self._trajectory: Trajectory | None = None
        self._curvature: Curvature | None = None
        self._val_losses: list[float | None] = []

    def sample_landscape(
        self,
        model: Any,
        data_loader: Any = None,
        loss_fn: Any = None,
        *,
        mode: str = "2d",
        grid_size: int = 50,
        range_scale: float = 0.1,
        directions: Any = None,
        direction_mode: str = "random",
        regularizer: Callable[[Any], Any] | None = None,
        regularizer_weight: float = 1.0,
        custom_loss_fn: Callable[[Any, Any, Any], Any] | None = None,
        model_mode: str = "eval",
        max_batches: int | None = 10,
        pre_batch_hook: Callable[[Any], Any] | None = None,
        post_batch_hook: Callable[[Any, Any, Any], Any] | None = None,
        verbose: bool = True,
    ) -> Landscape:
        """Samples the loss on a line, a plane or in a volume around a network.

        Args:
            mode: ``"1d"``, ``"2d"`` or ``"3d"``.
            grid_size: points on each axis.
            range_scale: how far from the network, in units of the directions; filter by filter these are as long as the weights, so that
                0.1 is a tenth of them.
            directions: those of `get_directions`, or others; they go before `direction_mode`.
            direction_mode: ``"random"``, or ``"pca"`` of the checkpoints that were recorded.
            regularizer, regularizer_weight: a function of the network that is added to the loss.
            custom_loss_fn: a loss of ``(model, inputs, targets)`` in the place of `loss_fn`.
            model_mode: ``"eval"``, or ``"train"``: normalisation by the statistics of all samples. Dropout does nothing either way.
            max_batches: how many batches are read, once; all for ``None``.
            pre_batch_hook: changes each batch when it is read.
            post_batch_hook: the loss of ``(outputs, inputs, targets)``.
        """
        if mode not in _SAMPLED:
            raise InputError(f"`{mode}` is not a mode", "mode", "give '1d', '2d' or '3d'")
        task = _Task(
            model,
            data_loader,
            loss_fn,
            regularizer=regularizer,
            regularizer_weight=regularizer_weight,
            custom_loss_fn=custom_loss_fn,
            model_mode=model_mode,
            max_batches=max_batches,
            pre_batch_hook=pre_batch_hook,
            post_batch_hook=post_batch_hook,
        )
        dims = int(mode[0])
        chosen = _directions(directions, model)
        if chosen is None and direction_mode == "pca":
            chosen = self._components(task, dims)
        elif chosen is None and direction_mode != "random":
            raise InputError(f"`{direction_mode}` is not a kind of direction", "direction_mode", "give 'random' or 'pca'")
        found = _SAMPLED[mode](
            **task.arguments(),
            grid=grid_size,
            range=range_scale,
            directions=None if chosen is None else chosen[:dims],
            seed=self.seed,
            batch_norm=task.statistics,
            db=self.storage.path,
            progress=None if verbose else False,
        )
        self._directions = found.directions()
        self._landscapes[mode] = found
        return found

    def _components(self, task: _Task, dims: int) -> Directions:
        if self._checkpoints < 2:
            raise InputError(
                f"{self._checkpoints or 'no'} checkpoint is recorded, and principal components need two or more",
                "direction_mode",
                "call record_checkpoint first, or use direction_mode='random'",
            )
        path = self._project(task, max(2, dims), None)
        stored = _native.directions(path.db, path.run)
        from ._arrays import tensors

        return [tensors(one) for one in stored]

    def record_checkpoint(
        self, model: Any, epoch: float, train_loss: float | None = None, val_loss: float | None = None, lr: float | None = None
    ) -> None:
        """Keeps the parameters of a network, and its loss, for `build_trajectory`."""
        if self._recorder is None:
            name = _unused("training", self.storage.path)
            self._recorder = Recorder(self.storage.path, name=name, settings={"seed": self.seed})
        self._recorder.push(self._checkpoints, model, epoch=float(epoch), batch_loss=train_loss, lr=lr)
        self._val_losses.append(val_loss)
        self._checkpoints += 1

    def build_trajectory(
        self,
        model: Any,
        data_loader: Any,
        loss_fn: Any = None,
        *,
        mode: str = "pca",
        directions: Any = None,
        grid_size: int | None = None,
        max_batches: int | None = 10,
        verbose: bool = True,
        **loss_options: Any,
    ) -> Trajectory | dict[str, np.ndarray]:
        """Projects the checkpoints that were recorded.

        Args:
            mode: ``"pca"``: on the plane of their principal components, with their losses; ``"fixed"``: on `directions`, or on those that
                were sampled last, which gives coordinates.
            directions: for ``"fixed"``.
            grid_size: of ``"pca"``: points of the plane around the path, which is sampled where they are given.
            loss_options: as of `sample_landscape`.
        """
        if self._recorder is None:
            raise InputError("no checkpoint is recorded", "build_trajectory", "call record_checkpoint first")
        if mode == "fixed":
            return self._fixed(_directions(directions, model) or self._directions)
        if mode != "pca":
            raise InputError(f"`{mode}` is not a mode of trajectories", "mode", "give 'pca' or 'fixed'")
        task = _Task(model, data_loader, loss_fn, max_batches=max_batches, **loss_options)
        self._trajectory = self._project(task, 2, grid_size, verbose)
        return self._trajectory

    def _project(self, task: _Task, components: int, grid: int | None, verbose: bool = False) -> Trajectory:
        assert self._recorder is not None
        self._recorder.flush()
        return trajectory(
            self._recorder.name,
            **task.arguments(),
            grid=grid,
            components=components,
            batch_norm=task.statistics,
            db=self.storage.path,
            progress=None if verbose else False,
        )

    def _fixed(self, directions: Directions | None) -> dict[str, np.ndarray]:
        if directions is None:
            raise InputError("there are no directions", "directions", "sample a landscape first, or give some")
        assert self._recorder is not None
        self._recorder.flush()
        path, name = self.storage.path, self._recorder.name
        from ._arrays import tensors

        states = [tensors(_native.checkpoint(path, name, step)[1]) for step in range(self._checkpoints)]
        names = [key for key in directions[0] if all(key in state for state in states)]
        flat = lambda one: np.concatenate([one[key].ravel() for key in names]).astype(np.float64)  # noqa: E731
        basis = np.stack([flat(one) for one in directions], axis=1)
        moved = np.stack([flat(state) - flat(states[-1]) for state in states], axis=1)
        coordinates, *_ = np.linalg.lstsq(basis, moved, rcond=None)
        return {f"traj_{axis}": row for axis, row in enumerate(coordinates, start=1)}

    def get_directions(self) -> Directions | None:
        """The directions of the landscape that was sampled last, for another writer; ``None`` before."""
        return self._directions

    def export(self, output_path: str | os.PathLike[str] | None = None) -> str:
        """Writes what was found to one JSON file, which ``landscape import`` and `json` read; gives the file."""
        path = os.path.join(self.log_dir, EXPORTED) if output_path is None else os.fspath(output_path)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(_finite(self._exported()), file)
        return path

    def _exported(self) -> dict[str, Any]:
        found: dict[str, Any] = {"mode": "+".join(self._landscapes)}
        shown = self._landscapes.get("2d") or next(iter(self._landscapes.values()), None)
        if shown is not None:
            axes = [{"name": name, "values": axis.tolist()} for name, axis in zip(("alpha", "beta", "gamma"), shown.axes)]
            found |= {"schema": 1, "axes": axes, "loss": shown.loss.tolist()}
            for name in ("loss_se", "accuracy"):
                values = getattr(shown, name)
                found |= {} if values is None else {name: values.tolist()}
        for mode, landscape in self._landscapes.items():
            found |= _grids(mode, landscape)
        if self._trajectory is not None:
            found["trajectory_data"] = self._path(self._trajectory)
        if self._curvature is not None:
            found["hessian"] = _curvature(self._curvature)
        return found

    def _path(self, path: Trajectory) -> dict[str, Any]:
        records = json.loads(_native.records(self.storage.path, self._recorder.name)) if self._recorder else []
        return {
            "traj_1": path.x.tolist(),
            "traj_2": path.y.tolist(),
            "epochs": [record["epoch"] for record in records],
            "losses": path.loss.tolist(),
            "train_losses": [record["batch_loss"] for record in records],
            "val_losses": self._val_losses,
        }

    def close(self) -> None:
        """Stores what waits, and writes ``landscape.json`` unless that was declined."""
        if self._recorder is not None:
            self._recorder.finish()
        if self.auto_export and (self._landscapes or self._trajectory):
            self.export()
        self.storage.close()

    def __enter__(self) -> LossLandscapeWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _grids(mode: str, found: Landscape) -> dict[str, Any]:
    """A landscape under the names that the pages of other tools read."""
    if mode == "1d":
        return {
            "X_1d": found.axes[0].tolist(),
            "loss_line_1d": found.loss.tolist(),
            "baseline_loss_1d": found.center,
            "grid_size_1d": len(found.axes[0]),
        }
    if mode == "2d":
        x, y = np.meshgrid(found.axes[0], found.axes[1], indexing="ij")
        grids = {"X": x.tolist(), "Y": y.tolist(), "loss_grid_2d": found.loss.tolist()}
        return grids | {"baseline_loss": found.center, "grid_size": len(found.axes[0])}
    axes = {f"volume_{name}": axis.tolist() for name, axis in zip("xyz", found.axes, strict=True)}
    return axes | {"loss_grid_3d": found.loss.tolist()}


def _curvature(found: Curvature) -> dict[str, Any]:
    values = found.eigenvalues.tolist()
    return {"max_eigenvalue": values[:1], "trace": [found.trace], "top_eigenvalues": [values]}


def _finite(value: Any) -> Any:
    """Numbers that JSON lacks as words."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    if isinstance(value, float) and not np.isfinite(value):
        return "NaN" if value != value else ("inf" if value > 0 else "-inf")
    return value


Writer = LossLandscapeWriter


def sample_landscape(
    model: Any,
    data_loader: Any,
    loss_fn: Any = None,
    output_path: str | os.PathLike[str] = EXPORTED,
    *,
    mode: str = "2d",
    grid_size: int = 50,
    range_scale: float = 0.1,
    seed: int = 42,
    verbose: bool = True,
    **options: Any,
) -> str:
    """A landscape in one line: sampled, and written to a JSON file, with the database beside it. Gives the file.

    >>> loss_landscape.sample_landscape(model, loader, loss_fn, "landscape.json")  # doctest: +SKIP
    """
    folder = os.path.dirname(os.path.abspath(os.fspath(output_path)))
    writer = LossLandscapeWriter(folder, seed=seed, auto_export=False)
    given: dict[str, Any] = {"mode": mode, "grid_size": grid_size, "range_scale": range_scale, "verbose": verbose}
    writer.sample_landscape(model, data_loader, loss_fn, **given, **options)
    path = writer.export(output_path)
    writer.close()
    return path


class Explorer:
    """A network, its loss and its data, to be looked at from several sides.

    >>> with loss_landscape.Explorer(model, loss_fn, loader, storage=loss_landscape.LandscapeStorage("a.duckdb")) as explorer:  # doctest: +SKIP
    ...     explorer.build_surface(grid_size=50, range_scale=0.1)
    ...     explorer.compute_hessian_metrics()

    Args:
        model, loss_fn, data_loader: as of `LossLandscapeWriter.sample_landscape`; ``options`` too.
        storage: where results are kept; ``landscape.duckdb`` unless given.
        seed: of random directions.
    """

    def __init__(
        self,
        model: Any,
        loss_fn: Any,
        data_loader: Any,
        storage: LandscapeStorage | None = None,
        *,
        seed: int = 42,
        max_batches: int | None = None,
        **options: Any,
    ) -> None:
        self.storage = storage or LandscapeStorage()
        self._task = _Task(model, data_loader, loss_fn, max_batches=max_batches, **options)
        self._seed = seed

    def _build(self, mode: str, grid_size: int, range_scale: float, directions: Any, verbose: bool) -> Landscape:
        return _SAMPLED[mode](
            **self._task.arguments(),
            grid=grid_size,
            range=range_scale,
            directions=_directions(directions, self._task.model),
            seed=self._seed,
            batch_norm=self._task.statistics,
            db=self.storage.path,
            progress=None if verbose else False,
        )

    def build_line(self, grid_size: int = 50, range_scale: float = 0.1, direction: Any = None, verbose: bool = True) -> Landscape:
        """Samples a line."""
        return self._build("1d", grid_size, range_scale, None if direction is None else [direction], verbose)

    def build_surface(self, grid_size: int = 50, range_scale: float = 0.1, directions: Any = None, verbose: bool = True) -> Landscape:
        """Samples a plane."""
        return self._build("2d", grid_size, range_scale, directions, verbose)

    def build_volume(self, grid_size: int = 15, range_scale: float = 0.1, directions: Any = None, verbose: bool = True) -> Landscape:
        """Samples a volume."""
        return self._build("3d", grid_size, range_scale, directions, verbose)

    def compute_hessian_metrics(self, top_k: int = 5, trace: bool = True, verbose: bool = True) -> Metrics:
        """The largest eigenvalues and the trace, exactly differentiated: ``max_eigenvalue``, ``eigenvalues``, ``residuals``, ``trace``,
        ``trace_se``."""
        found = hessian(
            **self._task.arguments(), top=top_k, trace=trace, db=self.storage.path, progress=None if verbose else False
        )
        values: dict[str, Any] = {
            "max_eigenvalue": float(found.eigenvalues[0]),
            "eigenvalues": found.eigenvalues.tolist(),
            "residuals": found.residuals.tolist(),
            "trace": found.trace,
            "trace_se": found.trace_se,
        }
        return Metrics(values, str(found))

    def close(self) -> None:
        """Closes the database in this process."""
        self.storage.close()

    def __enter__(self) -> Explorer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
