"""A training step after the first allocates no array above a few kB, whatever the model and the optimizer.

A fresh large array costs more in page faults than the arithmetic on it. All arrays of these models but
those of one number for each sample or class are larger than the limit, so a single one that is made
anew is seen.

Some losses, activations and penalties do make arrays of their input's size. For these the test is that they
cost nothing: the C library gives them the memory of those that were freed, and no page is new.
"""

from __future__ import annotations

import platform
from typing import Any

import numpy as np
import pytest
from step_memory import StepFaults, lines_that_allocate, peak_of, peaks_of_steps, traced

import minikeras as mk
from minikeras import layers as L  # noqa: N812
from minikeras import optimizers, registry

BATCH, STEPS = 64, 4
# Bytes that may be alive at one time beyond those from before the step: what NumPy converts at a time (8 kB), and a
# few kB for labels, indices and one number for each sample.
LIMIT = 20 * 1024
SPARSE = "sparse_categorical_crossentropy"
SPARSE_CLASS = "SparseCategoricalCrossentropy"


def reals(*shape: int) -> np.ndarray:
    """Inputs for whole batches and a short one at the end."""
    return np.random.default_rng(0).normal(size=(STEPS * BATCH - 7, *shape)).astype("float32")


def integers(below: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, below, (STEPS * BATCH - 7, *shape))


def classes() -> list[Any]:
    return [L.Dense(10, activation="softmax")]


def pooled() -> list[Any]:
    return [L.GlobalAveragePooling2D(), *classes()]


# name -> the layers, x, y, loss
MODELS: dict[str, tuple[Any, np.ndarray, np.ndarray, str]] = {
    "MLP with dropout": (
        lambda: [
            L.Dense(256, activation="relu"),
            L.Dropout(0.2),
            L.Dense(128, activation="relu"),
            L.Dropout(0.2),
            *classes(),
        ],
        reals(100),
        integers(10),
        SPARSE,
    ),
    "normalized inputs": (
        lambda: [L.Rescaling(0.5), L.Normalization(mean=0, variance=1), L.Dense(128, "relu"), *classes()],
        reals(100),
        integers(10),
        SPARSE,
    ),
    "tanh and sigmoid": (
        lambda: [L.Dense(128, "tanh"), L.Dense(128, "sigmoid"), *classes()],
        reals(100),
        integers(10),
        SPARSE,
    ),
    "LeakyReLU": (lambda: [L.Dense(128), L.LeakyReLU(), *classes()], reals(100), integers(10), SPARSE),
    "CNN": (
        lambda: [
            L.Conv2D(16, 3, activation="relu"),
            L.MaxPooling2D(2),
            L.Conv2D(32, 3, activation="relu"),
            L.MaxPooling2D(2),
            L.Flatten(),
            L.Dropout(0.5),
            *classes(),
        ],
        reals(14, 14, 3),
        integers(10),
        SPARSE,
    ),
    "CNN with strides, padding and 1x1": (
        lambda: [
            L.Conv2D(16, 3, strides=2, padding="same", activation="relu"),
            L.Conv2D(32, 1),
            L.AveragePooling2D(2),
            *pooled(),
        ],
        reals(14, 14, 3),
        integers(10),
        SPARSE,
    ),
    "Conv1D": (
        lambda: [L.Conv1D(32, 3, activation="relu"), L.GlobalMaxPooling1D(), *classes()],
        reals(20, 16),
        integers(10),
        SPARSE,
    ),
    "separable convolution": (
        lambda: [L.SeparableConv2D(32, 3, activation="relu"), L.DepthwiseConv2D(3), *pooled()],
        reals(14, 14, 16),
        integers(10),
        SPARSE,
    ),
    "transposed convolution": (
        lambda: [L.Conv2DTranspose(16, 3, strides=2, padding="same", activation="relu"), *pooled()],
        reals(8, 8, 8),
        integers(10),
        SPARSE,
    ),
    "resizing": (
        lambda: [L.UpSampling2D(2), L.ZeroPadding2D(1), L.Cropping2D(1), L.Conv2D(8, 3), *pooled()],
        reals(8, 8, 8),
        integers(10),
        SPARSE,
    ),
    "SimpleRNN": (lambda: [L.SimpleRNN(64), *classes()], reals(10, 32), integers(10), SPARSE),
    "LSTM": (lambda: [L.LSTM(64), *classes()], reals(10, 32), integers(10), SPARSE),
    "GRU": (lambda: [L.GRU(64), *classes()], reals(10, 32), integers(10), SPARSE),
    "GRU with the reset before the product": (
        lambda: [L.GRU(64, reset_after=False), *classes()],
        reals(10, 32),
        integers(10),
        SPARSE,
    ),
    "Bidirectional": (
        lambda: [
            L.Bidirectional(L.LSTM(64, return_sequences=True)),
            L.GlobalAveragePooling1D(),
            *classes(),
        ],
        reals(10, 32),
        integers(10),
        SPARSE,
    ),
    "recurrent dropout": (
        lambda: [L.LSTM(64, dropout=0.2, recurrent_dropout=0.2), *classes()],
        reals(10, 32),
        integers(10),
        SPARSE,
    ),
    "ConvLSTM2D": (
        lambda: [L.ConvLSTM2D(8, 3, padding="same"), *pooled()],
        reals(4, 10, 10, 3),
        integers(10),
        SPARSE,
    ),
    "Embedding and LSTM": (
        lambda: [L.Embedding(500, 32), L.LSTM(64), L.Dense(1, activation="sigmoid")],
        integers(500, 6),
        integers(2),
        "binary_crossentropy",
    ),
    "masked LSTM": (
        lambda: [L.Embedding(500, 32, mask_zero=True), L.LSTM(64), L.Dense(1, activation="sigmoid")],
        integers(500, 6),
        integers(2),
        "binary_crossentropy",
    ),
    "LayerNormalization": (
        lambda: [L.Dense(128), L.LayerNormalization(), *classes()],
        reals(100),
        integers(10),
        SPARSE,
    ),
    "RMSNormalization": (
        lambda: [L.Dense(128), L.RMSNormalization(), *classes()],
        reals(100),
        integers(10),
        SPARSE,
    ),
    "GroupNormalization": (
        lambda: [L.Conv2D(16, 3), L.GroupNormalization(4), *pooled()],
        reals(12, 12, 3),
        integers(10),
        SPARSE,
    ),
    "noise": (
        lambda: [
            L.GaussianNoise(0.1),
            L.Dense(128, "relu"),
            L.GaussianDropout(0.2),
            L.AlphaDropout(0.1),
            *classes(),
        ],
        reals(100),
        integers(10),
        SPARSE,
    ),
    "dropout of whole maps": (
        lambda: [L.Conv1D(32, 3), L.SpatialDropout1D(0.2), L.Flatten(), *classes()],
        reals(20, 16),
        integers(10),
        SPARSE,
    ),
    "PReLU": (lambda: [L.Dense(128), L.PReLU(), *classes()], reals(100), integers(10), SPARSE),
    "axes moved": (
        lambda: [L.Permute((2, 1)), L.Reshape((-1,)), *classes()],
        reals(20, 16),
        integers(10),
        SPARSE,
    ),
    "steps one by one": (
        lambda: [L.TimeDistributed(L.Dense(64, "relu")), L.Flatten(), *classes()],
        reals(10, 32),
        integers(10),
        SPARSE,
    ),
}

OPTIONS: dict[str, Any] = {
    "momentum": lambda: optimizers.SGD(momentum=0.9, nesterov=True),
    "centered": lambda: optimizers.RMSprop(centered=True, momentum=0.9),
    "amsgrad": lambda: optimizers.Adam(amsgrad=True),
    "weight_decay": lambda: optimizers.Adam(weight_decay=0.01),
    "clipnorm": lambda: optimizers.Adam(clipnorm=1.0),
    "global_clipnorm": lambda: optimizers.Adam(global_clipnorm=1.0),
    "clipvalue": lambda: optimizers.Adam(clipvalue=0.5),
    "use_ema": lambda: optimizers.Adam(use_ema=True),
    "gradient_accumulation_steps": lambda: optimizers.Adam(gradient_accumulation_steps=2),
}
NAMES = sorted(registry.tables()["keras.optimizers"].classes.keys() - {"Muon"})  # it makes new matrices


def compiled(layers: Any, x: np.ndarray, loss: str, optimizer: Any = "adam") -> mk.Sequential:
    model = mk.Sequential([L.Input(x.shape[1:]), *layers()])
    model.compile(optimizer, loss, metrics=["mae"] if loss in ("mse", "mae") else ["accuracy"])
    return model


def check(layers: Any, x: np.ndarray, y: np.ndarray, loss: str, optimizer: Any = "adam") -> None:
    peaks = peaks_of_steps(compiled(layers, x, loss, optimizer), x, y, BATCH)
    assert len(peaks) == STEPS - 1
    if max(peaks) > LIMIT:
        lines = lines_that_allocate(compiled(layers, x, loss, optimizer), x, y, BATCH, LIMIT // 4)
        raise AssertionError(f"steps allocate {peaks} bytes: {lines}")


@pytest.mark.parametrize("name", MODELS)
def test_a_step_allocates_next_to_nothing(name):
    check(*MODELS[name])


@pytest.mark.parametrize("optimizer", [*NAMES, *OPTIONS])
def test_an_update_allocates_next_to_nothing(optimizer):
    given = OPTIONS[optimizer]() if optimizer in OPTIONS else optimizer
    layers = lambda: [L.Dense(256, "relu"), L.Dense(128, "relu"), *classes()]  # noqa: E731
    check(layers, reals(100), integers(10), SPARSE, given)


# What makes arrays of its input's size in each step: they are to lie in memory that the process has already

WIDE = 784
PAGES = 16  # of 4 kB: a sixth of what an output of the model below takes
ACTIVATIONS = sorted(
    {cls.__name__ for cls in registry.tables()["keras.activations"].classes.values()} - {"Glu"}
)
LOSSES = sorted(
    {cls.__name__ for cls in registry.tables()["keras.losses"].classes.values()}
    - {"CTC", "Circle", "CategoricalGeneralizedCrossEntropy", SPARSE_CLASS}  # these want labels
)
WITH_ARRAYS: dict[str, Any] = {
    "regularizer": lambda: L.Dense(WIDE, kernel_regularizer="l1_l2", activity_regularizer="l2"),
    "constraint": lambda: L.Dense(WIDE, kernel_constraint="max_norm"),
    "EinsumDense": lambda: L.EinsumDense("ab,bc->ac", WIDE, activation="gelu"),
    "masks": lambda: L.GaussianNoise(0.1),
}


def faults_of(layer: Any, loss: Any = "mse", optimizer: str = "adam") -> list[int]:
    """The new pages of each step of an autoencoder with this layer; the first few steps may still look for room."""
    x = np.random.default_rng(0).uniform(0.1, 0.9, (12 * 128, WIDE)).astype("float32")
    model = mk.Sequential([L.Input((WIDE,)), L.Dense(WIDE), layer, L.Dense(WIDE, "sigmoid")])
    model.compile(optimizer, loss)
    watch = StepFaults()
    model.fit(x, x, batch_size=128, verbose=0, callbacks=[watch])
    return watch.faults[3:]


only_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what is asked of glibc")


@only_glibc
@pytest.mark.parametrize("name", [*ACTIVATIONS, *LOSSES, *WITH_ARRAYS, "Muon"])
def test_a_step_takes_no_memory_from_the_system(name):
    if name in ACTIVATIONS:
        function = getattr(mk.activations, name)
        found = faults_of(L.Activation(function(0.1, 0) if name == "Threshold" else function()))
    elif name in LOSSES:
        found = faults_of(L.Dense(WIDE), getattr(mk.losses, name)())
    elif name in WITH_ARRAYS:
        found = faults_of(WITH_ARRAYS[name]())
    else:
        found = faults_of(L.Dense(WIDE), optimizer=name)
    assert np.median(found) <= PAGES, found


@only_glibc
def test_memory_from_the_system_is_seen():
    class Hoarding(L.Layer):
        """y = x, and a copy is kept for ever."""

        def forward(self, x, ctx):
            self.hoard = (*getattr(self, "hoard", ()), *(x.copy() for _ in range(40)))
            ctx.save()
            return x

        def backward(self, dy, ctx):
            ctx.saved()
            return dy

    assert np.median(faults_of(Hoarding())) > PAGES


class Wasteful(L.Layer):
    """y = x, by way of a copy that nobody needs."""

    def forward(self, x, ctx):
        ctx.save()
        return x + np.zeros_like(x)

    def backward(self, dy, ctx):
        ctx.saved()
        return dy


def test_predicting_many_rows_takes_no_more_than_their_outputs():
    model = mk.Sequential([L.Input((32,)), L.Dense(64, "relu"), *classes()])
    x = np.ones((20_000, 32), "float32")
    size = model.predict(x, batch_size=256, verbose=0).nbytes
    with traced():
        peak = peak_of(lambda: model.predict(x, batch_size=256, verbose=0))
    assert size <= peak < 1.1 * size + 64 * 1024


def test_an_array_made_anew_is_seen():
    x, y, loss = reals(100), integers(10), SPARSE
    layers = [L.Dense(128), Wasteful(), *classes()]
    size = BATCH * 128 * 4
    with pytest.raises(AssertionError, match=r"layers/base\.py:\d+': (\d+)") as caught:
        check(lambda: [type(layer).from_config(layer.get_config()) for layer in layers], x, y, loss)
    assert size > LIMIT and f"{2 * size // 1000}" in str(caught.value)
    check(lambda: [L.Dense(64), *classes()], x, y, loss)
