"""Arrays of whatever kind as NumPy arrays, and back."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from ._errors import InputError

#: Values that are handed over together.
CHUNK = 1 << 20
#: Whole numbers up to here are floats of 32 bits exactly.
EXACT = 1 << 24


def torch_module() -> Any:
    """PyTorch, where the program has imported it; nobody else has tensors of it."""
    return sys.modules.get("torch")


def is_tensor(value: Any) -> bool:
    torch = torch_module()
    return torch is not None and isinstance(value, torch.Tensor)


def refuse_nested(what: str) -> None:
    """Nested tensors have no one shape."""
    raise InputError(
        f"{what} is a nested tensor, whose samples have different shapes", what, "pad it: torch.nested.to_padded_tensor(x, 0.0)"
    )


def as_numpy(value: Any, what: str) -> np.ndarray:
    """An array, a tensor of PyTorch, JAX or TensorFlow, or nested lists, as a NumPy array; without a copy where that can be."""
    if is_tensor(value):
        if value.is_nested:
            refuse_nested(what)
        if value.is_sparse:
            value = value.to_dense()
        value = value.detach().cpu()
        if value.dtype in (torch_module().bfloat16, torch_module().float16):
            value = value.float()
        value = value.resolve_conj().resolve_neg().numpy()
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise InputError(
            f"{what} has values of the type {array.dtype}",
            what,
            "give numbers: floats, whole numbers or truth values, in samples of one shape",
        )
    return array


def as_floats(value: Any, what: str) -> np.ndarray:
    """The same in floats of 32 bits. Whole numbers that these do not hold are an error."""
    array = as_numpy(value, what)
    if array.dtype.kind in "iu" and array.size and max(abs(int(array.max())), abs(int(array.min()))) > EXACT:
        raise InputError(
            f"{what} has whole numbers beyond 2^24, which floats of 32 bits round",
            what,
            "give smaller numbers, or floats",
        )
    return array.astype(np.float32, copy=False)


def parts(array: np.ndarray) -> Iterator[bytes]:
    """The bytes of an array in a row, some at a time, so that nothing is held twice."""
    if array.flags.c_contiguous:
        flat = array.reshape(-1)
        for start in range(0, flat.size, CHUNK):
            yield flat[start : start + CHUNK].tobytes()
        return
    rows = max(1, CHUNK // max(1, array[:1].size))
    for start in range(0, len(array), rows):
        yield np.ascontiguousarray(array[start : start + rows]).tobytes()


def named(name: str, array: np.ndarray) -> tuple[str, list[int], Iterator[bytes]]:
    """A tensor as the compiled part takes it."""
    return name, list(array.shape), parts(array if array.ndim else array.reshape(1))


def floats(values: Any, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Numbers of 64 bits from the compiled part."""
    array = np.frombuffer(values, dtype=np.float64)
    return array if shape is None else array.reshape(shape)


def tensors(given: list[tuple[str, str, list[int], Any]]) -> dict[str, np.ndarray]:
    """Named tensors from the compiled part."""
    return {
        name: np.frombuffer(values, dtype=np.float32).reshape(shape) for name, _, shape, values in given
    }


def text(path: Any) -> str:
    """A path as text."""
    return os.fspath(path)
