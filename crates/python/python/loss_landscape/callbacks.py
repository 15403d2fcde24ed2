"""Callbacks of training loops that others write: PyTorch Lightning, the Trainer of transformers, Accelerate.

Each records the training with a `loss_landscape.Recorder`; its arguments go to that. The frameworks are imported when a callback is made.
"""

from __future__ import annotations

from typing import Any

from ._recorder import Recorder


def lightning(db: Any = None, name: str | None = None, **options: Any) -> Any:
    """A callback for PyTorch Lightning, ``lightning.Trainer(callbacks=[loss_landscape.callbacks.lightning("runs.duckdb", "run")])``.

    Steps are those of the optimiser; `every` and the other arguments are those of `Recorder`.
    """
    Callback: Any
    try:
        from lightning.pytorch import Callback
    except ImportError:
        from pytorch_lightning import Callback

    class RecorderCallback(Callback):  # type: ignore[misc]
        """Records each step that is due."""

        def on_train_start(self, trainer: Any, module: Any) -> None:
            optimizer = trainer.optimizers[0] if trainer.optimizers else None
            self.recorder = Recorder(db, name, optimizer=optimizer, **options)
            self.recorder.step(module, step=trainer.global_step, epoch=trainer.current_epoch)

        def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
            loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
            epoch = trainer.current_epoch + (batch_idx + 1) / max(1, trainer.num_training_batches)
            self.recorder.step(module, step=trainer.global_step, epoch=epoch, batch_loss=loss)

        def on_train_end(self, trainer: Any, module: Any) -> None:
            self.recorder.finish()

        def on_exception(self, trainer: Any, module: Any, exception: BaseException) -> None:
            if hasattr(self, "recorder"):
                self.recorder.finish(is_complete=False)

    return RecorderCallback()


def transformers(db: Any = None, name: str | None = None, **options: Any) -> Any:
    """A callback for the Trainer of transformers, ``Trainer(..., callbacks=[loss_landscape.callbacks.transformers("runs.duckdb", "run")])``."""
    from transformers import TrainerCallback

    class RecorderCallback(TrainerCallback):  # type: ignore[misc,valid-type]
        """Records each step that is due."""

        def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, optimizer: Any = None, **_: Any) -> None:
            self.recorder = Recorder(db, name, optimizer=getattr(optimizer, "optimizer", optimizer), **options)
            self.recorder.step(model, step=state.global_step, epoch=state.epoch or 0.0)

        def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
            logged = state.log_history[-1] if state.log_history else {}
            loss = logged.get("loss") if logged.get("step") == state.global_step else None
            self.recorder.step(model, step=state.global_step, epoch=state.epoch or 0.0, batch_loss=loss)

        def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.recorder.finish()

    return RecorderCallback()


class AccelerateRecorder(Recorder):
    """A `Recorder` for loops with Accelerate: only the main process records, of the network without what is wrapped around it.

    >>> recorder = loss_landscape.callbacks.AccelerateRecorder(accelerator, "runs.duckdb", "run")  # doctest: +SKIP
    >>> recorder.step(model, batch_loss=loss)  # doctest: +SKIP
    """

    def __init__(self, accelerator: Any, db: Any = None, name: str | None = None, **options: Any) -> None:
        self._accelerator = accelerator
        self._records = bool(accelerator.is_main_process)
        if self._records:
            super().__init__(db, name, **options)

    def step(self, model: Any, **facts: Any) -> bool:
        """As `Recorder.step`; in other processes than the main one nothing."""
        if not self._records:
            return False
        return super().step(self._accelerator.unwrap_model(model), **facts)

    def finish(self, is_complete: bool = True) -> None:
        """As `Recorder.finish`."""
        if self._records:
            super().finish(is_complete)
