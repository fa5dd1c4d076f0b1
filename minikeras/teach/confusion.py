"""Which classes a model takes for which, and the mistakes that it is surest of."""

from __future__ import annotations

from typing import Any

import numpy as np

from minikeras.markup import COLOURS, Markup, View, heatmap, join, tag, text_table
from minikeras.teach.boundary import class_numbers
from minikeras.typing import Array


class Confusion(View):
    """What `confusion` counted.

    Attributes:
        data: (classes, classes): how many samples of class [row] were taken for class [column].
        worst: (index, true class, predicted class, probability of the prediction), the surest mistakes first.
        accuracy: the share of the samples that were right.
    """

    title = "confusion"

    def __init__(self, data: Array, worst: list[tuple[int, int, int, float]], images: list[Array]) -> None:
        self.data, self.worst, self.images = data, worst, images
        self.accuracy = float(np.trace(data) / max(data.sum(), 1))

    def __str__(self) -> str:
        heads = ["true \\ taken for", *map(str, range(len(self.data)))]
        rows = [[str(k), *map(int, row)] for k, row in enumerate(self.data)]
        mistakes = [f"  sample {i}: {t} taken for {p}, sure to {share:.0%}" for i, t, p, share in self.worst]
        return "\n".join([f"{self.accuracy:.1%} right", text_table(heads, rows), *mistakes])

    def html(self) -> Markup:
        """The table, coloured, and the worst mistakes as pictures where they are any."""
        largest = max(int(self.data.max()), 1)
        rows = [
            tag("tr", join([tag("th", "true \\ taken for"), *(tag("th", k) for k in range(len(self.data)))]))
        ]
        for k, counts in enumerate(self.data):
            cells = [tag("th", k)]
            for j, count in enumerate(counts):
                colour = COLOURS[2 if j == k else 1]
                strength = round(255 * 0.75 * (count / largest) ** 0.5) if count else 0
                style = f"background:{colour}{strength:02x};text-align:right"
                cells.append(tag("td", int(count), style=style, class_="n"))
            rows.append(tag("tr", join(cells)))
        pictures = []
        for (i, t, p, share), image in zip(self.worst, self.images, strict=True):
            inner = join(
                [
                    heatmap(image, max(4, 64 // max(image.shape))) if image.ndim == 2 else "",
                    tag("div", f"#{i}: {t} taken for {p}, {share:.0%}"),
                ]
            )
            pictures.append(
                tag("div", inner, style="display:inline-block;margin:.4em 1em .4em 0;text-align:center")
            )
        return join([tag("p", f"{self.accuracy:.1%} right"), tag("table", join(rows)), *pictures])

    __repr__ = __str__


def confusion(
    model: Any, x: Any, y: Any, *, worst: int = 8, image_shape: tuple[int, int] | None = None
) -> Confusion:
    """Count which class was taken for which.

    Args:
        model: a classifier; one output is taken for the probability of class 1.
        x: samples.
        y: class numbers, or one-hot rows.
        worst: how many of the surest mistakes to show.
        image_shape: how to lay out samples that are rows of pixels, to show them as pictures.

    Raises:
        ValueError: when x and y do not belong together, or the samples do not have that image shape.
    """
    x, labels = np.asarray(x), class_numbers(y)
    if len(x) != len(labels):
        raise ValueError(f"confusion: x has {len(x)} samples and y {len(labels)}.")
    shares = np.asarray(model.predict(x, verbose=0)).reshape(len(x), -1)
    if shares.shape[1] == 1:
        shares = np.concatenate([1 - shares, shares], axis=1)
    taken, classes = shares.argmax(axis=1), max(shares.shape[1], int(labels.max(initial=0)) + 1)
    counts = np.zeros((classes, classes), int)
    np.add.at(counts, (labels, taken), 1)
    wrong = np.flatnonzero(taken != labels)
    surest = wrong[np.argsort(-shares[wrong, taken[wrong]], kind="stable")][:worst]
    listed = [(int(i), int(labels[i]), int(taken[i]), float(shares[i, taken[i]])) for i in surest]
    if image_shape is not None:
        x = x.reshape(len(x), *image_shape)
    return Confusion(counts, listed, [x[i, ..., 0] if x.ndim == 4 else x[i] for i in surest])
