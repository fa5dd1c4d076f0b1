"""What is shown without any extra: tables, films, windows of a convolution, reprs in a notebook."""

from __future__ import annotations

import base64
import importlib
import re
import subprocess
import sys
import zlib

import numpy as np
import pytest
from cases import LAYERS

import minikeras as mk
from minikeras import layers, markup, teach
from minikeras.layers import Conv2D, Dense, Input
from minikeras.teach.boundary import png

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 2)).astype("float32")
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)
IMAGE = RNG.normal(size=(7, 6, 4)).astype("float32")


def classifier(features=2, classes=2):
    last = Dense(1, "sigmoid") if classes == 1 else Dense(classes, "softmax")
    model = mk.Sequential([Input((features,)), Dense(8, "tanh"), last])
    model.compile("adam", "binary_crossentropy" if classes == 1 else "sparse_categorical_crossentropy")
    return model


# Markup


def test_markup_escapes_all_but_markup():
    assert markup.tag("p", "<b>&\"'") == "<p>&lt;b&gt;&amp;&quot;&#39;</p>"
    assert markup.tag("p", markup.Markup("<b>"), class_="x y") == '<p class="x y"><b></p>'
    assert markup.table(["a"], [[1234], [0.5], ["<"]]).count('<td class="n"') == 2
    assert "1,234" in markup.table(["a"], [[1234]])


@pytest.mark.parametrize(
    "array", [np.zeros((0, 3)), np.array(2.0), np.array([np.nan, np.inf, 1]), np.ones((2, 3, 4))]
)
def test_heatmaps_of_any_array(array):
    svg = markup.heatmap(array)
    assert svg.startswith("<svg") and "nan" not in svg.replace(">nan", "").replace("] nan", "")
    assert svg.count("<title>") == array.size


def test_curves_of_any_numbers():
    text = markup.curves({"a<b": [1.0, float("nan"), 3.0], "flat": [2.0], "empty": []})
    assert "a&lt;b" in text and "empty" not in text and "nan," not in text and "&lt;span" not in text


# Confusion


def test_confusion_counts_and_lists_the_surest_mistakes():
    class Fixed:
        def predict(self, x, verbose):
            return np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.05, 0.95, 0.0], [0.0, 0.4, 0.6]])

    result = teach.confusion(Fixed(), np.zeros((4, 5, 5)), np.eye(3)[[0, 0, 2, 2]], worst=1)
    np.testing.assert_array_equal(result.data, [[1, 1, 0], [0, 0, 0], [0, 1, 1]])
    assert result.worst == [(2, 2, 1, 0.95)] and result.accuracy == 0.5
    assert "50.0% right" in str(result) and "sample 2: 2 taken for 1, sure to 95%" in str(result)
    assert result._repr_html_().count("<svg") == 1
    rows = teach.confusion(Fixed(), np.zeros((4, 6)), [0, 0, 2, 2], image_shape=(2, 3))
    assert rows.images[0].shape == (2, 3) and rows._repr_html_().count("<svg") == 2
    two = teach.confusion(classifier(classes=1), X, LABELS[:, None])
    assert two.data.shape == (2, 2) and two.data.sum() == 40
    with pytest.raises(ValueError, match="40 samples and y 3"):
        teach.confusion(classifier(), X, LABELS[:3])


# The film of the decision boundary


@pytest.mark.parametrize("classes", [1, 2])
def test_a_film_of_the_decision_boundary(classes, tmp_path):
    model, film = classifier(classes=classes), teach.BoundaryFilm(X, LABELS, every=2, resolution=12)
    model.fit(X, LABELS, epochs=5, verbose=0, callbacks=[film])
    assert film.epochs == [0, 2, 4] and film.data.shape == (3, 12, 12, 2)
    np.testing.assert_allclose(film.data.sum(axis=-1), 1, rtol=1e-5)
    last = model.predict(film.plane.grid(), verbose=0)[:, -1].reshape(12, 12)
    assert not np.array_equal(film.data[0], film.data[2]) and last.shape == film.data[2, ..., 1].shape
    film.save(tmp_path / "film.html")
    page = (tmp_path / "film.html").read_text()
    assert page.count("data:image/png;base64,") == 3 and page.count("<circle") == 120 and "http" not in page
    assert "3 frames" in str(film)


def test_many_features_are_seen_in_their_main_plane():
    x = RNG.normal(size=(30, 5)) * [5, 4, 0.1, 0.1, 0.1] + 1
    film = teach.BoundaryFilm(x, np.arange(30) % 2, resolution=5)
    assert not film.plane.flat and film.plane.grid().shape == (25, 5)
    np.testing.assert_allclose(film.plane.axes @ film.plane.axes.T, np.eye(2), atol=1e-12)
    assert (np.abs(film.plane.axes[:, 2:]) < 0.1).all()
    with pytest.raises(ValueError, match=r"features >= 2\). Received: \(30, 1\)"):
        teach.BoundaryFilm(x[:, :1], np.arange(30))


def test_png_files_can_be_read_again():
    pixels = RNG.integers(0, 256, (3, 5, 3)).astype(np.uint8)
    file = base64.b64decode(png(pixels).partition(",")[2])
    assert file[:8] == b"\x89PNG\r\n\x1a\n" and file[16:24] == b"\0\0\0\5\0\0\0\3"
    start = file.index(b"IDAT") + 4
    length = int.from_bytes(file[start - 8 : start - 4], "big")
    rows = np.frombuffer(zlib.decompress(file[start : start + length]), np.uint8).reshape(3, 16)
    np.testing.assert_array_equal(rows[:, 1:].reshape(3, 5, 3), pixels)


# One window of a convolution


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"padding": "same", "activation": "relu"},
        {"padding": "same", "strides": (2, 3), "use_bias": False},
        {"dilation_rate": (2, 1)},
        {"groups": 2, "activation": "tanh"},
        {"data_format": "channels_first", "padding": "same"},
    ],
)
def test_a_step_of_a_convolution_gives_the_number_of_the_layer(arguments):
    conv = Conv2D(4, 3, bias_initializer="random_normal", **arguments)
    model = mk.Sequential([conv, layers.Flatten()])
    y = np.array(conv(IMAGE[None]))[0]
    model.build((None, *IMAGE.shape))
    y = np.moveaxis(y, 0, -1) if "data_format" in arguments else y
    for i, j, k in [(0, 0, 0), (y.shape[0] - 1, y.shape[1] - 1, 3), (1, 1, 2)]:
        step = teach.conv_step(model, IMAGE, i=i, j=j, filter=k)
        assert step.y == pytest.approx(y[i, j, k], rel=1e-5, abs=1e-6)
        assert step.products.sum() + step.bias == pytest.approx(step.z, rel=1e-5, abs=1e-6)
    assert f"row 1, column 1, filter 2" in str(step) and "Σ products + bias" in step._repr_html_()  # noqa: F541


def test_what_conv_step_needs():
    model = mk.Sequential([Input((7, 6, 4)), Conv2D(2, 3, name="c"), layers.Flatten(name="f")])
    with pytest.raises(ValueError, match="lies outside the output"):
        teach.conv_step(model, IMAGE, "c", 5, 0)
    with pytest.raises(ValueError, match="needs a Conv2D layer"):
        teach.conv_step(model, IMAGE, "f")
    with pytest.raises(ValueError, match="no layer with a two-dimensional window"):
        teach.conv_step(classifier(), IMAGE)
    with pytest.raises(ValueError, match="one image"):
        teach.conv_step(model, np.zeros(3))
    assert teach.conv_step(model, IMAGE[None], "c").window.shape == (3, 3, 4)
    grey = mk.Sequential([Input((7, 6, 1)), Conv2D(2, 3)])
    assert teach.conv_step(grey, IMAGE[..., 0]).window.shape == (3, 3, 1)


# Races and landscapes, as numbers


def test_a_race_starts_from_the_same_weights_and_leaves_the_model_alone():
    model = classifier()
    weights = model.get_weights()
    race = teach.learning_rates(model, X, LABELS, {"slow": mk.optimizers.SGD(1e-6), "fast": "adam"}, epochs=3)
    for a, b in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert list(race.data) == ["slow", "fast"] and len(race.data["fast"]) == 3
    assert race.winner == "fast" and "fast" in str(race) and "<polyline" in race._repr_html_()
    assert len(teach.learning_rates(model, X, LABELS, epochs=1).data) == 5
    with pytest.raises(ValueError, match="needs a loss"):
        teach.learning_rates(mk.Sequential([Dense(2)]), X, LABELS)


def test_a_landscape_along_the_path_of_training():
    model, path = classifier(), teach.WeightPath()
    model.fit(X, LABELS, epochs=4, verbose=0, callbacks=[path])
    assert path.data.shape == (5, 8 * 3 + 2 * 9)
    weights = model.get_weights()
    land = teach.loss_landscape(model, X, LABELS, path=path, resolution=5)
    assert land.data.shape == (5, 5) and land.path.shape == (5, 2)
    assert land.data[2, 2] == pytest.approx(model.evaluate(X, LABELS, verbose=0), rel=1e-5)
    np.testing.assert_allclose(land.path[-1], 0, atol=1e-6)  # the path ends at the model
    for a, b in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert "at the centre" in str(land) and "<svg" in land._repr_html_()


def test_a_landscape_along_random_directions():
    model = classifier()
    a, b = (teach.loss_landscape(model, X, LABELS, resolution=3, span=s) for s in (1.0, 1.0))
    np.testing.assert_array_equal(a.data, b.data)
    assert a.path is None and a.u[0] == -1 and len(np.unique(a.data)) == 9


def test_what_a_landscape_needs():
    with pytest.raises(ValueError, match="needs a loss"):
        teach.loss_landscape(mk.Sequential([Dense(2)]), X, LABELS)
    path, other = teach.WeightPath(), classifier(features=3)
    other.fit(np.ones((4, 3)), np.zeros(4), verbose=0, callbacks=[path])
    with pytest.raises(ValueError, match="the path has"):
        teach.loss_landscape(classifier(), X, LABELS, path=path)
    path.steps = path.steps[:1] * 3
    other.set_weights([w * 0 for w in other.get_weights()])
    path.steps = [np.zeros_like(path.steps[0])] * 3
    with pytest.raises(ValueError, match="at least two epochs"):
        teach.loss_landscape(other, np.ones((4, 3)), np.zeros(4), path=path)
    with pytest.raises(ValueError, match="resolution"):
        teach.loss_landscape(classifier(), X, LABELS, resolution=1)


def test_charts_without_matplotlib_name_the_extra(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r'pip install "minikeras\[teach\]"'):
        teach.plot_history({"loss": [1.0]})


# Reprs


@pytest.mark.parametrize("case", LAYERS, ids=lambda c: c.id)
def test_every_layer_shows_itself(case):
    layer = case.make(layers, name="<b>")
    text = layer._repr_html_()
    assert "&lt;b&gt;" in text and "<b><b>" not in text
    layer.ensure_built(case.shape)
    assert layer._repr_html_().count("<td>") >= len(layer.weights)


def test_a_model_shows_its_layers():
    model = mk.Sequential([Dense(4, name="<i>"), layers.Flatten(), Dense(2)], name="a&b")
    assert "not built yet" in model._repr_html_() and "?" in model._repr_html_()
    model.build((None, 3))
    text = model._repr_html_()
    assert "a&amp;b" in text and "&lt;i&gt;" in text and "26 parameters" in text and "(None, 4)" in text
    assert text.count("<svg") == 3  # the diagram and two bars
    assert "LSTM" in mk.Sequential([Input((3, 2)), layers.LSTM(2, return_state=True)])._repr_html_()
    assert mk.Sequential()._repr_html_()


def test_a_history_shows_its_curves():
    model = classifier()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(X, LABELS, epochs=3, validation_split=0.25, verbose=0)
    text = history._repr_html_()
    assert text.count("<svg") == 2 and text.count("<polyline") == 4
    assert re.search("History of 3 epochs", text)


def test_teach_is_loaded_only_when_it_is_used():
    code = (
        "import sys, minikeras; minikeras.Sequential; assert 'minikeras.teach' not in sys.modules;"
        "minikeras.teach; assert not any(m.startswith('matplotlib') for m in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
