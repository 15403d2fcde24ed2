"""Networks of PyTorch: exported and run by the own kernels, and called as they are."""

import copy

import loss_landscape as ll
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn, F = torch.nn, torch.nn.functional
GRID = dict(grid=5, range=0.5, progress=False)


def network(seed=0, outputs=3):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, outputs)).train()


def samples(count=40, outputs=3, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 4, generator=generator), torch.randint(0, outputs, (count,), generator=generator)


def state_of(model):
    """Everything of a network that could be changed, and the random generators."""
    tensors = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    wants = [parameter.requires_grad for parameter in model.parameters()]
    grads = [None if parameter.grad is None else parameter.grad.clone() for parameter in model.parameters()]
    return tensors, modes, wants, grads, torch.random.get_rng_state(), np.random.get_state()[1].copy()


def assert_same(before, after):
    for name, value in before[0].items():
        assert torch.equal(value, after[0][name]), name
    assert before[1:3] == after[1:3]
    for one, two in zip(before[3], after[3], strict=True):
        assert (one is None) == (two is None) and (one is None or torch.equal(one, two))
    assert torch.equal(before[4], after[4]) and np.array_equal(before[5], after[5])


def plain(model, x, y, loss, surface):
    """The same losses by a loop of PyTorch in double precision."""
    model = copy.deepcopy(model).double().eval()
    origin = {name: value.clone() for name, value in model.state_dict().items()}
    directions = [{name: torch.from_numpy(value).double() for name, value in one.items()} for one in surface.directions()]
    losses = np.zeros(surface.shape)
    for i, a in enumerate(surface.alpha):
        for j, b in enumerate(surface.beta):
            moved = {}
            for name, value in origin.items():
                ways = [one[name].reshape(value.shape) for one in directions if name in one]
                moved[name] = value + a * ways[0] + b * ways[1] if ways and value.is_floating_point() else value
            with torch.no_grad():
                losses[i, j] = loss(torch.func.functional_call(model, moved, (x.double(),)), y).item()
    return losses


def test_a_module_is_run_by_the_own_kernels_and_stays_as_it_was():
    model, (x, y) = network(), samples()
    F.cross_entropy(model(x), y).backward()
    before = state_of(model)
    surface = ll.surface(model, (x, y), nn.CrossEntropyLoss(), name="plane", **GRID)
    assert_same(before, state_of(model))
    assert surface.how.startswith("own kernels, from torch.export of Sequential"), surface.how
    np.testing.assert_allclose(surface.loss, plain(model, x, y, F.cross_entropy, surface), rtol=1e-5)
    assert set(surface.directions()[0]) == {n for n, v in model.state_dict().items() if v.is_floating_point()}
    assert surface.accuracy is not None and surface.loss_se is not None
    # Another one that has the same parameters finds the same run.
    again = ll.surface(copy.deepcopy(model).eval(), samples(), "cross-entropy", name="plane", **GRID)
    assert again.computed == 0


def test_both_ways_agree():
    model, (x, y) = network(), samples()
    kernels = ll.surface(model, (x, y), how="kernels", **GRID)
    before = state_of(model)
    called = ll.surface(model, (x, y), how="callable", **GRID)
    assert_same(before, state_of(model))
    assert called.how.startswith("callable")
    np.testing.assert_allclose(called.loss, kernels.loss, rtol=1e-5)
    np.testing.assert_allclose(called.loss_se, kernels.loss_se, rtol=1e-4)
    np.testing.assert_allclose(called.accuracy, kernels.accuracy)
    assert ll.surface(model, (x, y), how="callable", **GRID).computed == 0


@pytest.mark.parametrize("select", ["0", ["4", "!*.bias"], "trainable"])
def test_both_ways_agree_on_what_moves(select):
    model, (x, y) = network(), samples()
    next(model.parameters()).requires_grad_(False)
    asked = GRID | dict(select=select, bias="copy")
    kernels = ll.surface(model, (x, y), how="kernels", **asked)
    called = ll.surface(model, (x, y), how="callable", **asked)
    np.testing.assert_allclose(called.loss, kernels.loss, rtol=1e-5)
    assert not np.array_equal(kernels.loss, ll.surface(model, (x, y), how="kernels", **GRID).loss)


@pytest.mark.parametrize("statistics", ["frozen", "batch", "reestimate"])
def test_both_ways_agree_on_statistics_and_regularisers(statistics):
    model, (x, y) = network(), samples()
    asked = GRID | dict(batch_norm=statistics, l1=0.1, l2=0.01)
    kernels = ll.surface(model, (x, y), how="kernels", **asked)
    before = state_of(model)
    # Statistics are those of all samples, however a loader gives them.
    called = ll.surface(model, loader(), how="callable", **asked)
    assert_same(before, state_of(model))
    np.testing.assert_allclose(called.loss, kernels.loss, rtol=1e-5)
    for name in ("l1", "l2"):
        np.testing.assert_allclose(called.terms[name], kernels.terms[name], rtol=1e-5)
    values = [parameter.detach().double() for parameter in model.parameters()]
    assert called.terms["l2"][2, 2] == pytest.approx(sum(float((value**2).sum()) for value in values), rel=1e-6)
    if statistics == "batch":
        trained = copy.deepcopy(model).double()
        trained[3].eval()
        assert called.center == pytest.approx(F.cross_entropy(trained(x.double()), y).item(), rel=1e-5)
    assert ll.surface(model, loader(), how="callable", **asked).computed == 0
    with pytest.raises(ll.InputError):
        ll.surface(model, (x, y), how="callable", **asked | dict(batch_norm="running"))


@pytest.mark.parametrize(
    ("loss", "outputs", "targets"),
    [
        (nn.MSELoss(), 1, lambda y: torch.randn(len(y), 1)),
        (F.mse_loss, 2, lambda y: torch.randn(len(y), 2)),
        (nn.BCEWithLogitsLoss(), 1, lambda y: (y > 0).float()[:, None]),
        (nn.SmoothL1Loss(), 2, lambda y: torch.randn(len(y), 2)),
        (nn.CrossEntropyLoss(label_smoothing=0.1), 3, lambda y: y),
        (nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5])), 3, lambda y: y),
        (lambda out, y: ((out - y) ** 2).mean() + out.abs().mean(), 2, lambda y: torch.randn(len(y), 2)),
    ],
    ids=["MSELoss", "mse_loss", "BCEWithLogitsLoss", "SmoothL1Loss", "smoothed", "weighted", "a function"],
)
@pytest.mark.filterwarnings("ignore::loss_landscape.LandscapeWarning")
def test_losses_of_pytorch_and_of_ones_own(loss, outputs, targets):
    torch.manual_seed(3)
    model, (x, y) = network(outputs=outputs), samples()
    y = targets(y)
    kernels = ll.surface(model, (x, y), loss, how="kernels", **GRID)
    np.testing.assert_allclose(kernels.loss, plain(model, x, y, _double(loss), kernels), rtol=1e-5)
    called = ll.surface(model, (x, y), loss, how="callable", **GRID)
    np.testing.assert_allclose(called.loss, kernels.loss, rtol=1e-5)


def _double(loss):
    loss = copy.deepcopy(loss).double() if isinstance(loss, nn.Module) else loss
    return lambda out, y: loss(out, y.double() if y.is_floating_point() else y)


def test_a_separable_loss_has_a_standard_error():
    model, (x, _) = network(outputs=2), samples()
    y = torch.randn(len(x), 2)
    surface = ll.surface(model, (x, y), nn.SmoothL1Loss(), **GRID)
    with torch.no_grad():
        losses = F.smooth_l1_loss(copy.deepcopy(model).eval()(x), y, reduction="none").mean(1)
    assert surface.center == pytest.approx(losses.mean().item(), rel=1e-5)
    assert surface.loss_se[2, 2] == pytest.approx(losses.std().item() / len(x) ** 0.5, rel=1e-4)


def test_parameters_of_a_loss_do_not_move():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.tensor([2.0, 3.0]))

        def forward(self, out, y):
            return ((out - y) ** 2 * self.scale).mean(1)

    model, (x, _) = network(outputs=2), samples()
    y, loss = torch.randn(len(x), 2), Scaled()
    surface = ll.surface(model, (x, y), loss, **GRID)
    assert surface.how.startswith("own kernels")
    moving = [name for name, value in surface.directions()[0].items() if np.any(value)]
    assert moving == ["0.weight", "4.weight"]
    called = ll.surface(model, (x, y), loss, how="callable", **GRID)
    np.testing.assert_allclose(called.loss, surface.loss, rtol=1e-5)
    assert loss.scale.requires_grad and loss.training


class Branching(nn.Module):
    """Control flow that depends on the data, which torch.export refuses."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        out = self.fc(x)
        return out * 2 if out.sum() > 0 else out


def test_what_cannot_be_exported_is_called():
    model, (x, y) = Branching(), samples()
    surface = ll.surface(model, (x, y), **GRID)
    assert surface.how.startswith("callable: torch.export refused Branching"), surface.how
    np.testing.assert_allclose(surface.loss, plain(model, x, y, F.cross_entropy, surface), rtol=1e-5)
    with pytest.raises(ll.Unsupported) as error:
        ll.surface(model, (x, y), how="kernels", **GRID)
    assert error.value.where == "Branching" and "callable" in error.value.remedy
    with pytest.raises(ll.Unsupported):
        ll.hessian(model, (x, y), progress=False)


def test_half_precision():
    model, (x, y) = network(), samples()
    whole = ll.surface(model, (x, y), **GRID)
    halved = copy.deepcopy(model).half()
    before = state_of(halved)
    surface = ll.surface(halved, (x.half(), y), **GRID)
    assert_same(before, state_of(halved))
    assert next(halved.parameters()).dtype == torch.float16
    np.testing.assert_allclose(surface.loss, whole.loss, rtol=0.05)


@pytest.mark.parametrize("number", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_called_as_it_is(number):
    model, (x, y) = network().to(number), samples()
    before = state_of(model)
    called = ll.surface(model, (x.to(number), y), how="callable", **GRID)
    assert_same(before, state_of(model))
    np.testing.assert_allclose(called.loss, ll.surface(model, (x.to(number), y), **GRID).loss, rtol=0.1)


def calls(model, other, data):
    """Everything that is done with a network of PyTorch."""
    x, y = data
    moved = lambda value, scale: value * scale if value.is_floating_point() else value  # noqa: E731
    states = [{name: moved(value, scale) for name, value in model.state_dict().items()} for scale in (0.5, 0.8, 1.0)]
    states[1]["0.weight"] = states[1]["0.weight"] + 0.1
    quiet = dict(progress=False)
    yield "line", lambda: ll.line(model, data, grid=3, **quiet)
    yield "volume", lambda: ll.volume(model, data, grid=3, **quiet)
    yield "towards another", lambda: ll.line(model, data, to=other, grid=3, range=(0, 1), **quiet)
    yield "gradient", lambda: ll.line(model, data, direction="gradient", grid=3, **quiet)
    yield "hessian", lambda: ll.hessian(model, data, top=1, trace=True, **quiet)
    yield "trajectory", lambda: ll.trajectory(states, model, data, "cross-entropy", grid=3, **quiet)
    yield "connect", lambda: ll.connect(model, other, data=data, loss="cross-entropy", points=3, **quiet)
    yield "a loader", lambda: ll.surface(model, loader(), how="callable", batch_norm="reestimate", **GRID)
    with ll.Recorder(name="recorded") as recorder:
        yield "recorder", lambda: recorder.step(model, loss=lambda: 1.0)
    with ll.LossLandscapeWriter("runs/calls") as writer:
        asked = dict(grid_size=3, verbose=False)
        yield "writer", lambda: writer.sample_landscape(model, loader(), F.cross_entropy, model_mode="train", **asked)
        yield "checkpoint", lambda: writer.record_checkpoint(model, 0)
    with ll.Explorer(model, F.cross_entropy, loader()) as explorer:
        yield "metrics", lambda: explorer.compute_hessian_metrics(top_k=1, trace=False, verbose=False)
    yield "wrong data", lambda: refused(lambda: ll.hessian(model, (x[:, :2], y), **quiet))
    yield "wrong loss", lambda: refused(lambda: ll.surface(model, data, "hinge", **GRID))
    yield "wrong labels", lambda: refused(lambda: ll.trajectory(states, model, (x, y + 9), "cross-entropy", **quiet))


def refused(call):
    with pytest.raises(ll.InputError):
        call()


@pytest.mark.filterwarnings("ignore::loss_landscape.LandscapeWarning")
def test_no_call_changes_the_network(folder):
    other, model, data = network(1), network(), samples()
    F.cross_entropy(model(data[0]), data[1]).backward()
    places = [parameter.data_ptr() for parameter in model.parameters()]
    before = state_of(model)
    for name, call in calls(model, other, data):
        call()
        try:
            assert_same(before, state_of(model))
        except AssertionError as error:
            raise AssertionError(f"after `{name}`: {error}") from None
        assert places == [parameter.data_ptr() for parameter in model.parameters()], name


def test_an_exception_leaves_the_network_as_it_was():
    model, (x, y) = network(), samples()
    before = state_of(model)
    with pytest.raises(ll.InputError):
        ll.surface(model, (x, y + 7), "cross-entropy", **GRID)
    with pytest.raises(ll.InputError):
        ll.surface(model, (x[:, :3], y), **GRID)
    with pytest.raises(ZeroDivisionError):
        ll.surface(model, (x, y), lambda out, y: 1 / 0, how="callable", **GRID)
    assert_same(before, state_of(model))


def loader(count=40, batch=16, **options):
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*samples(count)), batch_size=batch, **options)


def test_loaders_are_read_once_in_order():
    model, data = network(), samples()
    whole = ll.surface(model, data, **GRID)
    np.testing.assert_array_equal(ll.surface(model, loader(), **GRID).loss, whole.loss)
    np.testing.assert_array_equal(ll.surface(model, torch.utils.data.TensorDataset(*data), **GRID).loss, whole.loss)
    some = ll.surface(model, loader(), max_batches=2, **GRID)
    first = ll.surface(model, (data[0][:32], data[1][:32]), **GRID)
    np.testing.assert_array_equal(some.loss, first.loss)
    called = ll.surface(model, loader(), how="callable", **GRID)
    np.testing.assert_allclose(called.loss, whole.loss, rtol=1e-5)
    np.testing.assert_allclose(called.loss_se, whole.loss_se, rtol=1e-4)
    before = torch.random.get_rng_state()
    with pytest.warns(ll.LandscapeWarning, match="shuffle=False"):
        ll.surface(model, loader(shuffle=True), **GRID)
    assert torch.equal(before, torch.random.get_rng_state())


class Noisy(torch.utils.data.Dataset):
    def __init__(self):
        self.x, self.y = samples()

    def __len__(self):
        return len(self.x)

    def __getitem__(self, place):
        return self.x[place] + torch.randn(4), self.y[place]


def test_functions_are_given_tensors_where_the_parameters_are_some():
    seen = []

    def loss(params):
        seen.append(params["w"])
        return (params["w"].double() ** 2).flatten(-2).sum(-1)

    weights = torch.tensor([[1.0, 2.0], [0.5, -1.0]], requires_grad=True)
    single = ll.surface(loss, params={"w": weights}, key="one", **GRID)
    assert torch.is_tensor(seen[0]) and seen[0].shape == (2, 2) and single.center == 6.25
    seen.clear()
    several = ll.surface(loss, params={"w": weights}, key="some", vectorized=5, **GRID)
    assert {tensor.dim() for tensor in seen} == {3} and max(len(tensor) for tensor in seen) == 5
    np.testing.assert_allclose(several.loss, single.loss, rtol=1e-6)
    assert weights.requires_grad and weights.grad is None


def test_a_return_that_is_drawn_is_a_landscape():
    """The return of a policy, each point with the same draws."""

    def lost(params):
        draws = np.random.default_rng(0)
        states = draws.normal(size=(16, 3))
        return -np.cos(states @ params["policy"]).sum(1)

    plane = ll.surface(lost, params={"policy": np.full((3, 2), 0.5)}, **GRID)
    assert plane.loss_se is not None and plane.center < 0 and plane.how.startswith("callable")


def test_the_data_are_held_once_beside_the_tiles_of_the_kernels(folder):
    """The memory that a call takes beside what it is given, of data that are large beside all else."""
    try:
        open("/proc/self/clear_refs", "w").close()
    except OSError:
        pytest.skip("the system does not say how much memory was held at most")
    model = nn.Linear(2048, 3)

    def asked(count, name):
        x = torch.from_numpy(np.random.default_rng(0).standard_normal((count, 2048), dtype=np.float32))
        data = (x, torch.arange(count) % 3)
        before = memory("VmRSS")
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        ll.line(model, data, "cross-entropy", how="kernels", grid=3, name=name, progress=False)
        return memory("VmHWM") - before

    few = asked(16, "few")
    more = asked(8192, "more") - few
    size = 8192 * 2048 * 4
    assert more < 2.4 * size, f"{more / size:.2f} of the data"


def memory(what):
    with open("/proc/self/status") as file:
        line = next(line for line in file if line.startswith(what))
    return int(line.split()[1]) << 10


def test_augmentation_is_noticed():
    with pytest.warns(ll.LandscapeWarning, match="augmentation"):
        ll.surface(network(), torch.utils.data.DataLoader(Noisy(), batch_size=20), **GRID)


def test_dictionaries_and_several_inputs():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.a, self.b = nn.Linear(4, 3), nn.Linear(2, 3)

        def forward(self, left, right):
            return {"logits": self.a(left) + self.b(right)}

    model, (x, y) = Two(), samples()
    z = torch.randn(len(x), 2)
    named = ll.surface(model, {"left": x, "right": z, "labels": y}, "cross-entropy", **GRID)
    assert named.how.startswith("own kernels"), named.how
    with torch.no_grad():
        assert named.center == pytest.approx(F.cross_entropy(model(x, z)["logits"], y).item(), rel=1e-5)
    batches = [{"right": z[:20], "left": x[:20], "labels": y[:20]}, {"right": z[20:], "left": x[20:], "labels": y[20:]}]
    np.testing.assert_allclose(ll.surface(model, batches, "cross-entropy", **GRID).loss, named.loss, rtol=1e-6)
    inOrder = ll.surface(model, ((x, z), y), "cross-entropy", **GRID)
    np.testing.assert_allclose(inOrder.loss, named.loss, rtol=1e-6)
    called = ll.surface(model, {"left": x, "right": z, "labels": y}, "cross-entropy", how="callable", **GRID)
    np.testing.assert_allclose(called.loss, named.loss, rtol=1e-5)


def test_a_network_that_gives_its_loss():
    class Output(dict):
        __getattr__ = dict.__getitem__

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.fc = nn.Linear(4, 3)

        def forward(self, inputs, labels=None):
            logits = self.fc(inputs)
            return Output(logits=logits, loss=F.cross_entropy(logits, labels))

    model, (x, y) = Model(), samples()
    surface = ll.surface(model, {"inputs": x, "labels": y}, **GRID)
    assert surface.how.startswith("own kernels") and surface.loss_se is not None
    with torch.no_grad():
        assert surface.center == pytest.approx(model(x, y).loss.item(), rel=1e-5)


def test_buffers_that_are_not_saved_and_tensors_in_the_code():
    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.fc = nn.Linear(4, 3)
            self.register_buffer("mask", torch.tensor([1.0, 0.0, 1.0, 0.5]), persistent=False)

        def forward(self, x):
            return self.fc(x * self.mask) + torch.tensor([0.1, 0.2, 0.3])

    model, (x, y) = Masked(), samples()
    surface = ll.surface(model, (x, y), **GRID)
    assert surface.how.startswith("own kernels"), surface.how
    np.testing.assert_allclose(surface.loss, plain(model, x, y, F.cross_entropy, surface), rtol=1e-5)


def test_tied_weights_are_one_parameter():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.embed, self.out = nn.Embedding(7, 5), nn.Linear(5, 7, bias=False)
            self.out.weight = self.embed.weight

        def forward(self, ids):
            return self.out(self.embed(ids).mean(1))

    model = Tied()
    ids, y = torch.randint(0, 7, (20, 3)), torch.randint(0, 7, (20,))
    kernels = ll.surface(model, (ids, y), "cross-entropy", how="kernels", **GRID)
    called = ll.surface(model, (ids, y), "cross-entropy", how="callable", **GRID)
    assert len(kernels.directions()[0]) == len(called.directions()[0]) == 1
    np.testing.assert_allclose(called.loss, kernels.loss, rtol=1e-5)
    states = [{name: value.clone() * scale for name, value in model.state_dict().items()} for scale in (0.5, 0.7, 1.1, 1.0)]
    states[1]["embed.weight"] += torch.randn(7, 5)
    path = ll.trajectory(states, model, (ids, y), "cross-entropy", progress=False)
    assert len(path.x) == 4
    assert model.out.weight is model.embed.weight


def test_token_ids_and_labels_of_each_place():
    class Words(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.embed, self.out = nn.Embedding(11, 6), nn.Linear(6, 11)

        def forward(self, ids):
            return self.out(self.embed(ids)).transpose(1, 2)

    model = Words()
    ids = torch.randint(0, 11, (12, 5))
    surface = ll.surface(model, (ids, ids.roll(1, 1)), nn.CrossEntropyLoss(), **GRID)
    assert surface.how.startswith("own kernels"), surface.how
    with torch.no_grad():
        assert surface.center == pytest.approx(F.cross_entropy(model(ids), ids.roll(1, 1)).item(), rel=1e-5)


@pytest.mark.parametrize("make", [lambda x: x.t().contiguous().t(), lambda x: x.double(), lambda x: x[::1], lambda x: x.numpy()])
def test_tensors_in_any_layout(make):
    model, (x, y) = network(), samples()
    np.testing.assert_allclose(ll.surface(model, (make(x), y), **GRID).loss, ll.surface(model, (x, y), **GRID).loss, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        (lambda m, x, y: dict(model=m), "data"),
        (lambda m, x, y: dict(model=m, data="moons"), "data"),
        (lambda m, x, y: dict(model=m, data=loader(count=0, batch=4)), "data"),
        (lambda m, x, y: dict(model=m, data=loader(), max_batches=0), "max_batches"),
        (lambda m, x, y: dict(model=m, data=(x, y), weights="w.pt"), "weights"),
        (lambda m, x, y: dict(model=m, data=(x, y), loss="hinge"), "hinge"),
        (lambda m, x, y: dict(model=m, data=(x, torch.randn(len(x))), loss=nn.MSELoss()), "the targets"),
        (lambda m, x, y: dict(model=m, data=(torch.nested.nested_tensor([x[0], x[1, :2]]), y[:2])), None),
        (lambda m, x, y: dict(model=m, data=(torch.full_like(x, float("nan")), y)), None),
        (lambda m, x, y: dict(model=broken(m), data=(x, y)), "0.weight"),
        (lambda m, x, y: dict(model=nn.ReLU(), data=(x, y)), "ReLU"),
        (lambda m, x, y: dict(model=m, data=(x.to(torch.complex64), y)), None),
        (lambda m, x, y: dict(model=m, data=[(x[:2], y[:2]), (x[2:4, :3], y[2:4])]), "x"),
    ],
)
def test_wrong_input_says_what_where_and_the_remedy(arguments, place):
    model, (x, y) = network(), samples()
    with pytest.raises(ll.InputError) as error:
        ll.surface(**GRID | arguments(model, x, y))
    assert error.value.what and (error.value.remedy or ";" in error.value.what or ":" in error.value.what), str(error.value)
    if place is not None:
        assert place in f"{error.value.where} {error.value.what}", str(error.value)


def broken(model):
    with torch.no_grad():
        model[0].weight[0, 0] = float("nan")
    return model


def test_other_networks_and_directions():
    one, two, data = network(0), network(1), samples()
    line = ll.line(one, data, to=two, grid=5, range=(0, 1), progress=False)
    ends = [ll.line(end, data, grid=3, progress=False).center for end in (one, two)]
    np.testing.assert_allclose(line.loss[[0, -1]], ends, rtol=1e-5)
    plane = ll.surface(one, data, **GRID)
    again = ll.surface(one, data, directions=plane.directions(), **GRID)
    np.testing.assert_allclose(again.loss, plane.loss, rtol=1e-6)
    steep = ll.line(one, data, direction="gradient", grid=5, range=(0, 0.1), progress=False)
    assert steep.loss[1] < steep.loss[0]
