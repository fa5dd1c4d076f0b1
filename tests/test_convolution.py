"""Convolution's relatives against their definitions, against each other, and against their adjoints."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import minikeras as mk
from minikeras import layers as L  # noqa: N812
from minikeras.context import Context
from minikeras.layers._windows import pad_amounts

size = st.integers(1, 3)


def built(layer, shape, seed=0):
    """The layer with random weights."""
    layer.ensure_built(shape)
    rng = np.random.default_rng(seed)
    for v in layer.weights:
        v.assign(rng.normal(size=v.shape))
    return layer


def passes(layer, x, dy=None):
    """y, dx and the weights' gradients of one pass in each direction."""
    ctx = Context()
    y = layer.forward(x, ctx).copy()
    dx = layer.backward(np.random.default_rng(1).normal(size=y.shape) if dy is None else dy, ctx)
    return y, dx, [ctx.grad(v) for v in layer.weights]


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# Pooling


@given(st.data())
def test_average_pooling_is_what_its_definition_says(data):
    spatial, pool, strides = (
        tuple(data.draw(s, label=label) for _ in range(2))
        for s, label in ((st.integers(1, 6), "spatial"), (size, "pool"), (size, "strides"))
    )
    padding = data.draw(st.sampled_from(["valid", "same"]), label="padding")
    assume(padding == "same" or all(p <= n for p, n in zip(pool, spatial, strict=True)))
    x = normal(2, *spatial, 2)
    y, dx, _ = passes(L.AveragePooling2D(pool, strides, padding, dtype="float64"), x, None)
    dy, expected_dx = np.random.default_rng(1).normal(size=y.shape), np.zeros_like(x)
    pads = pad_amounts(spatial, pool, strides, (1, 1), padding)
    for i, j in np.ndindex(y.shape[1:3]):
        cells = [
            (a, b)
            for a in range(i * strides[0] - pads[0][0], i * strides[0] - pads[0][0] + pool[0])
            for b in range(j * strides[1] - pads[1][0], j * strides[1] - pads[1][0] + pool[1])
            if 0 <= a < spatial[0] and 0 <= b < spatial[1]
        ]
        np.testing.assert_allclose(y[:, i, j], np.mean([x[:, a, b] for a, b in cells], axis=0), atol=1e-12)
        for a, b in cells:
            expected_dx[:, a, b] += dy[:, i, j] / len(cells)
    np.testing.assert_allclose(dx, expected_dx, atol=1e-12)


@pytest.mark.parametrize(
    ("sizes", "out"), [((7, 5), (3, 2)), ((4, 6), (4, 3)), ((2, 3), (5, 4)), ((5, 5), (1, 5))]
)
@pytest.mark.parametrize("kind", ["Average", "Max"])
def test_adaptive_pooling_is_what_its_definition_says(sizes, out, kind):
    x = normal(2, *sizes, 3)
    y = getattr(L, f"Adaptive{kind}Pooling2D")(out, dtype="float64")(x)
    for i, j in np.ndindex(out):
        rows, columns = (
            slice(int(np.floor(p * n / o)), int(np.ceil((p + 1) * n / o)))
            for p, n, o in zip((i, j), sizes, out, strict=True)
        )
        of = np.mean if kind == "Average" else np.max
        np.testing.assert_allclose(y[:, i, j], of(x[:, rows, columns], axis=(1, 2)), atol=1e-12)


def test_equal_maxima_share_the_gradient_globally_and_the_first_takes_it_adaptively():
    x = np.array([[1.0, 3, 3, 0, 3]])[..., None]
    _, dx, _ = passes(L.GlobalMaxPooling1D(dtype="float64"), x, np.ones((1, 1)))
    np.testing.assert_allclose(dx[0, :, 0], [0, 1 / 3, 1 / 3, 0, 1 / 3])
    _, dx, _ = passes(L.AdaptiveMaxPooling1D(1, dtype="float64"), x, np.ones((1, 1, 1)))
    np.testing.assert_allclose(dx[0, :, 0], [0, 1, 0, 0, 0])


@pytest.mark.parametrize("winner", [0, 255, 256, 299])
def test_the_winner_of_a_window_with_more_cells_than_a_byte_can_number(winner):
    x = np.zeros((1, 300, 1))
    x[0, winner] = 1
    _, dx, _ = passes(L.MaxPooling1D(300, dtype="float64"), x, np.full((1, 1, 1), 2.0))
    np.testing.assert_array_equal(dx, 2 * x)


def test_masked_steps_do_not_count_in_the_mean():
    x, mask = normal(2, 3, 4), np.array([[True, False, True], [False, False, False]])
    layer = L.GlobalAveragePooling1D(dtype="float64")
    y = layer(x, mask=mask)
    np.testing.assert_allclose(y[0], (x[0, 0] + x[0, 2]) / 2)
    assert np.isnan(y[1]).all()  # as in Keras
    assert layer.compute_mask(x, mask) is None


# Rims and sizes


def test_cropping_undoes_padding_and_is_its_adjoint():
    rim, x = ((1, 0), (2, 3)), normal(2, 3, 4, 5)
    padded = L.ZeroPadding2D(rim, dtype="float64")(x)
    assert padded.shape == (2, 4, 9, 5) and padded.sum() == pytest.approx(x.sum())
    np.testing.assert_array_equal(L.Cropping2D(rim, dtype="float64")(padded), x)
    _, dx, _ = passes(L.Cropping2D(rim, dtype="float64"), padded, x)
    np.testing.assert_array_equal(dx, padded)


def test_up_sampling_repeats_and_pooling_undoes_it():
    x = normal(2, 3, 4, 5)
    y = L.UpSampling2D((2, 3), dtype="float64")(x)
    np.testing.assert_array_equal(y, x.repeat(2, axis=1).repeat(3, axis=2))
    np.testing.assert_allclose(L.AveragePooling2D((2, 3), dtype="float64")(y), x)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos3", "lanczos5"])
def test_interpolation_keeps_what_is_constant_and_bilinear_what_is_linear(interpolation):
    layer = L.UpSampling2D((3, 2), interpolation=interpolation, dtype="float64")
    np.testing.assert_allclose(layer(np.full((1, 4, 5, 2), 7.0)), 7)
    ramp = np.broadcast_to(np.arange(6.0)[None, :, None, None], (1, 6, 3, 1))
    inside = layer(ramp)[0, 3:-3, 0, 0]
    if interpolation in ("bilinear", "bicubic"):
        exact = ((np.arange(18) + 0.5) / 3 - 0.5)[3:-3]
        margin = slice(None) if interpolation == "bilinear" else slice(3, -3)
        np.testing.assert_allclose(inside[margin], exact[margin], atol=1e-12)


# Transposed convolution


def test_transposed_convolution_of_one_row_as_keras_does_it():
    layer = L.Conv1DTranspose(1, 3, strides=2, padding="same", use_bias=False, dtype="float64")
    layer.ensure_built((1, 4, 1))
    layer.kernel.assign(np.array([1.0, 10, 100]).reshape(3, 1, 1))
    np.testing.assert_allclose(
        layer(np.arange(4.0).reshape(1, 4, 1)).ravel(), [0, 0, 1, 10, 102, 20, 203, 30]
    )


@given(st.data())
def test_transposed_convolution_is_the_adjoint_of_convolution(data):
    places, kernel, strides, dilation = (
        tuple(data.draw(s) for _ in range(2)) for s in (st.integers(1, 4), size, size, size)
    )
    if max(strides) > 1:
        dilation = (1, 1)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    sizes = [(p - 1) * s + r for p, s, r in zip(places, strides, reach, strict=True)]
    options = {"strides": strides, "dilation_rate": dilation, "use_bias": False, "dtype": "float64"}
    there = built(L.Conv2D(3, kernel, **options), (None, *sizes, 2))
    back = L.Conv2DTranspose(2, kernel, output_padding=(0, 0), **options)
    back.ensure_built((None, *places, 3))
    back.kernel.assign(there.kernel.value)
    x, d = normal(2, *sizes, 2), normal(2, *places, 3, seed=1)
    transposed = back(d)
    assert transposed.shape == x.shape
    assert (there(x) * d).sum() == pytest.approx((x * transposed).sum())  # <conv(x), d> = <x, convᵀ(d)>


@given(st.data())
def test_transposed_convolution_is_what_its_definition_says(data):
    n, k, s = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4)), data.draw(size)
    d = data.draw(size) if s == 1 else 1
    extra = data.draw(st.none() | st.integers(0, s - 1))
    layer = L.Conv1DTranspose(2, k, s, "valid", extra, dilation_rate=d, dtype="float64")
    built(layer, (None, n, 3))
    x = normal(2, n, 3)
    reach = (k - 1) * d + 1
    expected = np.zeros((2, (n - 1) * s + (max(reach, s) if extra is None else reach + extra), 2))
    for i, j in itertools.product(range(n), range(k)):
        expected[:, i * s + j * d] += x[:, i] @ layer.kernel.value[j].T
    np.testing.assert_allclose(layer(x), expected + layer.bias.value, atol=1e-12)
    same = L.Conv1DTranspose(2, k, s, "same", extra, dilation_rate=d, dtype="float64")
    steps = same.compute_output_shape((None, n, 3))[1]
    assert steps == (n * s if extra is None else (n - 1) * s + reach % 2 + extra)
    assert same(x).shape == (2, steps, 2)


# Depthwise and separable convolution


@given(st.data())
def test_depthwise_convolution_is_a_convolution_in_groups_of_one_channel(data):
    rank = data.draw(st.integers(1, 2), label="rank")
    spatial, kernel, strides, dilation = (
        tuple(data.draw(s) for _ in range(rank)) for s in (st.integers(1, 6), size, size, size)
    )
    if max(strides) > 1:
        dilation = (1,) * rank
    channels, multiplier = data.draw(size), data.draw(size)
    padding = data.draw(st.sampled_from(["valid", "same"]))
    assume(
        padding == "same" or all((k - 1) * d < n for k, d, n in zip(kernel, dilation, spatial, strict=True))
    )
    options = {"strides": strides, "padding": padding, "dilation_rate": dilation, "dtype": "float64"}
    x = normal(data.draw(st.integers(0, 2)), *spatial, channels)
    depthwise = (L.DepthwiseConv1D, L.DepthwiseConv2D)[rank - 1](
        kernel, depth_multiplier=multiplier, **options
    )
    grouped = (L.Conv1D, L.Conv2D)[rank - 1](channels * multiplier, kernel, groups=channels, **options)
    built(depthwise, x.shape)
    grouped.ensure_built(x.shape)
    grouped.set_weights(
        [w.reshape(v.shape) for w, v in zip(depthwise.get_weights(), grouped.weights, strict=True)]
    )
    (y, dx, grads), (expected, expected_dx, expected_grads) = passes(depthwise, x), passes(grouped, x)
    np.testing.assert_allclose(y, expected, atol=1e-10)
    np.testing.assert_allclose(dx, expected_dx, atol=1e-10)
    for g, e in zip(grads, expected_grads, strict=True):
        np.testing.assert_allclose(g.reshape(e.shape), e, atol=1e-10)


def test_separable_convolution_is_a_depthwise_one_and_one_over_channels():
    options = {"strides": 2, "padding": "same", "depth_multiplier": 2, "dtype": "float64"}
    x = normal(2, 7, 6, 3)
    separable = built(L.SeparableConv2D(4, 3, activation="tanh", **options), x.shape)
    depthwise = L.DepthwiseConv2D(3, use_bias=False, **options)
    pointwise = L.Conv2D(4, 1, activation="tanh", dtype="float64")
    depthwise.ensure_built(x.shape)
    pointwise.ensure_built((2, 4, 3, 6))
    depthwise.set_weights(separable.get_weights()[:1])
    pointwise.set_weights(separable.get_weights()[1:])
    np.testing.assert_allclose(separable(x), pointwise(depthwise(x)), atol=1e-12)


# The convolutional LSTM


def test_a_conv_lstm_over_one_place_is_an_lstm():
    conv = built(L.ConvLSTM2D(3, 1, return_sequences=True, dtype="float64"), (2, 4, 1, 1, 2))
    lstm = L.LSTM(3, return_sequences=True, dtype="float64")
    lstm.ensure_built((2, 4, 2))
    lstm.set_weights([w.reshape(v.shape) for w, v in zip(conv.get_weights(), lstm.weights, strict=True)])
    x, dy = normal(2, 4, 2), normal(2, 4, 3, seed=1)
    y, dx, grads = passes(conv, x[:, :, None, None], dy[:, :, None, None])
    expected, expected_dx, expected_grads = passes(lstm, x, dy)
    np.testing.assert_allclose(y[:, :, 0, 0], expected, atol=1e-12)
    np.testing.assert_allclose(dx[:, :, 0, 0], expected_dx, atol=1e-12)
    for g, e in zip(grads, expected_grads, strict=True):
        np.testing.assert_allclose(g.reshape(e.shape), e, atol=1e-12)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_a_stateful_conv_lstm_goes_on_where_it_stopped(data_format):
    x = normal(2, 6, 2, 5, 4) if data_format == "channels_first" else normal(2, 6, 5, 4, 2)
    options = {"data_format": data_format, "return_sequences": True, "dtype": "float64"}
    stateful = built(L.ConvLSTM2D(3, 2, stateful=True, **options), (2, 3, *x.shape[2:]))
    whole = L.ConvLSTM2D(3, 2, **options)
    whole.ensure_built(x.shape)
    whole.set_weights(stateful.get_weights())
    halves = [stateful(x[:, :3]), stateful(x[:, 3:])]
    np.testing.assert_allclose(np.concatenate(halves, axis=1), whole(x), atol=1e-12)
    stateful.reset_states()
    np.testing.assert_allclose(stateful(x[:, :3]), halves[0], atol=1e-12)
    with pytest.raises(ValueError, match="batches of 2 samples"):
        stateful(x[:1, :3])


def test_the_states_that_a_conv_lstm_returns_have_gradients_too():
    layer = built(
        L.ConvLSTM1D(2, 2, return_state=True, data_format="channels_first", dtype="float64"), (2, 3, 2, 5)
    )
    x, direction, eps = normal(2, 3, 2, 5), normal(2, 3, 2, 5, seed=2), 1e-6
    assert [y.shape for y in layer(x)] == [tuple(s) for s in layer.compute_output_shape(x.shape)]
    dys = [normal(2, 2, 4, seed=i) for i in range(3)]
    loss = lambda x: sum((y * dy).sum() for y, dy in zip(layer(x), dys, strict=True))  # noqa: E731
    ctx = Context()
    layer.forward(x, ctx)
    numeric = (loss(x + eps * direction) - loss(x - eps * direction)) / (2 * eps)
    assert (layer.backward(dys, ctx) * direction).sum() == pytest.approx(numeric, rel=1e-6)


def test_a_conv_lstm_reads_films_in_both_directions_and_learns():
    film = L.Bidirectional(L.ConvLSTM2D(2, 2, padding="same"))
    model = mk.Sequential([mk.Input((3, 4, 4, 1)), film, L.GlobalAveragePooling2D(), L.Dense(1)])
    assert film.compute_output_shape((None, 3, 4, 4, 1)) == (None, 4, 4, 4)
    model.compile(mk.optimizers.Adam(0.02), "mse")
    x = np.random.default_rng(0).normal(size=(16, 3, 4, 4, 1)).astype("float32")
    y = x.mean(axis=(1, 2, 3))
    losses = model.fit(x, y, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < losses[0] / 2


# Names and errors


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_other_names_mean_the_same_layers(rank):
    assert getattr(L, f"AvgPool{rank}D") is getattr(L, f"AveragePooling{rank}D")
    assert getattr(L, f"GlobalAvgPool{rank}D") is getattr(L, f"GlobalAveragePooling{rank}D")
    assert getattr(L, f"GlobalMaxPool{rank}D") is getattr(L, f"GlobalMaxPooling{rank}D")
    assert getattr(L, f"Convolution{rank}DTranspose") is getattr(L, f"Conv{rank}DTranspose")
    if rank < 3:
        assert getattr(L, f"SeparableConvolution{rank}D") is getattr(L, f"SeparableConv{rank}D")


def model(layer, *shape):
    return mk.Sequential([mk.Input(shape), layer])


IMAGE = (5, 5, 2)
CONSTRUCTIONS = [
    *[(lambda v=v: L.AveragePooling2D(v), ["AveragePooling2D", "`pool_size`"]) for v in (0, "a", (2, 2, 2), None)],
    (lambda: L.AveragePooling2D(), ["pool_size"]),
    (lambda: L.AveragePooling2D(2, strides=0), ["`strides`"]),
    (lambda: L.AveragePooling2D(2, padding="full"), ["`padding`", "'valid'"]),
    (lambda: model(L.AveragePooling2D(6), *IMAGE), ["(6, 6)", "smaller pool_size"]),
    (lambda: model(L.AveragePooling1D(2), *IMAGE), ["ndim=3", "(None, 5, 5, 2)"]),
    (lambda: L.GlobalAveragePooling2D(data_format="nhwc"), ["channels_last"]),
    (lambda: L.GlobalAveragePooling2D(keepdims="yes"), ["`keepdims`", "'yes'"]),
    (lambda: L.GlobalMaxPooling2D(keepdim=True), ["keepdim", "'keepdims'"]),
    (lambda: model(L.GlobalMaxPooling2D(), 5, 5), ["ndim=4"]),
    *[(lambda v=v: L.AdaptiveMaxPooling2D(v), ["`output_size`"]) for v in (0, None, (1, 2, 3), 2.5)],
    *[(lambda v=v: L.ZeroPadding2D(v), ["`padding`"]) for v in (-1, (1, 2, 3), "a", ((1, 2), (1,)), None)],
    *[(lambda v=v: L.ZeroPadding1D(v), ["ZeroPadding1D", "`padding`"]) for v in (-1, (1, 2, 3), 1.5)],
    *[(lambda v=v: L.Cropping2D(v), ["Cropping2D", "`cropping`"]) for v in (-1, (1, 2, 3), "a")],
    *[(lambda v=v: L.Cropping1D(v), ["Cropping1D", "`cropping`"]) for v in (-1, (1, 2, 3))],
    (lambda: model(L.Cropping2D(3), *IMAGE), ["cropping=((3, 3), (3, 3))", "crop less"]),
    (lambda: L.Cropping1D(1, data_format="channels_first"), ["data_format"]),
    *[(lambda v=v: L.UpSampling2D(v), ["UpSampling2D", "`size`"]) for v in (0, (1, 2, 3), 1.5)],
    (lambda: L.UpSampling1D((2,)), ["UpSampling1D", "`size`"]),
    (lambda: L.UpSampling2D(2, interpolation="bilinaer"), ["`interpolation`", "'bilinear'"]),
    *[(lambda v=v: L.Conv2DTranspose(v, 3), ["Conv2DTranspose", "`filters`"]) for v in (0, 1.5, None)],
    *[(lambda v=v: L.Conv2DTranspose(2, v), ["`kernel_size`"]) for v in (0, "a", (3, 3, 3))],
    (lambda: L.Conv2DTranspose(2, 3, 0), ["`strides`"]),
    (lambda: L.Conv2DTranspose(2, 3, 2, output_padding=2), ["`output_padding`", "`strides`"]),
    (lambda: L.Conv2DTranspose(2, 3, 2, output_padding=-1), ["`output_padding`"]),
    (lambda: L.Conv2DTranspose(2, 3, 2, dilation_rate=2), ["`strides`", "`dilation_rate`"]),
    (lambda: L.Conv1DTranspose(2, 3, padding="causal"), ["`padding`"]),
    (lambda: model(L.Conv2DTranspose(2, 3), 5, None), ["ndim=4"]),
    (lambda: model(L.Conv2DTranspose(2, 3), 5, 5, None), ["known size"]),
    (lambda: built(L.Conv2DTranspose(2, 3), (None, *IMAGE))(np.ones((1, 5, 5, 3))), ["channels", "size 2"]),
    *[(lambda v=v: L.DepthwiseConv2D(v), ["`kernel_size`"]) for v in (0, "a", (3, 3, 3))],
    (lambda: L.DepthwiseConv2D(3, depth_multiplier=0), ["`depth_multiplier`"]),
    (lambda: L.DepthwiseConv1D(3, padding="causal"), ["`padding`"]),
    (lambda: model(L.DepthwiseConv2D(6), *IMAGE), ["(6, 6)", "smaller kernel_size"]),
    (lambda: built(L.DepthwiseConv2D(3), (None, *IMAGE))(np.ones((1, 5, 5, 3))), ["channels", "size 2"]),
    (lambda: L.SeparableConv2D(0, 3), ["`filters`"]),
    (lambda: L.SeparableConv2D(2, 3, depth_multiplier=1.5), ["`depth_multiplier`"]),
    (lambda: model(L.SeparableConv2D(2, 6), *IMAGE), ["(6, 6)", "smaller kernel_size"]),
    (lambda: built(L.SeparableConv2D(3, 3), (None, *IMAGE))(np.ones((1, 5, 5, 3))), ["channels", "size 2"]),
    (lambda: L.ConvLSTM2D(0, 3), ["`filters`"]),
    (lambda: L.ConvLSTM2D(2, (1, 2, 3)), ["`kernel_size`"]),
    (lambda: L.ConvLSTM2D(2, 3, dropout=1.5), ["`dropout`", "[0, 1]"]),
    (lambda: L.ConvLSTM2D(2, 3, padding="causal"), ["`padding`"]),
    (lambda: L.ConvLSTM2D(2, 3, strides=2, dilation_rate=2), ["`strides`", "`dilation_rate`"]),
    (lambda: model(L.ConvLSTM2D(2, 3), *IMAGE), ["ndim=5", "(batch, steps, *spatial, channels)"]),
    (lambda: model(L.ConvLSTM2D(2, 3), 4, None, 5, 2), ["known size"]),
    (lambda: model(L.ConvLSTM2D(2, 6), 4, *IMAGE), ["(6, 6)", "smaller kernel_size"]),
    (lambda: model(L.ConvLSTM2D(2, 2, stateful=True), 4, *IMAGE), ["stateful", "batch_shape"]),
    (lambda: built(L.ConvLSTM2D(2, 2), (None, 4, *IMAGE))(np.ones((1, 4, 6, 5, 2))), ["(5, 5, 2)"]),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "words"), CONSTRUCTIONS, ids=range(len(CONSTRUCTIONS)))
def test_a_bad_argument_or_input_gets_a_short_error(bad, words):
    with pytest.raises((ValueError, TypeError)) as caught:
        bad()
    message = str(caught.value)
    for word in words:
        assert word in message, message
    assert len(message.splitlines()) < 15
