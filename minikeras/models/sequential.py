"""A `Sequential` is an ordered list of layers, and itself a layer, so models nest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np

from minikeras import registry
from minikeras.context import Context
from minikeras.errors import ShapeError
from minikeras.layers.base import Layer
from minikeras.layers.input_layer import InputLayer
from minikeras.layers.inputs import NUMBERS, as_numeric
from minikeras.models.model import Model
from minikeras.typing import Array, DType, Shape


class Sequential(Model):
    """y = the last layer of ... of the second layer of the first layer of x.

    The model is built, that is, its variables are made, as soon as the shape of its input is known:
    from an `Input` as first entry, from `input_shape=` on the first layer, or from the first data.

    Args:
        layers: the layers, in order; more can be added with `add`.
        trainable: whether `fit` changes the variables.
        name: of the model.

    Raises:
        ValueError: for anything but layers, names that are not unique, or layers that do not fit.
    """

    rowwise = True  # where its layers are
    supports_masking = True  # each of its layers says what becomes of it

    def __init__(
        self, layers: Iterable[Layer] | None = None, trainable: bool = True, name: str | None = None
    ) -> None:
        super().__init__(trainable, name)
        self._input: InputLayer | None = None
        self._layers: list[Layer] = []
        known: set[Layer] = {self}
        if isinstance(layers, Layer):
            raise TypeError("The layers of a model are one list: Sequential([first, second, ...]).")
        for layer in layers or ():
            self._append(layer, known)
        self._build_if_possible()

    # The list of layers

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the `InputLayer`; a copy of the list."""
        return list(self._layers)

    def sublayers(self) -> list[Layer]:
        """The same as `layers`."""
        return self._layers

    def add(self, layer: Layer, rebuild: bool = True) -> None:
        """Append a layer; where it does not fit, the model stays as it was.

        Raises:
            ValueError: see the class.
        """
        before = self._input
        self._append(layer)
        try:
            if rebuild:
                self._build_if_possible()
        except Exception:
            self._input = before
            if self._layers and self._layers[-1] is layer:
                self._layers.pop()
            raise

    def pop(self, rebuild: bool = True) -> Layer | None:
        """Remove the last layer, and return it."""
        if not self._layers:
            raise IndexError(f"Model {self.name!r} has no layer to pop.")
        layer = self._layers.pop()
        self.forget_passes()
        self.built = bool(self._layers) and self.built
        if rebuild:
            self._build_if_possible()
        return layer

    def _append(self, layer: Any, known: set[Layer] | None = None) -> None:
        """Append a layer; `known` are all that are in the model already, inner ones included."""
        if isinstance(layer, InputLayer):
            self._set_input(layer)
            return
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Only instances of `keras.Layer` can be added to a Sequential model. Received: {layer} "
                f"(of type {type(layer)})"
            )
        known, new = _all_layers(self) if known is None else known, _all_layers(layer)
        if not known.isdisjoint(new):
            raise ValueError(
                f"Layer {layer.name!r}, or one inside it, is in the model already, and a layer can stand in it "
                "only once: a pass writes one gradient for each variable. Likely fix: make a second layer, "
                f"{type(layer).__name__}(...)."
            )
        if any(layer.name == own.name for own in self._layers):
            raise ValueError(
                "All layers added to a Sequential model should have unique names. Name "
                f"{layer.name!r} is already the name of a layer in this model. Update the `name` argument to pass a "
                "unique name."
            )
        if not self._layers and self._input is None:
            shape = layer.declared_input_shape
            if shape is None and isinstance(layer, Sequential) and layer.built:
                shape = layer.input_shape
            if shape is not None:
                self._input = InputLayer(batch_shape=shape)
        self._layers.append(layer)
        known |= new
        self.forget_passes()

    def _set_input(self, layer: InputLayer) -> None:
        if self._input is not None or self._layers:
            shape = self._input.batch_shape if self._input else None
            raise ValueError(
                f"Sequential model '{self.name}' has already been configured to use input shape {shape}. You cannot "
                "add a different Input layer to it."
            )
        self._input = layer

    # Building

    def build(self, input_shape: Shape | None = None) -> None:
        """Make the variables of all layers for inputs of this shape, the batch (None) first.

        Raises:
            ShapeError: when a layer does not fit what comes before it; it shows the chain of shapes.
        """
        if not self._layers:
            raise ValueError(
                f"Sequential model {self.name} cannot be built because it has no layers. Call `model.add(layer)`."
            )
        if input_shape is not None:
            shape = tuple(input_shape)
            if self._input is None:
                self._input = InputLayer(batch_shape=shape)
            elif not _fits(shape, self._input.batch_shape):
                raise ValueError(
                    f"Sequential model '{self.name}' has already been configured to use input shape "
                    f"{self._input.batch_shape}. You cannot build it with input_shape {shape}"
                )
        self._build_if_possible()

    def _build_if_possible(self) -> None:
        if self._input is None or not self._layers:
            return
        self._walk(self._input.batch_shape, build=True)
        if not self._trainable:
            self.trainable = False
        self.mark_built(self._input.batch_shape)
        self.forget_passes()

    def _walk(self, shape: Any, build: bool = False) -> Any:
        """The output's shape; on the way each layer is checked and, where asked, built."""
        chain = [("input", tuple(shape))]
        for i, layer in enumerate(self._layers):
            try:
                if isinstance(shape, list):
                    raise ShapeError(
                        layer.where(), "one array", f"{len(shape)} arrays from {self._layers[i - 1].name!r}",
                        "return_state=True is possible on the last layer only",
                    )  # fmt: skip
                if build:
                    layer.ensure_built(shape)
                else:
                    layer.check_input(shape)
                shape = layer.compute_output_shape(shape)
            except ShapeError as error:
                error.chain = [*chain, *error.chain[1:]]  # what a model inside said goes on from here
                raise
            chain.append((layer.name, shape))
        return shape

    def check_input(self, input_shape: Shape) -> None:
        if self._input is not None and self._layers and not _fits(input_shape, self._input.batch_shape):
            self._walk(input_shape)  # the layer that it does not fit says so best
            expected = f"{self._input.batch_shape}, as when it was built"
            fix = "reshape, resize or pad the samples; or declare sizes that vary as None, Input((None, ...))"
            raise ShapeError(f"model {self.name!r}", expected, tuple(input_shape), fix)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        return self._walk(input_shape)

    def ensure_built(self, input_shape: Shape) -> None:
        if not self.built:
            self.build(input_shape)
        self.check_input(input_shape)

    @property
    def input_shape(self) -> Shape:
        """The shape of the input, the batch (None) first.

        Raises:
            AttributeError: before the model is built.
        """
        if self._input is None or not self.built:
            raise AttributeError(f"Sequential model '{self.name}' has no defined input shape yet.")
        return self._input.batch_shape

    @property
    def input_dtype(self) -> DType:
        """The type that the input was declared with.

        Raises:
            AttributeError: before the model is built.
        """
        if self._input is None or not self.built:
            raise AttributeError(f"Sequential model '{self.name}' has no defined input type yet.")
        return self._input.dtype

    @property
    def output_shape(self) -> Any:
        """The shape of the output, the batch (None) first.

        Raises:
            AttributeError: before the model is built.
        """
        if self._input is None or not self.built:
            raise AttributeError(f"Sequential model '{self.name}' has no defined output shape yet.")
        return self._walk(self._input.batch_shape)

    @property
    def takes_text(self) -> bool:
        """Whether the first layer takes strings."""
        return bool(self._layers) and self._layers[0].takes_text

    def standardize_input(self, x: Any) -> Array:
        if x.dtype.kind not in NUMBERS and not self.takes_text:
            as_numeric(x, self.where())  # raises
        if not self.built:
            self.build(x.shape)  # as in Keras the batch size is noted, but later batches may differ
        expected = self.input_shape
        if x.ndim != len(expected):
            x = self._adjust_rank(x, len(expected))
        if x.shape[1:] != expected[1:]:
            self.check_input(x.shape)
        return x

    def _adjust_rank(self, x: Array, rank: int) -> Array:
        """(N,) where (N, 1) is expected, and the reverse."""
        if x.ndim == rank + 1 and x.shape[-1] == 1:
            return x[..., 0]
        if x.ndim == rank - 1 and self.input_shape[-1] == 1:
            return x[..., None]
        return x

    # The two passes

    def forward(self, x: Array, ctx: Context) -> Any:
        """Each layer's forward pass, first to last."""
        mask = ctx.mask
        for layer, child in zip(self._layers, ctx.chain(len(self._layers)), strict=True):
            child.mask = mask
            x = layer.run_forward(x, child)
            mask = child.output_mask
        ctx.output_mask = mask
        ctx.save()
        return x

    def backward(self, dy: Any, ctx: Context) -> Array | None:
        """Each layer's backward pass, last to first, down to the first that has something to learn."""
        ctx.saved()
        lowest = 0 if ctx.needs_dx else self._first_trainable(ctx)
        children = ctx.chain(len(self._layers))
        for i in range(len(self._layers) - 1, lowest - 1, -1):
            child = children[i]
            child.needs_dx = ctx.needs_dx or i > lowest
            dy = self._layers[i].run_backward(dy, child)
        return dy if ctx.needs_dx else None

    def _first_trainable(self, ctx: Context) -> int:
        """The index of the first layer with trainable variables; found once for each context."""
        if not hasattr(ctx, "first_trainable"):
            indices = (i for i, layer in enumerate(self._layers) if layer.trainable_weights)
            ctx.first_trainable = next(indices, len(self._layers))  # type: ignore[attr-defined]
        first: int = ctx.first_trainable  # type: ignore[attr-defined]
        return first

    def __call__(self, x: Any, training: bool | None = None, mask: Array | None = None) -> Any:
        """The model's output for a batch, in a context of its own: the result is yours."""
        x = self.cast_input(x)
        if not training:
            return self._infer(x, mask)
        x = self.standardize_input(x)
        y = self.run_forward(x, Context(training=True, recording=False, mask=mask))
        return y.copy() if isinstance(y, np.ndarray) and np.may_share_memory(x, y) else y

    # Configs

    def get_config(self) -> dict[str, Any]:
        """Name and layers, in Keras' form."""
        config = self.base_config()
        entries = ([self._input] if self._input is not None and self._layers else []) + self._layers
        config["layers"] = [registry.serialize(layer) for layer in entries]
        if self.built and self._input is not None:
            config["build_input_shape"] = list(self._input.batch_shape)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Self:
        """A new model, with fresh variables, from what `get_config` returned."""
        with registry.custom_object_scope(custom_objects or {}):
            layers = [registry.deserialize(layer, module="keras.layers") for layer in config["layers"]]
        model = cls(layers, name=config.get("name"))
        shape = config.get("build_input_shape")
        if not model.built and shape and model.layers:
            model.build(tuple(shape))
        if not config.get("trainable", True):
            model.trainable = False
        return model


def _fits(shape: Shape, expected: Shape) -> bool:
    """Whether a shape is one that `expected` stands for, batch aside; None stands for any size."""
    return len(shape) == len(expected) and all(
        n is None or m is None or n == m for n, m in zip(shape[1:], expected[1:], strict=True)
    )


def _all_layers(layer: Layer) -> set[Layer]:
    """A layer and all layers inside it."""
    return {layer}.union(*(_all_layers(inner) for inner in layer.sublayers()))
