"""Activation functions in NumPy: calls of the functions of `plain.activations`."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras import activations as a
from minikeras import layers as k
from minikeras.export.plain import activations as plain
from minikeras.export.plain import core
from minikeras.export.source.writer import Code, Source
from minikeras.export.walk import Rule, Value, function_of

# each activation's function, and its arguments, which have the names of the activation's attributes
FUNCTIONS: dict[type, tuple[Any, tuple[str, ...]]] = {
    a.Celu: (plain.celu, ("alpha",)),
    a.Elu: (plain.elu, ("alpha",)),
    a.Exponential: (np.exp, ()),
    a.Gelu: (plain.gelu, ("approximate",)),
    a.Glu: (plain.glu, ("axis",)),
    a.HardShrink: (plain.hard_shrink, ("threshold",)),
    a.HardSigmoid: (plain.hard_sigmoid, ()),
    a.HardSilu: (plain.hard_silu, ()),
    a.HardTanh: (plain.hard_tanh, ()),
    a.LeakyRelu: (plain.bent_relu, ("negative_slope",)),
    a.LogSigmoid: (plain.log_sigmoid, ()),
    a.LogSoftmax: (plain.log_softmax, ("axis",)),
    a.Mish: (plain.mish, ()),
    a.Relu: (plain.bent_relu, ("negative_slope", "max_value", "threshold")),
    a.Relu6: (plain.bent_relu, ("max_value",)),
    a.Selu: (plain.selu, ()),
    a.Sigmoid: (plain.sigmoid, ()),
    a.Silu: (plain.silu, ()),
    a.SoftShrink: (plain.soft_shrink, ("threshold",)),
    a.Softmax: (plain.softmax, ("axis",)),
    a.Softplus: (plain.softplus, ()),
    a.Softsign: (plain.softsign, ()),
    a.SparsePlus: (plain.sparse_plus, ()),
    a.SparseSigmoid: (plain.sparse_sigmoid, ()),
    a.Sparsemax: (plain.sparsemax, ("axis",)),
    a.Squareplus: (plain.squareplus, ("b",)),
    a.Tanh: (np.tanh, ()),
    a.TanhShrink: (plain.tanh_shrink, ()),
    a.Threshold: (plain.cut_below, ("threshold", "default_value")),
}


def activated(f: a.Activation, z: str, s: Source) -> Code:
    """f(z).

    Raises:
        RefusedError: for a function of the user's own.
    """
    f = function_of(f, {a.Linear, *FUNCTIONS})
    if isinstance(f, a.Linear):
        return Code(z)
    function, names = FUNCTIONS[type(f)]
    options = {name: getattr(f, name) for name in names}
    if options == {"negative_slope": 0.0, "max_value": None, "threshold": 0.0}:
        function, options = plain.relu, {}
    if isinstance(options.get("axis"), list):
        options["axis"] = tuple(options["axis"])
    if not options:
        return Code(f"{s.use(function)}({z})")
    return s.call(function, Code(z), **options)


def as_function(f: a.Activation, s: Source) -> Code:
    """f as a function that can be handed on."""
    text = activated(f, "z", s)
    return Code(text.removesuffix("(z)") if text.endswith("(z)") else f"lambda z: {text}")


def activation(layer: k.Activation, x: Value, s: Source) -> str:
    """`Activation`."""
    return activated(layer.activation, "x", s)


def activation_layer(layer: Any, x: Value, s: Source) -> str:
    """`ReLU`, `LeakyReLU`, `ELU`."""
    return activated(layer.function, "x", s)


def softmax(layer: k.Softmax, x: Value, s: Source) -> str:
    """`Softmax`."""
    if x.mask is None:
        return activated(layer.function, "x", s)
    axis = layer.axis if isinstance(layer.axis, int) else tuple(layer.axis)
    return s.call(core.masked_softmax, Code("x"), s.mask(x), axis=axis)


def prelu(layer: k.PReLU, x: Value, s: Source) -> str:
    """`PReLU`."""
    return s.call(core.prelu, Code("x"), s.variables(layer, "alpha"))


RULES: dict[type, Rule] = {
    k.Activation: activation,
    k.ELU: activation_layer,
    k.LeakyReLU: activation_layer,
    k.PReLU: prelu,
    k.ReLU: activation_layer,
    k.Softmax: softmax,
}
