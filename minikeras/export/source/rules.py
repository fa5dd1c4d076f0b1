"""What each layer is in NumPy: a rule for each class, which returns an expression of x."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from minikeras import activations as a
from minikeras import layers as k
from minikeras.export.errors import Refused
from minikeras.export.plain import activations as plain
from minikeras.export.plain import core
from minikeras.export.source.writer import Code, Source
from minikeras.export.walk import Rule, Value
from minikeras.layers.activation_layers import LayerActivation

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
        Refused: for a function of the user's own.
    """
    if isinstance(f, LayerActivation):
        f = f.function
    if type(f) is a.Linear:
        return Code(z)
    if type(f) not in FUNCTIONS:
        why = f"its activation {f.name!r} is Python code of your own"
        raise Refused(why, "take one of minikeras.activations, or apply it outside of the model")
    function, names = FUNCTIONS[type(f)]
    options = {name: getattr(f, name) for name in names}
    if function is plain.bent_relu and f == _plain_relu(f):
        function, options = plain.relu, {}
    if isinstance(options.get("axis"), list):
        options["axis"] = tuple(options["axis"])
    if not options:
        return Code(f"{s.use(function)}({z})")
    return s.call(function, Code(z), **options)


def _plain_relu(f: Any) -> Any:
    """f, if it is max(z, 0) and no more."""
    return f if (f.negative_slope, f.max_value, f.threshold) == (0, None, 0) else None


def as_function(f: a.Activation, s: Source) -> Code:
    """f as a function that can be handed on."""
    text = activated(f, "z", s)
    name = text.removesuffix("(z)")
    return (
        Code(name)
        if name.replace(".", "").replace("_", "").isalnum() and name != "z"
        else Code(f"lambda z: {text}")
    )


def same(layer: Any, x: Value, s: Source) -> str:
    """Layers that change nothing when nothing is trained."""
    return "x"


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


def dense(layer: k.Dense, x: Value, s: Source) -> str:
    """`Dense`."""
    return activated(layer.activation, s.call(core.dense, Code("x"), s.variables(layer, "kernel", "bias")), s)


def einsum_dense(layer: k.EinsumDense, x: Value, s: Source) -> str:
    """`EinsumDense`."""
    inputs, kernel, output = layer._terms(len(x.shape))
    equation = f"{inputs},{kernel}->{output}"
    z = s.call(core.einsum_dense, Code("x"), s.variables(layer, "kernel", "bias"), equation=equation)
    return activated(layer.activation, z, s)


def embedding(layer: k.Embedding, x: Value, s: Source) -> str:
    """`Embedding`."""
    return s.call(core.embedding, Code("x"), s.variables(layer, "embeddings"))


def masking(layer: k.Masking, x: Value, s: Source) -> str:
    """`Masking`."""
    return f"x * {s.mask(x)}[..., None]"


def flatten(layer: k.Flatten, x: Value, s: Source) -> str:
    """`Flatten`."""
    size = layer.compute_output_shape(x.shape)[1]
    moved = "np.moveaxis(x, 1, -1)" if layer._moves_channels(len(x.shape)) else "x"
    return f"{moved}.reshape(len(x), {-1 if size is None else size})"


def reshape(layer: k.Reshape, x: Value, s: Source) -> str:
    """`Reshape`."""
    sizes = (-1 if n is None else n for n in layer.compute_output_shape(x.shape)[1:])
    return f"x.reshape(len(x), {', '.join(map(str, sizes))})"


def permute(layer: k.Permute, x: Value, s: Source) -> str:
    """`Permute`."""
    return f"x.transpose(0, {', '.join(map(str, layer.dims))})"


def repeat_vector(layer: k.RepeatVector, x: Value, s: Source) -> str:
    """`RepeatVector`."""
    return f"np.repeat(x[:, None], {layer.n}, axis=1)"


def batch_normalization(layer: k.BatchNormalization, x: Value, s: Source) -> str:
    """`BatchNormalization`."""
    arrays = s.variables(layer, "moving_mean", "moving_variance", "gamma", "beta")
    return _normalized(core.batch_normalization, layer, x, arrays, s)


def layer_normalization(layer: k.LayerNormalization, x: Value, s: Source) -> str:
    """`LayerNormalization`."""
    return _normalized(core.layer_normalization, layer, x, s.variables(layer, "gamma", "beta"), s)


def group_normalization(layer: k.GroupNormalization, x: Value, s: Source) -> str:
    """`GroupNormalization`."""
    groups = x.shape[layer.axis] if layer.groups == -1 else layer.groups
    return _normalized(core.group_normalization, layer, x, s.variables(layer, "gamma", "beta"), s, groups)


def _normalized(function: Any, layer: Any, x: Value, arrays: Code, s: Source, *more: Any) -> str:
    axes = layer.axes(len(x.shape))
    return s.call(function, Code("x"), *more, arrays, axes=axes, epsilon=layer.epsilon)


def rms_normalization(layer: k.RMSNormalization, x: Value, s: Source) -> str:
    """`RMSNormalization`."""
    axes = layer._axes(len(x.shape))
    return s.call(
        core.rms_normalization, Code("x"), s.variables(layer, "scale"), axes=axes, epsilon=layer.epsilon
    )


def unit_normalization(layer: k.UnitNormalization, x: Value, s: Source) -> str:
    """`UnitNormalization`."""
    axis = layer.axis if isinstance(layer.axis, int) else tuple(layer.axis)
    return s.call(core.unit_normalization, Code("x"), axis=axis)


def rescaling(layer: k.Rescaling, x: Value, s: Source) -> str:
    """`Rescaling`."""
    scale = _number(layer._scale(), "scale", s)
    y = f"x * {scale}"
    return f"{y} + {_number(np.asarray(layer.offset, x.dtype), 'offset', s)}" if np.any(layer.offset) else y


def _number(value: Any, name: str, s: Source) -> str:
    """A number as such, several as an array."""
    if value.ndim == 0:
        return repr(value.item())
    return f'{s.arrays(name, values=value).removeprefix("**")}["values"]'


def normalization(layer: k.Normalization, x: Value, s: Source) -> str:
    """`Normalization`."""
    mean, deviation = layer._moments(np.empty((0,) * len(x.shape)))
    s.arrays(mean=mean, deviation=deviation)
    w = s.arrays(mean=mean, deviation=deviation).removeprefix("**")
    return f'x * {w}["deviation"] + {w}["mean"]' if layer.invert else f'(x - {w}["mean"]) / {w}["deviation"]'


def time_distributed(layer: k.TimeDistributed, x: Value, s: Source) -> Value:
    """`TimeDistributed`: the layer inside as a function of its own."""

    def write() -> tuple[str, Value]:
        y = s.apply(layer.layer, Value("x", (None, *x.shape[2:]), x.dtype))
        return s.body.name, y

    name, y = s.own_function(layer.layer.name, "What is done at every step.", "x", write)
    return replace(y, name=s.call(core.at_every_step, Code(name), Code("x")))


def inner(layer: k.SpectralNormalization, x: Value, s: Source) -> Any:
    """`SpectralNormalization`: its kernel is divided in training only."""
    return s.apply(layer.layer, x)


SAME = (
    k.ActivityRegularization, k.AlphaDropout, k.Dropout, k.GaussianDropout, k.GaussianNoise, k.Identity, k.InputLayer,
    k.RandomBrightness, k.RandomContrast, k.RandomFlip, k.RandomRotation, k.RandomTranslation, k.RandomZoom,
    k.SpatialDropout1D, k.SpatialDropout2D, k.SpatialDropout3D,
)  # fmt: skip

RULES: dict[type, Rule] = {
    **dict.fromkeys(SAME, same),
    k.Activation: activation,
    k.BatchNormalization: batch_normalization,
    k.Dense: dense,
    k.ELU: activation_layer,
    k.EinsumDense: einsum_dense,
    k.Embedding: embedding,
    k.Flatten: flatten,
    k.GroupNormalization: group_normalization,
    k.LayerNormalization: layer_normalization,
    k.LeakyReLU: activation_layer,
    k.Masking: masking,
    k.Normalization: normalization,
    k.PReLU: prelu,
    k.Permute: permute,
    k.RMSNormalization: rms_normalization,
    k.ReLU: activation_layer,
    k.RepeatVector: repeat_vector,
    k.Rescaling: rescaling,
    k.Reshape: reshape,
    k.Softmax: softmax,
    k.SpectralNormalization: inner,
    k.TimeDistributed: time_distributed,
    k.UnitNormalization: unit_normalization,
}
