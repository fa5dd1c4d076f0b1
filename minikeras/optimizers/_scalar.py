"""Variables that hold one number: a learning rate, a step count.

They can be computed with like numbers, and assigned to like variables, so both
`optimizer.learning_rate * 0.5` and `optimizer.learning_rate.assign(0.01)` work.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from minikeras.typing import Array
from minikeras.variable import Variable


class ScalarVariable(Variable, np.lib.mixins.NDArrayOperatorsMixin):
    """One number.

    Args:
        value: a 0-d array; its dtype stays.
        name: such as "learning_rate".
        owner: the name of the optimizer, the first part of the path.
    """

    def __init__(self, value: Array, name: str, owner: str) -> None:
        super().__init__(value, name=name, trainable=False)
        self.path = f"{owner}/{name}"

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        numbers = [x.value if isinstance(x, ScalarVariable) else x for x in inputs]
        return getattr(ufunc, method)(*numbers, **kwargs)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __index__(self) -> int:
        return operator.index(self.value.item())

    def __bool__(self) -> bool:
        return bool(self.value)

    def __format__(self, spec: str) -> str:
        return format(self.value.item(), spec)

    __hash__ = object.__hash__  # `==` compares the numbers, but each variable is its own key


def power(beta: float, t: int, like: Any) -> Any:
    """βᵗ in the type of the scalar `like`, to which β itself is rounded first.

    Keras computes so. In float32, 1 - 0.999 is smaller than in double precision by 13 millionths, and
    training would part from Keras' in the sixth digit at the first step.
    """
    kind = type(like)
    return kind(beta) ** kind(t)
