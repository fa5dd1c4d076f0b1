"""The progress bar: how far, how fast, how much longer, and the metrics so far.

    60/60 ━━━━━━━━━━━━━━━━━━━━ 1s 12ms/step - accuracy: 0.9142 - loss: 0.3021

On a terminal and in a notebook the bar is drawn over and over on one line, character for
character as Keras draws it, at most twenty times a second. Where the output cannot be overwritten
(a file, a pipe, a continuous-integration log) nothing is drawn until the end, and then one plain
line without escape codes.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter
from typing import Any

import numpy as np

from minikeras.utils.printing import is_live, print_message

BOLD, GREEN, GREY, PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[37m", "\x1b[0m"
CELL = "━"


class Progbar:
    """A progress bar on standard output.

    Args:
        target: the number of steps in all, or None when that is unknown.
        width: the number of cells of the bar.
        verbose: 0 prints nothing, 1 draws the bar, 2 prints one line at the end.
        interval: the least time between two redraws, in seconds.
        stateful_metrics: names of the metrics that are shown as they come. All others are averaged
            over the steps.
        stateless_metrics: the other way round: names of the metrics that are averaged over the
            steps, while all others are shown as they come. Give at most one of the two.
        unit_name: the word for one step.

    Raises:
        ValueError: when both `stateful_metrics` and `stateless_metrics` are given.
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("Progbar: give only one of `stateful_metrics` and `stateless_metrics`.")
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.stateful_metrics = None if stateful_metrics is None else set(stateful_metrics)
        self.stateless_metrics = None if stateless_metrics is None else set(stateless_metrics)
        self.unit_name = unit_name
        self.live = is_live()
        self._seen = 0
        self._values: dict[str, list[Any]] = {}  # name -> [weighted sum, weight]
        self._start = perf_counter()
        self._after_first_step: float | None = None
        self._last_draw = float("-inf")
        self._drawn_width = 0

    def update(
        self, current: int, values: Iterable[tuple[str, Any]] | None = None, finalize: bool | None = None
    ) -> None:
        """Note the state after step `current`, and show it if it is time to.

        Args:
            current: the number of steps done.
            values: pairs (metric's name, its value in the last step).
            finalize: whether this is the end; None means when `current` has reached the target.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        for name, value in values or ():
            self._record(name, value, current, finalize)
        self._seen = current
        now = perf_counter()
        seconds = self._seconds_per_step(current, now)
        if self.verbose == 1 and self.live:
            if finalize or self._is_time(current, now):
                self._draw(current, now, seconds, finalize)
                self._last_draw = now
        elif self.verbose and finalize and (self.target or self.verbose == 1):
            self._print_line(current, now, seconds)

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Note that n more steps are done."""
        self.update(self._seen + n, values)

    def is_due(self, current: int) -> bool:
        """Whether `update(current)` would draw now, so that its values are worth computing."""
        return self.verbose == 1 and self.live and self._is_time(current, perf_counter())

    def _is_time(self, current: int, now: float) -> bool:
        return now - self._last_draw >= self.interval or current == self.target

    def _record(self, name: str, value: Any, current: int, finalize: bool) -> None:
        """Add one metric's value to its running average."""
        if self.stateless_metrics is not None:
            averaged = name in self.stateless_metrics
        else:
            averaged = name not in (self.stateful_metrics or ())
        if not averaged or finalize or name not in self._values:
            steps = max(current - self._seen, 1) if averaged and not finalize else 1
            self._values[name] = [value * steps, steps]
        else:
            steps = max(current - self._seen, 1)
            self._values[name][0] += value * steps
            self._values[name][1] += steps

    def _draw(self, current: int, now: float, seconds: float, finalize: bool) -> None:
        """Overwrite the line with the bar as it now is."""
        if self.target:
            done = int(self.width * (current / self.target))
            bar = f"{BOLD}{self._count(current)}{PLAIN} "
            bar += f"{GREEN}{CELL * done}{PLAIN}" if done > 0 else ""
            bar += f"{GREY}{CELL * (self.width - done)}{PLAIN}"
        else:
            bar = self._count(current)
        if self.target and not finalize:
            clock = _remaining(seconds * (self.target - current))
        else:
            clock = f"{now - self._start:.0f}s"
        text = f"{bar} {BOLD}{clock}{PLAIN}{self._pace(seconds)}{self._metrics()}"
        codes = sum(text.count(code) * len(code) for code in (BOLD, GREEN, GREY, PLAIN))
        width = len(text) - codes  # what is seen: escape codes take no room
        message = "\b" * self._drawn_width + "\r" + text + " " * (self._drawn_width - width)
        self._drawn_width = width
        print_message(message, end="\n" if finalize else "")

    def _print_line(self, current: int, now: float, seconds: float) -> None:
        """The one line of `verbose=2`, and of output that cannot be overwritten."""
        print_message(
            f"{self._count(current)} - {now - self._start:.0f}s -{self._pace(seconds)}{self._metrics()}"
        )

    def _count(self, current: int) -> str:
        if self.target:
            return f"{current:{len(str(self.target))}d}/{self.target}"
        return f"{current:7d}/Unknown"

    def _pace(self, seconds: float) -> str:
        if seconds >= 1 or seconds == 0:
            return f" {seconds:.0f}s/{self.unit_name}"
        if seconds >= 1e-3:
            return f" {seconds * 1e3:.0f}ms/{self.unit_name}"
        return f" {seconds * 1e6:.0f}us/{self.unit_name}"

    def _metrics(self) -> str:
        text = ""
        for name, (total, weight) in self._values.items():
            average = float(np.mean(total)) / max(1, weight)
            # With verbose=2, Keras shows every negative number with an exponent.
            size = average if self.verbose == 2 else abs(average)
            text += f" - {name}: {average:.4f}" if size > 1e-3 else f" - {name}: {average:.4e}"
        return text

    def _seconds_per_step(self, current: int, now: float) -> float:
        """The mean duration of a step; the first one, which warms up caches, is left out when it can be."""
        if not current:
            return 0.0
        if self._after_first_step is not None and current > 1:
            return (now - self._after_first_step) / (current - 1)
        if current == 1:
            self._after_first_step = now
        return (now - self._start) / current


def _remaining(seconds: float) -> str:
    """A time to wait, as 7s, 1:05 or 2:00:09."""
    whole = int(seconds)
    minutes = f"{whole % 3600 // 60:02d}:{whole % 60:02d}"
    if seconds > 3600:
        return f"{whole // 3600}:{minutes}"
    if seconds > 60:
        return f"{whole // 60}:{whole % 60:02d}"
    return f"{whole}s"
