"""Where a NaN or an infinity came from: a training step is gone through again, and looked at layer by layer.

The first number that is not finite is the one to know of; all after it follow. In the order of a step it can
be in the data, in the weights, in what a layer makes of them, in the loss, in a gradient, or in the update.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from minikeras.context import Context
from minikeras.training.pairing import is_paired, mark_paired
from minikeras.training.step import value_and_gradient
from minikeras.typing import Array

Batch = tuple[Array, Array, Array | None]  # x, y, sample weights


def first_nonfinite(model: Any, weights: list[Array], batch: Batch) -> str | None:
    """Which layer first gave a number that is not finite, in which pass, how many of its numbers, and why.

    Args:
        model: as it is after the step.
        weights: the model's weights before the step.
        batch: what the step was given.

    Returns:
        A sentence or two; None where all numbers are finite. The step is repeated on a copy of the model; its
        dropout masks are other ones.
    """
    twin = copy.deepcopy(model)
    twin.set_weights(weights)
    with np.errstate(all="ignore"):
        return next(_findings(twin, batch), None) or _in_update(model)


def _findings(model: Any, batch: Batch) -> Iterator[str]:
    """All that is not finite in a step, in the order of the step."""
    x, y, sample_weight = batch
    for name, array in (("the input", x), ("the targets", y), ("the sample weights", sample_weight)):
        if array is not None and (bad := _share(array)):
            yield f"{bad} in {name}. Likely cause: the data; look for missing values."
    ctx = Context(training=True)
    leaves = list(_leaves(model, ctx))
    for name, layer, _ in leaves:
        for v in layer.weights:
            if bad := _share(v.value):
                yield f"{bad} in {v.name!r} of {name} before the step. Likely cause: an earlier step, or a file."
    mask = None
    for name, layer, child in leaves:
        child.mask, before = mask, x
        x = layer.run_forward(x, child)
        mask = child.output_mask
        if bad := _share(x):
            yield f"{bad} in the output of {name}, forward. Likely cause: {_cause(layer, before)}."
    yield from _backward(model, leaves, y, x, sample_weight, mask, ctx)


def _backward(
    model: Any, leaves: list[Any], y: Array, y_pred: Array, sample_weight: Any, mask: Any, ctx: Context
) -> Iterator[str]:
    loss = model._find_loss(y, y_pred)
    if is_paired(model, loss):
        mark_paired(model, ctx)
        value, dy = loss.value_and_gradient(y, y_pred, sample_weight, mask, paired=True)
    else:
        value, dy = value_and_gradient(loss, y, y_pred, sample_weight, mask)
    low, high = float(y_pred.min()), float(y_pred.max())
    cause = "outside of what the loss is made for (√ or log of a negative number, division by 0)"
    if max(-low, high) > _large(y_pred.dtype):
        cause = f"too large; scale the data, {_CURES}"
    for what, array in (("loss", value), ("gradient of the loss", dy)):
        if bad := _share(array):
            yield f"{bad} in the {what}, for predictions from {low:.3g} to {high:.3g}. Likely cause: they are {cause}."
    first = next((i for i, (_, layer, _) in enumerate(leaves) if layer.trainable_weights), len(leaves))
    for i in range(len(leaves) - 1, first - 1, -1):
        name, layer, child = leaves[i]
        child.needs_dx, above = i > first, dy
        dy = layer.run_backward(dy, child)
        made = {f"the gradient of {v.name!r}": ctx.grad(v) for v in layer.trainable_weights}
        for what, array in {**made, **({"dL/dx": dy} if i > first else {})}.items():
            if bad := _share(array):
                yield f"{bad} in {what} of {name}, backward. Likely cause: {_cause(layer, above, 'gradient')}."


_CURES = "lower the learning rate, or let the optimizer clip gradients (clipnorm=1.0)"


def _in_update(model: Any) -> str | None:
    """What the optimizer made of finite gradients."""
    for name, layer, _ in _leaves(model, Context()):
        for v in layer.weights:
            if bad := _share(v.value):
                return f"{bad} in {v.name!r} of {name} after the update. Likely cause: too large a step; {_CURES}."
    return None


def _cause(layer: Any, x: Any, kind: str = "input") -> str:
    """Why finite numbers became something else."""
    x = np.asarray(x, "float64") if np.asarray(x).dtype.kind in "fiu" else np.zeros(1)
    weight = max((float(np.abs(v.value).max(initial=0)) for v in layer.weights), default=0.0)
    size, large = float(np.abs(x).max(initial=0)), _large(layer.dtype)
    if weight > large:
        return f"its weights have grown to {weight:.1e}; {_CURES}"
    if size > large:
        return f"its {kind} reaches {size:.1e}; scale the data, {_CURES}"
    what = (
        "function, such as log, √ or exp,"
        if kind == "input"
        else "derivative, such as that of √ or log at 0,"
    )
    return f"its {kind} is from {x.min():.3g} to {x.max():.3g}, so a {what} is outside of where it is finite"


def _large(dtype: Any) -> float:
    """From where on products and powers of numbers of this type soon are infinite."""
    return float(np.finfo(dtype).max) ** 0.25


def _leaves(model: Any, ctx: Context, prefix: str = "") -> Iterator[tuple[str, Any, Context]]:
    """The layers of a model and of models inside it, with their names and contexts."""
    for i, layer in enumerate(model.layers):
        child = ctx.child(i)
        if getattr(layer, "layers", None):
            yield from _leaves(layer, child, f"{prefix}{layer.name}/")
        else:
            yield f"layer {prefix + layer.name!r} ({type(layer).__name__})", layer, child


def _share(array: Any) -> str:
    """How much of an array is not finite, in words; "" where all of it is."""
    array = np.asarray(array)
    if array.dtype.kind != "f" or array.size == 0:
        return ""
    bad = array.size - int(np.count_nonzero(np.isfinite(array)))
    nan = "NaN" if np.isnan(array).any() else "infinity"
    return f"{nan} first appears in {bad} of {array.size} numbers ({bad / array.size:.0%})" if bad else ""
