"""What bad input gets: one short error that says what was expected, what came, and the likely fix."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import minikeras as mk
from minikeras import callbacks
from minikeras import layers as L  # noqa: N812

X, Y, LABELS = np.ones((6, 4), "float32"), np.ones((6, 2), "float32"), np.array([0, 1, 2, 0, 1, 2])
IMAGES = np.ones((6, 8, 8, 1), "float32")


def model(*body, shape=(4,), loss="mse", **compile_):
    m = mk.Sequential([mk.Input(shape), *body])
    m.compile(mk.optimizers.SGD(0.1), loss, **compile_)
    return m


def mlp(**compile_):
    return model(L.Dense(3, activation="relu"), L.Dense(2), **compile_)


def classifier(loss="sparse_categorical_crossentropy"):
    return model(L.Dense(3, activation="softmax"), loss=loss)


def cnn():
    return model(L.Conv2D(4, 3), L.MaxPooling2D(2), L.Flatten(), L.Dense(2), shape=(8, 8, 1))


def rnn(**kwargs):
    return model(L.SimpleRNN(3, **kwargs), L.Dense(2), shape=(5, 2))


class Frame:
    """What a table of pandas with columns of several types offers."""

    def __init__(self, array, **kinds):
        self.array = array.astype(object)
        if "O" in kinds.values():
            self.array[:, -1] = "text"
        self.columns, self.dtypes = list(kinds), {name: np.dtype(kind) for name, kind in kinds.items()}

    def __array__(self, dtype=None, copy=None):
        return self.array


# (how to make the model, correct x and y for it, the bad call, words that the message must have)
CALLS = [
    # shapes of x
    (mlp, X, Y, lambda m: m.predict(X[:, :3], verbose=0), ["'dense' (Dense)", "size 4", "(6, 3)", "input (6, 3) ->"]),
    (mlp, X, Y, lambda m: m.fit(X[:, :3], Y, verbose=0), ["'dense' (Dense)", "likely fix: give 4 features"]),
    (mlp, X, Y, lambda m: m.evaluate(X[:, :3], Y, verbose=0), ["'dense' (Dense)", "size 4"]),
    (mlp, X, Y, lambda m: m.train_on_batch(X[:, :3], Y), ["'dense' (Dense)"]),
    (mlp, X, Y, lambda m: m(X[:, :3]), ["'dense' (Dense)"]),
    (mlp, X, Y, lambda m: m.fit(X, Y, validation_data=(X[:, :3], Y), verbose=0), ["'dense' (Dense)"]),
    (mlp, X, Y, lambda m: m.predict(X[0], verbose=0), ["min_ndim=2", "x[None] for one sample"]),
    (mlp, X, Y, lambda m: m.predict(np.ones((2, 2, 2)), verbose=0), ["size 4", "x.reshape(-1, 4)", "Flatten"]),
    (mlp, X, Y, lambda m: m.predict(np.ones((2, 3, 4)), verbose=0), ["(None, 4)", "(2, 3, 4)"]),
    (cnn, IMAGES, Y, lambda m: m.predict(np.ones((2, 8, 8, 3)), verbose=0), ["(2, 8, 8, 3)", "with 1 channels"]),
    (cnn, IMAGES, Y, lambda m: m.predict(np.ones((2, 8)), verbose=0), ["ndim=4", "(2, 8)", "reshaped"]),
    (cnn, IMAGES, Y, lambda m: m.predict(np.ones((2, 64)), verbose=0), ["x.reshape(-1, height, width, channels)"]),
    (cnn, IMAGES, Y, lambda m: m.predict(np.ones((2, 9, 9, 1)), verbose=0), ["(None, 8, 8, 1)", "resize"]),
    (rnn, np.ones((6, 5, 2)), Y, lambda m: m.predict(np.ones((2, 5, 3)), verbose=0), ["(SimpleRNN)", "size 2"]),
    (rnn, np.ones((6, 5, 2)), Y, lambda m: m.predict(np.ones((2, 5)), verbose=0), ["ndim=3", "x[..., None]"]),
    # labels
    (mlp, X, Y, lambda m: m.fit(X, np.ones((6, 3)), verbose=0), ["(6, 2)", "(6, 3)", "likely fix"]),
    (mlp, X, Y, lambda m: m.fit(X, np.ones((6, 1)), verbose=0), ["(6, 2)", "(6, 1)"]),
    (mlp, X, Y, lambda m: m.evaluate(X, np.ones((6, 3)), verbose=0), ["(6, 2)", "(6, 3)"]),
    (classifier, X, LABELS, lambda m: m.fit(X, np.eye(3)[LABELS], verbose=0), ["one-hot", "argmax"]),
    (classifier, X, LABELS, lambda m: m.fit(X, LABELS + 1, verbose=0), ["label 3", "classes 0 to 2", "from 0"]),
    (classifier, X, LABELS, lambda m: m.fit(X, LABELS - 1, verbose=0), ["label -1", "classes 0 to 2"]),
    (classifier, X, LABELS, lambda m: m.fit(X, LABELS + 0.5, verbose=0), ["no whole number"]),
    (
        classifier, X, LABELS,
        lambda m: mk.losses.SparseCategoricalCrossentropy()(LABELS * np.nan, m(X)), ["label nan", "no whole number"],
    ),
    (
        lambda: model(L.Dense(3), shape=(8, 8, 1), loss="sparse_categorical_crossentropy"), IMAGES,
        np.zeros((6, 8, 8)), lambda m: m.fit(IMAGES, LABELS, verbose=0), ["labels of shape (6, 8, 8)", "Flatten"],
    ),
    (
        lambda: classifier("categorical_crossentropy"), X, np.eye(3)[LABELS],
        lambda m: m.fit(X, LABELS, verbose=0), ["sparse_categorical_crossentropy", "to_categorical(y, 3)"],
    ),
    (
        lambda: model(L.Conv2D(2, 3), L.Dense(2), shape=(8, 8, 1)), IMAGES, np.ones((6, 6, 6, 2)),
        lambda m: m.fit(IMAGES, Y, verbose=0), ["Flatten", "(6, 6, 6, 2)"],
    ),
    # data
    (mlp, X, Y, lambda m: m.fit(X, Y[:4], verbose=0), ["cardinality", "'x' sizes: 6", "'y' sizes: 4"]),
    (mlp, X, Y, lambda m: m.fit(X, Y, sample_weight=np.ones(4), verbose=0), ["'sample_weight' sizes: 4"]),
    (mlp, X, Y, lambda m: m.fit(X, Y, sample_weight=np.ones((6, 2)), verbose=0), ["one weight for each"]),
    (mlp, X, Y, lambda m: m.fit(X[:0], Y[:0], verbose=0), ["empty"]),
    (mlp, X, Y, lambda m: m.predict(X[:0], verbose=0), ["empty"]),
    (mlp, X, Y, lambda m: m.fit(None, Y, verbose=0), ["x is None"]),
    (mlp, X, Y, lambda m: m.fit(X, None, verbose=0), ["needs targets"]),
    (mlp, X, Y, lambda m: m.fit(np.array([["a"] * 4] * 6), Y, verbose=0), ["strings", "encode them"]),
    (mlp, X, Y, lambda m: m.fit(X, np.array(["a"] * 6), verbose=0), ["'y'", "strings", "np.unique(y"]),
    (mlp, X, Y, lambda m: m.fit(Frame(X, a="f", b="O"), Y, verbose=0), ["'x'", "columns 'b'", "get_dummies(x)"]),
    (mlp, X, Y, lambda m: m.predict(Frame(X, **dict.fromkeys("abcdefg", "O"))), ["'e' and 2 more"]),
    (mlp, X, Y, lambda m: m.fit("abc", Y, verbose=0), ["x of type str"]),
    (mlp, X, Y, lambda m: m.fit({"a": X}, Y, verbose=0), ["x of type dict"]),
    (mlp, X, Y, lambda m: m.fit([[1, 2], [1, 2, 3]], [1, 2], verbose=0), ["unequal length", "pad_sequences"]),
    (mlp, X, Y, lambda m: m.fit(X + 1j, Y, verbose=0), ["complex"]),
    (mlp, X, Y, lambda m: m.fit(3, Y, verbose=0), ["one row per sample"]),
    (mlp, X, Y, lambda m: m.fit(iter([(X, Y, X, Y)]), verbose=0), ["(x, y, sample_weight)"]),
    (mlp, X, Y, lambda m: m.fit(iter([]), verbose=0), ["empty"]),
    (mlp, X, Y, lambda m: m.fit(iter([(X, Y)]), Y, verbose=0), ["generator", "`y` must not be given"]),
    (mlp, X, Y, lambda m: m.fit(iter([(X, Y)]), validation_split=0.5, verbose=0), ["needs arrays"]),
    (mlp, X, Y, lambda m: m.fit(iter([(X, Y)]), class_weight={0: 1.0}, verbose=0), ["class_weight"]),
    (mlp, X, Y, lambda m: m.fit(iter([(X,)]), verbose=0), ["needs targets"]),
    (mlp, X, Y, lambda m: m.evaluate(X, verbose=0), ["needs targets"]),
    (mlp, X, Y, lambda m: m.predict(iter([]), verbose=0), ["empty"]),
    # arguments of fit
    (mlp, X, Y, lambda m: m.fit(X, Y, batch_size=0), ["batch_size", "positive integer"]),
    (mlp, X, Y, lambda m: m.fit(X, Y, batch_size=2.5), ["batch_size", "2.5"]),
    (mlp, X, Y, lambda m: m.fit(X, Y, epochs=-1), ["epochs", "positive integer"]),
    (mlp, X, Y, lambda m: m.fit(X, Y, epochs="2"), ["epochs"]),
    (mlp, X, Y, lambda m: m.fit(X, Y, initial_epoch=-1), ["initial_epoch"]),
    (mlp, X, Y, lambda m: m.fit(X, Y, steps_per_epoch=0), ["steps_per_epoch"]),
    (mlp, X, Y, lambda m: m.fit(X, Y, validation_split=1.0), ["validation_split", "between 0 and 1"]),
    (mlp, X, Y, lambda m: m.fit(X[:1], Y[:1], validation_split=0.2), ["not sufficient"]),
    (mlp, X, Y, lambda m: m.fit(X, Y, validation_data=(X, Y), validation_freq=0), ["validation_freq"]),
    (mlp, X, Y, lambda m: m.fit(X, Y, validation_data=(X, Y), validation_steps=-1), ["validation_steps"]),
    (mlp, X, Y, lambda m: m.fit(X, Y, validation_data=X), ["validation_data", "(x, y)"]),
    (mlp, X, Y, lambda m: m.fit(X, Y, shuffle="x"), ["shuffle"]),
    (mlp, X, Y, lambda m: m.fit(X, Y, verbose=7), ["verbose"]),
    (mlp, X, Y, lambda m: m.fit(X, Y, epoch=2), ["epoch"]),
    (mlp, X, Y, lambda m: m.fit(X, Y, callbacks=[3]), ["Callback", "3"]),
    (classifier, X, LABELS, lambda m: m.fit(X, LABELS, class_weight=[1, 2]), ["class_weight", "dict"]),
    (classifier, X, LABELS, lambda m: m.fit(X, LABELS, class_weight={"a": 1.0}), ["class_weight", "'a'"]),
    (
        classifier, X, LABELS,
        lambda m: m.fit(X, LABELS, class_weight={0: 1.0}, sample_weight=np.ones(6)), ["at the same time"],
    ),
    # the model
    (mlp, X, Y, lambda m: m.compile("adamm", "mse"), ["'adam'"]),
    (mlp, X, Y, lambda m: m.compile("sgd", "mse", metrics="mae"), ["metrics=['accuracy']"]),
    (mlp, X, Y, lambda m: m.add(3), ["Layer", "3"]),
    (mlp, X, Y, lambda m: m.add(L.Conv2D(2, 3)), ["ndim=4", "input (None, 4) -> dense (None, 3) -> dense_1"]),
    (mlp, X, Y, lambda m: m.add(mk.Input((4,))), ["already been configured"]),
    (mlp, X, Y, lambda m: m.add(m.layers[0]), ["only once", "make a second layer"]),
    (mlp, X, Y, lambda m: m.add(mk.Sequential([m.layers[0]])), ["only once"]),
    (mlp, X, Y, lambda m: m.add(L.Dense(2, name="dense")), ["unique names", "'dense'"]),
    (mlp, X, Y, lambda m: m.build((None, 5)), ["(None, 4)", "(None, 5)"]),
    (mlp, X, Y, lambda m: m.set_weights([np.zeros((4, 3))]), ["length 1", "4 weights"]),
]  # fmt: skip


@pytest.mark.parametrize(("make", "x", "y", "bad", "words"), CALLS, ids=range(len(CALLS)))
@pytest.mark.parametrize("trained", [False, True])
def test_a_bad_call_gets_a_short_error_and_an_unharmed_model(make, x, y, bad, words, trained):
    m = make()
    if trained:
        m.fit(x, y, verbose=0)
    weights, steps, names = m.get_weights(), int(m.optimizer.iterations), [layer.name for layer in m.layers]
    with pytest.raises((ValueError, TypeError)) as caught:
        bad(m)
    message = str(caught.value)
    for word in words:
        assert word in message, message
    assert len(message.splitlines()) < 15
    assert [layer.name for layer in m.layers] == names
    assert int(m.optimizer.iterations) == steps
    for before, after in zip(weights, m.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    m.fit(x, y, verbose=0)
    assert np.isfinite(m.predict(x, verbose=0)).all()


# (a bad constructor or a bad model, words that the message must have)
CONSTRUCTIONS = [
    *[
        (lambda v=v: L.Dense(v), ["Dense", "`units`", "positive integer"])
        for v in (0, -3, 2.5, "4", True, None)
    ],
    *[(lambda v=v: L.Conv2D(v, 3), ["Conv2D", "`filters`"]) for v in (0, 1.5, None)],
    *[
        (lambda v=v: L.Conv2D(2, v), ["Conv2D", "`kernel_size`"])
        for v in (0, 2.5, "a", (3, 3, 3), None, [0, 1])
    ],
    *[(lambda v=v: L.Conv2D(2, 3, v), ["Conv2D", "`strides`"]) for v in (0, -1, (1, 2, 3))],
    *[(lambda v=v: L.MaxPooling2D(v), ["MaxPooling2D", "`pool_size`"]) for v in (0, -1, "a", (2, 2, 2), 1.5)],
    *[(lambda v=v: L.SimpleRNN(v), ["SimpleRNN", "`units`"]) for v in (0, -1, 2.5)],
    *[(lambda v=v: L.Dropout(v), ["Dropout", "`rate`", "[0, 1]"]) for v in (-0.1, 1.5, "a", None)],
    (lambda: L.SimpleRNN(2, dropout=1.5), ["`dropout`", "[0, 1]"]),
    (lambda: L.Dropout(0.5, noise_shape=(0, 1)), ["`noise_shape`"]),
    (lambda: model(L.Dropout(0.5, noise_shape=(None, 1, 2))), ["noise_shape=(None, 1, 2)", "(None, 4)"]),
    (lambda: L.Conv2D(2, 3, padding="samee"), ["`padding`", "'same'"]),
    (lambda: L.Conv2D(2, 3, data_format="nhwc"), ["channels_last"]),
    (lambda: L.Conv2D(2, 3, strides=2, dilation_rate=2), ["`strides`", "`dilation_rate`"]),
    (lambda: L.Conv2D(3, 3, groups=2), ["`filters`", "`groups`"]),
    (lambda: model(L.Conv2D(4, 3, groups=2), shape=(5, 5, 3)), ["groups=2", "3 channels"]),
    (lambda: L.Dense(2, activation="rellu"), ["rellu", "'relu'"]),
    (lambda: L.Activation(3), ["activation", "3"]),
    (lambda: L.Dense(2, kernel_initializer="glorott_uniform"), ["'glorot_uniform'"]),
    (lambda: L.Dense(2, kernel_regularizer="l22"), ["l22", "'l2'"]),
    (lambda: L.Dense(2, kernel_constraint="nonneg"), ["'NonNeg'"]),
    (lambda: L.Dense(2, unitz=3), ["Dense", "unitz", "'units'"]),
    (lambda: L.Conv2D(2, 3, input_sahpe=(3,)), ["input_sahpe", "'input_shape'"]),
    (lambda: mk.optimizers.Adam(lerning_rate=0.1), ["Adam", "'learning_rate'"]),
    (lambda: mk.optimizers.SGD(learning_rate=1), ["learning_rate", "float"]),
    (lambda: L.Dense(), ["units"]),
    (lambda: L.Dense(2, name="a/b"), ["name", "a/b"]),
    (lambda: mk.Sequential([d := L.Dense(2), d]), ["only once"]),
    (lambda: mk.Sequential([L.Dense(2, name="a"), L.Dense(2, name="a")]), ["unique names"]),
    (lambda: mk.Sequential(["a"]), ["Layer", "a"]),
    (lambda: mk.Sequential([L.Dense]), ["Layer", "type"]),
    (lambda: mk.Sequential(L.Dense(2), L.Dense(3)), ["one list", "Sequential([first, second, ...])"]),
    (
        lambda: L.Dense(2, name="top")(mk.Input((3,), name="in")),
        ["'top'", "'in'", "no functional API", "likely fix"],
    ),
    (lambda: mk.Sequential([L.Dense(2)])(mk.Input((3,))), ["no functional API"]),
    (lambda: mk.Model(inputs=mk.Input((3,)), outputs=L.Dense(2)), ["functional API", "Sequential(["]),
    (lambda: mk.Model(mk.Input((3,)), L.Dense(2)), ["functional API"]),
    (lambda: mk.Input(), ["exactly one"]),
    (lambda: mk.Input((3,), batch_shape=(None, 3)), ["exactly one"]),
    (lambda: mk.Input((-3,)), ["(-3,)"]),
    (lambda: mk.Input("a"), ["tuple"]),
    (lambda: mk.Input((3,), sparse=True), ["sparse"]),
    (lambda: mk.Input((3,), tensor=1), ["symbolic"]),
    (lambda: model(L.Conv2D(2, 7), shape=(5, 5, 1)), ["(7, 7)", "(None, 5, 5, 1)", "smaller kernel_size"]),
    (
        lambda: model(L.Conv2D(2, 3), L.MaxPooling2D(4), shape=(5, 5, 1)),
        ["(4, 4)", "input (None, 5, 5, 1) -> conv2d (None, 3, 3, 2) -> ?"],
    ),
    (lambda: model(L.Dense(3), L.SimpleRNN(2)), ["ndim=3", "(None, 3)"]),
    (lambda: model(L.Conv2D(2, 3), shape=(8, 8)), ["ndim=4", "x[..., None]", "x[None]"]),
    (lambda: model(L.SimpleRNN(3), L.SimpleRNN(2), shape=(5, 2)), ["return_sequences=True"]),
    (lambda: model(L.SimpleRNN(3, return_state=True), L.Dense(2), shape=(5, 2)), ["2 arrays", "last layer"]),
    (
        lambda: model(L.Dense(3), mk.Sequential([L.Dense(5), L.Conv2D(2, 3)])),
        ["input (None, 4) -> dense (None, 3) -> dense_1 (None, 5) -> ?"],
    ),
    (
        lambda: mk.Sequential([L.Dense(3), L.Flatten(), L.Conv2D(2, 3)])(X),
        ["dense (6, 3) -> flatten (6, 3) -> ?"],
    ),
    (lambda: model(L.SimpleRNN(2, stateful=True), shape=(5, 2)), ["stateful", "batch_shape"]),
    (lambda: model(L.Dense(2), shape=(None,)), ["known size"]),
    (lambda: mk.Sequential([mk.Input((4, None)), L.Dense(2)]), ["known size"]),
    (lambda: mk.Sequential([mk.Input((4, None)), L.SimpleRNN(2)]), ["known size"]),
    (lambda: mk.Sequential([mk.Input((4, 4, None)), L.Conv2D(2, 2)]), ["known size"]),
    (lambda: mk.Sequential().predict(X, verbose=0), ["no layers", "add"]),
    (lambda: mk.Sequential([mk.Input((4,))]).fit(X, Y), ["compile"]),
    (lambda: mk.Sequential([L.Dense(2)]).fit(X, Y), ["compile()"]),
    (lambda: mk.Sequential([L.Dense(2)]).evaluate(X, Y), ["compile()"]),
    (lambda: model(L.Dense(2), loss=None).fit(X, Y, verbose=0), ["No loss"]),
    (lambda: model(L.Flatten()).fit(X, X, verbose=0), ["no weights"]),
    (lambda: model(L.Dense(2), loss="msee").fit(X, Y, verbose=0), ["msee", "'MSE'"]),
    (lambda: model(L.Dense(2), metrics=["acuracy"]).fit(X, Y, verbose=0), ["acuracy", "'accuracy'"]),
    (
        lambda: model(L.Dense(2), loss=lambda a, b: (a - b).mean(-1)).fit(X, Y, verbose=0),
        ["gradient is unknown"],
    ),
    (lambda: model(L.Dense(2, activation=np.square)).fit(X, Y, verbose=0), ["derivative is unknown"]),
    (
        lambda: model(L.Dense(2), loss=mk.losses.MeanSquaredError(reduction=None)).fit(X, Y, verbose=0),
        ["reduction=None", "one number"],
    ),
    (
        lambda: model(L.SimpleRNN(2, return_state=True), shape=(5, 2)).fit(np.ones((6, 5, 2)), Y, verbose=0),
        ["return_state"],
    ),
]


@pytest.mark.parametrize(("bad", "words"), CONSTRUCTIONS, ids=range(len(CONSTRUCTIONS)))
def test_a_bad_argument_or_model_gets_a_short_error(bad, words):
    with pytest.raises((ValueError, TypeError)) as caught:
        bad()
    message = str(caught.value)
    for word in words:
        assert word in message, message
    assert len(message.splitlines()) < 15


def test_a_layer_without_a_pass_is_named():
    class Half(L.Layer):
        def forward(self, x, ctx):
            return x

    with pytest.raises(NotImplementedError, match=r"'half' \(Half\) has no `backward"):
        model(L.Dense(3), Half(), L.Dense(2)).fit(X, Y, verbose=0)
    with pytest.raises(NotImplementedError, match="has no `forward"):
        L.Layer()(X)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("bad", ["x", "y"])
def test_nan_and_infinity_are_warned_of_once(value, bad):
    x, y = np.ones((600, 4), "float32"), np.ones((600, 2), "float32")
    {"x": x, "y": y}[bad][417, 1] = value
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        mlp().fit(x, y, epochs=3, verbose=0)
    messages = [str(w.message) for w in caught]
    assert len(messages) == 1
    assert f"{bad} holds NaN or infinity, first in row 417" in messages[0]


@pytest.mark.parametrize(
    "hook", ["on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_train_batch_end", "on_test_begin",
             "on_test_batch_end", "on_test_end", "on_epoch_end", "on_train_end"],
)  # fmt: skip
def test_a_callback_that_raises_leaves_a_usable_model(hook):
    class Broken(callbacks.Callback):
        pass

    def method(self, *args, **kwargs):
        raise ZeroDivisionError("mine")

    setattr(Broken, hook, method)
    m = mlp()
    with pytest.raises(ZeroDivisionError, match="mine"):
        m.fit(X, Y, verbose=0, validation_split=0.5, callbacks=[Broken()])
    losses = m.fit(X, Y, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_a_generator_that_raises_leaves_a_usable_model():
    def generate():
        yield X, Y
        raise OSError("disk")

    m = mlp()
    with pytest.raises(OSError, match="disk"):
        m.fit(generate(), verbose=0)
    assert int(m.optimizer.iterations) == 1
    m.fit(X, Y, verbose=0)


def test_one_optimizer_serves_one_model():
    shared = mk.optimizers.SGD(0.1)
    first, second = mlp(), mlp()
    first.compile(shared, "mse")
    first.fit(X, Y, verbose=0)
    second.compile(shared, "mse")
    with pytest.raises(ValueError, match="Unknown variable"):
        second.fit(X, Y, verbose=0)
    first.fit(X, Y, verbose=0)


def test_a_stateful_layer_refuses_other_batches():
    m = mk.Sequential([mk.Input(batch_shape=(4, 5, 2)), L.SimpleRNN(2, stateful=True)])
    with pytest.raises(ValueError, match="batches of 4 samples"):
        m.predict(np.ones((6, 5, 2)), batch_size=4, verbose=0)
    assert m.predict(np.ones((8, 5, 2)), batch_size=4, verbose=0).shape == (8, 2)


def test_objects_that_all_are_numbers_are_numbers():
    x = np.array(
        [[1.5, True, 3, np.float32(2)]] * 6, dtype=object
    )  # truth values beside floats, as in a table
    m = mlp()
    m.fit(Frame(x, a="f", b="?", c="i", d="f"), Y, verbose=0)
    np.testing.assert_array_equal(m.predict(x, verbose=0), m.predict(x.astype("float32"), verbose=0))
    x[4, 1] = None
    with pytest.raises(ValueError, match="such as None"):
        m.predict(x, verbose=0)


@pytest.mark.parametrize(
    ("monitor", "words"),
    [("val_acc", ["Did you mean 'val_accuracy'"]), ("acuracy", ["Did you mean 'accuracy'"])],
)
def test_a_misspelt_number_to_watch(monitor, words):
    m = classifier()
    m.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    with pytest.raises(ValueError, match="EarlyStopping: for monitor") as caught:
        m.fit(X, LABELS, validation_split=0.5, verbose=0, callbacks=[callbacks.EarlyStopping(monitor)])
    for word in [*words, "mode='max'"]:
        assert word in str(caught.value)
    with pytest.warns(UserWarning, match="not available.*accuracy.*Did you mean 'val_loss'"):
        m.fit(
            X,
            LABELS,
            validation_split=0.5,
            verbose=0,
            callbacks=[callbacks.EarlyStopping("val_los", mode="min")],
        )


def test_long_chains_are_cut_short():
    deep = [L.Dense(3) for _ in range(30)]
    with pytest.raises(ValueError, match="more") as caught:
        model(*deep, L.Conv2D(2, 3))
    assert len(str(caught.value).splitlines()) < 15
