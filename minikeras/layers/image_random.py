"""Images changed at random while training, each in its own way, so that no two epochs see the same.

With the random numbers once drawn, the changes are linear maps of the pixels (up to clipping), so
the gradient is that of the map that was drawn. When not training, y = x.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minikeras.config import standardize_data_format
from minikeras.context import Context
from minikeras.errors import check_number, check_option
from minikeras.layers._resampling import FILL_MODES, Sampling, affine_places, rotation_matrices
from minikeras.layers.image import CenterCrop, ImageLayer
from minikeras.random import SeedGenerator
from minikeras.typing import Array


def factor_range(
    owner: Any, name: str, factor: Any, low: float, high: float, overlap: bool = True
) -> tuple[float, float]:
    """The interval that a factor is drawn from: (lower, upper), or ±factor within [low, high].

    Args:
        owner: the layer, for the message.
        name: of the argument.
        factor: what the user gave.
        low: the least factor that makes sense.
        high: the greatest.
        overlap: whether it is enough that (lower, upper) overlaps [low, high], as in some layers.

    Raises:
        ValueError: for anything but a number or two numbers in [low, high].
    """
    if isinstance(factor, (list, tuple)) and len(factor) == 2:
        lower, upper = sorted(check_number(owner, name, f, -np.inf, np.inf) for f in factor)
        if (lower <= high and upper >= low) if overlap else (lower >= low and upper <= high):
            return lower, upper
    elif isinstance(factor, (int, float)) and not isinstance(factor, bool) and low <= factor <= high:
        return max(-abs(factor), low), abs(factor)
    raise ValueError(
        f"{type(owner).__name__}: `{name}` must be a number (or a list of two numbers) in the range "
        f"[{low:g}, {high:g}]. Received: {name}={factor!r}"
    )


class RandomImageLayer(ImageLayer):
    """The base of layers that change images in training.

    Args:
        seed: repeats the changes from run to run.
        data_format: "channels_last" or "channels_first".
        **kwargs: those of `Layer`.
    """

    def __init__(self, seed: Any = None, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = seed if isinstance(seed, SeedGenerator) else SeedGenerator(seed)
        self.data_format = standardize_data_format(data_format)

    def transform(self, images: Array, ctx: Context) -> Array:
        if not ctx.training:
            ctx.save(change=None)
            return images
        change, y = self.distort(images, ctx.rng_of(self.seed_generator))
        ctx.save(change=change)
        return y

    def adjoint(self, dy: Array, ctx: Context) -> Array:
        change = ctx.saved("change")
        return dy if change is None else self.distort_back(dy, change)

    def distort(self, images: Array, rng: np.random.Generator) -> tuple[Any, Array]:
        """What `distort_back` must know of the change, and the changed images."""
        raise NotImplementedError

    def distort_back(self, dy: Array, change: Any) -> Array:
        """dL/dimages from dL/d(changed images)."""
        raise NotImplementedError

    def draw(self, rng: np.random.Generator, n: int, bounds: tuple[float, float]) -> Array:
        """A number from an interval for each image, (n,)."""
        return rng.uniform(*bounds, n)


class RandomFlip(RandomImageLayer):
    """Half of the images mirrored.

    Args:
        mode: "horizontal" (left and right change places), "vertical", or "horizontal_and_vertical",
            where an image is mirrored both ways or not at all.
        **kwargs: those of `RandomImageLayer` and of `Layer`.
    """

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: Any = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.mode = check_option(self, "mode", mode, ("horizontal", "vertical", "horizontal_and_vertical"))

    def distort(self, images: Array, rng: np.random.Generator) -> tuple[Any, Array]:
        flipped = rng.random(len(images)) <= 0.5
        return flipped, self.distort_back(images, flipped)

    def distort_back(self, dy: Array, change: Any) -> Array:
        axes = tuple(axis for axis, word in ((1, "vertical"), (2, "horizontal")) if word in self.mode)
        dx = dy.copy()
        dx[change] = np.flip(dy[change], axes)  # a mirror is its own inverse, and its own transpose
        return dx


class RandomAffine(RandomImageLayer):
    """The base of layers that turn, enlarge or move images: each new pixel looks at an old place.

    Args:
        fill_mode: what lies beyond the border: "reflect" (d c b a | a b c d | d c b a), "wrap",
            "nearest", or "constant" (`fill_value`).
        interpolation: "bilinear", or "nearest".
        seed: repeats the changes from run to run.
        fill_value: see `fill_mode`.
        data_format: "channels_last" or "channels_first".
        **kwargs: those of `Layer`.
    """

    def __init__(
        self,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: Any = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.fill_mode = check_option(self, "fill_mode", fill_mode, FILL_MODES)
        self.interpolation = check_option(self, "interpolation", interpolation, ("nearest", "bilinear"))
        self.fill_value = check_number(self, "fill_value", fill_value, -np.inf, np.inf)

    def matrices(self, rng: np.random.Generator, n: int, height: int, width: int) -> Array:
        """For each image the map from new places to old ones, (n, 2, 3)."""
        raise NotImplementedError

    def distort(self, images: Array, rng: np.random.Generator) -> tuple[Any, Array]:
        n, height, width, _ = images.shape
        places = affine_places(self.matrices(rng, n, height, width), height, width)
        sampling = Sampling(
            *places, (height, width), self.interpolation, self.fill_mode, self.fill_value, self.dtype
        )
        return sampling, sampling.apply(images)

    def distort_back(self, dy: Array, change: Any) -> Array:
        dx: Array = change.adjoint(dy)
        return dx


class RandomRotation(RandomAffine):
    """Images turned around their middle by an angle drawn from 2π [lower, upper].

    Args:
        factor: (lower, upper) as shares of a full circle, or one number for (−factor, factor).
        **kwargs: those of `RandomAffine` and of `Layer`.
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: Any = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = factor_range(self, "factor", factor, -1, 1)

    def matrices(self, rng: np.random.Generator, n: int, height: int, width: int) -> Array:
        return rotation_matrices(2 * math.pi * self.draw(rng, n, self.factor), height, width)


class RandomZoom(RandomAffine):
    """Images made smaller (positive factors) or larger (negative ones) around their middle.

    Args:
        height_factor: (lower, upper), or one number for (−factor, factor): a new pixel at distance d
            from the middle looks at distance (1 + factor) d.
        width_factor: the same for the width; None: as the height, so that the aspect ratio is kept.
        **kwargs: those of `RandomAffine` and of `Layer`.
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: Any = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        least = float(np.nextafter(-1, 0))  # a zoom by 1 + factor must be positive
        self._bounds = [
            factor_range(self, name, factor, least, 1, overlap=False)
            for name, factor in (("height_factor", height_factor), ("width_factor", width_factor))
            if factor is not None or name == "height_factor"
        ]

    def matrices(self, rng: np.random.Generator, n: int, height: int, width: int) -> Array:
        zooms = [1 + self.draw(rng, n, bounds) for bounds in self._bounds]
        zoom_y, zoom_x = zooms[0], zooms[-1]
        matrices = np.zeros((n, 2, 3))
        matrices[:, 0, 0], matrices[:, 0, 2] = zoom_x, (width - 1) / 2 * (1 - zoom_x)
        matrices[:, 1, 1], matrices[:, 1, 2] = zoom_y, (height - 1) / 2 * (1 - zoom_y)
        return matrices


class RandomTranslation(RandomAffine):
    """Images moved down and to the right (positive factors), or up and to the left.

    Args:
        height_factor: (lower, upper) as shares of the height, or one number for (−factor, factor).
        width_factor: the same for the width.
        **kwargs: those of `RandomAffine` and of `Layer`.
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: Any = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor = height_factor
        self.width_factor = width_factor
        self._bounds = [
            factor_range(self, name, factor, -1, 1, overlap=False)
            for name, factor in (("height_factor", height_factor), ("width_factor", width_factor))
        ]

    def matrices(self, rng: np.random.Generator, n: int, height: int, width: int) -> Array:
        matrices = np.tile(np.eye(2, 3), (n, 1, 1))
        matrices[:, 1, 2] = -height * self.draw(rng, n, self._bounds[0])
        matrices[:, 0, 2] = -width * self.draw(rng, n, self._bounds[1])
        return matrices


class RandomCrop(CenterCrop):
    """A part of each batch of images at a random place, the same for all images of the batch.

    When not training it is the middle; and images that are too small are cut to the aspect ratio
    and enlarged.

    Args:
        height: of the output.
        width: of the output.
        seed: repeats the places from run to run.
        data_format: "channels_last" or "channels_first".
        **kwargs: those of `Layer`.
    """

    def __init__(
        self, height: int, width: int, seed: Any = None, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(height, width, data_format, **kwargs)
        self.seed = seed
        self.seed_generator = seed if isinstance(seed, SeedGenerator) else SeedGenerator(seed)

    def place(self, height: int, width: int, ctx: Context) -> tuple[slice, slice]:
        if not ctx.training or height < self.height or width < self.width:
            return super().place(height, width, ctx)
        rng = ctx.rng_of(self.seed_generator)
        top, left = (int(rng.integers(0, n + 1)) for n in (height - self.height, width - self.width))
        return slice(top, top + self.height), slice(left, left + self.width)
