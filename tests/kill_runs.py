"""Kills training runs at random moments, starts them again, and compares what comes out, bit by bit.

Run as `python kill_runs.py KILLS SEED`; the last line says how many kills there were, in JSON. Each
run is a forked child, so a kill costs no import.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import time

import numpy as np

import minikeras as keras

KINDS = ("epoch", 3)  # save_freq
EPOCHS = 5


def make_model() -> keras.Sequential:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((5, 4)),
            layers.LSTM(6, dropout=0.2, recurrent_dropout=0.2, return_sequences=True),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(),
            layers.GaussianNoise(0.1),
            layers.Dense(3, activation="softmax"),
        ]
    )
    optimizer = keras.optimizers.Adam(0.02, use_ema=True, ema_overwrite_frequency=5)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def train(folder: str, save_freq: object, backup: bool) -> None:
    """One whole training, or the rest of it; its results go to files in the folder."""
    keras.utils.set_random_seed(3)
    model = make_model()
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 5, 4)).astype("float32"), rng.integers(0, 3, 40)
    c = keras.callbacks
    callbacks = [
        c.EarlyStopping("val_loss", patience=5, restore_best_weights=True),
        c.ReduceLROnPlateau("val_loss", patience=1),
        c.CSVLogger(f"{folder}/log.csv"),
        c.ModelCheckpoint(f"{folder}/best.weights.h5", save_best_only=True, save_weights_only=True),
    ]
    if backup:
        callbacks.insert(0, c.BackupAndRestore(f"{folder}/backup", save_freq, double_checkpoint=True))
    fit = {"epochs": EPOCHS, "batch_size": 8, "validation_split": 0.2, "verbose": 0}
    history = model.fit(x, y, callbacks=callbacks, **fit)
    arrays = [*model.get_weights(), *(v.numpy() for v in model.optimizer.variables)]
    result = [a.tobytes().hex() for a in arrays] + [history.history, history.epoch]
    with open(f"{folder}/result.part", "w") as file:
        json.dump(result, file)
    os.replace(f"{folder}/result.part", f"{folder}/result.json")


def outcome(folder: str) -> list[str]:
    found = []
    for name in ("result.json", "log.csv", "best.weights.h5"):
        with open(f"{folder}/{name}", "rb") as file:
            found.append(file.read().hex())
    return found


os.fsync = lambda number: None  # a kill, unlike a power cut, leaves what was written; so this is faster


def fork(*arguments: object) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            train(*arguments)
            os._exit(0)
        finally:
            os._exit(1)
    return pid


def main(kills: int, seed: int) -> None:
    rng, done, runs = random.Random(seed), 0, 0
    with tempfile.TemporaryDirectory() as whole:
        for _ in range(2):  # the second time all is warm
            start = time.monotonic()
            assert os.waitpid(fork(whole, None, False), 0)[1] == 0
            duration = time.monotonic() - start
        expected = outcome(whole)
    while done < kills:
        with tempfile.TemporaryDirectory() as folder:
            save_freq, runs = KINDS[runs % len(KINDS)], runs + 1
            while not os.path.exists(f"{folder}/result.json"):
                pid = fork(folder, save_freq, True)
                if done < kills:
                    time.sleep(rng.uniform(0, 1.2 * duration))
                    os.kill(pid, signal.SIGKILL)
                status = os.waitpid(pid, 0)[1]
                assert status in (0, signal.SIGKILL), status
                done += status == signal.SIGKILL
            assert outcome(folder) == expected, f"run {runs} of save_freq={save_freq} ended differently"
            assert not os.path.exists(f"{folder}/backup")
    print(json.dumps({"kills": done, "runs": runs, "seconds of a run": round(duration, 2)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
