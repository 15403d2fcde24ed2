#!/usr/bin/env python3
"""Writes the reference files in tests/data.

usage: make.py        needs: numpy 2.4, scikit-learn 1.9, safetensors 0.8 (pip install them into a virtual environment)

Nothing here calls the crate: the files say what NumPy, scikit-learn and safetensors make of the same values.
"""
import pathlib

import numpy as np
from safetensors import TensorSpec, serialize_file
from safetensors.numpy import save_file
from sklearn.datasets import make_moons

DATA = pathlib.Path(__file__).parent.parent / "data"


def moons():
    """Noiseless, unshuffled points in full precision: `x y label`."""
    for n in (2, 3, 11, 200):
        x, y = make_moons(n, shuffle=False, noise=None)
        rows = [f"{float(a)!r} {float(b)!r} {label}\n" for (a, b), label in zip(x, y)]
        (DATA / f"moons-{n}.txt").write_text("".join(rows))


def values(shape, start):
    """Multiples of 1/8 around 0: exact in every floating-point type."""
    count = int(np.prod(shape))
    return ((np.arange(count) + start - 8) / 8).astype(np.float32).reshape(shape)


def network():
    """mlp:2-3-1 as torch.nn.Linear stores it: weight [out, in]."""
    return {
        "fc1.weight": values((3, 2), 0),
        "fc1.bias": values((3,), 6),
        "fc2.weight": values((1, 3), 9),
        "fc2.bias": values((1,), 12),
    }


def bf16(array):
    """The upper halves of the f32 values (exact for the values used here)."""
    return (array.view(np.uint32) >> 16).astype(np.uint16)


def checkpoints():
    state = network()
    save_file(state, DATA / "mlp-2-3-1.safetensors", metadata={"format": "pt"})
    wrapped = {f"net.module.{name}": array for name, array in state.items()}
    wrapped["net.module.num_batches_tracked"] = np.array(7, np.int64)
    save_file(wrapped, DATA / "mlp-wrapped.safetensors")
    kinds = {"fc1.weight": "float16", "fc1.bias": "float64", "fc2.weight": "bfloat16", "fc2.bias": "float32"}
    mixed, alive = {}, []
    for name, array in state.items():
        kind = kinds[name]
        data = bf16(array) if kind == "bfloat16" else array.astype(kind)
        alive.append(data)
        mixed[name] = TensorSpec(dtype=kind, shape=array.shape, data_ptr=data.ctypes.data, data_len=data.nbytes)
    serialize_file(mixed, str(DATA / "mlp-mixed.safetensors"), None)
    broken = {"fc1.weight": values((3, 3), 0), "fc1.bias": values((3,), 6), "fc3.bias": values((1,), 0)}
    save_file(broken, DATA / "mlp-broken.safetensors")


def data_sets():
    x, labels = values((5, 2), 0), np.array([0, 1, 2, 1, 0])
    targets = values((5, 3), 3)
    save_file({"x": x, "y": labels.astype(np.int64)}, DATA / "classes.safetensors")
    save_file({"x": x.astype(np.float64), "y": targets}, DATA / "values.safetensors")
    np.savez(DATA / "classes.npz", x=x.astype(np.float64), y=labels.astype(np.uint8))
    np.savez_compressed(DATA / "fortran.npz", x=np.asfortranarray(x), y=targets.astype(np.float16))
    np.save(DATA / "x.npy", x.astype(">f4"))
    np.save(DATA / "y.npy", labels.astype(">i2"))
    cube = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
    np.savez(DATA / "cube.npz", x=np.asfortranarray(cube), y=np.array([True, False, True, True]))


if __name__ == "__main__":
    DATA.mkdir(exist_ok=True)
    moons()
    checkpoints()
    data_sets()
