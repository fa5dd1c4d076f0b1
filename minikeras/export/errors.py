"""What is said when a model cannot be exported: which layers, why, and what to do instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Refusal(NamedTuple):
    """A layer that cannot go.

    Args:
        layer: its name, those of the layers that hold it before it: "encoder/lambda".
        kind: its class.
        why: what the target lacks.
        instead: what to do.
    """

    layer: str
    kind: str
    why: str
    instead: str


class ExportError(ValueError):
    """A model with layers that cannot be exported. Nothing was written.

    Args:
        model: the model's name.
        target: what it was to become.
        refusals: the layers, also as the attribute of that name.
    """

    def __init__(self, model: str, target: str, refusals: Sequence[Refusal]) -> None:
        super().__init__(model, target, refusals)
        self.model, self.target, self.refusals = model, target, tuple(refusals)

    def __str__(self) -> str:
        alike: dict[tuple[str, str, str], list[str]] = {}
        for layer, *rest in self.refusals:
            alike.setdefault((rest[0], rest[1], rest[2]), []).append(layer)
        lines = [f"Model {self.model!r} cannot become {self.target}. Nothing was written. What cannot go:"]
        lines += [
            f"  {', '.join(names)} ({kind}): {why}; {instead}"
            for (kind, why, instead), names in alike.items()
        ]
        return "\n".join(lines)


class RefusedError(Exception):
    """Raised by the rule of a layer that cannot go; the walk makes a `Refusal` of it.

    Args:
        why: what the target lacks.
        instead: what to do.
    """

    def __init__(self, why: str, instead: str) -> None:
        super().__init__(why, instead)
        self.why, self.instead = why, instead
