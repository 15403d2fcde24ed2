"""Joint principal components of several runs by scikit-learn, for tests/it/paths.rs.

    pip install scikit-learn
    python paths.py > paths.txt

Three runs of 9 checkpoints from common initial weights, f32 values. For all rows, and for those of
steps 20 to 60: explained variances and ratios, then for the origins `last` (of the first run),
`start` and `mean` the coordinates `<x - origin, v_k>` of every row, and the distances to the plane
through that origin. Each line is a name and its numbers, row-major; components have their largest
entry positive.
"""

import numpy as np
from sklearn.decomposition import PCA


def line(name, values):
    print(name, *[repr(float(v)) for v in np.asarray(values, dtype=np.float64).ravel()])


def case(name, runs, steps, k):
    rows = runs[:, steps].reshape(-1, runs.shape[2])
    pca = PCA(n_components=k, svd_solver="full").fit(rows)
    largest = np.argmax(np.abs(pca.components_), axis=1)
    components = pca.components_ * np.sign(pca.components_[np.arange(k), largest])[:, None]
    line(f"{name}.explained_variance", pca.explained_variance_)
    line(f"{name}.explained_variance_ratio", pca.explained_variance_ratio_)
    origins = {"last": rows[len(steps) - 1], "start": rows[0], "mean": rows.mean(axis=0)}
    for origin, at in origins.items():
        x = rows - at
        coords = x @ components.T
        line(f"{name}.{origin}.coords", coords)
        line(f"{name}.{origin}.residual", np.linalg.norm(x - coords @ components, axis=1))


rng = np.random.default_rng(7)
runs, checkpoints, p = 3, 9, 31
moves = rng.normal(size=(runs, checkpoints - 1, p)) * np.linspace(2.0, 0.1, p)
drift = rng.normal(size=(runs, 1, p))
start = rng.normal(size=p)
paths = start + np.concatenate([np.zeros((runs, 1, p)), np.cumsum(moves + drift, axis=1)], axis=1)
paths = paths.astype(np.float32).astype(np.float64)
line("shape", [runs, checkpoints, p])
line("rows", paths)
case("all", paths, list(range(checkpoints)), 3)
case("window", paths, [2, 3, 4, 5, 6], 2)
