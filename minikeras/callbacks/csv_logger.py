"""Writes the numbers of every epoch into a table that spreadsheets and pandas can read."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from minikeras.callbacks.base import Callback, Logs


class CSVLogger(Callback):
    """Appends one row to a CSV file after every epoch: its number and its logs, sorted by name.

    The file is complete after every epoch, and never left open.

    Args:
        filename: of the table.
        separator: what stands between two columns.
        append: whether to go on with an existing file, instead of starting it anew.
    """

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self.filename = os.fspath(filename)
        self.separator = separator
        self.append = append
        self.keys: list[str] | None = None
        self._path = self.filename
        self._header = True

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Start the file, or see whether it has a first line already."""
        self.keys = None
        self._path = os.path.abspath(self.filename)  # even if the program changes its folder
        with open(self._path, "a" if self.append else "w", encoding="utf-8") as file:
            self._header = file.tell() == 0

    def get_state(self) -> dict[str, Any]:
        """The table so far, so that a row that was written after the last backup does not come twice."""
        with open(self._path, newline="", encoding="utf-8") as file:
            return {"text": file.read(), "keys": self.keys, "header": self._header}

    def set_state(self, state: dict[str, Any]) -> None:
        self.keys, self._header = state["keys"], state["header"]
        with open(self._path, "w", newline="", encoding="utf-8") as file:
            file.write(state["text"])

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write one row. The columns are those of the first epoch; a number that is missing is "NA"."""
        import csv  # only for those who use it

        logs = logs or {}
        first = self.keys is None
        if self.keys is None:
            self.keys = sorted(logs)
            if not any(key.startswith("val_") for key in self.keys):  # a validation may still come
                self.keys += [f"val_{key}" for key in self.keys]
        with open(self._path, "a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=self.separator)
            if first and self._header:
                writer.writerow(["epoch", *self.keys])
            writer.writerow([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])


def _cell(value: Any) -> Any:
    """A number as it is; the elements of an array in one quoted cell."""
    if isinstance(value, str) or np.ndim(value) == 0:
        return value
    return '"[' + ", ".join(map(str, value)) + ']"'
