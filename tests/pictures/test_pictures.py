"""The charts: each is a matplotlib figure that holds what it should, and can be drawn.

They need the extra `teach`, so they are run by their name: python -m pytest tests/pictures
"""

from __future__ import annotations

import io

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

import minikeras as mk
from minikeras import layers, teach
from minikeras.layers import Conv2D, Dense, Input

mpl.use("Agg")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2)).astype("float32")
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)
IMAGES = RNG.normal(size=(6, 8, 8, 1)).astype("float32")


@pytest.fixture(autouse=True)
def nothing_stays_open():
    yield
    assert not pyplot.get_fignums()


def drawn(figure):
    """The figure, after it was really drawn."""
    assert isinstance(figure, Figure)
    figure.savefig(io.BytesIO(), format="png")
    return figure


def classifier(features=2, classes=2):
    model = mk.Sequential([Input((features,)), Dense(8, "relu"), Dense(6, "tanh")])
    model.add(Dense(1, "sigmoid") if classes == 1 else Dense(classes, "softmax"))
    loss = "binary_crossentropy" if classes == 1 else "sparse_categorical_crossentropy"
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def cnn(**kwargs):
    head = [layers.MaxPooling2D(2, name="pool"), layers.Flatten(name="flat"), Dense(3, name="out")]
    return mk.Sequential([Input((8, 8, 1)), Conv2D(5, 3, **kwargs), *head])


def test_plot_history():
    history = classifier().fit(X, LABELS, epochs=3, validation_split=0.2, verbose=0)
    figure = drawn(teach.plot_history(history))
    loss, accuracy = figure.axes
    assert (loss.get_title(), accuracy.get_title()) == ("loss", "accuracy")
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), history.history["loss"])
    np.testing.assert_array_equal(loss.lines[1].get_ydata(), history.history["val_loss"])
    assert all(tick == int(tick) for tick in loss.get_xticks())  # there is no half an epoch
    with pytest.raises(ValueError, match="empty"):
        teach.plot_history({})


def test_gradient_flow():
    trace = teach.trace(classifier(), X, LABELS)
    axis = drawn(teach.gradient_flow(trace)).axes[0]
    assert [t.get_text() for t in axis.get_xticklabels()] == ["dense", "dense_1", "dense_2"]
    assert axis.lines[0].get_ydata()[0] == pytest.approx(np.sqrt((trace[0].dy ** 2).mean()), rel=1e-5)
    assert len(axis.patches) == 6 and len(axis.get_legend().get_texts()) == 3
    with pytest.raises(ValueError, match="no y"):
        teach.gradient_flow(teach.trace(classifier(), X))


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_decision_boundary(classes):
    y = LABELS if classes < 3 else (X[:, 0] > 0) + LABELS
    model = classifier(classes=classes)
    model.fit(X, y, epochs=30, verbose=0)
    axis = drawn(teach.decision_boundary(model, X, y, resolution=40)).axes[0]
    assert axis.images[0].get_array().shape == (40, 40, 3)
    assert sum(len(c.get_offsets()) for c in axis.collections if len(c.get_offsets()) > 1) == 60
    assert len(axis.get_legend().get_texts()) == len(np.unique(y))


def test_decision_boundary_of_many_features_says_what_it_shows():
    x = RNG.normal(size=(20, 4)).astype("float32")
    figure = drawn(teach.decision_boundary(classifier(features=4), x, np.arange(20) % 2, resolution=10))
    assert "two main directions" in figure.axes[0].get_title()


def test_filters():
    assert len(drawn(teach.filters(cnn())).axes) == 5
    figure = drawn(teach.filters(mk.Sequential([Input((16,)), Dense(9)])))
    blue, middle, orange = (figure.axes[0].images[0].cmap(v)[:3] for v in (0.0, 0.5, 1.0))
    assert blue[2] > blue[0] and min(middle) > 0.9 and orange[0] > orange[2]
    assert figure.axes[0].images[0].get_array().shape == (4, 4) and len(figure.axes) == 16
    wide = mk.Sequential([Input((12,)), Dense(3, name="d")])
    assert drawn(teach.filters(wide, "d", image_shape=(3, 4))).axes[0].images
    assert drawn(teach.filters(mk.Sequential([Input((9, 2)), layers.Conv1D(3, 4)]))).axes[0].images
    with pytest.raises(ValueError, match="make no picture"):
        teach.filters(wide)
    with pytest.raises(ValueError, match="has no kernel"):
        teach.filters(cnn(), "flat")
    with pytest.raises(ValueError, match="no layer with a kernel"):
        teach.filters(mk.Sequential([Dense(3)]))


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_feature_maps(data_format):
    model = (
        cnn(data_format=data_format)
        if data_format == "channels_last"
        else mk.Sequential([Input((1, 8, 8)), Conv2D(5, 3, data_format="channels_first")])
    )
    image = IMAGES[0] if data_format == "channels_last" else IMAGES[0].transpose(2, 0, 1)
    figure = drawn(teach.feature_maps(model, image))
    assert len(figure.axes) == 5 and figure.axes[0].images[0].get_array().shape == (6, 6)
    if data_format == "channels_last":
        np.testing.assert_array_equal(
            figure.axes[2].images[0].get_array(), model.layers[0](image[None])[0, ..., 2]
        )
        assert drawn(teach.feature_maps(model, IMAGES, "pool")).axes[0].images
        with pytest.raises(ValueError, match="is no image"):
            teach.feature_maps(model, image, "out")


def test_races():
    race = teach.learning_rates(classifier(), X, LABELS, epochs=3)
    assert len(drawn(race.plot()).axes[0].lines) == 5


def test_landscapes():
    model, path = classifier(), teach.WeightPath()
    model.fit(X, LABELS, epochs=3, verbose=0, callbacks=[path])
    figure = drawn(teach.loss_landscape(model, X, LABELS, path=path, resolution=7).plot())
    assert len(figure.axes) == 2 and len(figure.axes[0].lines[0].get_xdata()) == 4
    assert len(drawn(teach.loss_landscape(model, X, LABELS, resolution=5).plot()).axes[0].lines) == 1


def test_monitors():
    model, monitor = classifier(), teach.Monitor(X, LABELS)
    model.fit(X, LABELS, epochs=4, verbose=0, callbacks=[monitor])
    axes = drawn(monitor.plot()).axes
    assert [len(a.lines) for a in axes[:3]] == [
        3,
        4,
        3,
    ]  # three layers; and the healthy ratio; dead and saturated
    drawn(teach.Monitor(X, LABELS).plot())
