"""Hinge losses as metrics: how far predictions are from a margin of one on the right side."""

from __future__ import annotations

from typing import Any

from minikeras.losses import categorical_hinge, hinge, squared_hinge
from minikeras.metrics.reduction import MeanMetricWrapper


class Hinge(MeanMetricWrapper):
    """The mean of max(1 − y·p, 0), with y = ±1 (labels 0 and 1 are turned into these).

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
    """

    direction = "down"

    def __init__(self, name: str | None = "hinge", dtype: Any = None) -> None:
        super().__init__(hinge, name, dtype)


class SquaredHinge(MeanMetricWrapper):
    """The mean of max(1 − y·p, 0)², with y = ±1 (labels 0 and 1 are turned into these).

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
    """

    direction = "down"

    def __init__(self, name: str | None = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(squared_hinge, name, dtype)


class CategoricalHinge(MeanMetricWrapper):
    """The mean of max(max((1 − y)·p) − Σ y·p + 1, 0), with one-hot y.

    Args:
        name: what the logs call it.
        dtype: has no influence on a single number.
    """

    direction = "down"

    def __init__(self, name: str | None = "categorical_hinge", dtype: Any = None) -> None:
        super().__init__(categorical_hinge, name, dtype)
