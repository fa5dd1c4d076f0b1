"""As much of Pillow's interface as the library uses, over .npy files: the tests run without Pillow.

Its conversions are the simplest that can be told apart; resizing picks pixels. What is under test is
that the library asks for the right thing.
"""

import enum
import sys
import types

import numpy as np

FORMATS = {"jpeg", "png", "bmp", "gif"}


class Resampling(enum.Enum):
    NEAREST, LANCZOS, BILINEAR, BICUBIC, BOX, HAMMING = range(6)


class Image:
    def __init__(self, array, mode):
        self.array, self.mode, self.asked = array, mode, None

    @property
    def size(self):
        return self.array.shape[1::-1]

    def __array__(self, dtype=None, copy=None):
        return self.array.astype(dtype or self.array.dtype)

    def convert(self, mode):
        rgb = np.stack([self.array] * 3, -1) if self.array.ndim == 2 else self.array[..., :3]
        if mode == "RGBA":
            rgb = np.concatenate([rgb, np.full_like(rgb[..., :1], 255)], -1)
        return Image(rgb[..., 0] if mode == "L" else rgb, mode)

    def resize(self, size, resample, box=None):
        left, top, right, bottom = box or (0, 0, *self.size)
        columns = left + np.arange(size[0]) * (right - left) // size[0]
        rows = top + np.arange(size[1]) * (bottom - top) // size[1]
        resized = Image(self.array[rows][:, columns], self.mode)
        resized.asked = (resample, box)
        return resized

    def save(self, path, format=None, **options):
        if format is not None and format not in FORMATS:
            raise ValueError(f"unknown format {format}")
        if format == "jpeg" and self.mode == "RGBA":
            raise OSError("cannot write mode RGBA as JPEG")
        if hasattr(path, "write"):
            np.save(path, self.array)
        else:
            with open(path, "wb") as file:
                np.save(file, self.array)


def fromarray(array):
    assert array.flags.c_contiguous
    modes = {(3, 3): "RGB", (3, 4): "RGBA", (2, None): "I" if array.dtype == np.int32 else "L"}
    return Image(array, modes[array.ndim, array.shape[2] if array.ndim == 3 else None])


def open_(file):
    return fromarray(np.load(file))


def install(monkeypatch):
    """Put it where `import PIL.Image` looks."""
    package, module = types.ModuleType("PIL"), types.ModuleType("PIL.Image")
    module.open, module.fromarray, module.Resampling, module.Image = open_, fromarray, Resampling, Image
    package.Image = module
    monkeypatch.setitem(sys.modules, "PIL", package)
    monkeypatch.setitem(sys.modules, "PIL.Image", module)
