"""The equations of a layer, with the shapes that they have in this very layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minikeras import layers
from minikeras.layers.base import Layer
from minikeras.teach.own_layer import OwnDense

Shape = tuple[int, ...]
Writer = Callable[[Any, Shape, Shape], tuple[list[str], list[str]]]


def formulas(layer: Layer, x: Shape, y: Shape) -> tuple[list[str], list[str]]:
    """The lines of the forward and of the backward pass.

    A layer that this module does not know gets its variables' names and shapes.
    """
    for kinds, write in _WRITERS:
        if isinstance(layer, kinds):
            return write(layer, x, y)
    forward = [f"y = forward(x)   {x} → {y}"]
    return forward, [*(f"dL/d{v.name}   {v.shape}" for v in layer.trainable_weights), f"dL/dx   {x}"]


def _f(layer: Any) -> str:
    return getattr(vars(layer).get("activation"), "name", "linear")


def _activated(layer: Any) -> tuple[list[str], list[str]]:
    f = _f(layer)
    return (
        ([], ["dz = dy"]) if f == "linear" else ([f"y = {f}(z)"], [_DERIVATIVES.get(f, f"dz = {f}'(z) dy")])
    )


_DERIVATIVES = {
    "relu": "dz = dy where z > 0, else 0",
    "sigmoid": "dz = y (1 − y) dy",
    "tanh": "dz = (1 − y²) dy",
    "softmax": "dz = y (dy − Σ y dy)",
}


def _dense(layer: Any, x: Shape, y: Shape) -> tuple[list[str], list[str]]:
    n, units = math.prod(x[:-1]), y[-1]
    has_bias = getattr(layer, "use_bias", True)
    after, before = _activated(layer)
    z = f"z = x kernel{' + bias' * has_bias}   ({n}, {x[-1]})({x[-1]}, {units})"
    back = [*before, f"dL/dkernel = xᵀ dz   ({x[-1]}, {n})({n}, {units})"]
    back += [f"dL/dbias = Σ dz over the batch   ({units},)"] * has_bias
    return [z, *after], [*back, f"dL/dx = dz kernelᵀ   ({n}, {units})({units}, {x[-1]})"]


def _convolution(layer: Any, x: Shape, y: Shape) -> tuple[list[str], list[str]]:
    kernel = layer.kernel.shape
    after, before = _activated(layer)
    bias = layer.use_bias
    z = f"z[place] = Σ window(x, place) kernel{' + bias' * bias}   windows of {kernel[:-1]}, {kernel[-1]} filters"
    back = [*before, f"dL/dkernel = Σ over samples and places of window(x)ᵀ dz   {kernel}"]
    back += [f"dL/dbias = Σ dz over samples and places   ({kernel[-1]},)"] * bias
    return [z, *after], [*back, f"dL/dx = each dz times the kernel, added where its window lay   {x}"]


def _pooling(layer: Any, x: Shape, y: Shape) -> tuple[list[str], list[str]]:
    return [f"y = max over each window of {layer.pool_size}   {x} → {y}"], [
        "dL/dx = dy at the place of each window's (first) maximum, else 0"
    ]


def _activation(layer: Any, x: Shape, y: Shape) -> tuple[list[str], list[str]]:
    after, before = _activated(layer)
    return [line.replace("z", "x") for line in after], [
        line.replace("dz", "dL/dx").replace("z", "x") for line in before
    ]


def _dropout(layer: Any, x: Shape, y: Shape) -> tuple[list[str], list[str]]:
    kept = f"m / (1 − {layer.rate:g})"
    return [f"y = x {kept}, each m is 0 or 1 by chance   {x}"], [f"dL/dx = dy {kept}, with the same m"]


def _reshaping(layer: Any, x: Shape, y: Shape) -> tuple[list[str], list[str]]:
    return [f"y = x in another shape   {x} → {y}"], [f"dL/dx = dy in the shape of x   {y} → {x}"]


def _normalization(layer: Any, x: Shape, y: Shape) -> tuple[list[str], list[str]]:
    return ["x̂ = (x − mean) / √(variance + ε), by feature over the batch", "y = γ x̂ + β"], [
        "dL/dγ = Σ dy x̂,   dL/dβ = Σ dy",
        "dL/dx = γ / √(variance + ε) · (dy − mean(dy) − x̂ mean(dy x̂))",
    ]


def _recurrent(layer: Any, x: Shape, y: Shape) -> tuple[list[str], list[str]]:
    u, f = layer.units, layer.activation.name
    return [
        f"h_t = {f}(x_t W + h_(t−1) U + b),  t = 1 … {x[1]}   ({x[0]}, {x[2]})({x[2]}, {u}), ({u}, {u})"
    ], [
        f"dz_t = {f}'(z_t) (dL/dh_t from above + dz_(t+1) Uᵀ),  t = {x[1]} … 1",
        "dL/dW = Σ_t x_tᵀ dz_t,   dL/dU = Σ_t h_(t−1)ᵀ dz_t,   dL/db = Σ_t dz_t",
        "dL/dx_t = dz_t Wᵀ",
    ]


def _embedding(layer: Any, x: Shape, y: Shape) -> tuple[list[str], list[str]]:
    return [f"y = the rows x of the table   {x} → {y}"], ["dL/dtable[k] = Σ dy wherever x = k"]


_WRITERS: list[tuple[tuple[type, ...], Writer]] = [
    ((layers.Dense, OwnDense), _dense),
    ((layers.Conv1D, layers.Conv2D, layers.Conv3D), _convolution),
    ((layers.MaxPooling1D, layers.MaxPooling2D, layers.MaxPooling3D), _pooling),
    ((layers.Activation,), _activation),
    ((layers.Dropout,), _dropout),
    ((layers.Flatten, layers.Reshape), _reshaping),
    ((layers.BatchNormalization,), _normalization),
    ((layers.SimpleRNN,), _recurrent),
    ((layers.Embedding,), _embedding),
]
