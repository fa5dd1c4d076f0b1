"""Ctrl-C during training: the step that is running is finished first, so no weight is half updated."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Whether Ctrl-C was pressed. A second press does not wait."""

    def __init__(self) -> None:
        self.pending = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The signal handler."""
        if self.pending:
            raise KeyboardInterrupt
        self.pending = True

    def check(self) -> None:
        """Between two steps: stop now if Ctrl-C was pressed."""
        if self.pending:
            raise KeyboardInterrupt


@contextmanager
def deferred_interrupt() -> Iterator[Interrupt]:
    """Within this block Ctrl-C waits for `Interrupt.check`.

    Only Python's own handler is replaced, and only in the main thread, which alone gets signals.
    """
    interrupt = Interrupt()
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield interrupt
        return
    signal.signal(signal.SIGINT, interrupt.handle)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
