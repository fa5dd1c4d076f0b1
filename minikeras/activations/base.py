"""What an activation function is: a value and a derivative, with no state.

`y = f(z)` and `dz = f'(z) · dy`. Wherever the derivative can be told from the output y, as in
tanh' = 1 − y², the input need not be kept; the classes that do need z say so in `needs_input`.
Everything can be written into an array that is already there (`out=`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from minikeras import registry
from minikeras.registry import Configurable, Table, arguments
from minikeras.typing import Array

C = TypeVar("C", bound="type[Activation]")
table: Table[Activation] = Table("activation function", "keras.activations")


class Activation(Configurable):
    """An elementwise (or, like softmax, row-wise) function with its derivative.

    A subclass writes `__call__` and `backward`; both return the array that they filled.
    """

    needs_input = False  # whether `backward` is given z instead of y

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        """y = f(z), written into `out` where given; `out` may be z itself unless `needs_input`."""
        raise NotImplementedError(f"{type(self).__name__} must define `__call__(self, z, out=None)`.")

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        """dz = f'(z) · dy, where `saved` is y, or z when `needs_input`. Never writes to dy or saved."""
        raise NotImplementedError(f"{type(self).__name__} must define `backward(self, dy, saved, out=None)`.")

    @property
    def name(self) -> str:
        """The string that stands for this function, such as "relu"."""
        return _names.get(type(self), type(self).__name__)

    def serialized(self) -> Any:
        """The config form: the bare name, or class and arguments where they are not the defaults."""
        changed = [n for n, p in arguments(type(self)).items() if getattr(self, n) != p.default]
        return registry.envelope(self) if changed or type(self) not in _names else self.name


_names: dict[type[Activation], str] = {}


def activation(name: str, *aliases: str) -> Callable[[C], C]:
    """Class decorator: the activation is known under this name."""

    def register(cls: C) -> C:
        _names[cls] = name
        table.classes[cls.__name__] = cls
        registry.declare(cls, table.module)
        for n in (name, *aliases):
            table.entries[n] = cls
        return cls

    return register


def functional(cls: type[Activation]) -> Callable[..., Array]:
    """The plain function of an activation class: relu(x, negative_slope=0.1)."""

    def function(x: Any, *args: Any, **kwargs: Any) -> Array:
        array = np.asarray(x)
        if array.dtype.kind != "f":
            array = array.astype("float32")
        return cls(*args, **kwargs)(array)

    signature = inspect.signature(cls)
    first = inspect.Parameter("x", inspect.Parameter.POSITIONAL_ONLY)
    function.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[first, *signature.parameters.values()], return_annotation=Array
    )
    function.__name__ = function.__qualname__ = _names[cls]
    function.__module__ = "minikeras.activations"  # where pickle finds it
    function.__doc__ = cls.__doc__
    function.activation = cls  # type: ignore[attr-defined]  # so that `get` finds the derivative again
    return function


class FunctionActivation(Activation):
    """A user's own function of an array. It has a value but no derivative: for inference only.

    Args:
        function: takes and returns an array.
    """

    def __init__(self, function: Callable[[Array], Any]) -> None:
        self.function = function

    needs_input = True

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        y = np.asarray(self.function(z), dtype=z.dtype)
        if out is None:
            return y
        out[...] = y
        return out

    def backward(self, dy: Array, saved: Array, out: Array | None = None) -> Array:
        raise TypeError(
            f"The activation function {self.name!r} is a plain function, so its derivative is unknown and the "
            "layer cannot be trained. Subclass minikeras.activations.Activation with __call__(z, out) and "
            "backward(dy, saved, out) instead."
        )

    @property
    def name(self) -> str:
        """The function's own name."""
        return getattr(self.function, "__name__", type(self.function).__name__)

    def serialized(self) -> Any:
        return registry.serialize(self.function)


def get(identifier: Any) -> Activation:
    """An activation from a name, a function, an `Activation`, a layer such as `LeakyReLU`, or any callable.

    None means linear. Names are case-sensitive, as in Keras.

    Raises:
        ValueError: for an unknown name, or something that cannot be called.
    """
    if identifier is None:
        identifier = "linear"
    found = table.create(identifier)
    if inspect.isfunction(found):
        found = getattr(found, "activation", found)
    if isinstance(found, type):
        found = found()
    if hasattr(found, "as_activation"):  # a layer such as LeakyReLU
        found = found.as_activation()
    if isinstance(found, Activation):
        return found
    if callable(found):
        return FunctionActivation(found)
    raise table.unknown(identifier)
