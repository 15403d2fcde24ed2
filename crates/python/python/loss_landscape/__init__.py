"""Loss landscapes of neural networks: sampled, measured, stored and shown.

>>> import loss_landscape
>>> plane = loss_landscape.surface("mlp:2-8-1", "moons", grid=5, db="doc.duckdb", progress=False)
>>> plane.loss.shape, plane.alpha.tolist()
((5, 5), [-1.0, -0.5, 0.0, 0.5, 1.0])

With a network of PyTorch and its data, from wherever these come::

    surface = loss_landscape.surface(model, loader, torch.nn.CrossEntropyLoss(), grid=51, name="plane")
    surface.plot(log=True)              # a figure; notebooks show it
    surface.save("plane.pdf")
    surface.metrics()

Every number is stored in a database, ``landscape.duckdb`` unless another one is named, together with what determines it: the same
call continues what was stopped and never computes a point twice, and the command ``landscape`` sees the same runs.

What there is:

- `surface`, `line`, `volume`: the loss on a plane, a line or a volume through parameter space;
- `hessian`: eigenvalues, traces, spectral densities, sharpness, with their errors;
- `Recorder`: records a training loop; `trajectory`: its path on the plane of its principal components; `diagnose`: what it says;
- `connect`: paths between two networks; `compare`: trainings or landscapes side by side;
- `load`, `runs`, `page`: what is stored; `merge`: shards put together; `train`: trainings of the built-in networks;
- `callbacks`: recording from Lightning, transformers and Accelerate;
- `LossLandscapeWriter`, `Explorer`, `sample_landscape`: the interface that other tools have.
"""

from __future__ import annotations

from . import _native, callbacks
from ._analysis import (
    Comparison,
    Connection,
    Curvature,
    Diagnosis,
    Merged,
    Trajectory,
    compare,
    connect,
    diagnose,
    hessian,
    merge,
    trajectory,
)
from ._errors import InputError, Interrupted, LandscapeError, LandscapeWarning, Unsupported
from ._figures import Figure, Page
from ._recorder import Recorder
from ._results import Landscape, Line, Metrics, Result, Surface, Volume, load, page, runs
from ._sampling import line, surface, train, volume
from ._writer import Explorer, LandscapeStorage, LossLandscapeWriter, Writer, sample_landscape

__version__: str = _native.__version__

__all__ = [
    "Comparison",
    "Connection",
    "Curvature",
    "Diagnosis",
    "Explorer",
    "Figure",
    "InputError",
    "Interrupted",
    "Landscape",
    "LandscapeError",
    "LandscapeStorage",
    "LandscapeWarning",
    "Line",
    "LossLandscapeWriter",
    "Merged",
    "Metrics",
    "Page",
    "Recorder",
    "Result",
    "Surface",
    "Trajectory",
    "Unsupported",
    "Volume",
    "Writer",
    "callbacks",
    "compare",
    "connect",
    "diagnose",
    "hessian",
    "line",
    "load",
    "merge",
    "page",
    "runs",
    "sample_landscape",
    "surface",
    "train",
    "trajectory",
    "volume",
]
