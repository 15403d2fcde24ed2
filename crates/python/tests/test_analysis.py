"""Trainings, curvature, paths and comparisons: of named networks, without PyTorch."""

import json
import os
import signal
import subprocess
import sys
import time

import loss_landscape as ll
import numpy as np
import pytest

MOONS = ("mlp:2-8-1", "moons:n=60")


@pytest.fixture
def trained(folder):
    return ll.train(*MOONS, epochs=8, lr=0.5, name="net", progress=False)


def test_a_training_and_what_goes_on_from_it(trained):
    assert trained.run == "net" and trained["loss"] < trained["first_loss"]
    assert ll.train(*MOONS, epochs=8, lr=0.5, name="net", progress=False)["loss"] == trained["loss"]
    plane = ll.surface(run="net", grid=5, progress=False)
    assert plane.center == pytest.approx(trained["loss"], rel=1e-6)
    start = ll.line(run="net", step=0, grid=3, progress=False)
    assert start.center == pytest.approx(trained["first_loss"], rel=1e-6)
    assert "<svg" in trained.plot().svg
    names = [run["name"] for run in ll.runs()]
    assert "net" in names and plane.run in names and "net" in str(ll.runs())


def test_curvature_has_its_errors(trained):
    found = ll.hessian(run="net", top=3, bottom=1, trace=True, density=True, progress=False)
    assert len(found.eigenvalues) == 3 and (np.diff(found.eigenvalues) <= 0).all()
    assert (found.residuals <= 1e-3 * found.eigenvalues[0]).all()
    assert found.bottom[0] <= found.eigenvalues[-1] and found.trace_se >= 0
    assert found.density.shape == found.density_grid.shape == found.density_se.shape
    # Second differences of a line along the gradient lie between the ends of the spectrum.
    assert found.loss == pytest.approx(trained["loss"], rel=1e-5)
    assert "<svg" in found.plot("spectrum").svg and "eigenvalue" in str(found)
    sharp = ll.hessian(run="net", sharpness=["sam"], progress=False)
    assert "sam" in json.dumps(sharp.sharpness)
    # Of a block: the trace is that of one layer, the eigenvalue at most that of the whole.
    layer = ll.hessian(run="net", top=1, trace=True, select="fc2", progress=False)
    assert layer["parameters"] == 9 and layer.eigenvalues[0] <= found.eigenvalues[0] * (1 + 1e-3)
    parts = ll.hessian(run="net", per=["layer", "pair", "matrix"], progress=False)
    assert sum(one["parameters"] for one in parts["layers"]) == found["parameters"]
    names = [one["matrix"] for one in parts["matrices"]]
    assert names == ["hessian", "gauss-newton", "true-fisher", "fisher", "residual"]
    assert len(parts["pairs"]) == len(parts["layers"]) * (len(parts["layers"]) + 1) / 2
    space = ll.hessian(run="net", all_steps=True, subspace=2, progress=False)["subspace"]
    assert space["dimension"] == 2 and 0 <= space["gradient"] <= 1 and 0 <= space["overlap"] <= 1
    mapped = ll.hessian(run="net", map=True, grid=3, progress=False)
    assert mapped.summary["map"] is not None
    with pytest.raises(ll.InputError):
        ll.hessian(*MOONS, progress=False)


def test_paths_on_their_plane(trained):
    path = ll.trajectory("net", grid=5, progress=False)
    assert list(path.step) == sorted(path.step) and len(path.x) == 9
    assert (path.x[-1], path.y[-1]) == (0.0, 0.0) and path.explained_variance.sum() <= 1.0 + 1e-9
    assert path.loss[-1] == pytest.approx(trained["loss"], rel=1e-6)
    assert np.isfinite(path.plane_loss).all() and path.label[0] == "net"
    assert "<svg" in path.plot("trajectory").svg
    surface = ll.load(path.run)
    assert isinstance(surface, ll.Surface) and surface.shape == (5, 5)
    part = ll.trajectory("net", select="fc2", progress=False)
    assert len(part.x) == 9 and np.hypot(part.x, part.y).max() < np.hypot(path.x, path.y).max()


def test_diagnoses(trained):
    found = ll.diagnose("net", progress=False)
    assert found["diagnoses"] and len(str(found)) > 100
    with pytest.raises(ll.InputError) as error:
        ll.diagnose("nett")
    assert "net" in str(error.value)


def test_paths_between_networks(trained):
    ll.train(*MOONS, epochs=8, lr=0.5, seed=1, name="other", progress=False)
    found = ll.connect("net", "other", points=11, align="weights", name="between", progress=False)
    assert found["line"]["max_loss"] > 0 and found["aligned"]["length"] <= found["line"]["length"]
    assert found.barrier is None or found.barrier >= 0
    line = ll.load(found.run)
    assert line.loss.max() == pytest.approx(found["line"]["max_loss"])
    part = ll.connect("net", "other", points=5, select="fc2", progress=False)
    assert part["line"]["length"] < found["line"]["length"]
    curve = ll.connect("net", "other", points=5, curve="bezier", epochs=2, progress=False)
    assert curve["curve"] is not None


def test_comparisons(trained):
    swept = ll.compare(
        model=MOONS[0], data=MOONS[1], seeds=range(2), training={"epochs": 2}, grid=5, end_grid=5, curvature=False, name="seeds",
        progress=False,
    )
    assert len(swept["trainings"]) == 2 and "seed" in str(swept)
    one = ll.surface(run="net", grid=5, progress=False)
    two = ll.surface(run="net", grid=5, seed=1, progress=False)
    compared = ll.compare([one, two.run], progress=False)
    assert len(compared["landscapes"]) == 2
    for arguments in (dict(), dict(runs=["net"]), dict(model=MOONS[0], data=MOONS[1], seeds=[1, 2], rates=[0.1, 0.2])):
        with pytest.raises(ll.InputError):
            ll.compare(**arguments, progress=False)


def test_a_loop_is_recorded_in_three_lines(folder):
    recorder = ll.Recorder("runs.duckdb", name="run")
    weights = np.array([[2.0, -1.0], [0.5, 1.0]])
    for step in range(20):
        recorder.step({"w": weights}, batch_loss=float((weights**2).sum()), lr=0.1)
        weights = weights * 0.8
    recorder.finish()
    rows = [run for run in ll.runs("runs.duckdb") if run["name"] == "run"]
    assert rows[0]["checkpoints"] == 20 and rows[0]["status"] == "complete"
    assert "<svg" in ll.load("run", "runs.duckdb").plot().svg
    # A later one goes on behind the last step.
    again = ll.Recorder("runs.duckdb", name="run")
    assert again.last_step == 19
    again.step({"w": weights}, step=20)
    again.finish()
    assert ll.Recorder("runs.duckdb", name="run").last_step == 20


def test_only_what_is_due_is_read():
    read = []

    class Weights(dict):
        def items(self):
            read.append(1)
            return super().items()

    with ll.Recorder(name="every", every=5) as recorder:
        due = [recorder.step(Weights(w=np.ones(3)), loss=lambda: 1.0) for _ in range(11)]
    assert due == [True, False, False, False, False] * 2 + [True] and len(read) == 3
    with ll.Recorder(name="dense", per_decade=3) as recorder:
        assert [step for step in range(30) if recorder.step({"w": np.ones(3)}, step=step)] == [0, 1, 2, 5, 10, 22]
    with ll.Recorder(name="at", at=[2, 4]) as recorder:
        assert [step for step in range(6) if recorder.step({"w": np.ones(3)}, step=step)] == [0, 2, 4]
    with ll.Recorder(name="epochs", epochs=True) as recorder:
        assert [step for step in range(9) if recorder.step({"w": np.ones(3)}, step=step, epoch=step / 4)] == [0, 4, 8]
    for wrong in (dict(every=0), dict(form="f8")):
        with pytest.raises(ll.InputError):
            ll.Recorder(name="wrong", **wrong)


def test_a_recording_survives_a_kill(folder):
    code = """
import loss_landscape, numpy, time
recorder = loss_landscape.Recorder("killed.duckdb", name="run")
for step in range(10**6):
    recorder.step({"w": numpy.full(4, float(step))})
    time.sleep(0.002)
    if step == 50:
        print("ready", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline().strip() == "ready"
    time.sleep(1.0)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    last = ll.Recorder("killed.duckdb", name="run").last_step
    assert last is not None and last >= 50


def test_the_edge_of_stability_of_a_recorded_training():
    recorder = ll.Recorder(name="run", settings={"training": {"optimizer": "sgd", "lr": 0.1}})
    recorder.step({"w": np.ones(2)}, loss=1.0, lr=0.1)
    recorder.step({"w": np.zeros(2)}, loss=0.5, lr=0.1)
    recorder.finish()
    assert ll.diagnose("run", curvature=False, progress=False)["diagnoses"]
