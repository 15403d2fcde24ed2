"""Principal components by scikit-learn and projections by numpy, for tests/it/pca.rs.

    pip install scikit-learn
    python pca.py > pca.txt

Rows are f32 values of a random walk. `wide` has fewer rows than values, `tall` more. Each line is
a name and its numbers, row-major; components have their largest entry positive.
"""

import numpy as np
from sklearn.decomposition import PCA


def line(name, values):
    print(name, *[repr(float(v)) for v in np.asarray(values, dtype=np.float64).ravel()])


def case(name, n, p, k, seed):
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.normal(size=(n, p)) * np.linspace(3.0, 0.2, p), axis=0)
    rows32 = (walk + rng.normal(size=p)).astype(np.float32)
    rows = rows32.astype(np.float64)
    center = rows[-1]
    x = rows - center
    pca = PCA(n_components=k, svd_solver="full").fit(x)
    largest = np.argmax(np.abs(pca.components_), axis=1)
    components = pca.components_ * np.sign(pca.components_[np.arange(k), largest])[:, None]
    line(f"{name}.shape", [n, p, k])
    line(f"{name}.rows", rows)
    line(f"{name}.components", components)
    line(f"{name}.explained_variance", pca.explained_variance_)
    line(f"{name}.explained_variance_ratio", pca.explained_variance_ratio_)
    line(f"{name}.mean_offset", components @ pca.mean_)

    # Two oblique directions of other norms: the first row and the second against the centre.
    d = np.stack([x[0], x[1]])
    coords, *_ = np.linalg.lstsq(d.T, x.T, rcond=None)
    line(f"{name}.lstsq", coords.T)
    line(f"{name}.cos", x @ d.T / np.linalg.norm(d, axis=1))
    line(f"{name}.distance", np.linalg.norm(x - coords.T @ d, axis=1))


case("wide", 6, 14, 3, 1)
case("tall", 20, 8, 3, 2)
