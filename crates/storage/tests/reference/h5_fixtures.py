"""Writes the HDF5 files under h5/ that the tests read, with h5py.

    pip install h5py numpy
    python h5_fixtures.py

They have the layout of tomgoldstein/loss-landscape: its plot_surface.py fills arrays of the shape
[xnum, ynum] in the order of numpy.meshgrid(x, y), with -1 where nothing was computed yet; its
net_plotter.py writes each direction as a group of datasets 0, 1, ...
"""

from pathlib import Path

import h5py
import numpy as np

HERE = Path(__file__).parent / "h5"


def loss(x, y):
    return 1 + x + 10 * y


def surface(name, xnum, ynum, **options):
    """A surface half of which was computed."""
    with h5py.File(HERE / name, "w", **options) as f:
        f["dir_file"] = "model_weights_xignore=biasbn_xnorm=filter.h5"
        x, y = np.linspace(-1, 1, xnum), np.linspace(0, 2, ynum)
        f["xcoordinates"], f["ycoordinates"] = x, y
        X, Y = (mesh.ravel() for mesh in np.meshgrid(x, y))
        losses, accuracies = -np.ones((xnum, ynum)), -np.ones((xnum, ynum))
        for k in range(0, xnum * ynum, 2):
            losses.ravel()[k] = loss(X[k], Y[k])
            accuracies.ravel()[k] = 12.5 * (k % 9)
        f["train_loss"], f["train_acc"] = losses, accuracies
        f["test_loss"] = losses + (losses != -1)


def chunks(name, x=6, y=5, **options):
    """Everything that chunks can go through. What was not written of the loss is 25."""
    with h5py.File(HERE / name, "w", **options) as f:
        f["xcoordinates"] = np.linspace(-1, 1, x, dtype="f4")
        f["ycoordinates"] = np.linspace(0, 2, y, dtype=">f8")
        X, Y = np.meshgrid(f["xcoordinates"][:], f["ycoordinates"][:])
        chunks = (y, x) if options else (4, 4)
        filters = dict(compression="gzip", shuffle=True, fletcher32=True)
        losses = f.create_dataset("train_loss", (y, x), ">f4", chunks=chunks, fillvalue=25, **filters)
        losses[:4] = loss(X, Y)[:4]
        f["train_acc"] = np.arange(x * y, dtype="i2").reshape(y, x)


def eigenvalues(name):
    """Both ends of the spectrum, -1 and 1 where nothing was computed yet, and no losses."""
    with h5py.File(HERE / name, "w") as f:
        f["xcoordinates"], f["ycoordinates"] = np.linspace(-1, 1, 3), np.linspace(-1, 1, 3)
        largest, smallest = -np.ones((3, 3)), np.ones((3, 3))
        largest[:2], smallest[:2] = [[4, 5, 6]] * 2, [[-1, -0.5, 1]] * 2
        f["max_eig"], f["min_eig"] = largest, smallest


def with_losses(name, source):
    with h5py.File(HERE / name, "w") as f, h5py.File(HERE / source) as eigen:
        for key in eigen:
            f[key] = eigen[key][:]
        f["train_loss"] = np.ones((3, 3))


def projected(name):
    with h5py.File(HERE / name, "w") as f:
        f["proj_xcoord"], f["proj_ycoord"] = np.arange(3.0), np.arange(3.0)


def bowl(name, dtype="f8", sign=1, maxshape=None, n=(5, 5), chunks=None, compression=None, **options):
    """1 + x^2 + x/4 + y^2/10, in other forms than the default one."""
    with h5py.File(HERE / name, "w", **options) as f:
        x, y = sign * np.linspace(-1, 1, n[0]), np.linspace(-2, 2, n[1])
        f["xcoordinates"], f["ycoordinates"] = x, y
        X, Y = np.meshgrid(x, y)
        losses = (1 + X**2 + X / 4 + Y**2 / 10).astype(dtype)
        f.create_dataset("train_loss", data=losses, chunks=chunks, compression=compression, maxshape=maxshape)


def grouped(name):
    with h5py.File(HERE / name, "w") as f:
        for key in ("xcoordinates", "ycoordinates", "train_loss"):
            f["run1/" + key] = np.zeros(3)


TENSORS = [  # name, shape; what a state has beside parameters is marked
    ("conv.weight", (2, 1, 3, 3), True),
    ("bn.weight", (2,), True),
    ("bn.bias", (2,), True),
    ("bn.running_mean", (2,), False),
    ("bn.running_var", (2,), False),
    ("bn.num_batches_tracked", (), False),
    ("fc.weight", (3, 2), True),
]


def directions(name, states):
    """xdirection counts up from 1 through all tensors, ydirection is its negative half."""
    with h5py.File(HERE / name, "w") as f:
        both = (("xdirection", 1.0), ("ydirection", -0.5))
        for group, factor in both[:1] if states else both:
            group, count = f.create_group(group), 1
            kept = [(shape, n) for n, shape, parameter in TENSORS if parameter or states]
            for i, (shape, tensor) in enumerate(kept):
                size = int(np.prod(shape))
                values = factor * np.arange(count, count + size).reshape(shape)
                if tensor.endswith("num_batches_tracked"):
                    group.create_dataset(str(i), data=np.int64(0))
                else:
                    group.create_dataset(str(i), data=values.astype("f4"))
                    count += size
        f["explained_variance_ratio_"] = np.array([0.75, 0.125])


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    surface("surface.h5", 5, 3)
    chunks("chunks.h5")
    chunks("single_chunk.h5", libver=("v110", "v110"))
    directions("weights.h5", states=False)
    directions("states.h5", states=True)
    eigenvalues("eigen.h5")
    with_losses("eigen-losses.h5", "eigen.h5")
    projected("projected.h5")
    bowl("half.h5", dtype="f2")
    bowl("falling.h5", sign=-1)
    bowl("fixed-array.h5", chunks=(2, 2), libver="latest")
    bowl("fixed-array-gzip.h5", chunks=(2, 3), compression="gzip", maxshape=(8, 9), libver="latest")
    # More chunks than a page of their list has entries.
    bowl("fixed-array-pages.h5", dtype="f2", n=(45, 45), chunks=(1, 1), libver="latest")
    # Datasets that may grow along one axis, and along both; with more chunks than a block of their index names.
    bowl("growing-array.h5", chunks=(2, 2), maxshape=(None, 5), libver="latest")
    bowl("growing-array-gzip.h5", chunks=(3, 2), compression="gzip", maxshape=(9, None), libver="latest")
    bowl("growing-array-blocks.h5", dtype="f2", n=(45, 45), chunks=(1, 1), maxshape=(45, None), libver="latest")
    bowl("growing-tree.h5", chunks=(2, 2), maxshape=(None, None), libver="latest")
    bowl("growing-tree-gzip.h5", chunks=(2, 3), compression="gzip", maxshape=(None, None), libver="latest")
    bowl("growing-tree-deep.h5", dtype="f2", n=(45, 45), chunks=(1, 1), maxshape=(None, None), libver="latest")
    bowl("growing.h5", chunks=(2, 2), maxshape=(None, None))
    # Rows for y and -y are equal, so that LZF finds them.
    bowl("lzf.h5", n=(9, 9), chunks=(9, 9), compression="lzf")
    bowl("userblock.h5", userblock_size=512)
    grouped("grouped.h5")
