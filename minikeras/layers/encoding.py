"""Numbers of categories as rows of zeros, ones and counts; and numbers sorted into bins.

None of these layers has a derivative: a small change of the input changes nothing, until it
changes everything. So they stand first in a model, before all that is trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras.config import floatx
from minikeras.context import Context
from minikeras.errors import check_int, check_number, check_option
from minikeras.layers._batches import each_batch
from minikeras.layers.base import Layer
from minikeras.typing import Array, DType, Shape

MODES = ("int", "one_hot", "multi_hot", "count")


class Encoder(Layer):
    """The base of layers that turn what comes in, numbers or text, into numbers of categories.

    `output_mode` says how these come out: "int" as they are; "one_hot" each as a row with a single
    one; "multi_hot" and "count" a row for each sample, with ones for what is in it, or how often.
    """

    casts_input = False
    output_mode: str

    def depth(self) -> int | None:
        """The length of a row."""
        raise NotImplementedError

    def output_type(self) -> DType:
        """The type of the output: the layer's, and integers in mode "int"."""
        return self.dtype if self.output_mode != "int" else np.dtype("int64")

    def compute_output_shape(self, input_shape: Shape) -> Any:
        return encoded_shape(input_shape, self.output_mode, self.depth())

    def backward(self, dy: Array, ctx: Context) -> None:
        ctx.saved()
        if ctx.needs_dx:
            raise TypeError(
                f"{self.where()} has no gradient: its output is a step function of its input.\n"
                "  likely fix: let it stand before all layers that are trained, or apply it to the data first"
            )


def encoded_shape(shape: Shape, mode: str, depth: int | None) -> Shape:
    """The shape of what `encode` returns."""
    shape = tuple(shape)
    if mode == "int":
        return shape
    if mode == "one_hot":
        return (*(shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape), depth)
    return (*shape[:1], *shape[2:], depth) if len(shape) > 1 else (depth,)


def encode(indices: Array, mode: str, depth: int, dtype: DType, weights: Array | None = None) -> Array:
    """Numbers of categories in one of the `MODES`; numbers outside of 0 to depth − 1 leave no mark.

    Args:
        indices: integers, (samples, n). Without the first axis they are one sample.
        mode: see `Encoder`.
        depth: the length of a row.
        dtype: of the result.
        weights: what each number adds to its count, instead of 1.
    """
    if mode == "int":
        return indices.astype(dtype)
    shape = encoded_shape(indices.shape, mode, depth)
    if mode != "one_hot" and indices.ndim > 2:
        indices = np.moveaxis(indices, 1, -1)  # what is counted, last
        weights = None if weights is None else np.moveaxis(weights, 1, -1)
    per_row = 1 if mode == "one_hot" or not indices.ndim else indices.shape[-1]
    flat = indices.reshape(-1)
    rows = np.repeat(np.arange(flat.size // per_row if per_row else 0), per_row)
    known = (flat >= 0) & (flat < depth)
    y: Array = np.zeros([n or 0 for n in shape], dtype)
    table = y.reshape(-1, depth)  # (rows, depth)
    if mode == "count":
        np.add.at(table, (rows[known], flat[known]), 1 if weights is None else weights.reshape(-1)[known])
    else:
        table[rows[known], flat[known]] = 1
    return y


class CategoryEncoding(Encoder):
    """y[n, k] = 1 if k is among x[n, :], else 0 (or how often it is): numbers of categories as rows.

    Args:
        num_tokens: how many categories there are; x holds whole numbers from 0 to num_tokens − 1.
        output_mode: "multi_hot"; "count", how often; or "one_hot", a row for each number in x.
        sparse: must be False, as there are no sparse arrays.
        **kwargs: those of `Layer`.

    Raises:
        ValueError: in a pass, for a number outside of 0 to num_tokens − 1.
    """

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: str = "multi_hot",
        sparse: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        output_mode = "multi_hot" if output_mode == "binary" else output_mode
        self.num_tokens = check_int(self, "num_tokens", num_tokens)
        self.output_mode = check_option(self, "output_mode", output_mode, MODES[1:])
        self.sparse = check_option(self, "sparse", sparse, (False,))

    def depth(self) -> int:
        return self.num_tokens

    def forward(self, x: Array, ctx: Context) -> Array:
        return self._encode(x, None, ctx)

    def _encode(self, x: Array, weights: Array | None, ctx: Context) -> Array:
        outside = (x < 0) | (x >= self.num_tokens)
        if outside.any():
            place = tuple(int(i) for i in np.argwhere(outside)[0])
            raise ValueError(
                f"Input of {self.where()} holds {x[place]} at index {place}, which is no category.\n"
                f"  expected: whole numbers from 0 to {self.num_tokens - 1}, as num_tokens={self.num_tokens}\n"
                "  likely fix: num_tokens = the greatest number + 1, or IntegerLookup for other numbers"
            )
        ctx.save()
        return encode(x.astype("int64"), self.output_mode, self.num_tokens, self.dtype, weights)

    def __call__(  # type: ignore[override]  # Keras' order of arguments
        self,
        x: Any,
        count_weights: Any = None,
        training: bool | None = False,
        mask: Array | None = None,
    ) -> Array:
        """The encoded numbers.

        Args:
            x: whole numbers, (batch, n); one sample without the batch axis.
            count_weights: in mode "count" what each number adds to its count, in the shape of x.
            training: has no effect.
            mask: has no effect.
        """
        if count_weights is None:
            return super().__call__(x, training, mask)
        if self.output_mode != "count":
            raise ValueError(
                "`count_weights` is not used when `output_mode` is not `'count'`. "
                f"Received: output_mode={self.output_mode!r}"
            )
        x, weights = self.cast_input(x), np.asarray(count_weights, self.dtype)
        self.ensure_built(x.shape)
        return self._encode(x, np.broadcast_to(weights, x.shape), Context(recording=False))

    def get_config(self) -> dict[str, Any]:
        """Keras' keys; `sparse` is not among them."""
        return {**self.base_config(), "num_tokens": self.num_tokens, "output_mode": self.output_mode}


class Discretization(Encoder):
    """y = the number of boundaries that are not above x: the bin that x lies in.

    Bin 0 is below the first boundary, bin k from boundary k − 1 up to, but without, boundary k.
    Without boundaries, `adapt` finds such that all bins hold about the same number of samples.

    Args:
        bin_boundaries: the boundaries, in ascending order.
        num_bins: how many bins `adapt` is to make; give either this or `bin_boundaries`.
        epsilon: how exact the boundaries are, as a share of the samples: 1/epsilon values are kept.
        output_mode: "int" (int32), "one_hot", "multi_hot" or "count"; see `Encoder`.
        sparse: must be False, as there are no sparse arrays.
        dtype: of the rows in the other modes than "int".
        name: of the layer.
    """

    def __init__(
        self,
        bin_boundaries: Sequence[float] | None = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if (bin_boundaries is None) == (num_bins is None):
            raise ValueError(
                "Discretization needs exactly one of `bin_boundaries` and `num_bins`. Received: "
                f"bin_boundaries={bin_boundaries}, num_bins={num_bins}"
            )
        self.num_bins = None if num_bins is None else check_int(self, "num_bins", num_bins)
        self.epsilon = check_number(self, "epsilon", epsilon, 1e-6, 1)
        self.output_mode = check_option(self, "output_mode", output_mode, MODES)
        self.sparse = check_option(self, "sparse", sparse, (False,))
        self.bin_boundaries = None if bin_boundaries is None else self._checked(bin_boundaries)
        self._summary: Array | None = None

    def _checked(self, boundaries: Any) -> list[float]:
        found = np.asarray(boundaries, "float64")
        if found.ndim != 1 or (np.diff(found) < 0).any():
            raise ValueError(
                "Discretization: `bin_boundaries` must be numbers in ascending order. "
                f"Received: bin_boundaries={boundaries}"
            )
        return [float(b) for b in found]

    def depth(self) -> int:
        if self.bin_boundaries is not None:
            return len(self.bin_boundaries) + 1
        assert self.num_bins is not None
        return self.num_bins

    def output_type(self) -> DType:
        return self.dtype if self.output_mode != "int" else np.dtype("int32")

    def adapt(self, data: Any, steps: int | None = None) -> None:
        """Find boundaries between bins of about equal numbers of samples.

        Args:
            data: an array, or an iterable of batches.
            steps: at most so many batches.

        Raises:
            ValueError: when `bin_boundaries` were given.
        """
        if self.num_bins is None:
            raise ValueError(
                "Cannot adapt a Discretization layer that has been initialized with `bin_boundaries`, use "
                "`num_bins` instead."
            )
        self.reset_state()
        for batch in each_batch(data, steps):
            self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Any) -> None:
        """Take one more batch into account."""
        values = np.sort(self.cast_input(data).astype("float32"), axis=None)
        step = max(values.size * self.epsilon, 1.0)  # every so many values stand for all
        kept = values[int(step - 1) :: int(step)]
        summary = np.stack(
            [kept, np.full_like(kept, step)]
        )  # (2, values kept): the values, what each stands for
        if self._summary is not None:
            summary = np.concatenate((summary, self._summary), axis=1)
        self._summary = _compress(summary[:, np.argsort(summary[0])], self.epsilon)

    def finalize_state(self) -> None:
        """Make the boundaries from the batches so far."""
        if self.num_bins is None or self._summary is None:
            return
        boundaries = _compress(self._summary, 1 / self.num_bins)[0, :-1]
        self.bin_boundaries = [float(b) for b in boundaries]

    def reset_state(self) -> None:
        """Forget the batches so far."""
        self._summary = None

    def forward(self, x: Array, ctx: Context) -> Array:
        if self.bin_boundaries is None:
            raise ValueError(
                f"{self.where()} has no boundaries yet: give `bin_boundaries`, or call `adapt(data)` first."
            )
        ctx.save()
        x = x.astype(floatx())
        bins = np.digitize(x, np.asarray(self.bin_boundaries, x.dtype))
        return encode(bins, self.output_mode, self.depth(), self.output_type())

    def get_config(self) -> dict[str, Any]:
        """Keras' keys; what `adapt` found stands there as `bin_boundaries`."""
        return {
            "bin_boundaries": self.bin_boundaries,
            "num_bins": self.num_bins,
            "epsilon": self.epsilon,
            "output_mode": self.output_mode,
            "sparse": self.sparse,
            "name": self.name,
            "dtype": self.dtype.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Discretization:
        """A new layer, with the boundaries that `adapt` had found."""
        config = dict(config)
        found = config["bin_boundaries"] if config.get("num_bins") is not None else None
        if found is not None:
            del config["bin_boundaries"]
        layer = super().from_config(config)
        if found is not None:
            layer.bin_boundaries = [float(b) for b in found]
        return layer


def _compress(summary: Array, epsilon: float) -> Array:
    """1/epsilon values, at equal steps of the cumulated weights, that stand for all given ones."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    cumulated = summary[1].cumsum()
    values = np.interp(shares, cumulated / cumulated[-1], summary[0])
    weights = np.interp(shares, cumulated / cumulated[-1], cumulated)
    return np.stack((values, np.diff(weights, prepend=0))).astype("float32")
