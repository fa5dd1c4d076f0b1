"""`compile`, `fit`, `evaluate` and `predict`: the loops around the training step.

A `Trainer` is the half of a model that knows of data, loss, metrics, optimizer and callbacks; the
other half, in `models.py`, knows of layers. What happens within one step stands in `step.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minikeras import optimizers, registry
from minikeras.callbacks import CallbackList, History
from minikeras.context import Context
from minikeras.errors import check_int
from minikeras.layers.base import Layer
from minikeras.metrics import Mean, Metric
from minikeras.training.arrays import split_off, to_array
from minikeras.training.compiled import (
    CompiledMetrics,
    Tally,
    check_metrics_argument,
    find_loss,
    to_logs,
    to_python,
)
from minikeras.training.data import ArrayBatches, Batches, Epochs, is_stream, make_batches
from minikeras.training.interrupt import Interrupt, deferred_interrupt
from minikeras.training.step import TrainingStep, loss_value
from minikeras.typing import Array

NOT_COMPILED = "You must call `compile()` before using the model."


class Trainer(Layer):
    """A layer that can be trained. `Sequential` adds the layers inside."""

    optimizer: Any = None
    loss: Any = None
    compiled = False
    stop_training = False
    history: History | None = None

    # compile

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

    # fit

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool | str = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> History:
        """Train on data, epoch after epoch; returns the `History` of loss and metrics.

        Args:
            x: inputs, one row per sample; or a generator or `PyDataset` of (x, y) or (x, y, weights).
            y: targets.
            batch_size: samples per step, 32 by default.
            epochs: the number of the last epoch, counted from 1.
            verbose: 0 silent, 1 a progress bar, 2 a line per epoch; "auto" is 1.
            callbacks: a list of `Callback` objects.
            validation_split: the share of the samples, taken from the end, that is kept for validation.
            validation_data: (x, y), (x, y, weights) or a dataset to evaluate after each epoch.
            shuffle: whether the samples come in a new order each epoch; "batch": only within batches.
            class_weight: a factor for the loss of each class, {class: weight}.
            sample_weight: a factor for the loss of each sample.
            initial_epoch: the epoch to go on from.
            steps_per_epoch: batches per epoch; all of them when None.
            validation_steps: batches per validation.
            validation_batch_size: `batch_size` when None.
            validation_freq: validate every so many epochs, or a list of epochs (from 1).

        Raises:
            ValueError: before `compile`, or for data and arguments that cannot be right.
            KeyboardInterrupt: on Ctrl-C, after the step that is running; the model stays usable.
        """
        self._check_compiled()
        epochs, initial_epoch = (
            check_int("fit", "epochs", epochs),
            check_int("fit", "initial_epoch", initial_epoch, 0),
        )
        steps = None if steps_per_epoch is None else check_int("fit", "steps_per_epoch", steps_per_epoch)
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = self._split(x, y, sample_weight, validation_split)
        batches = make_batches(x, y, sample_weight, batch_size, steps, shuffle, class_weight)
        validation = self._validation_batches(
            validation_data, validation_batch_size or batch_size, validation_steps
        )
        if self._found_loss is None and isinstance(batches, ArrayBatches):
            batches.draw_order()  # Keras looks at one shuffled batch first: this keeps its order of samples
        source = Epochs(batches, steps)
        hooks = self._callback_list(callbacks, verbose, epochs, source.steps, add_history=True)
        self.stop_training = False
        logs: dict[str, Any] = {}
        with deferred_interrupt() as interrupt:
            hooks.on_train_begin()
            for epoch in range(initial_epoch, epochs):
                hooks.on_epoch_begin(epoch)
                logs = self._train_epoch(source, hooks, interrupt)
                if validation is not None and _is_due(epoch, validation_freq):
                    found = self._evaluate(Epochs(validation, validation_steps), hooks)
                    logs.update({f"val_{name}": value for name, value in found.items()})
                    logs = dict(sorted(logs.items()))
                hooks.on_epoch_end(epoch, logs)
                interrupt.check()
                if self.stop_training or source.exhausted:
                    break
            self.optimizer.finalize_variable_values(self.trainable_weights)
            hooks.on_train_end(logs)
        assert self.history is not None
        return self.history

    def _train_epoch(self, source: Epochs, hooks: CallbackList, interrupt: Interrupt) -> dict[str, Any]:
        self.reset_metrics()
        watched = hooks.wants_train_batches
        for i, (x, y, weights) in enumerate(source):
            if watched:
                hooks.on_train_batch_begin(i)
            self._train_batch(x, y, weights)
            if watched:
                hooks.on_train_batch_end(i, self._logs)
            interrupt.check()
            if self.stop_training:
                break
        return self._logs()

    def _train_batch(self, x: Array, y: Any, weights: Any) -> None:
        x = self.standardize_input(x)
        if self._step is None or not self._step.still_fits():
            self._step = self._make_step(x, y)
        loss, y_pred = self._step(x, y, weights)
        self._tally.add(loss, len(x))
        self._compiled_metrics.update(y, y_pred, weights, self._step.ctx.output_mask)

    def _make_step(self, x: Array, y: Any) -> TrainingStep:
        if self.loss is None:
            raise ValueError(
                "No loss to compute: give one, such as model.compile(optimizer='adam', loss='mse'), before `fit`."
            )
        if y is None:
            raise ValueError("fit needs targets: y is None, or the generator yields (x,) only.")
        if not self.trainable_weights and not self.weights:
            raise ValueError(f"Model {self.name!r} has no weights to train.")
        self._find_loss(y, np.empty(self._output_shape_for(x), self.dtype))
        return TrainingStep(self, self._found_loss, self._loss_weight, self.optimizer)

    def _output_shape_for(self, x: Array) -> Any:
        shape = self.compute_output_shape(x.shape)
        return tuple(1 if n is None else n for n in shape) if isinstance(shape, tuple) else (0,)

    def _find_loss(self, y: Array, y_pred: Array) -> Any:
        if self._found_loss is None:
            self._found_loss = find_loss(self.loss, y, y_pred)
        return self._found_loss

    def _logs(self) -> dict[str, Any]:
        return to_logs(self._tally.result(), self._compiled_metrics.results())

    def _split(self, x: Any, y: Any, weights: Any, fraction: float) -> tuple[list[Any], Any]:
        if is_stream(x):
            raise ValueError("`validation_split` needs arrays: a generator or dataset cannot be split.")
        arrays = to_array(x, "x"), to_array(y, "y"), to_array(weights, "sample_weight")
        if arrays[0] is None:
            raise ValueError("x is None: there is no data to work on.")
        train, held_out = split_off(arrays, fraction)
        return train, tuple(held_out)

    def _validation_batches(self, data: Any, batch_size: int | None, steps: int | None) -> Batches | None:
        if data is None:
            return None
        if is_stream(data):
            return make_batches(data)
        if not isinstance(data, (tuple, list)) or not 2 <= len(data) <= 3:
            raise ValueError(
                "`validation_data` must be (x, y), (x, y, sample_weight) or a dataset. "
                f"Received: {type(data).__name__}"
            )
        x, y, weights = (*data, None)[:3]
        return make_batches(x, y, weights, batch_size, steps)

    # evaluate

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Loss and metrics on data, without training.

        Args:
            x: inputs, or a generator or dataset; see `fit`, as for the following.
            y: targets.
            batch_size: 32 by default.
            verbose: 0, 1 or 2.
            sample_weight: a factor for the loss of each sample.
            steps: at most so many batches.
            callbacks: a list of `Callback` objects.
            return_dict: return {name: value}.

        Returns:
            The loss, or [loss, metric, ...] where there are metrics, or the dict.

        Raises:
            ValueError: before `compile`, or for data that cannot be right.
        """
        self._check_compiled()
        steps = None if steps is None else check_int("evaluate", "steps", steps)
        batches = make_batches(x, y, sample_weight, batch_size, steps)
        source = Epochs(batches, steps)
        hooks = self._callback_list(callbacks, verbose, 1, source.steps)
        logs = self._evaluate(source, hooks)
        return dict(logs) if return_dict else self._as_list()

    def _evaluate(self, source: Epochs, hooks: CallbackList) -> dict[str, Any]:
        self.reset_metrics()
        hooks.on_test_begin()
        watched = hooks.wants_test_batches
        for i, (x, y, weights) in enumerate(source):
            if watched:
                hooks.on_test_batch_begin(i)
            self._test_batch(x, y, weights)
            if watched:
                hooks.on_test_batch_end(i, self._logs)
            if getattr(self, "stop_evaluating", False):
                break
        logs = self._logs()
        hooks.on_test_end(logs)
        return logs

    def _test_batch(self, x: Array, y: Any, weights: Any) -> None:
        x = self.standardize_input(x)
        if y is None:
            raise ValueError("evaluate needs targets: y is None, or the generator yields (x,) only.")
        ctx = self._take_context()
        ctx.penalty = 0.0
        y_pred = self.run_forward(x, ctx)
        loss = ctx.penalty + sum(self.losses)
        if self.loss is not None:
            value = loss_value(self._find_loss(y, y_pred), y, y_pred, weights, ctx.output_mask)
            loss += value * self._loss_weight
        self._tally.add(float(loss), len(x))
        self._compiled_metrics.update(y, y_pred, weights, ctx.output_mask)
        self._idle_contexts.append(ctx)

    def _as_list(self) -> Any:
        """The loss, or a list of loss and metrics in the order of `compile`."""
        loss, results = self._tally.result(), self._compiled_metrics.results()
        return [loss, *map(to_python, results.values())] if results else loss

    # predict

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The model's outputs for data, as one array; may be called from many threads at a time.

        Args:
            x: inputs, one row per sample, or a generator or dataset of (x,).
            batch_size: 32 by default.
            verbose: 0 silent, 1 a progress bar, 2 a line; "auto" is 1.
            steps: at most so many batches.
            callbacks: a list of `Callback` objects.
        """
        batches = make_batches(x, None, None, batch_size, steps, check_finite=False)
        source = Epochs(batches, steps)
        quiet = not verbose and not callbacks
        hooks = None if quiet else self._callback_list(callbacks, verbose, 1, source.steps)
        parts: list[Any] = []
        if hooks:
            hooks.on_predict_begin()
        for i, (part, _, _) in enumerate(source):
            if hooks:
                hooks.on_predict_batch_begin(i)
            parts.append(self.predict_on_batch(part))
            if hooks:
                hooks.on_predict_batch_end(i, lambda: {"outputs": parts[-1]})
        if hooks:
            hooks.on_predict_end()
        return _join(parts)

    def predict_on_batch(self, x: Any) -> Any:
        """The model's outputs for one batch."""
        x = self.standardize_input(to_array(x, "x"))
        ctx = self._take_context()
        y = self.run_forward(x, ctx)
        result = y.copy() if isinstance(y, np.ndarray) else [part.copy() for part in y]
        self._idle_contexts.append(ctx)
        return result

    def _take_context(self) -> Context:
        """A context for a pass without training, that no other thread uses."""
        try:
            return self._idle_contexts.pop()
        except IndexError:
            return Context(training=False, recording=False)

    # one batch

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """One training step; returns the loss, or [loss, metric, ...], or a dict."""
        self._check_compiled()
        return self._on_batch(self._train_batch, x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Loss and metrics of one batch, without training."""
        self._check_compiled()
        return self._on_batch(self._test_batch, x, y, sample_weight, None, return_dict)

    def _on_batch(
        self,
        work: Callable[[Array, Any, Any], None],
        x: Any,
        y: Any,
        weights: Any,
        class_weight: Any,
        as_dict: bool,
    ) -> Any:
        batches = make_batches(x, y, weights, batch_size=max(1, len(x)), class_weight=class_weight)
        self.reset_metrics()
        for batch in batches:
            work(*batch)
        return self._logs() if as_dict else self._as_list()

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

    # helpers

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

    def forget_passes(self) -> None:
        """Drop what was kept from step to step; called when the model changes."""
        self._idle_contexts: list[Context] = []
        self._step = None


def _is_due(epoch: int, validation_freq: Any) -> bool:
    """Whether this epoch, counted from 0, ends with validation."""
    if isinstance(validation_freq, int):
        return (epoch + 1) % validation_freq == 0
    return epoch + 1 in validation_freq


def _join(parts: list[Any]) -> Any:
    """Batches of outputs as one array, or one for each output."""
    if not parts:
        raise ValueError("predict got no batch of data.")
    if isinstance(parts[0], list):
        return [np.concatenate(column) for column in zip(*parts, strict=True)]
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
