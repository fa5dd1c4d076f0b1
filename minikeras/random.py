"""All randomness of the library starts here, at one default generator.

Unseeded initializers and dropout layers draw a seed from it when they are made; `fit` shuffles
with it. `minikeras.utils.set_random_seed(n)` seeds it, and then a program gives the same bits on
every run. NumPy's and Python's own global generators are never drawn from. The draws follow
Keras' order, so the same seed gives the initial weights of Keras' NumPy backend and the batch
order of its JAX backend.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from minikeras import config
from minikeras.typing import Array, DTypeLike


class DefaultGenerator:
    """The program's one source of seeds and shuffles."""

    def __init__(self) -> None:
        self.seed(None)

    def seed(self, seed: int | None) -> None:
        """Start both streams anew."""
        self._seed = seed
        self._streams: tuple[Any, Any] | None = None

    def _get_streams(self) -> tuple[Any, Any]:
        """The stream of seeds and the stream of orders, made at first use."""
        if self._streams is None:
            import random  # both modules take longer to load than most of this package

            self._streams = random.Random(self._seed), np.random.RandomState(self._seed)
        return self._streams

    def draw_seed(self) -> int:
        """A seed in [1, 10⁹] for an initializer or a layer that was given none."""
        return int(self._get_streams()[0].randint(1, int(1e9)))

    def permutation(self, n: int) -> Array:
        """A random order of n samples, for one epoch."""
        return self._get_streams()[1].permutation(n)

    def shuffle(self, items: list[Any]) -> None:
        """Shuffle a list in place."""
        self._get_streams()[0].shuffle(items)

    def get_state(self) -> tuple[Any, Any]:
        """Both streams' states, to be given to `set_state`."""
        seeds, orders = self._get_streams()
        return seeds.getstate(), orders.get_state()

    def set_state(self, state: tuple[Any, Any]) -> None:
        """Go back to a state from `get_state`."""
        seeds, orders = self._get_streams()
        seeds.setstate(state[0])
        orders.set_state(state[1])


default_generator = DefaultGenerator()


class SeedGenerator:
    """A sequence of seeds (s, 0), (s, 1), (s, 2) ... Each random operation uses up one.

    Args:
        seed: the sequence's start s; None draws one from the default generator.
        name: only a label.
    """

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        if seed is None:
            seed = default_generator.draw_seed()
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise ValueError(f"Argument `seed` must be an integer or None. Received: seed={seed!r}")
        self.initial_seed = int(seed)
        self.name = name
        self.count = 0
        self._lock = threading.Lock()

    def next(self) -> Array:
        """The next seed, as the two numbers that NumPy's generators take."""
        with self._lock:
            pair = np.array([self.initial_seed, self.count], dtype="uint32")
            self.count += 1
        return pair

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal generator."""
        return {"seed": self.initial_seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """The generator that `get_config` described."""
        return cls(**config)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.Lock())


def generator(seed: int | SeedGenerator | None = None) -> np.random.Generator:
    """A NumPy generator for one random operation; None seeds it from the default generator."""
    if isinstance(seed, SeedGenerator):
        return np.random.default_rng(seed.next())
    return np.random.default_rng(SeedGenerator(seed).next())


def normal(
    shape: tuple[int, ...],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: DTypeLike | None = None,
    seed: int | SeedGenerator | None = None,
) -> Array:
    """Draws from N(mean, stddev²)."""
    return generator(seed).normal(mean, stddev, shape).astype(dtype or config.floatx())


def uniform(
    shape: tuple[int, ...],
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: DTypeLike | None = None,
    seed: int | SeedGenerator | None = None,
) -> Array:
    """Draws from the uniform distribution on [minval, maxval)."""
    return generator(seed).uniform(minval, maxval, shape).astype(dtype or config.floatx())


def truncated_normal(
    shape: tuple[int, ...],
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: DTypeLike | None = None,
    seed: int | SeedGenerator | None = None,
) -> Array:
    """Draws from N(mean, stddev²), where draws beyond two standard deviations are rejected."""
    rng, size = generator(seed), int(np.prod(shape))
    kept: list[Array] = []
    while sum(map(len, kept)) < size:
        draws = rng.normal(mean, stddev, size)
        kept.append(draws[np.abs(draws - mean) <= 2 * stddev])
    flat = np.concatenate(kept)[:size] if kept else np.empty(0)
    return flat.reshape(shape).astype(dtype or config.floatx())


def randint(
    shape: tuple[int, ...],
    minval: int,
    maxval: int,
    dtype: DTypeLike = "int32",
    seed: int | SeedGenerator | None = None,
) -> Array:
    """Whole numbers from [minval, maxval), all equally likely."""
    return generator(seed).integers(minval, maxval, shape).astype(dtype)


def shuffle(x: Array, axis: int = 0, seed: int | SeedGenerator | None = None) -> Array:
    """A copy of x whose slices along `axis` are in random order."""
    return generator(seed).permutation(x, axis=axis)


def gamma(
    shape: tuple[int, ...],
    alpha: Any,
    dtype: DTypeLike | None = None,
    seed: int | SeedGenerator | None = None,
) -> Array:
    """Draws from the gamma distribution of shape α and scale 1, whose mean is α."""
    return generator(seed).gamma(alpha, 1.0, shape).astype(dtype or config.floatx())


def beta(
    shape: tuple[int, ...],
    alpha: Any,
    beta: Any,
    dtype: DTypeLike | None = None,
    seed: int | SeedGenerator | None = None,
) -> Array:
    """Draws from the beta distribution, whose mean is α / (α + β)."""
    return generator(seed).beta(alpha, beta, shape).astype(dtype or config.floatx())


def binomial(
    shape: tuple[int, ...],
    counts: Any,
    probabilities: Any,
    dtype: DTypeLike | None = None,
    seed: int | SeedGenerator | None = None,
) -> Array:
    """How many of `counts` trials succeed, each with the given probability."""
    return generator(seed).binomial(counts, probabilities, shape).astype(dtype or config.floatx())


def categorical(
    logits: Any, num_samples: int, dtype: DTypeLike = "int32", seed: int | SeedGenerator | None = None
) -> Array:
    """Classes drawn with the probabilities softmax(logits): (batch, classes) to (batch, num_samples)."""
    z = np.asarray(logits)
    # argmax(z + Gumbel noise) is class k with probability softmax(z)[k]
    noise = generator(seed).gumbel(size=(z.shape[0], num_samples, z.shape[1]))
    return (z[:, None, :] + noise).argmax(axis=-1).astype(dtype)


def dropout(
    inputs: Any,
    rate: float,
    noise_shape: tuple[int | None, ...] | None = None,
    seed: int | SeedGenerator | None = None,
) -> Array:
    """Each number is 0 with probability `rate`, and otherwise divided by 1 − rate."""
    x = np.asarray(inputs)
    if rate >= 1:
        return np.zeros_like(x)
    shape = [m if n is None else n for n, m in zip(noise_shape or x.shape, x.shape, strict=True)]
    keep = generator(seed).uniform(size=shape) < 1 - rate
    return np.where(keep, x / (1 - rate), 0).astype(x.dtype)
