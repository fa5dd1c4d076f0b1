"""What callbacks share that watch one number of the logs: which way is up, and what is an improvement."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from minikeras import config
from minikeras.callbacks.base import Callback, Logs
from minikeras.errors import closest

UP, DOWN = "up", "down"
DIRECTIONS = {"min": DOWN, "max": UP}


class MonitorCallback(Callback):
    """Base class of callbacks that wait for one number to get better.

    The direction "down" counts `value + min_delta < best` as better, "up" `value - min_delta > best`.

    Args:
        monitor: the number's name in the logs.
        mode: "min" when less is better, "max" when more is, or "auto": less for a loss, and what
            the metric itself says for a metric.
        min_delta: how much better it must be to count; its sign does not matter.
    """

    def __init__(self, monitor: str = "val_loss", mode: str = "auto", min_delta: float = 0) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            warnings.warn(
                f"{type(self).__name__}: unknown mode {mode!r}; using 'auto'. Expected 'auto', 'min' or 'max'.",
                stacklevel=3,
            )
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.min_delta = abs(min_delta)
        self.best: Any = None

    def is_improvement(self, value: Any, reference: Any) -> bool:
        """Whether a value is better than a reference; than None, every value is.

        The comparison is made in the precision that the metrics have, as in Keras: 0.5 + 0.1 is not
        less than 0.6 by some last bit.
        """
        if reference is None:
            return True
        number = np.dtype(config.floatx()).type
        if self._direction() == UP:
            return bool(number(value - self.min_delta) > number(reference))
        return bool(number(value + self.min_delta) < number(reference))

    def current_value(self, logs: Logs, purpose: str) -> Any:
        """The watched number; a warning and None when the logs do not have it."""
        value = logs.get(self.monitor)
        if value is None:
            warnings.warn(
                f"{purpose} conditioned on metric `{self.monitor}` which is not available. "
                f"Available metrics are: {','.join(logs)}" + closest(self.monitor, logs),
                stacklevel=3,
            )
        return value

    def _direction(self) -> str:
        """Which way is better, "up" or "down"."""
        if self.mode in DIRECTIONS:
            return DIRECTIONS[self.mode]
        name = self.monitor.removeprefix("val_")
        for metric in getattr(self.model, "metrics", ()):
            direction = getattr(metric, "direction", None)
            if getattr(metric, "name", None) == name and direction in (UP, DOWN):
                return str(direction)
        if name == "loss":
            return DOWN
        known = [metric.name for metric in getattr(self.model, "metrics", ())]
        prefix = "val_" if self.monitor.startswith("val_") else ""
        raise ValueError(
            f"{type(self).__name__}: for monitor={self.monitor!r} it is not known whether more or less is "
            "better. Pass mode='max' if it should become as large as possible, mode='min' if as small."
            + ("" if name in known else closest(self.monitor, [prefix + other for other in known]))
        )
