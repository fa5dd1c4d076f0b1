"""What a gradient check found: a line for each array, and in words what is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from minikeras.markup import Markup, View, escape, join, table, tag, text_table


class GradientError(AssertionError):
    """A gradient is wrong; the message is the whole report."""


@dataclass
class Entry:
    """What was found about the gradient of one array.

    Attributes:
        name: "x", or the variable's.
        shape: of the array.
        error: the largest relative difference.
        index: where that is; None for a sum along a random direction.
        analytic: the value of `backward` there.
        numeric: the value by wiggling there.
        verdict: "right", "kink" or "wrong".
        checked: how many numbers were checked one by one.
        hint: the mistake, where its mark was recognized.
    """

    name: str
    shape: tuple[int, ...]
    error: float = 0.0
    index: tuple[int, ...] | None = None
    analytic: float = 0.0
    numeric: float = 0.0
    verdict: str = "right"
    checked: int = 0
    hint: str = ""


@dataclass
class GradientReport(View):
    """What `gradcheck` found: print it, or look at `ok`, `entries`, `problems`, `notes` and `layers`."""

    subject: str
    entries: list[Entry] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # broken laws and exceptions
    notes: list[str] = field(default_factory=list)
    layers: dict[str, GradientReport] = field(default_factory=dict)  # of a wrong model's layers, each alone
    title = "gradient check"

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong. Kinks are not."""
        return not self.problems and all(e.verdict != "wrong" for e in self.entries)

    def __getitem__(self, name: str) -> Entry:
        """The entry of one array."""
        return next(e for e in self.entries if e.name == name)

    def _summary(self) -> str:
        if self.ok:
            return f"Gradients of {self.subject}: all right."
        guilty = [name for name, report in self.layers.items() if not report.ok]
        return f"Gradients of {self.subject}: WRONG." + (
            f" The mistake is in {' and '.join(guilty)}." if guilty else ""
        )

    def _remarks(self) -> list[str]:
        said = list(self.problems)
        said += [f"{e.name}: {e.hint}" for e in self.entries if e.hint]
        for name, report in self.layers.items():
            said += [f"{name}, alone: {remark}" for remark in report._remarks() if not report.ok]
        return said + [f"note: {note}" for note in self.notes]

    def _rows(self) -> list[list[Any]]:
        rows: list[list[Any]] = []
        for e in self.entries:
            place = "along a direction" if e.index is None else str(list(e.index))
            rows.append(
                [
                    e.name,
                    str(e.shape),
                    f"{e.error:.1e}",
                    place,
                    f"{e.analytic + 0.0:.6g}",
                    f"{e.numeric + 0.0:.6g}",
                    e.verdict,
                ]
            )
        return rows

    heads = ("dL/d...", "shape", "error", "at", "backward says", "wiggling says", "verdict")

    def __str__(self) -> str:
        lines = [self._summary()]
        if self.entries:
            lines.append(text_table(self.heads, self._rows()))
        return "\n".join(lines + ["  " + remark for remark in self._remarks()])

    def html(self) -> Markup:
        """The same as a table."""
        good = {"right": "good", "kink": "soft", "wrong": "bad"}
        rows = [[*row[:-1], tag("span", row[-1], class_=good[row[-1]])] for row in self._rows()]
        head = tag("p", tag("b", self._summary(), class_="good" if self.ok else "bad"))
        return join([head, table(self.heads, rows), *(tag("p", escape(r)) for r in self._remarks())])

    __repr__ = __str__
