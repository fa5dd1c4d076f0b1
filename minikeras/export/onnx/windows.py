"""Convolutions, pooling, padding, resizing in ONNX, where the channels come before the spatial axes."""

from __future__ import annotations

from typing import Any

from minikeras import layers as k
from minikeras.export.matrices import spatial_map
from minikeras.export.onnx.activations import activate
from minikeras.export.onnx.writer import END, Writer
from minikeras.export.walk import Rule, Value, by_rank, known_sizes
from minikeras.layers._windows import pad_amounts
from minikeras.layers.adaptive_pooling import adaptive_windows
from minikeras.layers.global_pooling import GlobalMaxPooling
from minikeras.layers.pooling import MaxPooling
from minikeras.typing import Array, Shape


def first(x: str, rank: int, w: Writer, last: bool = True) -> str:
    """x with its channels before its `rank` spatial axes; `last`: whether they are last in x."""
    return w.transpose(x, (0, rank + 1, *range(1, rank + 1))) if last else x


def back(y: str, rank: int, w: Writer, last: bool = True) -> str:
    """The way back."""
    return w.transpose(y, (0, *range(2, rank + 2), 1)) if last else y


def window(sizes: Shape, kernel: Any, strides: Any, dilation: Any, padding: str) -> dict[str, Any]:
    """The attributes of a window that moves over spatial axes of these sizes."""
    found: dict[str, Any] = {"kernel_shape": list(kernel), "strides": list(strides)}
    if max(dilation) > 1:
        found["dilations"] = list(dilation)
    if padding == "same" and None in sizes and max(strides) > 1:
        return {**found, "auto_pad": "SAME_UPPER"}  # found out when the data come
    amounts = pad_amounts([n or 1 for n in sizes], kernel, strides, dilation, padding)
    if None in sizes and padding == "same":  # with strides of one it does not depend on the size
        amounts = pad_amounts([1] * len(kernel), kernel, strides, dilation, padding)
    return {**found, "pads": [b for b, _ in amounts] + [a for _, a in amounts]}


def kernel_first(kernel: Array, groups: int = 1) -> Array:
    """A kernel (*window, inputs, outputs) as (outputs, inputs, *window)."""
    rank = kernel.ndim - 2
    return kernel.transpose(rank + 1, rank, *range(rank))


def convolve(
    x: str,
    kernel: Array,
    bias: Array | None,
    w: Writer,
    groups: int = 1,
    name: str = "kernel",
    **attributes: Any,
) -> str:
    """x ⋆ kernel + bias, channels first; the kernel is (outputs, inputs, *window)."""
    inputs = [x, w.weight(name, kernel, kernel.dtype)]
    if bias is not None:
        inputs.append(w.weight("bias", bias, bias.dtype))
    return w.node("Conv", *inputs, group=groups, **attributes)


def bias_of(layer: Any) -> Array | None:
    """The layer's bias, where it has one."""
    return layer.bias.value if layer.use_bias else None


def finish(layer: Any, z: str, x: Value, w: Writer) -> str:
    """The activation of a layer over images, whose channels are put where the user wants them."""
    y = back(z, layer.rank, w, layer.channels_are_last)
    size = layer.channels(layer.compute_output_shape(x.shape)) if layer.channels_are_last else None
    return activate(layer.activation, y, w, x.dtype, size)


def conv(layer: Any, x: Value, w: Writer) -> str:
    """`Conv1D` to `Conv3D`."""
    attributes = window(
        layer.spatial(x.shape), layer.kernel_size, layer.strides, layer.dilation_rate, layer.padding
    )
    z = first(x.name, layer.rank, w, layer.channels_are_last)
    z = convolve(z, kernel_first(layer.kernel.value), bias_of(layer), w, layer.groups, **attributes)
    return finish(layer, z, x, w)


def by_channel(layer: Any, kernel: Array, bias: Array | None, x: Value, w: Writer) -> str:
    """Each channel with kernels of its own, (*window, channels, multiplier); channels first."""
    rank, channels = layer.rank, kernel.shape[-2]
    flat = kernel.reshape(*kernel.shape[:-2], 1, -1)
    attributes = window(
        layer.spatial(x.shape), layer.kernel_size, layer.strides, layer.dilation_rate, layer.padding
    )
    z = first(x.name, rank, w, layer.channels_are_last)
    return convolve(z, kernel_first(flat), bias, w, channels, "depthwise_kernel", **attributes)


def depthwise(layer: Any, x: Value, w: Writer) -> str:
    """`DepthwiseConv1D`, `DepthwiseConv2D`."""
    return finish(layer, by_channel(layer, layer.kernel.value, bias_of(layer), x, w), x, w)


def separable(layer: Any, x: Value, w: Writer) -> str:
    """`SeparableConv1D`, `SeparableConv2D`."""
    z = by_channel(layer, layer.depthwise_kernel.value, None, x, w)
    kernel = kernel_first(layer.pointwise_kernel.value)
    z = convolve(z, kernel, bias_of(layer), w, name="pointwise_kernel", kernel_shape=[1] * layer.rank)
    return finish(layer, z, x, w)


def conv_transpose(layer: Any, x: Value, w: Writer) -> str:
    """`Conv1DTranspose` to `Conv3DTranspose`."""
    begins, ends, extras = [], [], []
    for axis, (size, gap) in enumerate(zip(layer.kernel_size, layer.dilation_rate, strict=True)):
        before, kept = layer.kept(1, axis)
        after = (size - 1) * gap + 1 - before - kept  # cut off behind; or, where negative, missing there
        begins.append(before)
        ends.append(max(after, 0))
        extras.append(max(-after, 0))
    inputs = [first(x.name, layer.rank, w, layer.channels_are_last)]
    inputs.append(w.weight("kernel", kernel_first(layer.kernel.value), x.dtype))
    if layer.use_bias:
        inputs.append(w.weight("bias", layer.bias.value, x.dtype))
    z = w.node(
        "ConvTranspose", *inputs, kernel_shape=layer.kernel_size, strides=layer.strides,
        dilations=layer.dilation_rate, pads=begins + ends, output_padding=extras,
    )  # fmt: skip
    return finish(layer, z, x, w)


def pooling(layer: Any, x: Value, w: Writer) -> str:
    """`MaxPooling1D` to `AveragePooling3D`."""
    attributes = window(
        layer.spatial(x.shape), layer.pool_size, layer.strides, (1,) * layer.rank, layer.padding
    )
    op = "MaxPool" if isinstance(layer, MaxPooling) else "AveragePool"
    y = w.node(op, first(x.name, layer.rank, w, layer.channels_are_last), **attributes)
    return back(y, layer.rank, w, layer.channels_are_last)


def global_pooling(layer: Any, x: Value, w: Writer) -> str:
    """`GlobalMaxPooling1D` to `GlobalAveragePooling3D`."""
    start = 1 if layer.channels_are_last else 2
    axes = list(range(start, start + layer.rank))
    if isinstance(layer, k.GlobalAveragePooling1D) and x.mask is not None:
        keep = w.number_mask(x.mask, x.dtype, [3 - axes[0]])  # the mask is (batch, steps)
        total = w.node("ReduceSum", w.node("Mul", x.name, keep), w.constant(axes), keepdims=layer.keepdims)
        return w.node("Div", total, w.node("ReduceSum", keep, w.constant(axes), keepdims=layer.keepdims))
    op = "ReduceMax" if isinstance(layer, GlobalMaxPooling) else "ReduceMean"
    return w.node(op, x.name, axes=axes, keepdims=layer.keepdims)


def padding(layer: Any, x: Value, w: Writer) -> str:
    """`ZeroPadding1D` to `ZeroPadding3D`."""
    rim = [(0, 0), *layer.rim, (0, 0)] if layer.channels_are_last else [(0, 0), (0, 0), *layer.rim]
    return w.node("Pad", x.name, w.constant([b for b, _ in rim] + [a for _, a in rim]))


def cropping(layer: Any, x: Value, w: Writer) -> str:
    """`Cropping1D` to `Cropping3D`."""
    start = 1 if layer.channels_are_last else 2
    axes = range(start, start + layer.rank)
    stops = [-after if after else END for _, after in layer.rim]
    starts = [before for before, _ in layer.rim]
    return w.node("Slice", x.name, w.constant(starts), w.constant(stops), w.constant(list(axes)))


def repeated(layer: Any, x: Value, w: Writer) -> str:
    """`UpSampling1D` to `UpSampling3D`: cells repeated, or values between them."""
    if getattr(layer, "interpolation", "nearest") != "nearest":
        return resampled(layer, x, w)
    scales = w.constant([1, 1, *layer.factors], "float32")
    y = w.node(
        "Resize", first(x.name, layer.rank, w, layer.channels_are_last), "", scales,
        mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor",
    )  # fmt: skip
    return back(y, layer.rank, w, layer.channels_are_last)


def resampled(layer: Any, x: Value, w: Writer) -> str:
    """Layers that are a matrix along each spatial axis: interpolation, resizing, adaptive means."""
    axis = 1 if layer.data_format == "channels_last" else 2
    letters, y = "abcdefgh"[: len(x.shape)], x.name
    matrices, offset = spatial_map(layer, x.shape)
    for matrix in matrices:
        result = letters[:axis] + "z" + letters[axis + 1 :]
        y = w.node(
            "Einsum",
            y,
            w.weight("matrix", matrix, x.dtype),
            equation=f"{letters},z{letters[axis]}->{result}",
        )
        axis += 1
    return y if offset is None else w.node("Add", y, w.weight("offset", offset, x.dtype))


def adaptive_max(layer: Any, x: Value, w: Writer) -> str:
    """`AdaptiveMaxPooling1D` to `AdaptiveMaxPooling3D`, one axis after the other."""
    sizes, y = known_sizes(layer, x.shape), x.name
    for axis, (n, o) in enumerate(
        zip(sizes, layer.output_size, strict=True), start=1 if layer.channels_are_last else 2
    ):
        parts = [
            w.node("ReduceMax", w.slice(y, axis, part.start, part.stop), axes=[axis], keepdims=1)
            for part in adaptive_windows(n, o)
        ]
        y = w.node("Concat", *parts, axis=axis)
    return y


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
    k.Resizing: resampled,
    k.CenterCrop: resampled,
    k.RandomCrop: resampled,
}
