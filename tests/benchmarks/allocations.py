"""What the parts of a step allocate after their first run: a count, steadier than any time.

    python tests/benchmarks/allocations.py                      # layers, optimizers, losses, metrics
    python tests/benchmarks/allocations.py Conv2D --lines       # and which lines allocate
    python tests/benchmarks/allocations.py workload/ --lines    # steps of whole models

prints the greatest number of bytes that one run (of a model: one step) had allocated at one time.
"""

from __future__ import annotations

import argparse
import sys

from suite import WORKLOADS, Work, benchmarks, chosen

# the import above makes the folder of the next one known
# isort: split
from step_memory import LineTracer, lines_that_allocate, peak_of, peaks_of_steps, traced

PARTS = ["forward/", "backward/", "optimizer/", "loss/", "metric/"]


def run(work: Work) -> None:
    if work.prepare is not None:
        work.prepare()
    work.run()


def peak_of_run(work: Work) -> int:
    """Of the run alone, without what is prepared for it."""
    with traced():
        run(work)
        run(work)
        if work.prepare is not None:
            work.prepare()
        return peak_of(work.run)


def lines_of_run(work: Work, at_least: int) -> dict[str, int]:
    tracer, before = LineTracer(at_least), sys.gettrace()
    run(work)
    if work.prepare is not None:
        work.prepare()
    with traced():
        sys.settrace(tracer)
        tracer.counting = True
        try:
            work.run()
        finally:
            sys.settrace(before)
    return dict(sorted(tracer.found.items(), key=lambda item: -item[1]))


def measure(name: str, lines: bool, at_least: int) -> tuple[int, dict[str, int]]:
    """Bytes, and bytes by line if asked for."""
    group, _, what = name.partition("/")
    if group != "workload":
        work = benchmarks()[name]()
        return peak_of_run(work), lines_of_run(work, at_least) if lines else {}
    w = WORKLOADS[what]
    x, y = w.data(3 * w.batch)
    found = lines_that_allocate(w.model(), x, y, w.batch, at_least) if lines else {}
    return max(peaks_of_steps(w.model(), x, y, w.batch)), found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("only", nargs="*", default=PARTS, help="parts of the names of benchmarks")
    parser.add_argument("--lines", action="store_true", help="name the lines; slow")
    parser.add_argument("--at-least", type=int, default=4096, help="bytes of what is shown")
    options = parser.parse_args()
    found = [(*measure(name, options.lines, options.at_least), name) for name in chosen(options.only)]
    shown = sorted((row for row in found if row[0] >= options.at_least), key=lambda row: (-row[0], row[2]))
    for size, lines, name in shown:
        print(f"{size:12,d}  {name}")
        for line, bytes_ in lines.items():
            print(f"{'':14}{bytes_:12,d}  {line}")
    print(f"{len(shown)} of {len(found)} allocate {options.at_least:,} bytes or more")


if __name__ == "__main__":
    main()
