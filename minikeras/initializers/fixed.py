"""Initializers without chance: constants, the identity, Fourier kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minikeras.config import standardize_dtype
from minikeras.errors import check_option
from minikeras.initializers.base import Initializer
from minikeras.typing import Array, DTypeLike


class Zeros(Initializer):
    """All zeros."""

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """The initial values; dtype None means `floatx()`."""
        return np.zeros(shape, standardize_dtype(dtype))


class Ones(Initializer):
    """All ones."""

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """The initial values; dtype None means `floatx()`."""
        return np.ones(shape, standardize_dtype(dtype))


class Constant(Initializer):
    """One value everywhere, or a given array.

    Args:
        value: a number, or an array of exactly the shape that will be asked for.

    Raises:
        ValueError: when called for a shape that the array does not have.
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """The initial values; dtype None means `floatx()`."""
        values = np.asarray(self.value)
        if values.ndim and values.shape != tuple(shape):
            raise ValueError(
                f"An array given as an initializer must have the shape of the variable: expected "
                f"{tuple(shape)}, received an array of shape {values.shape}."
            )
        return np.full(shape, values, standardize_dtype(dtype))


class Identity(Initializer):
    """gain · I, for matrices only.

    Args:
        gain: the value on the diagonal.

    Raises:
        ValueError: when called for a shape that is no matrix's.
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """The initial values; dtype None means `floatx()`."""
        if len(shape) != 2:
            raise ValueError(f"Identity can only be used for 2D matrices. Received: shape={tuple(shape)}")
        eye: Array = self.gain * np.eye(shape[0], shape[1], dtype=standardize_dtype(dtype))
        return eye


# scipy's names for the windows that NumPy has, too
_WINDOWS: dict[str, Callable[[int], Array]] = {
    "hann": np.hanning,
    "hamming": np.hamming,
    "blackman": np.blackman,
    "bartlett": np.bartlett,
    "boxcar": np.ones,
}


class STFT(Initializer):
    """cos or sin(-2π t f / F) · window: a kernel whose convolution is a short-time Fourier transform.

    It is called for the shape (window length, 1, F/2 + 1), where F is the length of the transform.

    Args:
        side: "real" for the cosines, "imag" for the sines.
        window: "hann", "hamming", "blackman", "bartlett", "boxcar", an array, or None.
        scaling: "density" divides by sqrt(Σ window²), "spectrum" by Σ|window|, None by nothing.
        periodic: whether the window continues periodically beyond its last sample.

    Raises:
        ValueError: for an unknown option, or a window array of the wrong length.
    """

    def __init__(
        self,
        side: str = "real",
        window: Any = "hann",
        scaling: str | None = "density",
        periodic: bool = False,
    ) -> None:
        self.side = check_option(self, "side", side, ("real", "imag"))
        self.window = (
            check_option(self, "window", window, tuple(_WINDOWS)) if isinstance(window, str) else window
        )
        self.scaling = check_option(self, "scaling", scaling, ("density", "spectrum", None))
        self.periodic = periodic

    def __call__(self, shape: Sequence[int], dtype: DTypeLike | None = None) -> Array:
        """The initial values; dtype None means `floatx()`."""
        length, _, bins = shape
        t = np.arange(length).reshape(length, 1, 1)
        f = np.arange(bins) / (2 * (bins - 1))  # cycles per sample
        kernel = (np.cos if self.side == "real" else np.sin)(-2.0 * np.pi * t * f)  # (length, 1, bins)
        if self.window is not None:
            window = self._window_values(length)
            if self.scaling == "density":
                kernel /= np.sqrt(np.sum(window**2))
            elif self.scaling == "spectrum":
                kernel /= np.sum(np.abs(window))
            kernel *= window.reshape(length, 1, 1)
        return kernel.astype(standardize_dtype(dtype))

    def _window_values(self, length: int) -> Array:
        if isinstance(self.window, str):
            longer = length + 1 if self.periodic else length
            return np.asarray(_WINDOWS[self.window](longer))[:length]
        values = np.asarray(self.window, float)
        if values.shape != (length,):
            raise ValueError(f"The window must have {length} samples. Received shape: {values.shape}")
        return values
