"""Dense layers, embeddings, encodings, shapes, and layers that hold another one, in NumPy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from minikeras import layers as k
from minikeras.config import floatx
from minikeras.export.plain import core
from minikeras.export.source.activations import activated
from minikeras.export.source.writer import Code, Source
from minikeras.export.walk import UNCHANGED, Rule, Value, check_boundaries, check_encoder, same


def dense(layer: k.Dense, x: Value, s: Source) -> str:
    """`Dense`."""
    return activated(layer.activation, s.call(core.dense, Code("x"), s.variables(layer, "kernel", "bias")), s)


def einsum_dense(layer: k.EinsumDense, x: Value, s: Source) -> str:
    """`EinsumDense`."""
    inputs, kernel, output = layer.terms(len(x.shape))
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
    moved = "np.moveaxis(x, 1, -1)" if layer.moves_channels(len(x.shape)) else "x"
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


def category_encoding(layer: k.CategoryEncoding, x: Value, s: Source) -> str:
    """`CategoryEncoding`."""
    return _encoded(Code("x"), layer, x, s)


def discretization(layer: k.Discretization, x: Value, s: Source) -> Value:
    """`Discretization`."""
    check_boundaries(layer)
    w = s.arrays(boundaries=np.asarray(layer.bin_boundaries, floatx()))
    bins = s.call(core.bins, Code("x"), Code(f'{w}["boundaries"]'))
    if layer.output_mode == "int":
        return replace(x, name=bins, dtype=layer.output_type())
    return replace(x, name=_encoded(bins, layer, x, s), dtype=layer.dtype)


def _encoded(ids: Code, layer: Any, x: Value, s: Source) -> Code:
    check_encoder(layer, x)
    return s.call(core.encoded, ids, layer.depth(), layer.output_mode, layer.dtype.name)


def time_distributed(layer: k.TimeDistributed, x: Value, s: Source) -> Value:
    """`TimeDistributed`: the layer inside as a function of its own."""

    def write() -> tuple[str, Value]:
        y = s.apply(layer.layer, Value("x", (None, *x.shape[2:]), x.dtype))
        return s.body.name, y

    name, y = s.own_function(f"each_{layer.layer.name}", "What is done at every step.", "x", write)
    return replace(y, name=s.call(core.at_every_step, Code(name), Code("x")))


def inner(layer: k.SpectralNormalization, x: Value, s: Source) -> Any:
    """`SpectralNormalization`: its kernel is divided in training only."""
    return s.apply(layer.layer, x)


RULES: dict[type, Rule] = {
    **dict.fromkeys(UNCHANGED, same),
    k.CategoryEncoding: category_encoding,
    k.Dense: dense,
    k.Discretization: discretization,
    k.EinsumDense: einsum_dense,
    k.Embedding: embedding,
    k.Flatten: flatten,
    k.Masking: masking,
    k.Permute: permute,
    k.RepeatVector: repeat_vector,
    k.Reshape: reshape,
    k.SpectralNormalization: inner,
    k.TimeDistributed: time_distributed,
}
