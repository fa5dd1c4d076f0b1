"""What a layer has of variables: its own, and those of the layers inside it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minikeras import initializers
from minikeras.config import standardize_dtype
from minikeras.registry import Configurable
from minikeras.typing import Array, DType
from minikeras.variable import Variable, has_values


class VariableOwner(Configurable):
    """Keeps variables in order, and tells which of them are trained."""

    name: str
    dtype: DType
    built: bool
    _trainable: bool
    _trainable_variables: list[Variable]
    _non_trainable_variables: list[Variable]

    def add_weight(
        self,
        shape: Iterable[int] | None = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Make a variable of this layer; called in `build`.

        Args:
            shape: of the array; a scalar when None.
            initializer: a name, an initializer or an array; "glorot_uniform" when None.
            dtype: the layer's when None.
            trainable: whether an optimizer changes it.
            regularizer: a penalty on it that is added to the loss.
            constraint: what it is projected onto after each update.
            name: such as "kernel".
        """
        initializer = initializers.get("glorot_uniform" if initializer is None else initializer)
        shape, dtype = tuple(shape or ()), standardize_dtype(dtype) if dtype else self.dtype
        value = initializer(shape, dtype=dtype) if has_values() else np.zeros((), dtype)
        own = self._trainable_variables if trainable else self._non_trainable_variables
        variable = Variable(value, name or f"variable_{len(own)}", trainable, regularizer, constraint)
        if not has_values():
            variable.value = np.broadcast_to(variable.value, shape)  # read-only, and one number of memory
        own.append(variable)
        return variable

    def sublayers(self) -> list[Any]:
        """The layers that are attributes of this one, or lie in a list that is."""
        found: list[Any] = []
        for value in vars(self).values():
            items = value if isinstance(value, (list, tuple)) else (value,)
            found += [item for item in items if isinstance(item, VariableOwner)]
        return found

    @property
    def trainable(self) -> bool:
        """Whether `fit` changes the variables; setting it also sets it on all layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for v in self._trainable_variables:
            v.trainable = self._trainable
        for layer in self.sublayers():
            layer.trainable = value

    def own_variables(self) -> list[Variable]:
        """The variables that stand under this layer's own path in a file, trained ones first."""
        return self._trainable_variables + self._non_trainable_variables

    @property
    def weights(self) -> list[Variable]:
        """All variables: own trainable ones, own other ones, then those of the layers inside."""
        inner = [v for layer in self.sublayers() for v in layer.weights]
        return self._trainable_variables + self._non_trainable_variables + inner

    @property
    def trainable_weights(self) -> list[Variable]:
        """The variables that `fit` changes."""
        if not self.trainable:
            return []
        return self._trainable_variables + [v for layer in self.sublayers() for v in layer.trainable_weights]

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The variables that `fit` leaves alone."""
        trained = set(self.trainable_weights)
        return [v for v in self.weights if v not in trained]

    variables = weights
    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    def get_weights(self) -> list[Array]:
        """Copies of all variables' arrays."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: list[Any]) -> None:
        """Overwrite all variables; all or none.

        Raises:
            ValueError: when the number or a shape differs.
        """
        own = self.weights
        if len(own) != len(weights):
            raise ValueError(
                f"You called `set_weights(weights)` on layer {self.name!r} with a weight list of length "
                f"{len(weights)}, but the layer was expecting {len(own)} weights."
            )
        arrays = [np.asarray(w) for w in weights]
        for v, array in zip(own, arrays, strict=True):
            if v.shape != array.shape:
                raise ValueError(
                    f"Layer {self.name} weight shape {v.shape} is not compatible with provided weight shape "
                    f"{array.shape} (variable {v.path})."
                )
        for v, array in zip(own, arrays, strict=True):
            v.assign(array)

    def count_params(self) -> int:
        """The number of numbers in all variables.

        Raises:
            ValueError: before the layer is built.
        """
        if not self.built:
            raise ValueError(
                f"You tried to call `count_params` on layer {self.name!r}, but the layer isn't built. You can "
                "build it manually via: `layer.build(input_shape)`."
            )
        return sum(v.size for v in self.weights)

    @property
    def losses(self) -> list[float]:
        """The penalties of the trainable variables that have a regularizer."""
        return [v.regularizer(v.value) for v in self.trainable_weights if v.regularizer is not None]

    def set_paths(self, prefix: str) -> None:
        """Give every variable its path, such as sequential/dense/kernel."""
        for v in self._trainable_variables + self._non_trainable_variables:
            v.path = f"{prefix}/{v.name}"
        for layer in self.sublayers():
            layer.set_paths(f"{prefix}/{layer.name}")
