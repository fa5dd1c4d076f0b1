"""Two commits side by side: A B A B ..., each in a process of its own, so that the machine's noise hits both.

    python tests/benchmarks/compare.py main . --only workload/ predict/ --cpu 1

prints for each benchmark the shortest and the median time of both, B's as a ratio to A's, and the spread of
that ratio over the rounds. A ratio within the spread of 1 means nothing. The benchmarks are those of this
checkout for both; "." is the working tree as it is.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from suite import TESTS, chosen

ROOT = TESTS.parent
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Worker:
    """A process that has imported the package of one tree."""

    def __init__(self, tree: Path, threads: int, cpu: int | None) -> None:
        path = os.pathsep.join(map(str, (tree, TESTS / "benchmarks", TESTS)))
        environment = {**os.environ, "PYTHONPATH": path, **dict.fromkeys(THREADS, str(threads))}
        self.process = subprocess.Popen(
            [sys.executable, str(TESTS / "benchmarks" / "worker.py"), str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=tree,
        )  # fmt: skip
        if cpu is not None:
            os.sched_setaffinity(self.process.pid, {cpu})
        package = Path(self._answer()["package"])
        if package != tree / "minikeras":
            raise SystemExit(f"measured {package}, and not {tree / 'minikeras'}")

    def _answer(self) -> dict[str, Any]:
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("a worker has died: see above")
        return json.loads(line)

    def ask(self, **order: Any) -> dict[str, Any]:
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait()


@contextlib.contextmanager
def tree_of(commit: str) -> Iterator[Path]:
    """A folder with the files of a commit."""
    if commit == ".":
        yield ROOT
        return
    with tempfile.TemporaryDirectory() as folder:
        tree, git = Path(folder).resolve() / "tree", ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), commit], check=True)
        try:
            yield tree
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)


def compare(name: str, workers: list[Worker], rounds: int, seconds: float) -> str:
    """A line of the table."""
    for which, worker in zip("AB", workers, strict=True):
        error = worker.ask(load=name).get("error")
        if error:
            return f"{name}: {which} cannot: {error}"
    times: list[list[list[float]]] = [[], []]  # of A and of B, by round
    for _ in range(rounds):
        for worker, mine in zip(workers, times, strict=True):
            mine.append(worker.ask(seconds=seconds)["times"])
    shortest = [min(min(r) for r in mine) for mine in times]
    medians = [statistics.median(t for r in mine for t in r) for mine in times]
    paired = sorted(min(b) / min(a) for a, b in zip(*times, strict=True))
    numbers = [1e6 * t for t in (*shortest, *medians)]
    ratios = [shortest[1] / shortest[0], medians[1] / medians[0], paired[0], paired[-1]]
    return (
        "{:11.2f} {:11.2f} {:11.2f} {:11.2f}".format(*numbers)
        + "   {:6.3f} {:6.3f}  {:6.3f} - {:5.3f}   ".format(*ratios)
        + name
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("commits", nargs=2, metavar="commit")
    parser.add_argument("--only", nargs="*", default=[], help="parts of the names of benchmarks")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each round")
    parser.add_argument("--threads", type=int, default=1, help="of BLAS and of the package")
    parser.add_argument("--cpu", type=int, help="the processor that both are pinned to")
    options = parser.parse_args()
    names = chosen(options.only)
    if not names:
        parser.error(f"no benchmark's name contains any of {options.only}")
    with contextlib.ExitStack() as stack:
        trees = [stack.enter_context(tree_of(commit)) for commit in options.commits]
        workers = [Worker(tree, options.threads, options.cpu) for tree in trees]
        print(
            f"microseconds a step; A = {options.commits[0]}, B = {options.commits[1]}, {options.rounds} rounds"
        )
        print("      min A       min B    median A    median B     min B/A  med B/A     spread")
        for name in names:
            print(compare(name, workers, options.rounds, options.seconds), flush=True)
        for worker in workers:
            worker.stop()


if __name__ == "__main__":
    main()
