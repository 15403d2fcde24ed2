"""What tells a function from others, so that its results are found again, and never those of another one."""

from __future__ import annotations

import hashlib
import types
from typing import Any

import numpy as np

from ._arrays import as_numpy, is_tensor

#: How deep is looked into what a function uses.
DEPTH = 6


class Unknown(Exception):
    """Something that cannot be told by its values."""


def fingerprint(function: Any) -> str | None:
    """A digest of the code of a function and of all that it uses; nothing where that cannot be told."""
    digest = hashlib.sha256()
    try:
        _add(function, digest, DEPTH, set())
    except Unknown:
        return None
    return digest.hexdigest()[:32]


def _add(value: Any, digest: Any, depth: int, seen: set[int]) -> None:
    if depth < 0:
        raise Unknown
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        digest.update(f"{type(value).__name__} {value!r};".encode())
    elif is_tensor(value) or isinstance(value, (np.ndarray, np.generic)) or _is_jax(value):
        array = as_numpy(value, "an array")
        digest.update(f"array {array.dtype} {array.shape};".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    elif id(value) in seen:
        digest.update(b"again;")
    elif isinstance(value, types.ModuleType):
        digest.update(f"module {value.__name__} {getattr(value, '__version__', '')};".encode())
    elif isinstance(value, (tuple, list)):
        digest.update(f"{type(value).__name__} {len(value)};".encode())
        for one in value:
            _add(one, digest, depth - 1, seen)
    elif isinstance(value, dict):
        digest.update(f"dict {len(value)};".encode())
        for key, one in value.items():
            _add(key, digest, depth - 1, seen)
            _add(one, digest, depth - 1, seen)
    else:
        seen.add(id(value))
        _add_code(value, digest, depth, seen)


def _is_jax(value: Any) -> bool:
    return type(value).__module__.startswith(("jax", "jaxlib")) and hasattr(value, "__array__")


def _add_code(value: Any, digest: Any, depth: int, seen: set[int]) -> None:
    """Functions by their code and what they use; what is imported from packages by its name."""
    module = getattr(value, "__module__", None) or ""
    name = getattr(value, "__qualname__", None)
    if isinstance(value, (types.BuiltinFunctionType, np.ufunc)) or (name and _is_installed(module)):
        digest.update(f"named {module}.{name or getattr(value, '__name__', '')};".encode())
    elif isinstance(value, types.MethodType):
        _add(value.__func__, digest, depth - 1, seen)
        _add(value.__self__, digest, depth - 1, seen)
    elif isinstance(value, types.FunctionType):
        _add_function(value, digest, depth, seen)
    else:
        raise Unknown


def _is_installed(module: str) -> bool:
    """Whether a module is of a package that is installed, and has a version."""
    import sys

    found = sys.modules.get(module.split(".")[0])
    where = getattr(found, "__file__", None) or ""
    return module == "builtins" or module != "__main__" and ("site-packages" in where or "/lib/python" in where)


def _add_function(function: types.FunctionType, digest: Any, depth: int, seen: set[int]) -> None:
    _add_block(function.__code__, digest)
    for part in (function.__defaults__, function.__kwdefaults__):
        _add(part, digest, depth - 1, seen)
    for cell in function.__closure__ or ():
        _add(cell.cell_contents, digest, depth - 1, seen)
    for name in sorted(_names(function.__code__)):
        if name in function.__globals__:
            digest.update(name.encode())
            _add(function.__globals__[name], digest, depth - 1, seen)


def _add_block(code: types.CodeType, digest: Any) -> None:
    digest.update(code.co_code)
    digest.update(repr(code.co_names).encode())
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _add_block(constant, digest)
        else:
            digest.update(repr(constant).encode())


def _names(code: types.CodeType) -> set[str]:
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= _names(constant)
    return found
