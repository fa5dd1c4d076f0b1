"""The best point of a trade-off: one rate, where another is at least as good as demanded.

Moving the threshold trades misses for false alarms. Each of these metrics tries many thresholds,
keeps those that meet the demand on the one rate, and gives the best of the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.errors import check_int, check_number
from minikeras.metrics.base import divide_no_nan
from minikeras.metrics.confusion import ThresholdMetric, inner_thresholds
from minikeras.typing import Array


class _BestUnderConstraint(ThresholdMetric):
    """The greatest of one rate over the thresholds where another is at least a given value."""

    direction = "up"

    def _set_up(self, num_thresholds: int, class_id: int | None) -> None:
        self.num_thresholds = check_int(self, "num_thresholds", num_thresholds)
        self.class_id = class_id
        if num_thresholds == 1:
            self.set_thresholds([0.5])
        else:
            self.set_thresholds([0.0, *inner_thresholds(num_thresholds), 1.0], even=True)
        self.make_histogram()

    @staticmethod
    def _best(rate: Array, constrained: Array, value: float) -> float:
        return float(np.max(np.where(constrained >= value, rate, 0), initial=0))


class SensitivityAtSpecificity(_BestUnderConstraint):
    """The best TP/(TP + FN) where TN/(TN + FP) ≥ specificity; 0 where that is out of reach.

    Args:
        specificity: the demand, in [0, 1].
        num_thresholds: how many thresholds, evenly from 0 to 1, are tried.
        class_id: only this column counts.
        name: what the logs call it.
        dtype: has no influence on a single number.

    Raises:
        ValueError: for a demand outside [0, 1] or no thresholds.
    """

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype)
        self.specificity = check_number(self, "specificity", specificity, 0, 1)
        self._set_up(num_thresholds, class_id)

    def result(self) -> float:
        """The best sensitivity so far."""
        tp, fp, tn, fn = self.counts()
        return self._best(divide_no_nan(tp, tp + fn), divide_no_nan(tn, tn + fp), self.specificity)


class SpecificityAtSensitivity(_BestUnderConstraint):
    """The best TN/(TN + FP) where TP/(TP + FN) ≥ sensitivity; 0 where that is out of reach.

    Args:
        sensitivity: the demand, in [0, 1].
        num_thresholds: how many thresholds, evenly from 0 to 1, are tried.
        class_id: only this column counts.
        name: what the logs call it.
        dtype: has no influence on a single number.

    Raises:
        ValueError: for a demand outside [0, 1] or no thresholds.
    """

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype)
        self.sensitivity = check_number(self, "sensitivity", sensitivity, 0, 1)
        self._set_up(num_thresholds, class_id)

    def result(self) -> float:
        """The best specificity so far."""
        tp, fp, tn, fn = self.counts()
        return self._best(divide_no_nan(tn, tn + fp), divide_no_nan(tp, tp + fn), self.sensitivity)


class PrecisionAtRecall(_BestUnderConstraint):
    """The best TP/(TP + FP) where TP/(TP + FN) ≥ recall; 0 where that is out of reach.

    Args:
        recall: the demand, in [0, 1].
        num_thresholds: how many thresholds, evenly from 0 to 1, are tried.
        class_id: only this column counts.
        name: what the logs call it.
        dtype: has no influence on a single number.

    Raises:
        ValueError: for a demand outside [0, 1] or no thresholds.
    """

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype)
        self.recall = check_number(self, "recall", recall, 0, 1)
        self._set_up(num_thresholds, class_id)

    def result(self) -> float:
        """The best precision so far."""
        tp, fp, _, fn = self.counts()
        return self._best(divide_no_nan(tp, tp + fp), divide_no_nan(tp, tp + fn), self.recall)


class RecallAtPrecision(_BestUnderConstraint):
    """The best TP/(TP + FN) where TP/(TP + FP) ≥ precision; 0 where that is out of reach.

    Args:
        precision: the demand, in [0, 1].
        num_thresholds: how many thresholds, evenly from 0 to 1, are tried.
        class_id: only this column counts.
        name: what the logs call it.
        dtype: has no influence on a single number.

    Raises:
        ValueError: for a demand outside [0, 1] or no thresholds.
    """

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype)
        self.precision = check_number(self, "precision", precision, 0, 1)
        self._set_up(num_thresholds, class_id)

    def result(self) -> float:
        """The best recall so far."""
        tp, fp, _, fn = self.counts()
        return self._best(divide_no_nan(tp, tp + fn), divide_no_nan(tp, tp + fp), self.precision)
