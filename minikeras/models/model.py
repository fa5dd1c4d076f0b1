"""What all models share: layers by name, the summary, JSON, copies."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any, Self

from minikeras import saving
from minikeras.errors import closest
from minikeras.layers.base import Layer
from minikeras.markup import fragment
from minikeras.saving.configs import model_config
from minikeras.summary import summarize, summarize_html
from minikeras.training.trainer import Trainer


class Model(Trainer):
    """What all models share: layers by name, the summary, JSON. Make a `Sequential`."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if cls is Model:
            raise TypeError(
                "Model(inputs, outputs) is Keras' functional API, which is not here.\n"
                "  likely fix: list the layers in their order, Sequential([Input(...), Dense(...), ...])"
            )
        return super().__new__(cls)

    def __init__(self, trainable: bool = True, name: str | None = None) -> None:
        super().__init__(trainable=trainable, name=name)
        self.autocast = False  # each layer inside converts its own input
        self._evaluating = threading.RLock()
        self.forget_passes()

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the `InputLayer`."""
        return self.sublayers()

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by its name or its position.

        Raises:
            ValueError: when there is none such, or both or neither are given.
        """
        if (name is None) == (index is None):
            raise ValueError(f"Give either a layer's name or its index. Received: name={name}, index={index}")
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(
                    f"There is no layer at index {index}: the model has {len(self.layers)} layers."
                )
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in self.layers]
        raise ValueError(f"No such layer: {name}. Existing layers are: {names}.{closest(str(name), names)}")

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Print a table of the layers, their output shapes and their numbers of parameters.

        Args:
            line_length: the width of the table; by default that of the terminal, at most 88.
            positions: where the columns end, as shares of the width.
            print_fn: called with the text, instead of `print`.
            expand_nested: also list the layers of models inside.
            show_trainable: add a column that tells which layers are trained.
            layer_range: the names of the first and the last layer to list.
        """
        text = summarize(self, line_length, positions, expand_nested, show_trainable, layer_range)
        (print_fn or print)(text)

    def _repr_html_(self) -> str:
        return fragment(summarize_html(self))

    def to_json(self, **kwargs: Any) -> str:
        """How the model is made, built and compiled, as a JSON string for `model_from_json`.

        `kwargs` go to `json.dumps`.
        """
        return json.dumps(model_config(self), **kwargs)

    def save(
        self, filepath: Any, overwrite: bool = True, zipped: bool | None = None, examples: Any = None
    ) -> None:
        """Write the whole model to a `.keras`, `.h5` or `.hdf5` file; see `minikeras.saving.save_model`."""
        saving.save_model(self, filepath, overwrite, zipped, examples)

    def save_weights(
        self, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None
    ) -> None:
        """Write the weights to a `.weights.h5`, `.npz` or `.safetensors` file; see `minikeras.saving`."""
        saving.save_weights(self, filepath, overwrite, max_shard_size)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False) -> None:
        """Read the weights from a file; see `minikeras.saving.load_weights`."""
        saving.load_weights(self, filepath, skip_mismatch)

    def __getstate__(self) -> dict[str, Any]:
        # what belongs to passes stays here: a copy makes its own, over its own variables
        own = ("_step", "_idle_contexts", "_evaluating", "_source")
        state = {k: v for k, v in vars(self).items() if k not in own}
        if self._step is not None:  # but a copy draws the same masks as the original would
            state["_generators"] = self._step.ctx.generator_states()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._evaluating = threading.RLock()
        self.forget_passes()
