"""A learned vector for each of a set of numbered things, such as words; and masks of padded steps."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from minikeras import constraints, initializers, registry, regularizers
from minikeras.context import Context
from minikeras.errors import ShapeError, check_int
from minikeras.layers._order import reshaped
from minikeras.layers.base import Layer
from minikeras.numbers import sum_rows
from minikeras.typing import Array, Shape

MOST_ROUNDS = 64  # of additions to many sums at once; one more must fit into 8 bits
_ROUND_NUMBERS = np.arange(MOST_ROUNDS + 1)


class Embedding(Layer):
    """y[..., :] = embeddings[x[...]]: row number x of a table, (input_dim, output_dim).

    It is the same as a Dense layer without bias on one-hot rows, without making these.

    Args:
        input_dim: the number of rows: the greatest number in x, plus one.
        output_dim: the length of a row.
        embeddings_initializer: "uniform" by default, between -0.05 and 0.05.
        embeddings_regularizer: a penalty on the table.
        embeddings_constraint: a projection of the table after each update.
        mask_zero: whether 0 stands for padding: such steps are masked in the layers after.
        weights: the initial table, as an array or a list with one.
        **kwargs: those of `Layer`; `input_length` is accepted and ignored.

    Raises:
        ValueError: in a pass, for a number outside of 0 to input_dim − 1.
    """

    supports_masking = True
    casts_input = False  # numbers of rows stay integers

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.pop("input_length", None) is not None:
            warnings.warn("Argument `input_length` is deprecated. Just remove it.", stacklevel=2)
        super().__init__(**kwargs)
        self.input_dim = check_int(self, "input_dim", input_dim)
        self.output_dim = check_int(self, "output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = bool(mask_zero)
        self.initial_weights = weights
        if weights is not None:
            self.ensure_built((None,))

    def build(self, input_shape: Shape) -> None:
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim), self.embeddings_initializer, None, True,
            self.embeddings_regularizer, self.embeddings_constraint, "embeddings",
        )  # fmt: skip
        self.mark_built(input_shape)
        if self.initial_weights is not None:
            given = self.initial_weights
            self.set_weights(list(given) if isinstance(given, (list, tuple)) else [given])

    def get_config(self) -> dict[str, Any]:
        """The arguments but for `weights`, in Keras' order."""
        return {
            **self.base_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": registry.serialize(self.embeddings_initializer),
            "embeddings_regularizer": registry.serialize(self.embeddings_regularizer),
            "activity_regularizer": registry.serialize(self.activity_regularizer),
            "embeddings_constraint": registry.serialize(self.embeddings_constraint),
            "mask_zero": self.mask_zero,
        }

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.output_dim)

    def compute_mask(self, x: Any, mask: Array | None) -> Array | None:
        return np.not_equal(x, 0) if self.mask_zero else None

    def forward(self, x: Array, ctx: Context) -> Array:
        ids = x if x.dtype.kind in "iu" else x.astype("int32")
        self._check_range(ids)
        ctx.save(ids=ids)
        y = ctx.buffer("y", (*x.shape, self.output_dim), self.dtype)
        return np.take(self.embeddings.value, ids, axis=0, out=y, mode="clip")  # "clip" spares a copy

    def _check_range(self, ids: Array) -> None:
        if not ids.size or (ids.min() >= 0 and ids.max() < self.input_dim):
            return
        place = np.argwhere((ids < 0) | (ids >= self.input_dim))[0]
        where = ", ".join(map(str, place))
        raise ValueError(
            f"Input of {self.where()} holds {ids[tuple(place)]} at index ({where}), which is no row of the table.\n"
            f"  expected: integers from 0 to {self.input_dim - 1}, as input_dim={self.input_dim}\n"
            "  likely fix: input_dim = the greatest number + 1, or limit the vocabulary (num_words=...)"
        )

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        ids = ctx.saved("ids").reshape(-1)
        gradient = ctx.grad(self.embeddings)
        gradient.fill(0)
        values = reshaped(dy, (ids.size, self.output_dim), ctx, "dy")
        _set_sums(gradient, ids, values, ctx)
        return np.zeros(ctx.values["ids"].shape, self.dtype) if ctx.needs_dx else None  # a step function


def _set_sums(table: Array, ids: Array, values: Array, ctx: Context) -> None:
    """table[i] = the sum of all values[n] with ids[n] = i; rows that are no id's stay as they are.

    Sorted, equal ids lie together in runs. The first values of all runs are taken at once, then all
    second ones are added, and so on for some rounds; what is left of longer runs is summed up run by run.
    """
    order = ctx.buffer("order", ids.shape, np.intp)
    order[...] = _sorting_order(ids, len(table))
    in_order = np.take(ids, order, out=ctx.buffer("sorted", ids.shape, ids.dtype), mode="clip")
    bounds, by_length, lengths = _runs(in_order)
    shorter = np.searchsorted(lengths, _ROUND_NUMBERS, side="right")  # [i]: runs that i rounds are enough for
    rounds = int(np.argmin(_ROUND_NUMBERS - shorter))  # a round takes about as long as one run by itself
    few = shorter[rounds]
    starts = bounds[by_length]
    sums, more = ctx.buffer("sums", (2, *values.shape), values.dtype)
    sums = sums[: len(starts)]
    np.take(values, order[starts], axis=0, out=sums, mode="clip")
    for i in range(1, rounds):
        part = slice(shorter[i], few)
        sums[part] += np.take(values, order[starts[part] + i], axis=0, out=more[part], mode="clip")
    for run, total in zip(by_length[few:], sums[few:], strict=True):
        each = order[bounds[run] : bounds[run + 1]]
        sum_rows(np.take(values, each, axis=0, out=more[: len(each)], mode="clip"), out=total)
    table[in_order[starts]] = sums


def _runs(ids: Array) -> tuple[Array, Array, Array]:
    """Of sorted ids: where runs of equal ones begin and end; the runs by length; these lengths, up to a limit."""
    is_bound = np.ones(len(ids) + 1, bool)
    np.not_equal(ids[1:], ids[:-1], out=is_bound[1:-1])
    bounds = np.flatnonzero(is_bound)
    lengths = np.minimum(np.diff(bounds), MOST_ROUNDS + 1).astype("uint8")
    by_length = np.argsort(lengths, kind="stable")
    return bounds, by_length, lengths[by_length]


def _sorting_order(ids: Array, limit: int) -> Array:
    """The order that sorts whole numbers from 0 to limit - 1; equal ones stay in theirs.

    By digits of 16 bits, the last digit first: NumPy sorts these by counting, ten times as fast as by comparing.
    """
    order = np.argsort(ids.astype("uint16"), kind="stable")
    for digit in range(16, (limit - 1).bit_length(), 16):
        order = order[np.argsort((ids[order] >> digit).astype("uint16"), kind="stable")]
    return order


class Masking(Layer):
    """y = x, with the steps whose features are all `mask_value` masked, and set to zero.

    The layers after it that know of masks leave these steps out.

    Args:
        mask_value: what padding consists of.
        **kwargs: those of `Layer`.
    """

    supports_masking = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def check_input(self, input_shape: Shape) -> None:
        if len(input_shape) < 2:
            raise ShapeError(self.where(), "min_ndim=2, (batch, ..., features)", tuple(input_shape))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def compute_mask(self, x: Any, mask: Array | None) -> Array | None:
        found: Array = np.not_equal(x, self.mask_value).any(axis=-1)
        return found

    def forward(self, x: Array, ctx: Context) -> Array:
        keep = self.compute_mask(x, None)
        assert keep is not None
        ctx.save(keep=keep)
        return np.multiply(x, keep[..., None], out=ctx.buffer("y", x.shape, self.dtype))

    def backward(self, dy: Array, ctx: Context) -> Array:
        keep = ctx.saved("keep")
        return np.multiply(dy, keep[..., None], out=ctx.buffer("dx", dy.shape, self.dtype))
