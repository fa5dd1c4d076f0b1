"""Saves the model while it is being trained: always, or when it has become better."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np

from minikeras.callbacks.base import Logs
from minikeras.callbacks.monitor import MonitorCallback
from minikeras.errors import check_int
from minikeras.utils.printing import print_message

WEIGHTS, WHOLE = (".weights.h5", ".npz", ".safetensors"), (".keras", ".h5", ".hdf5")


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, after every epoch or every so many batches.

    A file is replaced in one step: when the program is killed, the old or the new one is there.

    Args:
        filepath: of the file. `{epoch}` in it is the number of the epoch, from 1; `{val_loss:.2f}` and
            the like are numbers of the logs; `{batch}` that of the batch, if `save_freq` is a number.
        monitor: the name of the number to watch, for `save_best_only`.
        verbose: 1 says what is saved.
        save_best_only: whether to save only when the number is better than ever before.
        save_weights_only: whether to save the weights (`.weights.h5`) instead of the whole model
            (`.keras`).
        mode: "min", "max" or "auto".
        save_freq: "epoch", or a number of batches.
        initial_value_threshold: what the number must be better than to be saved at all.

    Raises:
        ValueError: for another extension or `save_freq`.
    """

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq if save_freq == "epoch" else check_int(self, "save_freq", save_freq)
        self.best = initial_value_threshold
        endings = WEIGHTS if save_weights_only else WHOLE
        if not self.filepath.endswith(endings) or (
            not save_weights_only and self.filepath.endswith(".weights.h5")
        ):
            raise ValueError(
                f"When using `save_weights_only={save_weights_only}` in `ModelCheckpoint`, the filepath provided must "
                f"end in one of {endings}. Received: filepath={self.filepath}"
            )
        self.watches_batches = self.save_freq != "epoch"
        self._epoch = 0
        self._unsaved = 0  # batches since the last file

    def get_state(self) -> dict[str, Any]:
        return {"best": self.best, "unsaved": self._unsaved}

    def set_state(self, state: dict[str, Any]) -> None:
        self.best, self._unsaved = state["best"], state["unsaved"]

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Note the epoch's number."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save if enough batches have gone by."""
        self._unsaved += 1
        if self._unsaved >= self.save_freq:
            self._unsaved = 0
            self._save(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save, if each epoch is to be saved."""
        if self.save_freq == "epoch":
            self._save(epoch, None, logs or {})

    def _save(self, epoch: int, batch: int | None, logs: Logs) -> None:
        path = self._path(epoch, batch, logs)
        if not self.save_best_only:
            self._say(epoch, f"saving model to {path}")
            self._write(epoch, path)
            return
        current = logs.get(self.monitor)
        if current is None or np.ndim(current) > 0:
            warnings.warn(
                f"Can save best model only with {self.monitor} available, as a single number. "
                f"Available metrics are: {','.join(logs)}",
                stacklevel=3,
            )
            return
        if not self.is_improvement(current, self.best):
            self._say(epoch, f"{self.monitor} did not improve from {self.best:.5f}")
            return
        before = "None" if self.best is None else f"{self.best:.5f}"
        self._say(epoch, f"{self.monitor} improved from {before} to {current:.5f}, saving model to {path}")
        self._write(epoch, path)
        self.best = current

    def _path(self, epoch: int, batch: int | None, logs: Logs) -> str:
        numbers = {**logs, "epoch": epoch + 1}
        if batch is not None:
            numbers["batch"] = batch + 1
        try:
            return self.filepath.format(**numbers)
        except KeyError as error:
            raise KeyError(
                f"Failed to format this callback filepath: {self.filepath!r}. There is no {error} in the logs: "
                f"{', '.join(numbers)}"
            ) from None

    def _write(self, epoch: int, path: str) -> None:
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)
        self._say(epoch, f"finished saving model to {path}")

    def _say(self, epoch: int, text: str) -> None:
        if self.verbose > 0:
            print_message(f"\nEpoch {epoch + 1}: {text}")
