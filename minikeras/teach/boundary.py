"""Where a classifier changes its mind: its decision on every point of a plane, now and while it learns."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np

from minikeras.callbacks import Callback
from minikeras.markup import COLOURS, Markup, View, escape, join, slider, tag
from minikeras.teach.figures import finish, subplots
from minikeras.typing import Array


class Plane:
    """A plane with a grid on it: that of the two features, or the two main directions of many.

    Attributes:
        points: where the samples lie in it, (samples, 2).
        extent: (left, right, bottom, top).
        flat: whether the data have two features, so that nothing is left out.
    """

    def __init__(self, x: Any, resolution: int) -> None:
        x = np.asarray(x, float)
        if x.ndim != 2 or x.shape[1] < 2 or not len(x):
            raise ValueError(
                f"decision_boundary needs x of shape (samples, features >= 2). Received: {x.shape}"
            )
        self.flat, self.resolution = x.shape[1] == 2, resolution
        self.centre = np.zeros(x.shape[1]) if self.flat else x.mean(axis=0)
        axes = np.eye(2) if self.flat else np.linalg.svd(x - self.centre, full_matrices=False)[2][:2]
        self.axes = axes  # (2, features)
        self.points = (x - self.centre) @ axes.T
        low, high = self.points.min(axis=0), self.points.max(axis=0)
        margin = 0.15 * np.where(high > low, high - low, 1.0)
        self.extent = (low[0] - margin[0], high[0] + margin[0], low[1] - margin[1], high[1] + margin[1])

    def grid(self) -> Array:
        """The grid's points as samples, (resolution², features), row by row from the bottom."""
        left, right, bottom, top = self.extent
        u, v = np.linspace(left, right, self.resolution), np.linspace(bottom, top, self.resolution)
        places = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
        return places @ self.axes + self.centre

    def decide(self, model: Any) -> Array:
        """The model's decisions on the grid, (resolution, resolution, classes), one for each class."""
        y = np.asarray(model.predict(self.grid().astype(model.dtype), batch_size=4096, verbose=0))
        y = y.reshape(self.resolution, self.resolution, -1)
        return np.concatenate([1 - y, y], axis=-1) if y.shape[-1] == 1 else y


def decision_boundary(model: Any, x: Any, y: Any, *, resolution: int = 150) -> Any:
    """A matplotlib figure: which class the model decides for at every point, and the samples.

    Args:
        model: a classifier; one output is taken for the probability of class 1.
        x: samples, (samples, features). With more than two features, the plane of the two main
            directions of the data is shown.
        y: class numbers, or one-hot rows.
        resolution: points along each side.
    """
    plane, labels = Plane(x, resolution), class_numbers(y)
    shares = plane.decide(model)
    winner, sure = shares.argmax(axis=-1), shares.max(axis=-1)
    figure, axes = subplots(1, 1, (5, 4.4))
    axis = axes[0, 0]
    axis.imshow(
        _colours(winner, sure), origin="lower", extent=plane.extent, aspect="auto", interpolation="bilinear"
    )
    left, right, bottom, top = plane.extent
    u, v = np.linspace(left, right, resolution), np.linspace(bottom, top, resolution)
    for k in range(shares.shape[-1] if shares.shape[-1] > 2 else 1):
        ahead = shares[..., k] - np.delete(shares, k, axis=-1).max(axis=-1)
        if ahead.min() < 0 < ahead.max():
            axis.contour(u, v, ahead, levels=[0], colors="black", linewidths=1)
    for k in np.unique(labels):
        here = plane.points[labels == k]
        colour = COLOURS[int(k) % len(COLOURS)]
        axis.scatter(*here.T, s=18, color=colour, edgecolor="white", linewidth=0.5, label=str(k))
    axis.legend(fontsize=8, title="class")
    if not plane.flat:
        axis.set(title="the plane of the two main directions of the data")
    return finish(figure)


def class_numbers(y: Any) -> Array:
    """Class numbers from numbers, (N,) or (N, 1), or from one-hot rows."""
    labels = np.asarray(y)
    if labels.ndim == 2:
        return labels.argmax(axis=1) if labels.shape[1] > 1 else labels[:, 0].astype(int)
    return labels.astype(int)


def _colours(winner: Array, sure: Array) -> Array:
    """The colour of each point: that of its class, paler where the model is less sure."""
    palette = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in COLOURS])
    strength = np.clip(sure, 0, 1)[..., None] * 0.6
    return (255 + (palette[winner % len(COLOURS)] - 255) * strength).astype(np.uint8)


class BoundaryFilm(Callback, View):
    """A callback that films the decision boundary: one frame before the training and one after each epoch.

        film = BoundaryFilm(x, y)
        model.fit(x, y, callbacks=[film])
        film  # in a notebook: a slider; film.save("film.html")

    Args:
        x: samples, (samples, features).
        y: their classes.
        every: film every so many epochs.
        resolution: points along each side.

    Attributes:
        data: the decisions, (frames, resolution, resolution, classes).
        epochs: the epoch of each frame; 0 is before the training.
    """

    title = "decision boundary"

    def __init__(self, x: Any, y: Any, *, every: int = 1, resolution: int = 60) -> None:
        super().__init__()
        self.plane, self.labels, self.every = Plane(x, resolution), class_numbers(y), every
        self.frames: list[Array] = []
        self.epochs: list[int] = []

    @property
    def data(self) -> Array:
        """The decisions of all frames."""
        return np.array(self.frames)

    def on_train_begin(self, logs: Any = None) -> None:
        """Begin a new film."""
        self.model.ensure_built(self.plane.grid().shape)
        self.frames, self.epochs = [self.plane.decide(self.model)], [0]

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Add a frame."""
        if (epoch + 1) % self.every == 0:
            self.frames.append(self.plane.decide(self.model))
            self.epochs.append(epoch + 1)

    def __str__(self) -> str:
        return f"a film of the decision boundary, {len(self.frames)} frames: film.save('film.html')"

    def html(self) -> Markup:
        """A slider through the frames."""
        return slider([self._frame(i) for i in range(len(self.frames))], max(len(self.frames) - 1, 0))

    def _frame(self, i: int, size: int = 360) -> Markup:
        shares = self.frames[i][::-1]  # pictures begin at the top
        picture = png(_colours(shares.argmax(axis=-1), shares.max(axis=-1)))
        image = f'<image href="{picture}" width="{size}" height="{size}" preserveAspectRatio="none"/>'
        left, right, bottom, top = self.plane.extent
        dots = [
            f'<circle cx="{size * (u - left) / (right - left):.1f}" cy="{size * (top - v) / (top - bottom):.1f}" '
            f'r="3.2" fill="{COLOURS[int(k) % len(COLOURS)]}" stroke="white" stroke-width=".7"/>'
            for (u, v), k in zip(self.plane.points, self.labels, strict=True)
        ]
        svg = Markup(f'<svg width="{size}" height="{size}" role="img">{image}{"".join(dots)}</svg>')
        return join([tag("div", escape(f"epoch {self.epochs[i]}")), svg])

    __repr__ = __str__


def png(pixels: Array) -> str:
    """An image (height, width, 3) of bytes as the data address of a PNG file."""
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(pixels, np.uint8))  # 0: no filter

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    file = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )
    return "data:image/png;base64," + base64.b64encode(file).decode()
