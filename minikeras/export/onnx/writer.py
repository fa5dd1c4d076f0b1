"""Builds an ONNX graph: nodes are added one by one, and layers through their rules.

ONNX has channels before the spatial axes, Keras after them, so that convolutions stand between
transpositions. Two that undo each other are never written, and functions of single numbers are
moved below them; so, in a chain of convolutions, one is left at each end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minikeras.export.onnx.graph import TYPES, Graph, Node
from minikeras.export.walk import Rule, Value, Walk
from minikeras.typing import Array, DType

END = 2**63 - 1  # an index beyond the end of any axis


class Writer(Walk):
    """Goes through a model and adds to a graph.

    Args:
        name: of the graph.
        rules: what to do for each class of layers.
    """

    target = "ONNX"

    def __init__(self, name: str, rules: Mapping[type, Rule]) -> None:
        super().__init__()
        self.rules = rules
        self.graph = Graph(name)
        self.nodes = self.graph.nodes  # where nodes are added: the graph's, or those of a loop's body
        self.names: set[str] = set()
        self.producers: dict[str, Node] = {}
        self.small: dict[Any, str] = {}  # the names of small constants

    def name(self, wanted: str) -> str:
        """A name that is not taken yet."""
        name, i = wanted, 0
        while name in self.names:
            i += 1
            name = f"{wanted}_{i}"
        self.names.add(name)
        return name

    def nodes_of(self, op: str, *inputs: str, outputs: int, **attributes: Any) -> list[str]:
        """Add an operation; the names of its outputs. An input that is left out is ""."""
        names = [self.name(f"{self.path}{op}") for _ in range(outputs)]
        node = Node(op, list(inputs), names, attributes)
        self.nodes.append(node)
        self.producers.update(dict.fromkeys(names, node))
        return names

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add an operation with one output, and return its name."""
        return self.nodes_of(op, *inputs, outputs=1, **attributes)[0]

    def weight(self, name: str, array: Array, dtype: DType) -> str:
        """An array that belongs to the layer at hand."""
        given = self.name(f"{self.path}{name}")
        self.graph.constants[given] = np.asarray(array, dtype)
        return given

    def constant(self, value: Any, dtype: Any = "int64") -> str:
        """Numbers that belong to nobody; the same ones stand in the file only once."""
        array = np.array(value, dtype)
        key = (array.dtype.name, array.shape, array.tobytes())
        if key not in self.small:
            self.small[key] = self.weight("constant", array, array.dtype)
        return self.small[key]

    # Shorthands

    def binary(self, op: str, x: str, number: Any, dtype: DType) -> str:
        """x + 2, x * 2 and so on."""
        return self.node(op, x, self.constant(number, dtype))

    def transpose(self, x: str, order: Sequence[int]) -> str:
        """y's axis i is x's axis order[i]; transpositions of transpositions become one, or none."""
        before = self.producers.get(x)
        if before is not None and before.op == "Transpose":
            x, first = before.inputs[0], before.attributes["perm"]
            order = [first[i] for i in order]
        if list(order) == sorted(order):
            return x
        return self.node("Transpose", x, perm=list(order))

    def pointwise(self, x: str, function: Callable[[str], str]) -> str:
        """function(x), for a function of each number alone: below the transposition that x may come from."""
        before = self.producers.get(x)
        if before is not None and before.op == "Transpose":
            return self.transpose(function(before.inputs[0]), before.attributes["perm"])
        return function(x)

    def reshape(self, x: str, shape: Sequence[int]) -> str:
        """x in another shape; 0 stands for the size that the axis has, -1 for what is left."""
        return self.node("Reshape", x, self.constant(list(shape)))

    def slice(self, x: str, axis: int, start: int, stop: int, step: int = 1) -> str:
        """x[start:stop:step] along an axis."""
        return self.node("Slice", x, *(self.constant([n]) for n in (start, stop, axis, step)))

    def reverse(self, x: str, axis: int) -> str:
        """x[::-1] along an axis."""
        return self.slice(x, axis, -1, -END, -1)

    def cast(self, x: Value, dtype: DType) -> str:
        return self.node("Cast", x.name, to=TYPES[dtype.name])

    def differs(self, x: Value, number: float, last_axis: bool) -> str:
        found = self.node("Not", self.node("Equal", x.name, self.constant(number, x.dtype)))
        if not last_axis:
            return found
        numbers = self.node("Cast", found, to=TYPES["int32"])
        largest = self.node("ReduceMax", numbers, axes=[-1], keepdims=0)
        return self.node("Cast", largest, to=TYPES["bool"])

    def number_mask(self, mask: str, dtype: DType, axes: Sequence[int] = ()) -> str:
        """A mask as numbers 0 and 1, with further axes of length one."""
        numbers = self.node("Cast", mask, to=TYPES[dtype.name])
        return self.node("Unsqueeze", numbers, self.constant(list(axes))) if axes else numbers

    def scan(
        self,
        states: Sequence[str],
        sequences: Sequence[tuple[str, DType]],
        dtype: DType,
        step: Callable[[list[str], list[str]], tuple[list[str], str]],
    ) -> tuple[list[str], str]:
        """A loop over the first axis: new states, output = step(states, one entry of each sequence).

        Args:
            states: before the first step.
            sequences: (name, type) of what is gone through.
            dtype: of the states and the output.
            step: adds the nodes of one step.

        Returns:
            The last states, and the outputs of all steps.
        """
        before = [self.name(f"{self.path}state") for _ in states]
        entries = [self.name(f"{self.path}entry") for _ in sequences]
        body = Graph(self.name(f"{self.path}step"))
        body.inputs = [(name, dtype, None) for name in before]
        body.inputs += [(name, kind, None) for name, (_, kind) in zip(entries, sequences, strict=True)]
        outer, self.nodes = self.nodes, body.nodes
        try:
            after, output = step(before, entries)
            # an output must be a node's, and have a name of its own
            body.outputs = [(self.node("Identity", name), dtype, None) for name in [*after, output]]
        finally:
            self.nodes = outer
        results = self.nodes_of(
            "Scan", *states, *(name for name, _ in sequences), outputs=len(body.outputs),
            body=body, num_scan_inputs=len(sequences),
        )  # fmt: skip
        return results[:-1], results[-1]
