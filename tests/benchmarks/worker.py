"""A process that times benchmarks on demand, for compare.py: a JSON line in, a JSON line out.

Its argument is the number of threads.
"""

from __future__ import annotations

import json
import sys

from suite import PACKAGE, benchmarks, set_threads, time_of_runs


def serve() -> None:
    found, work = benchmarks(), None
    set_threads(int(sys.argv[1]))
    print(json.dumps({"package": str(PACKAGE)}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        try:
            if "load" in order:
                work = found[order["load"]]()
                time_of_runs(work, 0.0)  # what the first runs make and the others find
                answer = {}
            else:
                answer = {"times": time_of_runs(work, order["seconds"])}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve()
