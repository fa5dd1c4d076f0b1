"""The Keras 3 Sequential API, whole, trained in pure NumPy, with every gradient written out by hand.

`import minikeras as keras` is the whole migration: modules, classes, arguments and defaults have
Keras' names. What is not asked for is not imported: a submodule is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minikeras import (
        activations,
        callbacks,
        config,
        constraints,
        datasets,
        export,
        initializers,
        layers,
        losses,
        metrics,
        models,
        optimizers,
        preprocessing,
        random,
        regularizers,
        saving,
        teach,
        utils,
    )
    from minikeras.initializers import Initializer
    from minikeras.layers import Input, Layer
    from minikeras.losses import Loss
    from minikeras.metrics import Metric
    from minikeras.models import Model, Sequential
    from minikeras.optimizers import Optimizer
    from minikeras.regularizers import Regularizer
    from minikeras.variable import Variable

__version__ = "0.1.0"

_HOMES = {
    "Initializer": "initializers",
    "Input": "layers",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Model": "models",
    "Optimizer": "optimizers",
    "Regularizer": "regularizers",
    "Sequential": "models",
    "Variable": "variable",
}
_SUBMODULES = (
    "activations",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "export",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "teach",
    "saving",
    "utils",
)

__all__ = [
    "Initializer",
    "Input",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "Variable",
    "activations",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "export",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "teach",
    "utils",
]


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"minikeras.{name}")
    if name in _HOMES:
        value = getattr(importlib.import_module(f"minikeras.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'minikeras' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
