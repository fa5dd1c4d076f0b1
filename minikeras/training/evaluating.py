"""`evaluate` and `predict`: the loops without training."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from minikeras.callbacks import CallbackList
from minikeras.errors import check_int
from minikeras.training.arrays import to_array
from minikeras.training.compiling import Compiled
from minikeras.training.data import ArrayBatches, Batch, Epochs, make_batches
from minikeras.training.sharing import threads_for
from minikeras.training.step import loss_value
from minikeras.typing import Array
from minikeras.workers import run_all, single_threaded_blas, split


class Evaluator(Compiled):
    """A compiled model that can be evaluated and used."""

    _evaluating: Any  # a lock: the metrics are the model's, so only one thread at a time adds to them

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
        """Loss and metrics on data, without training; threads that ask at a time wait for each other.

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
        with self._evaluating, single_threaded_blas():
            logs = self._evaluate(source, hooks)
            return dict(logs) if return_dict else self._as_list()

    def _evaluate(self, source: Epochs, hooks: CallbackList) -> dict[str, Any]:
        self.reset_metrics()
        hooks.on_test_begin()
        if hooks.wants_test_batches or not isinstance(source.batches, ArrayBatches) or not self.built:
            self._test_one_by_one(source, hooks)
        else:
            count = threads_for(self, source.batches.arrays[0].shape, source.batches.batch_size)
            batches = iter(source)
            while (group := list(islice(batches, count))) and not getattr(self, "stop_evaluating", False):
                self._test_batches(group)
        logs = self._logs()
        hooks.on_test_end(logs)
        return logs

    def _test_one_by_one(self, source: Epochs, hooks: CallbackList) -> None:
        watched = hooks.wants_test_batches
        for i, batch in enumerate(source):
            if watched:
                hooks.on_test_batch_begin(i)
            self._test_batches([batch])
            if watched:
                hooks.on_test_batch_end(i, self._logs)
            if getattr(self, "stop_evaluating", False):
                break

    def _test_batches(self, batches: list[Batch]) -> None:
        """Add batches to loss and metrics, in their order; each goes through the model in a thread of its own."""
        xs = [self.standardize_input(x) for x, _, _ in batches]
        contexts = [self._take_context() for _ in batches]
        for ctx in contexts:
            ctx.penalty = 0.0
        outputs = run_all([partial(self.run_forward, x, ctx) for x, ctx in zip(xs, contexts, strict=True)])
        for (x, y, weights), y_pred, ctx in zip(batches, outputs, contexts, strict=True):
            if y is None:
                raise ValueError("evaluate needs targets: y is None, or the generator yields (x,) only.")
            loss = ctx.penalty + sum(self.losses)
            if self.loss is not None:
                value = loss_value(self._find_loss(y, y_pred), y, y_pred, weights, ctx.output_mask)
                loss += value * self._loss_weight
            self._tally.add(float(loss), len(x))
            self._compiled_metrics.update(y, y_pred, weights, ctx.output_mask)
        self._idle_contexts.extend(contexts)

    def _test_batch(self, x: Array, y: Any, weights: Any) -> None:
        self._test_batches([(x, y, weights)])

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Loss and metrics of one batch, without training."""
        self._check_compiled()
        with self._evaluating:
            return self._on_batch(self._test_batch, x, y, sample_weight, None, return_dict)

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
        if isinstance(x, np.ndarray) and x.ndim and not (verbose or callbacks or steps):
            size = batch_size if type(batch_size) is int else 32
            if batch_size in (None, size) and 0 < len(x) <= size:
                return self._infer(x)  # one batch: there is nothing to loop over
        batches = make_batches(x, None, None, batch_size, steps, check_finite=False)
        source = Epochs(batches, steps)
        outputs = Outputs(batches.samples if isinstance(batches, ArrayBatches) and steps is None else None)
        with single_threaded_blas():
            if verbose or callbacks:
                self._predict_watched(
                    source, outputs, self._callback_list(callbacks, verbose, 1, source.steps)
                )
            elif isinstance(batches, ArrayBatches) and outputs.rows is not None:
                self._predict_rows(batches, outputs)
            else:
                for part, _, _ in source:
                    outputs.add(self.predict_on_batch(part))
        return outputs.joined()

    def _predict_watched(self, source: Epochs, outputs: Outputs, hooks: CallbackList) -> None:
        hooks.on_predict_begin()
        for i, (part, _, _) in enumerate(source):
            hooks.on_predict_batch_begin(i)
            y = self.predict_on_batch(part)
            outputs.add(y)
            hooks.on_predict_batch_end(i, lambda y=y: {"outputs": y})  # type: ignore[misc]
        hooks.on_predict_end()

    def _predict_rows(self, batches: ArrayBatches, outputs: Outputs) -> None:
        """Whole batches, so that the outputs are the same to the bit, shared out among threads."""
        x, size = batches.arrays[0], batches.batch_size

        def predict(numbers: range) -> None:
            for i in numbers:
                outputs.put(i * size, self._infer(x[i * size : (i + 1) * size]))

        count = -(-len(x) // size)
        predict(range(min(count, 1)))  # this one makes the arrays for the outputs
        rest = range(1, count)
        run_all([partial(predict, rest[part]) for part in split(len(rest), threads_for(self, x.shape, size))])

    def predict_on_batch(self, x: Any) -> Any:
        """The model's outputs for one batch."""
        batch = to_array(x, "x")
        if batch is None:
            raise ValueError("x is None: there is no data to work on.")
        return self._infer(batch)

    def _infer(self, x: Array, mask: Array | None = None) -> Any:
        """The outputs for an array, as arrays of the caller's own."""
        x = self.standardize_input(x)
        ctx = self._take_context()
        ctx.mask = mask
        y = self.run_forward(x, ctx)
        result = y.copy() if isinstance(y, np.ndarray) else [part.copy() for part in y]
        self._idle_contexts.append(ctx)
        return result

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


class Outputs:
    """The outputs of batches, joined to one array, or to one for each output of the model.

    Args:
        rows: how many there will be; None where that is not known. When it is, each batch is written
            where it belongs, and the outputs never exist twice.
    """

    def __init__(self, rows: int | None) -> None:
        self.rows = rows
        self.filled = 0
        self.parts: list[list[Array]] = []  # of each output
        self.several = False

    def add(self, y: Any) -> None:
        """Add the next batch."""
        if self.rows is not None:
            self.put(self.filled, y)
        else:
            self._prepare(y, lambda part: [])
            for parts, part in zip(self.parts, y if self.several else [y], strict=True):
                parts.append(part)
        self.filled += len(y[0] if self.several else y)

    def put(self, start: int, y: Any) -> None:
        """Put a batch where it belongs, from row `start` on; `rows` must be known."""
        self._prepare(y, lambda part: [np.empty((self.rows, *part.shape[1:]), part.dtype)])
        for (whole,), part in zip(self.parts, y if self.several else [y], strict=True):
            whole[start : start + len(part)] = part

    def _prepare(self, y: Any, make: Callable[[Array], list[Array]]) -> None:
        if not self.parts:
            self.several = isinstance(y, list)
            self.parts = [make(part) for part in (y if self.several else [y])]

    def joined(self) -> Any:
        """All batches."""
        if not self.parts:
            raise ValueError("predict got no batch of data.")
        columns = [parts[0] if len(parts) == 1 else np.concatenate(parts) for parts in self.parts]
        return columns if self.several else columns[0]
