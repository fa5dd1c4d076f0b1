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
from minikeras.typing import Array, Shape

ROUNDS = 4  # `np.add.reduceat` takes half a microsecond for each run, however short


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
        _add_rows(gradient, ids, values, ctx.buffer("rows", (2, *values.shape), self.dtype))
        return np.zeros(ctx.values["ids"].shape, self.dtype) if ctx.needs_dx else None  # a step function


def _add_rows(table: Array, ids: Array, values: Array, scratch: Array) -> None:
    """table[ids[i]] += values[i] for all i, also where an id comes several times; the table holds zeros before.

    Sorted, equal ids lie together. The first of each are put into the table in one go, then the second of
    each are added, and so on; few ids come more than ROUNDS times, and theirs are summed up run by run.
    """
    order = np.argsort(ids, kind="stable")
    ids = ids[order]
    for i in range(ROUNDS):
        if not len(ids):
            return
        first = _starts(ids)
        rows = ids[first]  # each once
        found, held = scratch[:, : len(rows)]
        np.take(values, order[first], axis=0, out=found, mode="clip")
        if i:
            found += np.take(table, rows, axis=0, out=held, mode="clip")
        table[rows] = found
        order, ids = order[~first], ids[~first]
    if len(ids):
        starts = np.flatnonzero(_starts(ids))
        rows = ids[starts]
        found = np.take(values, order, axis=0, out=scratch[0, : len(order)], mode="clip")
        sums = np.add.reduceat(found, starts, axis=0, out=scratch[1, : len(starts)])
        sums += np.take(table, rows, axis=0, out=scratch[0, : len(rows)], mode="clip")
        table[rows] = sums


def _starts(ids: Array) -> Array:
    """Where a run of equal ids begins."""
    starts = np.ones(len(ids), bool)
    np.not_equal(ids[1:], ids[:-1], out=starts[1:])
    return starts


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
