"""Where the time of a training step goes: by part of the step, and by kind of work.

    OPENBLAS_NUM_THREADS=1 taskset -c 1 python tests/benchmarks/where_time_goes.py MLP CNN LSTM

prints tables in Markdown. By part, each where it was shortest: layers forward and backward, loss, metric, update,
and the rest of `fit` (the batch is gathered, the calls are made). By kind, where the system has `perf`: the
library that was running when a clock looked.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from scale import Clock
from suite import WORKLOADS, set_threads

import minikeras as mk

KINDS = {  # a part of the library's name -> the kind of work
    "openblas": "matrix products (OpenBLAS)",
    "multiarray_umath": "loops over arrays (NumPy)",
    "random": "random numbers (NumPy)",
    "_generator": "random numbers (NumPy)",
    "sfc64": "random numbers (NumPy)",
    "libc": "copying and allocating (C library)",
    "kernel": "the operating system",
    "python": "the interpreter",
}


class Parts(mk.callbacks.Callback):
    """Times of the parts of each step, from methods that are wrapped for the while."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[dict[str, float]] = []
        self._now: dict[str, float] = defaultdict(float)
        self._start = 0.0

    def wrap(self, owner: Any, method: str, part: str) -> None:
        original = getattr(owner, method)

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            result = original(*args, **kwargs)
            self._now[part] += time.perf_counter() - start
            return result

        setattr(owner, method, timed)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        end = time.perf_counter()
        if batch > 1:
            self._now["the rest of fit"] = end - self._start - sum(self._now.values())
            self.steps.append(dict(self._now))
        self._now.clear()
        self._start = time.perf_counter()


def by_part(name: str, steps: int) -> dict[str, float]:
    """Seconds of each part, where it was shortest."""
    w = WORKLOADS[name]
    model, parts = w.model(), Parts()
    loss, metric = mk.losses.get(w.loss), mk.metrics.SparseCategoricalAccuracy()
    model.compile(w.optimizer, loss, metrics=[metric])
    for layer in model.layers:
        parts.wrap(layer, "run_forward", f"{type(layer).__name__} forward")
        parts.wrap(layer, "run_backward", f"{type(layer).__name__} backward")
    parts.wrap(loss, "value_and_gradient", "loss and its gradient")
    parts.wrap(metric, "update_state", "accuracy")
    parts.wrap(model.optimizer, "apply_flat", "update of the weights")
    x, y = w.data(steps * w.batch)
    model.fit(x, y, batch_size=w.batch, verbose=0, callbacks=[parts])
    return {part: min(step[part] for step in parts.steps) for part in parts.steps[0]}


def by_kind(name: str, seconds: float) -> dict[str, float]:
    """The share of each kind of work, from samples that perf takes of this process."""
    w = WORKLOADS[name]
    model, (x, y), clock = w.model(), w.data(20 * w.batch), Clock()
    model.fit(x, y, batch_size=w.batch, verbose=0, callbacks=[clock])
    epochs = max(1, round(seconds / 20 / min(clock.times())))
    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "samples")
        command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", "2000", "-o", file, "-p"]
        recorder = subprocess.Popen([*command, str(Path("/proc/self").resolve().name)])
        time.sleep(0.5)
        model.fit(x, y, batch_size=w.batch, epochs=epochs, verbose=0)
        recorder.send_signal(signal.SIGINT)
        recorder.wait()
        report = ["perf", "report", "-i", file, "--sort", "dso", "--stdio", "-q"]
        text = subprocess.run(report, check=True, capture_output=True, text=True).stdout
    shares: dict[str, float] = defaultdict(float)
    for share, library in re.findall(r"^\s*([\d.]+)%\s+(.+?)\s*$", text, re.MULTILINE):
        shares[next((kind for part, kind in KINDS.items() if part in library), "other")] += float(share)
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", default=["MLP", "CNN", "LSTM"], help=", ".join(WORKLOADS))
    parser.add_argument("--steps", type=int, default=40)
    options = parser.parse_args()
    set_threads(1)  # the parts of a step are timed one after the other
    for name in options.names:
        parts = by_part(name, options.steps)
        whole = sum(parts.values())
        print(f"| {name} | {1e3 * whole:.2f} ms | 100 % |\n|---|---:|---:|")
        for part, seconds in sorted(parts.items(), key=lambda item: -item[1]):
            if seconds > whole / 1000:
                print(f"| {part} | {1e3 * seconds:.3f} ms | {100 * seconds / whole:.1f} % |")
        print()
    if shutil.which("perf"):
        shares = {name: by_kind(name, 2.0) for name in options.names}
        print(f"| | {' | '.join(options.names)} |\n|---|{'---:|' * len(shares)}")
        for kind in dict.fromkeys(KINDS.values()):
            print(
                f"| {kind} | " + " | ".join(f"{found.get(kind, 0):.1f} %" for found in shares.values()) + " |"
            )


if __name__ == "__main__":
    main()
