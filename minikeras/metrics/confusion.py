"""Hits and misses of yes-no predictions: true and false positives and negatives, precision, recall.

A prediction is a "yes" where it is greater than a threshold, and there may be many thresholds at
once. So the state is a histogram: for negatives and for positives, the weight of the samples that
exceed exactly 0, 1, 2 ... of the (sorted) thresholds. Summing it from above gives the counts at
every threshold, at a cost that does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras import config
from minikeras.errors import check_int, check_number
from minikeras.losses.base import squeeze_or_expand_to_same_rank
from minikeras.metrics.base import Metric, broadcast_weights, divide_no_nan
from minikeras.typing import Array

LOWEST = -1e10  # what predictions outside the top k are set to, and the threshold that goes with it


class ThresholdMetric(Metric):
    """A metric made of the counts at one or several thresholds.

    A subclass calls `set_thresholds` in its constructor; after that `grid` holds the thresholds and
    `counts` the true and false positives and negatives at each.
    """

    top_k: int | None = None
    class_id: int | None = None

    def set_thresholds(self, thresholds: Sequence[float], even: bool | None = None) -> None:
        """Fix the thresholds; `even` says that, but for tiny margins at the ends, they are i/(n − 1)."""
        self.grid: Array = np.asarray(thresholds, np.float32)
        self._sorted = np.sort(self.grid)
        self._places = np.searchsorted(self._sorted, self.grid)  # back to the order that was given
        self._even = is_even(self.grid) if even is None else even
        self._columns: tuple[int, ...] = ()  # (labels,) when each column has counts of its own

    def make_histogram(self) -> None:
        """Make the state: weights by column (if any), by class, and by how many thresholds are exceeded."""
        self.histogram = self.add_variable((*self._columns, 2, self.grid.size + 1), name="histogram")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Args:
            y_true: 0 or 1 (whatever is not 0), in the shape of `y_pred`.
            y_pred: mostly probabilities.
            sample_weight: a weight per sample, or per element.

        Raises:
            ShapeError: when they do not fit each other.
        """
        y, p = self.align(y_true, y_pred)
        self.add(y != 0, p, None if sample_weight is None else self.spread(sample_weight, p.shape))

    def align(self, y_true: Any, y_pred: Any) -> tuple[Array, Array]:
        """Targets and predictions in one shape, only the top k and the one class if so asked."""
        p = np.asarray(y_pred).astype(np.float32, copy=False)
        y, p = squeeze_or_expand_to_same_rank(np.asarray(y_true), p)
        if y.shape != p.shape:
            fix = "integer class labels must be one-hot encoded first: to_categorical(y)"
            raise self._mismatch("targets and predictions of one shape", y, p, fix)
        if self.top_k is not None:
            if self.top_k > p.shape[-1]:
                raise self._mismatch(f"at least top_k={self.top_k} predictions in a row", y, p)
            best = np.argsort(-p, axis=-1, kind="stable")[..., : self.top_k]  # of equals the first
            kept = np.full_like(p, LOWEST)
            np.put_along_axis(kept, best, np.take_along_axis(p, best, axis=-1), axis=-1)
            p = kept
        if self.class_id is not None:
            if p.ndim < 2 or not -p.shape[-1] <= self.class_id < p.shape[-1]:
                raise self._mismatch(f"rows of classes with a class_id={self.class_id} among them", y, p)
            y, p = y[..., self.class_id, None], p[..., self.class_id, None]
        return y, p

    def spread(self, sample_weight: Any, shape: tuple[int, ...]) -> Array:
        """The weights in the shape of the predictions; a sample's weight goes to all its elements."""
        w = np.asarray(sample_weight, np.float64)
        if w.ndim == len(shape) + 1 and w.shape[-1] == 1:
            w = w[..., 0]
        return broadcast_weights(w.reshape(w.shape + (1,) * (len(shape) - w.ndim)), shape)

    def add(self, is_positive: Array, p: Array, weights: Array | None) -> None:
        """Add elements to the histogram."""
        bins = self.grid.size + 1
        index = self.exceeded(p) + bins * is_positive  # where in the flat histogram each one goes
        if self._columns:
            index = index + 2 * bins * np.arange(self._columns[0])
        shape = self.histogram.shape
        flat = None if weights is None else weights.ravel()
        self.histogram.value += np.bincount(index.ravel(), flat, self.histogram.size).reshape(shape)

    def exceeded(self, p: Array) -> Array:
        """How many of the thresholds each prediction is greater than; NaN exceeds none."""
        if self._even:
            p = np.where(p > 0, np.minimum(p, 1), 0)
            above = np.ceil(p * np.float32(self.grid.size - 1)).astype(np.intp)
            return np.maximum(above, 1) if self._sorted[0] < 0 else above
        above = np.searchsorted(self._sorted, p)
        above[np.isnan(p)] = 0
        return above

    def counts(self) -> tuple[Array, Array, Array, Array]:
        """True positives, false positives, true negatives, false negatives at each threshold.

        Shape (thresholds,) each, or (labels, thresholds).
        """
        above = self.histogram.value[..., ::-1].cumsum(axis=-1)[..., ::-1]
        everyone, yes = above[..., :1], above[..., 1:][..., self._places]
        no = everyone - yes
        return yes[..., 1, :], yes[..., 0, :], no[..., 0, :], no[..., 1, :]

    @property
    def true_positives(self) -> Array:
        """The weight of positives above each threshold."""
        return self.counts()[0]

    @property
    def false_positives(self) -> Array:
        """The weight of negatives above each threshold."""
        return self.counts()[1]

    @property
    def true_negatives(self) -> Array:
        """The weight of negatives not above each threshold."""
        return self.counts()[2]

    @property
    def false_negatives(self) -> Array:
        """The weight of positives not above each threshold."""
        return self.counts()[3]

    def one_or_all(self, values: Array) -> Any:
        """A float for a single threshold, else an array with one value for each."""
        return self._read_out(values[0] if values.size == 1 else values)


def is_even(thresholds: Array) -> bool:
    """Whether the thresholds are i/(n − 1), at least three of them."""
    n = len(thresholds)
    return n > 2 and np.allclose(thresholds, np.arange(n) / (n - 1), atol=config.epsilon())


def inner_thresholds(n: int) -> list[float]:
    """1/(n − 1), 2/(n − 1) ... (n − 2)/(n − 1)."""
    return [i / (n - 1) for i in range(1, n - 1)]


def parse_thresholds(owner: Metric, thresholds: Any, default: float) -> list[float]:
    """One or several thresholds as a list.

    Raises:
        ValueError: when one is no number in [0, 1].
    """
    if thresholds is None:
        return [default]
    given = list(thresholds) if np.ndim(thresholds) else [thresholds]
    return [check_number(owner, "thresholds", t, 0, 1) for t in given]


class _Count(ThresholdMetric):
    """The weight of the samples in one cell of the confusion matrix."""

    cell = 0  # its place among `counts`

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name, dtype)
        self.thresholds = thresholds
        self.set_thresholds(parse_thresholds(self, thresholds, 0.5))
        self.make_histogram()

    def result(self) -> Any:
        """The count so far, or one for each threshold."""
        return self.one_or_all(self.counts()[self.cell])


class TruePositives(_Count):
    """The weight of the positives that are predicted positive.

    Args:
        thresholds: predictions greater than it mean "yes"; 0.5 when None. A list gives a count for each.
        name: what the logs call it.
        dtype: the type of a result that is an array.

    Raises:
        ValueError: for a threshold outside [0, 1].
    """

    cell = 0


class FalsePositives(_Count):
    """The weight of the negatives that are predicted positive.

    Args:
        thresholds: predictions greater than it mean "yes"; 0.5 when None. A list gives a count for each.
        name: what the logs call it.
        dtype: the type of a result that is an array.

    Raises:
        ValueError: for a threshold outside [0, 1].
    """

    cell = 1


class TrueNegatives(_Count):
    """The weight of the negatives that are predicted negative.

    Args:
        thresholds: predictions greater than it mean "yes"; 0.5 when None. A list gives a count for each.
        name: what the logs call it.
        dtype: the type of a result that is an array.

    Raises:
        ValueError: for a threshold outside [0, 1].
    """

    cell = 2


class FalseNegatives(_Count):
    """The weight of the positives that are predicted negative.

    Args:
        thresholds: predictions greater than it mean "yes"; 0.5 when None. A list gives a count for each.
        name: what the logs call it.
        dtype: the type of a result that is an array.

    Raises:
        ValueError: for a threshold outside [0, 1].
    """

    cell = 3


class _Ratio(ThresholdMetric):
    """A ratio of counts: the common constructor of precision and recall."""

    direction = "up"

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype)
        self.thresholds = thresholds
        self.top_k = None if top_k is None else check_int(self, "top_k", top_k)
        self.class_id = class_id
        self.set_thresholds(parse_thresholds(self, thresholds, 0.5 if top_k is None else LOWEST))
        self.make_histogram()


class Precision(_Ratio):
    """TP / (TP + FP): how many of the "yes" are right; 0 when there are none.

    Args:
        thresholds: predictions greater than it mean "yes"; 0.5 when None. A list gives a value for each.
        top_k: only the k greatest of each row can be "yes" (and all of them are, without `thresholds`).
        class_id: only this column counts.
        name: what the logs call it.
        dtype: the type of a result that is an array.

    Raises:
        ValueError: for a threshold outside [0, 1].
    """

    def result(self) -> Any:
        """The precision so far, or one for each threshold."""
        tp, fp, _, _ = self.counts()
        return self.one_or_all(divide_no_nan(tp, tp + fp))


class Recall(_Ratio):
    """TP / (TP + FN): how many of the positives are found; 0 when there are none.

    Args:
        thresholds: predictions greater than it mean "yes"; 0.5 when None. A list gives a value for each.
        top_k: only the k greatest of each row can be "yes" (and all of them are, without `thresholds`).
        class_id: only this column counts.
        name: what the logs call it.
        dtype: the type of a result that is an array.

    Raises:
        ValueError: for a threshold outside [0, 1].
    """

    def result(self) -> Any:
        """The recall so far, or one for each threshold."""
        tp, _, _, fn = self.counts()
        return self.one_or_all(divide_no_nan(tp, tp + fn))
