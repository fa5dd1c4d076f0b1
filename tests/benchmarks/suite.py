"""What is measured: a name for each benchmark, and what it runs.

The names are "group/what". Layers, optimizers, losses and metrics come from their tables, so a new one
is measured without a word here. Nothing but NumPy and the package is needed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [p for p in (str(TESTS), str(TESTS / "benchmarks")) if p not in sys.path]

from cases import ENCODERS, LAYERS, LOSSES, TEXT, draw  # noqa: E402
from realistic import passes  # noqa: E402
from step_memory import set_threads as set_threads  # noqa: E402  (for the tools)
from workloads import WORKLOADS  # noqa: E402

import minikeras as mk  # noqa: E402
from minikeras import layers, losses, metrics, optimizers, registry  # noqa: E402
from minikeras.variable import Arena, Variable  # noqa: E402

PACKAGE = Path(mk.__file__).parent  # the copy that is measured
ROWS, CLASSES = 1024, 64  # of what losses and metrics are given


@dataclass(frozen=True)
class Work:
    """Something to be timed."""

    run: Callable[[], Any]
    prepare: Callable[[], Any] | None = None  # before each run, and not timed
    steps: int = 1  # in one run


def forward(case: Any) -> Work:
    return Work(passes(case).forward)


def backward(case: Any) -> Work:
    both = passes(case)
    return Work(both.backward, prepare=both.forward)


def encode(name: str, arguments: dict[str, Any], x: Any) -> Work:
    array = np.array(x)
    layer, many = getattr(layers, name)(**arguments), np.resize(array, (ROWS, *array.shape[1:]))
    return Work(lambda: layer(many))


def update(name: str) -> Work:
    """One step over the weights of the MLP 784-512-512-10."""
    shapes = [(784, 512), (512,), (512, 512), (512,), (512, 10), (10,)]
    rng = np.random.default_rng(0)
    arena = Arena([Variable(rng.normal(0, 0.05, shape).astype("float32")) for shape in shapes])
    gradients = rng.normal(0, 0.01, arena.values.size).astype("float32")
    optimizer = optimizers.get(name)
    return Work(lambda: optimizer.apply_flat(arena, gradients))


def loss(name: str, arguments: dict[str, Any], y_kind: str, p_kind: str) -> Work:
    made, y = getattr(losses, name)(**arguments), draw(y_kind, (ROWS, CLASSES), 1)
    p = draw(p_kind, (ROWS, CLASSES), 2).astype("float32")
    return Work(lambda: made.value_and_gradient(y, p))


def metric(case: dict[str, Any]) -> Work:
    made = getattr(metrics, case["metric"])(**case["kwargs"])
    batch = {k: np.array(values, dtype) for k, (dtype, values) in case["batches"][0].items()}
    given = [np.resize(batch[k], (ROWS, *batch[k].shape[1:])) for k in ("y", "p") if k in batch]
    return Work(lambda: made.update_state(*given))


def fit(name: str, steps: int) -> Work:
    w = WORKLOADS[name]
    model, (x, y) = w.model(), w.data(steps * w.batch)
    return Work(lambda: model.fit(x, y, batch_size=w.batch, verbose=0), steps=steps)


def evaluate(name: str, steps: int) -> Work:
    w = WORKLOADS[name]
    model, (x, y) = w.model(), w.data(steps * w.batch)
    return Work(lambda: model.evaluate(x, y, batch_size=w.batch, verbose=0), steps=steps)


def predict(name: str, rows: int) -> Work:
    model, (x, _) = WORKLOADS[name].model(), WORKLOADS[name].data(rows)
    return Work(lambda: model.predict(x, verbose=0))


def call(name: str) -> Work:
    model, (x, _) = WORKLOADS[name].model(), WORKLOADS[name].data(1)
    return Work(lambda: model(x))


def process(code: str) -> Work:
    """A whole process, from the start of the interpreter to its end."""
    return Work(lambda: subprocess.run([sys.executable, "-c", code], check=True))


EPOCH = """
import numpy as np, minikeras as mk
x, y = np.random.default_rng(0).random((6000, 784), "float32"), np.arange(6000) % 10
model = mk.Sequential([mk.Input((784,)), mk.layers.Dense(512, "relu"), mk.layers.Dense(10, "softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, batch_size=128, verbose=0)
"""


def benchmarks() -> dict[str, Callable[[], Work]]:
    """All of them; nothing is built before it is asked for."""
    found: dict[str, Callable[[], Work]] = {}

    def add(name: str, make: Callable[..., Work], *args: Any) -> None:
        while name in found:  # rows that are told apart only by what their names leave out
            name += "'"
        found[name] = partial(make, *args)

    for name in WORKLOADS:
        add(f"workload/{name}", fit, name, 77 if name == "tiny MLP" else 4)
    add("fit/one epoch of one step", fit, "tiny MLP", 1)
    for name, steps in (("tiny MLP", 77), ("MLP", 20)):
        add(f"evaluate/{name}", evaluate, name, steps)
        add(f"predict/{name}, one row by predict", predict, name, 1)
        add(f"predict/{name}, one row by call", call, name)
        add(f"predict/{name}, 1024 rows", predict, name, 1024)
    for modules in ("numpy", "minikeras", "minikeras.models, minikeras.layers"):
        add(f"process/import {modules}", process, f"import {modules}")
    add("process/import, build, one epoch of 6000 rows", process, EPOCH)
    for name in sorted(registry.tables()["keras.optimizers"].classes):
        add(f"optimizer/{name}", update, name)
    for name, arguments, y_kind, p_kind in LOSSES:
        add(f"loss/{name}({arguments or ''})-{y_kind}", loss, name, arguments, y_kind, p_kind)
    for case in json.loads((TESTS / "golden" / "metrics.json").read_text()):
        add(f"metric/{case['metric']}({case['kwargs'] or ''})", metric, case)
    for case in LAYERS:
        add(f"forward/{case.id}", forward, case)
        add(f"backward/{case.id}", backward, case)
    for name, arguments, x in ENCODERS + TEXT:
        add(f"forward/{name}({arguments})", encode, name, arguments, x)
    return found


def chosen(parts: list[str]) -> list[str]:
    """The names that contain one of the parts, in order; all when there is none."""
    return [name for name in benchmarks() if not parts or any(part in name for part in parts)]


def time_of_runs(work: Work, seconds: float) -> list[float]:
    """Times of single steps, in seconds, from runs that take about so long in all, at least three.

    Short runs are timed many at a time, so that the clock's own time does not count.
    """
    clock, times = time.perf_counter, []
    run, prepare, many = work.run, work.prepare, 1
    while prepare is None and _time_of(run, many) < 1e-4:
        many *= 2
    end = clock() + seconds
    while len(times) < 3 or clock() < end:
        if prepare is not None:
            prepare()
        times.append(_time_of(run, many) / (many * work.steps))
    return times


def _time_of(run: Callable[[], Any], many: int) -> float:
    start = time.perf_counter()
    for _ in range(many):
        run()
    return time.perf_counter() - start
