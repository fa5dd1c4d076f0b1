"""Activation functions in ONNX: one operator where there is one, else a few that give the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minikeras import activations as a
from minikeras.activations.smooth import SELU_ALPHA, SELU_SCALE
from minikeras.export.errors import RefusedError
from minikeras.export.onnx.writer import Writer
from minikeras.export.walk import Rule, Value, function_of
from minikeras.layers import ELU, Activation, LeakyReLU, PReLU, ReLU, Softmax
from minikeras.typing import DType

Emit = Callable[[Any, str, Writer, DType], str]  # emit(f, z, writer, type) -> y


def activate(f: a.Activation, z: str, w: Writer, dtype: DType, size: int | None = None) -> str:
    """y = f(z).

    Args:
        f: the function.
        z: the tensor.
        w: where nodes are added.
        dtype: of the tensor.
        size: of the axis that f looks along, where it must be known.

    Raises:
        RefusedError: for a function of the user's own.
    """
    f = function_of(f, {a.Sparsemax, *ROWS, *POINTS})
    if isinstance(f, a.Sparsemax):
        return _sparsemax(f, z, w, dtype, size)
    if type(f) in ROWS:
        return ROWS[type(f)](f, z, w, dtype)
    return w.pointwise(z, lambda x: POINTS[type(f)](f, x, w, dtype))


def _operator(op: str, **fixed: Any) -> Emit:
    """A function that is an operator of ONNX, with these attributes."""
    return lambda f, z, w, dtype: w.node(op, z, **fixed)


def _relu(f: a.Relu, z: str, w: Writer, dtype: DType) -> str:
    if f.threshold:
        below = w.binary("Min", w.binary("Sub", z, f.threshold, dtype), 0, dtype)
        below = w.binary("Mul", below, f.negative_slope, dtype)
        y = w.node("Where", w.binary("Greater", z, f.threshold, dtype), z, below)
    elif f.negative_slope:
        y = w.node("LeakyRelu", z, alpha=float(f.negative_slope))
    else:
        y = w.node("Relu", z)
    return y if f.max_value is None else w.binary("Min", y, f.max_value, dtype)


def _threshold(f: a.Threshold, z: str, w: Writer, dtype: DType) -> str:
    return w.node("Where", w.binary("Greater", z, f.threshold, dtype), z, w.constant(f.default_value, dtype))


def _hard_tanh(f: a.HardTanh, z: str, w: Writer, dtype: DType) -> str:
    return w.node("Clip", z, w.constant(-1, dtype), w.constant(1, dtype))


def _hard_shrink(f: a.HardShrink, z: str, w: Writer, dtype: DType) -> str:
    return w.node("Shrink", z, lambd=float(f.threshold), bias=0.0)


def _soft_shrink(f: a.SoftShrink, z: str, w: Writer, dtype: DType) -> str:
    return w.node("Shrink", z, lambd=float(f.threshold), bias=float(f.threshold))


def _sparse_plus(f: a.SparsePlus, z: str, w: Writer, dtype: DType) -> str:
    middle = w.binary("Add", _hard_tanh(a.HardTanh(), z, w, dtype), 1, dtype)
    middle = w.binary("Div", w.node("Mul", middle, middle), 4, dtype)  # (clip(z) + 1)²/4
    return w.node("Add", middle, w.binary("Sub", w.binary("Max", z, 1, dtype), 1, dtype))


def _elu(f: a.Elu, z: str, w: Writer, dtype: DType) -> str:
    return w.node("Elu", z, alpha=float(f.alpha))


def _celu(f: a.Celu, z: str, w: Writer, dtype: DType) -> str:
    if f.alpha <= 0:
        raise RefusedError(f"ONNX has no celu with alpha={f.alpha}", "choose a positive alpha")
    scaled = w.node("Elu", w.binary("Div", z, f.alpha, dtype), alpha=1.0)
    return w.binary("Mul", scaled, f.alpha, dtype)  # α elu(z/α)


def _log_sigmoid(f: a.LogSigmoid, z: str, w: Writer, dtype: DType) -> str:
    return w.node("Neg", w.node("Softplus", w.node("Neg", z)))


def _tanh_shrink(f: a.TanhShrink, z: str, w: Writer, dtype: DType) -> str:
    return w.node("Sub", z, w.node("Tanh", z))


def _silu(f: a.Silu, z: str, w: Writer, dtype: DType) -> str:
    return w.node("Mul", z, w.node("Sigmoid", z))


def _mish(f: a.Mish, z: str, w: Writer, dtype: DType) -> str:
    return w.node("Mul", z, w.node("Tanh", w.node("Softplus", z)))


def _squareplus(f: a.Squareplus, z: str, w: Writer, dtype: DType) -> str:
    root = w.node("Sqrt", w.binary("Add", w.node("Mul", z, z), f.b, dtype))
    return w.binary("Div", w.node("Add", z, root), 2, dtype)


def _gelu(f: a.Gelu, z: str, w: Writer, dtype: DType) -> str:
    if f.approximate:
        cube = w.binary("Mul", w.node("Mul", w.node("Mul", z, z), z), 0.044715, dtype)
        share = w.node("Tanh", w.binary("Mul", w.node("Add", z, cube), math.sqrt(2 / math.pi), dtype))
    else:
        share = w.node("Erf", w.binary("Div", z, math.sqrt(2), dtype))
    return w.binary("Div", w.node("Mul", z, w.binary("Add", share, 1, dtype)), 2, dtype)


def _softmax(f: a.Softmax, z: str, w: Writer, dtype: DType) -> str:
    if isinstance(f.axis, int):
        return w.node("Softmax", z, axis=f.axis)
    shifted = w.node("Sub", z, w.node("ReduceMax", z, axes=list(f.axis), keepdims=1))
    powers = w.node("Exp", shifted)
    return w.node("Div", powers, w.node("ReduceSum", powers, w.constant(list(f.axis)), keepdims=1))


def _log_softmax(f: a.LogSoftmax, z: str, w: Writer, dtype: DType) -> str:
    return w.node("LogSoftmax", z, axis=f.axis)


def _glu(f: a.Glu, z: str, w: Writer, dtype: DType) -> str:
    values, gates = w.nodes_of("Split", z, outputs=2, axis=f.axis)
    return w.node("Mul", values, w.node("Sigmoid", gates))


def _sparsemax(f: a.Sparsemax, z: str, w: Writer, dtype: DType, size: int | None) -> str:
    """max(z − τ, 0), τ from the sums of the largest entries; see `minikeras.activations.Sparsemax`."""
    if size is None or f.axis != -1:
        raise RefusedError(
            "sparsemax is offered along a last axis of known size only",
            "use softmax, or permute the axes before it",
        )
    ordered = w.nodes_of("TopK", z, w.constant([size]), outputs=2, axis=f.axis)[0]
    sums = w.node("CumSum", ordered, w.constant(f.axis))
    ranks = w.node("Mul", ordered, w.constant(np.arange(1, size + 1), dtype))  # j z₍ⱼ₎
    inside = w.node("Greater", w.binary("Add", ranks, 1, dtype), sums)
    inside = w.number_mask(inside, dtype)
    axes = w.constant([f.axis])
    count = w.node("ReduceSum", inside, axes, keepdims=1)
    total = w.node("ReduceSum", w.node("Mul", sums, inside), axes, keepdims=1)
    threshold = w.node("Div", w.binary("Sub", total, 1, dtype), count)
    return w.node("Relu", w.node("Sub", z, threshold))


# Functions of single numbers
POINTS: dict[type, Emit] = {
    a.Linear: lambda f, z, w, dtype: z,
    a.Relu: _relu,
    a.Relu6: _relu,
    a.LeakyRelu: _relu,
    a.Threshold: _threshold,
    a.HardSigmoid: _operator("HardSigmoid", alpha=1 / 6, beta=0.5),
    a.HardSilu: _operator("HardSwish"),
    a.HardTanh: _hard_tanh,
    a.HardShrink: _hard_shrink,
    a.SoftShrink: _soft_shrink,
    a.SparsePlus: _sparse_plus,
    a.SparseSigmoid: _operator("HardSigmoid", alpha=0.5, beta=0.5),
    a.Sigmoid: _operator("Sigmoid"),
    a.Tanh: _operator("Tanh"),
    a.TanhShrink: _tanh_shrink,
    a.Elu: _elu,
    a.Selu: _operator("Selu", alpha=SELU_ALPHA, gamma=SELU_SCALE),
    a.Celu: _celu,
    a.Softplus: _operator("Softplus"),
    a.LogSigmoid: _log_sigmoid,
    a.Softsign: _operator("Softsign"),
    a.Exponential: _operator("Exp"),
    a.Silu: _silu,
    a.Mish: _mish,
    a.Squareplus: _squareplus,
    a.Gelu: _gelu,
}
# Functions of rows
ROWS: dict[type, Emit] = {
    a.Softmax: _softmax,
    a.LogSoftmax: _log_softmax,
    a.Glu: _glu,
}


def activation(layer: Activation, x: Value, w: Writer) -> str:
    """The layer `Activation`."""
    f = layer.activation
    size = x.shape[f.axis] if isinstance(f, a.Sparsemax) else None
    return activate(f, x.name, w, x.dtype, size)


def activation_layer(layer: Any, x: Value, w: Writer) -> str:
    """`ReLU`, `LeakyReLU`, `ELU`."""
    return activate(layer.function, x.name, w, x.dtype)


def softmax(layer: Softmax, x: Value, w: Writer) -> str:
    """`Softmax`, over the unmasked places."""
    if x.mask is None:
        return activate(layer.function, x.name, w, x.dtype)
    axes = list(range(2, len(x.shape)))
    keep = w.node("Unsqueeze", x.mask, w.constant(axes)) if axes else x.mask
    masked = w.node("Where", keep, x.name, w.constant(-1e9, x.dtype))
    return w.node("Mul", activate(layer.function, masked, w, x.dtype), w.number_mask(keep, x.dtype))


def prelu(layer: PReLU, x: Value, w: Writer) -> str:
    """`PReLU`."""
    return w.node("PRelu", x.name, w.weight("alpha", layer.alpha.value, x.dtype))


RULES: dict[type, Rule] = {
    Activation: activation,
    ELU: activation_layer,
    LeakyReLU: activation_layer,
    PReLU: prelu,
    ReLU: activation_layer,
    Softmax: softmax,
}
