"""How the time of a training step grows with the batch, the width, the depth, the steps and the image.

    OPENBLAS_NUM_THREADS=1 taskset -c 1 python tests/benchmarks/scale.py

writes docs/performance-scale.json and docs/performance-scale.svg, in about three minutes. The work of a step is the
number of multiplications and additions in its matrix products: forward, and twice as many backward.
Time over work must not rise as the size does; where it does by a quarter, a line says so.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from chart import draw_chart
from suite import TESTS, set_threads

import minikeras as mk
from minikeras import layers as L  # noqa: N812

DOCS = TESTS.parent / "docs"
SPARSE = "sparse_categorical_crossentropy"
MOST = 2**27  # bytes of data for one point
RISE = 1.25  # of time over work, that is worth a line
Make = Callable[[int], tuple[list[Any], tuple[int, ...], int]]  # size -> layers, shape of a sample, batch


class Clock(mk.callbacks.Callback):
    """The time of each step of `fit` but the first three."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.ends.append(time.perf_counter())

    def times(self) -> list[float]:
        return [b - a for a, b in zip(self.ends[2:], self.ends[3:], strict=False)]


def multiply_adds(model: Any, batch: int) -> int:
    """In the products of a forward pass: each kernel once for each place where it is used."""
    total = 0
    shape = model.input_shape
    for layer in model.layers:
        kernels = [v.size for v in layer.trainable_weights if v.ndim > 1]
        after = layer.compute_output_shape(shape)
        places = math.prod(shape[1:-1]) if isinstance(layer, L.RNN) else math.prod(after[1:-1])
        total += sum(kernels) * places * batch
        shape = after
    return total


def step_time(layers: list[Any], shape: tuple[int, ...], batch: int, seconds: float) -> tuple[float, int]:
    """The shortest step, and its work."""
    model = mk.Sequential([mk.Input(shape), *layers, L.Dense(10, activation="softmax")])
    model.compile("adam", SPARSE, metrics=["accuracy"])
    most = max(8, MOST // (4 * batch * math.prod(shape)))
    steps, times = 8, [math.inf]
    rng = np.random.default_rng(0)
    for _ in range(2):  # the first run tells how many steps take so long
        x = rng.random((steps * batch, *shape), "float32")
        clock = Clock()
        model.fit(x, rng.integers(0, 10, len(x)), batch_size=batch, verbose=0, callbacks=[clock])
        times += clock.times()
        steps = int(min(most, 1000, max(8, seconds / min(times))))
    return min(times), 6 * multiply_adds(model, batch)


def powers(low: int, high: int) -> list[int]:
    return [2**i for i in range(int(math.log2(low)), int(math.log2(high)) + 1)]


def dense(units: int) -> Any:
    return L.Dense(units, activation="relu")


def convolutions() -> list[Any]:
    return [
        L.Conv2D(16, 3, activation="relu"),
        L.MaxPooling2D(2),
        L.Conv2D(32, 3, activation="relu"),
        L.GlobalMaxPooling2D(),
    ]


def of_steps(cell: Any) -> Make:
    return lambda n: ([cell(64)], (n, 32), 32)


# panel -> (sizes, {series: how to make it})
PANELS: dict[str, tuple[list[int], dict[str, Make]]] = {
    "batch size": (powers(1, 8192), {"256-256-256-10": lambda n: ([dense(256), dense(256)], (256,), n)}),
    "width": (powers(16, 4096), {"n-n-10, batch 128": lambda n: ([dense(n)], (n,), 128)}),
    "depth": (
        powers(1, 64),
        {"n layers of 128, batch 128": lambda n: ([dense(128) for _ in range(n)], (128,), 128)},
    ),
    "sequence length": (
        powers(8, 1024),
        {f"{cell.__name__}(64), batch 32": of_steps(cell) for cell in (L.SimpleRNN, L.LSTM, L.GRU)},
    ),
    "image size": (
        powers(8, 128),
        {"Conv 16, pool, Conv 32, batch 16": lambda n: (convolutions(), (n, n, 3), 16)},
    ),
}


def measure(seconds: float, passes: int) -> dict[str, Any]:
    """{panel: {series: [[size, seconds, work], ...]}}, the shortest of several passes over all sizes."""
    best: dict[tuple[str, str, int], tuple[float, int]] = {}
    for _ in range(passes):  # so that a noisy minute does not spoil a size
        for panel, (sizes, series) in PANELS.items():
            for name, make in series.items():
                for size in sizes:
                    key, found = (panel, name, size), step_time(*make(size), seconds / passes)
                    best[key] = min(found, best.get(key, found))
    panels: dict[str, Any] = {}
    for (panel, name, size), (shortest, work) in best.items():
        panels.setdefault(panel, {}).setdefault(name, []).append([size, shortest, work])
    for panel, series in panels.items():
        for name, points in series.items():
            report(panel, name, points)
    return panels


def report(panel: str, name: str, points: list[list[float]]) -> None:
    print(f"{panel}, {name}")
    best = math.inf
    for size, seconds, work in points:
        ratio = seconds / work
        rises = f"   rises {ratio / best:.2f} times" if ratio > RISE * best else ""
        print(f"{size:8d} {1e3 * seconds:10.3f} ms {1e12 * ratio:10.2f} ps per operation{rises}", flush=True)
        best = min(best, ratio)


PREDICT = """
import json, resource, time, numpy as np, minikeras as mk
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
layers = [mk.layers.Dense(64, "relu"), mk.layers.Dense(10, "softmax")]
model = mk.Sequential([mk.Input((32,)), *layers])
x = np.ones((1_000_000, 32), "float32")
model.predict(x[:1000], verbose=0)
before, start = peak(), time.perf_counter()
y = model.predict(x, verbose=0)
seconds = time.perf_counter() - start
print(json.dumps({"output_mb": y.nbytes / 2**20, "growth_mb": peak() - before, "seconds": seconds}))
"""


def predict_a_million() -> dict[str, float]:
    """What a prediction for a million rows adds to the memory of its process, its output included."""
    done = subprocess.run([sys.executable, "-c", PREDICT], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each size, in all passes")
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=DOCS, help="the folder for both files")
    parser.add_argument(
        "--redraw", action="store_true", help="only the figure, from the numbers that are there"
    )
    options = parser.parse_args()
    set_threads(options.threads)
    numbers = options.out / "performance-scale.json"
    if not options.redraw:
        predicted = predict_a_million()  # first: a process begins with the peak of the one that started it
        measured = {
            "threads": options.threads,
            "machine": f"{platform.machine()}, {mk.config.available_cores()} processor(s) used",
            "numpy": np.__version__,
            "python": platform.python_version(),
            "panels": measure(options.seconds, options.passes),
            "predict_a_million_rows": predicted,
        }
        numbers.write_text(json.dumps(measured, indent=1) + "\n")
        print(predicted)
    found = json.loads(numbers.read_text())
    (options.out / "performance-scale.svg").write_text(draw_chart(found["panels"]))
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
