"""All that a training run knows beyond its weights, so that it can be taken up again with the same bits.

These are: where in the data it stands; the states of the random generators, that is of the default
one, of each layer's sequence of seeds, and of the masks of the training pass, which run on from step to
step; the states of stateful layers; and the loss and the metrics of an unfinished epoch. It is plain
data: numbers, strings, arrays, lists and dicts of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from minikeras.layers.variables import VariableOwner
from minikeras.random import SeedGenerator, default_generator
from minikeras.training.compiling import Compiled
from minikeras.training.data import Epochs


class Resumable(Compiled):
    """The part of a model that can tell where in its training it is, and go there."""

    _source: Epochs | None = None  # the data of the `fit` that is running
    _first_epoch: int | None = None  # to go on from
    _generators: dict[str, Any] = {}  # for the training pass, once there is one  # noqa: RUF012

    @contextmanager
    def _training_from(self, source: Epochs) -> Iterator[None]:
        self._source, self._first_epoch = source, None
        try:
            yield
        finally:
            self._source = None

    def get_training_state(self, epoch: int) -> dict[str, Any]:
        """Where a running `fit` is.

        Args:
            epoch: the one to go on with: the present one between two batches, the next one at its end.
        """
        assert self._source is not None, "only while `fit` runs"
        seeds, orders = default_generator.get_state()
        passes = {} if self._step is None else self._step.ctx.generator_states()
        return {
            "epoch": epoch,
            "stop_training": self.stop_training,
            "input_shape": list(self.build_shape or ()),
            "source": self._source.get_state(),
            "default_generator": [seeds, orders],
            "passes": {path: _plain(state) for path, state in passes.items()},
            "seeds": [[s.initial_seed, s.count] for s in _seed_generators(self)],
            "states": [layer.states for layer in _stateful(self)],
            "tally": [self._tally.total, self._tally.count],
            "metrics": self._compiled_metrics.get_state(),
        }

    def set_training_state(self, state: dict[str, Any]) -> None:
        """Go to where `get_training_state` was called; its weights must be in the model already."""
        assert self._source is not None, "only while `fit` runs"
        self._first_epoch, self.stop_training = state["epoch"], state["stop_training"]
        source = {**state["source"], "origin": _streams(state["source"]["origin"])}
        batch = self._source.set_state(source)
        default_generator.set_state(_streams(state["default_generator"]))
        self._step = None
        self._generators = {path: _state(plain) for path, plain in state["passes"].items()}
        for sequence, (seed, count) in zip(_seed_generators(self), state["seeds"], strict=True):
            sequence.initial_seed, sequence.count = seed, count
        for layer, states in zip(_stateful(self), state["states"], strict=True):
            layer.states = states
        if batch is not None:
            x = self.standardize_input(batch[0])
            y_pred = np.full(self.compute_output_shape(x.shape), 0.5, self.dtype)
            self._compiled_metrics.set_state(state["metrics"], batch[1], y_pred)
            self._tally.total, self._tally.count = state["tally"]


def _layers(layer: VariableOwner) -> Iterator[VariableOwner]:
    yield layer
    for inner in layer.sublayers():
        yield from _layers(inner)


def _seed_generators(model: VariableOwner) -> list[SeedGenerator]:
    """The sequences of seeds of all layers, each once."""
    found: dict[int, SeedGenerator] = {}
    for layer in _layers(model):
        found |= {id(v): v for v in vars(layer).values() if isinstance(v, SeedGenerator)}
    return list(found.values())


def _stateful(model: VariableOwner) -> list[Any]:
    return [layer for layer in _layers(model) if getattr(layer, "stateful", False)]


def _plain(state: dict[str, Any]) -> list[Any]:
    """A bit generator's state as numbers."""
    return [state["state"]["state"].tolist(), state["has_uint32"], state["uinteger"]]


def _state(plain: list[Any]) -> dict[str, Any]:
    """The reverse of `_plain`."""
    words, has_uint32, uinteger = plain
    inner = {"state": np.array(words, np.uint64)}
    return {"bit_generator": "SFC64", "state": inner, "has_uint32": has_uint32, "uinteger": uinteger}


def _streams(state: Any) -> Any:
    """The default generator's state from lists: Python's generator wants tuples."""
    if state is None:
        return None
    (version, words, gauss), orders = state
    return (version, tuple(words), gauss), tuple(orders)
