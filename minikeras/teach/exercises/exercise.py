"""What an exercise is: a task, random cases, a solution, hints, and the mistakes that everybody makes.

Your function is given copies of random arguments, among them a batch of one and shapes that are
not square. Where its results are wrong, each is compared with what the known mistakes give in
all cases, and the mistake is named.
"""

from __future__ import annotations

import copy
import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minikeras.errors import closest
from minikeras.markup import Markup, View, join, table, tag, text_table
from minikeras.typing import Array

CASES = 4  # the first with a batch of one
Function = Callable[..., Any]
Drawer = Callable[[np.random.Generator, int], tuple[Any, ...]]
_all: dict[str, Exercise] = {}


@dataclass(frozen=True)
class Exercise(View):
    """A function to be written. Print it for the task; `hint()` and `solution()` help."""

    solve: Function
    outputs: tuple[str, ...]
    draw: Drawer
    hints: tuple[str, ...]
    mistakes: Mapping[str, Function]
    title = "exercise"

    @property
    def name(self) -> str:
        """What `check` calls it."""
        return self.solve.__name__

    @property
    def task(self) -> str:
        """What is to be written."""
        arguments = ", ".join(inspect.signature(self.solve).parameters)
        return f"{self.name}({arguments})\n\n{inspect.getdoc(self.solve)}"

    def hint(self, number: int = 1) -> str:
        """The first hint, or a later one, which says more.

        Raises:
            ValueError: for a number that there is no hint of.
        """
        if not 1 <= number <= len(self.hints):
            raise ValueError(f"{self.name} has hints 1 to {len(self.hints)}. Received: {number}")
        return self.hints[number - 1]

    def solution(self) -> str:
        """The source of a solution."""
        lines = textwrap.dedent(inspect.getsource(self.solve)).splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("def "))
        return "\n".join(lines[start:])

    def __str__(self) -> str:
        return f"{self.task}\n\n{len(self.hints)} hints: exercise({self.name!r}).hint(1)"

    def html(self) -> Markup:
        """The task."""
        return tag("pre", str(self))

    __repr__ = __str__


@dataclass
class Result(View):
    """What `check` found: `ok`, and in words each result that is wrong."""

    exercise: Exercise
    remarks: list[str]
    title = "check"

    @property
    def ok(self) -> bool:
        """Whether the function is right."""
        return not self.remarks

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        name = self.exercise.name
        if self.ok:
            return f"{name}: right in all {CASES} cases, a batch of one and shapes that are not square among them."
        return "\n".join([f"{name}: not yet.", *(f"  {r}" for r in self.remarks)])

    def html(self) -> Markup:
        """The same in colour."""
        head, *rest = str(self).splitlines()
        return join([tag("p", head, class_="good" if self.ok else "bad"), *(tag("p", line) for line in rest)])

    __repr__ = __str__


class Exercises(View):
    """All exercises, in the order in which they build on each other."""

    title = "exercises"

    def __init__(self, data: dict[str, Exercise]) -> None:
        self.data = data

    def _rows(self) -> list[list[Any]]:
        return [[name, (inspect.getdoc(e.solve) or "").splitlines()[0]] for name, e in self.data.items()]

    def __str__(self) -> str:
        return text_table(["name", "what to write"], self._rows())

    def html(self) -> Markup:
        """The list as a table."""
        return table(["name", "what to write"], self._rows())

    __repr__ = __str__


def define(
    outputs: Sequence[str], draw: Drawer, hints: Sequence[str], mistakes: Mapping[str, Function]
) -> Callable[[Function], Function]:
    """A decorator that makes an exercise of its solution; the docstring is the task.

    Args:
        outputs: the names of the results.
        draw: the arguments of case number i, from a generator; case 0 is a batch of one.
        hints: each says more than the one before.
        mistakes: {what it is, in words: a function that makes it}.
    """

    def register(solve: Function) -> Function:
        _all[solve.__name__] = Exercise(solve, tuple(outputs), draw, tuple(hints), mistakes)
        return solve

    return register


def exercises() -> Exercises:
    """The list of all exercises."""
    return Exercises(dict(_all))


def exercise(name: str) -> Exercise:
    """One exercise: print it for the task.

    Raises:
        ValueError: for an unknown name, with the closest one.
    """
    if name not in _all:
        raise ValueError(
            f"There is no exercise {name!r}.{closest(name, _all)} All of them: teach.exercises()"
        )
    return _all[name]


def check(name: str, function: Function) -> Result:
    """Try your function on random cases, and say what is wrong with it, if anything.

    Args:
        name: of the exercise.
        function: yours, with the arguments of the task.

    Raises:
        ValueError: for an unknown name.
        TypeError: when `function` cannot be called.
    """
    task = exercise(name)
    if not callable(function):
        raise TypeError(f"check needs your function itself: check({name!r}, f). Received: {function!r}")
    cases = [task.draw(np.random.default_rng(100 + i), i) for i in range(CASES)]
    with np.errstate(all="ignore"):
        expected = [_outputs(task, task.solve(*copy.deepcopy(case)))[0] for case in cases]
        found, remarks = _run(task, function, cases)
        if found is not None:
            remarks = _written(remarks) + _judge(task, cases, found, expected)
    return Result(task, list(dict.fromkeys(remarks)))


def _run(task: Exercise, function: Function, cases: list[Any]) -> tuple[list[list[Array]] | None, list[str]]:
    """The results in all cases, and which arguments were written into; None when there are no results."""
    found, remarks = [], []
    names = list(inspect.signature(task.solve).parameters)
    for case in cases:
        given = copy.deepcopy(case)
        try:
            result = function(*given)
        except Exception as error:
            shapes = ", ".join(f"{n} {np.shape(a)}" for n, a in zip(names, case, strict=True) if np.ndim(a))
            return None, [f"it raised {type(error).__name__}: {error}   (for {shapes})"]
        for n, a, b in zip(names, given, case, strict=True):
            if isinstance(b, np.ndarray) and not np.array_equal(a, b, equal_nan=True):
                remarks.append(n)
        arrays, complaint = _outputs(task, result)
        if complaint:
            return None, [complaint]
        found.append(arrays)
    return found, remarks


def _written(names: list[str]) -> list[str]:
    return [f"it wrote into {n}, which others still need: work on a copy." for n in names]


def _outputs(task: Exercise, result: Any) -> tuple[list[Array], str]:
    """The results as a list of arrays, and what is wrong with their number."""
    wanted = ", ".join(task.outputs)
    if result is None:
        return [], f"it returned None: is `return {wanted}` missing?"
    several = len(task.outputs) > 1
    if several and (not isinstance(result, (tuple, list)) or len(result) != len(task.outputs)):
        got = f"{len(result)} results" if isinstance(result, (tuple, list)) else "one result"
        return [], f"it must return {len(task.outputs)} results: {wanted}. It returned {got}."
    return [np.asarray(r) for r in (result if several else [result])], ""


def _judge(
    task: Exercise, cases: list[Any], found: list[list[Array]], expected: list[list[Array]]
) -> list[str]:
    """A remark on each result that is wrong in some case."""
    remarks = []
    right = [
        n for k, n in enumerate(task.outputs) if all(map(_same, _column(found, k), _column(expected, k)))
    ]
    for k, name in enumerate(task.outputs):
        if name in right:
            continue
        mine, true = _column(found, k), _column(expected, k)
        named = next((text for text, f in task.mistakes.items() if _makes(task, f, k, cases, mine)), "")
        remarks.append(f"{name}: {named or _general(mine, true)}")
    if remarks and right:
        remarks.append(f"({' and '.join(right)} {'is' if len(right) == 1 else 'are'} right)")
    return remarks


def _makes(task: Exercise, mistake: Function, k: int, cases: list[Any], mine: list[Array]) -> bool:
    """Whether a known mistake gives these very results in all cases."""
    for case, result in zip(cases, mine, strict=True):
        try:
            made = _outputs(task, mistake(*copy.deepcopy(case)))[0]
        except ValueError:  # shapes with which this mistake cannot be made
            return False
        if not _same(result, made[k]):
            return False
    return True


def _column(results: list[list[Array]], k: int) -> list[Array]:
    return [arrays[k] for arrays in results]


def _same(a: Array, b: Array) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-6, atol=1e-9, equal_nan=True))


def _general(mine: list[Array], true: list[Array]) -> str:
    """What can be said of any wrong array."""
    for a, b in zip(mine, true, strict=True):
        if a.shape != b.shape:
            hint = " It is transposed." if a.shape == b.shape[::-1] else ""
            if a.shape[1:] == b.shape:
                hint = " The sum over the batch is missing."
            return f"its shape is {a.shape} and should be {b.shape}.{hint}"
    if any(not np.isfinite(a).all() for a in mine):
        return "it is not finite for all arguments: does something overflow, or divide by 0?"
    ratios = [
        float(np.vdot(a, b) / max(float(np.vdot(b, b)), 1e-300)) for a, b in zip(mine, true, strict=True)
    ]
    if all(_same(a, r * b) for a, b, r in zip(mine, true, ratios, strict=True)) and np.ptp(ratios) < 1e-6:
        return (
            "the sign is wrong."
            if abs(ratios[0] + 1) < 1e-6
            else f"it is {ratios[0]:.6g} times what it should be."
        )
    number, (a, b) = next((i, p) for i, p in enumerate(zip(mine, true, strict=True), 1) if not _same(*p))
    wrong = ~np.isclose(a, b, rtol=1e-6, atol=1e-9)
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    where = f"at {list(at)} it is {a[at]:.6g} and should be {b[at]:.6g}" if at else f"{a:.6g} for {b:.6g}"
    return f"in case {number} {int(wrong.sum())} of {wrong.size} numbers differ; {where}."
