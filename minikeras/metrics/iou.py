"""Intersection over union: how well predicted areas, such as segments of an image, cover the true ones.

The state is the confusion matrix C, where C[i, j] is the weight of the elements of class i that were
predicted as class j. The IoU of class i is C[i, i] / (row sum + column sum − C[i, i]).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minikeras import config
from minikeras.errors import ShapeError, check_int
from minikeras.metrics.base import Metric, broadcast_weights


class IoU(Metric):
    """The mean of TP / (TP + FP + FN) over the target classes that occur at all.

    Args:
        num_classes: labels are 0 ... num_classes − 1; others are left out.
        target_class_ids: the classes whose IoU counts.
        name: what the logs call it.
        dtype: has no influence on a single number (weights are never rounded to integers).
        ignore_class: elements with this label are left out.
        sparse_y_true: labels are integers; else numbers per class, of which the greatest counts.
        sparse_y_pred: the same for predictions.
        axis: where the classes lie, if not sparse.

    Raises:
        ValueError: for a target class that is none.
    """

    direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(name, dtype)
        self.num_classes = check_int(self, "num_classes", num_classes)
        self.target_class_ids = [int(i) for i in target_class_ids]
        wrong = [i for i in self.target_class_ids if not 0 <= i < num_classes]
        if wrong:
            raise ValueError(
                f"{type(self).__name__}: target class ids {wrong} are not in [0, {num_classes})."
            )
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.total_cm = self.add_variable((num_classes, num_classes), name="total_confusion_matrix")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch of any shape.

        Raises:
            ShapeError: when targets, predictions and weights do not fit each other.
        """
        y, p = np.asarray(y_true), np.asarray(y_pred)
        y = (y if self.sparse_y_true else y.argmax(axis=self.axis)).astype(np.int64).ravel()
        p = (p if self.sparse_y_pred else p.argmax(axis=self.axis)).astype(np.int64).ravel()
        if y.shape != p.shape:
            expected = "as many labels as predictions"
            raise ShapeError(
                f'metric "{self.name}"', expected, f"y_true {np.shape(y_true)}, y_pred {np.shape(y_pred)}"
            )
        n = self.num_classes
        known = (y >= 0) & (y < n) & (p >= 0) & (p < n)
        if self.ignore_class is not None:
            known &= y != self.ignore_class
        weights = None
        if sample_weight is not None:
            w = np.asarray(sample_weight, np.float64)
            weights = broadcast_weights(w.ravel() if w.ndim else w, y.shape)[known]
        cells = y[known] * n + p[known]
        self.total_cm.value += np.bincount(cells, weights, n * n).reshape(n, n)

    def result(self) -> float:
        """The mean IoU so far; 0 when none of the target classes occurred."""
        matrix = self.total_cm.value
        hits = matrix.diagonal()
        union = (matrix.sum(axis=0) + matrix.sum(axis=1) - hits)[self.target_class_ids]
        occurs = union > 1e-9
        scores = np.where(occurs, hits[self.target_class_ids] / (union + config.epsilon()), 0)
        return float(scores.sum() / (occurs.sum() + config.epsilon()))


class BinaryIoU(IoU):
    """The mean of TP / (TP + FP + FN) over the classes 0 and 1, from predictions and a threshold.

    Args:
        target_class_ids: [0], [1] or both.
        threshold: predictions of at least this much mean class 1.
        name: what the logs call it.
        dtype: has no influence on a single number.

    Raises:
        ValueError: for a target class that is none.
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch of any shape.

        Raises:
            ShapeError: when targets, predictions and weights do not fit each other.
        """
        super().update_state(y_true, np.asarray(y_pred, np.float32) >= self.threshold, sample_weight)


class MeanIoU(IoU):
    """The mean of TP / (TP + FP + FN) over all classes that occur.

    Args:
        num_classes: labels are 0 ... num_classes − 1; others are left out.
        name: what the logs call it.
        dtype: has no influence on a single number.
        ignore_class: elements with this label are left out.
        sparse_y_true: labels are integers; else numbers per class, of which the greatest counts.
        sparse_y_pred: the same for predictions.
        axis: where the classes lie, if not sparse.
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        targets = range(check_int(self, "num_classes", num_classes))
        super().__init__(num_classes, targets, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


class OneHotIoU(IoU):
    """`IoU` for one-hot labels and rows of predictions.

    Args:
        num_classes: the number of classes.
        target_class_ids: the classes whose IoU counts.
        name: what the logs call it.
        dtype: has no influence on a single number.
        ignore_class: elements with this label are left out.
        sparse_y_pred: predictions are integers all the same.
        axis: where the classes lie.

    Raises:
        ValueError: for a target class that is none.
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` for one-hot labels and rows of predictions.

    Args:
        num_classes: the number of classes.
        name: what the logs call it.
        dtype: has no influence on a single number.
        ignore_class: elements with this label are left out.
        sparse_y_pred: predictions are integers all the same.
        axis: where the classes lie.
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
