"""Several cores: threads for large work, and BLAS kept from starting threads of its own.

NumPy lets go of Python's lock while it computes, so two threads really do run at a time. The work
is split beforehand, always in the same way, and results are taken in order: a run gives the same
bits however the threads were scheduled. BLAS has threads too, but each of its products waits for
the slowest of them: when another program takes a core, two of its threads become ten times slower
than one. So while a model is trained or used, BLAS is held to one thread, and the threads are here.
"""

from __future__ import annotations

import contextvars
import ctypes
import itertools
import os
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

import numpy as np

from minikeras import config
from minikeras.typing import Array

Result = TypeVar("Result")
ROWS = 16  # the fewest of a batch, or of a product, that a thread may be given: products of fewer are slow
# The fewest multiplications of a product that pay for handing them to a thread, about 30 µs; and where the product is
# waited for, as waking a thread takes longer than asking it
SHARE, AWAITED = 3 * 2**19, 3 * 2**21


def thread_count() -> int:
    """Into how many parts large work may be split: `config.num_threads()`, or 1 where BLAS cannot be held."""
    return config.num_threads() if _blas is not None else 1


def run_all(jobs: Sequence[Callable[[], Result]]) -> list[Result]:
    """The results of all jobs, in order; the first runs in this thread, the others beside it.

    When one fails, the others are waited for, and then its error is raised.
    """
    first, *others = jobs
    begun = [_pool.begin(other, len(others)) for other in others]
    try:
        result = first()
    finally:
        for job in reversed(begun):
            job.wait()
    return [result, *(job.finish() for job in begun)]


def split(n: int, count: int) -> list[slice]:
    """`count` slices of n rows, as equal as can be."""
    ends = [n * i // count for i in range(count + 1)]
    return [slice(start, end) for start, end in itertools.pairwise(ends)]


class Team:
    """Threads that work on parts of one batch, and now and then add up what each of them has.

    Args:
        size: how many there are.
    """

    def __init__(self, size: int) -> None:
        self._barrier = threading.Barrier(size)
        self._given: list[list[Any]] = [[None] * size, [None] * size]
        self._turns = [0] * size  # which of the two lists each member uses next

    def run(self, jobs: Sequence[Callable[[], Result]]) -> list[Result]:
        """`run_all` with a job for each member. An error in one ends them all, and is raised."""
        self._barrier.reset()
        self._turns = [0] * len(self._turns)
        self._error: BaseException | None = None
        with _together:  # each job must have a thread: one that waits for another team's would wait for ever
            try:
                return run_all([partial(self._run_one, job) for job in jobs])
            except threading.BrokenBarrierError:
                assert self._error is not None
                raise self._error from None

    def _run_one(self, job: Callable[[], Result]) -> Result:
        try:
            return job()
        except threading.BrokenBarrierError:
            raise
        except BaseException as error:
            self._error = error
            self._barrier.abort()  # the others no longer wait for this one
            raise

    def wait(self) -> None:
        """Go on when all members have come here."""
        self._barrier.wait()

    def total(self, member: int, values: Sequence[Any]) -> list[Any]:
        """The sum over all members of each value, in their order, so that it is the same to the bit for each."""
        turn = self._turns[member]
        self._turns[member] = (
            1 - turn
        )  # nobody comes back to this list before all have read it: they meet between
        given = self._given[turn]
        given[member] = values
        self._barrier.wait()
        return [sum(parts[1:], start=parts[0]) for parts in zip(*given, strict=True)]


class Crew:
    """Threads that take on large products, so that the pass that needs them is not split itself.

    A product is cut by the rows of its result, always in the same way.

    Args:
        size: how many threads, that of the pass among them.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._late: list[tuple[Hashable, _Job[Array]]] = []  # that the pass has not waited for yet

    def dot(self, a: Array, b: Array, out: Array) -> Array:
        """`a.dot(b, out=out)`."""
        threads = self._size // 2 if self._late else self._size  # the others have something to do
        run_all(self._cut(a, b, out, threads, AWAITED))
        return out

    def dot_later(self, a: Array, b: Array, out: Array, key: Hashable) -> None:
        """The same, but done only after `settle`; nobody may write to a or b before. `key` stands for the result."""
        shares = self._cut(a, b, out, self._size, SHARE)
        if len(shares) == 1:
            shares[0]()
        else:
            self._late += [(key, _pool.begin(share, self._size - 1)) for share in shares]

    def owes(self, key: Hashable) -> bool:
        """Whether this result may not be complete."""
        return any(other is key for other, _ in self._late)

    def settle(self) -> None:
        """Go on when all products are done; then an error in one of them is raised."""
        done = []
        while self._late:
            self._late[-1][1].wait()  # the last one first: the others begin at the front
            done.append(self._late.pop()[1])
        for job in done:
            job.finish()

    def _cut(self, a: Array, b: Array, out: Array, most: int, least: int) -> list[Callable[[], Array]]:
        count = min(most, len(a) // ROWS, len(a) * b.size // least)
        if count <= 1:
            return [partial(a.dot, b, out)]
        return [partial(a[rows].dot, b, out[rows]) for rows in split(len(a), count)]


class _Job(Generic[Result]):
    """Something to do, by whichever thread comes first."""

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._context = contextvars.copy_context()  # NumPy's error state, for one, is the asking thread's
        self._free, self._over = threading.Lock(), threading.Lock()
        self._over.acquire()
        self._error: BaseException | None = None

    def begin(self) -> None:
        """Do it, unless somebody does already."""
        if not self._free.acquire(blocking=False):
            return
        try:
            self._result = self._context.run(self._work)
        except BaseException as error:
            self._error = error
        finally:
            self._over.release()

    def wait(self) -> None:
        """Go on when it is done; do it here if no thread has begun it, so nobody waits while there is work."""
        self.begin()
        with self._over:
            pass

    def finish(self) -> Result:
        """`wait`, and the result, or the error."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._result


class _Pool:
    """The threads, started at first use; a forked process starts its own.

    With `concurrent.futures` handing over two empty jobs and waiting for them takes 46 µs, here 3.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._size = 0
        self._jobs: SimpleQueue[_Job[Any]] = SimpleQueue()

    def begin(self, work: Callable[[], Result], size: int) -> _Job[Result]:
        """Hand something to the threads, of which there are at least `size`."""
        if self._size < size:
            self._start(size)
        job = _Job(work)
        self._jobs.put(job)
        return job

    def _start(self, size: int) -> None:
        with self._lock:
            for number in range(self._size, size):
                threading.Thread(target=self._serve, name=f"minikeras_{number}", daemon=True).start()
            self._size = max(self._size, size)

    def _serve(self) -> None:
        while True:
            self._jobs.get().begin()


class _Blas:
    """The number of threads of the BLAS that NumPy came with; it is one for the whole process."""

    def __init__(self, get: Any, set_: Any) -> None:
        self._get, self._set = get, set_
        self._lock = threading.Lock()
        self._holders = 0
        self._before = 1

    def hold(self) -> None:
        """One thread, until as many `release`s."""
        with self._lock:
            if not self._holders:
                self._before = self._get()
                if self._before != 1:
                    self._set(1)
            self._holders += 1

    def release(self) -> None:
        """The reverse of `hold`."""
        with self._lock:
            self._holders -= 1
            if not self._holders and self._before != 1:
                self._set(self._before)


def _find_blas() -> _Blas | None:
    """NumPy's OpenBLAS, under the names it has in NumPy's wheels and in the systems' packages."""
    try:
        library = ctypes.PyDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]
    except (AttributeError, OSError):
        return None
    for name in ("scipy_openblas_{}_num_threads64_", "openblas_{}_num_threads64_", "openblas_{}_num_threads"):
        get, set_ = (getattr(library, name.format(verb), None) for verb in ("get", "set"))
        if get is not None and set_ is not None:
            return _Blas(get, set_)
    return None


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Within this block each of BLAS' products runs in the thread that asks for it."""
    if _blas is None:
        yield
        return
    _blas.hold()
    try:
        yield
    finally:
        _blas.release()


def _start_anew() -> None:
    """In a forked process, which has none of its parent's threads."""
    global _pool, _together
    _pool, _together = _Pool(), threading.Lock()


_pool = _Pool()
_together = threading.Lock()
_blas = _find_blas()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
