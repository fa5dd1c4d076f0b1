"""Metrics between numbers: mean errors of several kinds, cosine similarity, and R², the variance explained.

An error is p − y, the prediction less the target. All but R² are the mean over the samples of a loss
function; R² compares the squared errors with those of always predicting the mean target.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from minikeras.errors import check_int, check_option
from minikeras.losses import cosine_similarity as negative_cosine
from minikeras.losses import (
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from minikeras.losses.base import as_float, squeeze_or_expand_to_same_rank
from minikeras.metrics.base import Metric, broadcast_weights
from minikeras.metrics.reduction import Mean, MeanMetricWrapper
from minikeras.typing import Array


class MeanSquaredError(MeanMetricWrapper):
    """The mean of (y − p)².

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
    """

    direction = "down"

    def __init__(self, name: str | None = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(mean_squared_error, name, dtype)


class MeanAbsoluteError(MeanMetricWrapper):
    """The mean of abs(y − p).

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
    """

    direction = "down"

    def __init__(self, name: str | None = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """The mean of 100 abs(y − p) / abs(y).

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
    """

    direction = "down"

    def __init__(self, name: str | None = "mean_absolute_percentage_error", dtype: Any = None) -> None:
        super().__init__(mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """The mean of (log(1 + y) − log(1 + p))².

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
    """

    direction = "down"

    def __init__(self, name: str | None = "mean_squared_logarithmic_error", dtype: Any = None) -> None:
        super().__init__(mean_squared_logarithmic_error, name, dtype)


class LogCoshError(MeanMetricWrapper):
    """The mean of log cosh(p − y).

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
    """

    direction = "down"

    def __init__(self, name: str | None = "logcosh", dtype: Any = None) -> None:
        super().__init__(log_cosh, name, dtype)


class RootMeanSquaredError(Mean):
    """√ of the mean of (y − p)² over all samples (not the mean of the batches' roots).

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
    """

    direction = "down"

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Add a batch.

        Raises:
            ShapeError: when targets, predictions or weights do not fit each other.
        """
        p = as_float(y_pred, None)
        y, p = squeeze_or_expand_to_same_rank(np.asarray(y_true, p.dtype), p)
        if y.shape != p.shape:
            raise self._mismatch("targets and predictions of one shape", y, p)
        super().update_state((p - y) ** 2, sample_weight)

    def result(self) -> float:
        """The root of the mean so far."""
        return math.sqrt(super().result())


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Array:
    """cos = Σ y·p / (|y| |p|) along the axis: plus, where the loss of this name is minus."""
    return -negative_cosine(y_true, y_pred, axis=axis)


class CosineSimilarity(MeanMetricWrapper):
    """The mean of cos = Σ y·p / (|y| |p|): 1 for the same direction, −1 for the opposite one.

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
        axis: the axis along which the vectors lie.
    """

    direction = "up"

    def __init__(self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(cosine_similarity, name, dtype, axis=axis)
        self.axis = axis


class R2Score(Metric):
    """R² = 1 − Σ w (y − p)² / Σ w (y − mean y)², for each column of the targets.

    1 is a perfect fit, 0 as good as the mean, less than 0 worse than that. Where a column's targets
    are all equal, R² is 0, or NaN when the predictions are equal to them too.

    Args:
        class_aggregation: how the columns' scores become one: "uniform_average",
            "variance_weighted_average", or None: an array of all.
        num_regressors: the number of predictors k; when not 0, the adjusted score
            1 − (1 − R²)(n − 1)/(n − k − 1), where n counts all numbers in the targets, as Keras does.
        name: what the logs call it.
        dtype: the type of a result that is an array.
    """

    direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype)
        options = (None, "uniform_average", "variance_weighted_average")
        self.class_aggregation = check_option(self, "class_aggregation", class_aggregation, options)
        self.num_regressors = check_int(self, "num_regressors", num_regressors, minimum=0)
        self.num_samples = self.add_variable(name="num_samples")
        self._built = False

    def _build(self, columns: int) -> None:
        # Sums are taken of d = y − origin, so that targets far from zero lose no digits. The origin
        # is the first row of targets: then targets that are all equal have exactly no variance.
        self.origin = self.add_variable((columns,), name="origin")
        self.sum = self.add_variable((columns,), name="sum")  # Σ w d
        self.squared_sum = self.add_variable((columns,), name="squared_sum")  # Σ w d²
        self.total_mse = self.add_variable((columns,), name="residual")  # Σ w (y − p)²
        self.count = self.add_variable((columns,), name="count")  # Σ w
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch of shape (samples, columns).

        Raises:
            ShapeError: when the inputs are not 2-D or do not fit each other.
        """
        y, p = squeeze_or_expand_to_same_rank(np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64))
        if y.ndim != 2 or y.shape != p.shape:
            raise self._mismatch("2D inputs with shape (batch_size, output_dim), the same for both", y, p)
        if not self._built:
            self._build(y.shape[1])
        if y.shape[1:] != self.sum.shape:
            raise self._mismatch(f"{self.sum.size} columns, as in the first batch", y, p)
        w = np.asarray(1.0 if sample_weight is None else sample_weight, np.float64)
        w = broadcast_weights(w[:, None] if w.ndim == 1 else w, y.shape)
        if len(y) and not self.num_samples.value:
            self.origin.assign(y[0])
        d = y - self.origin.value
        self.sum.value += (w * d).sum(axis=0)
        self.squared_sum.value += (w * d * d).sum(axis=0)
        self.total_mse.value += (w * (y - p) ** 2).sum(axis=0)
        self.count.value += w.sum(axis=0)
        self.num_samples.value += y.size

    def result(self) -> Any:
        """R² so far, 0 without any batch."""
        if not self._built:
            return 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            variation = self.squared_sum.value - self.sum.value**2 / self.count.value
            ratio = self.total_mse.value / variation
            scores: Any = np.where(np.isinf(ratio), 0.0, 1 - ratio)
            if self.class_aggregation == "uniform_average":
                scores = np.mean(scores)
            elif self.class_aggregation == "variance_weighted_average":
                scores = np.sum(variation * scores) / np.sum(variation)
        return self._read_out(self._adjusted(scores))

    def _adjusted(self, score: Any) -> Any:
        n, k = float(self.num_samples.value), self.num_regressors
        if not k:
            return score
        if k >= n - 1:
            reason = "Division by zero" if k == n - 1 else "More independent predictors than datapoints"
            message = f"{reason} in adjusted R2 score. Falling back to standard R2 score."
            warnings.warn(message, stacklevel=3)
            return score
        return 1 - (1 - score) * (n - 1) / (n - k - 1)
