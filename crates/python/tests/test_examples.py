"""The examples beside the package, those whose packages are installed, and the code of its documents."""

import importlib.util
import pathlib
import re

import numpy as np
import pytest

import loss_landscape as ll

FOLDER = pathlib.Path(__file__).resolve().parent.parent
EXAMPLES = FOLDER / "examples"


def example(name, package):
    pytest.importorskip(package, reason=f"{package} is not installed")
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def whole():
    return ll.surface("mlp:2-16-1", "moons", grid=21, db="whole.duckdb", progress=False)


def test_ray(folder):
    module = example("ray_shards", "ray")
    module.ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        np.testing.assert_array_equal(module.main(str(folder)).loss, whole().loss)
    finally:
        module.ray.shutdown()


def test_dask(folder):
    module = example("dask_shards", "distributed")
    with module.Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        np.testing.assert_array_equal(module.main(client, str(folder)).loss, whole().loss)


def test_jax():
    surface = example("jax_network", "jax").main(grid=9)
    assert surface.center == pytest.approx(surface.loss[4, 4]) and surface.loss_se is not None


def test_scikit_learn():
    surface = example("sklearn_model", "sklearn").main(grid=5)
    assert surface.accuracy[2, 2] > 0.8 and surface.loss_se is None


@pytest.mark.parametrize("page", ["crates/python/README.md", "docs/python.md"])
def test_the_first_lines_of_the_documents(page, folder):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    path = FOLDER.parent.parent / page
    blocks = re.findall(r"```python\n(.*?)```", path.read_text(), re.DOTALL)
    exec(compile(blocks[0], page, "exec"), {})
    assert (folder / "plane.svg").exists()


def test_the_function_of_the_document():
    text = (FOLDER.parent.parent / "docs/python.md").read_text()
    block = next(block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "numpy.tanh" in block)
    names = {"loss_landscape": ll}
    exec(compile(block, "docs/python.md", "exec"), names)
    assert names["surface"].shape == (21, 21) and names["surface"].loss_se is not None
