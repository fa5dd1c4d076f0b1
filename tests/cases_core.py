"""Cases of layers for shapes, activations, noise, embeddings and normalization."""

from __future__ import annotations

from typing import Any

from case import Case, case

SEQUENCE, IMAGE = (3, 5, 4), (3, 4, 5, 6)


def activated(layers: Any, **kwargs: Any) -> Any:
    return layers.Dense(3, activation=layers.LeakyReLU(0.1), **kwargs)


def relu6_conv(layers: Any, **kwargs: Any) -> Any:
    return layers.Conv2D(3, 2, activation=layers.ReLU(0.5), **kwargs)


def spectral(layers: Any, **kwargs: Any) -> Any:
    return layers.SpectralNormalization(layers.Dense(3, **kwargs), **kwargs)


def scaled_square(layers: Any, **kwargs: Any) -> Any:
    return layers.Lambda(square, gradient=square_gradient, arguments={"factor": 3.0}, **kwargs)


def square(x: Any, factor: float) -> Any:
    return factor * x * x


def square_gradient(dy: Any, x: Any, y: Any) -> Any:
    return 6.0 * dy * x


CORE = [
    case("Reshape", (3, 4, 6), target_shape=(8, 3)),
    case("Reshape", (3, 4, 6), target_shape=(2, -1, 3)),
    case("Permute", (3, 4, 6, 2), dims=(3, 1, 2)),
    case("RepeatVector", (3, 4), n=3),
    case("Identity", (3, 4)),
    case("ActivityRegularization", (3, 4), l1=0.1, l2=0.2),
    Case(scaled_square, (3, 4), id="Lambda(square)"),
    case("EinsumDense", (3, 4), equation="ab,bc->ac", output_shape=5, bias_axes="c", activation="tanh"),
    case("EinsumDense", SEQUENCE, equation="abc,cd->abd", output_shape=(5, 2), bias_axes="d"),
    case("EinsumDense", SEQUENCE, equation="abc,cde->abde", output_shape=(5, 2, 3), bias_axes="de"),
    case("EinsumDense", SEQUENCE, equation="abc,bcd->ad", output_shape=3),
    case("EinsumDense", SEQUENCE, equation="abc,cd->ad", output_shape=3, activation="gelu"),
    case("EinsumDense", IMAGE, equation="...x,xy->...y", output_shape=3, bias_axes="y"),
    case("ReLU", SEQUENCE),
    case("ReLU", SEQUENCE, max_value=1.5, negative_slope=0.2, threshold=0.3),
    case("LeakyReLU", SEQUENCE),
    case("ELU", SEQUENCE, alpha=0.7),
    case("PReLU", SEQUENCE),
    case("PReLU", IMAGE, shared_axes=[1, 2]),
    case("Softmax", SEQUENCE),
    case("Softmax", SEQUENCE, axis=[1, 2]),
    case("Softmax", SEQUENCE, mask=True, axis=1),
    Case(activated, (3, 4), id="Dense(activation=LeakyReLU(0.1))"),
    Case(relu6_conv, IMAGE, id="Conv2D(activation=ReLU(0.5))"),
    case("SpatialDropout1D", (4, 3, 6), random=True, rate=0.4),
    case("SpatialDropout2D", (4, 3, 2, 6), random=True, rate=0.4),
    case("SpatialDropout2D", (4, 6, 3, 2), random=True, rate=0.4, data_format="channels_first"),
    case("SpatialDropout3D", (4, 3, 2, 2, 6), random=True, rate=0.4),
    case("GaussianNoise", (3, 4), random=True, stddev=0.5),
    case("GaussianDropout", (3, 4), random=True, rate=0.3),
    case("AlphaDropout", (4, 6), random=True, rate=0.3),
    case("AlphaDropout", (4, 3, 6), random=True, rate=0.3, noise_shape=(None, 1, 6)),
    case("Embedding", (3, 5), integers=7, input_dim=7, output_dim=4),
    case("Embedding", (3, 2, 5), integers=7, input_dim=7, output_dim=2, mask_zero=True),
    case("Masking", SEQUENCE),
    case("BatchNormalization", (5, 4), statistics=True),
    case("BatchNormalization", IMAGE, statistics=True, momentum=0.5, epsilon=0.01),
    case("BatchNormalization", IMAGE, statistics=True, axis=1, scale=False),
    case("BatchNormalization", SEQUENCE, statistics=True, center=False),
    case("BatchNormalization", SEQUENCE, mask=True, statistics=True),
    case("LayerNormalization", SEQUENCE),
    case("LayerNormalization", IMAGE, axis=[1, 3], center=False),
    case("LayerNormalization", (3, 6), scale=False, epsilon=0.1),
    case("GroupNormalization", IMAGE, groups=3),
    case("GroupNormalization", (3, 4, 5, 2), groups=2, axis=1),
    case("GroupNormalization", IMAGE, groups=-1),
    case("RMSNormalization", SEQUENCE),
    case("RMSNormalization", IMAGE, axis=[1, 3], epsilon=0.1),
    case("UnitNormalization", SEQUENCE),
    case("UnitNormalization", IMAGE, axis=[1, 2]),
    Case(spectral, (3, 4), rewrites=True, id="SpectralNormalization(Dense)"),
]
