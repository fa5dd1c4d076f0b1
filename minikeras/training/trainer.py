"""`fit`: the loop over epochs and batches around the training step.

A `Trainer` is the half of a model that knows of data, loss, metrics, optimizer and callbacks; the
other half, in `models.py`, knows of layers. What happens within one step stands in `step.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minikeras.callbacks import CallbackList, History
from minikeras.errors import check_int
from minikeras.losses import Loss
from minikeras.training.arrays import split_off, to_array
from minikeras.training.data import ArrayBatches, Batches, Epochs, is_stream, make_batches
from minikeras.training.evaluating import Evaluator
from minikeras.training.interrupt import Interrupt, deferred_interrupt
from minikeras.training.nonfinite import first_nonfinite
from minikeras.training.resuming import Resumable
from minikeras.training.step import TrainingStep
from minikeras.typing import Array
from minikeras.variable import Variable
from minikeras.workers import single_threaded_blas


class Trainer(Resumable, Evaluator):
    """A compiled model that can be trained. `Sequential` adds the layers inside."""

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
        counts = {"epochs": epochs, "steps_per_epoch": steps_per_epoch, "validation_steps": validation_steps}
        _check_counts(initial_epoch, validation_freq, counts)
        if validation_split and validation_data is None:
            (x, y, sample_weight), validation_data = self._split(x, y, sample_weight, validation_split)
        batches = make_batches(x, y, sample_weight, batch_size, steps_per_epoch, shuffle, class_weight)
        if self._found_loss is None and isinstance(batches, ArrayBatches):
            batches.draw_order()  # Keras looks at one shuffled batch first: this keeps its order of samples
        validation = self._validation_batches(
            validation_data, validation_batch_size or batch_size, validation_steps
        )

        def validate(epoch: int) -> dict[str, Any]:
            if validation is None or not _is_due(epoch, validation_freq):
                return {}
            found = self._evaluate(Epochs(validation, validation_steps), hooks)
            return {f"val_{name}": value for name, value in found.items()}

        source = Epochs(batches, steps_per_epoch)
        hooks = self._callback_list(callbacks, verbose, epochs, source.steps, add_history=True)
        self._train(range(initial_epoch, epochs), source, validate, hooks)
        assert self.history is not None
        return self.history

    @property
    def gradients(self) -> dict[Variable, Array]:
        """dL/dweight in the last training step, clipped if the optimizer clips; empty before the first."""
        step = self._step
        return {} if step is None else {v: step.ctx.grad(v) for v in step.variables}

    def first_nonfinite(self, weights: list[Array]) -> str | None:
        """Where in the last training step, which began with these weights, there first was a NaN or an infinity.

        Returns:
            The layer, the pass, the share of such numbers and the likely cause; None when there is none.
        """
        return None if self._step is None else first_nonfinite(self, weights, self._step.batch)

    def _train(
        self,
        epochs: range,
        source: Epochs,
        validate: Callable[[int], dict[str, Any]],
        hooks: CallbackList,
    ) -> None:
        """The loop over epochs."""
        self.stop_training = False
        logs: dict[str, Any] = {}
        with single_threaded_blas(), deferred_interrupt() as interrupt, self._training_from(source):
            hooks.on_train_begin()
            for epoch in range(self._first_epoch or epochs.start, epochs.stop):
                if self.stop_training:  # a run that was interrupted when it had decided to stop
                    break
                hooks.on_epoch_begin(epoch)
                logs = self._train_epoch(source, hooks, interrupt)
                logs = dict(sorted({**logs, **validate(epoch)}.items()))
                hooks.on_epoch_end(epoch, logs)
                interrupt.check()
                if self.stop_training or source.exhausted:
                    break
            self.optimizer.finalize_variable_values(self.trainable_weights)
            hooks.on_train_end(logs)

    def _train_epoch(self, source: Epochs, hooks: CallbackList, interrupt: Interrupt) -> dict[str, Any]:
        if not source.given:
            self.reset_metrics()
        self._drop_stale_step()
        watched = hooks.wants_train_batches
        for i, (x, y, weights) in enumerate(source, source.given):
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
        if y is None:
            raise ValueError("fit needs targets: y is None, or the generator yields (x,) only.")
        x = self.standardize_input(x)
        if self._step is None:
            self._step = self._make_step(x, y)
            self._step.ctx.restore_generators(self._generators)
            self._generators = {}
        loss, y_pred = self._step(self, x, y, weights)
        self._tally.add(loss, len(x))
        self._compiled_metrics.update(y, y_pred, weights, self._step.parts.output_mask)

    def _drop_stale_step(self) -> None:
        """Forget the step's arrays if the weights have moved out of them since the last epoch."""
        if self._step is not None and not self._step.still_fits():
            self._step = None

    def _make_step(self, x: Array, y: Any) -> TrainingStep:
        if self.loss is None:
            raise ValueError(
                "No loss to compute: give one, such as model.compile(optimizer='adam', loss='mse'), before `fit`."
            )
        if not self.trainable_weights and not self.weights:
            raise ValueError(f"Model {self.name!r} has no weights to train.")
        self._find_loss(y, np.empty(self._output_shape_for(x), self.dtype))
        return TrainingStep(self, self._found_loss, self._loss_weight, self.optimizer, x.shape)

    def _output_shape_for(self, x: Array) -> Any:
        shape = self.compute_output_shape(x.shape)
        return tuple(1 if n is None else n for n in shape) if isinstance(shape, tuple) else (0,)

    def _check_fit(self, batches: ArrayBatches) -> None:
        """Raise a `ShapeError` unless inputs and targets fit the model and its loss."""
        x, y, _ = (None if a is None else a[: batches.batch_size] for a in batches.arrays)
        x = self.standardize_input(x)
        if self.loss is not None and y is not None:
            y_pred = np.empty(self._output_shape_for(x), self.dtype)
            loss = self._find_loss(y, y_pred)
            if isinstance(loss, Loss):
                loss.align(y, y_pred)

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
        batches = make_batches(x, y, weights, batch_size, steps)
        if isinstance(batches, ArrayBatches):
            self._check_fit(batches)  # now, and not only after an epoch of training
        return batches

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
        self._drop_stale_step()
        return self._on_batch(self._train_batch, x, y, sample_weight, class_weight, return_dict)


def _check_counts(initial_epoch: Any, validation_freq: Any, counts: dict[str, Any]) -> None:
    """Raise a `ValueError` unless the numbers that `fit` was given can be counted to."""
    check_int("fit", "initial_epoch", initial_epoch, 0)
    for name, value in counts.items():
        if value is not None or name == "epochs":
            check_int("fit", name, value)
    for value in validation_freq if isinstance(validation_freq, (list, tuple, set)) else [validation_freq]:
        check_int("fit", "validation_freq", value)


def _is_due(epoch: int, validation_freq: Any) -> bool:
    """Whether this epoch, counted from 0, ends with validation."""
    if isinstance(validation_freq, int):
        return (epoch + 1) % validation_freq == 0
    return epoch + 1 in validation_freq
