"""Several cores: a pool of threads for large work, and BLAS kept from starting threads of its own.

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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from minikeras import config

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

Result = TypeVar("Result")


def thread_count() -> int:
    """Into how many parts large work may be split: `config.num_threads()`, or 1 where BLAS cannot be held."""
    return config.num_threads() if _blas is not None else 1


def run_all(jobs: Sequence[Callable[[], Result]]) -> list[Result]:
    """The results of all jobs, in order; the first runs in this thread, the others beside it.

    When one fails, the others are waited for, and then its error is raised.
    """
    if len(jobs) == 1:
        return [jobs[0]()]
    pool = _pools.get(len(jobs) - 1)
    # as in this thread: NumPy's error state, for one, belongs to the thread's context
    others = [pool.submit(contextvars.copy_context().run, job) for job in jobs[1:]]
    try:
        first = jobs[0]()
    finally:
        for other in others:
            other.exception()  # returns when it is done
    return [first, *(other.result() for other in others)]


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


class _Pools:
    """The threads, started at first use; a forked process starts its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._size = 0

    def get(self, size: int) -> ThreadPoolExecutor:
        """A pool of at least so many threads."""
        with self._lock:
            if self._pool is None or self._size < size:
                from concurrent.futures import ThreadPoolExecutor  # takes as long to load as many layers

                self._pool, self._size = ThreadPoolExecutor(size, "minikeras"), size
            return self._pool


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
    global _pools, _together
    _pools, _together = _Pools(), threading.Lock()


_pools = _Pools()
_together = threading.Lock()
_blas = _find_blas()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)
