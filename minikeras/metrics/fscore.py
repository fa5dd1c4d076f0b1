"""F-scores: the harmonic mean of precision and recall, where β says how much more recall matters."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras import config
from minikeras.errors import check_option
from minikeras.metrics.base import Metric, broadcast_weights
from minikeras.typing import Array


class FBetaScore(Metric):
    """F = (1 + β²) · precision · recall / (β² · precision + recall), for each class.

    Args:
        average: None: an array with one score per class; "macro": their mean; "weighted": their mean
            weighted by how often each class is true; "micro": one score from the counts of all classes.
        beta: β > 0, a Python float.
        threshold: predictions greater than it mean "yes", a float in (0, 1]. When None, the greatest
            of each row (all of them, if several are equal) means "yes".
        name: what the logs call it.
        dtype: the type of a result that is an array.

    Raises:
        ValueError: for an unknown average, a β that is not a positive float, or a threshold
            outside (0, 1].
    """

    direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype)
        self.average = check_option(self, "average", average, (None, "micro", "macro", "weighted"))
        if not isinstance(beta, float) or not beta > 0:
            raise ValueError(
                f"{type(self).__name__}: `beta` must be a float above 0. Received: beta={beta!r}"
            )
        if threshold is not None and not (isinstance(threshold, float) and 0 < threshold <= 1):
            raise ValueError(
                f"{type(self).__name__}: `threshold` must be a float with 0 < threshold <= 1. "
                f"Received: threshold={threshold!r}"
            )
        self.beta = beta
        self.threshold = threshold
        self._built = False

    def _build(self, classes: int) -> None:
        self._classes = classes
        shape = () if self.average == "micro" else (classes,)
        self.true_positives = self.add_variable(shape, name="true_positives")
        self.false_positives = self.add_variable(shape, name="false_positives")
        self.false_negatives = self.add_variable(shape, name="false_negatives")
        self.intermediate_weights = self.add_variable(shape, name="intermediate_weights")
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch of shape (samples, classes).

        Raises:
            ShapeError: when the inputs are not 2-D or do not fit each other.
        """
        y, p = np.asarray(y_true), np.asarray(y_pred)
        if y.ndim != 2 or y.shape != p.shape:
            fix = "integer class labels must be one-hot encoded first: to_categorical(y)"
            raise self._mismatch(
                "2D inputs with shape (batch_size, output_dim), the same for both", y, p, fix
            )
        if not self._built:
            self._build(p.shape[1])
        if p.shape[1] != self._classes:
            raise self._mismatch(f"{self._classes} classes, as in the first batch", y, p)
        if self.threshold is None:
            yes = (p >= p.max(axis=-1, keepdims=True)) & (np.abs(p) > 1e-9)  # a row of zeros says no to all
        else:
            yes = p > self.threshold
        weights = np.ones(1) if sample_weight is None else np.asarray(sample_weight, np.float64)
        w = broadcast_weights(weights[:, None] if weights.ndim == 1 else weights, p.shape)
        self.true_positives.value += self._total(w * (yes * y))
        self.false_positives.value += self._total(w * (yes * (1 - y)))
        self.false_negatives.value += self._total(w * (~yes * y))
        self.intermediate_weights.value += self._total(w * y)

    def _total(self, values: Array) -> Array:
        return np.asarray(values.sum(axis=None if self.average == "micro" else 0))

    def result(self) -> Any:
        """The score so far; 0 without any batch."""
        if not self._built:
            return 0.0
        tp, eps = self.true_positives.value, config.epsilon()
        precision = tp / (tp + self.false_positives.value + eps)
        recall = tp / (tp + self.false_negatives.value + eps)
        square = self.beta**2
        score: Any = (1 + square) * (precision * recall / (square * precision + recall + eps))
        if self.average == "weighted":
            support = self.intermediate_weights.value
            score = np.sum(score * (support / (support.sum() + eps)))
        elif self.average is not None:
            score = np.mean(score)
        return self._read_out(score)


class F1Score(FBetaScore):
    """F₁ = 2 · precision · recall / (precision + recall), for each class.

    Args:
        average: None: an array with one score per class; "macro": their mean; "weighted": their mean
            weighted by how often each class is true; "micro": one score from the counts of all classes.
        threshold: predictions greater than it mean "yes", a float in (0, 1]. When None, the greatest
            of each row (all of them, if several are equal) means "yes".
        name: what the logs call it.
        dtype: the type of a result that is an array.

    Raises:
        ValueError: for an unknown average, or a threshold outside (0, 1].
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)
