"""Connectionist temporal classification: labels for a sequence, without saying at which step each stands.

The network gives class scores at every step, class 0 meaning "nothing new". A path, one class per step,
spells the labels if merging its repeats and then dropping its zeros leaves them. The loss is minus
the log of the probability of all such paths together, which a forward pass over the steps adds up; a
backward pass does the same from the other end, and the two meet in the gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.activations.rows import LogSoftmax
from minikeras.errors import ShapeError
from minikeras.losses.base import Loss, as_float
from minikeras.typing import Array

BLANK = 0
IMPOSSIBLE = -1e5  # log 0, as in Keras: labels too many for the steps have a large loss, not an infinite one


class CTC(Loss):
    """v = −log Σ over the paths that spell the labels of Π p[t, path[t]], with p = softmax(z).

    dv/dz[t, k] = p[t, k] − γ[t, k], with γ[t, k] the share of those paths that are at class k at step t.

    `y_true` has shape (batch, labels): whole numbers; 0 is blank and fills up short rows at their end.
    `y_pred` has shape (batch, steps, classes): the scores z, before any softmax.

    Source: Graves et al., "Connectionist temporal classification", 2006.
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "ctc",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction, name, dtype)

    def align(self, y_true: Any, y_pred: Any) -> tuple[Array, Array]:
        """Labels as integers, scores as floats.

        Raises:
            ShapeError: when they have not two and three axes, or differ in the batch.
            ValueError: for a label that is no class, or a zero before a label.
        """
        y, z = np.asarray(y_true), as_float(y_pred, self.dtype)
        where = f"loss {self.name!r}"
        if z.ndim != 3:
            raise ShapeError(
                where,
                "y_pred of shape (batch, steps, classes)",
                f"y_pred {z.shape}",
                "return_sequences=True?",
            )
        if y.ndim != 2 or len(y) != len(z):
            fix = "give one row of labels per sample, short rows filled up with 0 at the end"
            raise ShapeError(where, f"y_true of shape ({len(z)}, labels)", f"y_true {y.shape}", fix)
        labels = y.astype("int64")
        bad = (labels != y) | (labels < 0) | (labels >= z.shape[-1])
        bad[:, 1:] |= (labels[:, 1:] != BLANK) & (labels[:, :-1] == BLANK)
        if bad.any():
            row, column = (int(i) for i in np.argwhere(bad)[0])
            raise ValueError(
                f"Loss {self.name!r}: label {y[row, column]} at index {(row, column)} cannot be. Labels are whole "
                f"numbers from 1 to {z.shape[-1] - 1}; 0 is blank, and only fills up rows at their end."
            )
        return labels, z

    def call(self, y_true: Array, y_pred: Array) -> Array:
        scores, skip, last = _spelling(y_true, LogSoftmax(-1)(y_pred))
        return -_total(_forward(scores, skip)[:, -1], last)

    def backward(self, dv: Array, y_true: Array, y_pred: Array) -> Array:
        log_p = LogSoftmax(-1)(y_pred)
        scores, skip, last = _spelling(y_true, log_p)  # (batch, steps, states)
        alpha, beta = _forward(scores, skip), _backward(scores, skip, last)
        total = _total(alpha[:, -1], last)
        # The share of the paths that are in state s at step t; the score of (t, s) stands in α and in β.
        share = np.exp(alpha + beta - scores - total[:, None, None])
        dz = np.exp(log_p)
        batch = np.arange(len(y_true))
        for s, classes in enumerate(_states(y_true).T):  # a class that occurs twice has several states
            dz[batch, :, classes] -= share[:, :, s]  # dv/dz = p − γ
        return np.asarray(dv)[:, None, None] * dz


def _states(labels: Array) -> Array:
    """The labels with a blank before, between and after: (batch, 2 labels + 1)."""
    states = np.full((len(labels), 2 * labels.shape[1] + 1), BLANK, labels.dtype)
    states[:, 1::2] = labels
    return states


def _spelling(labels: Array, log_p: Array) -> tuple[Array, Array, Array]:
    """The score of each state at each step, that of skipping to a state, and the last state of each row."""
    states = _states(labels)  # (batch, states)
    scores = np.take_along_axis(log_p, states[:, None, :], axis=2)  # (batch, steps, states)
    skip = np.full(states.shape, -np.inf, log_p.dtype)
    skip[:, 3::2] = np.where(labels[:, 1:] != labels[:, :-1], 0, IMPOSSIBLE)  # over the blank between labels
    return scores, skip, 2 * (labels != BLANK).sum(axis=1)


def _total(alpha: Array, last: Array) -> Array:
    """The log-probability of all paths: they end in the last label or in the blank after it."""
    rows = np.arange(len(last))
    label = np.where(last > 0, alpha[rows, last - 1], alpha.dtype.type(-np.inf))
    return np.logaddexp(alpha[rows, last], label)


def _forward(scores: Array, skip: Array) -> Array:
    """α[t, s]: the log-probability of all beginnings of paths that are in state s at step t."""
    alpha = np.empty_like(scores)
    before = np.full_like(scores[:, 0], IMPOSSIBLE)
    before[:, 0] = 0  # as if step −1 stood in the first blank, from which the first label may follow
    for t in range(scores.shape[1]):
        after = before.copy()  # stay,
        after[:, 1:] = np.logaddexp(after[:, 1:], before[:, :-1])  # move on by one state,
        after[:, 2:] = np.logaddexp(after[:, 2:], before[:, :-2] + skip[:, 2:])  # or by two
        alpha[:, t] = before = after + scores[:, t]
    return alpha


def _backward(scores: Array, skip: Array, last: Array) -> Array:
    """β[t, s]: the log-probability of all ends of paths that are in state s at step t."""
    beta = np.empty_like(scores)
    rows = np.arange(len(last))
    before = np.full_like(scores[:, 0], -np.inf)
    before[rows, last] = before[rows, np.maximum(last - 1, 0)] = 0
    for t in reversed(range(scores.shape[1])):
        beta[:, t] = after = before + scores[:, t]
        before = after.copy()
        before[:, :-1] = np.logaddexp(before[:, :-1], after[:, 1:])
        before[:, :-2] = np.logaddexp(before[:, :-2], after[:, 2:] + skip[:, 2:])
    return beta
