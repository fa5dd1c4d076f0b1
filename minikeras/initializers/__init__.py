"""Where weights start from.

An initializer is called with a shape and gives an array. Random weights break the symmetry between
units; their spread is chosen so that signals neither fade nor blow up from layer to layer, which
is why most of them look at the fans: how many inputs feed a unit and how many units an input
feeds. An initializer object is deterministic: it gives the same values at every call. Without a
seed it draws one from the library's default generator when it is made.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras import registry
from minikeras.initializers.base import Initializer
from minikeras.initializers.drawn import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomInitializer,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    compute_fans,
)
from minikeras.initializers.fixed import (
    STFT,
    Constant,
    Identity,
    Ones,
    Zeros,
)
from minikeras.registry import Table

_table: Table[Initializer] = Table("initializer", "keras.initializers")
_table.add(Zeros, "zero")
_table.add(Ones, "one")
_table.add(Identity, "IdentityInitializer")
_table.add(RandomNormal, "normal")
_table.add(RandomUniform, "uniform")
_table.add(Orthogonal, "OrthogonalInitializer")
_table.add(STFT, "STFTInitializer")
_table.add_all(Constant, TruncatedNormal, VarianceScaling)
_table.add_all(GlorotUniform, GlorotNormal, HeUniform, HeNormal, LecunUniform, LecunNormal)
for _alias, _cls in (("IdentityInitializer", Identity), ("OrthogonalInitializer", Orthogonal)):
    _table.classes[_alias] = _cls  # as older Keras files call them

zeros, ones, constant, identity, stft, orthogonal = Zeros, Ones, Constant, Identity, STFT, Orthogonal
random_normal, truncated_normal, random_uniform = RandomNormal, TruncatedNormal, RandomUniform
variance_scaling, glorot_uniform, glorot_normal = VarianceScaling, GlorotUniform, GlorotNormal
he_uniform, he_normal, lecun_uniform, lecun_normal = HeUniform, HeNormal, LecunUniform, LecunNormal
IdentityInitializer, OrthogonalInitializer, STFTInitializer = Identity, Orthogonal, STFT


def get(identifier: Any) -> Any:
    """An initializer from a name, a config, a class, an object, an array or a function; None stays None.

    A function is called as function(shape, dtype).

    Raises:
        ValueError: for anything else.
    """
    if identifier is None:
        return None
    if isinstance(identifier, (np.ndarray, np.generic)):
        return Constant(identifier)
    found = _table.create(identifier)
    if callable(found):
        return found
    raise _table.unknown(identifier)


def serialize(initializer: Any) -> Any:
    """The JSON form of an initializer."""
    return registry.serialize(initializer)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """The initializer that `serialize` described."""
    with registry.custom_object_scope(custom_objects or {}):
        return get(config)


__all__ = [
    "STFT",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomInitializer",
    "RandomNormal",
    "RandomUniform",
    "STFTInitializer",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "compute_fans",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "stft",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]
