"""The area under a curve of thresholds.

Moving the threshold from 1 to 0 trades misses for false alarms. The ROC curve shows recall against
the rate of false alarms, the PR curve precision against recall. An area of 1 is a perfect ranking;
under the ROC curve, 1/2 is guessing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras import config
from minikeras.activations.smooth import sigmoid_of
from minikeras.errors import check_int, check_option
from minikeras.losses.base import as_float
from minikeras.metrics.base import broadcast_weights, divide_no_nan
from minikeras.metrics.confusion import ThresholdMetric, inner_thresholds, is_even
from minikeras.typing import Array


class AUC(ThresholdMetric):
    """The area under the ROC or PR curve, ∫ y dx, from counts at `num_thresholds` thresholds.

    Args:
        num_thresholds: thresholds at −ε, 1/(n − 1), 2/(n − 1), ..., 1 + ε.
        curve: "ROC" (recall over false positive rate), "PR" (precision over recall) or "PRGAIN".
        summation_method: "interpolation" (trapezoids; for PR the curve of Davis & Goadrich),
            "minoring" or "majoring" (rectangles below or above).
        name: what the logs call it.
        dtype: has no influence on a single number.
        thresholds: the thresholds between the two ends, in place of `num_thresholds`.
        multi_label: an area for each column, then their mean; else all elements are thrown together.
        num_labels: the number of columns, if it is to be checked from the start.
        label_weights: a weight per column: of its area (multi_label), else of its elements.
        from_logits: predictions are z, and the probability is σ(z).

    Raises:
        ValueError: for fewer than two thresholds, an unknown curve or method, or `num_labels` without
            `multi_label`.

    Source: Davis and Goadrich, "The Relationship Between Precision-Recall and ROC Curves", 2006;
    Flach and Kull, "Precision-Recall-Gain Curves", 2015.
    """

    direction = "up"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(name, dtype)
        self.num_thresholds = check_int(self, "num_thresholds", num_thresholds, minimum=2)
        self.curve = check_option(self, "curve", str(curve).upper(), ("ROC", "PR", "PRGAIN"))
        methods = ("interpolation", "minoring", "majoring")
        self.summation_method = check_option(self, "summation_method", str(summation_method).lower(), methods)
        self.thresholds = None if thresholds is None else sorted(float(t) for t in thresholds)
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = label_weights
        self.from_logits = from_logits
        inner = inner_thresholds(num_thresholds) if self.thresholds is None else self.thresholds
        even = self.thresholds is None or is_even(np.array([0.0, *inner, 1.0]))
        eps = config.epsilon()  # so that predictions of exactly 0 and 1 fall between the ends
        self.set_thresholds([-eps, *inner, 1 + eps], even)
        if not multi_label:
            if num_labels:
                raise ValueError("AUC: `num_labels` is needed only when `multi_label` is True.")
            self.make_histogram()
        elif num_labels:
            self._columns = (num_labels,)
            self.make_histogram()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch.

        Raises:
            ShapeError: when targets, predictions, weights or labels do not fit each other.
        """
        y, p = self.align(y_true, sigmoid_of(as_float(y_pred, None)) if self.from_logits else y_pred)
        if self.multi_label:
            if p.ndim != 2 or self._columns not in ((), p.shape[1:]):
                labels = self._columns[0] if self._columns else "labels"
                raise self._mismatch(f"y_pred of rank 2, (batch_size, {labels}), as multi_label=True", y, p)
            if not self._columns:
                self._columns = p.shape[1:]
                self.make_histogram()
        weights: Array | None = None if sample_weight is None else self.spread(sample_weight, p.shape)
        if self.label_weights is not None and not self.multi_label:
            own = broadcast_weights(np.asarray(self.label_weights, np.float64), p.shape)
            weights = own if weights is None else weights * own
        self.add(y != 0, p, weights)

    def result(self) -> float:
        """The area so far; with several labels their mean."""
        if self.multi_label and not self._columns:
            return 0.0
        if self.curve == "PR" and self.summation_method == "interpolation":
            area = self._interpolated_pr_area()
        else:
            x, y = self._points()  # (..., thresholds), x falling
            if self.summation_method == "interpolation":
                heights = (y[..., :-1] + y[..., 1:]) / 2
            else:
                pick = np.minimum if self.summation_method == "minoring" else np.maximum
                heights = pick(y[..., :-1], y[..., 1:])
            area = np.sum((x[..., :-1] - x[..., 1:]) * heights, axis=-1)
        if not self.multi_label:
            return float(area)
        if self.label_weights is None:
            return float(np.mean(area))
        weights = np.asarray(self.label_weights, np.float64)
        return float(divide_no_nan(np.sum(area * weights), np.sum(weights)))

    def _points(self) -> tuple[Array, Array]:
        """The curve's x and y at each threshold."""
        tp, fp, tn, fn = self.counts()
        recall = divide_no_nan(tp, tp + fn)
        if self.curve == "ROC":
            return divide_no_nan(fp, fp + tn), recall
        if self.curve == "PR":
            return recall, divide_no_nan(tp, tp + fp)
        # Gains: 1 − (positives/negatives)·FN/TP and 1 − (positives/negatives)·FP/TP. Without true
        # positives they are set to 0 and 1; a recall gain below 0 is set to 0.
        odds = divide_no_nan(tp + fn, tn + fp)
        recall_gain = np.where(tp == 0, 0, np.maximum(1 - odds * divide_no_nan(fn, tp), 0))
        precision_gain = np.where(tp == 0, 1, 1 - odds * divide_no_nan(fp, tp))
        return recall_gain, precision_gain

    def _interpolated_pr_area(self) -> Array:
        """∫ precision d(recall), with TP and P = TP + FP both linear between two thresholds.

        With slope s = dTP/dP and TP = s·P + c, the precision is TP/P = s + c/P, and a step from P_b
        up to P_a adds ∫ (s + c/P) s dP / positives = s (dTP + c log(P_a/P_b)) / positives.
        """
        tp, fp, _, fn = self.counts()
        p = tp + fp
        dtp, dp = tp[..., :-1] - tp[..., 1:], p[..., :-1] - p[..., 1:]
        slope = divide_no_nan(dtp, dp)
        intercept = tp[..., 1:] - slope * p[..., 1:]
        both = (p[..., :-1] > 0) & (p[..., 1:] > 0)  # where P_b = 0, precision is constant: c = 0
        log_ratio = np.log(np.where(both, p[..., :-1], 1) / np.where(both, p[..., 1:], 1))
        positives = (tp + fn)[..., 1:]
        return np.asarray(np.sum(divide_no_nan(slope * (dtp + intercept * log_ratio), positives), axis=-1))
