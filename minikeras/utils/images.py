"""Images as files, as Pillow's objects and as arrays, and the ways between the three.

Reading and writing image files is left to Pillow, an optional library (`pip install
"minikeras[image]"`): `load_img` opens a file, `img_to_array` makes an array of it,
`array_to_img` and `save_img` lead back.
"""

from __future__ import annotations

import importlib
import io
import os
import warnings
from typing import Any

import numpy as np

from minikeras import config
from minikeras.errors import ShapeError, check_ints, check_option
from minikeras.typing import Array, DTypeLike
from minikeras.utils.resampling import centred_part

MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
PILLOW_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def _pillow() -> Any:
    """Pillow's module `Image`."""
    try:
        return importlib.import_module("PIL.Image")
    except ImportError as error:
        raise ImportError('Image files need Pillow: pip install "minikeras[image]"') from error


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """An image file as an image of Pillow.

    Args:
        path: the file's path, or an open `io.BytesIO`.
        color_mode: "rgb", "rgba" or "grayscale" (which keeps the 16 or 32 bits of a file that has them).
        target_size: the (height, width) to resize it to; None leaves it as it is.
        interpolation: "nearest", "bilinear", "bicubic", "hamming", "box" or "lanczos".
        keep_aspect_ratio: cut off two sides where the ratios differ, instead of distorting the image.

    Raises:
        ImportError: without Pillow.
        TypeError: when `path` is no path.
        ValueError: for an unknown color mode or interpolation.
    """
    check_option("load_img", "color_mode", color_mode, tuple(MODES))
    check_option("load_img", "interpolation", interpolation, PILLOW_INTERPOLATIONS)
    if not isinstance(path, (str, bytes, os.PathLike, io.BytesIO)):
        raise TypeError(f"load_img: `path` must be a path or an io.BytesIO. Received: {type(path).__name__}")
    size = None if target_size is None else check_ints("load_img", "target_size", target_size, 2)
    pillow = _pillow()
    if not isinstance(path, io.BytesIO):
        with open(path, "rb") as file:  # read at once, so that no file stays open
            path = io.BytesIO(file.read())
    image = pillow.open(path)
    if image.mode != MODES[color_mode] and not (color_mode == "grayscale" and image.mode in ("I;16", "I")):
        image = image.convert(MODES[color_mode])
    if size is None or image.size == size[::-1]:
        return image
    box = None
    if keep_aspect_ratio:
        rows, columns = centred_part(image.size[::-1], size)
        box = (columns.start, rows.start, columns.stop, rows.stop)
    return image.resize(size[::-1], getattr(pillow.Resampling, interpolation.upper()), box=box)


def img_to_array(img: Any, data_format: str | None = None, dtype: DTypeLike | None = None) -> Array:
    """An image as an array of shape (height, width, channels), or (channels, height, width).

    Args:
        img: an image of Pillow, or anything else that NumPy takes for an array of two or three axes.
        data_format: "channels_last", "channels_first", or None for the global setting.
        dtype: of the array; None means `floatx()`.

    Raises:
        ShapeError: when the image has another number of axes.
    """
    channels_first = config.standardize_data_format(data_format) == "channels_first"
    x = np.asarray(img, dtype=dtype or config.floatx())
    if x.ndim == 2:
        x = x[..., None]
    if x.ndim != 3:
        raise ShapeError(
            "img_to_array got no image.", "(height, width) or (height, width, channels)", x.shape
        )
    return x.transpose(2, 0, 1) if channels_first else x


def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: DTypeLike | None = None
) -> Any:
    """An array as an image of Pillow: 255 (x - min) / (max - min), or x itself.

    Args:
        x: one image, of 1, 3 or 4 channels.
        data_format: "channels_last", "channels_first", or None for the global setting.
        scale: whether to spread the values over 0 to 255; without it, they must lie there already. (In one
            channel they may be larger: that makes an image of 32-bit integers.)
        dtype: in which to calculate; None means `floatx()`.

    Raises:
        ImportError: without Pillow.
        ShapeError: when x is not one image of 1, 3 or 4 channels.
        ValueError: for values that no pixel can have.
    """
    channels_first = config.standardize_data_format(data_format) == "channels_first"
    pixels = np.array(x, dtype=dtype or config.floatx())
    if channels_first and pixels.ndim == 3:
        pixels = pixels.transpose(1, 2, 0)
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or not pixels.size:
        fix = "give one image of a batch: x[0]" if pixels.ndim == 4 else None
        raise ShapeError("array_to_img got no image.", "one image of 1, 3 or 4 channels", np.shape(x), fix)
    if scale:
        pixels -= pixels.min()
        pixels /= pixels.max() or 1  # first, so that the largest value is exactly 255
        pixels *= 255
    low, high = pixels.min(), pixels.max()
    wide = pixels.shape[2] == 1 and high > 255
    if not -1 < low <= high < (2.0**31 if wide else 256):  # NaN fails too
        raise ValueError(
            "array_to_img: the values of pixels must lie between 0 and 255. "
            f"Received: values from {low} to {high}. Likely fix: scale=True"
        )
    if pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    return _pillow().fromarray(np.ascontiguousarray(pixels.astype("int32" if wide else "uint8")))


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array as an image file.

    Args:
        path: the file to write, or an open one.
        x: one image, of 1, 3 or 4 channels.
        data_format: "channels_last", "channels_first", or None for the global setting.
        file_format: such as "png"; None goes by the ending of the path.
        scale: whether to spread the values over 0 to 255.
        kwargs: go to the method `save` of Pillow's image, such as `quality=90`.

    Raises:
        ImportError: without Pillow.
        ValueError: for an array that is no image, and (from Pillow) an unknown format.
    """
    if file_format is None and isinstance(path, (str, os.PathLike)):
        file_format = os.path.splitext(os.fspath(path))[1][1:]
    kind = (file_format or "").lower()
    kind = "jpeg" if kind == "jpg" else kind
    image = array_to_img(x, data_format, scale)
    if image.mode == "RGBA" and kind == "jpeg":
        warnings.warn("JPEG files have no transparency: the image is saved as RGB.", stacklevel=2)
        image = image.convert("RGB")
    image.save(path, format=kind or None, **kwargs)
