"""Images as arrays and back: reading and writing image files, by the library Pillow."""

from __future__ import annotations

import io
import os
import warnings
from typing import Any

import numpy as np

from minikeras import config
from minikeras.errors import check_ints, check_option
from minikeras.typing import Array, DTypeLike

COLOR_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def pillow() -> Any:
    """The module PIL.Image.

    Raises:
        ImportError: without Pillow.
    """
    try:
        from PIL import Image  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise ImportError('Image files need Pillow: pip install "minikeras[image]"') from None
    return Image


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """An image file as a Pillow image.

    Args:
        path: of the file; or an open one, as an `io.BytesIO`.
        color_mode: "grayscale", "rgb" or "rgba".
        target_size: (height, width) to resize to; None keeps the size.
        interpolation: "nearest", "bilinear", "bicubic", "hamming", "box" or "lanczos".
        keep_aspect_ratio: cut off the borders that do not fit, instead of distorting the image.

    Raises:
        ImportError: without Pillow.
        ValueError, TypeError: for a bad argument.
        OSError: when the file cannot be read, or is no image.
    """
    check_option("load_img", "color_mode", color_mode, tuple(COLOR_MODES))
    check_option("load_img", "interpolation", interpolation, INTERPOLATIONS)
    if not isinstance(path, (io.BytesIO, str, bytes, os.PathLike)):
        raise TypeError(f"load_img: `path` must be a path or an io.BytesIO. Received: {path!r}")
    image = pillow().open(path)
    image.load()  # the file is closed now
    sixteen_bits = color_mode == "grayscale" and image.mode in ("I;16", "I")
    if image.mode != COLOR_MODES[color_mode] and not sixteen_bits:
        image = image.convert(COLOR_MODES[color_mode])
    if target_size is None:
        return image
    return resize(image, target_size, interpolation, keep_aspect_ratio)


def resize(image: Any, size: Any, interpolation: str, keep_aspect_ratio: bool = False) -> Any:
    """A Pillow image in another size (height, width)."""
    height, width = check_ints("load_img", "target_size", size, 2)
    box = None
    if keep_aspect_ratio:  # the largest part in the middle that has the right form
        w = min(image.width, image.height * width // height)
        h = min(image.height, image.width * height // width)
        left, top = (image.width - w) // 2, (image.height - h) // 2
        box = (left, top, left + w, top + h)
    if box is None and image.size == (width, height):
        return image
    return image.resize((width, height), pillow().Resampling[interpolation.upper()], box=box)


def _data_format(data_format: str | None) -> str:
    found = data_format or config.image_data_format()
    return check_option("images", "data_format", found, ("channels_last", "channels_first"))


def img_to_array(img: Any, data_format: str | None = None, dtype: DTypeLike | None = None) -> Array:
    """A Pillow image as an array of shape (height, width, channels).

    Args:
        img: the image, or an array of two or three axes.
        data_format: "channels_first" gives (channels, height, width); None means the configured one.
        dtype: None means the configured float type.

    Raises:
        ValueError: for another number of axes.
    """
    x = np.asarray(img).astype(dtype or config.floatx())
    if x.ndim == 2:
        x = x[:, :, None]
    if x.ndim != 3:
        raise ValueError(f"img_to_array: an image has two or three axes. Received: shape {x.shape}")
    return x.transpose(2, 0, 1) if _data_format(data_format) == "channels_first" else x


def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: DTypeLike | None = None
) -> Any:
    """An array of shape (height, width, channels) as a Pillow image.

    Args:
        x: with 1, 3 or 4 channels.
        data_format: "channels_first" if it is (channels, height, width); None means the configured one.
        scale: whether to stretch the values to 0 to 255; otherwise they must be within it.
        dtype: of the computation; None means the configured float type.

    Raises:
        ImportError: without Pillow.
        ValueError: for another shape.
    """
    data_format = _data_format(data_format)
    x = np.array(x, dtype or config.floatx())
    if x.ndim != 3:
        raise ValueError(f"array_to_img: expected an image with three axes. Received: shape {x.shape}")
    if data_format == "channels_first":
        x = x.transpose(1, 2, 0)
    if x.shape[2] not in (1, 3, 4):
        raise ValueError(f"array_to_img: an image has 1, 3 or 4 channels. Received: shape {x.shape}")
    if scale:
        x = x - x.min()
        x = x / (x.max() or 1) * 255
    if x.shape[2] == 1:
        kind = "uint8" if x.max() <= 255 else "uint16"  # PNG files hold either; Keras' int32 they do not
        return pillow().fromarray(x[:, :, 0].astype(kind))
    return pillow().fromarray(x.astype("uint8"))


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **options: Any,
) -> None:
    """Write an array as an image file.

    Args:
        path: of the file, or an open one.
        x: (height, width, channels).
        data_format: as in `array_to_img`.
        file_format: such as "png"; None means that of the file's extension.
        scale: as in `array_to_img`.
        **options: for Pillow's `save`, such as quality=90.
    """
    if file_format is None and isinstance(path, (str, os.PathLike)):
        file_format = os.path.splitext(os.fspath(path))[1][1:]
    if file_format and file_format.lower() == "jpg":
        file_format = "jpeg"
    image = array_to_img(x, data_format, scale)
    if image.mode == "RGBA" and (file_format or "").lower() == "jpeg":
        warnings.warn("JPEG files have no transparency: converting to RGB.", stacklevel=2)
        image = image.convert("RGB")
    image.save(path, format=file_format, **options)
