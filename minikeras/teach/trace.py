"""One pass, and everything that happened in it: each layer's x, z, y, dy, dz, dx and gradients.

The pass runs on a copy of the model, layer by layer, exactly as `fit` runs it; nothing is computed
anew except z, which layers overwrite with y. When softmax and its cross-entropy are paired, the loss
hands dz = y − t to the last layer, and the trace says so.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from minikeras.activations import Activation as ActivationFunction
from minikeras.activations import Linear, Sigmoid, Softmax, Tanh
from minikeras.context import Context
from minikeras.layers.activation import Activation
from minikeras.layers.base import Layer
from minikeras.layers.inputs import as_numeric
from minikeras.markup import Markup, View, heatmaps, join, table, tag, text_table
from minikeras.teach.formulas import formulas
from minikeras.teach.problem import path_below
from minikeras.training.compiled import find_loss
from minikeras.training.pairing import is_paired, mark_paired
from minikeras.training.step import add_penalties, value_and_gradient
from minikeras.typing import Array

BACKWARD = ("dy", "dz", "dx", "gradients")
NO_TARGETS = (
    "trace had no y, so there is no loss and no gradient to show: trace(model, x, y) of a compiled model."
)


class LayerTrace:
    """What passed through one layer.

    Attributes:
        layer, name: the layer (of the copy), and its name; with "inner/" before it within a model.
        x, z, y: input, pre-activation (None where there is none) and output.
        dy, dz, dx: dL/dy, dL/dz and dL/dx, where the trace was given targets; dy is None where `paired`.
        gradients: {variable's name: dL/dvariable}, penalties included.
        paired: whether the loss gave dL/dz itself.
        forward_lines, backward_lines: the equations, with this layer's shapes.
    """

    def __init__(self, layer: Layer, name: str, x: Array, y: Array, training: bool) -> None:
        self.layer, self.name = layer, name
        self.x, self.y = layer.cast_input(x).copy(), np.array(y[0] if isinstance(y, list) else y)
        self.paired = False
        self.f = vars(layer).get("activation")
        self.z = self._find_z(training)
        self.forward_lines, self.backward_lines = formulas(layer, self.x.shape, self.y.shape)

    def __getattr__(self, name: str) -> Any:
        if name in BACKWARD:
            raise AttributeError(NO_TARGETS)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _find_z(self, training: bool) -> Array | None:
        """The layer's output without its activation; None unless f of it is y."""
        if not isinstance(self.f, ActivationFunction):
            return None
        if isinstance(self.f, Linear):
            return self.y
        if isinstance(self.layer, Activation):
            return self.x
        bare: Any = copy.copy(self.layer)
        bare.activation = Linear()
        try:
            z = np.array(bare.forward(self.x, Context(training, recording=False)))
        except Exception:  # a layer of the user's own that needs more than that
            return None
        return z if z.shape == self.y.shape and np.allclose(self.f(z.copy()), self.y, atol=1e-5) else None

    def receive(self, dy: Array, dx: Array | None, ctx: Context, paired: bool) -> None:
        """Note what the backward pass brought."""
        self.dx, self.paired = None if dx is None else np.array(dx), paired
        self.dy: Array | None = None if paired else dy
        self.dz: Array | None = None
        if paired:
            self.dz = dy
        elif self.z is not None and isinstance(self.f, ActivationFunction):
            self.dz = np.array(self.f.backward(dy, self.z if self.f.needs_input else self.y))
        self.gradients = {path_below(self.layer, v): ctx.grad(v).copy() for v in self.layer.trainable_weights}

    @property
    def zeros(self) -> float:
        """The share of outputs that are exactly zero."""
        return float((self.y == 0).mean()) if self.y.size else 0.0

    @property
    def saturated(self) -> float | None:
        """The share of outputs at which sigmoid, tanh or softmax is nearly flat: f' below 5 % of its maximum."""
        if isinstance(self.f, Tanh):
            return float((1 - self.y**2 < 0.05).mean())
        if isinstance(self.f, (Sigmoid, Softmax)):
            return float((4 * self.y * (1 - self.y) < 0.05).mean())
        return None

    def lines(self) -> list[str]:
        """All equations, as far as they were run."""
        back = list(self.backward_lines) if "dy" in vars(self) else []
        if self.paired:
            back[0] = "dz = (y − t) / N   from the loss: softmax or sigmoid and its cross-entropy, merged"
        return [*self.forward_lines, *back]

    def arrays(self) -> dict[str, Array]:
        """Every array by name, in the order of the pass."""
        own = vars(self)
        found = {n: own[n] for n in ("x", "z", "y", "dy", "dz", "dx") if own.get(n) is not None}
        return found | {f"dL/d{n}": g for n, g in own.get("gradients", {}).items()}


class Trace(View):
    """All layers of one pass: `trace["dense"].dz`, `print(trace)`, `trace.layers`, `trace.loss`.

    Attributes:
        layers: a `LayerTrace` for each layer, in order.
        loss: the loss with all penalties; None without targets.
        y_pred: the model's output.
    """

    title = "trace"

    def __init__(self, layers: list[LayerTrace], loss: float | None) -> None:
        self.layers, self.loss = layers, loss
        self.y_pred = layers[-1].y

    def __getitem__(self, key: str | int) -> LayerTrace:
        if isinstance(key, int):
            return self.layers[key]
        for one in self.layers:
            if one.name == key:
                return one
        raise KeyError(f"no layer {key!r}; there are {[one.name for one in self.layers]}")

    @property
    def data(self) -> dict[str, dict[str, Array]]:
        """{layer: {"x": ..., "z": ..., "dL/dkernel": ...}}."""
        return {one.name: one.arrays() for one in self.layers}

    def _rows(self) -> list[list[Any]]:
        rows: list[list[Any]] = []
        for one in self.layers:
            flat = one.saturated
            row: list[Any] = [one.name, str(one.y.shape), _norm(one.y), f"{one.zeros:.0%}"]
            row.append("" if flat is None else f"{flat:.0%}")
            if self.loss is not None:
                row.append("paired" if one.dy is None else _norm(one.dy))
                row.append("" if one.dx is None else _norm(one.dx))
                row.append(", ".join(f"{n} {_norm(g):.3g}" for n, g in one.gradients.items()))
            rows.append(row)
        return rows

    def _heads(self) -> list[str]:
        heads = ["layer", "y", "|y|", "zeros", "saturated"]
        return heads if self.loss is None else [*heads, "|dy|", "|dx|", "gradients"]

    def table(self) -> str:
        """One line for each layer: shapes, norms, shares of zero and of saturated outputs."""
        return text_table(self._heads(), self._rows())

    def __str__(self) -> str:
        parts = [self.table()]
        for one in self.layers:
            parts.append(
                "\n".join([f"{one.name} ({type(one.layer).__name__})", *(f"    {s}" for s in one.lines())])
            )
        parts.append(NO_TARGETS if self.loss is None else f"loss {self.loss:.6g}")
        return "\n\n".join(parts)

    def html(self) -> Markup:
        """The table, and for each layer its equations and its arrays as heatmaps."""
        parts: list[object] = [table(self._heads(), self._rows())]
        for one in self.layers:
            inner = join([tag("pre", "\n".join(one.lines())), heatmaps(one.arrays())])
            parts.append(tag("details", join([tag("summary", tag("b", one.name)), inner])))
        parts.append(tag("p", NO_TARGETS if self.loss is None else f"loss {self.loss:.6g}"))
        return join(parts)

    __repr__ = __str__


def _norm(array: Array) -> float:
    return float(np.linalg.norm(np.asarray(array, float).reshape(-1)))


def trace(model: Any, x: Any, y: Any = None, *, training: bool = True) -> Trace:
    """Run one pass and keep all of it. The model stays as it is.

    Args:
        model: a `Sequential`; with y it must be compiled. A single layer is traced alone.
        x: a batch of inputs.
        y: its targets; without them only the forward pass can be shown.
        training: whether dropout and the like are active.

    Raises:
        ValueError: with y, for a model without a loss.
        NotImplementedError: with y, for a layer without `backward`; the message names it.
    """
    if not isinstance(model, Layer):
        raise TypeError(
            f"trace needs a model or a layer. Received: {model!r} (of type {type(model).__name__})"
        )
    if y is not None and getattr(model, "loss", None) is None:
        raise ValueError(
            "trace with y needs a loss: model.compile(optimizer='sgd', loss='mse'). Or leave y out."
        )
    twin = copy.deepcopy(model)
    array = twin.cast_input(as_numeric(x, "trace"))
    twin.ensure_built(array.shape)
    if hasattr(twin, "standardize_input"):
        array = twin.standardize_input(array)
    return run_trace(twin, array, None if y is None else np.asarray(y), training)


def run_trace(model: Any, x: Array, y: Array | None, training: bool) -> Trace:
    """The traced pass itself, through the very model that it is given."""
    ctx, found = Context(training), list[tuple[LayerTrace, Context]]()
    y_pred = _forward(model, x, ctx, "", found, training)
    if y is None:
        return Trace([one for one, _ in found], None)
    loss_fn = find_loss(model.loss, y, y_pred)
    paired = is_paired(model, loss_fn)
    if paired:
        mark_paired(model, ctx)
        loss, dy = loss_fn.value_and_gradient(y, y_pred, None, found[-1][1].output_mask, paired=True)
    else:
        loss, dy = value_and_gradient(loss_fn, y, y_pred, None, found[-1][1].output_mask)
    dy = dy * model._loss_weight
    received = []
    for one, child in reversed(found):
        dx = one.layer.run_backward(dy, child)
        received.append((one, np.array(dy), dx, child))
        dy = dx
    penalty = add_penalties(model.trainable_weights, ctx)
    for one, given, dx, child in received:
        one.receive(given, dx, child, paired and one is found[-1][0])
    return Trace([one for one, _ in found], loss * model._loss_weight + penalty + ctx.penalty)


def _forward(
    model: Any, x: Array, ctx: Context, prefix: str, found: list[tuple[LayerTrace, Context]], training: bool
) -> Any:
    """Through a layer, or through each layer of a model and of the models inside."""
    inner = getattr(model, "layers", None)
    if not inner:
        y = model.run_forward(x, ctx)
        found.append((LayerTrace(model, prefix + model.name, x, y, training), ctx))
        return found[-1][0].y if isinstance(y, np.ndarray) else y
    mask = ctx.mask
    for i, layer in enumerate(inner):
        child = ctx.child(i)
        child.mask = mask
        deeper = f"{prefix}{layer.name}/" if getattr(layer, "layers", None) else prefix
        x = _forward(layer, x, child, deeper, found, training)
        mask = found[-1][1].output_mask
    return x
