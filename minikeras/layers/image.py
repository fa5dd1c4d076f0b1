"""Images of another size: resized, or cut to their middle.

Both are linear maps of the pixels, so the gradient goes back through the transposed matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.config import standardize_data_format
from minikeras.context import Context
from minikeras.errors import ShapeError, check_int, check_number, check_option
from minikeras.layers.base import Layer
from minikeras.typing import Array, Shape
from minikeras.utils.resampling import centred_part, resampling_matrix

KERNELS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")  # the interpolations of `Resizing`


class ImageLayer(Layer):
    """The base of layers for images, (batch, height, width, channels), or one without the batch.

    A subclass writes `transform` and its `adjoint` for batches with channels last.
    """

    data_format: str

    def check_input(self, input_shape: Shape) -> None:
        if len(input_shape) not in (3, 4):
            raise ShapeError(
                self.where(), "ndim=4, a batch of images, or ndim=3, a single one", tuple(input_shape),
                "images need a channel axis: x[..., None] for grey ones",
            )  # fmt: skip

    def output_size(self, size: tuple[Any, Any]) -> tuple[Any, Any]:
        """Height and width of the output for those of the input."""
        return size

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        shape = list(input_shape)
        at = len(shape) - (3 if self.data_format == "channels_last" else 2)
        shape[at : at + 2] = self.output_size((shape[at], shape[at + 1]))
        return tuple(shape)

    def transform(self, images: Array, ctx: Context) -> Array:
        """The new images, (batch, height, width, channels)."""
        raise NotImplementedError

    def adjoint(self, dy: Array, ctx: Context) -> Array:
        """dL/dimages from dL/d(new images)."""
        raise NotImplementedError

    def _arranged(self, x: Array, back: bool = False) -> Array:
        """A view of x with a batch axis and channels last, or of such an array in the layer's format."""
        if self.data_format == "channels_last":
            return x
        return x.transpose(0, 3, 1, 2) if back else x.transpose(0, 2, 3, 1)

    def __call__(self, x: Any, training: bool | None = True, mask: Array | None = None) -> Any:
        """The new images. As in Keras, random layers are at work unless training=False; in a model they
        do what the model does."""
        return super().__call__(x, training, mask)

    def forward(self, x: Array, ctx: Context) -> Array:
        single = x.ndim == 3
        y = self._arranged(self.transform(self._arranged(x[None] if single else x), ctx), back=True)
        return y[0] if single else y

    def backward(self, dy: Array, ctx: Context) -> Array:
        single = dy.ndim == 3
        dx = self._arranged(self.adjoint(self._arranged(dy[None] if single else dy), ctx), back=True)
        return dx[0] if single else dx


def resize(
    images: Array, size: tuple[int, int], method: str, antialias: bool, transpose: bool = False
) -> Array:
    """Images of another height and width: y = R x Cᵀ for each channel.

    Args:
        images: (batch, height, width, channels).
        size: the new height and width; with `transpose` those of the images that the gradient is for.
        method: one of `KERNELS`.
        antialias: whether the kernel grows where the image shrinks.
        transpose: whether to multiply by the transposed matrices, as the gradient is.
    """
    n, height, width, channels = images.shape
    matrices = []
    for old, new in ((height, size[0]), (width, size[1])):
        if transpose:
            matrices.append(resampling_matrix(new, old, method, antialias).T)
        else:
            matrices.append(resampling_matrix(old, new, method, antialias))
    rows, columns = (m.astype(images.dtype) for m in matrices)  # (new height, height), (new width, width)
    y = np.matmul(rows, images.reshape(n, height, width * channels))
    y = y.reshape(n, size[0], width, channels).transpose(
        0, 1, 3, 2
    )  # one large product is faster than many small
    return (
        np.matmul(y.reshape(-1, width), columns.T)
        .reshape(n, size[0], channels, size[1])
        .transpose(0, 1, 3, 2)
    )


class Resizing(ImageLayer):
    """Images of a given size: each new pixel is a weighted mean of the old ones around its place.

    Args:
        height: of the output.
        width: of the output.
        interpolation: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5".
        crop_to_aspect_ratio: cut off what sticks out of the new aspect ratio first, instead of distorting.
        pad_to_aspect_ratio: fill up with `fill_value` to the new aspect ratio first.
        fill_mode: only "constant".
        fill_value: what is padded with.
        antialias: whether each new pixel takes in all old ones that it covers, where images shrink.
        data_format: "channels_last" or "channels_first".
        **kwargs: those of `Layer`.
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.height = check_int(self, "height", height)
        self.width = check_int(self, "width", width)
        self.interpolation = check_option(self, "interpolation", interpolation, KERNELS)
        self.crop_to_aspect_ratio = bool(crop_to_aspect_ratio)
        self.pad_to_aspect_ratio = bool(pad_to_aspect_ratio)
        self.fill_mode = check_option(self, "fill_mode", fill_mode, ("constant",))
        self.fill_value = check_number(self, "fill_value", fill_value, -np.inf, np.inf)
        self.antialias = bool(antialias)
        self.data_format = standardize_data_format(data_format)
        if self.crop_to_aspect_ratio and self.pad_to_aspect_ratio:
            raise ValueError(
                "Resizing: only one of `pad_to_aspect_ratio` and `crop_to_aspect_ratio` can be True."
            )

    def output_size(self, size: tuple[Any, Any]) -> tuple[Any, Any]:
        return self.height, self.width

    def _frame(self, height: int, width: int) -> tuple[slice, slice]:
        """What of the image is cut out, or where it lies in the padded one."""
        if self.crop_to_aspect_ratio:
            return centred_part((height, width), (self.height, self.width))
        if self.pad_to_aspect_ratio:
            top = (max(height, int(width * self.height / self.width)) - height) // 2
            left = (max(width, int(height * self.width / self.height)) - width) // 2
            return slice(top, top + height), slice(left, left + width)
        return slice(0, height), slice(0, width)

    def transform(self, images: Array, ctx: Context) -> Array:
        n, height, width, channels = images.shape
        ys, xs = self._frame(height, width)
        if self.pad_to_aspect_ratio and (ys.start or xs.start):
            size = (n, height + 2 * ys.start, width + 2 * xs.start, channels)
            framed = np.full(size, self.fill_value, images.dtype)
            framed[:, ys, xs] = images
        else:
            framed = images[:, ys, xs]
        ctx.save(shape=images.shape, framed=framed.shape[1:3])
        return resize(framed, (self.height, self.width), self.interpolation, self.antialias)

    def adjoint(self, dy: Array, ctx: Context) -> Array:
        shape, framed = ctx.saved("shape", "framed")
        dx = resize(dy, framed, self.interpolation, self.antialias, transpose=True)  # dx = Rᵀ dy C
        ys, xs = self._frame(shape[1], shape[2])
        if self.pad_to_aspect_ratio:
            return dx[:, ys, xs]
        whole = np.zeros(shape, dy.dtype)
        whole[:, ys, xs] = dx
        return whole


class CenterCrop(ImageLayer):
    """The middle of an image. One that is too small is cut to the aspect ratio, and enlarged.

    Args:
        height: of the output.
        width: of the output.
        data_format: "channels_last" or "channels_first".
        **kwargs: those of `Layer`.
    """

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.height = check_int(self, "height", height)
        self.width = check_int(self, "width", width)
        self.data_format = standardize_data_format(data_format)

    def output_size(self, size: tuple[Any, Any]) -> tuple[Any, Any]:
        return self.height, self.width

    def place(self, height: int, width: int, ctx: Context) -> tuple[slice, slice]:
        """Which rows and columns are kept, before the image is enlarged where it must be."""
        if height >= self.height and width >= self.width:
            top, left = (height - self.height) // 2, (width - self.width) // 2
            return slice(top, top + self.height), slice(left, left + self.width)
        return centred_part((height, width), (self.height, self.width))

    def transform(self, images: Array, ctx: Context) -> Array:
        ys, xs = self.place(images.shape[1], images.shape[2], ctx)
        ctx.save(shape=images.shape, ys=ys, xs=xs)
        cut = images[:, ys, xs]
        size = (self.height, self.width)
        return cut if cut.shape[1:3] == size else resize(cut, size, "bilinear", False)

    def adjoint(self, dy: Array, ctx: Context) -> Array:
        shape, ys, xs = ctx.saved("shape", "ys", "xs")
        size = (len(range(*ys.indices(shape[1]))), len(range(*xs.indices(shape[2]))))
        dx = np.zeros(shape, dy.dtype)  # what was cut off has no influence
        dx[:, ys, xs] = dy if dy.shape[1:3] == size else resize(dy, size, "bilinear", False, transpose=True)
        return dx
