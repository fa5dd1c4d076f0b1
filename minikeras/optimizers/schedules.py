"""Learning rates that change from step to step.

A schedule is a function of the step number s = 0, 1, 2 ..., and can stand wherever an optimizer
takes a learning rate. The step counts calls of the optimizer, so with gradient accumulation it
counts batches, not updates.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from minikeras import registry
from minikeras.registry import Configurable, Table


class LearningRateSchedule(Configurable):
    """A learning rate as a function of the step. A subclass defines `__call__`."""

    def __call__(self, step: Any) -> float:
        """The learning rate of the update number `step`, counted from 0."""
        raise NotImplementedError(f"{type(self).__name__} must define `__call__(self, step)`.")


def _check_steps(owner: object, name: str, value: float) -> float:
    if not value > 0:
        raise ValueError(f"{type(owner).__name__}: `{name}` must be > 0. Received: {name}={value!r}")
    return value


class ExponentialDecay(LearningRateSchedule):
    """lr = initial_learning_rate · decay_rate^(s / decay_steps).

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: the number of steps in which the rate falls by the factor `decay_rate`.
        decay_rate: that factor.
        staircase: whether the rate falls only at whole multiples of `decay_steps`.
        name: only a label.

    Raises:
        ValueError: when `decay_steps` is not positive.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _check_steps(self, "decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> float:
        """The learning rate of the update number `step`, counted from 0."""
        p = float(step) / self.decay_steps
        if self.staircase:
            p = math.floor(p)
        return float(self.initial_learning_rate * self.decay_rate**p)


class InverseTimeDecay(LearningRateSchedule):
    """lr = initial_learning_rate / (1 + decay_rate · s / decay_steps).

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: the unit in which steps are counted.
        decay_rate: how fast the rate falls.
        staircase: whether the rate falls only at whole multiples of `decay_steps`.
        name: only a label.

    Raises:
        ValueError: when `decay_steps` is not positive.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _check_steps(self, "decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> float:
        """The learning rate of the update number `step`, counted from 0."""
        p = float(step) / self.decay_steps
        if self.staircase:
            p = math.floor(p)
        return self.initial_learning_rate / (1.0 + self.decay_rate * p)


class PolynomialDecay(LearningRateSchedule):
    """lr = (initial_learning_rate - end_learning_rate) · (1 - s/D)^power + end_learning_rate.

    D is `decay_steps`, and s stops there; with `cycle`, D is instead the first multiple of
    `decay_steps` that is not below s, so the rate jumps up again and again.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: the number of steps to the end.
        end_learning_rate: the rate at the end.
        power: 1 is a straight line.
        cycle: whether it starts over.
        name: only a label.

    Raises:
        ValueError: when `decay_steps` is not positive.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _check_steps(self, "decay_steps", decay_steps)
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> float:
        """The learning rate of the update number `step`, counted from 0."""
        s, d = float(step), float(self.decay_steps)
        if self.cycle:
            d *= max(math.ceil(s / d), 1)
        remaining = 1.0 - min(s, d) / d
        start, end = self.initial_learning_rate, self.end_learning_rate
        return float((start - end) * remaining**self.power + end)


class PiecewiseConstantDecay(LearningRateSchedule):
    """lr = values[i], where i is the number of boundaries below s; s = boundary belongs to the left.

    Args:
        boundaries: increasing step numbers.
        values: one more than boundaries.
        name: only a label.

    Raises:
        ValueError: when the lengths do not fit or the boundaries do not increase.
    """

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"
    ) -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                "PiecewiseConstantDecay needs one value more than boundaries. Received: "
                f"{len(boundaries)} boundaries {boundaries} and {len(values)} values {values}."
            )
        if any(a >= b for a, b in pairwise(boundaries)):
            raise ValueError(f"PiecewiseConstantDecay: `boundaries` must increase. Received: {boundaries}")
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: Any) -> float:
        """The learning rate of the update number `step`, counted from 0."""
        return float(self.values[bisect_left(self.boundaries, float(step))])


class CosineDecay(LearningRateSchedule):
    """lr = initial_learning_rate · ((1 - alpha) · ½(1 + cos(π s/D)) + alpha), where s stops at D.

    With a `warmup_target`, the rate first rises along a straight line from `initial_learning_rate`
    to the target in `warmup_steps`; then the cosine takes it down from the target.

    Args:
        initial_learning_rate: the rate at step 0.
        decay_steps: D, the length of the cosine.
        alpha: the last rate as a fraction of the highest.
        name: only a label.
        warmup_target: the highest rate, or None for no warm-up.
        warmup_steps: the length of the warm-up.

    Raises:
        ValueError: when `decay_steps` is not positive.

    Source: Loshchilov & Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _check_steps(self, "decay_steps", decay_steps)
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> float:
        """The learning rate of the update number `step`, counted from 0."""
        s, top = float(step), self.initial_learning_rate
        if self.warmup_target is not None:
            if s < self.warmup_steps:
                return top + (self.warmup_target - top) * s / self.warmup_steps
            s, top = s - self.warmup_steps, self.warmup_target
        cosine = 0.5 * (1.0 + math.cos(math.pi * min(s / self.decay_steps, 1.0)))
        return top * ((1.0 - self.alpha) * cosine + self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """Cosines one after the other; period i is t_mul^i times as long and m_mul^i times as high.

    lr = initial_learning_rate · ((1 - alpha) · m_mulⁱ · ½(1 + cos(π x)) + alpha), where x in [0, 1)
    is how much of period i has passed.

    Args:
        initial_learning_rate: the rate at step 0.
        first_decay_steps: the length of the first period.
        t_mul: how much longer each next period is.
        m_mul: how much higher each next period starts.
        alpha: the lowest rate as a fraction of `initial_learning_rate`.
        name: only a label.

    Raises:
        ValueError: when `first_decay_steps` is not positive.

    Source: Loshchilov & Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017.
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = _check_steps(self, "first_decay_steps", first_decay_steps)
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> float:
        """The learning rate of the update number `step`, counted from 0."""
        i, x = self._period(float(step) / self.first_decay_steps)
        cosine = 0.5 * self.m_mul**i * (1.0 + math.cos(math.pi * x))
        return float(self.initial_learning_rate * ((1.0 - self.alpha) * cosine + self.alpha))

    def _period(self, x: float) -> tuple[int, float]:
        """Which period the point x lies in, and how much of that has passed; 1 is the first's length."""
        t = self.t_mul
        if t == 1.0:
            return math.floor(x), x - math.floor(x)
        # The first i periods take 1 + t + ... + t^(i-1) = (1 - tⁱ) / (1 - t) = x, hence tⁱ = 1 - x (1 - t).
        # The small term keeps a restart at its step where the logarithm is rounded down.
        power = 1.0 - x * (1.0 - t)
        if power <= 0.0:
            return 0, 1.0  # t < 1: the periods have shrunk to nothing, and the lowest rate remains
        i = math.floor(math.log(power) / math.log(t) + 1e-9)
        return i, max(x - (1.0 - t**i) / (1.0 - t), 0.0) / t**i


_table: Table[LearningRateSchedule] = Table("learning rate schedule", "keras.optimizers.schedules")
_table.add_all(ExponentialDecay, InverseTimeDecay, PolynomialDecay)
_table.add_all(PiecewiseConstantDecay, CosineDecay, CosineDecayRestarts)


def serialize(learning_rate_schedule: LearningRateSchedule) -> Any:
    """The JSON form of a schedule."""
    return registry.serialize(learning_rate_schedule)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """The schedule that `serialize` described."""
    with registry.custom_object_scope(custom_objects or {}):
        return registry.deserialize(config, module=_table.module)
