"""Training, one small step at a time: each layer forward, the loss, each layer backward, each update.

A `Stepper` runs one whole training step on a copy of the model and lets you walk through it in
both directions. In a notebook it is one page with a slider.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from minikeras.layers.inputs import as_numeric
from minikeras.markup import Markup, View, heatmaps, join, slider, tag
from minikeras.teach.trace import LayerTrace, Trace, run_trace
from minikeras.typing import Array

KINDS = ("forward", "loss", "backward", "update")


class Event(View):
    """One small step.

    Attributes:
        kind: "forward", "loss", "backward" or "update".
        name: of the layer, of the loss, or of the variable.
        lines: the equations.
        data: the arrays that take part, by name.
    """

    title = "step"

    def __init__(self, kind: str, name: str, lines: list[str], data: dict[str, Array]) -> None:
        self.kind, self.name, self.lines, self.data = kind, name, lines, data

    def __str__(self) -> str:
        arrays = [f"  {name} {a.shape}\n{_shown(a)}" for name, a in self.data.items()]
        return "\n".join([f"{self.kind}: {self.name}", *(f"    {line}" for line in self.lines), *arrays])

    def html(self) -> Markup:
        """Equations and heatmaps."""
        head = tag("h3", f"{self.kind}: {self.name}")
        return join([head, tag("pre", "\n".join(self.lines)), heatmaps(self.data)])

    __repr__ = __str__


def _shown(array: Array) -> str:
    text = np.array2string(array, precision=4, suppress_small=True, threshold=40, edgeitems=2)
    return "\n".join("    " + line for line in text.splitlines())


class Stepper(View):
    """Walk through one training step of a compiled model; the model itself stays as it is.

        s = Stepper(model, x, y)
        print(s.step())  # the first layer forward
        s.run_to("loss"); s.back(); print(s.event)
        for event in s: ...

    Args:
        model: a compiled `Sequential`.
        x: a batch of inputs.
        y: its targets.

    Attributes:
        events: all steps, in order.
        position: the index of the step where it stands; -1 before the first.
        trace: the `Trace` that the steps show.
        model: the copy, after the update.
    """

    title = "stepper"

    def __init__(self, model: Any, x: Any, y: Any) -> None:
        if not getattr(model, "compiled", False) or model.loss is None:
            raise ValueError(
                "Stepper needs a loss and an optimizer: model.compile(optimizer='sgd', loss='mse')."
            )
        if y is None:
            raise ValueError("Stepper needs targets: Stepper(model, x, y). Without them: trace(model, x).")
        self.model = copy.deepcopy(model)
        array = self.model.cast_input(as_numeric(x, "Stepper"))
        self.model.ensure_built(array.shape)
        array, targets = self.model.standardize_input(array), np.asarray(y)
        self.trace = run_trace(self.model, array, targets, True)
        self.events = [*_passes(self.trace, targets, self.model.loss), *_updates(self.model, self.trace)]
        self.position = -1

    @property
    def event(self) -> Event:
        """Where it stands.

        Raises:
            IndexError: before the first step.
        """
        if self.position < 0:
            raise IndexError("The stepper stands before the first step: call step().")
        return self.events[self.position]

    def step(self) -> Event:
        """Go on by one.

        Raises:
            IndexError: at the end.
        """
        if self.position + 1 >= len(self.events):
            raise IndexError(f"That was the last of {len(self.events)} steps: back() goes back.")
        self.position += 1
        return self.event

    def back(self) -> Event:
        """Go back by one.

        Raises:
            IndexError: at the beginning.
        """
        if self.position <= 0:
            raise IndexError("That is the first step.")
        self.position -= 1
        return self.event

    def run_to(self, what: str) -> Event:
        """Go on to the next step of a kind ("loss", "backward", "update"), or of a layer or variable by its name.

        Raises:
            ValueError: when none follows; the stepper stays where it is.
        """
        for i in range(self.position + 1, len(self.events)):
            if what in (self.events[i].kind, self.events[i].name):
                self.position = i
                return self.event
        names = [e.name for e in self.events[self.position + 1 :]]
        raise ValueError(f"No step {what!r} follows. Kinds are {KINDS}; the names that follow: {names}.")

    def __iter__(self) -> Iterator[Event]:
        while self.position + 1 < len(self.events):
            yield self.step()

    def __len__(self) -> int:
        return len(self.events)

    def __str__(self) -> str:
        rows = [
            f"{'>' if i == self.position else ' '} {i:3} {e.kind}: {e.name}"
            for i, e in enumerate(self.events)
        ]
        return "\n".join(rows)

    def html(self) -> Markup:
        """All steps, one of which the slider shows."""
        return slider([event.html() for event in self.events], max(self.position, 0))

    __repr__ = __str__


def _passes(trace: Trace, y: Array, loss: Any) -> Iterator[Event]:
    for one in trace.layers:
        yield Event("forward", one.name, one.forward_lines, _only(one, "x", "z", "y"))
    assert trace.loss is not None
    name = loss if isinstance(loss, str) else getattr(loss, "name", type(loss).__name__)
    last = trace.layers[-1]
    lines = [f"L = {trace.loss:.6g}, penalties included"]
    if last.paired:
        lines.append("it is paired with the last activation: the backward pass begins with dz = (y − t) / N")
    yield Event(
        "loss",
        name,
        lines,
        {"y_true": y, "y_pred": trace.y_pred, **_only(last, "dz" if last.paired else "dy")},
    )
    for one in reversed(trace.layers):
        skip = len(one.forward_lines)
        gradients = {f"dL/d{n}": g for n, g in one.gradients.items()}
        yield Event(
            "backward", one.name, one.lines()[skip:], _only(one, "dy", "dz") | gradients | _only(one, "dx")
        )


def _only(one: LayerTrace, *names: str) -> dict[str, Array]:
    arrays = one.arrays()
    return {name: arrays[name] for name in names if name in arrays}


def _updates(model: Any, trace: Trace) -> Iterator[Event]:
    """Let the optimizer take its step, and tell for each variable what it did."""
    variables = model.trainable_weights
    if not variables:
        return
    gradients = [g for one in trace.layers for g in one.gradients.values()]
    old = [v.numpy() for v in variables]
    model.optimizer.apply([g.copy() for g in gradients], variables)
    rule = next(iter((type(model.optimizer).__doc__ or "").splitlines()), "")
    for v, before, gradient in zip(variables, old, gradients, strict=True):
        data = {"old": before, "gradient": gradient, **slots_of(model.optimizer, v), "new": v.numpy()}
        rate = (
            f"learning rate {float(model.optimizer.learning_rate):g}, step {int(model.optimizer.iterations)}"
        )
        yield Event("update", v.path.partition("/")[2] or v.name, [rule, rate], data)


def slots_of(optimizer: Any, variable: Any) -> dict[str, Array]:
    """What the optimizer remembers of a variable, by name: copies in its shape."""
    home = optimizer._home(variable)
    return {
        name: optimizer._slots[name][home].reshape(variable.shape).copy()
        for group in optimizer._all_slots()
        for name in group
    }
