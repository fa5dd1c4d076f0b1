"""Images whose colours change at random while training: the contrast, the brightness."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.errors import check_number
from minikeras.layers.image_random import RandomImageLayer, factor_range
from minikeras.typing import Array


class RandomColor(RandomImageLayer):
    """The base of layers that change colours and keep them within a range.

    Args:
        value_range: the least and the greatest value of a pixel.
        seed: repeats the changes from run to run.
        **kwargs: those of `RandomImageLayer` and of `Layer`.
    """

    def __init__(self, value_range: Any = (0, 255), seed: Any = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        if not isinstance(value_range, (list, tuple)) or len(value_range) != 2:
            raise ValueError(
                f"{type(self).__name__}: `value_range` must be a list of two numbers. "
                f"Received: value_range={value_range!r}"
            )
        for bound in value_range:
            check_number(self, "value_range", bound, -np.inf, np.inf)
        self.value_range = tuple(sorted(value_range))

    def clip(self, z: Array) -> tuple[Array, Array]:
        """Where z lies within the range, which is the derivative of clipping; and z clipped in place."""
        low, high = self.value_range
        return (z >= low) & (z <= high), np.clip(z, low, high, out=z)


class RandomContrast(RandomColor):
    """y = clip((x − mean) f + mean), with each channel's mean, and f from [1 − lower, 1 + upper].

    Args:
        factor: (lower, upper), or one number for (0, factor), within [0, 1].
        value_range: the least and the greatest value of a pixel.
        seed: repeats the changes from run to run.
        **kwargs: those of `RandomImageLayer` and of `Layer`.
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: Any = None, **kwargs: Any) -> None:
        super().__init__(value_range, seed, **kwargs)
        self.factor = factor_range(self, "factor", factor, 0, 1)

    def distort(self, images: Array, rng: np.random.Generator) -> tuple[Any, Array]:
        lower, upper = self.factor
        f = self.draw(rng, len(images), (1 - lower, 1 + upper)).astype(self.dtype)[:, None, None, None]
        mean = images.mean(axis=(1, 2), keepdims=True)
        z = images - mean
        z *= f
        z += mean
        inside, y = self.clip(z)
        return (f, inside), y

    def distort_back(self, dy: Array, change: Any) -> Array:
        f, inside = change
        dz: Array = dy * inside
        dmean = dz.mean(axis=(1, 2), keepdims=True)
        return dz * f + (1 - f) * dmean  # each pixel is also a share of the mean


class RandomBrightness(RandomColor):
    """y = clip(x + b), with b from [lower, upper] times the width of the range.

    Args:
        factor: (lower, upper), or one number for (−factor, factor), within [−1, 1].
        value_range: the least and the greatest value of a pixel.
        seed: repeats the changes from run to run.
        **kwargs: those of `RandomImageLayer` and of `Layer`.
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: Any = None, **kwargs: Any) -> None:
        super().__init__(value_range, seed, **kwargs)
        self.factor = factor_range(self, "factor", factor, -1, 1)

    def distort(self, images: Array, rng: np.random.Generator) -> tuple[Any, Array]:
        low, high = self.value_range
        b = self.draw(rng, len(images), self.factor) * (high - low)
        inside, y = self.clip(images + b.astype(self.dtype)[:, None, None, None])
        return inside, y

    def distort_back(self, dy: Array, change: Any) -> Array:
        dx: Array = dy * change
        return dx
