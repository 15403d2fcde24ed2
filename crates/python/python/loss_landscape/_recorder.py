"""Recording from a training loop."""

from __future__ import annotations

import atexit
import json
import weakref
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from . import _native, _torch
from ._arrays import as_numpy, is_tensor
from ._errors import InputError
from ._requests import coded, database

#: Settings of the optimiser that stability is judged by, by the names that PyTorch has for them.
_HYPER = ("lr", "momentum", "weight_decay")


class Recorder:
    """Records a training in a database as it goes, compressed: what is known of each step that is due, and the parameters.

    >>> recorder = loss_landscape.Recorder("runs.duckdb", name="run")  # doctest: +SKIP
    >>> for step, (x, y) in enumerate(loader):  # doctest: +SKIP
    ...     loss = training_step(x, y)
    ...     recorder.step(model, loss=loss, lr=0.1)
    >>> recorder.finish()  # doctest: +SKIP

    A process that is killed loses the last half second, and nothing that was stored before. Then ``trajectory("run", model, data)``,
    ``diagnose("run")``, ``hessian(model, data)`` against ``2 / lr`` go on from it.

    Args:
        db: the database.
        name: the name of the run. A run of that name and of the same settings goes on: `last_step` says where it stands; a step that is
            not above the last one takes the place of all that is stored from it on.
        every: record every so many steps.
        per_decade: or so many steps from each power of ten to the next: dense at first, then thinner.
        at: or these steps.
        epochs: or where epochs end; `step` is then told the epoch.
        form: of the parameters: ``"f32"`` (exact), ``"f16"`` (rounded differences, smaller), ``"raw"``.
        optimizer: the optimiser of PyTorch, or its name: its settings are stored, and its learning rate with each step.
        settings: what else tells the training from others.
        replace: whether a run of that name with other settings is replaced, once this one is finished.
    """

    def __init__(
        self,
        db: Any = None,
        name: str | None = None,
        *,
        every: int = 1,
        per_decade: int | None = None,
        at: Sequence[int] | None = None,
        epochs: bool = False,
        form: str = "f32",
        optimizer: Any = None,
        settings: dict[str, Any] | None = None,
        replace: bool = False,
    ) -> None:
        if every < 1:
            raise InputError(f"every is {every}", "every", "give 1 or more")
        self._optimizer = optimizer if hasattr(optimizer, "param_groups") else None
        said = {"recorded": name, "training": _training(optimizer)} | (settings or {})
        self.db = database(db)
        self._native = _native.Recorder(
            self.db, name, coded(said), form, None if epochs else every, per_decade, None if at is None else list(at), replace
        )
        self._next = 0
        self._is_done = False
        _open.add(self)

    @property
    def name(self) -> str:
        """The name of the run."""
        return self._native.name

    @property
    def last_step(self) -> int | None:
        """The last step that was stored before; ``None`` where the run is new."""
        return self._native.last_step

    def step(
        self,
        model: Any,
        *,
        step: int | None = None,
        epoch: float | None = None,
        loss: Any = None,
        batch_loss: Any = None,
        accuracy: float | None = None,
        lr: float | None = None,
        gradient_norm: Any = None,
    ) -> bool:
        """Tells of a step, and records it where it is due.

        Args:
            model: a module of PyTorch, a state dictionary, or arrays by name. It is read only where the step is due.
            step: its number; counted from 0 unless given.
            epoch: how many passes over the data are done, with fractions.
            loss: the loss over the data, where it is known; a number, a tensor, or a function that is called only where it is due.
            batch_loss: the loss of the batch of the step, likewise.
            accuracy: the share classified correctly, in [0, 1].
            lr: the learning rate; that of `optimizer` unless given.
            gradient_norm: the norm of the gradient of the batch's loss.

        Returns:
            Whether it was recorded.
        """
        step = self._next if step is None else int(step)
        self._next = step + 1
        if not self._native.is_due(step, float(epoch or 0.0)):
            return False
        facts = {
            "step": step,
            "epoch": float(epoch or 0.0),
            "loss": _number(loss),
            "batch_loss": _number(batch_loss),
            "accuracy": _number(accuracy),
            "lr": lr if lr is not None else self._rate(),
            "gradient_norm": _number(gradient_norm),
            "seconds": None,
        }
        self._native.push(json.dumps(facts), self._params(model))
        return True

    def push(self, step: int, params: Any, **facts: Any) -> None:
        """Records a step, due or not."""
        empty = {"loss": None, "batch_loss": None, "accuracy": None, "lr": None, "gradient_norm": None, "seconds": None}
        told = empty | {"step": int(step), "epoch": 0.0} | {name: _number(value) for name, value in facts.items()}
        self._native.push(json.dumps(told), params if isinstance(params, _native.Params) else self._params(params))
        self._next = int(step) + 1

    def flush(self) -> None:
        """Stores all that waits."""
        self._native.flush()

    def finish(self, is_complete: bool = True) -> None:
        """Stores all that waits, and that the training is done. Once is enough."""
        if not self._is_done:
            self._native.finish(is_complete)
            self._is_done = True
            _open.discard(self)

    def _params(self, model: Any) -> Any:
        return _torch.recorded_params(model)

    def _rate(self) -> float | None:
        return None if self._optimizer is None else float(self._optimizer.param_groups[0]["lr"])

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.finish(is_complete=kind is None)

    def __repr__(self) -> str:
        return f"<Recorder of run {self.name!r} in {self.db!r}>"


#: Recorders that are not finished: what waits is stored when the program ends.
_open: weakref.WeakSet[Recorder] = weakref.WeakSet()


@atexit.register
def _at_end() -> None:
    for recorder in list(_open):
        recorder.finish(is_complete=False)


def _training(optimizer: Any) -> dict[str, Any] | None:
    """The settings of an optimiser, by the names that stored trainings have for them."""
    if optimizer is None:
        return None
    if isinstance(optimizer, str):
        return {"optimizer": optimizer}
    group = optimizer.param_groups[0]
    name = type(optimizer).__name__.lower()
    if name == "sgd" and group.get("momentum"):
        name = "nesterov" if group.get("nesterov") else "momentum"
    said: dict[str, Any] = {"optimizer": name}
    said |= {key: float(group[key]) for key in _HYPER if isinstance(group.get(key), (int, float))}
    return said


def _number(value: Any) -> Any:
    """A number for JSON, which has no NaN and no infinity."""
    value = value() if callable(value) and not is_tensor(value) else value
    if value is None:
        return None
    number = float(as_numpy(value, "a number").mean()) if not isinstance(value, (int, float)) else float(value)
    if number != number:
        return "NaN"
    return number if abs(number) != float("inf") else ("inf" if number > 0 else "-inf")
