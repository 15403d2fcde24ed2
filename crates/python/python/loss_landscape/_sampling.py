"""Lines, planes and volumes, and trainings."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from . import _native, _torch
from ._data import Samples, samples_of
from ._errors import InputError
from ._function import Function, key_of, measured, takes_params
from ._identity import fingerprint
from ._problem import Problem, save_directions, with_kernels
from ._requests import (
    coded,
    decoded,
    evaluation_of,
    grid_of,
    keep_of,
    paths,
    selection_of,
    shard_database,
    shard_of,
    terms_of,
)
from ._results import KINDS, Landscape, Line, Result, Surface, Volume
from ._told import Told

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._options import SampleOptions

F = TypeVar("F", bound=Callable[..., Any])

_ARGUMENTS = """
    Args:
        model: a `torch.nn.Module`; the name of a network, as ``"mlp:2-8-4-1"`` or ``"resnet20"``; a file, ``net.pt2`` or ``net.onnx``;
            or any function of parameters, together with `params`.
        data: ``(inputs, targets)`` as arrays or tensors; a dictionary of inputs by name with ``labels``; a loader or a data set of
            PyTorch, which is read once, in order; or the name of data, as ``"moons"`` or ``"images.npz"``. A function is given them as
            its second argument, as they are.
        loss: ``"cross-entropy"``, ``"mse"``, ``"bce-with-logits"``, ``"bce"``; one of PyTorch's losses; or any function of outputs
            and targets. Where it is absent, the one that the targets suggest.
        grid: points on each axis, one number or one for each, as in ``(51, 31)``; 51 unless given, 41 towards other networks.
        range: ``(-1, 1)``, one number for both ends, or a pair for each axis; -1 to 1 unless given.
        direction: ``"random"``, ``"pca"`` (of the path of `run`), ``"hessian"``, ``"hessian:top,bottom"``, ``"gradient"``, or a file.
        directions: directions of one's own, each a dictionary of arrays by the names of the parameters; used as they are.
        to: other networks of the same kind, at the coordinate 1 of the first axes: modules, state dictionaries, or files.
        norm: ``"filter"``, ``"layer"``, ``"weight"``, ``"dfilter"``, ``"dlayer"``, ``"model"`` or ``"none"``; filter by filter for
            random directions unless given.
        bias: how tensors of one dimension move: ``"zero"`` (not at all), ``"layer"``, ``"raw"``, ``"copy"``.
        orthogonal: whether directions are made orthogonal, after they are normalised.
        distribution: of random directions: ``"gaussian"``, ``"uniform"``, ``"rademacher"``.
        seed: of random directions, and of the parameters of a named network where there are none.
        select: which parameters move, by patterns of the names of tensors or of modules, one or several: ``"fc1"``,
            ``["layer1", "!*.bias"]`` (``!`` takes out), ``"trainable"`` for those whose ``requires_grad`` is set; the rest stay
            as they are. The command has it as ``--params``.
        weights: a file of parameters of a named network.
        run, step: a stored training, whose network, data and loss are used, and which of its checkpoints.
        split, samples, data_dir: of named data: ``"train"`` or ``"test"``, the first so many, the folder of their files.
        max_batches: how many batches of a loader are read; all unless given.
        batch_norm: ``"frozen"`` (running statistics), ``"batch"``, or ``"reestimate"``.
        l1, l2: weights of regularisers, which are stored beside the loss.
        precision: ``"f32"``, or ``"bf16"``, which is faster where the processor has it.
        adaptive: measure only where interpolation errs by more than this share of the range of losses, as 0.01.
        shard: ``(k, n)``: only every n-th point from the k-th on, into a database of its own; see `merge`.
        how: ``"auto"``: the own kernels where they know the network, else the network is called as it is; ``"kernels"`` or
            ``"callable"`` for one of them alone.
        params: of a function: its parameters, a dictionary of arrays, which may hold dictionaries and lists.
        vectorized: whether a function takes several points at once: its arrays then have one more axis in front. A number bounds
            how many.
        key: what tells a function from others, so that its stored points are found again; found out from its code unless given.
        device: ``"cpu"``, or another one that this build has; several share the points.
        threads: of the CPU; all cores unless given.
        batch: points in a batch, the least that is stored at a time; it adapts to the speed unless given.
        db: the database, ``landscape.duckdb`` unless given.
        name: the name of the run; made up unless given. The same call continues the stored run, and never computes a point twice.
        replace: whether it takes the place of another stored run of that name.
        progress: whether a bar is shown where tqdm is installed.

    Returns:
        The landscape, with ``loss``, ``loss_se`` and ``accuracy`` as arrays, ``plot()``, ``show()``, ``metrics()``, ``save(path)``.

    Raises:
        InputError: for what cannot work; nothing is stored then.
        KeyboardInterrupt: after Ctrl-C, once the batch is stored; the same call continues.
"""


def _sample(
    dims: int,
    model: Any,
    data: Any,
    loss: Any,
    *,
    grid: Any = None,
    range: Any = None,
    direction: str = "random",
    directions: Any = None,
    to: Any = (),
    norm: str | None = None,
    bias: str = "zero",
    orthogonal: bool = False,
    distribution: str = "gaussian",
    seed: int = 42,
    select: Any = None,
    weights: Any = None,
    run: str | None = None,
    step: int | None = None,
    split: str | None = None,
    samples: int | None = None,
    data_dir: Any = None,
    max_batches: int | None = None,
    batch_norm: str = "frozen",
    l1: float | None = None,
    l2: float | None = None,
    precision: str = "f32",
    adaptive: float | None = None,
    shard: Any = None,
    how: str = "auto",
    params: Any = None,
    vectorized: bool | int = False,
    key: str | None = None,
    device: Any = None,
    threads: int | None = None,
    batch: int = 0,
    db: Any = None,
    name: str | None = None,
    replace: bool = False,
    progress: bool | None = None,
) -> Landscape:
    path, told = shard_database(db, shard), Told(progress)
    # What is the same of networks and functions.
    shared = {
        "dims": dims,
        "grid": grid_of(grid, range),
        "adaptive": None if adaptive is None else {"tolerance": adaptive},
        "shard": shard_of(shard),
        "rounds": None if shard is None else shard_database(None, None),
        "batch": batch,
        "keep": keep_of(name, replace),
    }
    plane: dict[str, Any] = {"direction": direction, "norm": norm, "bias": bias, "orthogonal": orthogonal, "distribution": distribution, "seed": seed}
    others = [to] if _is_one(to) else list(to)

    if params is not None:
        _only_for_networks(weights=weights, run=run, to=others or None, batch_norm=None if batch_norm == "frozen" else batch_norm)
        shared["terms"] = terms_of(l1, l2)
        shared["selection"] = selection_of(select)
        asked: dict[str, Any] = {"vectorized": 64 if vectorized is True else int(vectorized), "key": key}
        return _of_function(model, data, params, shared, plane, directions, path, told, loss=loss, **asked)

    named = {"split": split, "samples": samples, "data_dir": data_dir, "max_batches": max_batches}
    with Problem(model, data, loss, weights=weights, run=run, step=step, **named) as problem:

        def kernels() -> Landscape:
            own = dict(plane)
            if directions is not None:
                own["direction"] = problem.save_directions(directions)
            own["to"] = [problem.save_params(other, f"network-{place}") for place, other in enumerate(others, start=2)]
            request = shared | {
                "network": problem.network() | {"params": selection_of(select)},
                "data": problem.data_request(),
                "plane": own,
                "statistics": batch_norm,
                "terms": terms_of(l1, l2),
                "precision": precision,
                "evaluation": evaluation_of(device, threads),
            }
            found = _native.landscape(coded(request), problem.native_data(), problem.name(), path, told)
            return KINDS[dims](found, path, problem.hows(found["runs"]))

        def called(why: str) -> Landscape:
            _only_for_kernels(to=others or None)
            given = shared | {"terms": terms_of(l1, l2), "statistics": batch_norm, "selection": selection_of(select)}
            return _of_module(problem, given, plane, directions, path, told, key, why)

        return with_kernels(how, kernels, called if problem.is_torch else None)


def _documented(function: F) -> F:
    """With all arguments in its words and in its signature."""
    doc = inspect.getdoc(function) or ""
    function.__doc__ = doc + "\n\n" + inspect.cleandoc(_ARGUMENTS) + "\n"
    own = inspect.signature(_sample)
    first = [one.replace(default=None) for one in own.parameters.values() if one.name in ("model", "data", "loss")]
    rest = [one for one in own.parameters.values() if one.kind is one.KEYWORD_ONLY]
    returned = inspect.signature(function).return_annotation
    function.__signature__ = inspect.Signature([*first, *rest], return_annotation=returned)  # type: ignore[attr-defined]
    return function


@_documented
def line(model: Any = None, data: Any = None, loss: Any = None, **options: Unpack[SampleOptions]) -> Line:
    """Samples the loss on a line through parameter space."""
    return _sample(1, model, data, loss, **options)  # type: ignore[return-value]


@_documented
def surface(model: Any = None, data: Any = None, loss: Any = None, **options: Unpack[SampleOptions]) -> Surface:
    """Samples the loss on a plane through parameter space.

    >>> import loss_landscape
    >>> plane = loss_landscape.surface("mlp:2-8-1", "moons", grid=5, db="doc.duckdb", progress=False)
    >>> plane.loss.shape
    (5, 5)
    """
    return _sample(2, model, data, loss, **options)  # type: ignore[return-value]


@_documented
def volume(model: Any = None, data: Any = None, loss: Any = None, **options: Unpack[SampleOptions]) -> Volume:
    """Samples the loss in a volume of parameter space."""
    return _sample(3, model, data, loss, **options)  # type: ignore[return-value]


def _is_one(to: Any) -> bool:
    """Whether it is one network, and not several."""
    return _torch.is_module(to) or isinstance(to, (str, dict)) or hasattr(to, "__fspath__")


def _only_for_networks(**given: Any) -> None:
    for name, value in given.items():
        if value is not None:
            raise InputError(f"{name} has no effect here: a function is given its parameters", name, "leave it out")


def _only_for_kernels(**given: Any) -> None:
    for name, value in given.items():
        if value is not None:
            raise InputError(
                f"{name} works with the own kernels alone, and the network is called as it is", name,
                "leave it out, or give what the other network's parameters differ by as directions"
            )


def _of_function(
    function: Any,
    data: Any,
    params: Any,
    shared: dict[str, Any],
    plane: dict[str, Any],
    directions: Any,
    db: str,
    told: Told,
    *,
    loss: Any,
    vectorized: int,
    key: str | None,
) -> Landscape:
    """A landscape of any function of parameters."""
    if not takes_params(function):
        raise InputError("a function of parameters is needed where params are given", "model", "give a function, or leave params out")
    if loss is not None:
        raise InputError("loss has no effect here: the function gives it", "loss", "leave it out")
    called = Function(function, params, data=data, vectorized=vectorized)
    digest = None if data is None else _digest(data)
    request = shared | {"function": key_of(function, key), "data": digest, "plane": plane}
    reason = "a function that is called with the parameters of each point"
    return _run_function(request, called, called.params, called.at_once(), directions, db, told, f"callable: {reason}")


def _digest(data: Any) -> dict[str, Any] | None:
    """What tells data from others; what cannot be told is part of the function."""
    try:
        found: Samples = samples_of(data)
        return {"sha256": found.digest(), "samples": len(found)}
    except InputError:
        return None


class _Module:
    """A network of PyTorch that is called at one point after the other."""

    def __init__(self, problem: Problem, statistics: str) -> None:
        model, samples = problem.model, problem.samples
        assert samples is not None
        found, _ = _torch.params_of(model)
        self.params = _torch.native_params(model)
        self._shapes = {name: value.shape for name, value in found.items()}
        self._called = _torch.Called(model, samples, problem.loss, statistics)

    def __call__(self, values: Any, count: int) -> tuple[list[float], list[float] | None, list[float] | None]:
        rows = np.frombuffer(values, dtype=np.float32).reshape(count, -1)
        results = [measured(self._called(self._named(row))) for row in rows]
        losses, errors, accuracies = zip(*results, strict=True)
        whole = lambda all_: None if any(one is None for one in all_) else list(all_)  # noqa: E731
        return list(losses), whole(errors), whole(accuracies)

    def _named(self, row: np.ndarray) -> dict[str, np.ndarray]:
        named, start = {}, 0
        for name, shape in self._shapes.items():
            size = int(np.prod(shape, dtype=np.int64))
            named[name] = row[start : start + size].reshape(shape)
            start += size
        return named


def _of_module(
    problem: Problem,
    shared: dict[str, Any],
    plane: dict[str, Any],
    directions: Any,
    db: str,
    told: Told,
    key: str | None,
    why: str,
) -> Landscape:
    """A landscape of a network of PyTorch that is called as it is."""
    module = _Module(problem, shared["statistics"])
    loss = _torch.loss_name(problem.loss)
    assert problem.samples is not None
    data = {"sha256": problem.samples.digest(), "samples": len(problem.samples)}
    frozen = [name for name, value in problem.model.named_parameters() if not value.requires_grad]
    request = shared | {"function": _module_key(problem, loss, key), "loss": loss, "data": data, "plane": plane, "frozen": frozen}
    return _run_function(request, module, module.params, 1, directions, db, told, f"callable: {why}")


def _module_key(problem: Problem, loss: str | None, key: str | None) -> str:
    """What tells a network of PyTorch and its loss from others: the code of their parts, and all that these hold."""
    name = type(problem.model).__name__
    if key is not None:
        return f"{name} {key}"
    own = problem.loss if loss is None else loss
    found = fingerprint([_torch.told(problem.model), _torch.told(own) if _torch.is_module(own) else own])
    if found is None:
        return key_of(type(problem.model), None)
    return f"{name} {found}"


def _run_function(
    request: dict[str, Any],
    function: Any,
    params: Any,
    at_once: int,
    directions: Any,
    db: str,
    told: Told,
    how: str,
) -> Landscape:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="loss-landscape-") as folder:
        if directions is not None:
            path = save_directions(directions, folder) if not _is_path(directions) else directions
            request = request | {"plane": request["plane"] | {"direction": path}}
        found = _native.function(coded(request), params, function, at_once, db, told)
    return KINDS[request["dims"]](found, db, how)


def _is_path(value: Any) -> bool:
    return isinstance(value, str) or hasattr(value, "__fspath__")


def train(
    model: Any,
    data: Any,
    loss: str | None = None,
    *,
    epochs: int = 10,
    optimizer: str = "sgd",
    lr: float | None = None,
    momentum: float | None = None,
    weight_decay: float | None = None,
    schedule: str | None = None,
    batch_size: int | None = None,
    seed: int = 42,
    every: int | None = None,
    weights: Any = None,
    samples: int | None = None,
    data_dir: Any = None,
    form: str = "f32",
    db: Any = None,
    name: str | None = None,
    replace: bool = False,
    progress: bool | None = None,
) -> Result:
    """Trains a named network, or the program of a file, and records its path: for lessons and comparisons.

    A network of PyTorch is trained by PyTorch; `Recorder` records that.

    Args:
        model, data, loss, weights, samples, data_dir, db, name, replace, progress: see `surface`.
        epochs: passes over the data.
        optimizer: ``"sgd"``, ``"momentum"``, ``"nesterov"``, ``"adam"``, ``"adamw"``.
        lr, momentum, weight_decay, schedule, batch_size: of the optimiser; as usual unless given.
        seed: of the initial parameters, and of the order of the samples.
        every: steps from one record to the next; one an epoch unless given.
        form: of the checkpoints: ``"raw"``, ``"f32"`` (exact), ``"f16"`` (rounded differences).

    Returns:
        The training run; ``surface(run=...)`` and ``trajectory(...)`` go on from it.
    """
    if _torch.is_module(model):
        raise InputError("a network of PyTorch is trained by PyTorch", "model", "record its training with Recorder")
    told = Told(progress)
    config = {
        "epochs": epochs,
        "optimizer": optimizer,
        "lr": lr,
        "momentum": momentum,
        "weight_decay": weight_decay,
        "schedule": schedule,
        "batch": batch_size,
        "seed": seed,
        "every": every,
    }
    with Problem(model, data, loss, samples=samples, data_dir=data_dir) as problem:
        request = {
            "model": problem.network()["model"],
            "weights": None if weights is None else paths(weights)[0],
            "data": problem.data_request(),
            "config": {key: value for key, value in config.items() if value is not None},
            "device": "cpu",
            "form": form,
            "keep": keep_of(name, replace),
        }
        path = shard_database(db, None)
        found, words = _native.train(coded(request), problem.native_data(), path, told)
    summary = decoded(found)
    return Result(summary["run"], path, summary, words)
