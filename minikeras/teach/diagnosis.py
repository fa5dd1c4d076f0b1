"""Which mistake is it? Known ones leave marks that can be told from the numbers.

A wrong gradient is compared with what known mistakes would give: a constant factor, the right
numbers in a transposed order, only one sample of the batch, the pass without its mask, the layer
without its activation. What fits every sampled number is named; nothing is named on a guess.
"""

from __future__ import annotations

import copy
import itertools
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minikeras.activations import Linear
from minikeras.teach.problem import Problem, Subject
from minikeras.typing import Array


@dataclass
class Evidence:
    """A wrong gradient, and what it can be compared with."""

    x_shape: tuple[int, ...]
    y_shape: tuple[int, ...]
    subject: Subject | None = None
    name: str = ""
    shape: tuple[int, ...] = ()
    problem: Problem | None = None
    where: Array = field(default_factory=lambda: np.empty(0, int))  # the flat places that were looked at
    numeric: Array = field(default_factory=lambda: np.empty(0))  # the right values there
    analytic: Array = field(default_factory=lambda: np.empty(0))  # the claimed values, all of them

    def matches(self, expected: Array, claimed: Array | None = None) -> bool:
        """Whether the claimed values are the expected ones at all places, and those are not all zero."""
        claimed = self.analytic[self.where] if claimed is None else claimed
        size = float(np.abs(expected).max(initial=0.0))
        return size > 1e-9 and bool(np.abs(claimed - expected).max() <= 1e-5 * size)


def diagnose(evidence: Evidence) -> str:
    """The mistake whose mark the gradient bears, in words; empty when none is recognized."""
    for look in (_nothing, _elsewhere, _factor, _order, _variants, _one_place):
        found = look(evidence)
        if found:
            return found
    return ""


def _nothing(e: Evidence) -> str:
    return "" if e.analytic.any() else "backward leaves it at zero: is a term of the chain rule missing?"


def _elsewhere(e: Evidence) -> str:
    if not e.matches(e.numeric):
        return ""
    return (
        f"the {len(e.where)} numbers that were looked at one by one are right, so few of {e.analytic.size} are wrong: "
        "look at more of them with a larger budget."
    )


# A constant factor


def _factor(e: Evidence) -> str:
    a, n = e.analytic[e.where], e.numeric
    ratio = float(a @ n) / max(float(n @ n), 1e-300)
    if ratio == 0 or not e.matches(ratio * n):
        return ""
    if abs(ratio + 1) < 1e-5:
        return "the sign is wrong."
    sign = " and of the wrong sign" if ratio < 0 else ""
    size, word = (abs(ratio), "large") if abs(ratio) > 1 else (1 / abs(ratio), "small")
    meaning = next((text for value, text in _meanings(e, word) if abs(size - value) < 1e-4 * value), "")
    return f"{size:.6g} times too {word}{sign}{': ' + meaning if meaning else '.'}"


def _meanings(e: Evidence, word: str) -> Iterator[tuple[float, str]]:
    """Factors that mean something, the likeliest first."""
    batch, mean = (
        e.x_shape[0],
        "did you forget the mean?" if word == "large" else "a mean where the sum belongs?",
    )
    layer = e.subject.layer if e.subject else None
    rate = getattr(layer, "rate", None)
    if isinstance(rate, float) and 0 < rate < 1:
        yield 1 / (1 - rate), "1/(1 − rate), which the forward pass divides by."
    yield batch, f"the batch size; {mean}"
    for axis, n in enumerate(e.y_shape[1:], 1):
        yield n, f"the size of axis {axis} of the output; {mean}"
    for axis, n in enumerate(e.x_shape[1:], 1):
        yield n, f"the size of axis {axis} of the input; {mean}"
    inner = math.prod(e.y_shape[1:-1])
    yield inner, f"the number of places in a sample; {mean}"
    yield batch * inner, f"the number of samples times places; {mean}"
    yield math.prod(e.y_shape), f"the number of outputs; {mean}"
    yield 2, "the 2 that comes from the derivative of a square?"


# The right numbers in the wrong order


def _order(e: Evidence) -> str:
    rank = len(e.shape)
    if not 2 <= rank <= 5 or e.analytic.size < 4:
        return ""
    claimed = e.analytic.reshape(e.shape)
    for axes in itertools.permutations(range(rank)):
        if axes != tuple(range(rank)):
            turned = claimed.reshape([e.shape[a] for a in axes]).transpose(np.argsort(axes))
            if e.matches(e.numeric, turned.reshape(-1)[e.where]):
                what = "it is transposed" if rank == 2 else f"its axes come in the order {axes}"
                return f"the right numbers in the wrong order: {what}."
    for k in range(1, rank + 1):
        for flipped in itertools.combinations(range(rank), k):
            if e.matches(e.numeric, np.flip(claimed, flipped).reshape(-1)[e.where]):
                return f"the right numbers in the wrong order: axis {flipped} runs backwards."
    return ""


# What another forward pass would have given


def _variants(e: Evidence) -> str:
    if e.subject is None or e.subject.loss is not None:
        return ""
    for text, change in _changes(e.subject):
        variant = copy.copy(e.subject)
        try:
            change(variant)
            expected = numeric_at(variant, e)
        except Exception:  # the variant makes no sense for this layer
            continue
        if e.matches(expected):
            return text
    return ""


def _changes(subject: Subject) -> Iterator[tuple[str, Callable[[Subject], None]]]:
    rate = getattr(subject.layer, "rate", 0)
    if subject.training:
        what = (
            "the mask of the dropped units"
            if rate
            else "what happens in training only (a mask, the batch's statistics)"
        )
        yield f"{what} is forgotten in backward.", _set(training=False)
    if subject.mask is not None:
        yield "the mask of the steps is forgotten in backward.", _set(mask=np.ones_like(subject.mask))
    if not isinstance(getattr(subject.layer, "activation", Linear()), Linear):
        yield "the derivative of the activation is missing: dz = f'(z) dy.", _without_activation
    n = len(subject.x)
    if n > 1:
        for sample, word in ((0, "first"), (n - 1, "last")):
            yield f"only the {word} sample counts: the sum over the batch is missing.", _only(0, sample)
    if subject.dy[0].ndim > 2:
        for axis in range(1, subject.dy[0].ndim - 1):
            for place, word in ((0, "first"), (-1, "last")):
                text = f"only the {word} place of axis {axis} counts: the sum over that axis is missing."
                yield text, _only(axis, place)


def _set(**values: Any) -> Callable[[Subject], None]:
    return lambda subject: vars(subject).update(values)


def _without_activation(subject: Subject) -> None:
    subject.layer = copy.copy(subject.layer)  # the variables are shared, the activation is not
    subject.layer.activation = Linear()


def _only(axis: int, place: int) -> Callable[[Subject], None]:
    """Only one index along one axis of dy counts."""

    def change(subject: Subject) -> None:
        whole, index = subject.dy[0], [slice(None)] * subject.dy[0].ndim
        index[axis] = slice(place, place + 1 or None)
        part = np.zeros_like(whole)
        part[tuple(index)] = whole[tuple(index)]
        subject.dy = [part, *(np.zeros_like(d) for d in subject.dy[1:])]

    return change


def numeric_at(subject: Subject, e: Evidence) -> Array:
    """The numeric gradient of another subject at the places that were looked at."""
    problem = subject.problem(e.name == "x")
    return np.array([problem.slope(e.name, slice(i, i + 1), 1.0, 1e-5)[0] for i in e.where])


# Right but for some places


def _one_place(e: Evidence) -> str:
    claimed = e.analytic[e.where]
    wrong = np.abs(claimed - e.numeric) > 1e-5 * max(float(np.abs(e.numeric).max(initial=0.0)), 1e-12)
    if wrong.all() or not wrong.any():
        return ""
    if not np.any(claimed[wrong]):
        return f"right but for {int(wrong.sum())} of {len(wrong)} places, where it is zero: a loop that ends too early?"
    if wrong.mean() > 0.5:
        return ""
    places = np.unravel_index(e.where[wrong], e.shape)
    for axis, at in enumerate(places):
        if len(np.unique(at)) == 1 < e.shape[axis] and (wrong.sum() > 1 or len(e.shape) == 1):
            return f"right except at index {int(at[0])} of axis {axis}."
    return f"right but for {int(wrong.sum())} of the {len(wrong)} places that were looked at."


def explain_exception(error: Exception, e: Evidence) -> str:
    """What `backward` raised, and what that usually means."""
    said = f"backward raised {type(error).__name__}: {error}"
    shapes = [tuple(map(int, re.findall(r"\d+", s))) for s in re.findall(r"\(([\d, ]+)\)", str(error))]
    for a, b in itertools.permutations(shapes, 2):
        if len(a) == len(b) + 1 and a[0] == e.x_shape[0] and a[1:] == b:
            return f"{said}. Is the sum over the batch missing: np.sum(dz, axis=0, out=ctx.grad(bias))?"
    for a, b in itertools.permutations(shapes, 2):
        if a == b[::-1] and len(a) == 2 and a != b:
            return f"{said}. Is it transposed?"
    if "matmul" in said or "not aligned" in said:
        return f"{said}. Is a factor of this product, or the product itself, transposed?"
    return said
