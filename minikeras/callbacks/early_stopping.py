"""Stops the training when it no longer gets anywhere."""

from __future__ import annotations

from typing import Any

from minikeras.callbacks.base import Logs
from minikeras.callbacks.monitor import MonitorCallback
from minikeras.errors import check_number
from minikeras.utils.printing import print_message

STATE = ("wait", "stopped_epoch", "best", "best_epoch", "best_weights")


class EarlyStopping(MonitorCallback):
    """Ends `fit` after `patience` epochs in a row without an improvement.

    Args:
        monitor: the name of the number to watch.
        min_delta: how much better it must be to count.
        patience: the number of epochs without an improvement to bear. With 0 the first such epoch
            ends the training, but epoch 0 never does.
        verbose: 1 says when it stops.
        mode: "min", "max" or "auto".
        baseline: the patience only starts anew when the number is also better than this.
        restore_best_weights: whether the model gets back the weights of its best epoch in the end,
            also when the training was not stopped early.
        start_from_epoch: epochs before this one are not looked at.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: float = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        check_number(self, "patience", patience, 0, float("inf"))
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best = None
        self.best_epoch = 0
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget the training before: one object can serve several."""
        self._reset()

    def get_state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in STATE}

    def set_state(self, state: dict[str, Any]) -> None:
        for name in STATE:
            setattr(self, name, state[name])

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Look whether this epoch was better than the best so far."""
        self._direction()  # an error now, rather than in the second epoch
        current = self.current_value(logs or {}, "Early stopping")
        if current is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self.is_improvement(current, self.best):
            self._remember(epoch, current)
            if self.baseline is None or self.is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _remember(self, epoch: int, value: Any) -> None:
        self.best = value
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Say that the training was stopped, and give the model its best weights back."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            print_message(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                print_message(
                    f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}."
                )
            self.model.set_weights(self.best_weights)
