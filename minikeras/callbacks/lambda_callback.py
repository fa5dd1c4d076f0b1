"""A callback without a class, for things that one line can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from minikeras.callbacks.base import Callback
from minikeras.errors import closest

Function = Callable[..., Any] | None
HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))


class LambdaCallback(Callback):
    """Calls the given functions at the hooks of the same names.

        LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))

    Args:
        on_epoch_begin: a function of (epoch, logs).
        on_epoch_end: a function of (epoch, logs).
        on_train_begin: a function of (logs).
        on_train_end: a function of (logs).
        on_train_batch_begin: a function of (batch, logs).
        on_train_batch_end: a function of (batch, logs).
        **kwargs: functions for the other hooks of `Callback`, such as `on_test_end`.

    Raises:
        TypeError: for the name of no hook, and for something that is no function.
    """

    def __init__(
        self,
        on_epoch_begin: Function = None,
        on_epoch_end: Function = None,
        on_train_begin: Function = None,
        on_train_end: Function = None,
        on_train_batch_begin: Function = None,
        on_train_batch_end: Function = None,
        **kwargs: Function,
    ) -> None:
        super().__init__()
        functions = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
            **kwargs,
        }
        for name, function in functions.items():
            if name not in HOOKS:
                raise TypeError(f"LambdaCallback: callbacks have no hook {name!r}.{closest(name, HOOKS)}")
            if function is None:
                continue
            if not callable(function):
                raise TypeError(f"LambdaCallback: `{name}` must be a function. Received: {name}={function!r}")
            setattr(self, name, function)
