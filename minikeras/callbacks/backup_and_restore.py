"""Lets a training run survive being killed: started again, it goes on, and ends with the same bits."""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

import numpy as np

from minikeras.callbacks.base import Callback, Logs
from minikeras.errors import check_int
from minikeras.saving import hdf5
from minikeras.saving.errors import loading
from minikeras.saving.files import write_file
from minikeras.saving.layout import assign, find_values, optimizer_arrays, restore_optimizer, to_tree

LATEST, PREVIOUS = "latest.weights.h5", "previous.weights.h5"


class BackupAndRestore(Callback):
    """Writes all that `fit` knows to a file, and goes on from there when `fit` is called the next time.

    The same program is simply started again. What then follows has the same bits as if it had never
    been interrupted: the backup has the weights, the optimizer's state, the epoch and the batch, all
    random generators (order of the data, dropout), and the states of the other callbacks. It is
    written in one step, so a kill at any moment leaves the last backup or the one before it. (Data from
    a Python generator are asked for again from its beginning; what a dataset draws from a generator of
    its own, and what validation data from a Python generator were used up, cannot be known.)

    Args:
        backup_dir: a folder for this one run.
        save_freq: "epoch", or a number of batches; then an epoch is resumed in its middle.
        double_checkpoint: whether to keep the backup before the last one, too.
        delete_checkpoint: whether to delete the backup when `fit` has ended.

    Raises:
        ValueError: without `backup_dir`, or for another `save_freq`.
        LoadError: (a ValueError) in `fit`, when the backup belongs to another model.
    """

    runs_last = True  # when a backup is made, all other callbacks have seen the epoch

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: Any = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not backup_dir:
            raise ValueError("BackupAndRestore: `backup_dir` must name a folder.")
        self.backup_dir = os.path.abspath(os.fspath(backup_dir))
        self.save_freq = save_freq if save_freq == "epoch" else check_int(self, "save_freq", save_freq)
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self.watches_batches = self.save_freq != "epoch"
        self._others: list[Callback] = []
        self._epoch = 0
        self._unsaved = 0

    def set_companions(self, callbacks: list[Callback]) -> None:
        """Note the callbacks whose states are to be kept."""
        self._others = [c for c in callbacks if c is not self]

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Go on from the last backup, if there is one."""
        self._unsaved = 0
        for name in (LATEST, PREVIOUS):
            path = os.path.join(self.backup_dir, name)
            if os.path.exists(path):
                with loading(f"{path} (delete it to train anew)"):
                    self._restore(hdf5.load(path))
                return

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Note the epoch's number."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Make a backup if enough batches have gone by."""
        self._unsaved += 1
        if self._unsaved >= self.save_freq:
            self._unsaved = 0
            self._save(self._epoch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Make a backup, if each epoch is to be saved."""
        if self.save_freq == "epoch":
            self._save(epoch + 1)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Delete the backup, and its folder if nothing else is in it."""
        if self.delete_checkpoint and os.path.isdir(self.backup_dir):
            for name in os.listdir(self.backup_dir):
                if name.startswith((LATEST, PREVIOUS)):  # also what a kill left of an unfinished one
                    os.remove(os.path.join(self.backup_dir, name))
            with contextlib.suppress(OSError):  # not empty
                os.rmdir(self.backup_dir)

    def _save(self, epoch: int) -> None:
        tree = to_tree(self.model)
        state = {
            **self.model.get_training_state(epoch),
            "unsaved": self._unsaved,
            "callbacks": [[type(c).__name__, found] for c in self._others if (found := c.get_state())],
        }
        arrays = tree.group("training/arrays")

        def put_away(value: Any) -> Any:
            if isinstance(value, np.generic):
                return value.item()
            arrays.members[str(len(arrays.members))] = np.asarray(value)
            return {"array": len(arrays.members) - 1}

        tree.group("training").attributes["state"] = json.dumps(state, default=put_away)
        os.makedirs(self.backup_dir, exist_ok=True)
        latest = os.path.join(self.backup_dir, LATEST)
        if self.double_checkpoint and os.path.exists(latest):
            os.replace(latest, os.path.join(self.backup_dir, PREVIOUS))
        write_file(latest, hdf5.chunks(tree))

    def _restore(self, tree: hdf5.Group) -> None:
        arrays = tree["training/arrays"].members

        def fetch(value: dict[str, Any]) -> Any:
            return np.array(arrays[str(value["array"])]) if value.keys() == {"array"} else value

        state = json.loads(tree["training"].attributes["state"], object_hook=fetch)
        model = self.model
        if not model.built:
            model.build(tuple(state["input_shape"]))
        assign(find_values(model, tree))
        restore_optimizer(model, optimizer_arrays(tree))
        model.set_training_state(state)
        self._unsaved = state["unsaved"]
        kept = state["callbacks"]
        for callback in self._others:  # by class, and by order within a class
            found = next((entry for entry in kept if entry[0] == type(callback).__name__), None)
            if found is not None:
                kept.remove(found)
                callback.set_state(found[1])
