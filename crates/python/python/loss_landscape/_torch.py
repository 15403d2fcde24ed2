"""Networks of PyTorch: exported and run by the own kernels, or called as they are. Nothing of theirs is changed."""

from __future__ import annotations

import contextlib
import copy
import inspect
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import _native
from ._arrays import as_numpy, named, torch_module
from ._data import Samples, random_state_kept
from ._errors import InputError, Unsupported
from ._told import log

#: Samples in the example that a network is exported with; one alone would fix their number.
EXAMPLE = 3
#: What the names of a network begin with inside the module that is exported.
WRAPPED = "net."
#: What normalisation layers use, as the own kernels know it.
STATISTICS = ("frozen", "batch", "reestimate")
#: How far the mean of losses a sample may be from the loss, as a share of it.
SAME = 1e-5


def is_module(value: Any) -> bool:
    """Whether it is a network of PyTorch; PyTorch is not imported to find out."""
    torch = torch_module()
    return torch is not None and isinstance(value, torch.nn.Module)


def told(module: Any) -> list[Any]:
    """What a network computes with, parameters apart where they move: its parts with their code and all that they hold."""
    parts: list[Any] = []
    for name, part in module.named_modules():
        held = {key: value for key, value in vars(part).items() if not key.startswith("_") and key != "training"}
        hooks = [len(part._forward_hooks), len(part._forward_pre_hooks)]
        parts.append([name, type(part).forward, type(part).__qualname__, held, hooks, part.extra_repr()])
    state = [value for name, value in module.state_dict().items() if not value.is_floating_point()]
    return [parts, state]


@contextlib.contextmanager
def untouched(*modules: Any) -> Iterator[None]:
    """Modules in evaluation mode, and afterwards each part in the mode that it was in; random generators as they were."""
    torch = torch_module()
    parts = [part for module in modules if is_module(module) for part in module.modules()]
    modes = [part.training for part in parts]
    with random_state_kept(), torch.no_grad():
        try:
            for part in parts:
                part.training = False
            yield
        finally:
            for part, mode in zip(parts, modes, strict=True):
                part.training = mode


def other_names(model: Any) -> set[str]:
    """Further names of tensors that have one already: tied weights are one parameter, which moves once."""
    first: dict[int, str] = {}
    again = set()
    for name, value in model.state_dict(keep_vars=True).items():
        if first.setdefault(id(value), name) != name:
            again.add(name)
    return again


def params_of(model: Any) -> tuple[dict[str, np.ndarray], list[str]]:
    """Parameters and buffers of floating-point numbers, in the order and with the names of its state, and which are buffers.

    Raises:
        InputError: where there are no parameters, or one is not finite.
    """
    found, buffers = _state_of(model)
    if len(found) == len(buffers):
        raise InputError("the network has no parameters", type(model).__name__, "give a network with parameters")
    for name, value in found.items():
        if not np.isfinite(value).all():
            raise InputError(
                f"parameter `{name}` is not finite: NaN or infinity, as a training leaves it that diverged",
                name,
                "give the network of an earlier checkpoint",
            )
    return found, buffers


def _state_of(model: Any) -> tuple[dict[str, np.ndarray], list[str]]:
    torch = torch_module()
    trained = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    again = other_names(model)
    found, buffers = {}, []
    for name, value in model.state_dict().items():
        if name in again or not torch.is_tensor(value) or not value.is_floating_point():
            continue
        found[name] = as_numpy(value, name).astype(np.float32, copy=False)
        if name not in trained:
            buffers.append(name)
    return found, buffers


def native_params(model: Any) -> Any:
    """The same as the compiled part has them."""
    return _native_of(*params_of(model))


def recorded_params(given: Any, model: Any = None) -> Any:
    """A network or a state dictionary, as it is in a training, finite or not; of tied weights what `model` has as one."""
    if is_module(given):
        return _native_of(*_state_of(given))
    torch = torch_module()
    again = other_names(model) if model is not None and is_module(model) else set()
    kept = {}
    for name, value in given.items():
        is_float = value.is_floating_point() if torch is not None and torch.is_tensor(value) else True
        if is_float and name not in again:
            kept[name] = as_numpy(value, name).astype(np.float32, copy=False)
    return _native_of(kept, [name for name in kept if name.rsplit(".", 1)[-1] in ("running_mean", "running_var")])


def _native_of(tensors: dict[str, np.ndarray], buffers: list[str]) -> Any:
    return _native.Params([named(name, value) for name, value in tensors.items()], buffers)


# What a loss is.


def loss_name(loss: Any) -> str | None:
    """The name of a loss that the own kernels have, where it is one with its usual settings."""
    if loss is None or isinstance(loss, str):
        return loss
    torch = torch_module()
    if torch is None:
        return None
    f, nn = torch.nn.functional, torch.nn
    functions = {
        f.cross_entropy: "cross-entropy",
        f.mse_loss: "mse",
        f.binary_cross_entropy_with_logits: "bce-with-logits",
        f.binary_cross_entropy: "bce",
    }
    if not isinstance(loss, nn.Module):
        return functions.get(loss) if callable(loss) and getattr(loss, "__hash__", None) else None
    usual = getattr(loss, "reduction", None) == "mean"
    if type(loss) is nn.CrossEntropyLoss:
        usual = usual and loss.weight is None and loss.label_smoothing == 0.0 and loss.ignore_index == -100
        return "cross-entropy" if usual else None
    if type(loss) is nn.MSELoss:
        return "mse" if usual else None
    if type(loss) is nn.BCEWithLogitsLoss:
        return "bce-with-logits" if usual and loss.weight is None and loss.pos_weight is None else None
    if type(loss) is nn.BCELoss:
        return "bce" if usual and loss.weight is None else None
    return None


def function_of(loss: str) -> Callable[[Any, Any], Any]:
    """PyTorch's own of that name, with a loss for each sample."""
    f = torch_module().nn.functional

    def per_sample(values: Any) -> Any:
        return values.flatten(1).mean(1) if values.dim() > 1 else values

    def cross_entropy(outputs: Any, targets: Any) -> Any:
        losses = f.cross_entropy(outputs, targets, reduction="none")
        if targets.is_floating_point():
            return per_sample(losses)
        counted = targets != -100
        # The mean of all that count, whichever sample they are of.
        return losses[counted]

    def values(function: Any) -> Callable[[Any, Any], Any]:
        def of(outputs: Any, targets: Any) -> Any:
            shaped = targets.to(outputs.dtype).reshape(outputs.shape)
            return per_sample(function(outputs, shaped, reduction="none"))

        return of

    known = {
        "cross-entropy": cross_entropy,
        "mse": values(f.mse_loss),
        "bce-with-logits": values(f.binary_cross_entropy_with_logits),
        "bce": values(f.binary_cross_entropy),
    }
    if loss not in known:
        raise InputError(f"`{loss}` is not a loss", loss, f"give one of {', '.join(known)}, or a function of outputs and targets")
    return known[loss]


# Data as tensors.


def tensors_of(samples: Samples, like: Any = None, rows: slice = slice(None)) -> tuple[dict[str, Any], Any]:
    """Inputs and targets as tensors on the device, and in the precision, of the first parameter of a network."""
    torch = torch_module()
    first = next(like.parameters(), None) if like is not None else None

    def tensor(value: Any) -> Any:
        value = value[rows] if torch.is_tensor(value) else torch.as_tensor(np.ascontiguousarray(value[rows]))
        if value.is_floating_point() and first is not None:
            value = value.to(first.dtype)
        elif value.dtype == torch.float64:
            value = value.float()
        return value if first is None else value.to(first.device)

    inputs = {name: tensor(value) for name, value in samples.inputs.items()}
    targets = samples.targets
    if targets is None:
        return inputs, None
    targets = tensor(targets if torch.is_tensor(targets) else np.asarray(targets))
    if not targets.is_floating_point():
        targets = targets.long()
    return inputs, targets


def output_of(given: Any) -> Any:
    """The tensor in what a network gives: itself, `logits`, or the first of several."""
    if hasattr(given, "logits"):
        return given.logits
    if isinstance(given, (tuple, list)):
        return output_of(given[0])
    if isinstance(given, dict):
        return output_of(next(iter(given.values())))
    return given


def call(model: Any, inputs: dict[str, Any], named_inputs: bool) -> Any:
    """The network on inputs: by their names where the data had names."""
    return model(**inputs) if named_inputs else model(*inputs.values())


def has_names(samples: Samples) -> bool:
    """Whether the inputs are those of a dictionary."""
    own = list(samples.inputs)
    return own != ["x"] and own != [f"x{place}" for place in range(len(own))]


# The program that is exported.


def _frozen(loss: Any) -> Any:
    """A loss whose own parameters are state: they do not move."""
    loss = copy.deepcopy(loss).cpu().float()
    for part in loss.modules():
        part.training = False
        for name, value in list(part._parameters.items()):
            if value is not None:
                del part._parameters[name]
                part.register_buffer(name, value.detach().clone())
    return loss


def takes_model(loss: Any) -> bool:
    """Whether a loss is a function of the network, its inputs and the targets, and not of outputs and targets."""
    if is_module(loss) or not callable(loss):
        return False
    try:
        own = inspect.signature(loss).parameters.values()
    except (TypeError, ValueError):
        return False
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(one.kind in kinds and one.default is one.empty for one in own) == 3


def _as_given(inputs: dict[str, Any], named_inputs: bool) -> Any:
    """Inputs as a function of the user's takes them: one alone, several in a tuple, or by their names."""
    if named_inputs:
        return inputs
    values = tuple(inputs.values())
    return values[0] if len(values) == 1 else values


def with_loss(model: Any, loss: Any, samples: Samples) -> Any:
    """A module whose output is the loss, and whose last input are the targets; the network is its part `net`."""
    torch = torch_module()
    is_named, target, wants_model = has_names(samples), samples.target_name or "", takes_model(loss)

    class WithLoss(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.net = model
            self.loss = loss if is_module(loss) else None

        def forward(self, inputs: dict[str, Any], targets: Any) -> Any:
            if loss is None:
                return self.net(**inputs, **{target: targets}).loss
            if wants_model:
                return loss(self.net, _as_given(inputs, is_named), targets)
            return loss(output_of(call(self.net, inputs, is_named)), targets)

    return WithLoss()


def without_loss(model: Any, samples: Samples) -> Any:
    """A module whose output is one tensor; the network is its part `net`."""
    torch = torch_module()
    is_named = has_names(samples)

    class Plain(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.net = model

        def forward(self, inputs: dict[str, Any]) -> Any:
            return output_of(call(self.net, inputs, is_named))

    return Plain()


def _separable(loss: Any, model: Any, samples: Samples) -> Any:
    """The same loss for each sample, where it is a module whose mean that is; else itself."""
    if not is_module(loss) or getattr(loss, "reduction", None) != "mean" or samples.targets is None:
        return loss
    torch = torch_module()
    each = _smoothed(loss) or _unreduced(_frozen(loss))
    inputs, targets = tensors_of(samples, model, slice(0, 64))
    outputs = output_of(call(model, inputs, has_names(samples))).cpu().float()
    targets = targets.cpu()
    values, mean = each(outputs, targets), _frozen(loss)(outputs, targets)
    same = torch.is_tensor(values) and values.dim() == 1 and len(values) == len(targets)
    return each if same and abs(values.mean() - mean) <= SAME * abs(mean) + 1e-12 else loss


def _unreduced(loss: Any) -> Any:
    """A loss that gives its values of each sample, averaged over all else."""
    torch = torch_module()
    loss.reduction = "none"

    class PerSample(torch.nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.of = loss

        def forward(self, outputs: Any, targets: Any) -> Any:
            values = self.of(outputs, targets)
            return values.flatten(1).mean(1) if values.dim() > 1 else values

    return PerSample()


def _smoothed(loss: Any) -> Any:
    """Cross-entropy with smoothed labels in plain operations: `(1 - s) nll(y) + s / C sum_c nll(c)`."""
    torch = torch_module()
    if type(loss) is not torch.nn.CrossEntropyLoss or not loss.label_smoothing or loss.weight is not None:
        return None
    share = float(loss.label_smoothing)

    class Smoothed(torch.nn.Module):  # type: ignore[misc,name-defined]
        def forward(self, outputs: Any, targets: Any) -> Any:
            logs = torch.nn.functional.log_softmax(outputs, 1)
            own = logs.gather(1, targets[:, None]).squeeze(1)
            return -(1.0 - share) * own - share * logs.mean(1)

    return Smoothed()


class Exported:
    """A program in a file, for as long as it is used."""

    def __init__(self, path: str, loss: str | None, input_names: list[str]) -> None:
        #: The file.
        self.path = path
        #: The loss that is asked for; `program` where it is part of the program.
        self.loss = loss
        #: The names of the inputs of the data in the program.
        self.input_names = input_names


def export(model: Any, samples: Samples, loss: Any, folder: str) -> Exported:
    """Exports a network, with its loss where that is none of the known ones, into a file of a folder.

    Raises:
        Unsupported: where `torch.export` refuses, with its reason.
    """
    torch = torch_module()
    name = loss_name(loss)
    with untouched(model, loss if is_module(loss) else None):
        own = _on_host(model)
        gives_loss = loss is None and _gives_loss(model, samples)
        check_runs(own, samples, gives_loss)
        if name is not None or (loss is None and not gives_loss):
            _check_shapes(own, samples, name)
            wrapped: Any = without_loss(own, samples)
            with_targets = False
        else:
            own_loss = _separable(loss, own, samples)
            wrapped = with_loss(own, _frozen(own_loss) if is_module(own_loss) else own_loss, samples)
            with_targets, name = True, "program"
        program = _program(torch, wrapped, samples, with_targets)
    path = os.path.join(folder, f"{type(model).__name__}.pt2")
    torch.export.save(program, path)
    return Exported(path, name, _input_names(program, len(samples.inputs)))


def _gives_loss(model: Any, samples: Samples) -> bool:
    """Whether the network takes the targets by their name, and so gives its loss, as those of `transformers` do."""
    if samples.target_name is None or not has_names(samples):
        return False
    taken = inspect.signature(model.forward).parameters
    return samples.target_name in taken


def _on_host(model: Any) -> Any:
    """The network on the CPU in single precision: itself where it is there already."""
    torch = torch_module()
    own = list(model.parameters()) + [buffer for buffer in model.buffers() if buffer.is_floating_point()]
    if all(tensor.device.type == "cpu" and tensor.dtype == torch.float32 for tensor in own):
        return model
    copied = copy.deepcopy(model).cpu().float()
    for part in copied.modules():
        part.training = False
    return copied


def check_runs(model: Any, samples: Samples, gives_loss: bool) -> None:
    """Runs a network on a few samples, so that what it cannot take is told apart from what cannot be exported.

    Raises:
        InputError: with the reason that PyTorch has.
    """
    inputs, targets = tensors_of(samples, model, slice(0, EXAMPLE))
    if gives_loss:
        inputs = inputs | {samples.target_name or "": targets}
    try:
        call(model, inputs, has_names(samples))
    except Exception as error:  # noqa: BLE001 whatever a network raises
        shapes = ", ".join(f"{name} {list(value.shape)}" for name, value in inputs.items())
        raise InputError(
            f"{type(model).__name__} cannot run on these data ({shapes}): {_first_line(error)}",
            "data",
            "give inputs as the network takes them: in its order, or by the names of its arguments",
        ) from error


def _check_shapes(model: Any, samples: Samples, loss: str | None) -> None:
    """Finds targets that PyTorch would stretch to the shape of the outputs, or the other way round."""
    if loss not in ("mse", "bce", "bce-with-logits") or samples.targets is None:
        return
    inputs, targets = tensors_of(samples, model, slice(0, EXAMPLE))
    outputs = output_of(call(model, inputs, has_names(samples)))
    if outputs.shape != targets.shape and targets.is_floating_point() and outputs.dim() != targets.dim():
        raise InputError(
            f"the outputs have the shape {list(outputs.shape)} and the targets {list(targets.shape)}: PyTorch stretches both to "
            "one shape, so that every output is compared with every target",
            "the targets",
            "give both one shape, for example y[:, None] for a single output",
        )


def _program(torch: Any, module: Any, samples: Samples, with_targets: bool) -> Any:
    """The program of a module for any number of samples, or, where that is refused, for that of the example."""
    inputs, targets = tensors_of(samples, None, slice(0, EXAMPLE))

    def example(value: Any) -> Any:
        rows = torch.zeros((EXAMPLE, *value.shape[1:]), dtype=value.dtype)
        return rows.float() if rows.is_floating_point() else rows

    arguments: tuple[Any, ...] = ({name: example(value) for name, value in inputs.items()},)
    if with_targets:
        if targets is None:
            raise InputError("a loss of outputs and targets needs targets", "data", "give (inputs, targets)")
        arguments += (example(targets),)
    batch = torch.export.Dim("batch")
    dynamic: tuple[Any, ...] = ({name: {0: batch} for name in inputs},)
    dynamic += ({0: batch},) * (len(arguments) - 1)
    module.training = False
    refused = None
    for shapes in (dynamic, None):
        try:
            program = torch.export.export(module, arguments, dynamic_shapes=shapes, strict=False)
        except Exception as error:  # noqa: BLE001 whatever it is that torch.export raises
            refused = refused or error
            continue
        for node in program.graph.nodes:
            # Lines of the source would make another program of the same network.
            node.meta.pop("stack_trace", None)
        return _with_own_names(program)
    raise Unsupported(
        f"torch.export refused {type(module.net).__name__}: {_first_line(refused)}",
        type(module.net).__name__,
        "change what it names; lines, surfaces and volumes can also call the network as it is (how='callable')",
    )


def _with_own_names(program: Any) -> Any:
    """A program whose parameters have the names that they have in the network, and not in what was wrapped around it."""

    def own(name: str) -> str:
        return name.removeprefix(WRAPPED)

    for spec in program.graph_signature.input_specs:
        if spec.target is not None:
            spec.target = own(spec.target)
    # Parameters and buffers; buffers that are not saved, and tensors that the code makes.
    for held in (program.state_dict, program.constants):
        for name in [name for name in held if name.startswith(WRAPPED)]:
            held[own(name)] = held.pop(name)
    return program


def _first_line(error: BaseException | None) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]


def _input_names(program: Any, count: int) -> list[str]:
    """The names of the first inputs that are not parameters."""
    kind = type(program.graph_signature.input_specs[0].kind).USER_INPUT
    found = [spec.arg.name for spec in program.graph_signature.input_specs if spec.kind == kind]
    return found[:count]


# The network as it is.


@contextlib.contextmanager
def _measuring(model: Any) -> Iterator[None]:
    """BatchNorm layers use the statistics of what they meet, and keep these."""
    kind = torch_module().nn.modules.batchnorm._BatchNorm
    layers = [part for part in model.modules() if isinstance(part, kind)]
    before = [(layer.training, layer.momentum) for layer in layers]
    try:
        for layer in layers:
            layer.training, layer.momentum = True, 1.0
        yield
    finally:
        for layer, (training, momentum) in zip(layers, before, strict=True):
            layer.training, layer.momentum = training, momentum


class Called:
    """A network and its loss as a function of its parameters, on whatever device it is."""

    def __init__(self, model: Any, samples: Samples, loss: Any, statistics: str = "frozen") -> None:
        if statistics not in STATISTICS:
            raise InputError(f"`{statistics}` is not a way of BatchNorm", "batch_norm", f"give one of {', '.join(STATISTICS)}")
        self._model, self._loss, self._samples = model, loss, samples
        self._statistics = statistics
        self._name = loss_name(loss)
        if self._name == "program":
            raise InputError("`program` is a loss of files", "loss", "give a function of outputs and targets")
        wants_loss = loss is None and _gives_loss(model, samples)
        if loss is None and not wants_loss:
            self._name = _suggested(samples)
            log.info("loss: %s, for the targets; name a loss to choose another", self._name)
        self._of = None if self._name is None else function_of(self._name)
        # A loss of one's own may be more than the mean over its samples: it is given all of them.
        # Statistics are those of all samples.
        whole = self._of is None or samples.batch is None or statistics != "frozen"
        self._batch = len(samples) if whole else samples.batch
        self._module = with_loss(model, loss, samples) if self._of is None else without_loss(model, samples)
        again = other_names(model)
        self._state = {name: value for name, value in model.state_dict(keep_vars=True).items() if name not in again}
        self._is_checked, self._gives_loss = False, wants_loss
        self._batches: list[tuple[dict[str, Any], Any, int]] = []

    def __call__(self, params: dict[str, np.ndarray]) -> tuple[Any, Any]:
        """Losses, one for each sample or one for all, and which samples are classified correctly."""
        with untouched(self._model, self._loss if is_module(self._loss) else None):
            if not self._is_checked:
                check_runs(self._model, self._samples, self._gives_loss)
                self._is_checked = True
            moved = {WRAPPED + name: self._moved(name, value, params) for name, value in self._state.items()}
            losses, right, weights = [], [], []
            for inputs, targets, count in self._parts():
                loss, hits = self._with_statistics(moved, inputs, targets)
                losses.append(loss.detach().double().cpu().numpy())
                weights.append(count)
                right += [] if hits is None else [hits.cpu().numpy()]
        return _gathered(losses, weights), np.concatenate(right) if right else None

    def _parts(self) -> list[tuple[dict[str, Any], Any, int]]:
        """The samples in batches, on the device of the network, where they stay."""
        if not self._batches:
            samples, size = self._samples, self._batch
            for start in range(0, len(samples), size):
                part = tensors_of(samples, self._model, slice(start, start + size))
                self._batches.append((*part, min(size, len(samples) - start)))
        return self._batches

    def _moved(self, name: str, value: Any, params: dict[str, np.ndarray]) -> Any:
        """A tensor of the network at a point; what does not move is a copy, since a network may write into its state."""
        if name not in params:
            return value.detach().clone()
        moved = torch_module().from_numpy(params[name].reshape(tuple(value.shape)))
        return moved.to(value.device, value.dtype)

    def _with_statistics(self, params: dict[str, Any], inputs: dict[str, Any], targets: Any) -> tuple[Any, Any]:
        """With the running statistics of BatchNorm as they are, with those of the samples, or with such as are estimated from them first,
        as `torch.optim.swa_utils.update_bn` does with one batch. What layers write into are the parameters of the point."""
        if self._statistics == "frozen":
            return self._on(params, inputs, targets)
        with _measuring(self._model):
            found = self._on(params, inputs, targets)
        return found if self._statistics == "batch" else self._on(params, inputs, targets)

    def _on(self, params: dict[str, Any], inputs: dict[str, Any], targets: Any) -> tuple[Any, Any]:
        module = self._module
        # The mode is that of the parts, which is set already.
        module.training = False
        arguments = (inputs,) if self._of is not None else (inputs, targets)
        given = torch_module().func.functional_call(module, params, arguments)
        if self._of is None:
            return given, None
        hits = None
        if self._name == "cross-entropy" and not targets.is_floating_point():
            hits = (given.argmax(1) == targets)[targets != -100]
        return self._of(given, targets), hits


def _gathered(losses: list[np.ndarray], weights: list[int]) -> np.ndarray:
    """Losses of all samples, or the mean of the means of batches."""
    if all(loss.ndim == 1 for loss in losses):
        return np.concatenate(losses)
    means = [float(np.mean(loss)) for loss in losses]
    return np.asarray(np.average(means, weights=weights))


def _suggested(samples: Samples) -> str:
    """The loss that targets suggest."""
    if samples.targets is None:
        raise InputError("there are no targets", "data", "give (inputs, targets), or a loss that takes none")
    array = as_numpy(samples.targets, "the targets")
    return "cross-entropy" if array.dtype.kind in "iu" and array.ndim == 1 else "mse"
