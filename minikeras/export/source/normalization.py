"""Normalization and scaling in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras import layers as k
from minikeras.export.plain import normalization as plain
from minikeras.export.source.writer import Code, Source
from minikeras.export.walk import Rule, Value


def batch_normalization(layer: k.BatchNormalization, x: Value, s: Source) -> str:
    """`BatchNormalization`."""
    arrays = s.variables(layer, "moving_mean", "moving_variance", "gamma", "beta")
    return _normalized(plain.batch_normalization, layer, x, arrays, s)


def layer_normalization(layer: k.LayerNormalization, x: Value, s: Source) -> str:
    """`LayerNormalization`."""
    return _normalized(plain.layer_normalization, layer, x, s.variables(layer, "gamma", "beta"), s)


def group_normalization(layer: k.GroupNormalization, x: Value, s: Source) -> str:
    """`GroupNormalization`."""
    groups = x.shape[layer.axis] if layer.groups == -1 else layer.groups
    return _normalized(plain.group_normalization, layer, x, s.variables(layer, "gamma", "beta"), s, groups)


def _normalized(function: Any, layer: Any, x: Value, arrays: Code, s: Source, *more: Any) -> str:
    axes = layer.axes(len(x.shape))
    return s.call(function, Code("x"), *more, arrays, axes=axes, epsilon=layer.epsilon)


def rms_normalization(layer: k.RMSNormalization, x: Value, s: Source) -> str:
    """`RMSNormalization`."""
    axes = layer.axes(len(x.shape))
    return s.call(
        plain.rms_normalization, Code("x"), s.variables(layer, "scale"), axes=axes, epsilon=layer.epsilon
    )


def unit_normalization(layer: k.UnitNormalization, x: Value, s: Source) -> str:
    """`UnitNormalization`."""
    axis = layer.axis if isinstance(layer.axis, int) else tuple(layer.axis)
    return s.call(plain.unit_normalization, Code("x"), axis=axis)


def rescaling(layer: k.Rescaling, x: Value, s: Source) -> str:
    """`Rescaling`."""
    scale = _number(layer.factors(), "scale", s)
    y = f"x * {scale}"
    return f"{y} + {_number(np.asarray(layer.offset, x.dtype), 'offset', s)}" if np.any(layer.offset) else y


def _number(value: Any, name: str, s: Source) -> str:
    """A number as such, several as an array."""
    if value.ndim == 0:
        return s.literal(value.item())
    return f'{s.arrays(name, values=value)}["values"]'


def normalization(layer: k.Normalization, x: Value, s: Source) -> str:
    """`Normalization`."""
    mean, deviation = layer.moments(len(x.shape))
    w = s.arrays(mean=mean, deviation=deviation)
    return f'x * {w}["deviation"] + {w}["mean"]' if layer.invert else f'(x - {w}["mean"]) / {w}["deviation"]'


RULES: dict[type, Rule] = {
    k.BatchNormalization: batch_normalization,
    k.GroupNormalization: group_normalization,
    k.LayerNormalization: layer_normalization,
    k.Normalization: normalization,
    k.RMSNormalization: rms_normalization,
    k.Rescaling: rescaling,
    k.UnitNormalization: unit_normalization,
}
