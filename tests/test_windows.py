"""Convolution and pooling against naive loops, and windows against their adjoint, on drawn shapes."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from minikeras import layers
from minikeras.context import Context
from minikeras.layers._windows import output_size, pad_amounts, taps, windows

size = st.integers(1, 3)


def naive_convolution(x, kernel, bias, strides, dilation, padding, groups):
    """Every output by its definition, one multiplication at a time."""
    n, filters, rank = len(x), kernel.shape[-1], kernel.ndim - 2
    spatial, k = x.shape[1:-1], kernel.shape[:rank]
    pads = pad_amounts(spatial, k, strides, dilation, padding)
    out = [output_size(m, a, s, d, padding) for m, a, s, d in zip(spatial, k, strides, dilation, strict=True)]
    y = np.zeros((n, *out, filters))
    per_group, f_per_group = kernel.shape[-2], filters // groups
    for place in itertools.product(*map(range, out)):
        for cell in itertools.product(*map(range, k)):
            at = [
                p * s + c * d - b
                for p, s, c, d, (b, _) in zip(place, strides, cell, dilation, pads, strict=True)
            ]
            if any(i < 0 or i >= m for i, m in zip(at, spatial, strict=True)):
                continue
            for f in range(filters):
                g = f // f_per_group
                channels = x[(slice(None), *at)][:, g * per_group : (g + 1) * per_group]
                y[(slice(None), *place, f)] += channels @ kernel[(*cell, slice(None), f)]
    return y + bias


@given(st.data())
def test_convolution_is_what_its_definition_says(data):
    rank = data.draw(st.integers(1, 2), label="rank")
    draw_ints = lambda label, s=size: tuple(data.draw(s, label=label) for _ in range(rank))  # noqa: E731
    spatial, kernel_size = draw_ints("spatial", st.integers(1, 6)), draw_ints("kernel")
    strides, dilation = draw_ints("strides"), draw_ints("dilation")
    if max(strides) > 1:
        dilation = (1,) * rank
    groups, channels = data.draw(st.sampled_from([(1, 1), (1, 3), (2, 2), (2, 4)]), label="groups")
    padding = data.draw(
        st.sampled_from(["valid", "same", "causal"][: 3 if rank == 1 else 2]), label="padding"
    )
    assume(
        padding != "valid"
        or all((k - 1) * d < n for k, d, n in zip(kernel_size, dilation, spatial, strict=True))
    )
    layer = (layers.Conv1D, layers.Conv2D)[rank - 1](
        2 * groups, kernel_size, strides, padding, dilation_rate=dilation, groups=groups, dtype="float64"
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 99), label="seed"))
    x = rng.normal(size=(data.draw(st.integers(0, 3), label="batch"), *spatial, channels))
    layer.ensure_built(x.shape)
    layer.bias.assign(rng.normal(size=layer.bias.shape))
    expected = naive_convolution(x, layer.kernel.value, layer.bias.value, strides, dilation, padding, groups)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-10, atol=1e-12)


@given(st.data())
def test_max_pooling_and_its_gradient_are_what_their_definition_says(data):
    spatial = tuple(data.draw(st.integers(1, 6), label="spatial") for _ in range(2))
    pool = tuple(data.draw(size, label="pool") for _ in range(2))
    strides = tuple(data.draw(size, label="strides") for _ in range(2))
    padding = data.draw(st.sampled_from(["valid", "same"]), label="padding")
    assume(padding == "same" or all(p <= n for p, n in zip(pool, spatial, strict=True)))
    x = (
        np.random.default_rng(data.draw(st.integers(0, 99)))
        .integers(-3, 3, (2, *spatial, 2))
        .astype("float64")
    )
    layer, ctx = layers.MaxPooling2D(pool, strides, padding, dtype="float64"), Context()
    y = layer.forward(x, ctx).copy()
    dy = np.random.default_rng(1).normal(size=y.shape)
    dx = layer.backward(dy, ctx)
    pads = pad_amounts(spatial, pool, strides, (1, 1), padding)
    expected_dx = np.zeros_like(x)
    for n, i, j, c in np.ndindex(y.shape):
        best = None
        for a, b in np.ndindex(pool):
            at = i * strides[0] + a - pads[0][0], j * strides[1] + b - pads[1][0]
            inside = 0 <= at[0] < spatial[0] and 0 <= at[1] < spatial[1]
            if inside and (best is None or x[n, at[0], at[1], c] > x[n, best[0], best[1], c]):
                best = at  # the first of the largest, in row-major order
        assert y[n, i, j, c] == x[n, best[0], best[1], c]
        expected_dx[n, best[0], best[1], c] += dy[n, i, j, c]
    np.testing.assert_allclose(dx, expected_dx, rtol=1e-12, atol=1e-14)


@given(st.data())
def test_windows_and_taps_are_adjoint(data):
    spatial = tuple(data.draw(st.integers(3, 6)) for _ in range(2))
    kernel, strides = tuple(data.draw(size) for _ in range(2)), tuple(data.draw(size) for _ in range(2))
    out = tuple(output_size(n, k, s, 1, "valid") for n, k, s in zip(spatial, kernel, strides, strict=True))
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, *spatial, 3))
    view = windows(x, kernel, strides, (1, 1), out)
    d = rng.normal(size=view.shape)
    back = np.zeros_like(x)
    for tap, where in taps(kernel, strides, (1, 1), out):
        back[where] += d[(slice(None), slice(None), slice(None), *tap)]
    np.testing.assert_allclose((view * d).sum(), (x * back).sum())  # <windows(x), d> = <x, add_windows(d)>
