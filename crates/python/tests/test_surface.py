"""Landscapes of named networks and of functions: no package but NumPy is needed."""

import json
import os
import subprocess
import sys
import threading
import time

import loss_landscape as ll
import numpy as np
import pytest

MOONS = {"model": "mlp:2-8-1", "data": "moons:n=60", "progress": False}


def bowl(params):
    """Losses of two samples, whose mean is the sum of squares."""
    return np.array([1.0, 3.0]) * float((params["w"] ** 2).sum()) / 2.0


def test_a_surface_has_arrays_over_its_grid():
    plane = ll.surface(**MOONS, grid=(5, 3), range=[(-1, 1), (-0.5, 0.5)], name="plane")
    assert isinstance(plane, ll.Surface) and plane.shape == (5, 3)
    np.testing.assert_array_equal(plane.alpha, [-1, -0.5, 0, 0.5, 1])
    np.testing.assert_array_equal(plane.beta, [-0.5, 0, 0.5])
    assert plane.gamma is None
    for values in (plane.loss, plane.loss_se, plane.accuracy):
        assert values.shape == (5, 3) and values.dtype == np.float64 and np.isfinite(values).all()
    assert plane.center == plane.loss[2, 1]
    assert plane.measured.all() and plane.computed == 15
    assert "own kernels" in plane.how
    assert os.path.exists("landscape.duckdb")
    plane.loss[0, 0] = 1.0  # arrays are the caller's own


def test_the_parameters_move_that_are_selected():
    whole = ll.surface(**MOONS, grid=3)
    part = ll.surface(**MOONS, grid=3, select=["fc1", "!*.bias"])
    assert part.center == whole.center and not np.array_equal(part.loss, whole.loss)
    every = ll.surface(**MOONS, grid=3, select="fc1,fc2")
    np.testing.assert_array_equal(every.loss, whole.loss)
    assert every.computed == 0  # all are no part
    seen = []

    def losses(params):
        seen.append((params["a"].copy(), params["b"].copy()))
        return float((params["a"] ** 2).sum() + (params["b"] ** 2).sum())

    own = {"a": np.ones((2, 3), np.float32), "b": np.full((2, 2), 2.0, np.float32)}
    ll.surface(losses, params=own, grid=3, select="b", progress=False)
    assert len(seen) >= 9 and all(np.array_equal(a, own["a"]) for a, _ in seen)
    assert len({b.tobytes() for _, b in seen}) == 9
    for wrong in ("nothing", "fc1,", "!*"):
        with pytest.raises(ll.InputError) as error:
            ll.surface(**MOONS, grid=3, select=wrong)
        assert error.value.remedy
    with pytest.raises(ll.InputError, match="3 does not select parameters"):
        ll.surface(**MOONS, grid=3, select=3)


def test_lines_and_volumes():
    line = ll.line(**MOONS, grid=7)
    assert isinstance(line, ll.Line) and line.loss.shape == (7,) and line.beta is None
    volume = ll.volume(**MOONS, grid=3)
    assert isinstance(volume, ll.Volume) and volume.loss.shape == (3, 3, 3)
    # All pass through the same network.
    assert line.center == volume.center


def test_the_same_call_continues_what_is_stored():
    first = ll.surface(**MOONS, grid=5, name="plane")
    again = ll.surface(**MOONS, grid=5, name="plane")
    assert (first.computed, again.computed) == (25, 0)
    np.testing.assert_array_equal(first.loss, again.loss)
    with pytest.raises(ll.InputError) as error:
        ll.surface(**MOONS, grid=7, name="plane")
    assert "plane" in str(error.value) and error.value.remedy
    replaced = ll.surface(**MOONS, grid=7, name="plane", replace=True)
    assert replaced.shape == (7, 7)


def test_the_command_gives_the_same_numbers():
    from loss_landscape import _command

    try:
        command = _command.path()
    except FileNotFoundError:
        pytest.skip("this build does not carry the command")
    plane = ll.surface(**MOONS, grid=5, db="python.duckdb")
    words = ["surface", "--model", "mlp:2-8-1", "--data", "moons:n=60", "--grid", "5", "--db", "command.duckdb", "--name", "plane", "-q"]
    subprocess.run([command, *words], check=True)
    np.testing.assert_array_equal(ll.load("plane", "command.duckdb").loss, plane.loss)
    # It sees the runs of Python, also as `landscape` and `python -m loss_landscape`.
    listed = subprocess.run(
        [sys.executable, "-m", "loss_landscape", "runs", "--db", "python.duckdb", "--json"], check=True, capture_output=True, text=True
    )
    assert plane.run in listed.stdout
    assert json.loads(listed.stdout)["runs"][0]["name"] == plane.run


def test_moons_are_those_of_arrays():
    named = ll.surface(**MOONS, grid=5)
    x, y = np.zeros((4, 2)), np.array([0, 1, 1, 0])
    given = ll.surface("mlp:2-8-1", (x, y), grid=5, progress=False)
    assert given.shape == named.shape and not np.array_equal(given.loss, named.loss)
    # Of arrays in any layout and type.
    other = ll.surface("mlp:2-8-1", (np.asfortranarray(x.astype(np.float16)), y.astype(np.uint8)), grid=5, progress=False)
    np.testing.assert_array_equal(given.loss, other.loss)
    assert other.computed == 0


def test_any_function_is_a_landscape():
    params = {"w": np.array([[1.0, 2.0], [0.5, -1.0]])}
    plane = ll.surface(bowl, params=params, grid=5, range=1, norm="none", name="bowl", progress=False)
    one, two = (direction["w"] for direction in plane.directions())
    for i, a in enumerate(plane.alpha):
        for j, b in enumerate(plane.beta):
            moved = params["w"] + a * one + b * two
            assert plane.loss[i, j] == pytest.approx(float((moved**2).sum()), rel=1e-6)
            # Two losses, l/2 and 3l/2: their deviation is l/sqrt(2), and the error that over sqrt(2).
            assert plane.loss_se[i, j] == pytest.approx(plane.loss[i, j] / 2.0, rel=1e-6)
    assert plane.accuracy is None and plane.how.startswith("callable")
    assert ll.surface(bowl, params=params, grid=5, range=1, norm="none", name="bowl", progress=False).computed == 0


def test_functions_get_parameters_as_they_were_given():
    seen = {}

    def function(params, data):
        seen.update(params=params, data=data)
        losses = np.full(4, float(params["layers"][0]["w"].sum()))
        return {"loss": losses, "accuracy": np.array([1, 1, 0, 0])}

    params = {"layers": [{"w": np.ones((2, 3), dtype=np.float32)}, {"w": np.ones(2), "b": np.float64(1.0)}]}
    data = (np.zeros((4, 2)), np.zeros(4, dtype=int))
    line = ll.line(function, data, params=params, grid=3, progress=False)
    assert seen["data"] is data
    assert seen["params"]["layers"][0]["w"].shape == (2, 3) and seen["params"]["layers"][1]["b"].shape == ()
    np.testing.assert_allclose(line.accuracy, 0.5)
    np.testing.assert_array_equal(line.loss_se, 0.0)
    assert params["layers"][0]["w"].sum() == 6.0


def test_functions_of_several_points_at_once():
    counts = []

    def many(params):
        counts.append(len(params["w"]))
        return (params["w"] ** 2).sum((1, 2))

    params = {"w": np.array([[1.0, 2.0], [0.5, -1.0]])}
    together = ll.surface(many, params=params, grid=5, vectorized=8, progress=False)
    single = ll.surface(lambda p: float((p["w"] ** 2).sum()), params=params, grid=5, progress=False)
    np.testing.assert_allclose(together.loss, single.loss, rtol=1e-6)
    assert max(counts) <= 8 and len(counts) < 25
    assert together.loss_se is None


def test_what_a_function_uses_is_part_of_its_identity():
    scale = np.array([1.0])

    def scaled(params):
        return float(scale[0] * (params["w"] ** 2).sum())

    params = {"w": np.ones((2, 2))}
    first = ll.surface(scaled, params=params, grid=3, progress=False)
    assert ll.surface(scaled, params=params, grid=3, progress=False).computed == 0
    scale[0] = 2.0
    second = ll.surface(scaled, params=params, grid=3, progress=False)
    assert second.computed == 9
    np.testing.assert_allclose(second.loss, 2.0 * first.loss)
    # What cannot be told is computed anew each time, unless a key tells it.
    handle = open(os.devnull)  # noqa: SIM115
    unknown = lambda params: 1.0 if handle else 0.0  # noqa: E731
    assert [ll.line(unknown, params=params, grid=3, progress=False).computed for _ in range(2)] == [3, 3]
    assert [ll.line(unknown, params=params, grid=3, key="one", progress=False).computed for _ in range(2)] == [3, 0]
    handle.close()


def test_an_exception_of_a_function_arrives_as_it_is_and_what_is_done_stays():
    calls = []

    def failing(params):
        calls.append(1)
        if len(calls) == 12:
            raise RuntimeError("out of memory")
        return 1.0

    params = {"w": np.ones((2, 2))}
    asked = dict(params=params, grid=5, batch=5, key="failing", name="f", progress=False)
    with pytest.raises(RuntimeError, match="out of memory"):
        ll.surface(failing, **asked)
    assert ll.surface(failing, **asked).computed == 15


def test_ctrl_c_stops_at_a_batch_and_keeps_what_is_done(ctrl_c):
    def slow(params):
        time.sleep(0.005)
        return float((params["w"] ** 2).sum())

    asked = dict(params={"w": np.ones((2, 2))}, grid=21, batch=10, key="slow", name="slow", progress=False)
    ctrl_c(0.4)
    with pytest.raises(KeyboardInterrupt):
        ll.surface(slow, **asked)
    stored = ll.load("slow")
    known = int(np.isfinite(stored.loss).sum())
    assert 0 < known < 441 and not stored.is_complete
    assert ll.surface(slow, **asked).computed == 441 - known


def test_ctrl_c_stops_the_own_kernels_too(ctrl_c):
    asked = dict(model="mlp:2-128-128-1", data="moons:n=2000", grid=201, name="large", progress=False, threads=1)
    ctrl_c(0.5)
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        ll.surface(**asked)
    assert time.perf_counter() - start < 4.0
    assert not ll.load("large").is_complete


def test_progress_is_shown_where_tqdm_is_of_what_takes_long(monkeypatch):
    pytest.importorskip("tqdm", reason="tqdm is not installed")
    from loss_landscape import _told

    short = _told.Told().meter("plane", False)
    short.update(1, 10)
    assert short._bar is None
    short.close()
    monkeypatch.setattr(_told, "DELAY", 0.0)
    bar = _told.Told().meter("plane", False)
    for done in (1, 5, 10):
        bar.update(done, 10)
    bar._bar.refresh()
    assert bar._bar.n == 10 and bar._bar.total == 10
    bar.close()
    silent = _told.Told(progress=False).meter("plane", False)
    silent.update(1, 2)
    silent.close()


def test_words_go_to_the_log_and_warnings_are_warnings(caplog):
    import logging

    with caplog.at_level(logging.INFO, logger="loss_landscape"):
        ll.surface(**MOONS, grid=3, name="plane")
        ll.surface(**MOONS, grid=3, name="plane")
    assert any("stored already" in record.message for record in caplog.records)
    from loss_landscape._told import Told

    with pytest.warns(ll.LandscapeWarning, match="^of something$") as caught:
        Told().say("warning", "warning: of something")
    assert caught[0].filename == __file__


def test_the_interpreter_is_free_while_points_are_computed():
    ticks = []
    stop = threading.Event()

    def tick():
        while not stop.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    start = time.perf_counter()
    ll.surface("mlp:2-64-64-1", "moons:n=2000", grid=41, threads=1, progress=False)
    seconds = time.perf_counter() - start
    stop.set()
    thread.join()
    assert len(ticks) > 100 * seconds


def test_results_go_into_files_and_figures(folder):
    plane = ll.surface(**MOONS, grid=9, name="plane")
    figure = plane.plot(log=True, title="Moons")
    assert figure.svg.startswith("<svg") or "<svg" in figure.svg
    assert figure.png(100)[:4] == b"\x89PNG" and "Moons" in figure._repr_svg_()
    for name in ("a.svg", "a.png", "a.pdf", "a.html", "a.csv", "a.npz", "a.json", "a.h5", "a.vtk"):
        plane.save(name)
        plane.save(name)  # in the place of the first
        assert (folder / name).stat().st_size > 0
    np.testing.assert_array_equal(np.load("a.npz")["loss"].reshape(9, 9), plane.loss)
    page = ll.page("plane")
    assert "<iframe srcdoc=" in page._repr_html_() and "plane" in page.html
    assert "<svg" in plane._repr_html_() and "contour" in plane.kinds()
    metrics = plane.metrics()
    assert metrics["metrics"]["points"] == 81 and "convex" in str(metrics)
    assert "9x9 points" in repr(plane)


def test_the_page_is_shown_in_a_browser_or_in_the_notebook(monkeypatch, folder):
    import webbrowser

    from loss_landscape import _results

    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda address, *_: opened.append(address) or True)
    plane = ll.surface(**MOONS, grid=5, name="plane")
    assert isinstance(plane.show(), ll.Page) and len(opened) == 1
    monkeypatch.setattr(_results, "in_notebook", lambda: True)
    assert "<iframe" in plane.show()._repr_html_() and len(opened) == 1
    # Figures of a function are those of a network.
    own = ll.surface(bowl, params={"w": np.ones((2, 2))}, grid=5, progress=False)
    assert "<svg" in own.plot(log=True).svg and own.metrics()["metrics"]["points"] == 25


def test_results_as_tables():
    plane = ll.surface(**MOONS, grid=(3, 5))
    pandas = pytest.importorskip("pandas")
    table = plane.to_pandas()
    assert list(table.columns[:3]) == ["alpha", "beta", "loss"] and len(table) == 15
    assert isinstance(table, pandas.DataFrame)
    pytest.importorskip("xarray")
    array = plane.to_xarray()
    assert array["loss"].dims == ("alpha", "beta")
    assert float(array["loss"].sel(alpha=0.0, beta=0.0)) == plane.center


def test_shards_are_merged():
    whole = ll.surface(**MOONS, grid=7, db="whole.duckdb", name="plane")
    parts = [ll.surface(**MOONS, grid=7, name="plane", shard=(k, 3)) for k in range(3)]
    assert sum(part.computed for part in parts) == 49
    databases = [part.db for part in parts]
    assert len(set(databases)) == 3
    assert not ll.merge(databases[:2], into="two.duckdb").is_complete
    assert ll.merge(databases, into="all.duckdb").is_complete
    np.testing.assert_array_equal(ll.load("plane", "all.duckdb").loss, whole.loss)


def test_directions_of_ones_own():
    plane = ll.surface(**MOONS, grid=3, name="one")
    again = ll.surface(**MOONS, grid=3, directions=plane.directions(), name="two")
    np.testing.assert_allclose(again.loss, plane.loss, rtol=1e-6)
    swapped = ll.surface(**MOONS, grid=3, directions=plane.directions()[::-1])
    np.testing.assert_allclose(swapped.loss.T, plane.loss, rtol=1e-6)


def test_regularisers_and_adaptive_grids():
    plane = ll.surface(**MOONS, grid=5, l2=0.01)
    assert plane.terms["l2"].shape == (5, 5) and (plane.terms["l2"] > 0).all()
    adaptive = ll.surface(**MOONS, grid=33, adaptive=0.05)
    assert not adaptive.measured.all() and np.isfinite(adaptive.loss).all()
    bowl_ = ll.surface(bowl, params={"w": np.ones((2, 2))}, grid=33, adaptive=0.05, progress=False)
    assert not bowl_.measured.all()
    # Of a function they are sums over its parameters; its loss is that of their squares.
    plane = ll.surface(bowl, params={"w": np.ones((2, 2))}, grid=5, l1=0.1, l2=0.01, progress=False)
    np.testing.assert_allclose(plane.terms["l2"], plane.loss, rtol=1e-6)
    assert plane.terms["l1"][2, 2] == 4.0
    again = ll.surface(bowl, params={"w": np.ones((2, 2))}, grid=5, l1=0.1, l2=0.01, progress=False)
    assert again.computed == 0 and set(again.terms) == {"l1", "l2"}


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (dict(model="mlp:2-8", data="moonz"), "moonz"),
        (dict(model="resnet21", data="moons"), "resnet21"),
        (dict(model="mlp:2-8-1"), None),
        (dict(data="moons"), None),
        (dict(model="mlp:2-8-1", data="moons", grid=0), None),
        (dict(model="mlp:2-8-1", data="moons", grid=10**5), None),
        (dict(model="mlp:2-8-1", data="moons", grid="a"), "a"),
        (dict(model="mlp:2-8-1", data="moons", range=(1, 2, 3)), "range"),
        (dict(model="mlp:2-8-1", data="moons", loss="hinge"), "hinge"),
        (dict(model="mlp:2-8-1", data="moons", norm="filters"), "filters"),
        (dict(model="mlp:2-8-1", data="moons", direction="nowhere"), "nowhere"),
        (dict(model="mlp:2-8-1", data="moons", how="fast"), "fast"),
        (dict(model="mlp:2-8-1", data="missing.npz"), "missing.npz"),
        (dict(model="mlp:2-8-1", data=(np.zeros((0, 2)), np.zeros(0))), "x"),
        (dict(model="mlp:2-8-1", data=(np.zeros((3, 2)), np.zeros(4))), "the targets"),
        (dict(model="mlp:2-8-1", data=(np.full((3, 2), np.nan), np.zeros(3))), None),
        (dict(model="mlp:2-8-1", data=(np.array([["a", "b"]]), np.zeros(1))), None),
        (dict(model="mlp:2-8-1", data=[]), "data"),
        (dict(model="mlp:2-8-1", data=3), "data"),
        (dict(model=3, data="moons"), "model"),
        (dict(model=bowl, data="moons"), "model"),
        (dict(model=bowl, params={}), "params"),
        (dict(model=bowl, params={"w": np.ones(2, dtype=int)}), "w"),
        (dict(model=bowl, params={"w": np.array([np.nan])}), "w"),
        (dict(model=bowl, params={"w": np.ones((2, 2))}, direction="hessian"), None),
        (dict(model=bowl, params={"w": np.ones((2, 2))}, l2=float("inf")), None),
        (dict(model=bowl, params={"w": np.ones((2, 2))}, batch_norm="batch"), "batch_norm"),
        (dict(model=lambda p: np.ones((2, 2)), params={"w": np.ones((2, 2))}), "model"),
        (dict(model=lambda p: [], params={"w": np.ones((2, 2))}), "model"),
        (dict(model=lambda p: {"l": 1.0}, params={"w": np.ones((2, 2))}), "model"),
        (dict(model=lambda p: 1.0, params={"w": np.ones((2, 2))}, vectorized=True), "model"),
        (dict(model="mlp:2-8-1", data="moons", shard="3/2"), None),
    ],
)
def test_wrong_input_says_what_where_and_the_remedy(arguments, place, folder):
    with pytest.raises(ll.InputError) as error:
        ll.surface(**{"grid": 3, "progress": False} | arguments)
    assert error.value.what and isinstance(error.value, ValueError)
    assert error.value.remedy or ";" in error.value.what or ":" in error.value.what, str(error.value)
    if place is not None:
        assert place in f"{error.value.where} {error.value.what}", str(error.value)
    # Nothing is stored.
    if (folder / "landscape.duckdb").exists():
        assert ll.runs() == []


def test_help_teaches():
    for function in (ll.surface, ll.line, ll.volume, ll.hessian, ll.trajectory, ll.connect, ll.compare, ll.merge, ll.train, ll.Recorder):
        assert len(function.__doc__) > 200, function
    import inspect

    assert {"model", "data", "loss", "grid", "shard"} <= set(inspect.signature(ll.surface).parameters)
    for name in ll.__all__:
        assert getattr(ll, name).__doc__, name


def test_the_import_is_quick_and_takes_no_framework():
    code = (
        "import sys, time; import numpy; start = time.process_time(); import loss_landscape; seconds = time.process_time() - start; "
        "assert not {'torch', 'pandas', 'tqdm', 'IPython'} & set(sys.modules), 'too much is imported'; print(seconds)"
    )
    times = [float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout) for _ in range(3)]
    assert min(times) < 0.2, times


def test_type_checkers_know_the_arguments():
    import inspect

    from loss_landscape._options import SampleOptions

    known = set(inspect.signature(ll.surface).parameters) - {"model", "data", "loss"}
    assert known == set(SampleOptions.__annotations__)


def test_the_examples_in_the_words_run():
    import doctest

    from loss_landscape import _sampling

    for module in (ll, _sampling):
        result = doctest.testmod(module)
        assert result.attempted > 1 and result.failed == 0, module.__name__
