"""Batch normalization, and the normalization of a kernel by its spectral norm.

Both keep something of the training batches in variables that no gradient changes. These are the
only layers whose forward pass writes to a variable, and only in training.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from minikeras import initializers
from minikeras.context import Context
from minikeras.errors import check_int, check_number
from minikeras.layers._windows import tiles
from minikeras.layers.affine import Scaled
from minikeras.layers.base import Layer
from minikeras.numbers import sum_rows
from minikeras.typing import Array, Shape
from minikeras.variable import Variable

TILE = 2**18  # elements of a slice of the batch


class BatchNormalization(Scaled):
    """y = γ (x − mean)/√(variance + ε) + β, with each channel's mean and variance over the batch.

    In training they are those of the batch at hand, and moving averages of them are kept,
    moving ← momentum · moving + (1 − momentum) · batch's. Otherwise, and when the layer is frozen,
    the moving averages take their place.

    Args:
        axis: the axis of the channels.
        momentum: how slowly the moving averages forget.
        epsilon: ε.
        center: whether there is a β.
        scale: whether there is a γ.
        beta_initializer: "zeros" by default.
        gamma_initializer: "ones" by default.
        moving_mean_initializer: "zeros" by default.
        moving_variance_initializer: "ones" by default.
        beta_regularizer: a penalty on β.
        gamma_regularizer: a penalty on γ.
        beta_constraint: a projection of β after each update.
        gamma_constraint: the same for γ.
        renorm: must be False: batch renormalization is not implemented.
        renorm_clipping: must be None.
        renorm_momentum: has no effect without `renorm`.
        synchronized: has no effect on a single machine.
        **kwargs: those of `Layer`.

    The variance is Σ(x − mean)²/n, not /(n − 1), also in the moving average, as in Keras.

    Source: Ioffe and Szegedy, "Batch Normalization", 2015.
    """

    @property
    def rowwise(self) -> bool:
        """Not where the channels are the samples."""
        return self.build_shape is None or 0 not in self.axes(len(self.build_shape))

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            axis, epsilon, center, scale, beta_initializer, gamma_initializer,
            beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint, **kwargs,
        )  # fmt: skip
        check_int(self, "axis", axis, -100)
        self.momentum = check_number(self, "momentum", momentum, 0, 1)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.renorm = renorm
        self.renorm_clipping = renorm_clipping
        self.renorm_momentum = renorm_momentum
        self.synchronized = synchronized
        if renorm or renorm_clipping:
            raise ValueError("BatchNormalization: batch renormalization (renorm=True) is not implemented.")

    def build(self, input_shape: Shape) -> None:
        self.make_weights(input_shape)
        shape = [input_shape[a] or 1 for a in self.axes(len(input_shape))]
        self.moving_mean = self.add_weight(
            shape, self.moving_mean_initializer, None, False, name="moving_mean"
        )  # fmt: skip
        self.moving_variance = self.add_weight(
            shape, self.moving_variance_initializer, None, False, name="moving_variance"
        )
        self.mark_built(input_shape)

    def meetings(self, input_shape: Shape, training: bool) -> float:
        """For the mean, for the variance, and on the way back."""
        return 3 if training else 0

    def get_config(self) -> dict[str, Any]:
        """Keras' keys; those of `renorm` only where they were set, as older versions do not know them."""
        config = super().get_config()
        for name in ("renorm", "renorm_clipping", "renorm_momentum"):
            del config[name]
        return config

    def forward(self, x: Array, ctx: Context) -> Array:
        share, weights = None, None
        mean, variance = (self.along(v.value, x) for v in (self.moving_mean, self.moving_variance))
        centred, y = (ctx.buffer(name, x.shape, self.dtype) for name in ("centred", "y"))
        if ctx.training and self.trainable and x.size > 0:
            weights = self._weights(x, ctx)
            share, mean, variance = self._moments(x, centred, weights, ctx)
            if ctx.leads:
                self._move_averages(mean, variance)
        else:
            np.subtract(x, self._wide(mean, x), out=centred)
        inverse = 1 / np.sqrt(variance + self.epsilon)
        scale = self._wide(inverse * self.along(self.gamma.value, x) if self.scale else inverse, x)
        shift = self._wide(self.beta.value, x) if self.center else None
        for tile in self._tiles(x):
            np.multiply(centred[tile], scale, out=y[tile])  # y = γ (x − mean)/√(variance + ε) + β
            if shift is not None:
                y[tile] += shift
        ctx.save(centred=centred, inverse=inverse, scale=scale, share=share, weights=weights)
        return y

    def _move_averages(self, mean: Array, variance: Array) -> None:
        for moving, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.value *= self.momentum
            moving.value += (1 - self.momentum) * value.reshape(moving.shape)

    def _tiles(self, x: Array) -> Iterator[slice]:
        """The batch in slices that stay in the cache; whole where the channels are the samples."""
        limit = x.size if 0 in self.axes(x.ndim) else TILE
        return tiles(len(x), math.prod(x.shape[1:]), limit)

    def _sum(self, x: Array) -> Array:
        """The sum of each channel, with axes of length one so that it meets x."""
        if self.axes(x.ndim) == (x.ndim - 1,):
            return sum_rows(x).reshape(*(1,) * (x.ndim - 1), -1)
        others = tuple(a for a in range(x.ndim) if a not in self.axes(x.ndim))
        return np.asarray(np.add.reduce(x, axis=others, keepdims=True))

    def _weights(self, x: Array, ctx: Context) -> Array | None:
        """1 for a step that counts and 0 for a masked one, with axes that meet x; None where all count."""
        if ctx.mask is None:
            return None
        weights = np.asarray(ctx.mask, self.dtype)
        weights = weights.reshape(weights.shape + (1,) * (x.ndim - weights.ndim))
        channels = self.axes(x.ndim)
        return np.broadcast_to(weights, [1 if a in channels else n for a, n in enumerate(x.shape)])

    def _moments(
        self, x: Array, centred: Array, weights: Array | None, ctx: Context
    ) -> tuple[float, Array, Array]:
        """1/n, mean and variance of each channel, in two passes; the differences from the mean go to `centred`."""
        n: Any = math.prod(size for a, size in enumerate(x.shape) if a not in self.axes(x.ndim))
        total: Any = 0
        for tile in self._tiles(x):
            total = total + self._sum(x[tile] if weights is None else x[tile] * weights[tile])
        n, total = ctx.total(n if weights is None else float(weights.sum()), total)
        share = 1 / n if weights is None else 1 / (n + 1e-7)
        mean = total * share
        wide = self._wide(mean, x)
        total = 0
        for tile in self._tiles(x):
            difference = np.subtract(x[tile], wide, out=centred[tile])
            square = np.multiply(
                difference, difference, out=ctx.buffer("square", difference.shape, self.dtype)
            )
            if weights is not None:
                square *= weights[tile]
            total = total + self._sum(square)
        (total,) = ctx.total(total)
        return share, mean, total * share

    def backward(self, dy: Array, ctx: Context) -> Array:
        centred, inverse, scale, share, weights = ctx.saved("centred", "inverse", "scale", "share", "weights")
        dx = ctx.buffer("dx", centred.shape, self.dtype)
        total = slope = np.zeros_like(inverse)
        for tile in self._tiles(centred):
            total = total + self._sum(dy[tile])  # Σ dy
            slope = slope + self._sum(np.multiply(dy[tile], centred[tile], out=dx[tile]))
        slope = slope * inverse  # Σ dy x̂
        if self.scale:
            np.copyto(ctx.grad(self.gamma), slope.reshape(self.gamma.shape))  # dL/dγ = Σ dy x̂
        if self.center:
            np.copyto(ctx.grad(self.beta), total.reshape(self.beta.shape))  # dL/dβ = Σ dy
        if share is None:
            return np.multiply(dy, scale, out=dx)
        # mean and variance depend on x: dx = γ/√(variance + ε) (dy − share (Σ dy + x̂ Σ dy x̂))
        total, slope = ctx.total(total, slope)
        slope, total = self._wide(share * slope * inverse, centred), self._wide(share * total, centred)
        for tile in self._tiles(centred):
            d = np.multiply(centred[tile], slope, out=dx[tile])
            d += total
            if weights is not None:
                d *= weights[tile]
            np.subtract(dy[tile], d, out=d)
            d *= scale
        return dx


class SpectralNormalization(Layer):
    """Another layer, whose kernel is divided by its largest singular value at each training step.

    The value is estimated by power iteration: v = Wu/‖Wu‖, u = Wᵀv/‖Wᵀv‖, σ = vᵀWu; u is kept from
    step to step, so one iteration a step is enough.

    Args:
        layer: a layer with a `kernel` or `embeddings`.
        power_iterations: how many at each step.
        **kwargs: those of `Layer`.

    Source: Miyato et al., "Spectral Normalization for Generative Adversarial Networks", 2018.
    """

    rowwise = False  # it rewrites the kernel in each forward pass
    supports_masking = True

    def __init__(self, layer: Any, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise ValueError(f"SpectralNormalization needs a layer. Received: {layer!r}")
        self.layer = layer
        self.power_iterations = check_int(self, "power_iterations", power_iterations)
        self.casts_input = layer.casts_input

    def check_input(self, input_shape: Shape) -> None:
        self.layer.check_input(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        return self.layer.compute_output_shape(input_shape)

    def compute_mask(self, x: Any, mask: Array | None) -> Array | None:
        return self.layer.compute_mask(x, mask)

    def build(self, input_shape: Shape) -> None:
        self.layer.ensure_built(input_shape)
        kernel = self._kernel
        if kernel is None:
            raise ValueError(f"SpectralNormalization: {self.layer.where()} has no `kernel` nor `embeddings`.")
        self.vector_u = self.add_weight(
            (1, kernel.shape[-1]), initializers.TruncatedNormal(stddev=0.02), None, False, name="vector_u"
        )
        self.mark_built(input_shape)

    @property
    def _kernel(self) -> Variable | None:
        return getattr(self.layer, "kernel", getattr(self.layer, "embeddings", None))

    @property
    def weights(self) -> list[Variable]:
        """The kernel, then u, then what else the layer has: the order of Keras' files."""
        inner = self.layer.weights
        return inner[:1] + self._non_trainable_variables + inner[1:]

    def own_variables(self) -> list[Variable]:
        """The kernel is here as well as in the layer inside: so it is in Keras' files."""
        return [*filter(None, [self._kernel]), self.vector_u] if self.built else []

    def normalize_kernel(self) -> None:
        """Divide the kernel by its spectral norm, in place."""
        kernel = self._kernel
        assert kernel is not None
        w, u = kernel.value.reshape(-1, kernel.shape[-1]), self.vector_u.value
        if not w.any():
            return
        for _ in range(self.power_iterations):
            v = u @ w.T
            v /= np.linalg.norm(v) or 1.0
            u = v @ w
            u /= np.linalg.norm(u) or 1.0
        kernel.value /= (v @ w @ u.T)[0, 0]
        self.vector_u.value[...] = u

    def forward(self, x: Array, ctx: Context) -> Any:
        if ctx.training:
            self.normalize_kernel()
        child = ctx.child("layer")
        child.mask = ctx.mask
        ctx.save()
        return self.layer.run_forward(x, child)

    def backward(self, dy: Any, ctx: Context) -> Any:
        ctx.saved()
        child = ctx.child("layer")
        child.needs_dx = ctx.needs_dx
        return self.layer.run_backward(dy, child)
