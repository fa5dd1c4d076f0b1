"""Puts the progress bar, and the line "Epoch 1/5" above it, on the screen."""

from __future__ import annotations

from typing import Any

from minikeras.callbacks.base import Callback, Logs
from minikeras.utils.printing import is_live, print_message
from minikeras.utils.progbar import Progbar


class ProgbarLogger(Callback):
    """Shows how far `fit`, `evaluate` or `predict` is. It is added by itself unless `verbose=0`.

    With `verbose=1` (or "auto") there is a moving bar, with `verbose=2` one line for each epoch.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0  # steps of this epoch
        self.progbar: Progbar | None = None
        self.target: int | None = None
        self.verbose = 1
        self.epochs = 1
        self._in_fit = False

    def set_params(self, params: dict[str, Any]) -> None:
        """Take over how talkative to be, and how many epochs and steps there will be."""
        super().set_params(params)
        verbose = params.get("verbose", 1)
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs = params.get("epochs", 1)
        self.target = params.get("steps")

    def follows(self, phase: str) -> bool:
        """Whether batches of "train", "test" or "predict" change what is on the screen.

        The validation in `fit` is silent. A bar that does not move needs no batches either, unless
        they have to be counted because nobody knows how many there are.
        """
        if phase == "test" and self._in_fit:
            return False
        live = is_live() if self.progbar is None else self.progbar.live
        return (live and self.verbose == 1) or self.target is None

    def is_due(self, batch: int) -> bool:
        """Whether the bar is drawn anew after this batch, so that its logs are worth computing."""
        self.seen = batch + 1
        return self.progbar is not None and self.progbar.is_due(self.seen)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Be silent during validations from now on."""
        self._in_fit = True

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Start a new bar."""
        self._start()
        if self.verbose and self.epochs > 1:
            print_message(f"Epoch {epoch + 1}/{self.epochs}")

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Start a new bar for `evaluate`."""
        if not self._in_fit:
            self._start()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Start a new bar for `predict`."""
        self._start()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Move the bar."""
        self._move(batch, logs)

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Move the bar of `evaluate`."""
        if not self._in_fit:
            self._move(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Move the bar of `predict`; its logs are the predictions, which are not shown."""
        self._move(batch, None)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Finish the bar, with the results of the epoch and its validation."""
        self._finish(logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Finish the bar of `evaluate`."""
        if not self._in_fit:
            self._finish(logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Finish the bar of `predict`."""
        self._finish(None)

    def _start(self) -> Progbar:
        self.seen = 0
        # The logs are averages already: no metric is averaged once more.
        self.progbar = Progbar(self.target, verbose=self.verbose, stateless_metrics=())
        return self.progbar

    def _move(self, batch: int, logs: Logs | None) -> None:
        bar = self.progbar or self._start()
        self.seen = batch + 1
        if self.verbose == 1:
            bar.update(self.seen, (logs or {}).items(), finalize=False)

    def _finish(self, logs: Logs | None) -> None:
        bar = self.progbar or self._start()
        if self.target is None:  # now it is known how many steps an epoch has
            self.target = bar.target = self.seen
        bar.update(self.target, (logs or {}).items(), finalize=True)
