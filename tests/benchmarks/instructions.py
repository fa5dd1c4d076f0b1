"""Machine instructions of one step, counted by valgrind: the same to a few in a thousand on every run.

    python tests/benchmarks/instructions.py "workload/tiny MLP" "one row"

Two processes run a benchmark n and 3 n times; the difference is divided by 2 n, so that starting and
building cancel. Counting takes about fifty times as long as running, so choose few benchmarks.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys

from suite import benchmarks, chosen, set_threads

VALGRIND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
SAME = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}


def run(name: str, times: int) -> None:
    set_threads(1)
    work = benchmarks()[name]()
    for _ in range(times):
        if work.prepare is not None:
            work.prepare()
        work.run()


def count(name: str, times: int) -> int:
    """Instructions of a whole process that runs a benchmark so many times."""
    command = [*VALGRIND, sys.executable, __file__, "--times", str(times), name]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **SAME})
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found:
        raise SystemExit(done.stderr)
    return int(found[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("only", nargs="+", help="parts of the names of benchmarks")
    parser.add_argument("--n", type=int, default=3, help="runs of the shorter process")
    parser.add_argument("--times", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.times:
        run(options.only[0], options.times)
        return
    if not shutil.which("valgrind"):
        raise SystemExit("this needs valgrind, from the system's package manager")
    for name in chosen(options.only):
        steps = 2 * options.n * benchmarks()[name]().steps
        print(f"{(count(name, 3 * options.n) - count(name, options.n)) / steps:16,.0f}  {name}", flush=True)


if __name__ == "__main__":
    main()
