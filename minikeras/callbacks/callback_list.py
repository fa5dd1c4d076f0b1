"""All callbacks of one `fit`, `evaluate` or `predict`, called as if they were one.

The user's come first, in their order, then the history, then the progress bar; all of them see
the same `logs` dict, so a number that one adds reaches those after it. Epochs are few, but batches
are many: the averages of a batch are only computed if somebody looks at them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from minikeras.callbacks.base import Callback, Logs, overrides
from minikeras.callbacks.history import History
from minikeras.callbacks.progbar_logger import ProgbarLogger

BATCH_HOOKS = tuple(
    f"on_{phase}_batch_{when}" for phase in ("train", "test", "predict") for when in ("begin", "end")
)

LogsOrMaker = Logs | Callable[[], Logs] | None  # the logs, or a function that computes them


class CallbackList(Callback):
    """Several callbacks, called one after the other.

    A training loop of one's own calls the hooks of this object at the same points as `fit` does.
    To `on_*_batch_end` it may give, instead of a dict, a function that returns the dict: it is
    only called if a callback wants it. While `wants_train_batches` (`..._test_...`,
    `..._predict_...`) is False, those hooks need not be called at all.

    Args:
        callbacks: one callback or a (nested) list of them.
        add_history: whether to add a `History`, unless there is one.
        add_progbar: whether to add a `ProgbarLogger`, unless there is one.
        model: the model, for `set_model`.
        **params: "verbose", "epochs" and "steps", for `set_params`.

    Raises:
        TypeError: for an element that is no callback.
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        super().__init__()
        self.callbacks = list(_flatten(callbacks))
        if add_history and not any(isinstance(c, History) for c in self.callbacks):
            self.callbacks.append(History())
        if add_progbar and not any(isinstance(c, ProgbarLogger) for c in self.callbacks):
            self.callbacks.append(ProgbarLogger())
        self.callbacks.sort(key=lambda callback: callback.runs_last)
        # The bar looks at batches only when it is due; a subclass of it may want every one.
        self._bar = next((c for c in self.callbacks if type(c) is ProgbarLogger), None)
        others = [c for c in self.callbacks if c is not self._bar]
        self._listeners = {hook: [c for c in others if overrides(c, hook)] for hook in BATCH_HOOKS}
        for callback in self.callbacks:
            callback.set_companions(self.callbacks)
        self.set_model(model)
        self.set_params(params)

    def set_model(self, model: Any) -> None:
        """Tell every callback which model it works for."""
        if model is not None:
            super().set_model(model)
            for callback in self.callbacks:
                callback.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        """Tell every callback how many epochs and steps there will be."""
        self.params = params
        if params:
            for callback in self.callbacks:
                callback.set_params(params)

    # Batches

    @property
    def wants_train_batches(self) -> bool:
        """Whether any callback looks at the single batches of `fit`."""
        return self._wants("train")

    @property
    def wants_test_batches(self) -> bool:
        """Whether any callback looks at the single batches of `evaluate` or of the validation in `fit`."""
        return self._wants("test")

    @property
    def wants_predict_batches(self) -> bool:
        """Whether any callback looks at the single batches of `predict`."""
        return self._wants("predict")

    def _wants(self, phase: str) -> bool:
        bar = self._bar is not None and self._bar.follows(phase)
        return bar or any(self._listeners[f"on_{phase}_batch_{when}"] for when in ("begin", "end"))

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Pass it on."""
        self._begin_batch("on_train_batch_begin", batch, logs)

    def on_train_batch_end(self, batch: int, logs: LogsOrMaker = None) -> None:
        """Pass it on; `logs` may be a function that makes them."""
        self._end_batch("train", batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Pass it on."""
        self._begin_batch("on_test_batch_begin", batch, logs)

    def on_test_batch_end(self, batch: int, logs: LogsOrMaker = None) -> None:
        """Pass it on; `logs` may be a function that makes them."""
        self._end_batch("test", batch, logs)

    def on_predict_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Pass it on."""
        self._begin_batch("on_predict_batch_begin", batch, logs)

    def on_predict_batch_end(self, batch: int, logs: LogsOrMaker = None) -> None:
        """Pass it on; `logs` may be a function that makes them."""
        self._end_batch("predict", batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Pass it on: an older name of `on_train_batch_begin`."""
        self._tell("on_batch_begin", logs, batch)

    def on_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Pass it on: an older name of `on_train_batch_end`."""
        self._tell("on_batch_end", logs, batch)

    def _begin_batch(self, hook: str, batch: int, logs: Logs | None) -> None:
        listeners = self._listeners[hook]
        if listeners:
            shared = dict(logs or {})
            for callback in listeners:
                getattr(callback, hook)(batch, shared)

    def _end_batch(self, phase: str, batch: int, logs: LogsOrMaker) -> None:
        hook = f"on_{phase}_batch_end"
        listeners: list[Callback] = self._listeners[hook]
        bar = self._bar
        if bar is not None and bar.follows(phase) and bar.is_due(batch):
            listeners = [*listeners, bar]
        if listeners:
            shared = logs() if callable(logs) else dict(logs or {})
            for callback in listeners:
                getattr(callback, hook)(batch, shared)

    # Everything else

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Pass it on."""
        self._tell("on_train_begin", logs)

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Pass it on."""
        self._tell("on_train_end", logs)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Pass it on."""
        self._tell("on_epoch_begin", logs, epoch)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Pass it on."""
        self._tell("on_epoch_end", logs, epoch)

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Pass it on."""
        self._tell("on_test_begin", logs)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Pass it on."""
        self._tell("on_test_end", logs)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Pass it on."""
        self._tell("on_predict_begin", logs)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Pass it on."""
        self._tell("on_predict_end", logs)

    def _tell(self, hook: str, logs: Logs | None, *number: int) -> None:
        """Call one hook of every callback. They share a copy: what they add does not reach the caller."""
        shared = dict(logs or {})
        for callback in self.callbacks:
            getattr(callback, hook)(*number, shared)


def _flatten(callbacks: Any) -> Iterator[Callback]:
    """The callbacks in a nested list, in order."""
    if isinstance(callbacks, (list, tuple)):
        for element in callbacks:
            yield from _flatten(element)
    elif isinstance(callbacks, Callback):
        yield callbacks
    elif callbacks is not None:
        hint = ""
        if isinstance(callbacks, type) and issubclass(callbacks, Callback):
            hint = f" Did you mean {callbacks.__name__}()?"
        elif callable(callbacks):
            hint = " A function becomes a callback by LambdaCallback(on_epoch_end=function)."
        raise TypeError(
            "`callbacks` must be a list of Callback objects. "
            f"Received: {callbacks!r} (of type {type(callbacks).__name__}).{hint}"
        )
