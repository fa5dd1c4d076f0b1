"""Which weights, gradients and slots belong together, cut into blocks that fit the cache.

An update rule is a dozen passes over a few vectors of equal length. Over whole vectors, each pass
would fetch them from main memory again; over a block of some hundred thousand elements, all but the
first find them in a cache. A layout holds the blocks of one set of variables, as
views that are made once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from minikeras.typing import Array
from minikeras.variable import Arena, Variable
from minikeras.workers import split, thread_count

BLOCK = 2**18  # elements: five float32 vectors of this length are 5 MB; a fourth of it is a tenth slower
SHARE = 131072  # elements that pay for a thread of their own


class Block(NamedTuple):
    """A stretch of weights and what belongs to it."""

    w: Array
    part: slice  # of the gradient vector
    home: slice  # of each of the optimizer's slots
    slots: tuple[Array, ...]
    scratch: tuple[Array, ...]
    decays: bool  # whether weight decay applies


class Segment(NamedTuple):
    """Neighbouring variables that are neighbours in the gradient and in the slots, too."""

    weights: Array
    start: int  # in the gradient vector
    home: int  # in the slots
    decays: bool
    shape: tuple[int, ...]


class Layout:
    """The blocks of one set of variables.

    Args:
        variables: what an update changes, in the order of the gradient vector.
        arena: where they are packed; None when each has an array of its own.
        homes: where in the slots each variable's state lies.
        slots: the optimizer's state, flat arrays.
        scratch: how many scratch arrays the rule needs.
        undecayed: the variables that weight decay leaves alone.
        whole: whether a block must be one whole variable, in its own shape.
    """

    def __init__(
        self,
        variables: Sequence[Variable],
        arena: Arena | None,
        homes: Mapping[Variable, slice],
        slots: Sequence[Array],
        scratch: int,
        undecayed: set[Variable],
        whole: bool,
    ) -> None:
        self.variables = list(variables)
        self.arena = arena
        self.constrained = [v for v in variables if v.constraint is not None]
        self.parts: list[slice] = []  # of each variable in the gradient vector
        start = 0
        for v in self.variables:
            self.parts.append(slice(start, start + v.size))
            start += v.size
        self.size = start
        self.dtype = np.result_type(*(v.dtype for v in variables))
        self.values = [v.value for v in variables]  # to notice when a variable was packed elsewhere
        self.numbers: tuple[Array, ...] = ()  # the rule's scalars, as 0-d arrays: ufuncs take them fastest
        segments = list(self._segments(homes, undecayed, merge=arena is not None and not whole))
        step = max((s.weights.size for s in segments), default=BLOCK) if whole else BLOCK
        threads = 1 if whole else max(1, min(thread_count(), self.size // SHARE))
        # the blocks of each thread, with scratch arrays of its own
        self.shares = [
            list(self._cut(share, slots, scratch, step, whole)) for share in _share_out(segments, threads)
        ]
        self.blocks = [block for share in self.shares for block in share]

    def fits(self, variables: Sequence[Variable]) -> bool:
        """Whether these are the variables, with the arrays that the blocks are views of."""
        return len(variables) == len(self.variables) and all(
            v is mine and v.value is value
            for v, mine, value in zip(variables, self.variables, self.values, strict=True)
        )

    def _segments(
        self, homes: Mapping[Variable, slice], undecayed: set[Variable], merge: bool
    ) -> Iterator[Segment]:
        current: Segment | None = None
        for v, part in zip(self.variables, self.parts, strict=True):
            weights = v.value.reshape(-1) if self.arena is None else self.arena.values[part]
            segment = Segment(weights, part.start, homes[v].start, v not in undecayed, v.shape)
            if current is not None and merge and self.arena is not None:
                size = current.weights.size
                if segment.home == current.home + size and segment.decays == current.decays:
                    weights = self.arena.values[current.start : part.stop]
                    current = current._replace(weights=weights, shape=weights.shape)
                    continue
            if current is not None:
                yield current
            current = segment
        if current is not None:
            yield current

    def _cut(
        self, segments: Sequence[Segment], slots: Sequence[Array], scratch: int, step: int, whole: bool
    ) -> Iterator[Block]:
        longest = max((min(step, s.weights.size) for s in segments), default=0)
        buffers = [np.empty(longest, self.dtype) for _ in range(max(scratch, 1))]
        for segment in segments:
            for start in range(0, max(segment.weights.size, 1), max(step, 1)):
                size = min(step, segment.weights.size - start)
                home = slice(segment.home + start, segment.home + start + size)
                shape = segment.shape if whole else (size,)
                yield Block(
                    w=segment.weights[start : start + size].reshape(shape),
                    part=slice(segment.start + start, segment.start + start + size),
                    home=home,
                    slots=tuple(slot[home].reshape(shape) for slot in slots),
                    scratch=tuple(buffer[:size].reshape(shape) for buffer in buffers),
                    decays=segment.decays,
                )


def _share_out(segments: Sequence[Segment], threads: int) -> list[list[Segment]]:
    """The segments in as many equal shares, cut where need be."""
    if threads == 1:
        return [list(segments)]
    total = sum(s.weights.size for s in segments)
    shares: list[list[Segment]] = [[] for _ in range(threads)]
    ends = [part.stop for part in split(total, threads)]
    position = 0
    for s in segments:
        start = 0
        while start < s.weights.size:
            thread = next(i for i, end in enumerate(ends) if position < end)
            size = min(s.weights.size - start, ends[thread] - position)
            weights = s.weights[start : start + size]
            shares[thread].append(Segment(weights, s.start + start, s.home + start, s.decays, weights.shape))
            start, position = start + size, position + size
    return shares
