"""The way through a model that both exports take: layer by layer, with what flows between them.

For each class of layers a target has a rule, a function that says the same in the target's
language. Shapes, types and masks are kept account of here; layers without a rule are collected, so
that all of them can be told at once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minikeras import layers
from minikeras.activations import Activation
from minikeras.export.errors import ExportError, Refusal, RefusedError
from minikeras.layers import (
    RNN,
    Bidirectional,
    CategoryEncoding,
    Embedding,
    GlobalAveragePooling1D,
    Lambda,
    Layer,
    Masking,
    SpectralNormalization,
    StackedRNNCells,
    TimeDistributed,
)
from minikeras.layers.activation_layers import LayerActivation
from minikeras.training.trainer import Trainer
from minikeras.typing import DType, Shape


@dataclass(frozen=True)
class Value:
    """What flows between two layers.

    Args:
        name: of the tensor or the variable; of several, where the last layer has several outputs.
        shape: with None for sizes that are not known.
        dtype: of its numbers.
        mask: the name of the mask that goes with it, if any.
    """

    name: Any
    shape: Any
    dtype: DType
    mask: str | None = None


Rule = Callable[[Any, Value, Any], Any]  # rule(layer, x, walk) -> the output's name, or a Value


class Walk(ABC):
    """Goes through a model, and calls the rule of each layer. A target adds how things are written."""

    target = ""
    rules: Mapping[type, Rule]

    def __init__(self) -> None:
        self.refusals: list[Refusal] = []
        self.path = ""  # of the layer at hand: "encoder/dense/"

    # What a target writes

    @abstractmethod
    def cast(self, x: Value, dtype: DType) -> str:
        """x in another type."""

    @abstractmethod
    def differs(self, x: Value, number: float, last_axis: bool) -> str:
        """The mask of what is not this number, or of the rows along the last axis that are not all of it."""

    def store(self, layer: Layer, y: Any, shape: Any) -> Any:
        """What is done with a rule's result; its name."""
        return y

    # What they share

    def model(self, model: Any, x: Value) -> Value:
        """A whole model.

        Raises:
            ExportError: when there are layers that cannot go.
        """
        y = self.through(model.layers, x)
        if self.refusals:
            raise ExportError(model.name, self.target, self.refusals)
        return y

    def through(self, each_of: Iterable[Layer], x: Value) -> Value:
        """Layers one after the other."""
        for layer in each_of:
            x = self.apply(layer, x)
        return x

    def apply(self, layer: Any, x: Value) -> Value:
        """One layer, or all those of a model that is a layer."""
        outer, self.path = self.path, f"{self.path}{layer.name}/"
        if _is_sequential(layer):
            y = self.through(layer.layers, x)
        else:
            x, result = self.by_rule(layer, x)
            y = self._value(layer, x, result)
        self.path = outer
        return y

    def by_rule(self, layer: Layer, x: Value) -> tuple[Value, Any]:
        """x as the layer takes it, and what its rule makes of it."""
        try:
            x = self._prepared(layer, x)
            return x, self._rule(layer)(layer, x, self)
        except RefusedError as refused:
            kind = type(layer).__name__
            self.refusals.append(Refusal(self.path[:-1], kind, refused.why, refused.instead))
            return x, x.name

    def _rule(self, layer: Layer) -> Rule:
        rule = self.rules.get(type(layer))
        if rule is None:
            raise RefusedError(*_reason(layer, self.target))
        return rule

    def _prepared(self, layer: Layer, x: Value) -> Value:
        """x in the type that the layer works in, with the mask that it makes."""
        if layer.casts_input and not isinstance(layer, TimeDistributed) and x.dtype != layer.dtype:
            x = replace(x, name=self.cast(x, layer.dtype), dtype=layer.dtype)
        if isinstance(layer, Embedding) and layer.mask_zero:
            return replace(x, mask=self.differs(x, 0, last_axis=False))
        if isinstance(layer, Masking):
            return replace(x, mask=self.differs(x, layer.mask_value, last_axis=True))
        return x

    def _value(self, layer: Layer, x: Value, y: Any) -> Value:
        shape = layer.compute_output_shape(x.shape)
        dtype = y.dtype if isinstance(y, Value) else layer.dtype
        name = y.name if isinstance(y, Value) else y
        return Value(self.store(layer, name, shape), shape, dtype, x.mask if _keeps_mask(layer) else None)


def _is_sequential(layer: Any) -> bool:
    """Whether a layer's pass is that of `Sequential`, also where its class is one's own."""
    return isinstance(layer, Trainer) and type(layer).forward.__module__ == "minikeras.models.sequential"


def _keeps_mask(layer: Any) -> bool:
    """Whether the mask that a layer was given, or made, is that of its output."""
    if isinstance(layer, SpectralNormalization):
        return _keeps_mask(layer.layer)
    if isinstance(layer, (RNN, Bidirectional)):
        return bool(layer.return_sequences)
    if isinstance(layer, Embedding):
        return layer.mask_zero
    return layer.supports_masking and not isinstance(layer, GlobalAveragePooling1D)


def _reason(layer: Layer, target: str) -> tuple[str, str]:
    """Why there is no rule for a layer, and what to do instead."""
    outside = "call it outside of the model"
    if isinstance(layer, Lambda):
        return "its function is Python code of your own", f"build it from layers, or {outside}"
    if layer.takes_text:
        return "it takes strings", "call it before the model, and export the rest"
    if not type(layer).__module__.startswith("minikeras."):
        return "it is a class of your own", f"build it from the layers of minikeras, or {outside}"
    return f"there is no {target} for this layer", outside


def check_model(model: Any, function: str) -> None:
    """Raise a TypeError for anything but a model, and a ValueError for one that is not built yet."""
    is_model = isinstance(model, Trainer)
    if not is_model:
        raise TypeError(
            f"{function} takes a model. Received: {type(model).__name__}. For a layer: Sequential([Input(...), layer])"
        )
    if not (model.built and model.layers):
        raise ValueError(
            f"{function}: model {model.name!r} is not built, so its shapes are unknown. Call model.build(input_shape), "
            "begin it with an Input, or call it on data first."
        )


def first_value(model: Any, name: str) -> Value:
    """The input of a model, with any number of samples, in the type that its first layer works in."""
    declared, first = model.input_dtype, model
    while _is_sequential(first) or isinstance(first, (TimeDistributed, SpectralNormalization)):
        first = first.layers[0] if _is_sequential(first) else first.layer
    dtype = first.dtype if first.casts_input else declared
    if declared.kind in "iub":
        dtype = declared
    elif isinstance(first, (Embedding, CategoryEncoding)):
        dtype = np.dtype("int64")
    return Value(name, (None, *model.input_shape[1:]), dtype)


def cells_of(layer: Any, known: Container[type]) -> list[Any]:
    """The cells that a recurrent layer runs at each step, the lowest first.

    The output of one, its first state, is the input of the next; that of the last is the layer's.

    Raises:
        RefusedError: for cells that are not known, and for layers that go on from the batch before.
    """
    if layer.stateful:
        why = "stateful=True: it goes on from what was predicted before"
        raise RefusedError(why, "make it with stateful=False")
    cells = [layer.cell]
    while any(isinstance(cell, StackedRNNCells) for cell in cells):
        cells = [leaf for cell in cells for leaf in getattr(cell, "cells", [cell])]
    if any(type(cell) not in known for cell in cells):
        raise RefusedError("its cell is a class of your own", "take the cells of minikeras")
    return cells


def function_of(f: Activation, known: Container[type]) -> Activation:
    """An activation, or that of the layer which is one.

    Raises:
        RefusedError: for one that is not known.
    """
    if isinstance(f, LayerActivation):
        f = f.function
    if type(f) not in known:
        why = f"its activation {f.name!r} is Python code of your own"
        raise RefusedError(why, "take one of minikeras.activations, or apply it outside of the model")
    return f


def known_sizes(layer: Any, shape: Shape) -> list[int]:
    """The spatial sizes in a shape.

    Raises:
        RefusedError: when there is one that is not known.
    """
    spatial = shape[1:-1] if layer.data_format == "channels_last" else shape[2:]
    sizes = [n for n in spatial if n is not None]
    if len(sizes) < len(spatial):
        raise RefusedError("the sizes of its input must be known", "declare them in Input")
    return sizes


def by_rank(rule: Rule, prefix: str, highest: int, suffix: str = "") -> dict[type, Rule]:
    """One rule for the layers `prefix`1D, `prefix`2D, ... up to a number of axes."""
    return {getattr(layers, f"{prefix}{rank}D{suffix}"): rule for rank in range(1, highest + 1)}


def same(layer: Any, x: Value, walk: Walk) -> str:
    """The rule of layers that change nothing when nothing is trained."""
    return str(x.name)


UNCHANGED = (
    layers.ActivityRegularization, layers.AlphaDropout, layers.Dropout, layers.GaussianDropout, layers.GaussianNoise,
    layers.Identity, layers.InputLayer, layers.RandomBrightness, layers.RandomContrast, layers.RandomFlip,
    layers.RandomRotation, layers.RandomTranslation, layers.RandomZoom,
    layers.SpatialDropout1D, layers.SpatialDropout2D, layers.SpatialDropout3D,
)  # fmt: skip


def check_boundaries(layer: Any) -> None:
    """Refuse a `Discretization` that was never adapted."""
    if layer.bin_boundaries is None:
        raise RefusedError("it has no boundaries yet", "call adapt(data) first")


def check_encoder(layer: Any, x: Value) -> None:
    """Refuse what is encoded without a batch axis of its own."""
    if len(x.shape) < 2:
        raise RefusedError("its input has no axis but the batch", "give it (batch, 1)")
