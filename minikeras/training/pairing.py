"""The one fusion of the library: softmax or sigmoid, and the cross-entropy that follows it.

Through softmax alone the gradient is dz = y (dy − Σ y dy), and cross-entropy alone gives dy = −t/y
(t the target). For a confident mistake, y near 0, the one vanishes and the other blows up, although their
product is simply dz = y − t. So when a model ends in softmax and its loss is a
categorical cross-entropy (or sigmoid and the binary one), the loss hands dL/dz to the last layer, which then
skips its activation's derivative. Keras on TensorFlow does the same. Standalone losses do not.
"""

from __future__ import annotations

from typing import Any

from minikeras.activations import Sigmoid, Softmax
from minikeras.context import Context
from minikeras.layers.base import Layer


def is_paired(model: Any, loss: Any) -> bool:
    """Whether the loss is the cross-entropy that belongs to the model's output activation."""
    wanted = getattr(loss, "pairs_with", None)
    if wanted is None or loss.from_logits or loss.axis != -1:
        return False
    last = last_layer(model)
    if last is None or last.activity_regularizer is not None:
        return False
    activation = last.output_activation
    if wanted == "softmax":
        return isinstance(activation, Softmax) and activation.axis == -1
    return isinstance(activation, Sigmoid)


def last_layer(model: Any) -> Layer | None:
    """The innermost last layer of a model of layers and models."""
    while getattr(model, "layers", None):
        if model.activity_regularizer is not None:
            return None
        model = model.layers[-1]
    return model if isinstance(model, Layer) else None


def mark_paired(model: Any, ctx: Context) -> None:
    """Tell the last layer's context that the gradient it is given is dL/dz already."""
    while getattr(model, "layers", None):
        ctx = ctx.child(len(model.layers) - 1)
        model = model.layers[-1]
    ctx.dy_is_dz = True
