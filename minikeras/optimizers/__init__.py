"""Optimizers: how the gradients change the weights."""

from __future__ import annotations

from typing import Any

from minikeras import registry
from minikeras.optimizers import schedules
from minikeras.optimizers.adafactor import Adafactor
from minikeras.optimizers.adagrad import Adadelta, Adagrad
from minikeras.optimizers.adam import Adam, Adamax, AdamW, Nadam
from minikeras.optimizers.base import Optimizer
from minikeras.optimizers.ftrl import Ftrl
from minikeras.optimizers.lamb import Lamb
from minikeras.optimizers.lion import Lion
from minikeras.optimizers.muon import Muon
from minikeras.optimizers.rmsprop import RMSprop
from minikeras.optimizers.schedule_free import ScheduleFreeAdamW
from minikeras.optimizers.sgd import SGD
from minikeras.registry import Table

_table: Table[Optimizer] = Table("optimizer", "keras.optimizers")
_table.add_all(SGD, RMSprop, Adam, AdamW, Adamax, Nadam, Adagrad, Adadelta)
_table.add_all(Ftrl, Lion, Lamb, Adafactor, Muon, ScheduleFreeAdamW)

_class_names = {name.lower(): name for name in _table.classes}


def get(identifier: Any) -> Any:
    """An optimizer from its class's name in any case, a config or an object; None stays None.

    Raises:
        ValueError: for anything else, with the closest names.
    """
    if isinstance(identifier, str):
        identifier = _table.create(_class_names.get(identifier.lower(), identifier))
    elif isinstance(identifier, dict):
        identifier = deserialize(identifier)
    if identifier is None or isinstance(identifier, Optimizer):
        return identifier
    hint = f" Make an object of it: {identifier.__name__}()." if isinstance(identifier, type) else ""
    raise ValueError(f"Could not interpret optimizer identifier: {identifier!r}.{hint}")


def serialize(optimizer: Optimizer) -> Any:
    """The JSON form of an optimizer."""
    return registry.serialize(optimizer)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """The optimizer that `serialize` described."""
    name = str(config.get("class_name"))
    if name.lower() in _class_names:
        config = {**config, "class_name": _class_names[name.lower()]}
    with registry.custom_object_scope(custom_objects or {}):
        return registry.deserialize(config, module=_table.module)


__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "Muon",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]
