"""What all optimizers have in common: everything around the update rule.

The weights of a model lie end to end in one vector, and so do their gradients and each of the
optimizer's slots (momentum, velocity, ...). So an update rule is written once, for vectors, as on
the blackboard. Around it stand, in this order: accumulation and clipping of gradients, weight
decay, the rule, the average of the weights, and the constraints.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from minikeras.optimizers._layout import Block, Layout
from minikeras.optimizers._options import Options
from minikeras.optimizers._state import State
from minikeras.typing import Array
from minikeras.variable import Arena, Variable
from minikeras.workers import run_all


class Optimizer(Options, State):
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
        self._iterations.value[()] = step + 1

    def _update_weights(self, layout: Layout, g: Array, t: int, lr: Any) -> None:
        values = self.scalars(t, lr)
        if len(layout.numbers) != len(values):
            layout.numbers = tuple(np.empty((), layout.dtype) for _ in values)
        scalars = layout.numbers
        for number, value in zip(scalars, values, strict=True):
            number[()] = value
        decay = self.weight_decay
        kept = 1.0 - lr * decay if decay else 1.0  # w - lr λ w = (1 - lr λ) w
        if len(layout.shares) == 1:
            self._update_blocks(layout.blocks, g, scalars, kept)
        else:
            run_all([partial(self._update_blocks, share, g, scalars, kept) for share in layout.shares])

    def _update_blocks(
        self, blocks: Sequence[Block], g: Array, scalars: tuple[Array, ...], kept: float
    ) -> None:
        whole = self.whole_variables
        for w, part, _, slots, scratch, decays in blocks:
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
