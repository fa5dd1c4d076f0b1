"""Writes what happens in training to files that TensorBoard shows: curves, histograms, the layers.

The files are written by the small library `tensorboardX`; TensorFlow is not needed. Besides Keras'
histograms of the weights there are those of the gradients, where vanishing and exploding can be seen.
"""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from minikeras.callbacks.base import Callback, Logs
from minikeras.errors import check_int
from minikeras.typing import Array


class TensorBoard(Callback):
    """Scalars for each epoch (or every so many batches), histograms of weights and gradients, the graph of layers.

    Then `tensorboard --logdir=logs` shows them. The tags are Keras' ones: `epoch_loss` in the folders
    train/ and validation/, `batch_loss`, `evaluation_loss_vs_iterations`, `<layer>/kernel/histogram`;
    and `<layer>/kernel/gradient` for the gradients of the last batch of an epoch.

    Args:
        log_dir: the folder.
        histogram_freq: after how many epochs histograms are written; 0 for never.
        write_graph: whether to write the chain of layers.
        write_images: whether to write the weights as images too, whenever histograms are written.
        write_steps_per_second: whether to write how fast the training is.
        update_freq: "epoch", or a number of batches after which to write scalars; "batch" means 1.
        profile_batch: must be 0; use Python's own profilers.
        embeddings_freq: must be 0.
        embeddings_metadata: must be None.

    Raises:
        ImportError: at the beginning of training, without the package `tensorboardX`.
        ValueError: for an argument that is wrong or not supported.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: int | str = "epoch",
        profile_batch: int = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ) -> None:
        super().__init__()
        for name, value in (("profile_batch", profile_batch), ("embeddings_freq", embeddings_freq)):
            if value != 0:
                raise ValueError(f"TensorBoard: `{name}` is not supported and must be 0. Received: {value!r}")
        if embeddings_metadata is not None:
            raise ValueError("TensorBoard: `embeddings_metadata` is not supported and must be None.")
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = check_int(self, "histogram_freq", histogram_freq, 0)
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq: int | None = None  # None: by epochs
        if update_freq != "epoch":
            self.update_freq = check_int(self, "update_freq", 1 if update_freq == "batch" else update_freq)
        self._writers: dict[str, Any] = {}
        self._training = False
        self._batches = 0
        self._start = self._batch_start = 0.0
        self._iterations = 0

    def _writer(self, part: str) -> Any:
        """The writer of the folder train/ or validation/, made at first use."""
        if part not in self._writers:
            try:
                from tensorboardX import SummaryWriter  # type: ignore[import-not-found, unused-ignore]
            except ImportError:
                raise ImportError(
                    'TensorBoard needs the package tensorboardX: pip install "minikeras[tensorboard]"'
                ) from None
            self._writers[part] = SummaryWriter(logdir=os.path.join(self.log_dir, part))
        return self._writers[part]

    def _scalars(self, part: str, pattern: str, logs: Logs, step: int) -> None:
        for name, value in logs.items():
            self._writer(part).add_scalar(pattern.format(name), value, global_step=step)

    # Hooks

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Write the graph."""
        self._batches, self._training = 0, True
        if self.write_graph:
            self._write_graph()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the files."""
        self._training = False
        self._close()

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Look at the clock."""
        self._start, self._iterations = time.perf_counter(), int(self.model.optimizer.iterations)

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Look at the clock."""
        self._batch_start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Write the running numbers, every `update_freq` batches."""
        self._batches += 1
        if self.update_freq and self._batches % self.update_freq == 0:
            found = dict(logs or {})
            if self.write_steps_per_second:
                found["steps_per_second"] = 1 / max(time.perf_counter() - self._batch_start, 1e-9)
            self._scalars("train", "batch_{}", found, self._batches)

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Write the results of a validation against the number of updates."""
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is not None:
            self._scalars("validation", "evaluation_{}_vs_iterations", logs or {}, int(optimizer.iterations))
        if not self._training:
            self._close()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the epoch's numbers, and the histograms if it is time."""
        logs = logs or {}
        train = {name: value for name, value in logs.items() if not name.startswith("val_")}
        train["learning_rate"] = float(self.model.optimizer.learning_rate)
        if self.write_steps_per_second:
            steps = int(self.model.optimizer.iterations) - self._iterations
            train["steps_per_second"] = steps / max(time.perf_counter() - self._start, 1e-9)
        self._scalars("train", "epoch_{}", train, epoch)
        validation = {n.removeprefix("val_"): value for n, value in logs.items() if n.startswith("val_")}
        self._scalars("validation", "epoch_{}", validation, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_histograms(epoch)
        for writer in self._writers.values():
            writer.flush()

    # Weights, gradients, layers

    def _write_histograms(self, epoch: int) -> None:
        writer, gradients = self._writer("train"), self.model.gradients
        for v in self.model.weights:
            writer.add_histogram(f"{v.path}/histogram", v.value, global_step=epoch)
            if v in gradients:
                writer.add_histogram(f"{v.path}/gradient", gradients[v], global_step=epoch)
            image = as_image(v.value) if self.write_images else None
            if image is not None:
                writer.add_image(f"{v.path}/image", image, global_step=epoch, dataformats="HW")

    def _write_graph(self) -> None:
        """The layers as a graph: each has the one before it as its input."""
        writer = self._writer("train")
        from tensorboardX.proto.event_pb2 import Event  # type: ignore[import-not-found, unused-ignore]
        from tensorboardX.proto.graph_pb2 import GraphDef  # type: ignore[import-not-found, unused-ignore]

        graph, before = GraphDef(), None
        for layer in self.model.layers:
            node = graph.node.add(name=layer.name, op=type(layer).__name__)
            if before is not None:
                node.input.append(before)
            before = layer.name
        writer.file_writer.add_event(Event(graph_def=graph.SerializeToString()))


def as_image(weights: Array) -> Array | None:
    """Weights as grey values from 0 to 1, wider than high; None for those with more than two axes."""
    w = np.squeeze(weights)
    if w.ndim > 2 or not w.size:
        return None
    w = np.atleast_2d(w)
    w = w.T if w.shape[0] > w.shape[1] else w
    low, high = float(w.min()), float(w.max())
    return (w - low) / (high - low if high > low else 1.0)
