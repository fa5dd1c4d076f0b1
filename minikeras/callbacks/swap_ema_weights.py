"""Validates with the average of the weights, which is often better than the weights of the last step.

The optimizer keeps the average (`use_ema=True`); this callback puts it into the model for the time of
an evaluation or a prediction, and the weights back into it for training.
"""

from __future__ import annotations

from minikeras.callbacks.base import Callback, Logs


class SwapEMAWeights(Callback):
    """Exchanges weights and averages before `evaluate`, a validation or `predict`, and back after it.

    Args:
        swap_on_epoch: also exchange them from the end of each epoch to the beginning of the next, so that
            callbacks that stand after this one, such as one that saves the model, see the averages.

    Raises:
        ValueError: when it is used with an optimizer without `use_ema=True`.
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch

    def _swap(self, averages_in_model: bool) -> None:
        optimizer = self.model.optimizer
        if not getattr(optimizer, "use_ema", False):
            raise ValueError(
                "SwapEMAWeights needs an optimizer that keeps averages, such as Adam(use_ema=True). "
                f"Received: {optimizer!r}"
            )
        if optimizer.built and optimizer.averages_in_weights != averages_in_model:
            optimizer.swap_average()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._swap(False)  # even if the last `fit` broke off in the middle of an evaluation

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._swap(False)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.swap_on_epoch:
            self._swap(True)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        self._swap(True)

    def on_test_end(self, logs: Logs | None = None) -> None:
        self._swap(False)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._swap(True)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._swap(False)
