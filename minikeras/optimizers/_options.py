"""What every optimizer is told: its learning rate, and the arguments that all have in common."""

from __future__ import annotations

import inspect
import math
import warnings
from typing import Any, TypedDict

import numpy as np

from minikeras import config, registry
from minikeras.errors import check_int, check_number, closest
from minikeras.naming import auto_name
from minikeras.optimizers._scalar import ScalarVariable
from minikeras.optimizers.schedules import LearningRateSchedule
from minikeras.registry import arguments


class CommonOptions(TypedDict, total=False):
    """The arguments that every optimizer takes after its own; `Optimizer` explains them."""

    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None


class _WholeSignature:
    """Lets help() and editors show all arguments of an optimizer, not `*common, **options`."""

    def __get__(self, instance: Any, owner: type) -> inspect.Signature:
        keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature([p.replace(kind=keyword) for p in arguments(owner).values()])


# The order of a config's first keys in Keras' files
_COMMON_KEYS = (
    "name", "learning_rate", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema",
    "ema_momentum", "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps",
)  # fmt: skip


class Options:
    """The arguments of an optimizer, and its config; `Optimizer` explains them."""

    __signature__ = _WholeSignature()
    _iterations: ScalarVariable

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **unknown: Any,
    ) -> None:
        if unknown.pop("decay", None) is not None:
            warnings.warn("Argument `decay` is no longer supported and is ignored.", stacklevel=4)
        if unknown:
            first = next(iter(unknown))
            hint = (
                " Did you mean 'learning_rate'?" if first == "lr" else closest(first, arguments(type(self)))
            )
            raise ValueError(f"{type(self).__name__}: argument(s) not recognized: {unknown}.{hint}")
        self.name = auto_name(type(self).__name__) if name is None else name
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._check_arguments()
        self._learning_rate = self._standardize_learning_rate(learning_rate)
        super().__init__()

    @property
    def learning_rate(self) -> Any:
        """The current learning rate; assign a float, a schedule or a function to change it.

        Raises:
            TypeError: when a number is assigned while a schedule is in charge.
        """
        if isinstance(self._learning_rate, ScalarVariable):
            return self._learning_rate
        return np.dtype(config.floatx()).type(self._current_rate(self._iterations.value.item()))

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if callable(value):  # a schedule or a function
            self._learning_rate = value
        elif isinstance(self._learning_rate, LearningRateSchedule):
            raise TypeError(
                "This optimizer was created with a `LearningRateSchedule` as its `learning_rate`, hence it "
                "is not settable. Create the optimizer with a float to be able to set it."
            )
        elif isinstance(self._learning_rate, ScalarVariable):
            self._learning_rate.assign(value)
        else:
            self._learning_rate = self._standardize_learning_rate(float(value))

    def _standardize_learning_rate(self, value: Any) -> Any:
        if callable(value):
            return value
        if not isinstance(value, float):
            raise ValueError(
                f"{type(self).__name__}: `learning_rate` must be a float, a LearningRateSchedule or a "
                f"function without arguments. Received: learning_rate={value!r}"
            )
        return ScalarVariable(np.array(value, config.floatx()), "learning_rate", self.name)

    def _current_rate(self, step: int) -> float:
        """The learning rate of a step, rounded as Keras stores it."""
        rate = self._learning_rate
        if isinstance(rate, ScalarVariable):
            return float(rate.value.item())
        value = rate(step) if isinstance(rate, LearningRateSchedule) else rate()
        return float(np.dtype(config.floatx()).type(value))

    def _check_arguments(self) -> None:
        for name in ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "loss_scale_factor"):
            if getattr(self, name) is not None:
                check_number(self, name, getattr(self, name), 0.0, math.inf)
        clips = {name: getattr(self, name) for name in ("clipnorm", "clipvalue", "global_clipnorm")}
        if sum(value is not None for value in clips.values()) > 1:
            raise ValueError(f"{type(self).__name__}: only one clip argument can be set. Received: {clips}")
        if self.gradient_accumulation_steps:
            check_int(self, "gradient_accumulation_steps", self.gradient_accumulation_steps, 2)
        if self.use_ema:
            check_number(self, "ema_momentum", self.ema_momentum, 0.0, 1.0)
            if self.ema_overwrite_frequency:
                check_int(self, "ema_overwrite_frequency", self.ema_overwrite_frequency)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments in JSON form, those that all optimizers have first."""
        rate = self._learning_rate
        found: dict[str, Any] = {}
        for name in (*_COMMON_KEYS, *arguments(type(self))):
            if name == "learning_rate":
                number = isinstance(rate, ScalarVariable)
                found[name] = rate.value.item() if number else registry.serialize(rate)
            else:
                found[name] = registry.serialize(getattr(self, name))
        return found

    def __repr__(self) -> str:
        shown = []
        for name, parameter in arguments(type(self)).items():
            value = self._learning_rate if name == "learning_rate" else getattr(self, name)
            if isinstance(value, ScalarVariable):
                value = float(str(value.value))  # float32's shortest decimal form: 0.1, not 0.100000001
            if name != "name" and (callable(value) or value != parameter.default):
                shown.append(f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"
