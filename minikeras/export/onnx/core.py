"""Dense layers, embeddings, shapes, and layers that hold another one, in ONNX."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from minikeras import layers as k
from minikeras.config import floatx
from minikeras.export.onnx.activations import activate
from minikeras.export.onnx.graph import TYPES
from minikeras.export.onnx.writer import Writer
from minikeras.export.walk import UNCHANGED, Rule, Value, check_boundaries, check_encoder, same


def dense(layer: k.Dense, x: Value, w: Writer) -> str:
    """`Dense`."""
    inputs = [x.name, w.weight("kernel", layer.kernel.value, x.dtype)]
    bias = w.weight("bias", layer.bias.value, x.dtype) if layer.use_bias else None
    if len(x.shape) == 2:
        z = w.node("Gemm", *inputs, *filter(None, [bias]))
    else:
        z = w.node("MatMul", *inputs)
        z = w.node("Add", z, bias) if bias else z
    return activate(layer.activation, z, w, x.dtype, layer.units)


def einsum_dense(layer: k.EinsumDense, x: Value, w: Writer) -> str:
    """`EinsumDense`."""
    inputs, kernel, output = layer.terms(len(x.shape))
    z = w.node(
        "Einsum",
        x.name,
        w.weight("kernel", layer.kernel.value, x.dtype),
        equation=f"{inputs},{kernel}->{output}",
    )
    if layer.bias_axes:
        z = w.node("Add", z, w.weight("bias", layer.bias.value, x.dtype))
    return activate(layer.activation, z, w, x.dtype, layer.compute_output_shape(x.shape)[-1])


def embedding(layer: k.Embedding, x: Value, w: Writer) -> str:
    """`Embedding`."""
    ids = x.name if x.dtype.name in ("int32", "int64") else w.cast(x, np.dtype("int64"))
    return w.node("Gather", w.weight("embeddings", layer.embeddings.value, layer.dtype), ids, axis=0)


def masking(layer: k.Masking, x: Value, w: Writer) -> str:
    """`Masking`: masked steps become zero."""
    assert x.mask is not None
    return w.node("Mul", x.name, w.number_mask(x.mask, x.dtype, [len(x.shape) - 1]))


def flatten(layer: k.Flatten, x: Value, w: Writer) -> str:
    """`Flatten`."""
    name, rank = x.name, len(x.shape)
    if layer.moves_channels(rank):
        name = w.transpose(name, (0, *range(2, rank), 1))
    return w.node("Flatten", name, axis=1)


def reshape(layer: k.Reshape, x: Value, w: Writer) -> str:
    """`Reshape`."""
    sizes = layer.compute_output_shape(x.shape)[1:]
    return w.reshape(x.name, [0, *(-1 if n is None else n for n in sizes)])


def permute(layer: k.Permute, x: Value, w: Writer) -> str:
    """`Permute`."""
    return w.transpose(x.name, (0, *layer.dims))


def repeat_vector(layer: k.RepeatVector, x: Value, w: Writer) -> str:
    """`RepeatVector`."""
    return w.node("Expand", w.node("Unsqueeze", x.name, w.constant([1])), w.constant([1, layer.n, 1]))


def category_encoding(layer: k.CategoryEncoding, x: Value, w: Writer) -> str:
    """`CategoryEncoding`."""
    return _encoded(w.cast(x, np.dtype("int64")), layer, x, w)


def discretization(layer: k.Discretization, x: Value, w: Writer) -> Value:
    """`Discretization`: how many boundaries are not above x."""
    check_boundaries(layer)
    dtype = np.dtype(floatx())
    name = w.node("Unsqueeze", x.name if x.dtype == dtype else w.cast(x, dtype), w.constant([-1]))
    above = w.node("Less", name, w.weight("boundaries", np.asarray(layer.bin_boundaries), dtype))
    counted = w.number_mask(w.node("Not", above), np.dtype("int64"))
    bins = w.node("ReduceSum", counted, w.constant([-1]), keepdims=0)
    if layer.output_mode != "int":
        return replace(x, name=_encoded(bins, layer, x, w), dtype=layer.dtype)
    whole = layer.output_type()
    return replace(x, name=w.node("Cast", bins, to=TYPES[whole.name]), dtype=whole)


def _encoded(ids: str, layer: Any, x: Value, w: Writer) -> str:
    """Whole numbers as rows."""
    check_encoder(layer, x)
    rows = w.node("OneHot", ids, w.constant([layer.depth()]), w.constant([0, 1], layer.dtype))
    if layer.output_mode == "count":
        return w.node("ReduceSum", rows, w.constant([1]), keepdims=0)
    if layer.output_mode == "multi_hot":
        return w.node("ReduceMax", rows, axes=[1], keepdims=0)
    return w.node("Squeeze", rows, w.constant([-2])) if x.shape[-1] == 1 else rows


def time_distributed(layer: k.TimeDistributed, x: Value, w: Writer) -> Value:
    """`TimeDistributed`: all steps as one large batch."""
    inner_shape = w.node("Shape", x.name, start=2)
    rows = w.node("Reshape", x.name, w.node("Concat", w.constant([-1]), inner_shape, axis=0))
    y = w.apply(layer.layer, Value(rows, (None, *x.shape[2:]), x.dtype))
    shape = w.node(
        "Concat", w.node("Shape", x.name, start=0, end=2), w.node("Shape", y.name, start=1), axis=0
    )
    return replace(y, name=w.node("Reshape", y.name, shape))


def inner(layer: k.SpectralNormalization, x: Value, w: Writer) -> Any:
    """`SpectralNormalization`: its kernel is divided in training only."""
    return w.apply(layer.layer, x)


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
