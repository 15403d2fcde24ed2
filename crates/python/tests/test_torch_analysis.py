"""Curvature, paths and recordings of networks of PyTorch, and the writer's interface."""

import base64
import contextlib
import copy
import json
import re
import signal
import subprocess
import urllib.request

import loss_landscape as ll
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn, F = torch.nn, torch.nn.functional


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 3))


def samples(count=48):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(count, 2, generator=generator)
    return x, (x[:, 0] > 0).long() + (x[:, 1] > 0.5).long()


def loader(count=48, batch=16):
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*samples(count)), batch_size=batch)


def dense_hessian(model, x, y):
    """All second derivatives, in double precision."""
    names = [name for name, _ in model.named_parameters()]
    shapes = [parameter.shape for parameter in model.parameters()]
    flat = torch.cat([parameter.detach().double().reshape(-1) for parameter in model.parameters()])

    def loss(theta):
        parts = torch.split(theta, [shape.numel() for shape in shapes])
        state = {name: part.reshape(shape) for name, part, shape in zip(names, parts, shapes, strict=True)}
        return F.cross_entropy(torch.func.functional_call(model.double(), state, (x.double(),)), y)

    found = torch.autograd.functional.hessian(loss, flat)
    model.float()
    return found


def test_eigenvalues_are_those_of_the_dense_matrix():
    model, (x, y) = network(), samples()
    dense = dense_hessian(model, x, y)
    expected = torch.linalg.eigvalsh(dense).flip(0)[:4].numpy()
    found = ll.hessian(model, (x, y), "cross-entropy", top=4, trace=True, tolerance=1e-6, progress=False)
    np.testing.assert_allclose(found.eigenvalues, expected, rtol=1e-4, atol=1e-6)
    assert found.trace == pytest.approx(float(dense.trace()), abs=max(5 * found.trace_se, 1e-4))
    own = ll.hessian(model, (x, y), lambda m, a, b: F.cross_entropy(m(a), b), top=4, tolerance=1e-6, progress=False)
    np.testing.assert_allclose(own.eigenvalues, expected, rtol=1e-4, atol=1e-6)
    assert all(parameter.dtype == torch.float32 and parameter.grad is None for parameter in model.parameters())


def train(model, recorder=None, steps=30, lr=0.5, observe=None):
    (x, y), optimizer = samples(), torch.optim.SGD(model.parameters(), lr=lr)
    losses = []
    for step in range(steps + 1):
        loss = F.cross_entropy(model(x), y)
        losses.append(loss.item())
        if recorder is not None:
            recorder.step(model, loss=loss, lr=lr)
        if observe is not None:
            observe(step, loss)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


def test_a_recorded_training_and_its_path():
    model = network()
    recorder = ll.Recorder("runs.duckdb", name="run", optimizer=torch.optim.SGD(model.parameters(), lr=0.5))
    losses = train(model, recorder)
    recorder.finish()
    path = ll.trajectory("run", model, samples(), "cross-entropy", grid=5, db="runs.duckdb", progress=False)
    np.testing.assert_allclose(path.loss, losses, rtol=1e-5)
    assert path.explained_variance[0] > 0.5 and np.isfinite(path.plane_loss).all()
    said = ll.diagnose("run", db="runs.duckdb", curvature=False, progress=False)
    assert said["diagnoses"]


def test_checkpoints_that_are_given():
    model, states, losses = network(), [], []

    def observe(step, loss):
        states.append({name: value.clone() for name, value in model.state_dict().items()})
        losses.append(loss.item())

    train(model, steps=10, observe=observe)
    path = ll.trajectory(states, model, samples(), "cross-entropy", progress=False)
    np.testing.assert_allclose(path.loss, losses, rtol=1e-5)
    again = ll.trajectory(states, model, samples(), "cross-entropy", steps=range(0, 110, 10), db="other.duckdb", progress=False)
    assert list(again.step) == list(range(0, 110, 10))
    with pytest.raises(ll.InputError):
        ll.trajectory(states, model, samples(), steps=[1, 2], progress=False)


def test_the_same_checkpoints_at_other_steps_or_by_another_name():
    model, states = network(), []
    train(model, steps=4, observe=lambda step, loss: states.append({k: v.clone() for k, v in model.state_dict().items()}))
    asked = dict(model=model, data=samples(), loss="cross-entropy", progress=False)
    first = ll.trajectory(states, **asked)
    tens = ll.trajectory(states, steps=range(0, 50, 10), **asked)
    # Both stay what they are, also when they are asked for again, and when they are drawn or listed.
    for path, steps in ((first, range(5)), (tens, range(0, 50, 10)), (ll.trajectory(states, **asked), range(5))):
        assert list(path.step) == list(steps)
        np.testing.assert_array_equal(path.loss, first.loss)
    assert tens.run != first.run and first.run == ll.trajectory(states, **asked).run
    named = ll.trajectory(states, name="mine", **asked)
    assert named.run == "mine" and named.label[0].startswith("mine-") and first.label[0].startswith("checkpoints-")
    np.testing.assert_array_equal(named.x, first.x)


def test_two_networks_are_connected():
    one, two = network(0), network(1)
    train(one), train(two)
    found = ll.connect(one, two, data=samples(), loss="cross-entropy", points=7, align="weights", progress=False)
    ends = [F.cross_entropy(net(samples()[0]), samples()[1]).item() for net in (one, two)]
    line = ll.load(found.run)
    np.testing.assert_allclose(line.loss[[0, -1]], ends, rtol=1e-5)


def mse(model, inputs, targets):
    return F.cross_entropy(model(inputs), targets)


def imported(path, surface):
    """What the command reads of the file is the landscape."""
    from loss_landscape import _command

    try:
        command = _command.path()
    except FileNotFoundError:
        return
    subprocess.run([command, "import", str(path), "--db", "imported.duckdb", "--name", "imported", "-q"], check=True)
    np.testing.assert_array_equal(ll.load("imported", "imported.duckdb").loss, surface.loss)


def test_the_writer_does_the_documented_jobs(folder):
    model = network()
    with ll.LossLandscapeWriter("runs/exp1", seed=42, auto_export=True) as writer:

        def observe(step, loss):
            if step % 5 == 0:
                writer.record_checkpoint(model, step, train_loss=loss.item())

        train(model, observe=observe)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        path = writer.build_trajectory(model, loader(), mse, mode="pca")
        assert len(path.x) == 7
        surface = writer.sample_landscape(model, loader(), mse, grid_size=9, range_scale=0.1, verbose=False)
        assert surface.shape == (9, 9)
        assert surface.center == pytest.approx(mse(model, *samples()).item(), rel=1e-5)
        writer.sample_landscape(model, loader(), mse, mode="1d", grid_size=5, verbose=False)
        writer.sample_landscape(model, loader(), mse, mode="3d", grid_size=3, verbose=False)
        pca = writer.sample_landscape(model, loader(), mse, grid_size=5, direction_mode="pca", verbose=False)
        directions = writer.get_directions()
        assert len(directions) == 2
        fixed = writer.build_trajectory(model, loader(), mse, mode="fixed")
        np.testing.assert_allclose(fixed["traj_1"][-1], 0.0, atol=1e-9)
        np.testing.assert_allclose(np.abs(fixed["traj_1"]), np.abs(path.x), rtol=1e-3, atol=1e-4)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    written = json.loads((folder / "runs/exp1/landscape.json").read_text())
    np.testing.assert_allclose(written["loss_grid_2d"], pca.loss)
    assert {"X", "Y", "baseline_loss", "X_1d", "loss_line_1d", "loss_grid_3d", "trajectory_data", "schema", "axes", "loss"} <= set(written)
    assert len(ll.runs("runs/exp1/landscape.duckdb")) >= 5
    imported(folder / "runs/exp1/landscape.json", pca)
    other = ll.LossLandscapeWriter("runs/exp2")
    shared = other.sample_landscape(network(3), loader(), mse, grid_size=5, directions=directions, verbose=False)
    other.close()
    np.testing.assert_array_equal(shared.directions()[0]["0.weight"], directions[0]["0.weight"])


@contextlib.contextmanager
def viewed(*words):
    """What `landscape view` serves under a path, once its first line has told the address."""
    from loss_landscape import _command

    try:
        command = [_command.path(), "view", "--no-open", *words]
    except FileNotFoundError:
        pytest.skip("this build does not carry the command")
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        address = server.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=\w+", address), server.stderr.read()
        start, token = address.split("/?")
        browser = urllib.request.build_opener(urllib.request.ProxyHandler({}))

        def page(path="/"):
            with browser.open(f"{start}{path}{'&' if '?' in path else '?'}{token}", timeout=30) as answer:
                return answer.read().decode()

        yield page
    finally:
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 130
        server.stdout.close(), server.stderr.close()


def embedded(page):
    """The data of a page of runs."""
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script', page, re.DOTALL)[1])


def test_the_command_shows_what_the_writer_wrote(folder):
    with ll.LossLandscapeWriter("runs/exp1") as writer:
        surface = writer.sample_landscape(network(), loader(), mse, grid_size=5, verbose=False)
    with viewed("runs/exp1/landscape.json") as page:
        (run,) = embedded(page())["runs"]
        assert run["name"] == "landscape.json" and "landscape.json" in page()
    with viewed("runs/exp1") as page:
        names = re.findall(r'"name":"([^"]+)"', page())
        assert {surface.run, "landscape.json"} <= set(names), names
        (run,) = embedded(page(f"/run/0/{surface.run}"))["runs"]
        assert run["name"] == surface.run
        (packed,) = [quantity["data"] for quantity in run["quantities"] if quantity["key"] == "loss"]
        losses = np.frombuffer(base64.b64decode(packed["f64"]), dtype="<f8")
        np.testing.assert_array_equal(np.sort(losses), np.sort(surface.loss, axis=None))


def test_a_later_writer_in_the_same_folder_has_its_own_training(folder):
    paths = []
    for seed in (0, 1):
        model = network(seed)
        with ll.LossLandscapeWriter("runs/again", auto_export=False) as writer:
            train(model, steps=4 + seed, observe=lambda step, loss: writer.record_checkpoint(model, step, train_loss=loss.item()))
            paths.append(writer.build_trajectory(model, loader(), mse))
    assert [len(path.x) for path in paths] == [5, 6] and paths[0].run != paths[1].run
    assert {run["model"] for run in ll.runs("runs/again/landscape.duckdb") if run["kind"] == "trajectory"} == {"Sequential"}


def test_the_writers_modes_and_directions(folder):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))
    x, y = samples()
    with ll.LossLandscapeWriter("runs/modes") as writer:
        asked = dict(grid_size=3, verbose=False, max_batches=None)
        for mode, statistics in (("eval", model.eval), ("train", model.train)):
            found = writer.sample_landscape(model, loader(), F.cross_entropy, model_mode=mode, **asked)
            statistics()
            with torch.no_grad():
                expected = F.cross_entropy(copy.deepcopy(model)(x), y).item()
            assert found.center == pytest.approx(expected, rel=1e-5), mode
        writer.record_checkpoint(model, 0, train_loss=1.0, val_loss=2.0)
        with torch.no_grad():
            model[3].weight += 0.1
        writer.record_checkpoint(model, 1)
        # A direction along the step: the first checkpoint is at -1, the last one at 0.
        step = {name: torch.zeros_like(value) for name, value in model.named_parameters()}
        step["3.weight"] += 0.1
        flat = torch.cat([value.flatten() for value in step.values()])
        for given in ([step], [flat]):
            fixed = writer.build_trajectory(model, loader(), F.cross_entropy, mode="fixed", directions=given)
            np.testing.assert_allclose(fixed["traj_1"], [-1.0, 0.0], atol=1e-5)
        with pytest.raises(ll.InputError):
            writer.build_trajectory(model, loader(), F.cross_entropy, mode="fixed", directions=[flat[:-1]])
    written = ll.LossLandscapeWriter("runs/silent", auto_export=False)
    written.sample_landscape(model, loader(), F.cross_entropy, **asked)
    written.close()
    assert not (folder / "runs/silent/landscape.json").exists()


@pytest.mark.filterwarnings("ignore::loss_landscape.LandscapeWarning")
def test_the_writers_losses(folder):
    model, (x, y) = network(), samples()
    writer = ll.LossLandscapeWriter("runs/losses", auto_export=False)
    asked = dict(grid_size=3, verbose=False, max_batches=None)
    plain = writer.sample_landscape(model, loader(), mse, **asked)
    for loss in (nn.CrossEntropyLoss(), F.cross_entropy, lambda out, target: F.cross_entropy(out, target), "cross-entropy"):
        np.testing.assert_allclose(writer.sample_landscape(model, loader(), loss, **asked).loss, plain.loss, rtol=1e-5)
    norm = lambda net: sum((p**2).sum() for p in net.parameters())  # noqa: E731
    for loss in (mse, nn.CrossEntropyLoss(), "cross-entropy"):
        found = writer.sample_landscape(model, loader(), loss, regularizer=norm, regularizer_weight=0.01, **asked)
        assert found.center == pytest.approx(plain.center + 0.01 * norm(model).item(), rel=1e-5)
    custom = writer.sample_landscape(model, loader(), custom_loss_fn=lambda m, a, b: mse(m, a, b) * 2, **asked)
    assert custom.center == pytest.approx(2 * plain.center, rel=1e-5)
    post = writer.sample_landscape(model, loader(), None, post_batch_hook=lambda out, a, b: F.cross_entropy(out, b), **asked)
    assert post.center == pytest.approx(plain.center, rel=1e-5)
    pre = writer.sample_landscape(model, loader(), mse, pre_batch_hook=lambda batch: (batch[0] * 0, batch[1]), **asked)
    assert pre.center == pytest.approx(mse(model, x * 0, y).item(), rel=1e-5)
    some = writer.sample_landscape(model, loader(), mse, grid_size=3, verbose=False, max_batches=1)
    assert some.center == pytest.approx(mse(model, x[:16], y[:16]).item(), rel=1e-5)
    for wrong in (dict(mode="4d"), dict(model_mode="test"), dict(direction_mode="pca"), dict(direction_mode="best")):
        with pytest.raises(ll.InputError):
            writer.sample_landscape(model, loader(), mse, **asked | wrong)
    with pytest.raises(ll.InputError):
        writer.build_trajectory(model, loader(), mse)
    writer.close()


def test_one_line_and_the_explorer(folder):
    model = network()
    path = ll.sample_landscape(model, loader(), mse, "out/landscape.json", grid_size=5, verbose=False)
    assert json.loads(open(path).read())["grid_size"] == 5
    with ll.Explorer(model, mse, loader(), storage=ll.LandscapeStorage("landscape.duckdb")) as explorer:
        surface = explorer.build_surface(grid_size=5, range_scale=0.1, verbose=False)
        metrics = explorer.compute_hessian_metrics(verbose=False)
    dense = dense_hessian(model, *samples())
    assert metrics["max_eigenvalue"] == pytest.approx(float(torch.linalg.eigvalsh(dense)[-1]), rel=1e-3)
    assert surface.run in [run["name"] for run in ll.runs()]


def test_lightning(folder):
    lightning = pytest.importorskip("lightning.pytorch", reason="Lightning is not installed")

    class Module(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = network()

        def training_step(self, batch, _):
            return F.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    callback = ll.callbacks.lightning("runs.duckdb", "run")
    trainer = lightning.Trainer(
        max_epochs=2, callbacks=[callback], logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu"
    )
    trainer.fit(Module(), loader())
    run = next(run for run in ll.runs("runs.duckdb") if run["name"] == "run")
    assert run["checkpoints"] == 7 and run["status"] == "complete"


def test_the_trainer_of_transformers(folder):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    pytest.importorskip("accelerate", reason="accelerate is not installed")

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = network()

        def forward(self, x, labels):
            logits = self.net(x)
            return {"loss": F.cross_entropy(logits, labels), "logits": logits}

    x, y = samples()
    data = [{"x": one, "labels": label} for one, label in zip(x, y, strict=True)]
    arguments = transformers.TrainingArguments(
        "out", num_train_epochs=1, per_device_train_batch_size=16, report_to=[], use_cpu=True, save_strategy="no", disable_tqdm=True
    )
    callback = ll.callbacks.transformers("runs.duckdb", "run")
    transformers.Trainer(Model(), arguments, train_dataset=data, callbacks=[callback]).train()
    run = next(run for run in ll.runs("runs.duckdb") if run["name"] == "run")
    assert run["checkpoints"] == 4 and run["status"] == "complete"


def test_accelerate(folder):
    accelerate = pytest.importorskip("accelerate", reason="accelerate is not installed")
    accelerator = accelerate.Accelerator(cpu=True)
    model = accelerator.prepare(network())
    recorder = ll.callbacks.AccelerateRecorder(accelerator, "runs.duckdb", "run")
    assert recorder.step(model, batch_loss=1.0)
    recorder.finish()
    assert next(run for run in ll.runs("runs.duckdb") if run["name"] == "run")["checkpoints"] == 1
