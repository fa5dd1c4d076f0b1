"""Averages for validation, numbers sent to a server, and files for TensorBoard."""

from __future__ import annotations

import json
import sys
import threading
import types
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import numpy as np
import pytest

import minikeras as mk
from minikeras.callbacks import Callback, EarlyStopping, RemoteMonitor, SwapEMAWeights, TensorBoard
from minikeras.callbacks.tensorboard import as_image

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3)).astype("float32")
Y = X[:, :1] * 2 + 1


def compiled(**options):
    mk.utils.set_random_seed(0)
    model = mk.Sequential([mk.Input((3,)), mk.layers.Dense(1, name="d")], name="m")
    model.compile(mk.optimizers.SGD(0.1, **options), "mse")
    return model


class Watch(Callback):
    """Notes the weights after each batch, during validation, and after each epoch."""

    def __init__(self):
        super().__init__()
        self.batches, self.tests, self.epochs = [], [], []

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(self.model.get_weights()[0].copy())

    def on_test_batch_end(self, batch, logs=None):
        self.tests.append(self.model.get_weights()[0].copy())

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(self.model.get_weights()[0].copy())


@pytest.mark.parametrize("swap_on_epoch", [False, True])
@pytest.mark.parametrize("stop_early", [False, True])
def test_averages_are_in_the_model_when_they_should_be(swap_on_epoch, stop_early):
    model, watch = compiled(use_ema=True, ema_momentum=0.8), Watch()
    callbacks = [SwapEMAWeights(swap_on_epoch), watch]
    if stop_early:  # stops after the second epoch
        callbacks.append(EarlyStopping("val_loss", min_delta=1e9))
    model.fit(
        X, Y, 8, epochs=2 if not stop_early else 9, validation_data=(X, Y), verbose=0, callbacks=callbacks
    )
    average, averages = watch.batches[0], []
    for i, w in enumerate(watch.batches):
        average = w if i == 0 else 0.8 * average + 0.2 * w
        if i % 3 == 2:
            averages.append(average)
    assert len(averages) == 2
    np.testing.assert_allclose(watch.tests[::3], averages, rtol=1e-6)
    plain = watch.batches[2::3]
    np.testing.assert_allclose(watch.epochs, averages if swap_on_epoch else plain, rtol=1e-6)
    np.testing.assert_allclose(model.get_weights()[0], averages[-1], rtol=1e-6)
    reference = compiled(use_ema=True, ema_momentum=0.8)
    reference.fit(X, Y, 8, epochs=2, verbose=0)  # swapping does not disturb the training
    np.testing.assert_array_equal(model.get_weights()[0], reference.get_weights()[0])


def test_averages_serve_predictions_and_come_back_after_a_break():
    model = compiled(use_ema=True)
    model.predict(X, verbose=0, callbacks=[SwapEMAWeights()])  # there are no averages yet
    model.fit(X, Y, 8, verbose=0)
    model.get_weights()
    raw = [w + 1 for w in model.get_weights()]
    average = [w.copy() for w in model.get_weights()]
    model.set_weights(raw)
    expected = X @ average[0] + average[1]
    np.testing.assert_allclose(
        model.predict(X, verbose=0, callbacks=[SwapEMAWeights()]), expected, rtol=1e-5, atol=1e-6
    )
    np.testing.assert_array_equal(model.get_weights()[0], raw[0])

    class Break(Callback):
        def on_test_batch_end(self, batch, logs=None):
            raise ZeroDivisionError

    swap = SwapEMAWeights()
    with pytest.raises(ZeroDivisionError):
        model.evaluate(X, Y, verbose=0, callbacks=[swap, Break()])
    np.testing.assert_array_equal(model.get_weights()[0], average[0])
    swap.on_train_begin()
    np.testing.assert_array_equal(model.get_weights()[0], raw[0])


def test_swapping_needs_averages():
    with pytest.raises(ValueError, match="use_ema=True"):
        compiled().fit(X, Y, verbose=0, callbacks=[SwapEMAWeights()])


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            received.append((self.path, dict(self.headers), body))
            self.send_response(500 if self.path == "/broken" else 200)
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()
        thread.join()


def test_a_server_is_told_of_each_epoch(server):
    root, received = server
    as_json = RemoteMonitor(root, "/x", send_as_json=True, headers={"X-Run": "7"})
    broken = RemoteMonitor(root, "/broken")
    history = compiled().fit(X, Y, epochs=2, verbose=0, callbacks=[RemoteMonitor(root), as_json, broken])
    expected = [{"epoch": e, "loss": loss} for e, loss in enumerate(history.history["loss"])]
    forms = [json.loads(urllib.parse.parse_qs(r[2])["data"][0]) for r in received if "publish" in r[0]]
    plain = [json.loads(r[2]) for r in received if r[0] == "/x"]
    assert forms == plain == expected
    assert [r[1]["X-Run"] for r in received if r[0] == "/x"] == ["7", "7"]
    assert len(received) == 6
    as_json.on_epoch_end(3, {"a": np.float32(0.5), "b": np.array(2)})
    assert json.loads(received[-1][2]) == {"epoch": 3, "a": 0.5, "b": 2}


def test_a_server_that_is_not_there_does_no_harm(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with pytest.warns(UserWarning, match="Could not reach RemoteMonitor root server at http://127"):
        compiled().fit(X, Y, verbose=0, callbacks=[RemoteMonitor("http://127.0.0.1:9")])
    for bad in ("file:///etc/passwd", None):
        with pytest.raises(ValueError, match="`root`"):
            RemoteMonitor(bad)


class Writer:
    """Stands for tensorboardX's: it notes what it is given."""

    made: ClassVar[dict[str, Writer]] = {}

    def __init__(self, logdir):
        self.scalars, self.histograms, self.images, self.events, self.closed = [], {}, {}, [], False
        self.file_writer = self
        Writer.made[logdir.replace("\\", "/").split("/")[-1]] = self

    def add_scalar(self, tag, value, global_step):
        self.scalars.append((tag, global_step, value))

    def add_histogram(self, tag, values, global_step):
        self.histograms[tag, global_step] = values.copy()

    def add_image(self, tag, image, global_step, dataformats):
        self.images[tag, global_step] = image

    def add_event(self, event):
        self.events.append(event)

    def flush(self):
        assert not self.closed

    def close(self):
        self.closed = True

    def steps(self, tag):
        return [step for name, step, _ in self.scalars if name == tag]


class Node(types.SimpleNamespace):
    def __init__(self, **kwargs):
        super().__init__(input=[], **kwargs)


class Graph:
    def __init__(self):
        self.nodes = []
        self.node = types.SimpleNamespace(add=self.add)

    def add(self, **kwargs):
        self.nodes.append(Node(**kwargs))
        return self.nodes[-1]

    def SerializeToString(self):  # noqa: N802
        return [(n.name, n.op, n.input) for n in self.nodes]


@pytest.fixture
def writers(monkeypatch):
    Writer.made = {}
    modules = {
        "tensorboardX": {"SummaryWriter": Writer},
        "tensorboardX.proto": {},
        "tensorboardX.proto.event_pb2": {"Event": lambda graph_def: graph_def},
        "tensorboardX.proto.graph_pb2": {"GraphDef": Graph},
    }
    for name, content in modules.items():
        module = types.ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    return Writer.made


def test_tensorboard_by_epochs(writers, tmp_path):
    model = compiled()
    board = TensorBoard(tmp_path, histogram_freq=2, write_images=True, write_steps_per_second=True)
    history = model.fit(X, Y, 8, epochs=3, validation_data=(X, Y), verbose=0, callbacks=[board]).history
    train, validation = writers["train"], writers["validation"]
    losses = [(step, value) for tag, step, value in train.scalars if tag == "epoch_loss"]
    assert losses == list(enumerate(history["loss"]))
    assert [v for tag, _, v in validation.scalars if tag == "epoch_loss"] == history["val_loss"]
    assert validation.steps("evaluation_loss_vs_iterations") == [3, 6, 9]
    assert train.steps("epoch_learning_rate") == train.steps("epoch_steps_per_second") == [0, 1, 2]
    assert not train.steps("batch_loss")
    assert sorted(train.histograms) == [
        (f"m/d/{name}/{kind}", epoch)
        for name in ("bias", "kernel")
        for kind in ("gradient", "histogram")
        for epoch in (0, 2)
    ]
    kernel, gradient = (train.histograms[f"m/d/kernel/{k}", 2] for k in ("histogram", "gradient"))
    np.testing.assert_array_equal(kernel, model.get_weights()[0])
    before = kernel + 0.1 * gradient  # SGD: the gradient is that of the step that led here
    assert np.abs(before - kernel).max() > 0 and gradient.shape == kernel.shape
    np.testing.assert_array_equal(gradient, model.gradients[model.layers[0].kernel])
    assert train.images["m/d/kernel/image", 0].shape == (1, 3)
    assert train.events == [[("d", "Dense", [])]]
    assert train.closed and validation.closed


def test_tensorboard_by_batches(writers, tmp_path):
    model = mk.Sequential([mk.Input((3,)), mk.layers.Dense(2, name="a"), mk.layers.Dense(1, name="b")])
    model.compile("sgd", "mse")
    assert model.gradients == {}
    board = TensorBoard(tmp_path, update_freq=2, write_steps_per_second=True)
    model.fit(X, Y, 8, epochs=2, verbose=0, callbacks=[board])
    assert (
        writers["train"].steps("batch_loss") == writers["train"].steps("batch_steps_per_second") == [2, 4, 6]
    )
    assert writers["train"].events == [[("a", "Dense", []), ("b", "Dense", ["a"])]]
    assert "validation" not in writers and not writers["train"].histograms
    model.fit(X, Y, 8, verbose=0, callbacks=[TensorBoard(tmp_path, update_freq="batch", write_graph=False)])
    assert writers["train"].steps("batch_loss") == [1, 2, 3] and not writers["train"].events
    model.evaluate(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path)])
    assert writers["validation"].closed


def test_tensorboard_needs_its_library(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"minikeras\[tensorboard\]"):
        compiled().fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path)])


@pytest.mark.parametrize(
    "bad",
    [{"histogram_freq": -1}, {"update_freq": "step"}, {"update_freq": 0}, {"profile_batch": 2},
     {"embeddings_freq": 1}, {"embeddings_metadata": "x"}],
)  # fmt: skip
def test_what_tensorboard_does_not_take_is_named(bad):
    with pytest.raises(ValueError, match=f"`{next(iter(bad))}`"):
        TensorBoard(**bad)


def test_weights_as_images():
    assert as_image(np.array([1.0, 3.0, 2.0])).tolist() == [[0, 1, 0.5]]
    assert as_image(np.arange(6.0).reshape(3, 2)).shape == (2, 3)
    assert as_image(np.ones((2, 2))).tolist() == [[0, 0], [0, 0]]
    assert as_image(np.ones((2, 3, 4))) is None and as_image(np.ones((0, 3))) is None
