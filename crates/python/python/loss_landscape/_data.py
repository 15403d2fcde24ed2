"""Data of whatever kind: by name, as arrays, or from a loader, which is read once, in order."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import _native
from ._arrays import as_floats, as_numpy, is_tensor, named, refuse_nested, torch_module
from ._errors import InputError
from ._told import warn

#: The names that targets have in dictionaries.
TARGETS = ("labels", "label", "targets", "target", "y")
#: Samples in a batch of a data set that is read without a loader of its own.
BATCH = 256
#: What data are called that nobody named.
NAME = "arrays"


@dataclass
class Samples:
    """Samples in memory: inputs by name, each with the samples along axis 0, and targets."""

    inputs: dict[str, Any]
    targets: Any = None
    #: What the targets were called, where they had a name.
    target_name: str | None = None
    name: str = NAME
    #: Samples in a batch of the loader that they are from.
    batch: int | None = None
    _native: Any = field(default=None, repr=False)

    def __len__(self) -> int:
        first = next(iter(self.inputs.values()))
        return len(first) if first.ndim else 0

    def native(self, names: list[str] | None = None) -> Any:
        """As the compiled part has them: inputs in floats, labels as whole numbers. `names` rename the inputs."""
        if self._native is None or names is not None:
            own = names or list(self.inputs)
            inputs = [
                named(name, as_floats(value, f"input `{key}`"))
                for name, (key, value) in zip(own, self.inputs.items(), strict=True)
            ]
            self._native = _native.Data(self.name, inputs, **_targets(self.targets, len(self)))
        return self._native

    def digest(self) -> str:
        """SHA-256 of all numbers."""
        return self.native().digest()


def _targets(targets: Any, samples: int) -> dict[str, Any]:
    if targets is None:
        return {}
    array = as_numpy(targets, "the targets")
    if array.ndim == 0 or len(array) != samples:
        count = 1 if array.ndim == 0 else len(array)
        raise InputError(
            f"there are {samples} samples and {count} targets",
            "the targets",
            "give one target for each sample",
        )
    whole = array.dtype.kind in "iub"
    if whole and array.ndim == 1:
        labels = array.astype(np.int64, copy=False)
        return {"labels": named("y", labels)[2]}
    values = as_floats(array, "the targets")
    return {"values": (list(values.shape), named("y", values)[2])}


def samples_of(data: Any, max_batches: int | None = None) -> Samples:
    """Samples from arrays, tensors, dictionaries of these, a data set or a loader.

    Raises:
        InputError: for data of none of these kinds, for none at all, and for samples whose shapes differ.
    """
    if isinstance(data, Samples):
        return data
    if isinstance(data, Mapping):
        return _of_dict(data)
    if _is_array(data):
        return _checked(Samples({"x": data}))
    if isinstance(data, (tuple, list)) and _are_arrays(data):
        return _of_tuple(data)
    torch = torch_module()
    if torch is not None and _is_dataset(data, torch):
        data = torch.utils.data.DataLoader(data, batch_size=BATCH, shuffle=False)
    if isinstance(data, Iterable) and not isinstance(data, (str, bytes)):
        return _read(data, max_batches)
    raise InputError(
        f"data of the type {type(data).__name__} cannot be read",
        "data",
        "give (inputs, targets), a loader that yields them in batches, or the name of a data set or file",
    )


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) or is_tensor(value) or hasattr(value, "__array__")


def _are_arrays(parts: Any) -> bool:
    """Whether they are inputs and targets, and not batches of a list."""
    one = lambda part: _is_array(part) or part is None  # noqa: E731
    inputs = lambda part: isinstance(part, (tuple, list, Mapping)) and bool(part) and all(  # noqa: E731
        map(_is_array, part.values() if isinstance(part, Mapping) else part)
    )
    return len(parts) == 2 and (one(parts[0]) or inputs(parts[0])) and one(parts[1])


def _is_dataset(data: Any, torch: Any) -> bool:
    kinds = torch.utils.data
    return isinstance(data, kinds.Dataset) and not isinstance(data, kinds.IterableDataset)


def _of_tuple(parts: Any) -> Samples:
    """Inputs and targets: of several parts the last are the targets."""
    *inputs, targets = parts
    if len(inputs) == 1 and isinstance(inputs[0], Mapping):
        return _checked(Samples(dict(inputs[0]), targets))
    if len(inputs) == 1 and isinstance(inputs[0], (tuple, list)):
        inputs = list(inputs[0])
    names = ["x"] if len(inputs) == 1 else [f"x{place}" for place in range(len(inputs))]
    return _checked(Samples(dict(zip(names, inputs, strict=True)), targets))


def _of_dict(given: Mapping[str, Any]) -> Samples:
    target = next((name for name in TARGETS if name in given), None)
    inputs = {name: value for name, value in given.items() if name != target and value is not None}
    if not inputs:
        raise InputError(
            "a dictionary without inputs", "data", "give the inputs of the network by their names, and `labels`"
        )
    return _checked(Samples(inputs, None if target is None else given[target], target))


def _checked(samples: Samples) -> Samples:
    for name, value in samples.inputs.items():
        if not is_tensor(value):
            samples.inputs[name] = value = np.asarray(value)
        elif value.is_nested:
            refuse_nested(f"input `{name}`")
        if value.ndim == 0 or len(value) == 0:
            raise InputError(f"input `{name}` has no samples", name, "give at least one sample")
    counts = {name: len(value) for name, value in samples.inputs.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{count} of `{name}`" for name, count in counts.items())
        raise InputError(f"the inputs have different numbers of samples: {told}", "data", "give one of each for each sample")
    return samples


def _read(loader: Any, max_batches: int | None) -> Samples:
    """All batches of a loader, or the first ones, put together."""
    if max_batches is not None and max_batches < 1:
        raise InputError(f"max_batches is {max_batches}", "max_batches", "give 1 or more, or None for all")
    with random_state_kept(loader):
        batches: list[Samples] = []
        for place, batch in enumerate(loader):
            if max_batches is not None and place >= max_batches:
                break
            batches.append(_batch(batch))
        if batches:
            _look_again(loader, batches[0])
    if not batches:
        raise InputError("the loader has no batches", "data", "give a loader with at least one batch")
    if _shuffles(loader):
        warn(
            "the loader shuffles: its batches are used in the order in which they came, and another run may see other samples; "
            "give a loader with shuffle=False"
        )
    return _joined(batches)


def _batch(batch: Any) -> Samples:
    if isinstance(batch, Mapping):
        return _of_dict(batch)
    if _is_array(batch):
        return _checked(Samples({"x": batch}))
    if isinstance(batch, (tuple, list)) and len(batch) == 1:
        return _batch(batch[0])
    if isinstance(batch, (tuple, list)) and len(batch) > 1:
        return _of_tuple(batch)
    raise InputError(
        f"the loader gives batches of the type {type(batch).__name__}",
        "data",
        "let it give (inputs, targets), or a dictionary of inputs with `labels`",
    )


def _joined(batches: list[Samples]) -> Samples:
    first = batches[0]
    joined = {name: _concatenated([batch.inputs[name] for batch in batches], name) for name in first.inputs}
    targets = None
    if first.targets is not None:
        targets = _concatenated([batch.targets for batch in batches], "the targets")
    return _checked(Samples(joined, targets, first.target_name, batch=len(first)))


def _concatenated(arrays: list[Any], name: str) -> Any:
    if len(arrays) == 1:
        return arrays[0]
    try:
        if all(map(is_tensor, arrays)):
            return torch_module().cat(arrays)
        return np.concatenate([as_numpy(array, name) for array in arrays])
    except (RuntimeError, ValueError) as error:
        raise InputError(
            f"the batches of `{name}` have different shapes ({error})", name, "pad the samples to one shape"
        ) from None


def _look_again(loader: Any, first: Samples) -> None:
    """Warns where a loader gives other values when it is read again."""
    if iter(loader) is loader or _shuffles(loader):
        return
    again = next(iter(loader), None)
    if again is None:
        return
    other = _batch(again)
    pairs = [(first.inputs[name], other.inputs.get(name)) for name in first.inputs]
    if not all(_same(one, two) for one, two in pairs):
        warn(
            "the loader gives other values each time it is read (augmentation, or random samples): the landscape is that of the "
            "values that came first; give a loader without random transformations"
        )


def _same(one: Any, two: Any) -> bool:
    if two is None:
        return False
    return np.array_equal(as_numpy(one, "x"), as_numpy(two, "x"), equal_nan=False)


def _shuffles(loader: Any) -> bool:
    torch = torch_module()
    if torch is None:
        return False
    data = torch.utils.data
    sampler = getattr(loader, "sampler", None)
    batches = getattr(loader, "batch_sampler", None)
    inner = getattr(batches, "sampler", None)
    kinds = (data.RandomSampler, data.SubsetRandomSampler, data.WeightedRandomSampler)
    return isinstance(sampler, kinds) or isinstance(inner, kinds)


class random_state_kept:  # noqa: N801
    """Random generators of Python, NumPy, PyTorch and a loader are afterwards as they were."""

    def __init__(self, loader: Any = None) -> None:
        self._loader = loader

    def __enter__(self) -> None:
        import random

        self._python, self._numpy = random.getstate(), np.random.get_state()
        torch = torch_module()
        self._torch = torch.random.get_rng_state() if torch is not None else None
        cuda = torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized()
        self._cuda = torch.cuda.get_rng_state_all() if cuda else None
        self._generators = [(own, own.get_state()) for own in self._found()]

    def _found(self) -> list[Any]:
        loader = self._loader
        holders = [loader, getattr(loader, "sampler", None)]
        found = [getattr(holder, "generator", None) for holder in holders]
        return [generator for generator in found if generator is not None and hasattr(generator, "get_state")]

    def __exit__(self, *_: object) -> None:
        import random

        random.setstate(self._python)
        np.random.set_state(self._numpy)
        torch = torch_module()
        if self._torch is not None:
            torch.random.set_rng_state(self._torch)
        if self._cuda is not None:
            torch.cuda.set_rng_state_all(self._cuda)
        for generator, state in self._generators:
            generator.set_state(state)


def request_of(data: Any, data_dir: Any, split: str | None, samples: int | None, loss: str | None) -> dict[str, Any]:
    """What a request says of data; of data in memory nothing but the loss."""
    said: dict[str, Any] = {"loss": loss, "samples": samples, "split": split}
    if isinstance(data, (str, os.PathLike)):
        said["data"] = os.fspath(data)
    usual = os.environ.get("LANDSCAPE_DATA_DIR") or None
    return said | {"dir": None if data_dir is None else os.fspath(data_dir), "usual_dir": usual}


def is_named(data: Any) -> bool:
    """Whether data are named, and not handed over."""
    return data is None or isinstance(data, (str, os.PathLike))
