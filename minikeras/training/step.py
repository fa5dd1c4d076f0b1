"""One step of training: forward, loss, backward, update. Everything else is bookkeeping around it."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.context import Context
from minikeras.numbers import keep_freed_memory
from minikeras.training.pairing import is_paired, mark_paired
from minikeras.training.sharing import Parts, crew_for, part_count
from minikeras.typing import Array
from minikeras.variable import Arena, Variable


class TrainingStep:
    """The machinery of a compiled model: its context, its flat weights and gradients.

    It keeps its arrays from step to step, so a step allocates next to nothing. It is made at the
    first training step after `compile` and dropped when the model changes.

    Args:
        model: what to train.
        loss: what to lessen.
        loss_weight: what it is multiplied by.
        optimizer: how.
        shape: that of a batch.
    """

    def __init__(
        self, model: Any, loss: Any, loss_weight: float, optimizer: Any, shape: tuple[int, ...]
    ) -> None:
        keep_freed_memory()
        self.loss = loss
        self.loss_weight = loss_weight
        self.optimizer = optimizer
        self.variables: list[Variable] = model.trainable_weights
        self.penalized = [v for v in self.variables if v.regularizer is not None]
        self.paired = is_paired(model, loss)
        self.batch: Any = None  # the last one, for who asks what went wrong with it
        self.arena = Arena(self.variables)
        self.ctx = Context(training=True, needs_dx=False)
        count = part_count(model, shape, self.arena)
        self.parts = Parts(self.ctx, self.arena, count)
        if count == 1:
            self.ctx.employ(crew_for(model, shape))
        if self.paired:
            for ctx in self.parts.contexts:
                mark_paired(model, ctx)

    def __call__(self, model: Any, x: Array, y: Array, weights: Array | None) -> tuple[float, Array]:
        """Train on one batch; returns the loss (penalties included) and the predictions before the update."""
        ctx, self.batch = self.ctx, (x, y, weights)
        ctx.penalty = 0.0
        y_pred = self.parts.forward(model, x)
        loss, dy = self._loss_and_gradient(y, y_pred, weights)
        self.parts.backward(model, dy)
        penalty = add_penalties(self.penalized, ctx) if self.penalized else 0.0
        self.optimizer.apply_flat(self.arena, self.parts.gradients[0])
        return loss * self.loss_weight + penalty + ctx.penalty, y_pred

    def _loss_and_gradient(self, y: Array, y_pred: Any, weights: Array | None) -> tuple[float, Array]:
        if not isinstance(y_pred, np.ndarray):
            raise ValueError(
                "The model returns several arrays (return_state=True), and training needs one: leave return_state "
                "out, and read the states with model.predict on a copy."
            )
        if self.paired:
            loss, dy = self.loss.value_and_gradient(y, y_pred, weights, self.parts.output_mask, paired=True)
        else:
            loss, dy = value_and_gradient(self.loss, y, y_pred, weights, self.parts.output_mask)
        if self.loss_weight != 1.0:
            dy = dy * self.loss_weight
        return loss, dy

    def still_fits(self) -> bool:
        """Whether the model's variables still lie in this step's arena."""
        return self.arena.holds(self.variables)


def value_and_gradient(
    loss: Any, y: Array, y_pred: Array, weights: Array | None, mask: Array | None
) -> tuple[float, Array]:
    """Of a `Loss`, or of any object that can be called and has a `gradient`."""
    if hasattr(loss, "value_and_gradient"):
        value, dy = loss.value_and_gradient(y, y_pred, weights, mask)
        return value, dy
    extra = () if weights is None else (weights,)
    return float(loss(y, y_pred, *extra)), np.asarray(loss.gradient(y, y_pred, *extra), y_pred.dtype)


def loss_value(loss: Any, y: Array, y_pred: Array, weights: Array | None, mask: Array | None) -> float:
    """The loss alone, for evaluation."""
    if hasattr(loss, "value_and_gradient"):
        return float(np.mean(loss(y, y_pred, weights, mask)))
    return float(loss(y, y_pred) if weights is None else loss(y, y_pred, weights))


def add_penalties(variables: list[Variable], ctx: Context) -> float:
    """Add each regularizer's gradient to its variable's; returns the sum of the penalties."""
    penalty = 0.0
    for v in variables:
        if v.regularizer is not None:
            penalty += float(v.regularizer(v.value))
            gradient = ctx.grad(v)
            gradient += v.regularizer.gradient(v.value)
    return penalty
