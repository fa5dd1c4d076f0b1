"""`ModelCheckpoint` as Keras does it; `BackupAndRestore` with the same bits after any kill."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minikeras as keras
from minikeras import callbacks, layers
from minikeras.callbacks import BackupAndRestore, CSVLogger, EarlyStopping, ModelCheckpoint
from minikeras.saving import LoadError
from minikeras.utils import PyDataset

KILLS = {"nightly": 200}.get(os.environ.get("HYPOTHESIS_PROFILE", "dev"), 10)


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda number: None)


def make_model(units: int = 4) -> keras.Sequential:
    model = keras.Sequential([layers.Dense(units, "relu"), layers.Dropout(0.5), layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae", "r2_score"])
    return model


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(24, 3)).astype("float32"), rng.normal(size=(24, 1)).astype("float32")


class Number(callbacks.Callback):
    """Adds a number of each epoch to the logs."""

    def __init__(self, *values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        logs["number"] = self.values[epoch]


class Stop(callbacks.Callback):
    """Interrupts the training at one batch of one epoch, or at the end of that epoch."""

    def __init__(self, epoch, batch=None):
        super().__init__()
        self.at, self.epoch = (epoch, batch), 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.at:
            raise KeyboardInterrupt


# ModelCheckpoint


@pytest.mark.parametrize(
    ("path", "options", "expected"),
    [
        ("m.keras", {}, ["m.keras"]),
        ("m-{epoch:02d}.h5", {}, ["m-01.h5", "m-02.h5", "m-03.h5"]),
        ("deep/m-{epoch}.weights.h5", {"save_weights_only": True}, ["deep"]),
        ("m-{epoch}-{number:.1f}.keras", {"save_best_only": True}, ["m-1-0.5.keras", "m-3-0.4.keras"]),
        ("m-{epoch}.keras", {"save_best_only": True, "mode": "max"}, ["m-1.keras", "m-2.keras"]),
        ("m-{epoch}.keras", {"save_best_only": True, "initial_value_threshold": 0.45}, ["m-3.keras"]),
        ("m-{epoch}-{batch}.npz", {"save_freq": 4, "save_weights_only": True}, ["m-2-1.npz", "m-3-2.npz"]),
    ],
)
def test_which_files_are_written(path, options, expected, tmp_path):
    options = {"monitor": "number", "mode": "min", **options}
    keep = ModelCheckpoint(tmp_path / path, **options)
    make_model().fit(*data(), batch_size=8, epochs=3, verbose=0, callbacks=[Number(0.5, 0.6, 0.4), keep])
    assert sorted(os.listdir(tmp_path)) == expected


def test_it_says_what_it_does(tmp_path, capsys):
    keep = ModelCheckpoint(tmp_path / "m.keras", "number", verbose=1, save_best_only=True, mode="min")
    make_model().fit(*data(), epochs=3, verbose=0, callbacks=[Number(0.5, 0.6, 0.4), keep])
    path = tmp_path / "m.keras"
    assert capsys.readouterr().out == (
        f"\nEpoch 1: number improved from None to 0.50000, saving model to {path}\n"
        f"\nEpoch 1: finished saving model to {path}\n"
        "\nEpoch 2: number did not improve from 0.50000\n"
        f"\nEpoch 3: number improved from 0.50000 to 0.40000, saving model to {path}\n"
        f"\nEpoch 3: finished saving model to {path}\n"
    )
    make_model().fit(*data(), verbose=0, callbacks=[ModelCheckpoint(path, verbose=1)])
    said = f"\nEpoch 1: saving model to {path}\n\nEpoch 1: finished saving model to {path}\n"
    assert capsys.readouterr().out == said


def test_what_cannot_be_kept(tmp_path):
    for path, options in [("m.txt", {}), ("m.h5", {"save_weights_only": True}), ("m.weights.h5", {})]:
        with pytest.raises(ValueError, match="must end in one of"):
            ModelCheckpoint(path, **options)
    for save_freq in (0, "batch", 1.5, None):
        with pytest.raises(ValueError, match="save_freq"):
            ModelCheckpoint("m.keras", save_freq=save_freq)
    keep = ModelCheckpoint(tmp_path / "m.keras", save_best_only=True)
    with pytest.warns(UserWarning, match="only with val_loss available"):
        make_model().fit(*data(), verbose=0, callbacks=[keep])
    with pytest.raises(KeyError, match="Failed to format"):
        make_model().fit(*data(), verbose=0, callbacks=[ModelCheckpoint(tmp_path / "{nope}.keras")])
    assert os.listdir(tmp_path) == []


def test_batches_are_only_watched_when_asked_for(tmp_path):
    for save_freq, watched in (("epoch", False), (3, True)):
        keep = ModelCheckpoint(tmp_path / "m.keras", save_freq=save_freq)
        backup = BackupAndRestore(tmp_path / "b", save_freq)
        for callback in (keep, backup):
            assert callbacks.CallbackList([callback], verbose=0).wants_train_batches is watched


# BackupAndRestore


class Shuffled(PyDataset):
    """Batches of the data."""

    def __len__(self):
        return 6

    def __getitem__(self, i):
        x, y = data()
        return x[4 * i : 4 * i + 4], y[4 * i : 4 * i + 4]


def generator():
    x, y = data()
    for i in range(200):
        j = i % 6
        yield x[4 * j : 4 * j + 4] + i, y[4 * j : 4 * j + 4]


SOURCES = {
    "arrays": lambda: ((*data(),), {"batch_size": 4}),
    "in order": lambda: ((*data(),), {"batch_size": 4, "shuffle": False}),
    "within batches": lambda: ((*data(),), {"batch_size": 4, "shuffle": "batch"}),
    "over epochs": lambda: ((*data(),), {"batch_size": 4, "steps_per_epoch": 2}),
    "dataset": lambda: ((Shuffled(),), {}),
    "generator": lambda: ((generator(),), {"steps_per_epoch": 5}),
}


def run(folder, source, save_freq, stop=None, seed=3, extra=()):
    keras.utils.set_random_seed(seed)
    model = make_model()
    arguments, options = SOURCES[source]()
    listed = [BackupAndRestore(folder / "backup", save_freq), CSVLogger(folder / "log.csv"), *extra]
    listed += [Stop(*stop)] if stop else []
    history = model.fit(*arguments, epochs=4, verbose=0, callbacks=listed, **options)
    state = [v.numpy() for v in [*model.weights, *model.optimizer.variables]]
    return state, history.history, history.epoch, (folder / "log.csv").read_text()


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("save_freq", "stop"),
    [("epoch", (2, 1)), (1, (1, 0)), (1, (1, 2)), (2, (2, 3)), (1, (0, 3)), (1, (3, 5))],
)
def test_the_same_bits(source, save_freq, stop, tmp_path):
    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole = run(tmp_path / "whole", source, save_freq)
    steps = {"over epochs": 2, "generator": 5}.get(source, 6)
    stop = (stop[0], min(stop[1], steps - 1))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "parts", source, save_freq, stop)
    assert os.listdir(tmp_path / "parts" / "backup") == ["latest.weights.h5"]
    again = run(tmp_path / "parts", source, save_freq, seed=99)  # the backup knows the seeds
    for a, b in zip(whole[0], again[0], strict=True):
        assert a.dtype == b.dtype and a.tobytes() == b.tobytes()
    assert whole[1:] == again[1:]
    assert sorted(os.listdir(tmp_path / "parts")) == ["log.csv"]


@pytest.mark.parametrize("kept", [True, False])
def test_the_end_of_a_run(kept, tmp_path):
    model, folder = make_model(), tmp_path / "backup"
    options = {"epochs": 3, "verbose": 0, "batch_size": 8}
    model.fit(*data(), **options, callbacks=[BackupAndRestore(folder, delete_checkpoint=not kept)])
    assert folder.exists() is kept
    weights = model.get_weights()
    other = make_model()
    other.fit(*data(), **options, callbacks=[BackupAndRestore(folder)])
    if kept:  # nothing was left to do
        for a, b in zip(weights, other.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
        assert len(other.history.epoch) == 3


def test_a_decision_to_stop_is_kept(tmp_path):
    model = make_model()
    stops = EarlyStopping("number", patience=1, mode="min", restore_best_weights=True)

    class AtTheEnd(Stop):
        def on_train_end(self, logs=None):
            raise KeyboardInterrupt

    listed = [Number(1, 2, 3, 0, 0), stops, BackupAndRestore(tmp_path / "b")]
    with pytest.raises(KeyboardInterrupt):
        model.fit(*data(), epochs=5, verbose=0, callbacks=[AtTheEnd(9), *listed])
    again = make_model()
    again.fit(*data(), epochs=5, verbose=0, callbacks=listed)
    assert again.history.epoch == [0, 1] and stops.stopped_epoch == 1
    for a, b in zip(stops.best_weights, again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_stateful_layer_goes_on(tmp_path):
    x = np.random.default_rng(0).normal(size=(8, 3, 2)).astype("float32")
    results = []
    for stop in ([], [Stop(1, 1)], []):
        keras.utils.set_random_seed(2)
        model = keras.Sequential(
            [keras.Input(batch_shape=(2, 3, 2)), layers.GRU(3, stateful=True), layers.Dense(1)]
        )
        model.compile("sgd", "mse")
        backup = BackupAndRestore(tmp_path / f"b{bool(results)}", 1)
        try:
            model.fit(x, x[:, 0, :1], batch_size=2, epochs=3, verbose=0, callbacks=[backup, *stop])
        except KeyboardInterrupt:
            continue
        results.append([*model.get_weights(), *model.layers[0].states])
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_backup_of_another_model(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        make_model().fit(
            *data(), epochs=3, verbose=0, callbacks=[BackupAndRestore(tmp_path / "b"), Stop(1, 0)]
        )
    with pytest.raises(LoadError, match=r"delete it to train anew.*\n.*kernel has the shape"):
        other = make_model(7)
        other.build((None, 3))
        other.fit(*data(), verbose=0, callbacks=[BackupAndRestore(tmp_path / "b")])
    (tmp_path / "b" / "latest.weights.h5").write_bytes(b"abc")
    with pytest.raises(LoadError, match="no HDF5 file"):
        make_model().fit(*data(), verbose=0, callbacks=[BackupAndRestore(tmp_path / "b")])
    for bad in ({"backup_dir": ""}, {"backup_dir": "b", "save_freq": 0}):
        with pytest.raises(ValueError, match="BackupAndRestore"):
            BackupAndRestore(**bad)


def test_two_backups(tmp_path):
    backup = BackupAndRestore(tmp_path / "b", double_checkpoint=True)
    with pytest.raises(KeyboardInterrupt):
        make_model().fit(*data(), epochs=4, verbose=0, callbacks=[backup, Stop(3, 0)])
    assert sorted(os.listdir(tmp_path / "b")) == ["latest.weights.h5", "previous.weights.h5"]
    os.remove(tmp_path / "b" / "latest.weights.h5")
    model = make_model()
    model.fit(*data(), epochs=4, verbose=0, callbacks=[BackupAndRestore(tmp_path / "b")])
    assert model.history.epoch == [0, 1, 2, 3]


def test_a_backup_holds_the_weights_in_keras_layout(tmp_path):
    model = make_model()
    with pytest.raises(KeyboardInterrupt):
        model.fit(*data(), epochs=3, verbose=0, callbacks=[BackupAndRestore(tmp_path / "b"), Stop(1, 0)])
    other = make_model()
    other.build((None, 3))
    other.load_weights(tmp_path / "b" / "latest.weights.h5")
    assert int(other.optimizer.iterations) == 1


def test_killed_at_any_moment():
    script = Path(__file__).parent / "kill_runs.py"
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, script, str(KILLS), "0"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["kills"] >= KILLS
