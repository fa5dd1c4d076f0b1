"""Stops a training that has blown up."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minikeras.callbacks.base import Callback, Logs
from minikeras.utils.printing import print_message


class TerminateOnNaN(Callback):
    """Ends `fit` after the first batch whose loss is not a number, or infinite.

    Args:
        raise_error: whether to raise an error instead, so that no callback does what it does at the
            end of a training.
        explain: whether to say where it came from: the layer in which such a number first appeared, in
            the forward or the backward pass, how many of its numbers, and the likely cause. It may have
            been a step before the loss shows it. Costs a copy of the weights in each step.
    """

    def __init__(self, raise_error: bool = False, explain: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error
        self.explain = explain
        self._before: list[Any] | None = None  # the weights before the step that is running
        self._found: str | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Forget what an earlier training came to."""
        self._before = self._found = None

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Note the weights, if that may be of use."""
        if self.explain and self._found is None:
            self._before = self.model.get_weights() if self.model.built else None

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Look at the loss.

        Raises:
            RuntimeError: when it is not finite and `raise_error` is set.
        """
        loss = (logs or {}).get("loss")
        failed = loss is not None and not math.isfinite(loss)
        if self._before is not None and self._found is None and (failed or not self._weights_are_finite()):
            self._found = f"Batch {batch}: {self.model.first_nonfinite(self._before) or NOT_AGAIN}"
            self._before = None
        if not failed:
            return
        why = f"\n{self._found}" if self._found else ""
        if self.raise_error:
            raise RuntimeError(f"The loss is {loss} at batch {batch}: training terminated.{why}")
        print_message(f"Batch {batch}: Invalid loss, terminating training{why}")
        self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Let go of the weights."""
        self._before = None

    def _weights_are_finite(self) -> bool:
        return all(np.isfinite(v.value).all() for v in self.model.weights)


NOT_AGAIN = "the step, repeated with other random numbers, gives finite ones only."
