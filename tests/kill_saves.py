"""Kills programs that are saving, at random moments: each file must be the old one or the new one, whole.

Run as `python kill_saves.py KILLS SEED`; the last line says what was found, in JSON. A forked child saves two
models in turn to the same file, until it is killed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import minikeras as keras

NAMES = ("m.keras", "m.h5", "m.weights.h5", "m.npz", "m.safetensors")


def make_model(value: float) -> keras.Sequential:
    """A model that is told from its twin by every one of its numbers; its file has 0.8 MB."""
    layers = keras.layers
    model = keras.Sequential([keras.Input((100,)), layers.Dense(600), layers.Dense(50), layers.Dense(1)])
    model.compile("sgd", "mse")
    for v in model.weights:
        v.assign(v.value * 0 + value)
    return model


def save(model: keras.Sequential, path: Path) -> None:
    whole = path.name in ("m.keras", "m.h5")
    (model.save if whole else model.save_weights)(path)


def value_in(path: Path, model: keras.Sequential) -> float:
    """The number that all weights in a file are."""
    if path.name in ("m.keras", "m.h5"):
        model = keras.models.load_model(path)
    else:
        model.load_weights(path)
    (value,) = {float(n) for v in model.weights for n in (v.value.min(), v.value.max())}
    return value


def save_forever(models: list[keras.Sequential], path: Path) -> None:
    while True:
        for model in models:
            save(model, path)


os.fsync = lambda number: None  # a kill, unlike a power cut, leaves what was written; so this is faster


def main(kills: int, seed: int) -> None:
    rng, counts, unfinished = random.Random(seed), {1.0: 0, 2.0: 0}, 0
    model, models = make_model(0.0), [make_model(1.0), make_model(2.0)]
    for i in range(kills):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / NAMES[i % len(NAMES)]
            save(models[0], path)
            pid = os.fork()
            if pid == 0:
                try:
                    save_forever(models, path)
                finally:
                    os._exit(1)
            time.sleep(rng.uniform(0.0, 0.04))
            os.kill(pid, signal.SIGKILL)
            assert os.waitpid(pid, 0)[1] == signal.SIGKILL
            counts[value_in(path, model)] += 1
            left = {p.name for p in Path(folder).iterdir()} - {path.name}
            assert all(name.endswith(".part") for name in left) and len(left) <= 1, left
            unfinished += len(left)
    old, new = counts.values()
    print(json.dumps({"kills": kills, "first": old, "second": new, "in the middle of a file": unfinished}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
