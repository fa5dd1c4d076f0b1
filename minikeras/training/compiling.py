"""`compile`, and what a compiled model has at hand: loss, metrics, callbacks, contexts."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras import optimizers, registry
from minikeras.callbacks import CallbackList, History
from minikeras.context import Context
from minikeras.layers.base import Layer
from minikeras.metrics import Mean, Metric
from minikeras.training.compiled import (
    CompiledMetrics,
    Tally,
    check_metrics_argument,
    find_loss,
    to_logs,
    to_python,
)
from minikeras.training.step import TrainingStep, loss_value
from minikeras.typing import Array

NOT_COMPILED = "You must call `compile()` before using the model."


class Compiled(Layer):
    """A layer with an optimizer, a loss and metrics."""

    optimizer: Any = None
    loss: Any = None
    compiled = False
    stop_training = False
    history: History | None = None

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: float | None = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Choose how to train: the optimizer, the loss, and what to report.

        Args:
            optimizer: a name such as "adam", or an optimizer object.
            loss: a name such as "mse", a `Loss`, or an object with a value (call it) and a `gradient`.
            loss_weights: a factor for the loss.
            metrics: a list of names, metric objects or functions of (y_true, y_pred).
            weighted_metrics: the same, but these use sample weights.
            run_eagerly: without meaning here, like the following three; accepted for Keras' sake.
            steps_per_execution: see `run_eagerly`.
            jit_compile: see `run_eagerly`.
            auto_scale_loss: see `run_eagerly`.

        Raises:
            ValueError: for an unknown optimizer. Losses and metrics are looked up at the first batch.
        """
        if isinstance(loss_weights, (list, tuple)) and len(loss_weights) == 1:
            loss_weights = loss_weights[0]
        found = optimizers.get(optimizer)
        plain = check_metrics_argument("metrics", metrics)
        weighted = check_metrics_argument("weighted_metrics", weighted_metrics)
        self._compile_arguments: dict[str, Any] = {
            "optimizer": found,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile,
        }
        self.optimizer, self.loss = found, loss
        self._loss_weight = 1.0 if loss_weights is None else float(loss_weights)
        self._compiled_metrics = CompiledMetrics(plain, weighted)
        self._tally = Tally()
        self._found_loss: Any = None
        self._step: TrainingStep | None = None
        self.compiled = True

    def get_compile_config(self) -> dict[str, Any]:
        """The arguments of `compile` in JSON form; {} before it."""
        return registry.serialize(self._compile_arguments) if self.compiled else {}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """`compile` with what `get_compile_config` returned."""
        self.compile(**registry.deserialize(config))

    @property
    def metrics(self) -> list[Metric]:
        """The loss's mean and the metrics of `compile`, as far as they are known yet."""
        if not self.compiled:
            return []
        loss = Mean(name="loss")
        loss.direction = "down"
        return [loss, *self._compiled_metrics.metrics]

    @property
    def metrics_names(self) -> list[str]:
        """As in Keras: "loss", and "compile_metrics" where there are any."""
        if not self.compiled:
            return []
        return ["loss", "compile_metrics"] if self._compiled_metrics.identifiers else ["loss"]

    def reset_metrics(self) -> None:
        """Start loss and metrics anew."""
        self._tally.reset()
        self._compiled_metrics.reset()

    # parts of a step, for loops of one's own

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None
    ) -> float:
        """The loss of predictions, with the penalties of the weights."""
        self._check_compiled()
        y, p = np.asarray(y), np.asarray(y_pred)
        loss = loss_value(self._find_loss(y, p), y, p, sample_weight, None)
        return loss * self._loss_weight + float(sum(self.losses))

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        """Add a batch to the metrics; returns their values so far."""
        self._check_compiled()
        self._compiled_metrics.update(np.asarray(y), np.asarray(y_pred), sample_weight, None)
        return {name: to_python(value) for name, value in self._compiled_metrics.results().items()}

    # for the loops

    def standardize_input(self, x: Any) -> Array:
        """x, checked against the shape that the model was built for; builds it at first use."""
        raise NotImplementedError

    def _check_compiled(self) -> None:
        if not self.compiled:
            raise ValueError(f"{NOT_COMPILED} For example: model.compile(optimizer='adam', loss='mse')")

    def _callback_list(
        self, callbacks: Any, verbose: Any, epochs: int, steps: int | None, add_history: bool = False
    ) -> CallbackList:
        if isinstance(callbacks, CallbackList):
            return callbacks
        if verbose not in (0, 1, 2, "auto", True, False):
            raise ValueError(f"`verbose` must be 0, 1, 2 or 'auto'. Received: {verbose!r}")
        level = 1 if verbose == "auto" else int(verbose)
        return CallbackList(
            callbacks, add_history=add_history, add_progbar=level != 0, model=self,
            verbose=level, epochs=epochs, steps=steps,
        )  # fmt: skip

    def _take_context(self) -> Context:
        """A context for a pass without training, that no other thread uses."""
        try:
            return self._idle_contexts.pop()
        except IndexError:
            return Context(training=False, recording=False)

    def forget_passes(self) -> None:
        """Drop what was kept from step to step; called when the model changes."""
        self._idle_contexts: list[Context] = []
        self._step = None

    def _find_loss(self, y: Array, y_pred: Array) -> Any:
        if self._found_loss is None:
            self._found_loss = find_loss(self.loss, y, y_pred)
        return self._found_loss

    def _logs(self) -> dict[str, Any]:
        return to_logs(self._tally.result(), self._compiled_metrics.results())

    def _as_list(self) -> Any:
        """The loss, or a list of loss and metrics in the order of `compile`."""
        loss, results = self._tally.result(), self._compiled_metrics.results()
        return [loss, *map(to_python, results.values())] if results else loss
