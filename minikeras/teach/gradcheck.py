"""Is this gradient right? Wiggle each number, see how much L changes, compare.

dL/dw ≈ (L(w + h) − L(w − h)) / 2h needs nothing but the forward pass, so it is a judge that shares
no mistake with the backward pass. In double precision the two agree to seven digits or more;
what does not is looked at more closely: is it a kink, as of ReLU at 0, or a mistake, and which?
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.activations import Activation as ActivationFunction
from minikeras.errors import check_int, check_number
from minikeras.layers.activation import Activation
from minikeras.layers.base import Layer
from minikeras.layers.inputs import as_numeric
from minikeras.losses import Loss
from minikeras.teach.diagnosis import Evidence, diagnose, explain_exception
from minikeras.teach.gradient_report import Entry, GradientError, GradientReport
from minikeras.teach.problem import Problem, Subject
from minikeras.typing import Array

STEPS = (1e-5, 1e-6, 1e-7)  # h; smaller ones are tried where a kink may lie within reach
DIRECTIONS = 3  # random ones, for arrays that are too large to be checked number by number


def gradcheck(
    target: Any,
    x: Any,
    y: Any = None,
    *,
    mask: Any = None,
    training: bool = True,
    tolerance: float = 1e-6,
    budget: int = 100,
    seed: int = 0,
    raise_on_failure: bool = False,
) -> GradientReport:
    """Compare dL/dx and every dL/dvariable of `backward` with (L(w + h) − L(w − h)) / 2h.

    L is Σ y dy with a random dy for a layer or a model, the loss for a compiled model with y, and the
    value of a loss. The check works on a copy in float64, repeats the same dropout masks, and
    leaves the original as it is. Variables whose elements are all alike get some noise first.

    Args:
        target: a layer, a model, a loss or an activation; the user's own as well.
        x: a batch of inputs; for a loss: y_pred.
        y: targets for a compiled model, or y_true for a loss.
        mask: which steps of x count, for a layer that heeds masks.
        training: whether dropout and the like are active.
        tolerance: the largest relative difference that is right.
        budget: arrays of at most so many numbers are checked one by one; of larger ones, so many
            numbers and three random directions, which see them all.
        seed: of dy, and of what is sampled.
        raise_on_failure: raise unless all is right, as a test wants it.

    Returns:
        A report: print it.

    Raises:
        GradientError: when something is wrong and `raise_on_failure` is set.
        NotImplementedError: for a layer without `backward`; the message names it.
        TypeError, ValueError: for a target or data that have no gradient.
    """
    check_number("gradcheck", "tolerance", tolerance, 0.0, 1.0)
    check_int("gradcheck", "budget", budget)
    rng = np.random.default_rng(seed)
    array = as_numeric(x, "gradcheck")
    if array.size == 0:
        raise ValueError(
            "gradcheck: x is empty, so no gradient depends on it. Give a batch of a few samples."
        )
    smooth = array.dtype.kind == "f"
    array = array.astype("float64") if smooth else array
    if isinstance(target, ActivationFunction):
        target = Activation(target)
    if isinstance(target, Layer):
        report = _check_layer(target, array, y, mask, training, smooth, tolerance, budget, rng)
    elif isinstance(target, Loss) or (callable(target) and hasattr(target, "gradient")):
        if not smooth:
            raise TypeError(
                f"gradcheck: y_pred holds integers ({array.dtype}), and a loss has no derivative by them. "
                "Likely fix: x.astype('float64')"
            )
        if y is None:
            raise ValueError("gradcheck of a loss needs y_pred and y_true: gradcheck(loss, y_pred, y_true)")
        report = GradientReport(f"the loss {getattr(target, 'name', type(target).__name__)!r}")
        problem = loss_problem(target, array, np.asarray(y))
        _check_arrays(report, problem, tolerance, budget, rng, Evidence(array.shape, array.shape))
    else:
        raise TypeError(
            "gradcheck: `target` must be a layer, a model, a loss or an activation object. "
            f"Received: {target!r} (of type {type(target).__name__})"
        )
    if raise_on_failure and not report.ok:
        raise GradientError(str(report))
    return report


def loss_problem(loss: Any, y_pred: Array, y_true: Array) -> Problem:
    """A loss as a function of y_pred."""

    def gradients(broken: list[str]) -> dict[str, Array | None]:
        before = y_pred.copy()
        found = np.array(loss.gradient(y_true, y_pred))
        if not np.array_equal(before, y_pred):
            broken.append("gradient wrote into y_pred.")
            y_pred[...] = before
        return {"y_pred": found}

    return Problem({"y_pred": y_pred}, lambda: [np.asarray(loss(y_true, y_pred), float)], gradients)


def _check_layer(
    layer: Layer,
    x: Array,
    y: Any,
    mask: Any,
    training: bool,
    smooth: bool,
    tolerance: float,
    budget: int,
    rng: np.random.Generator,
) -> GradientReport:
    report = GradientReport(layer.where() if not hasattr(layer, "layers") else f"model {layer.name!r}")
    if y is not None and not getattr(layer, "compiled", False):
        raise ValueError(
            f"gradcheck: y needs a loss, and {layer.where()} is not compiled: model.compile('sgd', 'mse'). "
            "Or leave y out: L is then Σ y dy with a random dy."
        )
    subject = Subject(layer, x, None if mask is None else np.asarray(mask), training, y, rng)
    if not smooth:
        report.notes.append(
            f"x holds integers ({x.dtype}), so there is no dL/dx to check. Where x stands for real numbers: "
            "x.astype('float64')"
        )
        if not subject.variables:
            raise TypeError(
                f"gradcheck: x holds integers ({x.dtype}) and {layer.where()} has no trainable variables, so there "
                "is nothing to check. Likely fix: x.astype('float64')"
            )
    if subject.rewrites:
        report.notes.append("in training the layer rewrites its own weights, so inference was checked.")
    if any(not np.array_equal(a, b) for a, b in zip(subject.outputs, subject.forward()[0], strict=True)):
        report.problems.append(
            "forward gives another output each time. Draw random numbers from ctx.rng, so that they can be repeated."
        )
        return report
    evidence = Evidence(x.shape, subject.outputs[0].shape, subject)
    _check_arrays(report, subject.problem(smooth), tolerance, budget, rng, evidence)
    inner = getattr(layer, "layers", None)
    if inner and not report.ok:
        report.layers = _check_each(layer, subject, tolerance, budget, rng)
    return report


def _check_arrays(
    report: GradientReport,
    problem: Problem,
    tolerance: float,
    budget: int,
    rng: np.random.Generator,
    evidence: Evidence,
) -> None:
    try:
        gradients = problem.gradients(report.problems)
    except NotImplementedError:
        raise
    except Exception as error:
        report.problems.append(explain_exception(error, evidence))
        return
    adding: set[str] | None = None
    for name, array in problem.arrays.items():
        entry, analytic = Entry(name, array.shape), gradients[name]
        report.entries.append(entry)
        if analytic is None or analytic.shape != array.shape:
            entry.verdict, entry.error, entry.analytic = "wrong", np.inf, np.nan
            got = None if analytic is None else analytic.shape
            entry.hint = f"its gradient must have its shape, {array.shape}; backward returned {got}."
            if got is not None and got == array.shape[::-1]:
                entry.hint += " It is transposed."
        elif np.isnan(analytic).any():
            if adding is None:
                adding = evidence.subject.adds_up() if evidence.subject else set()
            entry.verdict, entry.error, entry.analytic = "wrong", np.inf, np.nan
            entry.hint = _about_nan(name, analytic, name in adding)
        elif array.size:
            _check_array(entry, problem, analytic, tolerance, budget, rng, evidence)


def _about_nan(name: str, analytic: Array, adds: bool) -> str:
    if adds:
        return (
            "backward adds to the gradient; it must set it: np.copyto(ctx.grad(v), ...) or out=ctx.grad(v)."
        )
    if name == "x" or name == "y_pred":
        return "the gradient is not a number."
    if np.isnan(analytic).all():
        return "its gradient was never written: backward must fill ctx.grad(variable)."
    return f"{int(np.isnan(analytic).sum())} of its {analytic.size} numbers were never written, or are not numbers."


def _check_array(
    entry: Entry,
    problem: Problem,
    analytic: Array,
    tolerance: float,
    budget: int,
    rng: np.random.Generator,
    evidence: Evidence,
) -> None:
    """Fill the entry from coordinates, and from directions where not all coordinates were looked at."""
    a = analytic.reshape(-1)
    where = _sample(a, budget, rng)
    numeric = np.empty(len(where))
    floor = max(1e-3 * float(np.abs(a).max()), 1e-12)
    magnitude = float(np.sqrt(sum(np.square(term).sum() for term in problem.run())))
    for k, i in enumerate(where):
        seen = _compare(problem, entry.name, slice(i, i + 1), 1.0, float(a[i]), floor, magnitude, tolerance)
        numeric[k] = seen[0]
        index = tuple(int(n) for n in np.unravel_index(i, entry.shape))
        _note(entry, float(a[i]), seen, index)
    entry.checked = len(where)
    if len(where) < a.size:
        for _ in range(DIRECTIONS):
            step = rng.normal(size=a.size)
            step /= np.linalg.norm(step)  # short, so that few kinks lie within reach
            expected = float(a @ step)
            least = max(floor, 1e-3 * float(np.linalg.norm(a * step)))
            seen = _compare(problem, entry.name, slice(None), step, expected, least, magnitude, tolerance)
            _note(entry, expected, seen, None)
    if entry.verdict == "wrong":
        evidence.name, evidence.problem, evidence.shape = entry.name, problem, entry.shape
        evidence.where, evidence.numeric, evidence.analytic = where, numeric, a
        entry.hint = diagnose(evidence)


def _sample(a: Array, budget: int, rng: np.random.Generator) -> Array:
    """All places, or the largest quarter of the budget and others at random."""
    if a.size <= budget:
        return np.arange(a.size)
    largest = np.argpartition(-np.abs(a), budget // 4)[: budget // 4]
    others = rng.choice(a.size, budget - len(largest), replace=False)
    return np.unique(np.concatenate([largest, others]))


def _compare(
    problem: Problem,
    name: str,
    where: slice,
    step: Any,
    a: float,
    floor: float,
    magnitude: float,
    tolerance: float,
) -> tuple[float, float, str]:
    """The numeric derivative, its relative difference from a, and the verdict."""
    first: tuple[float, float] | None = None
    for h in STEPS:
        n, left, right = problem.slope(name, where, step, h)
        noise = (
            2e-15 * magnitude / h
        )  # of two rounded sums: their errors are random, so they add up as squares do
        error = max(0.0, abs(a - n) - noise) / max(abs(a), abs(n), floor)
        if error <= tolerance:
            return n, error, "right"
        first = first or (n, error)
    assert first is not None
    low, high = min(left, right), max(left, right)
    slack = noise + 1e-4 * max(abs(left), abs(right), floor)
    if high - low > 10 * slack and low - slack <= a <= high + slack:
        return (*first, "kink")
    return (*first, "wrong")


def _note(entry: Entry, a: float, seen: tuple[float, float, str], index: tuple[int, ...] | None) -> None:
    """Keep the worst of what was seen."""
    rank = ("right", "kink", "wrong")
    numeric, error, verdict = seen
    if (rank.index(verdict), error) >= (rank.index(entry.verdict), entry.error):
        entry.verdict, entry.error, entry.index = verdict, error, index
        entry.analytic, entry.numeric = a, numeric
    if entry.verdict == "kink":
        entry.hint = (
            "left and right the slopes differ: a kink (ReLU at 0, a tie of a maximum); this is one between."
        )


def _check_each(
    model: Any, subject: Subject, tolerance: float, budget: int, rng: np.random.Generator
) -> dict[str, GradientReport]:
    """Each layer of a wrong model by itself, on the input that it has there."""
    found: dict[str, GradientReport] = {}
    x, mask = subject.x, subject.mask
    for layer in model.layers:
        twin = subject.layer.get_layer(layer.name)
        found[layer.where()] = _check_layer(
            twin,
            np.array(x),
            None,
            mask,
            subject.training,
            x.dtype.kind == "f",
            tolerance,
            min(budget, 30),
            rng,
        )
        mask = twin.compute_mask(x, mask)
        x = twin(x, training=subject.training)
    return found
