"""What is asked about: a network, its parameters, data and a loss, however they are given."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from typing import Any, TypeVar

from . import _native, _torch
from ._arrays import named
from ._data import Samples, is_named, request_of, samples_of
from ._errors import InputError, Unsupported
from ._told import log

T = TypeVar("T")

#: The ways in which a network is run.
WAYS = ("auto", "kernels", "callable")


class Problem:
    """A network with parameters, data and a loss; as a context manager it holds the files that a network of PyTorch is exported to."""

    def __init__(
        self,
        model: Any = None,
        data: Any = None,
        loss: Any = None,
        *,
        weights: Any = None,
        run: str | None = None,
        step: int | None = None,
        split: str | None = None,
        samples: int | None = None,
        max_batches: int | None = None,
        data_dir: Any = None,
    ) -> None:
        self.model, self.loss = model, loss
        self._weights, self._run, self._step = weights, run, step
        self._named = (data_dir, split, samples)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._exported: _torch.Exported | None = None
        self.data = data
        self.samples: Samples | None = None
        if not is_named(data):
            self.samples = samples_of(data, max_batches)
        self._check()

    def _check(self) -> None:
        if self.is_torch:
            if self.samples is None:
                raise InputError(
                    "a network of PyTorch needs its data as arrays or from a loader", "data", "give (inputs, targets), or a loader"
                )
            if self._weights is not None or self._step is not None:
                raise InputError(
                    "a network of PyTorch has its parameters already", "weights", "load them into it, and leave this out"
                )
        elif self.model is not None and not isinstance(self.model, (str, os.PathLike)):
            raise InputError(
                f"a model of the type {type(self.model).__name__} cannot be run",
                "model",
                "give a torch.nn.Module, the name of a network or a file, or a function together with params=",
            )
        elif self.loss is not None and not isinstance(self.loss, str):
            name = _torch.loss_name(self.loss)
            if name is None:
                raise InputError("a loss of one's own needs a network of PyTorch", "loss", "name one of the known losses")
            self.loss = name

    @property
    def is_torch(self) -> bool:
        """Whether the network is one of PyTorch."""
        return _torch.is_module(self.model)

    def __enter__(self) -> Problem:
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def folder(self) -> str:
        """A folder for files, for as long as the problem is used."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="loss-landscape-")
        return self._folder.name

    def exported(self) -> _torch.Exported:
        """The network of PyTorch as a program in a file.

        Raises:
            Unsupported: where `torch.export` refuses.
        """
        if self._exported is None:
            assert self.samples is not None
            _torch.params_of(self.model)
            self._exported = _torch.export(self.model, self.samples, self.loss, self.folder())
        return self._exported

    def network(self) -> dict[str, Any]:
        """What a request says of the network."""
        if self.is_torch:
            return {"model": self.exported().path}
        said = {"run": self._run, "step": self._step}
        if self._weights is not None:
            said["weights"] = os.fspath(self._weights)
        if self.model is not None:
            said["model"] = os.fspath(self.model)
        return said

    def name(self) -> str | None:
        """What a network of PyTorch is called; others have the name that they were given."""
        return type(self.model).__name__ if self.is_torch else None

    def data_request(self) -> dict[str, Any]:
        """What a request says of the data."""
        directory, split, samples = self._named
        loss = self.exported().loss if self.is_torch else self.loss
        return request_of(self.data, directory, split, samples, loss)

    def native_data(self) -> Any:
        """The data in memory, where they are; with the names that the program has for them."""
        if self.samples is None:
            return None
        return self.samples.native(self.exported().input_names if self.is_torch else None)

    def save_params(self, params: Any, name: str) -> str:
        """Parameters of the same network in a file: of a module, a state dictionary, or arrays by name."""
        if isinstance(params, (str, os.PathLike)):
            return os.fspath(params)
        if _torch.is_module(params):
            native = _torch.native_params(params)
        else:
            native = _torch.recorded_params(params, self.model)
        path = os.path.join(self.folder(), f"{name}.safetensors")
        native.save(path)
        return path

    def save_directions(self, directions: Any) -> str:
        """Directions of one's own in a file: a dictionary of arrays by the names of the parameters for each."""
        if isinstance(directions, (str, os.PathLike)):
            return os.fspath(directions)
        return save_directions(directions, self.folder())

    def hows(self, runs: str) -> str:
        """How it was run."""
        if not self.is_torch:
            return f"own kernels: {runs}"
        return f"own kernels, from torch.export of {type(self.model).__name__}: {runs}"


def save_directions(directions: Any, folder: str) -> str:
    """Writes directions to a file of a folder, `d1.NAME` and so on."""
    import numpy as np

    from ._arrays import as_numpy

    tensors = []
    for place, one in enumerate(directions, start=1):
        for name, value in one.items():
            array = as_numpy(value, f"direction {place}, `{name}`").astype(np.float32, copy=False)
            tensors.append(named(f"d{place}.{name}", array))
    path = os.path.join(folder, "directions.safetensors")
    _native.Params(tensors, []).save(path)
    return path


def with_kernels(how: str, work: Callable[[], T], otherwise: Callable[[str], T] | None) -> T:
    """Runs a network by the own kernels, or otherwise, where these do not know it and that is allowed."""
    if how not in WAYS:
        raise InputError(f"`{how}` is not a way to run a network", "how", f"give one of {', '.join(WAYS)}")
    if how == "callable" and otherwise is not None:
        return otherwise("as asked")
    if how == "callable":
        raise InputError("this needs derivatives, which a function that is only called does not have", "how", "leave it out")
    try:
        return work()
    except Unsupported as error:
        if how == "kernels" or otherwise is None:
            raise
        log.info("the network is called as it is: %s", error.what)
        return otherwise(error.what)

