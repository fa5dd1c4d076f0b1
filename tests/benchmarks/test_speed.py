"""Every benchmark of the suite, timed by pytest-benchmark: see docs/performance.md.

taskset -c 1 python -m pytest tests/benchmarks --benchmark-max-time=0.1
"""

from __future__ import annotations

import pytest
from suite import benchmarks

BENCHMARKS = benchmarks()


@pytest.mark.parametrize("name", BENCHMARKS)
def test_speed(name, benchmark):
    work = BENCHMARKS[name]()
    benchmark.group = name.partition("/")[0]
    benchmark.extra_info["steps"] = work.steps
    if work.prepare is None:
        benchmark(work.run)
    else:
        benchmark.pedantic(work.run, setup=lambda: discard(work.prepare()), rounds=20, warmup_rounds=2)


def discard(_):
    """A setup must return None."""
