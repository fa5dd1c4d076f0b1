"""How the shape of a batch changes from layer to layer, and where it does not fit."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from minikeras.errors import ShapeError, chain_steps
from minikeras.markup import Markup, View, join, tag


class ShapeChain(View):
    """The shapes on the way through a model.

    Attributes:
        data: (layer's name, its output shape), the input first, as far as the shapes fit.
        error: the `ShapeError` of the layer that they do not fit, or None.
    """

    title = "shapes"

    def __init__(self, data: list[tuple[str, Any]], failing: str | None, error: ShapeError | None) -> None:
        self.data, self.failing, self.error = data, failing, error

    def _lines(self) -> list[str]:
        first, *rest = chain_steps(self.data)
        lines = [first, *(f"  -> {step}" for step in rest)]
        return lines if self.failing is None else [*lines, f"  -> {self.failing} ?   <- here it fails"]

    def __str__(self) -> str:
        return "\n".join(self._lines() + ([] if self.error is None else ["", str(self.error)]))

    def html(self) -> Markup:
        """The chain, and the error that would be raised."""
        chain = tag("pre", "\n".join(self._lines()))
        return chain if self.error is None else join([chain, tag("pre", str(self.error), class_="bad")])

    __repr__ = __str__


def explain_shapes(model: Any, input_shape: Sequence[int | None]) -> ShapeChain:
    """The shape after each layer for an input of this shape, and the first layer that it does not fit.

    The model stays as it is; one that is not built yet is built in a copy.

    Args:
        model: a `Sequential`.
        input_shape: with the batch: (32, 28, 28), or (None, 28, 28) for any batch.

    Raises:
        TypeError: for something that has no layers.
    """
    if not getattr(model, "layers", None):
        raise TypeError(f"explain_shapes needs a model with layers. Received: {model!r}")
    twin = copy.deepcopy(model)
    shape: Any = tuple(input_shape)
    chain: list[tuple[str, Any]] = [("input", shape)]
    for layer in twin.layers:
        try:
            if isinstance(shape, list):
                raise ShapeError(layer.where(), "one array", f"{len(shape)} arrays")
            layer.ensure_built(shape)
            shape = layer.compute_output_shape(shape)
        except ShapeError as error:
            error.chain = [*chain, *error.chain[1:]]
            return ShapeChain(error.chain, layer.name, error)
        chain.append((layer.name, shape))
    try:
        twin.check_input(chain[0][1])  # each layer could take it, but the model was built for another shape
    except ShapeError as error:
        return ShapeChain(chain, None, error)
    return ShapeChain(chain, None, None)
