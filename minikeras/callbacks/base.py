"""Callbacks: what happens besides the training itself, at fixed points of `fit`, `evaluate` and `predict`.

A callback is an object whose methods are called there: at the beginning and end of the whole, of
each epoch and of each batch. It sees the model as `self.model` and the running numbers as `logs`,
and it may change both: stop the training, set the learning rate, add a number to the logs.
"""

from __future__ import annotations

from typing import Any

Logs = dict[str, Any]  # {"loss": 0.31, "accuracy": 0.91, ...}: Python floats, sorted by name


class Callback:
    """Base class of callbacks; a subclass overrides the methods that it needs.

        class PrintLoss(Callback):
            def on_epoch_end(self, epoch, logs=None):
                print(epoch, logs["loss"])

    Attributes:
        model: the model that is being trained, evaluated or asked for predictions.
        params: {"verbose": ..., "epochs": ..., "steps": ...}.
    """

    watches_batches = True  # False: its hooks of batches are never called
    runs_last = False  # True: after all others, whatever its place in the list

    # Also on the class, so that a subclass which forgets `super().__init__()` works all the same.
    params: dict[str, Any] | None = None
    _model: Any = None

    def __init__(self) -> None:
        self.params = None
        self._model = None

    @property
    def model(self) -> Any:
        """The model that `set_model` was given."""
        return self._model

    def set_model(self, model: Any) -> None:
        """Tell the callback which model it works for."""
        self._model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Tell the callback how many epochs and steps there will be."""
        self.params = params

    def set_companions(self, callbacks: list[Callback]) -> None:
        """Tell the callback which callbacks are called with it, itself included."""

    # What has to survive when training is interrupted and taken up again

    def get_state(self) -> dict[str, Any]:
        """What the callback has come to know so far: numbers, strings, arrays, lists and dicts of them."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what `get_state` returned; called after `on_train_begin`."""

    # The whole

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Called when `fit` begins."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Called when `fit` ends, with the logs of the last epoch."""

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Called when `evaluate`, or a validation in `fit`, begins."""

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Called when `evaluate`, or a validation in `fit`, ends, with its results."""

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Called when `predict` begins."""

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Called when `predict` ends."""

    # Epochs of `fit`, numbered from 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Called before an epoch."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Called after an epoch and its validation, whose results have names with `val_` before them."""

    # Batches, numbered from 0 in each epoch; `logs` are the averages over the epoch so far

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before each batch of `fit`."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after each batch of `fit`."""
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before each batch of `evaluate` or a validation."""

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after each batch of `evaluate` or a validation."""

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Called before each batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Called after each batch of `predict`, with {"outputs": the predictions}."""

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """An older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """An older name of `on_train_batch_end`."""


# The older names count as overriding the hooks that call them.
OLDER_NAMES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


def overrides(callback: Callback, hook: str) -> bool:
    """Whether a callback does anything in this hook, by its class or by an attribute of its own."""
    if not callback.watches_batches:
        return False
    names = [hook, OLDER_NAMES[hook]] if hook in OLDER_NAMES else [hook]
    return any(getattr(getattr(callback, n), "__func__", None) is not getattr(Callback, n) for n in names)
