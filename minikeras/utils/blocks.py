"""What a picture of a model shows: a block for each layer, with its name, class, shapes and parameters.

Blocks know nothing of lines and colours. `minikeras.utils.svg` draws them, `minikeras.utils.dot` writes them
for Graphviz.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

DIRECTIONS = ("TB", "BT", "LR", "RL")


@dataclass
class Block:
    """A layer, or a model and the blocks inside.

    Args:
        title: the name and the class, or the class alone.
        cells: pairs of what is told and its value, such as ("Output shape", "(None, 10)").
        inner: the layers of a model whose inside is shown.
        trainable: None where that is not shown.
    """

    title: str
    cells: list[tuple[str, str]] = field(default_factory=list)
    inner: list[Block] = field(default_factory=list)
    trainable: bool | None = None

    def leaves(self) -> Iterator[Block]:
        """The blocks that have nothing inside, in the order in which data flows through them."""
        if not self.inner:
            yield self
        for block in self.inner:
            yield from block.leaves()


@dataclass
class Shown:
    """Which facts of a layer are shown; the names are the arguments of `plot_model`."""

    show_shapes: bool = False
    show_dtype: bool = False
    show_layer_names: bool = False
    expand_nested: bool = False
    show_layer_activations: bool = False
    show_trainable: bool = False

    def block(self, layer: Any, input_shape: Any, inside: bool | None = None) -> Block:
        """The block of a layer.

        Args:
            layer: a layer or a model.
            input_shape: of the layer, or None when it is not known.
            inside: whether to show the inside of a model.
        """
        kind = type(layer).__name__
        title = f"{layer.name} ({kind})" if self.show_layer_names else kind
        layers = getattr(layer, "layers", ())
        if layers and (self.expand_nested if inside is None else inside):
            return Block(title, inner=list(self._chain(layers, input_shape)))
        return Block(
            title,
            list(self._cells(layer, input_shape)),
            trainable=bool(layer.trainable) if self.show_trainable and layer.weights else None,
        )

    def _chain(self, layers: Any, shape: Any) -> Iterator[Block]:
        for layer in layers:
            yield self.block(layer, shape)
            shape = _output_shape(layer, shape)

    def _cells(self, layer: Any, input_shape: Any) -> Iterator[tuple[str, str]]:
        activation = getattr(layer, "activation", None)
        if self.show_layer_activations and activation is not None:
            name = getattr(activation, "name", None) or getattr(activation, "__name__", None)
            yield "Activation", str(name or activation)
        if self.show_shapes:
            yield "Input shape", _text(input_shape)
            yield "Output shape", _text(_output_shape(layer, input_shape))
            yield "Parameters", f"{layer.count_params():,}" if layer.built else "?"
        if self.show_dtype:
            yield "Output dtype", str(layer.dtype)
        if self.show_trainable and layer.weights:
            yield "Trainable", "yes" if layer.trainable else "no"


def blocks_of(model: Any, shown: Shown) -> Block:
    """The block of a model with its layers inside, or of a single layer.

    Raises:
        TypeError: when it is neither a model nor a layer.
        ValueError: for a model that is not built: its shapes are not known.
    """
    if not hasattr(model, "built") or not hasattr(model, "name"):
        raise TypeError(f"Only a model or a layer can be drawn. Received: {type(model).__name__}")
    if not model.built:
        raise ValueError(
            f"The model {model.name!r} is not built yet. Likely fix: begin it with an Input, call "
            "`model.build(input_shape)`, or call the model on a batch of data."
        )
    shape = getattr(model, "input_shape", None) or model.build_shape
    return shown.block(model, shape, inside=True)


def _output_shape(layer: Any, input_shape: Any) -> Any:
    return None if input_shape is None else layer.compute_output_shape(input_shape)


def _text(shape: Any) -> str:
    if shape is None:
        return "?"
    return ", ".join(str(tuple(s)) for s in shape) if isinstance(shape, list) else str(tuple(shape))


def escape(text: str) -> str:
    """A text for XML, where < and & have a meaning of their own."""
    import html  # its tables take longer to load than a picture takes to draw

    return html.escape(text)
