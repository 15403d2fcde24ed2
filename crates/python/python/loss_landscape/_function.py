"""Any function of parameters, given them as NumPy arrays, or as the tensors that they came as."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _native
from ._arrays import as_numpy, is_tensor, named, torch_module
from ._errors import InputError
from ._identity import fingerprint
from ._told import log


@dataclass
class Leaf:
    """One array of the parameters."""

    name: str
    shape: tuple[int, ...]
    #: Where it is in the parameters that were given.
    path: tuple[Any, ...]
    #: Whether it goes back as a tensor of PyTorch.
    is_tensor: bool


class Function:
    """A function with the parameters that it is called with."""

    def __init__(self, function: Callable[..., Any], params: Any, *, data: Any = None, vectorized: int = 0) -> None:
        self._function, self._given, self._data = function, params, data
        self._many = vectorized
        self._leaves: list[Leaf] = []
        arrays: list[np.ndarray] = []
        self._collect(params, (), arrays)
        if not arrays:
            raise InputError("there are no parameters", "params", "give a dictionary of arrays")
        self._sizes = [array.size for array in arrays]
        self._total = sum(self._sizes)
        tensors = [named(leaf.name, array) for leaf, array in zip(self._leaves, arrays, strict=True)]
        self.params = _native.Params(tensors, [])

    def _collect(self, value: Any, path: tuple[Any, ...], arrays: list[np.ndarray]) -> None:
        if isinstance(value, Mapping):
            for key, one in value.items():
                self._collect(one, (*path, key), arrays)
        elif isinstance(value, (list, tuple)) and value and not all(isinstance(one, (int, float)) for one in value):
            for place, one in enumerate(value):
                self._collect(one, (*path, place), arrays)
        else:
            name = ".".join(map(str, path)) or "params"
            array = as_numpy(value, f"parameter `{name}`")
            if array.dtype.kind != "f":
                raise InputError(
                    f"parameter `{name}` has values of the type {array.dtype}", name, "give floats; leave out what does not move"
                )
            array = array.astype(np.float32, copy=False)
            if not np.isfinite(array).all():
                raise InputError(f"parameter `{name}` is not finite", name, "give finite parameters")
            self._leaves.append(Leaf(name, array.shape, path, is_tensor(value)))
            arrays.append(array)

    def at_once(self) -> int:
        """Points that it takes together."""
        return max(1, self._many)

    def __call__(self, values: Any, count: int) -> tuple[list[float], list[float] | None, list[float] | None]:
        """Losses, standard errors and accuracies at points whose parameters are given in a row."""
        rows = np.frombuffer(values, dtype=np.float32).reshape(count, self._total)
        if self._many:
            results = _split(self._call(self._rebuilt(rows, (count,))), count)
        else:
            results = [measured(self._call(self._rebuilt(row, ()))) for row in rows]
        losses, errors, accuracies = zip(*results, strict=True)
        return list(losses), _all_or_none(errors), _all_or_none(accuracies)

    def _call(self, params: Any) -> Any:
        return self._function(params) if self._data is None else self._function(params, self._data)

    def _rebuilt(self, values: np.ndarray, lead: tuple[int, ...]) -> Any:
        """The parameters in the form in which they were given."""
        ends = np.cumsum(self._sizes)[:-1]
        arrays = {}
        for leaf, part in zip(self._leaves, np.split(values, ends, axis=-1), strict=True):
            array = np.ascontiguousarray(part).reshape(lead + leaf.shape)
            arrays[leaf.path] = torch_module().from_numpy(array) if leaf.is_tensor else array
        return self._like(self._given, (), arrays)

    def _like(self, value: Any, path: tuple[Any, ...], arrays: dict[tuple[Any, ...], Any]) -> Any:
        if path in arrays:
            return arrays[path]
        if isinstance(value, Mapping):
            return {key: self._like(one, (*path, key), arrays) for key, one in value.items()}
        parts = [self._like(one, (*path, place), arrays) for place, one in enumerate(value)]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)


def _all_or_none(values: Any) -> list[float] | None:
    return None if any(value is None for value in values) else list(values)


Measured = tuple[float, "float | None", "float | None"]


def _parts(given: Any) -> tuple[Any, Any]:
    """Losses, and accuracies where there are some."""
    if isinstance(given, Mapping):
        if "loss" not in given:
            raise InputError("the function gave a dictionary without `loss`", "model", "return {'loss': ..., 'accuracy': ...}")
        return given["loss"], given.get("accuracy")
    if isinstance(given, tuple) and len(given) == 2:
        return given
    return given, None


def _numbers(value: Any) -> np.ndarray:
    return as_numpy(value, "what the function gave").astype(np.float64)


def measured(given: Any) -> Measured:
    """The mean of losses a sample and its standard error, or a loss, at one point."""
    loss, accuracy = _parts(given)
    share = None if accuracy is None else float(_numbers(accuracy).mean())
    return (*_mean(_numbers(loss)), share)


def _mean(losses: np.ndarray) -> tuple[float, float | None]:
    if losses.ndim > 1 and losses.size > 1:
        raise InputError(
            f"the function gave losses of the shape {list(losses.shape)} at one point",
            "model",
            "return one loss, or one for each sample; for several points at once say vectorized=True",
        )
    losses = losses.reshape(-1)
    if losses.size == 0:
        raise InputError("the function gave no losses", "model", "return one loss, or one for each sample")
    error = float(losses.std(ddof=1) / np.sqrt(losses.size)) if losses.size > 1 else None
    return float(losses.mean()), error


def _split(given: Any, count: int) -> list[Measured]:
    """The same of several points: `[points]`, or `[points, samples]`."""
    loss, accuracy = _parts(given)
    losses = np.atleast_1d(_numbers(loss))
    if len(losses) != count:
        raise InputError(
            f"the function gave losses of the shape {list(losses.shape)} for {count} points",
            "model",
            "return [points], or [points, samples]; without vectorized it is given one point at a time",
        )
    shares = [None] * count if accuracy is None else [float(np.mean(one)) for one in _numbers(accuracy)]
    return [(*_mean(one), share) for one, share in zip(losses, shares, strict=True)]


def key_of(function: Any, key: str | None) -> str:
    """What tells a function from others."""
    name = getattr(function, "__qualname__", type(function).__qualname__)
    if key is not None:
        return key
    found = fingerprint(function)
    if found is None:
        log.info(
            "what `%s` computes cannot be told from what it uses, so that its results are not found again; give key='...', and "
            "another one whenever it computes something else",
            name,
        )
        found = uuid.uuid4().hex
    return f"{name} {found}"


def takes_params(function: Any) -> bool:
    """Whether something can be called with parameters."""
    if not callable(function):
        return False
    try:
        return len(inspect.signature(function).parameters) > 0
    except (TypeError, ValueError):
        return True
