"""A number L that depends on an input and on variables, and the gradients that are claimed for it.

For a layer, L = Σ y dy with random dy, so that one number sees every output. For a model with
targets it is the loss, penalties included; for a loss, its value. Everything happens on a copy in
double precision, and each evaluation begins with the same dropout masks and the same states.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from minikeras.context import Context
from minikeras.layers.base import Layer
from minikeras.random import SeedGenerator
from minikeras.training.compiled import find_loss
from minikeras.training.pairing import is_paired, mark_paired
from minikeras.training.step import add_penalties, value_and_gradient
from minikeras.typing import Array
from minikeras.variable import Variable

NOISE_SEED = 20  # of the generator that layers draw from by `ctx.rng`


class Problem:
    """L as a function of arrays that may be changed in place, and `backward`'s word on its gradients.

    Args:
        arrays: name -> an array that L depends on.
        run: computes the terms that L is the sum of.
        gradients: computes dL/darray by name; may add to the list of broken laws that it is given.
    """

    def __init__(
        self,
        arrays: dict[str, Array],
        run: Callable[[], list[Array]],
        gradients: Callable[[list[str]], dict[str, Array | None]],
    ) -> None:
        self.arrays, self.run, self.gradients = arrays, run, gradients

    def slope(self, name: str, where: Any, step: Any, h: float) -> tuple[float, float, float]:
        """The derivative along `step`, at both sides of the point together, on its left, and on its right."""
        flat = self.arrays[name].reshape(-1)
        start = flat[where].copy()
        here = self.run()
        flat[where] = start + h * step
        above = self.run()
        flat[where] = start - h * step
        below = self.run()
        flat[where] = start
        left, right = _difference(here, below) / h, _difference(above, here) / h
        return _difference(above, below) / (2 * h), left, right


def _difference(a: list[Array], b: list[Array]) -> float:
    """Term by term, then summed: so the rounding errors of large sums stay out."""
    return float(sum((x - y).sum() for x, y in zip(a, b, strict=True)))


class Subject:
    """A layer or model in double precision, with one batch to run it on.

    Args:
        layer: the original; it is copied.
        x: the input.
        mask: which steps of it count, or None.
        training: whether dropout drops.
        y: targets, for a compiled model; None for L = Σ y dy.
        rng: draws dy, and the values of variables that would hide mistakes.
    """

    def __init__(
        self,
        layer: Layer,
        x: Array,
        mask: Array | None,
        training: bool,
        y: Any,
        rng: np.random.Generator,
    ) -> None:
        self.layer = in_float64(layer)
        self.layer.ensure_built(x.shape)
        if hasattr(self.layer, "standardize_input"):
            x = self.layer.standardize_input(x)
        self.x, self.mask, self.training = np.array(x), mask, training
        self.y: Any = None if y is None else np.asarray(y)
        stir(self.layer, rng)
        self.state = State(self.layer)
        before = [v.value.copy() for v in self.layer.trainable_weights]
        outputs, _ = self.forward()
        self.rewrites = any(
            not np.array_equal(v.value, b) for v, b in zip(self.layer.trainable_weights, before, strict=True)
        )
        for v, b in zip(self.layer.trainable_weights, before, strict=True):
            v.value[...] = b
        if self.rewrites:  # such as spectral normalization: gradients are those of the rewritten weights
            self.training = False
            outputs, _ = self.forward()
        self.dy = [rng.normal(size=o.shape) for o in outputs]
        self.outputs = outputs
        compiled: Any = layer
        self.loss: Any = None if self.y is None else find_loss(compiled.loss, self.y, outputs[0])
        self.scale: float = 1.0 if self.y is None else compiled._loss_weight

    def forward(self) -> tuple[list[Array], Context]:
        """The outputs, from the same masks and states as always, and the pass's context."""
        self.state.restore()
        ctx = Context(self.training, mask=self.mask)
        ctx.rng = np.random.default_rng(NOISE_SEED)
        out = self.layer.run_forward(self.x, ctx)
        return (list(out) if isinstance(out, (list, tuple)) else [np.asarray(out)]), ctx

    def terms(self) -> list[Array]:
        """What L is the sum of."""
        outputs, ctx = self.forward()
        if self.loss is None:
            return [*(o * d for o, d in zip(outputs, self.dy, strict=True)), np.asarray(ctx.penalty)]
        loss, _ = value_and_gradient(self.loss, self.y, outputs[0], None, ctx.output_mask)
        return [np.asarray(loss * self.scale + ctx.penalty + sum(self.layer.losses))]

    def problem(self, with_x: bool) -> Problem:
        """L and its gradients by name."""
        arrays = {"x": self.x} if with_x else {}
        arrays |= {name: v.value for name, v in self.variables.items()}
        return Problem(arrays, self.terms, self.backward)

    @property
    def variables(self) -> dict[str, Variable]:
        """The trainable variables by their paths below the layer."""
        return {path_below(self.layer, v): v for v in self.layer.trainable_weights}

    def backward(self, broken: list[str]) -> dict[str, Array | None]:
        """What the layer's own `backward` says; laws that it breaks are added to the list."""
        outputs, ctx = self.forward()
        dy: Any = [d.copy() for d in self.dy]
        for v in self.layer.trainable_weights:
            ctx.gradients[v] = np.full_like(v.value, np.nan)  # what is left of it was never written
        if self.loss is not None:
            dy = [self._loss_gradient(outputs[0], ctx)]
        before = [a.copy() for a in (*dy, self.x, *(v.value for v in self.layer.weights))]
        given = dy if len(dy) > 1 else dy[0]
        dx = self.layer.run_backward(given, ctx)
        # a copy, as dx may be dy itself, which is put back below
        found: dict[str, Array | None] = {"x": None if dx is None else np.array(dx)}
        after = [*dy, self.x, *(v.value for v in self.layer.weights)]
        labels = ["dy"] * len(dy) + ["x"] + [v.path for v in self.layer.weights]
        for label, a, b in zip(labels, before, after, strict=True):
            if not np.array_equal(a, b, equal_nan=True):
                broken.append(
                    f"backward wrote into {label}; others still need it. Work on a copy, or use out=."
                )
                b[...] = a
        if self.loss is not None:
            add_penalties(self.layer.trainable_weights, ctx)
        return found | {n: ctx.grad(v).copy() for n, v in self.variables.items()}

    def adds_up(self) -> set[str]:
        """The variables whose gradients `backward` adds to what was there, instead of setting them."""
        totals = []
        for start in (0.0, 1.0):
            outputs, ctx = self.forward()
            for v in self.layer.trainable_weights:
                ctx.gradients[v] = np.full_like(v.value, start)
            dy = [d.copy() for d in self.dy] if self.loss is None else [self._loss_gradient(outputs[0], ctx)]
            self.layer.run_backward(dy if len(dy) > 1 else dy[0], ctx)
            totals.append({n: ctx.grad(v) for n, v in self.variables.items()})
        return {n for n, g in totals[0].items() if g.any() and np.allclose(totals[1][n], g + 1)}

    def _loss_gradient(self, y_pred: Array, ctx: Context) -> Array:
        if is_paired(self.layer, self.loss):
            mark_paired(self.layer, ctx)
            _, dy = self.loss.value_and_gradient(self.y, y_pred, None, ctx.output_mask, paired=True)
        else:
            _, dy = value_and_gradient(self.loss, self.y, y_pred, None, ctx.output_mask)
        return np.array(dy * self.scale)


def path_below(layer: Layer, variable: Variable) -> str:
    """A variable's path from within a layer: kernel, or dense/kernel for a layer inside it."""
    names = variable.path.split("/")
    return "/".join(names[names.index(layer.name) + 1 :]) if layer.name in names[:-1] else variable.name


class State:
    """What a forward pass may change in a layer, to be put back before the next."""

    def __init__(self, layer: Layer) -> None:
        owners = all_layers(layer)
        self.counts = [
            (g, g.count) for owner in owners for g in vars(owner).values() if isinstance(g, SeedGenerator)
        ]
        self.values = [(v, v.value.copy()) for v in layer.non_trainable_weights]
        self.states = [(owner, copy.deepcopy(owner.states)) for owner in owners if hasattr(owner, "states")]

    def restore(self) -> None:
        """Put it back."""
        for generator, count in self.counts:
            generator.count = count
        for v, value in self.values:
            v.value[...] = value
        for owner, states in self.states:
            owner.states = copy.deepcopy(states)


def all_layers(layer: Layer) -> list[Any]:
    """A layer and all layers inside it, each once."""
    found = {id(layer): layer}
    for inner in layer.sublayers():
        found |= {id(one): one for one in all_layers(inner)}
    return list(found.values())


def in_float64(layer: Layer) -> Any:
    """A copy of a layer whose types, variables and other arrays are all double."""
    twin = copy.deepcopy(layer)
    double = np.dtype("float64")
    for owner in all_layers(twin):
        if owner.dtype.kind == "f":
            owner.dtype = double
        for name, value in vars(owner).items():
            if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                setattr(owner, name, value.astype(double))
            elif name == "states" and value is not None:
                owner.states = [s.astype(double) for s in value]
    for v in twin.weights:
        if v.dtype.kind == "f":
            v.value = np.array(v.value, double)
    return twin


def stir(layer: Layer, rng: np.random.Generator) -> None:
    """Add noise to variables whose elements are all alike: fresh biases and scales hide mistakes.

    A bias of 0 hides that it is forgotten, a γ of 1 that a factor is.
    """
    for v in layer.weights:
        if v.dtype.kind == "f" and v.size and np.ptp(v.value) == 0:
            v.value += rng.uniform(0.1, 0.5, v.shape)  # above 0: it may be a variance
