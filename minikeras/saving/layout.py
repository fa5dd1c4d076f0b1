"""Where each variable lies in a file: Keras 3's paths, such as layers/dense_1/vars/0.

A layer's key is not its name but its class's, in snake case, counted within its model: dense,
dense_1, dense_2 ... Its variables are numbered, the trained ones first. Layers inside of it lie below,
under the name of the attribute that holds them: cell, layer, forward_layer, backward_layer.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from minikeras.layers.input_layer import InputLayer
from minikeras.layers.variables import VariableOwner
from minikeras.naming import to_snake_case
from minikeras.saving.errors import LoadError
from minikeras.saving.hdf5 import Group
from minikeras.typing import Array
from minikeras.variable import Variable

Values = list[tuple[Variable, Array]]
TOKEN_WEIGHTS = "idf_weights"  # Keras' name of the weights of tokens; they are no variable here


def walk(layer: VariableOwner, path: str = "") -> Iterator[tuple[str, VariableOwner]]:
    """A layer and all those inside it, with their paths; the outermost has the path ""."""
    yield path, layer
    for key, inner in _children(layer):
        yield from walk(inner, f"{path}{key}/")


def _children(layer: VariableOwner) -> Iterator[tuple[str, VariableOwner]]:
    for attribute, value in vars(layer).items():
        key = attribute.lstrip("_")
        if isinstance(value, VariableOwner) and not isinstance(value, InputLayer):
            yield key, value
        elif isinstance(value, (list, tuple)):
            inner = [layer for layer in value if isinstance(layer, VariableOwner)]
            for name, one in zip(numbered(type(layer).__name__ for layer in inner), inner, strict=True):
                yield f"{key}/{name}", one


def numbered(classes: Iterable[str]) -> Iterator[str]:
    """The keys of layers in a list, from the names of their classes: dense, dense_1, dropout, dense_2 ..."""
    counts: dict[str, int] = {}
    for name in map(to_snake_case, classes):
        n = counts[name] = counts.get(name, -1) + 1
        yield f"{name}_{n}" if n else name


def places(path: str, layer: VariableOwner) -> list[str]:
    """The paths that a layer has in a file: two where Keras has another layer inside, with all in it again."""
    return [path + inner for inner in getattr(layer, "places", ("",))]


def to_tree(model: Any, optimizer: bool = True) -> Group:
    """The variables of a model, and of its optimizer if it has one that has taken a step."""
    tree = Group()
    layer: Any
    for path, layer in walk(model):
        for place in places(path, layer):
            group = tree.group(f"{place}vars")
            group.attributes["name"] = layer.name
            for i, v in enumerate(layer.own_variables()):
                group.members[str(i)] = v.value
            if getattr(layer, "token_weights", None) is not None:
                group.members[TOKEN_WEIGHTS] = layer.token_weights
    owner: Any = getattr(model, "optimizer", None)
    if optimizer and hasattr(owner, "variables"):
        group = tree.group("optimizer/vars")
        group.attributes["name"] = owner.name
        for i, v in enumerate(owner.variables):
            group.members[str(i)] = v.value
    return tree


def find_values(model: Any, tree: Group, skip_mismatch: bool = False) -> Values:
    """The array in the file for each variable of the model.

    Args:
        model: built; its variables may be without values.
        tree: the file.
        skip_mismatch: whether layers that do not fit are left out, with a warning.

    Raises:
        LoadError: that lists the layers which do not fit.
    """
    found: Values = []
    wrong: list[str] = []
    for path, layer in walk(model):
        variables = layer.own_variables()
        group = tree.find(f"{path}vars", Group())
        if not isinstance(group, Group):
            raise LoadError(f"{path}vars is an array, and a group is expected.")
        # a model from before `vars` groups were written for layers without variables has none
        problem = _compare(variables, group)
        if problem:
            wrong.append(f"  layer {layer.name!r} ({path}vars): {problem}")
        else:
            found += [(v, group.members[str(i)]) for i, v in enumerate(variables)]  # type: ignore[misc]
    if wrong:
        text = "\n".join([*wrong[:8], *([f"  and {len(wrong) - 8} more"] if len(wrong) > 8 else [])])
        if not skip_mismatch:
            raise LoadError(f"The weights in the file do not fit the model:\n{text}")
        warnings.warn(f"Layers that were skipped, as their weights do not fit:\n{text}", stacklevel=4)
    return found


def _compare(variables: list[Variable], group: Group) -> str | None:
    """What is wrong with a group for these variables."""
    found = len(group.members.keys() - {TOKEN_WEIGHTS})
    if found != len(variables):
        return f"expected {len(variables)} variables, found {found}"
    for i, v in enumerate(variables):
        array = group.members.get(str(i))
        problem = f"no array {i}" if not isinstance(array, np.ndarray) else check_array(v, array)
        if problem:
            return problem
    return None


def check_array(v: Variable, array: Array) -> str | None:
    """What is wrong with an array for a variable: its shape, or its kind of numbers."""
    if array.shape != v.shape:
        return f"{v.name} has the shape {v.shape}, in the file {array.shape}"
    if not np.can_cast(array.dtype, v.dtype, "same_kind"):
        return f"{v.name} is {v.dtype}, in the file {array.dtype}"
    return None


def assign(values: Values) -> None:
    """Give the variables their values; all have been checked."""
    for v, array in values:
        if v.value.flags.writeable:
            np.copyto(v.value, array, casting="same_kind")
        else:  # the variable has had no memory of its own so far
            v.value = np.array(array, v.dtype)


def restore_optimizer(model: Any, arrays: list[Array]) -> None:
    """Give a compiled model's optimizer its state; one that does not fit is left out, with a warning."""
    optimizer = model.optimizer
    if not hasattr(optimizer, "build") or not arrays:
        return
    built = getattr(optimizer, "built", False)
    if len(arrays) <= 2 and not built and len(optimizer.variables) == len(arrays):
        pass  # no step was taken: the count and the rate are all there is
    else:
        optimizer.build(model.trainable_weights)
    variables = optimizer.variables
    if len(arrays) == len(variables) - 1 and variables[1].name == "learning_rate":
        variables = [variables[0], *variables[2:]]  # Keras 2 does not store the rate
    kinds = zip(variables, arrays, strict=False)
    if len(arrays) != len(variables) or any(check_array(v, a) for v, a in kinds):
        warnings.warn(
            f"The state of the optimizer {optimizer.name!r} was not loaded: it has {len(variables)} variables, and "
            f"the file {len(arrays)}, or they differ in shape. Training starts with a fresh optimizer.",
            stacklevel=4,
        )
        return
    assign(list(zip(variables, arrays, strict=True)))


def optimizer_arrays(tree: Group) -> list[Array]:
    """The optimizer's arrays in a file, in order; empty when there are none."""
    group = tree.find("optimizer/vars")
    if not isinstance(group, Group):
        return []
    arrays = [group.members.get(str(i)) for i in range(len(group.members))]
    if not all(isinstance(a, np.ndarray) for a in arrays):
        raise LoadError("optimizer/vars must hold arrays 0, 1, 2 ...")
    return arrays  # type: ignore[return-value]
