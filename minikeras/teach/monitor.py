"""What goes on inside a model while it learns, and what to do about it.

After each epoch the monitor takes one training step with a copy of the model on a batch of its own,
and notes for each layer: how large the gradient is, how far the optimizer would move the weights,
how many units are dead or saturated, and how the outputs are distributed.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from minikeras.activations import Relu
from minikeras.callbacks import Callback
from minikeras.layers import ReLU
from minikeras.markup import Markup, View, curves, join, tag
from minikeras.teach.figures import finish, subplots
from minikeras.teach.trace import LayerTrace, run_trace
from minikeras.typing import Array

BINS = 30
HEALTHY = 1e-3  # |update| / |weights| of one step
MANY = 0.5  # dead or saturated units that are worth a word


class Monitor(Callback, View):
    """A callback: `monitor = Monitor(x[:256], y[:256])`, `fit(..., callbacks=[monitor])`, `monitor.diagnose()`.

    Args:
        x: a batch to look at the model with; some hundred training samples are plenty.
        y: its targets.

    Attributes:
        data: for each epoch {layer: {"gradient": norm, "ratio": |update| / |weights| of one step, "dead": share of
            units that are zero for the whole batch, "saturated": share of outputs, "histogram": (counts, edges)}}.
            A number is None where it has no meaning for a layer.
    """

    title = "monitor"

    def __init__(self, x: Any, y: Any) -> None:
        super().__init__()
        if y is None:
            raise ValueError("Monitor needs targets, or there are no gradients to watch: Monitor(x, y).")
        if len(x) != len(y):
            raise ValueError(f"Monitor: x has {len(x)} samples and y {len(y)}.")
        self.x, self.y = np.asarray(x), np.asarray(y)
        self.data: list[dict[str, dict[str, Any]]] = []

    def on_train_begin(self, logs: Any = None) -> None:
        """Start anew."""
        self.data = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Take one step with a copy of the model, and note what happens."""
        twin = copy.deepcopy(self.model)
        with np.errstate(all="ignore"):  # a model that diverges is to be described, not to raise here
            seen = run_trace(twin, twin.standardize_input(twin.cast_input(self.x)), self.y, True)
            before = {v: v.numpy() for v in twin.trainable_weights}
            gradients = [g.copy() for one in seen.layers for g in one.gradients.values()]
            if gradients:
                twin.optimizer.apply(gradients, twin.trainable_weights)
            self.data.append({one.name: _notes(one, before) for one in seen.layers})

    def series(self, what: str) -> dict[str, list[float]]:
        """{layer: one number for each epoch} of "gradient", "ratio", "dead" or "saturated"."""
        layers = [
            name for name, notes in (self.data[0] if self.data else {}).items() if notes[what] is not None
        ]
        return {name: [epoch[name][what] for epoch in self.data] for name in layers}

    def diagnose(self) -> str:
        """What looks wrong, and what may help, in words."""
        return "\n".join(self._findings()) or "Nothing looks wrong."

    def _findings(self) -> list[str]:
        if not self.data:
            return ["Nothing was seen yet: give the monitor to fit(..., callbacks=[monitor])."]
        found = self._about_size()
        for what, words, advice in (
            (
                "dead",
                "of the units never fire",
                "try kernel_initializer='he_normal', or a lower learning rate",
            ),
            (
                "saturated",
                "of the outputs are saturated",
                "try smaller initial weights, scaled inputs, or relu",
            ),
        ):
            for name, shares in list(self.series(what).items()):
                if shares[-1] >= MANY and not (what == "saturated" and name == list(self.data[0])[-1]):
                    found.append(f"{name}: {shares[-1]:.0%} {words} {_since(shares, MANY)}; {advice}.")
        for name, ratios in self.series("ratio").items():
            if ratios[-1] > 30 * HEALTHY:
                found.append(
                    f"{name}: one step changes the weights by {ratios[-1]:.1%}; about 0.1 % is healthy: lower the "
                    "learning rate."
                )
            elif 0 < ratios[-1] < HEALTHY / 300:
                found.append(
                    f"{name}: one step changes the weights by {ratios[-1]:.1g} of their size only; about 0.001 is "
                    "healthy: raise the learning rate, unless the model has learned all it can."
                )
        return found

    def _about_size(self) -> list[str]:
        """Gradients that are no numbers, explode, or vanish on the way down."""
        gradients = self.series("gradient")
        for epoch, notes in enumerate(self.data, 1):
            bad = [
                n
                for n, note in notes.items()
                if note["gradient"] is not None and not np.isfinite(note["gradient"])
            ]
            if bad:
                return [
                    f"{bad[-1]}: its gradient is not finite since epoch {epoch}; lower the learning rate, or clip the "
                    "gradients (optimizer with clipnorm=1.0)."
                ]
        found = [
            f"{name}: its gradient grew {g[-1] / g[0]:.0f}-fold since epoch 1; lower the learning rate, or clip it."
            for name, g in gradients.items()
            if g[0] > 0 and g[-1] > 100 * g[0]
        ]
        if len(gradients) > 1:
            (first, low), *_, (last, high) = gradients.items()
            if 0 <= low[-1] < 1e-3 * high[-1]:
                found.append(
                    f"{first}: its gradient is {low[-1] / high[-1]:.1g} of that of {last}: gradients vanish on the "
                    "way down; try relu, batch normalization, or fewer layers."
                )
        return found

    def plot(self) -> Any:
        """A matplotlib figure: gradients, updates, dead and saturated units, and the last epoch's outputs."""
        figure, axes = subplots(2, 2, (9, 6))
        for axis, what in zip(axes.flat, ("gradient", "ratio", "dead"), strict=False):
            for name, values in self.series(what).items():
                axis.plot(range(1, len(values) + 1), values, marker="o", markersize=3, label=name)
            title = "share of dead units; dashed: of saturated outputs" if what == "dead" else _TITLES[what]
            axis.set(title=title, xlabel="epoch")
            axis.locator_params(axis="x", integer=True)
            if what != "dead":
                axis.set_yscale("log")
        for name, values in self.series("saturated").items():
            axes[1, 0].plot(
                range(1, len(values) + 1), values, "--", marker="o", markersize=3, label=f"{name}, saturated"
            )
        axes[0, 1].axhline(HEALTHY, color="grey", linewidth=0.8, linestyle=":")
        axes[1, 0].set_ylim(-0.03, 1.03)
        for name, notes in (self.data[-1] if self.data else {}).items():
            counts, edges = notes["histogram"]
            axes[1, 1].stairs(counts / max(counts.sum(), 1), edges, label=name)
        axes[1, 1].set(title="outputs, last epoch", xlabel="y", yscale="log")
        for axis in axes.flat:
            if axis.get_legend_handles_labels()[0]:
                axis.legend(fontsize=7)
        return finish(figure)

    def __str__(self) -> str:
        return self.diagnose()

    def html(self) -> Markup:
        """The diagnosis, and curves of the numbers."""
        parts: list[object] = [tag("p", line) for line in self.diagnose().splitlines()]
        for what, text in _TITLES.items():
            if self.series(what):
                parts.append(
                    tag(
                        "div",
                        join(
                            [
                                tag("h3", text),
                                curves(self.series(what), logarithmic=what in ("gradient", "ratio")),
                            ]
                        ),
                    )
                )
        return join(parts)

    __repr__ = __str__


_TITLES = {
    "gradient": "|gradient| of each layer",
    "ratio": "|update| / |weights| of one step",
    "dead": "share of dead units",
    "saturated": "share of saturated outputs",
}


def _since(shares: list[float], least: float) -> str:
    """Since which epoch a share has been that high."""
    below = [epoch for epoch, share in enumerate(shares, 1) if share < least]
    return f"since epoch {below[-1] + 1 if below else 1}"


def _notes(one: LayerTrace, before: dict[Any, Array]) -> dict[str, Any]:
    weights = [v for v in one.layer.trainable_weights if v.ndim > 1] or one.layer.trainable_weights
    old = np.sqrt(sum(float((before[v].astype(float) ** 2).sum()) for v in weights))
    step = np.sqrt(sum(float(((v.value - before[v]).astype(float) ** 2).sum()) for v in weights))
    squares = [float((g.astype(float) ** 2).sum()) for g in one.gradients.values()]
    fires = isinstance(one.f, Relu) or isinstance(one.layer, ReLU)
    units = one.y.reshape(-1, one.y.shape[-1])
    finite = one.y[np.isfinite(one.y)]
    return {
        "gradient": float(np.sqrt(sum(squares))) if squares else None,
        "ratio": float(step / old if old > 0 else np.nan) if weights else None,
        "dead": float((units == 0).all(axis=0).mean()) if fires else None,
        "saturated": one.saturated,
        "histogram": np.histogram(finite.astype(float), BINS),
    }
