"""Stops a training that has blown up."""

from __future__ import annotations

import math

from minikeras.callbacks.base import Callback, Logs
from minikeras.utils.printing import print_message


class TerminateOnNaN(Callback):
    """Ends `fit` after the first batch whose loss is not a number, or infinite.

    Args:
        raise_error: whether to raise an error instead, so that no callback does what it does at the
            end of a training.
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Look at the loss.

        Raises:
            RuntimeError: when it is not finite and `raise_error` is set.
        """
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"The loss is {loss} at batch {batch}: training terminated.")
        print_message(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
