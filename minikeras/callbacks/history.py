"""The numbers of every epoch, as `fit` returns them."""

from __future__ import annotations

import weakref
from typing import Any

from minikeras.callbacks.base import Callback, Logs
from minikeras.markup import curves, fragment, join, tag


class History(Callback):
    """Collects the logs of all epochs: `history.history["loss"][3]` is the loss of epoch 3.

    `fit` adds a new one by itself, returns it, and leaves it as `model.history`.

    Attributes:
        history: {name: list of one number for each epoch}.
        epoch: the numbers of the epochs.
        params: {"verbose": ..., "epochs": ..., "steps": ...}.
        model: the model, or None once nothing else holds it: the history does not keep it alive.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []
        self._reference: Any = lambda: None

    @property
    def model(self) -> Any:
        """The model, while it is alive. A weak reference: model and history would hold each other."""
        return self._reference()

    def set_model(self, model: Any) -> None:
        """Note the model, and become its `history`."""
        self._reference = weakref.ref(model)
        model.history = self

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Count the epochs anew."""
        self.epoch = []

    def get_state(self) -> dict[str, Any]:
        return {"history": self.history, "epoch": self.epoch}

    def set_state(self, state: dict[str, Any]) -> None:
        self.history, self.epoch = state["history"], state["epoch"]

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Append this epoch's numbers."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_reference"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _reference=lambda: None)

    def __repr__(self) -> str:
        last = "".join(
            f", {name}: {values[-1]:.4g}" if isinstance(values[-1], (int, float)) else f", {name}"
            for name, values in self.history.items()
        )
        return f"<History of {len(self.epoch)} epoch{'s'[: len(self.epoch) != 1]}{last}>"

    def _repr_html_(self) -> str:
        charts = []
        for name in sorted((n for n in self.history if not n.startswith("val_")), key=lambda n: n != "loss"):
            both = {k: self.history[k] for k in (name, f"val_{name}") if k in self.history}
            numbers = {k: v for k, v in both.items() if all(isinstance(n, (int, float)) for n in v)}
            chart = join([tag("div", name), curves(numbers)])
            charts.append(tag("div", chart, style="display:inline-block;margin-right:1.5em"))
        return fragment(join([tag("p", repr(self)), *charts]))
