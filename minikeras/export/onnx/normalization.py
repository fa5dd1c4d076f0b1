"""Normalization and scaling in ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras import layers as k
from minikeras.export.onnx.writer import Writer
from minikeras.export.walk import Rule, Value


def batch_normalization(layer: k.BatchNormalization, x: Value, w: Writer) -> str:
    """`BatchNormalization`, with its moving averages."""
    rank, (axis,) = len(x.shape), layer.axes(len(x.shape))
    order = [0, axis, *(a for a in range(1, rank) if a != axis)]  # ONNX's channels are on axis 1
    size = layer.moving_mean.shape
    parts = {
        "gamma": layer.gamma.value if layer.scale else np.ones(size),
        "beta": layer.beta.value if layer.center else np.zeros(size),
        "moving_mean": layer.moving_mean.value,
        "moving_variance": layer.moving_variance.value,
    }
    inputs = [w.weight(name, array, x.dtype) for name, array in parts.items()]
    y = w.node("BatchNormalization", w.transpose(x.name, order), *inputs, epsilon=layer.epsilon)
    return w.transpose(y, [order.index(a) for a in range(rank)])


def standardize(x: str, axes: Sequence[int], epsilon: float, w: Writer, dtype: Any) -> str:
    """(x − mean) / √(variance + ε) over the axes."""
    d = w.node("Sub", x, w.node("ReduceMean", x, axes=axes, keepdims=1))
    variance = w.node("ReduceMean", w.node("Mul", d, d), axes=axes, keepdims=1)
    return w.node("Div", d, w.node("Sqrt", w.binary("Add", variance, epsilon, dtype)))


def scaled(layer: Any, y: str, x: Value, w: Writer) -> str:
    """γ x̂ + β."""
    shape = [n if a in layer.axes(len(x.shape)) else 1 for a, n in enumerate(x.shape)]
    if layer.scale:
        y = w.node("Mul", y, w.weight("gamma", layer.gamma.value.reshape(shape), x.dtype))
    if layer.center:
        y = w.node("Add", y, w.weight("beta", layer.beta.value.reshape(shape), x.dtype))
    return y


def layer_normalization(layer: k.LayerNormalization, x: Value, w: Writer) -> str:
    """`LayerNormalization`; ONNX' own is over the last axes only, and has a scale always."""
    rank, axes = len(x.shape), layer.axes(len(x.shape))
    if layer.scale and axes == tuple(range(axes[0], rank)):
        inputs = [w.weight("gamma", layer.gamma.value, x.dtype)]
        if layer.center:
            inputs.append(w.weight("beta", layer.beta.value, x.dtype))
        return w.node("LayerNormalization", x.name, *inputs, axis=axes[0] - rank, epsilon=layer.epsilon)
    return scaled(layer, standardize(x.name, axes, layer.epsilon, w, x.dtype), x, w)


def group_normalization(layer: k.GroupNormalization, x: Value, w: Writer) -> str:
    """`GroupNormalization`: the numbers of each group as one row."""
    rank, (axis,) = len(x.shape), layer.axes(len(x.shape))
    order = [0, axis, *(a for a in range(1, rank) if a != axis)]
    groups = x.shape[axis] if layer.groups == -1 else layer.groups
    channels_first = w.transpose(x.name, order)
    rows = w.reshape(channels_first, [0, groups, -1])
    y = w.node("Reshape", standardize(rows, [2], layer.epsilon, w, x.dtype), w.node("Shape", channels_first))
    return scaled(layer, w.transpose(y, [order.index(a) for a in range(rank)]), x, w)


def rms_normalization(layer: k.RMSNormalization, x: Value, w: Writer) -> str:
    """`RMSNormalization`."""
    axes = layer.axes(len(x.shape))
    mean = w.node("ReduceMean", w.node("Mul", x.name, x.name), axes=axes, keepdims=1)
    y = w.node("Div", x.name, w.node("Sqrt", w.binary("Add", mean, layer.epsilon, x.dtype)))
    shape = [n if a in axes else 1 for a, n in enumerate(x.shape)]
    return w.node("Mul", y, w.weight("scale", layer.scale.value.reshape(shape), x.dtype))


def unit_normalization(layer: k.UnitNormalization, x: Value, w: Writer) -> str:
    """`UnitNormalization`."""
    axes = list(layer.axis) if isinstance(layer.axis, (list, tuple)) else [layer.axis]
    length = w.node("ReduceL2", x.name, axes=axes, keepdims=1)
    return w.node("Div", x.name, w.binary("Max", length, 1e-12, x.dtype))


def rescaling(layer: k.Rescaling, x: Value, w: Writer) -> str:
    """`Rescaling`."""
    y = w.node("Mul", x.name, w.constant(layer.factors(), x.dtype))
    return w.node("Add", y, w.constant(layer.offset, x.dtype)) if np.any(layer.offset) else y


def normalization(layer: k.Normalization, x: Value, w: Writer) -> str:
    """`Normalization`."""
    arrays = zip(("mean", "deviation"), layer.moments(len(x.shape)), strict=True)
    mean, deviation = (w.weight(name, array, x.dtype) for name, array in arrays)
    if layer.invert:
        return w.node("Add", w.node("Mul", x.name, deviation), mean)
    return w.node("Div", w.node("Sub", x.name, mean), deviation)


RULES: dict[type, Rule] = {
    k.BatchNormalization: batch_normalization,
    k.GroupNormalization: group_normalization,
    k.LayerNormalization: layer_normalization,
    k.Normalization: normalization,
    k.RMSNormalization: rms_normalization,
    k.Rescaling: rescaling,
    k.UnitNormalization: unit_normalization,
}
