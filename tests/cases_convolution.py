"""Cases of convolution's relatives: pooling, padding, up-sampling, transposed and depthwise convolution."""

from __future__ import annotations

from case import case

STEPS, IMAGE, VOLUME = (3, 8, 2), (3, 7, 6, 4), (2, 4, 5, 4, 2)
FIRST = (2, 3, 6, 5)  # an image with its channels first
CHANNELS_FIRST = {"data_format": "channels_first"}

POOLING = [
    case("AveragePooling1D", STEPS, pool_size=2),
    case("AveragePooling1D", STEPS, pool_size=3, strides=2, padding="same"),
    case("AveragePooling2D", IMAGE, pool_size=2),
    case("AveragePooling2D", IMAGE, pool_size=3, strides=2, padding="same"),
    case("AveragePooling2D", IMAGE, pool_size=(2, 3), strides=(1, 2)),
    case("AveragePooling2D", FIRST, pool_size=3, padding="same", **CHANNELS_FIRST),
    case("AveragePooling3D", VOLUME, pool_size=2, padding="same"),
    *[case(f"Global{kind}Pooling1D", STEPS) for kind in ("Average", "Max")],
    *[case(f"Global{kind}Pooling2D", IMAGE, keepdims=True) for kind in ("Average", "Max")],
    *[case(f"Global{kind}Pooling2D", FIRST, **CHANNELS_FIRST) for kind in ("Average", "Max")],
    *[case(f"Global{kind}Pooling2D", FIRST, keepdims=True, **CHANNELS_FIRST) for kind in ("Average", "Max")],
    *[case(f"Global{kind}Pooling3D", VOLUME) for kind in ("Average", "Max")],
    case("GlobalAveragePooling1D", STEPS, mask=True),
    case("GlobalAveragePooling1D", (3, 2, 8), mask=True, keepdims=True),
    *[case(f"Adaptive{kind}Pooling1D", STEPS, output_size=3) for kind in ("Average", "Max")],
    *[case(f"Adaptive{kind}Pooling2D", IMAGE, output_size=(3, 2)) for kind in ("Average", "Max")],
    *[
        case(f"Adaptive{kind}Pooling2D", FIRST, output_size=4, **CHANNELS_FIRST)
        for kind in ("Average", "Max")
    ],
    *[case(f"Adaptive{kind}Pooling3D", VOLUME, output_size=(2, 3, 3)) for kind in ("Average", "Max")],
]

RESIZING = [
    case("ZeroPadding1D", STEPS),
    case("ZeroPadding1D", STEPS, padding=(0, 3)),
    case("ZeroPadding1D", (2, 3, 5), padding=2, **CHANNELS_FIRST),
    case("ZeroPadding2D", IMAGE),
    case("ZeroPadding2D", IMAGE, padding=((1, 0), (2, 3))),
    case("ZeroPadding2D", FIRST, padding=(1, 2), **CHANNELS_FIRST),
    case("ZeroPadding3D", VOLUME, padding=((1, 0), (2, 1), (0, 1))),
    case("Cropping1D", STEPS),
    case("Cropping1D", STEPS, cropping=(0, 3)),
    case("Cropping2D", IMAGE),
    case("Cropping2D", IMAGE, cropping=((1, 0), (2, 3))),
    case("Cropping2D", FIRST, cropping=(1, 2), **CHANNELS_FIRST),
    case("Cropping3D", VOLUME, cropping=((1, 0), (2, 1), (0, 1))),
    case("UpSampling1D", STEPS, size=3),
    case("UpSampling2D", IMAGE),
    case("UpSampling2D", IMAGE, size=(2, 3), interpolation="bilinear"),
    case("UpSampling2D", IMAGE, size=3, interpolation="bicubic"),
    case("UpSampling2D", IMAGE, size=2, interpolation="lanczos3"),
    case("UpSampling2D", IMAGE, size=2, interpolation="lanczos5"),
    case("UpSampling2D", FIRST, size=(3, 1), **CHANNELS_FIRST),
    case("UpSampling2D", FIRST, size=2, interpolation="bilinear", **CHANNELS_FIRST),
    case("UpSampling3D", VOLUME, size=(1, 2, 3)),
    case("UpSampling3D", (2, 2, 3, 2, 3), **CHANNELS_FIRST),
]

TRANSPOSED = [
    case("Conv1DTranspose", STEPS, filters=3, kernel_size=3),
    case("Conv1DTranspose", STEPS, filters=3, kernel_size=2, strides=3, activation="tanh"),
    case("Conv1DTranspose", STEPS, filters=3, kernel_size=3, strides=2, padding="same"),
    case("Conv1DTranspose", STEPS, filters=3, kernel_size=3, dilation_rate=2, padding="same"),
    case("Conv2DTranspose", IMAGE, filters=3, kernel_size=3, strides=2, padding="same", activation="gelu"),
    case("Conv2DTranspose", IMAGE, filters=3, kernel_size=(2, 4), strides=(2, 3), output_padding=(1, 2)),
    case("Conv2DTranspose", IMAGE, filters=2, kernel_size=1, strides=3, padding="same"),
    case(
        "Conv2DTranspose",
        IMAGE,
        filters=2,
        kernel_size=(2, 3),
        strides=2,
        padding="same",
        output_padding=(0, 1),
    ),
    case("Conv2DTranspose", FIRST, filters=2, kernel_size=3, strides=2, use_bias=False, **CHANNELS_FIRST),
    case(
        "Conv2DTranspose",
        FIRST,
        filters=2,
        kernel_size=4,
        padding="same",
        activation="relu",
        **CHANNELS_FIRST,
    ),
    case("Conv3DTranspose", (2, 2, 3, 2, 2), filters=2, kernel_size=(2, 3, 2), strides=(1, 2, 2)),
]

DEPTHWISE = [
    case("DepthwiseConv1D", STEPS, kernel_size=3),
    case("DepthwiseConv1D", STEPS, kernel_size=3, strides=2, padding="same", depth_multiplier=3),
    case("DepthwiseConv2D", IMAGE, kernel_size=3, activation="tanh"),
    case("DepthwiseConv2D", IMAGE, kernel_size=(2, 3), strides=2, padding="same", activation="gelu"),
    case("DepthwiseConv2D", IMAGE, kernel_size=3, dilation_rate=2, padding="same", depth_multiplier=2),
    case("DepthwiseConv2D", FIRST, kernel_size=2, depth_multiplier=2, use_bias=False, **CHANNELS_FIRST),
    case("DepthwiseConv2D", FIRST, kernel_size=3, strides=2, activation="tanh", **CHANNELS_FIRST),
    case("SeparableConv1D", STEPS, filters=3, kernel_size=3, activation="tanh"),
    case("SeparableConv1D", STEPS, filters=3, kernel_size=2, strides=2, padding="same", depth_multiplier=2),
    case("SeparableConv2D", IMAGE, filters=3, kernel_size=3, strides=2, padding="same", activation="gelu"),
    case("SeparableConv2D", IMAGE, filters=3, kernel_size=2, depth_multiplier=2, dilation_rate=2),
    case("SeparableConv2D", FIRST, filters=2, kernel_size=3, use_bias=False, **CHANNELS_FIRST),
]

FILM = (3, 4, 5, 4, 2)  # samples of four images each

CONV_LSTM = [
    case("ConvLSTM1D", (3, 4, 6, 2), filters=3, kernel_size=3),
    case("ConvLSTM1D", (3, 4, 6, 2), mask=True, filters=3, kernel_size=2, return_sequences=True),
    case("ConvLSTM2D", FILM, filters=2, kernel_size=2),
    case(
        "ConvLSTM2D",
        FILM,
        filters=2,
        kernel_size=(2, 3),
        padding="same",
        return_sequences=True,
        use_bias=False,
    ),
    case("ConvLSTM2D", FILM, filters=2, kernel_size=2, strides=2, go_backwards=True, activation="gelu"),
    case("ConvLSTM2D", FILM, filters=2, kernel_size=2, dilation_rate=2, recurrent_activation="silu"),
    case("ConvLSTM2D", FILM, mask=True, filters=2, kernel_size=2, go_backwards=True),
    case("ConvLSTM2D", FILM, random=True, filters=2, kernel_size=2, dropout=0.3, recurrent_dropout=0.3),
    case("ConvLSTM2D", (2, 3, 2, 5, 4), filters=3, kernel_size=2, return_sequences=True, **CHANNELS_FIRST),
    case("ConvLSTM2D", (2, 3, 2, 5, 4), mask=True, filters=3, kernel_size=2, **CHANNELS_FIRST),
    case("ConvLSTM3D", (2, 3, 3, 3, 4, 2), filters=2, kernel_size=2, unit_forget_bias=False),
]

CONVOLUTION = POOLING + RESIZING + TRANSPOSED + DEPTHWISE + CONV_LSTM
