"""What a training step allocates, and on which line.

NumPy reports its arrays to tracemalloc, so the peak above the level before a step is what was alive at
one time of all that the step made: at least its largest array. That is a count, the same on every run and
every machine, where a time is not. The buffers inside NumPy's loops, of a fixed size and made again
from the same memory, are no arrays; they are made tiny here so as not to hide small ones.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

import minikeras as mk

PACKAGE = Path(mk.__file__).parent


def set_threads(count: int | None) -> None:
    """By how many threads models are trained; commits that are compared may not know of any."""
    if hasattr(mk.config, "set_num_threads"):
        mk.config.set_num_threads(count)


@contextmanager
def traced() -> Iterator[None]:
    """Within this block memory is traced, on one thread, and NumPy's loops have the smallest buffers."""
    with np.errstate():  # which also puts the size of the buffers back
        np.setbufsize(16)
        set_threads(1)
        tracemalloc.start()
        try:
            yield
        finally:
            tracemalloc.stop()
            set_threads(None)


def peak_of(work: Any) -> int:
    """The bytes that a call allocates at one time; memory must be traced already."""
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    work()
    return tracemalloc.get_traced_memory()[1] - before


class StepPeaks(mk.callbacks.Callback):
    """The bytes that each step of `fit` but the first had allocated at one time, above the level before it.

    A step is counted from the end of the one before it, so gathering its batch belongs to it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peaks: list[int] = []
        self._before = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch:
            self.peaks.append(tracemalloc.get_traced_memory()[1] - self._before)
        self._before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()


def peaks_of_steps(model: Any, x: Any, y: Any, batch_size: int) -> list[int]:
    """The peaks of all steps of an epoch but the first, in bytes."""
    watch = StepPeaks()
    with traced():
        model.fit(x, y, batch_size=batch_size, verbose=0, callbacks=[watch])
    return watch.peaks


def page_faults() -> int:
    """How many pages the process has taken into use so far."""
    import resource  # Windows has none

    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


class StepFaults(mk.callbacks.Callback):
    """How many pages of memory each step of `fit` but the first took from the system for the first time."""

    def __init__(self) -> None:
        super().__init__()
        self.faults: list[int] = []
        self._before = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch:
            self.faults.append(page_faults() - self._before)
        self._before = page_faults()


class LineTracer:
    """Which lines of the package allocate, and how much; as a trace function, so slow.

    What a line allocates outside the package, in NumPy for instance, counts as its own.

    Args:
        at_least: bytes; lines that allocate less are left out.
    """

    def __init__(self, at_least: int) -> None:
        self.at_least = at_least
        self.found: dict[str, int] = {}
        self.counting = False
        self._level = 0
        self._stack = [""]  # outside of the package

    def __call__(self, frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(str(PACKAGE)):
            return None
        self._settle()
        if event == "call":
            self._stack.append("")
        elif event == "return":
            self._stack.pop()
        if event in ("call", "line"):
            self._stack[-1] = f"{Path(frame.f_code.co_filename).relative_to(PACKAGE.parent)}:{frame.f_lineno}"
        self._level = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        return self

    def _settle(self) -> None:
        size = tracemalloc.get_traced_memory()[1] - self._level
        line = self._stack[-1]
        if self.counting and line and size >= self.at_least:
            self.found[line] = max(self.found.get(line, 0), size)


def lines_that_allocate(model: Any, x: Any, y: Any, batch_size: int, at_least: int) -> dict[str, int]:
    """{"file:line": bytes} of the lines that allocate so much in a step after the first, largest first."""
    tracer = LineTracer(at_least)

    class AfterTheFirst(mk.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            tracer.counting = True

    before = sys.gettrace()
    with traced():
        sys.settrace(tracer)
        try:
            model.fit(x, y, batch_size=batch_size, verbose=0, callbacks=[AfterTheFirst()])
        finally:
            sys.settrace(before)
    return dict(sorted(tracer.found.items(), key=lambda item: -item[1]))
