"""What a convolution looks for, what it finds, and how: filters, feature maps, one window at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minikeras.layers import Conv1D, Conv2D, Conv3D
from minikeras.layers.base import Layer
from minikeras.markup import Markup, View, heatmap, join, tag
from minikeras.teach.figures import blue_to_orange, finish, subplots
from minikeras.teach.trace import LayerTrace, trace
from minikeras.typing import Array

MOST = 64  # pictures in one figure


def filters(model: Any, layer: str | None = None, *, image_shape: tuple[int, int] | None = None) -> Any:
    """A matplotlib figure of a layer's kernel, one picture for each filter or unit: orange is positive, blue negative.

    Args:
        model: a built model.
        layer: its name; by default the first that has a kernel.
        image_shape: how to lay out the inputs of a Dense layer; by default as a square, where they make one.

    Raises:
        ValueError: when there is no such layer, or its kernel makes no picture.
    """
    found = _layer(model, layer, lambda one: hasattr(one, "kernel"), "kernel")
    kernel: Array = found.kernel.numpy()  # type: ignore[attr-defined]
    if isinstance(found, Conv2D):
        pictures = [kernel[:, :, :, k].mean(axis=2) for k in range(kernel.shape[-1])]
    elif isinstance(found, (Conv1D, Conv3D)):
        pictures = [kernel[..., k].reshape(kernel.shape[0], -1) for k in range(kernel.shape[-1])]
    else:
        side = math.isqrt(kernel.shape[0])
        shape = image_shape or (side, side)
        if kernel.ndim != 2 or math.prod(shape) != kernel.shape[0]:
            raise ValueError(
                f"filters: the {kernel.shape[0]} inputs of {found.where()} make no picture of shape {shape}; give "
                "image_shape=(height, width)."
            )
        pictures = [kernel[:, k].reshape(shape) for k in range(kernel.shape[1])]
    titles = [str(k) for k in range(len(pictures))]
    return _gallery(pictures, titles, f"kernel of {found.name}", signed=True)


def feature_maps(model: Any, image: Any, layer: str | None = None) -> Any:
    """A matplotlib figure of a layer's output for one image, one picture for each channel.

    Args:
        model: a model over images.
        image: one image, or a batch whose first is taken.
        layer: its name; by default the first convolution.

    Raises:
        ValueError: when there is no such layer, or its output is no image.
    """
    one = _traced(model, image, layer)
    if one.y.ndim != 4:
        raise ValueError(
            f"feature_maps: the output of layer {one.name!r} is no image: its shape is {one.y.shape}."
        )
    maps = np.moveaxis(one.y[0], _channel_axis(one.layer) - 1, 0)
    return _gallery(list(maps), [str(k) for k in range(len(maps))], f"output of {one.name}", signed=False)


def _gallery(pictures: list[Array], titles: list[str], heading: str, signed: bool) -> Any:
    pictures = pictures[:MOST]
    columns = min(8, len(pictures))
    rows = -(-len(pictures) // columns)
    figure, axes = subplots(rows, columns, (1.25 * columns, 1.4 * rows + 0.4))
    largest = max(float(np.abs(p).max()) for p in pictures) or 1.0
    limits = {"cmap": blue_to_orange(), "vmin": -largest, "vmax": largest} if signed else {"cmap": "gray"}
    for axis in axes.flat:
        axis.axis("off")
    for axis, picture, title in zip(axes.flat, pictures, titles, strict=False):
        axis.imshow(picture, **limits)
        axis.set_title(title, fontsize=7, pad=2)
    figure.suptitle(heading, fontsize=10)
    return finish(figure)


def _layer(model: Any, name: str | None, fits: Any, what: str) -> Layer:
    if name is not None:
        found: Layer = model.get_layer(name)
    else:
        candidates = [one for one in getattr(model, "layers", [model]) if fits(one)]
        if not candidates:
            raise ValueError(f"There is no layer with a {what} in {model!r}, or the model is not built yet.")
        found = candidates[0]
    if not fits(found):
        raise ValueError(f"{found.where()} has no {what}.")
    return found


def _traced(model: Any, image: Any, layer: str | None) -> LayerTrace:
    array = np.asarray(image)
    if array.ndim == 4:
        array = array[0]
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3:
        raise ValueError(f"Give one image, (height, width, channels). Received: shape {np.shape(image)}")
    chosen = _layer(
        model, layer, lambda one: layer is not None or isinstance(one, Conv2D), "two-dimensional window"
    )
    return trace(model, array[None], training=False)[chosen.name]


def _channel_axis(layer: Any) -> int:
    return 1 if getattr(layer, "data_format", "channels_last") == "channels_first" else 3


class ConvolutionStep(View):
    """One place of one filter.

    Attributes:
        window: the part of the input that lies under the kernel, (kh, kw, channels); 0 beyond the edge.
        kernel: the filter, of the same shape.
        products: window times kernel, number by number.
        z, y: Σ products + bias, and the activation's value of it.
    """

    title = "one step of a convolution"

    def __init__(self, name: str, window: Array, kernel: Array, bias: float, f: Any) -> None:
        self.name, self.window, self.kernel, self.bias = name, window, kernel, bias
        self.products = window * kernel
        self.z = float(self.products.sum() + bias)
        self.y = float(f(np.array([self.z]))[0])
        self.activation = f.name

    def __str__(self) -> str:
        lines = [self.name]
        for c in range(self.window.shape[-1]):
            lines.append(f"channel {c}: window, kernel, products")
            parts = [np.array2string(a[..., c], precision=3, suppress_small=True).splitlines()
                     for a in (self.window, self.kernel, self.products)]  # fmt: skip
            width = max(len(line) for part in parts for line in part) + 3
            lines += [
                "  " + "".join(p.ljust(width) for p in row).rstrip() for row in zip(*parts, strict=True)
            ]
        return "\n".join([*lines, self._sum()])

    def _sum(self) -> str:
        return (
            f"Σ products + bias = {self.products.sum():.4g} {'−' if self.bias < 0 else '+'} {abs(self.bias):.4g} = "
            f"{self.z:.4g},   "
            f"y = {self.activation}({self.z:.4g}) = {self.y:.4g}"
        )

    def html(self) -> Markup:
        """Window, kernel and products side by side, for each channel."""
        rows = []
        for c in range(self.window.shape[-1]):
            triple: list[Markup] = []
            pairs = (("window", self.window), ("kernel", self.kernel), ("products", self.products))
            for (name, array), sign in zip(pairs, ("×", "=", ""), strict=True):
                inner = join([tag("div", f"{name}, channel {c}", class_="soft"), heatmap(array[..., c], 40)])
                triple += [tag("div", inner, style="display:inline-block;vertical-align:middle;margin:.3em")]
                triple += [tag("span", sign, style="font-size:20px;margin:0 .3em")]
            rows.append(tag("div", join(triple)))
        return join([tag("h3", self.name), *rows, tag("p", self._sum())])

    __repr__ = __str__


def conv_step(
    model: Any, image: Any, layer: str | None = None, i: int = 0, j: int = 0, *, filter: int = 0
) -> ConvolutionStep:
    """How a Conv2D layer makes one number: the window at (i, j), the kernel, the products, their sum.

    Args:
        model: a built model.
        image: one image.
        layer: the name of a Conv2D layer; by default the first.
        i: the row of the output.
        j: the column of the output.
        filter: which filter.

    Raises:
        ValueError: for another kind of layer, or a place that the output does not have.
    """
    one = _traced(model, image, layer)
    conv: Any = one.layer
    if not isinstance(conv, Conv2D):
        raise ValueError(f"conv_step needs a Conv2D layer; {conv.where()} is none.")
    x, y = (np.moveaxis(a[0], _channel_axis(conv) - 1, -1) for a in (one.x, one.y))
    if not (0 <= i < y.shape[0] and 0 <= j < y.shape[1] and 0 <= filter < y.shape[2]):
        raise ValueError(f"conv_step: (i, j, filter) = {(i, j, filter)} lies outside the output, {y.shape}.")
    kernel = conv.kernel.numpy()[..., filter]  # (kh, kw, channels of the group)
    places = [_covered(axis, place, conv, x.shape[axis], y.shape[axis]) for axis, place in enumerate((i, j))]
    channels = kernel.shape[2]
    start = filter // (y.shape[2] // conv.groups) * channels
    window = np.zeros_like(kernel)
    for a, row in enumerate(places[0]):
        for b, column in enumerate(places[1]):
            if 0 <= row < x.shape[0] and 0 <= column < x.shape[1]:
                window[a, b] = x[row, column, start : start + channels]
    bias = float(conv.bias.value[filter]) if conv.use_bias else 0.0
    name = f"{one.name}: row {i}, column {j}, filter {filter}"
    return ConvolutionStep(name, window, kernel, bias, conv.activation)


def _covered(axis: int, place: int, conv: Any, size: int, places: int) -> list[int]:
    """The rows (or columns) of the input that one place of the output sees; outside of it is padding."""
    k, stride, dilation = conv.kernel_size[axis], conv.strides[axis], conv.dilation_rate[axis]
    padding = max((places - 1) * stride + (k - 1) * dilation + 1 - size, 0) if conv.padding == "same" else 0
    return [place * stride - padding // 2 + dilation * n for n in range(k)]
