"""The benchmarks run, and what they print is what they mean; how fast anything is, no test asks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

FOLDER = Path(__file__).parent / "benchmarks"
sys.path.append(str(FOLDER))

import allocations  # noqa: E402
import chart  # noqa: E402
import scale  # noqa: E402
import where_time_goes  # noqa: E402
from case import case  # noqa: E402
from realistic import passes  # noqa: E402
from suite import benchmarks, chosen, time_of_runs  # noqa: E402

import minikeras as mk  # noqa: E402


@pytest.mark.parametrize(
    "name",
    [
        "workload/tiny MLP",
        "evaluate/tiny MLP",
        "predict/tiny MLP, one row by call",
        "predict/tiny MLP, 1024 rows",
        "process/import numpy",
        "optimizer/Adam",
        *(chosen([f"{group}/"])[0] for group in ("fit", "loss", "metric", "forward", "backward")),
        chosen(["forward/"])[-1],  # of strings
    ],
)
def test_a_benchmark_of_each_kind_can_be_timed(name):
    times = time_of_runs(benchmarks()[name](), 0.0)
    assert len(times) == 3 and min(times) > 0


def test_rows_of_the_table_grow_to_the_size_of_real_work():
    wide = passes(case("Dense", (3, 5), units=4))
    assert wide.x.shape == (128, 512) and wide.layer.units == 128
    tokens = passes(case("Embedding", (3, 5), integers=7, input_dim=7, output_dim=4))
    assert tokens.x.max() > 9000 and tokens.forward().shape == (128, 512, 64)
    tied = passes(case("Reshape", (3, 4, 6), target_shape=(8, 3)))
    assert tied.x.shape == (2730, 4, 6)


def test_two_trees_are_compared():
    command = [sys.executable, "-W", "error", str(FOLDER / "compare.py"), ".", "."]
    what = ["--only", "one row by call", "--rounds", "2", "--seconds", "0.01"]
    out = subprocess.run([*command, *what], check=True, capture_output=True, text=True).stdout.splitlines()
    assert [line.split("   ")[-1] for line in out[2:]] == chosen(["one row by call"])
    a, b, *_, ratio = out[2].split()[:5]
    assert float(ratio) == pytest.approx(float(b) / float(a), rel=0.05)


def test_what_a_part_allocates_is_counted():
    size, lines = allocations.measure(chosen(["loss/MeanSquaredError("])[0], True, 4096)
    assert size > 1024 * 64 * 4  # at least the gradient that it returns
    assert next(iter(lines)).startswith("minikeras/losses/")  # the line that allocates most
    size, _ = allocations.measure("workload/tiny MLP", False, 4096)
    assert 0 < size < 12 * 1024


def test_work_is_counted_and_drawn():
    L = mk.layers
    assert scale.multiply_adds(mk.Sequential([mk.Input((3,)), L.Dense(4), L.Dense(5)]), 2) == 2 * (12 + 20)
    recurrent = mk.Sequential([mk.Input((7, 3)), L.SimpleRNN(4), L.Dense(5)])
    assert scale.multiply_adds(recurrent, 2) == 2 * (7 * (12 + 16) + 20)
    image = mk.Sequential([mk.Input((6, 5, 2)), L.Conv2D(3, 2), L.GlobalMaxPooling2D()])
    assert scale.multiply_adds(image, 2) == 2 * (5 * 4) * (2 * 2 * 2 * 3)
    points = [[n, *scale.step_time([scale.dense(n)], (3,), 4, 0.0)] for n in (4, 8)]
    assert all(seconds > 0 for _, seconds, _ in points)
    svg = ElementTree.fromstring(chart.draw_chart({"width": {"n-10": points}}))
    assert sum(element.tag.endswith("circle") for element in svg.iter()) == 4


def test_the_time_of_a_step_is_split_into_parts():
    parts = where_time_goes.by_part("tiny MLP", 5)
    assert {"Dense forward", "Dense backward", "update of the weights", "the rest of fit"} < parts.keys()
    assert min(parts.values()) > 0
