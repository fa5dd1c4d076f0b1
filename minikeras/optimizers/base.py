"""What all optimizers have in common: everything around the update rule.

The weights of a model lie end to end in one vector, and so do their gradients and each of the
optimizer's slots (momentum, velocity, ...). So an update rule is written once, for vectors, as on
the blackboard. Around it stand, in this order: accumulation and clipping of gradients, weight
decay, the rule, the average of the weights, and the constraints.
"""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Iterable
from typing import Any, TypedDict

import numpy as np

from minikeras import config, registry
from minikeras.errors import check_int, check_number, closest
from minikeras.naming import auto_name
from minikeras.optimizers._layout import Layout
from minikeras.optimizers._scalar import ScalarVariable
from minikeras.optimizers._state import State
from minikeras.optimizers.schedules import LearningRateSchedule
from minikeras.registry import arguments
from minikeras.typing import Array
from minikeras.variable import Arena, Variable


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


class Optimizer(State):
    """w ← w - update(dL/dw): the base of all optimizers.

    A subclass says what it remembers of each weight (`slots`), which numbers a step needs
    (`scalars`), and the rule (`update`).

    Args:
        learning_rate: a float, a schedule, or a function without arguments.
        weight_decay: λ, for w ← w - learning_rate · λ · w before each update; or None.
        clipnorm: the greatest norm that the gradient of one variable may have, or None.
        clipvalue: the greatest absolute value of an element of a gradient, or None.
        global_clipnorm: the greatest norm of all gradients together, or None.
        use_ema: whether to keep an average of the weights, which `fit` leaves in the model at its end.
        ema_momentum: μ, for average ← μ · average + (1 - μ) · w.
        ema_overwrite_frequency: after how many steps the average overwrites the weights, or None.
        loss_scale_factor: what the loss was multiplied by; gradients are divided by it.
        gradient_accumulation_steps: over how many calls gradients are averaged before an update.
        name: a label; by default the class's name in snake_case.

    Raises:
        ValueError: for an argument out of range or unknown, or when two clip arguments are given.
    """

    __signature__ = _WholeSignature()

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
            warnings.warn("Argument `decay` is no longer supported and is ignored.", stacklevel=3)
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

        State.__init__(self)
        self.averages_in_weights = False  # whether `swap_average` has exchanged them
        self._iterations = ScalarVariable(np.array(0, "int32"), "iteration", self.name)
        self._learning_rate = self._standardize_learning_rate(learning_rate)

    # What a subclass defines

    def scalars(self, t: int, lr: Any) -> tuple[Any, ...]:
        """The numbers that are the same for all weights in update number t = 1, 2, 3 ..."""
        return (lr,)

    def update(
        self,
        w: Array,
        g: Array,
        scratch: tuple[Array, ...],
        slots: tuple[Array, ...],
        scalars: tuple[Array, ...],
    ) -> None:
        """The rule: change the weights w and the slots in place, given the gradient g.

        Args:
            w: a stretch of weights, 1-D.
            g: dL/dw, not to be changed.
            scratch: as many arrays of the same shape as the class attribute `scratch` says.
            slots: in the order of `slots()`.
            scalars: what `scalars()` returned, as 0-d arrays of w's dtype.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `update`.")

    # Learning rate and step count

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

    @property
    def iterations(self) -> Any:
        """The number of updates so far; int(...) makes it a plain number."""
        if self.gradient_accumulation_steps:
            return self._iterations.value.item() // self.gradient_accumulation_steps
        return self._iterations

    # Updates

    def apply_flat(self, arena: Arena, gradients: Array) -> None:
        """One step for all variables of an arena. `fit` calls this.

        Args:
            arena: the weights; `arena.values` is updated in place.
            gradients: dL/dw in the arena's layout. Clipping and accumulation overwrite it.

        Raises:
            ValueError: when the optimizer was built for other variables.
        """
        layout = self._layout
        if layout is None or layout.arena is not arena:
            self.build(arena.variables)
            layout = self._layout = self._make_layout(arena.variables, arena)
        self._step(layout, gradients)

    def apply(self, grads: Iterable[Any], trainable_variables: Iterable[Variable] | None = None) -> None:
        """One step, from a list of gradients, one for each variable.

        Args:
            grads: arrays in the shapes of the variables; None for a variable to be left alone.
            trainable_variables: the variables; by default those that the optimizer was built with.

        Raises:
            ValueError: when gradients and variables do not fit together, or all gradients are None.
        """
        grads = list(grads)
        if not grads:
            return
        if trainable_variables is None:
            if not self.built:
                raise ValueError("Pass `trainable_variables`, or call `optimizer.build(variables)` first.")
            variables = list(self._homes)
        else:
            variables = list(trainable_variables)
            self.build(variables)
        grads, variables = _drop_missing(grads, variables)
        layout = self._list_layout
        if layout is None or not layout.fits(variables):
            layout = self._list_layout = self._make_layout(variables, None)
        flat = np.empty(layout.size, layout.dtype)
        for grad, v, part in zip(grads, variables, layout.parts, strict=True):
            array = np.asarray(grad)
            if array.shape != v.shape:
                raise ValueError(f"The gradient of {v.path} has shape {array.shape}, expected {v.shape}.")
            flat[part] = array.reshape(-1)
        self._step(layout, flat)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> Variable:
        """One step, from pairs (gradient, variable); returns the step count."""
        pairs = list(grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self._iterations

    def _step(self, layout: Layout, g: Array) -> None:
        step = self._iterations.value.item()
        n = self.gradient_accumulation_steps or 1
        if self.loss_scale_factor is not None:
            g /= self.loss_scale_factor
        if n == 1 or self._accumulate(layout, g, n, (step + 1) % n == 0):
            self._clip(layout, g)
            rate = layout.dtype.type(self._current_rate(step))  # its type is that of all scalars of the step
            self._update_weights(layout, g, step // n + 1, rate)
        if self.use_ema:
            self._average(layout, step // n)
        for v in layout.constrained:
            v.value[...] = v.constraint(v.value)
        self._iterations.value.fill(step + 1)

    def _update_weights(self, layout: Layout, g: Array, t: int, lr: Any) -> None:
        values = self.scalars(t, lr)
        if len(layout.numbers) != len(values):
            layout.numbers = tuple(np.empty((), layout.dtype) for _ in values)
        scalars = layout.numbers
        for number, value in zip(scalars, values, strict=True):
            number.fill(value)
        kept = 1.0 - lr * (self.weight_decay or 0.0)  # w - lr λ w = (1 - lr λ) w
        whole = self.whole_variables
        for w, part, _, slots, scratch, decays in layout.blocks:
            if decays and kept != 1.0:
                w *= kept
            self.update(w, g[part].reshape(w.shape) if whole else g[part], scratch, slots, scalars)

    def _accumulate(self, layout: Layout, g: Array, n: int, complete: bool) -> bool:
        """Add to the sum of gradients; at every n-th call put the mean into g and return True."""
        accumulator = self._slots["gradient_accumulator"]
        for block in layout.blocks:
            total, part = accumulator[block.home], g[block.part]
            total += part
            if complete:
                np.divide(total, n, out=part)
        if complete:
            accumulator.fill(0.0)
        return complete

    def _clip(self, layout: Layout, g: Array) -> None:
        """Shorten gradients, in place."""
        if self.clipnorm:
            for part in layout.parts:
                norm = math.sqrt(np.dot(g[part], g[part]))
                if not norm <= self.clipnorm:
                    g[part] *= self.clipnorm / norm  # the norm becomes clipnorm
        elif self.global_clipnorm:
            norm = math.sqrt(np.dot(g, g))
            if not norm <= self.global_clipnorm:  # an infinite norm must not pass for a small gradient
                g *= self.global_clipnorm / norm if math.isfinite(norm) else math.nan
        elif self.clipvalue:
            np.clip(g, -self.clipvalue, self.clipvalue, out=g)

    def _average(self, layout: Layout, iteration: int) -> None:
        """average ← μ · average + (1 - μ) · w, and now and then w ← average."""
        if len(layout.variables) < len(self._homes):
            layout = self._make_layout(list(self._homes), None)
        mu = self.ema_momentum if iteration > 0 else 0.0
        every = self.ema_overwrite_frequency
        for block in layout.blocks:
            average, s = self._slots["average"][block.home], block.scratch[0].reshape(-1)
            np.multiply(block.w.reshape(-1), 1.0 - mu, out=s)
            average *= mu
            average += s
            if every and (iteration + 1) % every == 0:
                block.w.reshape(-1)[...] = average

    def finalize_variable_values(self, variables: Iterable[Variable]) -> None:
        """Leave the averages in the variables, where `use_ema` keeps any: at the end of `fit`."""
        if self.use_ema and self.built:
            for v in variables:
                average = self._slots["average"][self._home(v)].reshape(v.shape)
                if self.averages_in_weights:
                    average[...] = v.value
                else:
                    v.value[...] = average
            self.averages_in_weights = False

    def swap_average(self) -> None:
        """Exchange the weights with their averages, where `use_ema` keeps any."""
        if self.use_ema and self.built:
            for v, home in self._homes.items():
                average = self._slots["average"][home].reshape(v.shape)
                v.value[...], average[...] = average.copy(), v.value.copy()
            self.averages_in_weights = not self.averages_in_weights

    def scale_loss(self, loss: Any) -> Any:
        """The loss times `loss_scale_factor`: what the gradients are to be taken of."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    # Configuration

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


def _drop_missing(grads: list[Any], variables: list[Variable]) -> tuple[list[Any], list[Variable]]:
    """Only the pairs that have a gradient."""
    if len(grads) != len(variables):
        raise ValueError(f"Received {len(grads)} gradients for {len(variables)} variables.")
    pairs = [(g, v) for g, v in zip(grads, variables, strict=True) if g is not None]
    if not pairs:
        raise ValueError("No gradients provided for any variable.")
    if len(pairs) < len(grads):
        paths = [v.path for g, v in zip(grads, variables, strict=True) if g is None]
        warnings.warn(f"Gradients do not exist for variables {paths}.", stacklevel=4)
    return [g for g, _ in pairs], [v for _, v in pairs]
