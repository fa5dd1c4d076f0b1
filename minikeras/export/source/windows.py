"""Convolutions, pooling, padding and resizing in NumPy."""

from __future__ import annotations

from typing import Any

from minikeras import layers as k
from minikeras.export.matrices import spatial_map
from minikeras.export.plain import core, windows
from minikeras.export.source.activations import activated
from minikeras.export.source.writer import Code, Source
from minikeras.export.walk import Rule, Value, by_rank
from minikeras.layers.global_pooling import GlobalMaxPooling
from minikeras.layers.pooling import MaxPooling


def _input(layer: Any) -> Code:
    """x with its channels last."""
    return Code("x" if layer.data_format == "channels_last" else "np.moveaxis(x, 1, -1)")


def _output(layer: Any, y: str) -> Code:
    """y with its channels where the user wants them."""
    return Code(y if layer.data_format == "channels_last" else f"np.moveaxis({y}, -1, 1)")


def window_options(layer: Any) -> dict[str, Any]:
    """Strides, dilation and padding, where they are not the usual ones."""
    ones = (1,) * layer.rank
    options = {name: getattr(layer, name) for name in ("strides", "dilation_rate")}
    return {"padding": layer.padding, **{name: value for name, value in options.items() if value != ones}}


def conv(layer: Any, x: Value, s: Source) -> str:
    """`Conv1D` to `Conv3D`."""
    arrays = s.variables(layer, "kernel", "bias")
    z = s.call(windows.conv, _input(layer), arrays, **window_options(layer), groups=layer.groups)
    return activated(layer.activation, _output(layer, z), s)


def depthwise(layer: Any, x: Value, s: Source) -> str:
    """`DepthwiseConv1D`, `DepthwiseConv2D`."""
    z = s.call(
        windows.depthwise_conv, _input(layer), s.variables(layer, "kernel", "bias"), **window_options(layer)
    )
    return activated(layer.activation, _output(layer, z), s)


def separable(layer: Any, x: Value, s: Source) -> str:
    """`SeparableConv1D`, `SeparableConv2D`."""
    arrays = s.variables(layer, "depthwise_kernel", "pointwise_kernel", "bias")
    z = s.call(windows.separable_conv, _input(layer), arrays, **window_options(layer))
    return activated(layer.activation, _output(layer, z), s)


def conv_transpose(layer: Any, x: Value, s: Source) -> str:
    """`Conv1DTranspose` to `Conv3DTranspose`."""
    options = window_options(layer)
    del options["padding"]
    cut = tuple(layer.kept(1, axis) for axis in range(layer.rank))
    arrays = s.variables(layer, "kernel", "bias")
    z = s.call(windows.conv_transpose, _input(layer), arrays, **options, cut=cut)
    return activated(layer.activation, _output(layer, z), s)


def pooling(layer: Any, x: Value, s: Source) -> str:
    """`MaxPooling1D` to `AveragePooling3D`."""
    largest = isinstance(layer, MaxPooling)
    function = windows.max_pooling if largest else windows.average_pooling
    y = s.call(function, _input(layer), layer.pool_size, layer.strides, padding=layer.padding)
    return _output(layer, y)


def global_pooling(layer: Any, x: Value, s: Source) -> str:
    """`GlobalMaxPooling1D` to `GlobalAveragePooling3D`."""
    first = 1 if layer.channels_are_last else 2
    if isinstance(layer, k.GlobalAveragePooling1D) and x.mask is not None:
        y = s.call(core.masked_mean, _input(layer), s.mask(x), keepdims=layer.keepdims)
        return _output(layer, y) if layer.keepdims else y
    largest = isinstance(layer, GlobalMaxPooling)
    axes = tuple(range(first, first + layer.rank))
    axis = axes[0] if len(axes) == 1 else axes
    return f"x.{'max' if largest else 'mean'}(axis={axis}{', keepdims=True' if layer.keepdims else ''})"


def padding(layer: Any, x: Value, s: Source) -> str:
    """`ZeroPadding1D` to `ZeroPadding3D`."""
    rim = ((0, 0), *layer.rim, (0, 0)) if layer.channels_are_last else ((0, 0), (0, 0), *layer.rim)
    return f"np.pad(x, {s.literal(rim)})"


def cropping(layer: Any, x: Value, s: Source) -> str:
    """`Cropping1D` to `Cropping3D`."""
    parts = [f"{before or ''}:{-after or ''}" for before, after in layer.rim]
    return f"x[{', '.join([':', *parts] if layer.channels_are_last else [':', ':', *parts])}]"


def repeated(layer: Any, x: Value, s: Source) -> str:
    """`UpSampling1D` to `UpSampling3D`."""
    if getattr(layer, "interpolation", "nearest") != "nearest":
        return resampled(layer, x, s)
    return _output(layer, s.call(windows.repeated, _input(layer), layer.factors))


def resampled(layer: Any, x: Value, s: Source) -> str:
    """Layers that are a matrix along each spatial axis: interpolation, resizing, adaptive means."""
    matrices, offset = spatial_map(layer, x.shape)
    arrays = {f"axis_{i}": matrix for i, matrix in enumerate(matrices, start=1)}
    w = s.arrays("", **arrays)
    y = _output(layer, s.call(windows.along_axes, _input(layer), Code(f"*{w}.values()")))
    if offset is None:
        return y
    return f'{y} + {s.arrays("offset", values=offset)}["values"]'


def adaptive_max(layer: Any, x: Value, s: Source) -> str:
    """`AdaptiveMaxPooling1D` to `AdaptiveMaxPooling3D`."""
    return _output(layer, s.call(windows.adaptive_max_pooling, _input(layer), layer.output_size))


RULES: dict[type, Rule] = {
    **by_rank(conv, "Conv", 3),
    **by_rank(conv_transpose, "Conv", 3, "Transpose"),
    **by_rank(depthwise, "DepthwiseConv", 2),
    **by_rank(separable, "SeparableConv", 2),
    **by_rank(pooling, "MaxPooling", 3),
    **by_rank(pooling, "AveragePooling", 3),
    **by_rank(global_pooling, "GlobalMaxPooling", 3),
    **by_rank(global_pooling, "GlobalAveragePooling", 3),
    **by_rank(resampled, "AdaptiveAveragePooling", 3),
    **by_rank(adaptive_max, "AdaptiveMaxPooling", 3),
    **by_rank(padding, "ZeroPadding", 3),
    **by_rank(cropping, "Cropping", 3),
    **by_rank(repeated, "UpSampling", 3),
    k.CenterCrop: resampled,
    k.RandomCrop: resampled,
    k.Resizing: resampled,
}
