"""Layers that hold another layer: in both directions of time, or at every step."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minikeras import registry
from minikeras.context import Context
from minikeras.errors import ShapeError, check_option
from minikeras.layers.base import Layer
from minikeras.layers.recurrent import RNN
from minikeras.typing import Array, Shape

MERGE_MODES = ("concat", "sum", "mul", "ave", None)
# Multiplications of a step from which two threads, each reading in one direction, are faster than one that does both
STEP = 2**20


class Bidirectional(Layer):
    """Two copies of a recurrent layer: one reads forwards, one backwards, and their outputs are merged.

    Args:
        layer: the recurrent layer; both copies are made from its config.
        merge_mode: "concat", "sum", "mul" or "ave"; None returns a list of the two outputs.
        weights: initial weights, as for `set_weights`.
        backward_layer: a layer to read backwards, instead of a copy; it needs go_backwards=True.
        **kwargs: those of `Layer`.

    Source: Schuster and Paliwal, "Bidirectional Recurrent Neural Networks", 1997.
    """

    supports_masking = True

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for each in (layer, backward_layer or layer):
            if not isinstance(each, RNN):
                raise ValueError(f"Bidirectional needs a recurrent layer. Received: {each!r}")
        self.merge_mode = check_option(self, "merge_mode", merge_mode, MERGE_MODES)
        self.forward_layer = _copy(layer, "forward_", layer.go_backwards)
        if backward_layer is None:
            self.backward_layer = _copy(layer, "backward_", not layer.go_backwards)
        else:
            self.backward_layer = _copy(backward_layer, "backward_", backward_layer.go_backwards)
        if self.forward_layer.go_backwards == self.backward_layer.go_backwards:
            raise ValueError("Bidirectional: `layer` and `backward_layer` must go in opposite directions.")
        self.initial_weights = weights
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state

    def get_config(self) -> dict[str, Any]:
        """Both layers, and how they are merged."""
        config = self.base_config()
        config["merge_mode"] = self.merge_mode
        config["layer"] = registry.serialize(self.forward_layer)
        config["backward_layer"] = registry.serialize(self.backward_layer)
        return config

    @property
    def layer(self) -> Any:
        """The layer that reads forwards."""
        return self.forward_layer

    def build(self, input_shape: Shape) -> None:
        self.forward_layer.ensure_built(input_shape)
        self.backward_layer.ensure_built(input_shape)
        self.mark_built(input_shape)
        if self.initial_weights is not None:
            self.set_weights(self.initial_weights)

    def check_input(self, input_shape: Shape) -> None:
        self.forward_layer.check_input(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        shape = self.forward_layer.compute_output_shape(input_shape)
        shape, states = (shape[0], shape[1:]) if self.return_state else (shape, [])
        back = self.backward_layer.compute_output_shape(input_shape)
        back, back_states = (back[0], back[1:]) if self.return_state else (back, [])
        if self.merge_mode == "concat":
            outputs = [(*shape[:-1], shape[-1] + back[-1])]
        else:
            outputs = [shape, back] if self.merge_mode is None else [shape]
        all_ = [*outputs, *states, *back_states]
        return all_ if len(all_) > 1 else all_[0]

    def compute_mask(self, x: Array, mask: Array | None) -> Array | None:
        return mask if self.return_sequences else None

    def shares_work(self, input_shape: Shape) -> bool:
        """The two directions, where their steps are not too small."""
        weights = sum(v.size for v in self.forward_layer.weights)  # each is used once a step
        return (input_shape[0] or 1) * weights >= STEP and self.can_be_split()

    def forward(self, x: Array, ctx: Context) -> Any:
        jobs: list[Callable[[], Any]] = []
        for key, layer in (("forward", self.forward_layer), ("backward", self.backward_layer)):
            child = ctx.child(key)
            child.mask = ctx.mask
            jobs.append(partial(layer.run_forward, x, child))
        results = ctx.run_all(jobs, share=self.shares_work(x.shape))
        (y, *states), (back, *back_states) = (r if self.return_state else [r] for r in results)
        if self.return_sequences:
            back = back[:, ::-1]  # in the order of time again
        ctx.save(y=y, back=back, shape=x.shape)
        merged = self._merge(y, back, ctx)
        outputs = [*merged, *states, *back_states]
        return outputs if len(outputs) > 1 else outputs[0]

    def _merge(self, y: Array, back: Array, ctx: Context) -> list[Array]:
        if self.merge_mode is None:
            return [y, back]
        if self.merge_mode == "concat":
            out = ctx.buffer("merged", (*y.shape[:-1], y.shape[-1] + back.shape[-1]), self.dtype)
            return [np.concatenate([y, back], axis=-1, out=out)]
        operation = np.multiply if self.merge_mode == "mul" else np.add
        out = operation(y, back, out=ctx.buffer("merged", y.shape, self.dtype))
        if self.merge_mode == "ave":
            out /= 2
        return [out]

    def backward(self, dy: Any, ctx: Context) -> Array | None:
        y, back, shape = ctx.saved("y", "back", "shape")
        parts = list(dy) if isinstance(dy, (list, tuple)) else [dy]
        merged = 2 if self.merge_mode is None else 1
        d, dback = self._split(parts[:merged], y, back)
        dstates = parts[merged:]
        half = len(dstates) // 2
        if self.return_sequences:
            dback = dback[:, ::-1]
        jobs: list[Callable[[], Any]] = []
        for key, layer, dout, extra in (
            ("forward", self.forward_layer, d, dstates[:half]),
            ("backward", self.backward_layer, dback, dstates[half:]),
        ):
            child = ctx.child(key)
            child.needs_dx = ctx.needs_dx
            jobs.append(partial(layer.run_backward, [dout, *extra] if self.return_state else dout, child))
        dx, dx_back = ctx.run_all(jobs, share=self.shares_work(shape))
        return np.add(dx, dx_back, out=ctx.buffer("dx", dx.shape, self.dtype)) if ctx.needs_dx else None

    def _split(self, parts: list[Array], y: Array, back: Array) -> tuple[Array, Array]:
        """dL/dy of both directions from that of what they were merged into."""
        if self.merge_mode is None:
            return parts[0], parts[1]
        (dy,) = parts
        if self.merge_mode == "concat":
            return dy[..., : y.shape[-1]], dy[..., y.shape[-1] :]
        if self.merge_mode == "mul":
            return dy * back, dy * y
        return (dy / 2, dy / 2) if self.merge_mode == "ave" else (dy, dy)

    def reset_states(self) -> None:
        """Reset both layers' states."""
        self.forward_layer.reset_states()
        self.backward_layer.reset_states()

    reset_state = reset_states


def _copy(layer: RNN, prefix: str, go_backwards: bool) -> RNN:
    """A new layer like this one, with another direction."""
    config = layer.get_config()
    config["go_backwards"] = go_backwards
    if not config["name"].startswith(prefix):
        config["name"] = prefix + config["name"]
    if layer.return_sequences:
        config["zero_output_for_mask"] = True
    return type(layer).from_config(config)


class TimeDistributed(Layer):
    """The same layer at every step: y[:, t] = layer(x[:, t]).

    All steps go through the layer as one large batch of batch·steps samples.

    Args:
        layer: what to apply.
        **kwargs: those of `Layer`.
    """

    supports_masking = True

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise ValueError(f"TimeDistributed needs a layer. Received: {layer!r}")
        self.layer = layer
        self.autocast = False  # the layer inside converts its own input

    def get_config(self) -> dict[str, Any]:
        """The layer inside."""
        return {**self.base_config(), "layer": registry.serialize(self.layer)}

    def build(self, input_shape: Shape) -> None:
        self.layer.ensure_built((None, *input_shape[2:]))
        self.mark_built(input_shape)

    def check_input(self, input_shape: Shape) -> None:
        if len(input_shape) < 3:
            raise ShapeError(self.where(), "min_ndim=3, (batch, steps, ...)", tuple(input_shape))
        if self.built:
            self.layer.check_input((None, *input_shape[2:]))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        inner = self.layer.compute_output_shape((None, *input_shape[2:]))
        return (*input_shape[:2], *inner[1:])

    def forward(self, x: Array, ctx: Context) -> Array:
        n, steps = x.shape[:2]
        ctx.save(shape=x.shape)
        y = self.layer.run_forward(x.reshape(n * steps, *x.shape[2:]), ctx.child("layer"))
        return y.reshape(n, steps, *y.shape[1:])

    def backward(self, dy: Array, ctx: Context) -> Array | None:
        shape = ctx.saved("shape")
        child = ctx.child("layer")
        child.needs_dx = ctx.needs_dx
        dx = self.layer.run_backward(dy.reshape(-1, *dy.shape[2:]), child)
        return None if dx is None else dx.reshape(shape)
