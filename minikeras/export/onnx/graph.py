"""The parts of an ONNX file: tensors, nodes, graphs, and the model around them.

The numbers of the fields are those of `onnx.proto`, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minikeras.export.onnx.protobuf import message, strings
from minikeras.typing import Array, DType

OPSET = 17  # the set of operators: the first one with LayerNormalization
IR_VERSION = 8  # the version of the file format that goes with it

# ONNX's number of each type
TYPES = {
    "float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7, "bool": 9,
    "float16": 10, "float64": 11, "uint32": 12, "uint64": 13,
}  # fmt: skip


@dataclass
class Node:
    """One operation: outputs = op(inputs)."""

    op: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]


@dataclass
class Graph:
    """Operations in an order in which they can be done.

    Args:
        name: of the graph.
        inputs: (name, type, shape or None) of each input.
        outputs: the same of each output.
        nodes: the operations.
        constants: the arrays that stand in the file.
    """

    name: str
    inputs: list[tuple[str, DType, Any]] = field(default_factory=list)
    outputs: list[tuple[str, DType, Any]] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)

    def prune(self) -> None:
        """Drop the nodes and constants that no output depends on."""
        needed = {name for name, _, _ in self.outputs}
        kept = []
        for node in reversed(self.nodes):
            if needed.isdisjoint(node.outputs):
                continue
            kept.append(node)
            needed |= names_used(node)
        self.nodes = kept[::-1]
        self.constants = {name: array for name, array in self.constants.items() if name in needed}


def names_used(node: Node) -> set[str]:
    """The names that a node refers to, also in a graph that is its attribute."""
    names = set(node.inputs)
    for value in node.attributes.values():
        if isinstance(value, Graph):
            names |= {name for inner in value.nodes for name in names_used(inner)}
            names |= {name for name, _, _ in value.outputs}
    return names


def tensor(name: str, array: Array) -> bytes:
    """A TensorProto; its numbers as raw bytes, the lowest byte first."""
    raw = np.asarray(array, array.dtype.newbyteorder("<"), order="C").tobytes()
    return message((1, [int(n) for n in array.shape]), (2, TYPES[array.dtype.name]), (8, name), (9, raw))


def attribute(name: str, value: Any) -> bytes:
    """An AttributeProto; its kind is told by the value's type."""
    if isinstance(value, Graph):
        return message((1, name), (6, graph(value)), (20, 5))
    if isinstance(value, np.ndarray):
        return message((1, name), (5, tensor("", value)), (20, 4))
    if isinstance(value, (list, tuple)):
        if value and isinstance(value[0], str):
            return message((1, name), (9, list(value)), (20, 8))
        return message((1, name), (8, [int(n) for n in value]), (20, 7))
    if isinstance(value, str):
        return message((1, name), (4, value), (20, 3))
    if isinstance(value, float):
        return message((1, name), (2, value), (20, 1))
    return message((1, name), (3, int(value)), (20, 2))


def value_info(name: str, dtype: DType, shape: Sequence[int | None] | None) -> bytes:
    """A ValueInfoProto: a name, a type and, where it is known, a shape. The first unknown size is the batch."""
    dims = None
    if shape is not None:
        sizes = (
            (2, f"{name}_{axis}" if axis else "batch") if n is None else (1, n)
            for axis, n in enumerate(shape)
        )
        dims = message((1, [message(size) for size in sizes]))
    return message((1, name), (2, message((1, message((1, TYPES[dtype.name]), (2, dims))))))


def graph(g: Graph) -> bytes:
    """A GraphProto."""
    nodes = [
        message(
            (1, node.inputs), (2, node.outputs), (3, node.outputs[0]), (4, node.op),
            (5, [attribute(name, value) for name, value in node.attributes.items()]),
        )
        for node in g.nodes
    ]  # fmt: skip
    return message(
        (1, nodes), (2, g.name), (5, [tensor(name, array) for name, array in g.constants.items()]),
        (11, [value_info(*each) for each in g.inputs]), (12, [value_info(*each) for each in g.outputs]),
    )  # fmt: skip


def model(g: Graph, producer: tuple[str, str], metadata: Mapping[str, str]) -> bytes:
    """A ModelProto, the content of a file.

    Args:
        g: the graph.
        producer: name and version of what wrote it.
        metadata: any further texts.
    """
    return message(
        (1, IR_VERSION), (2, producer[0]), (3, producer[1]), (7, graph(g)),
        (8, message((1, ""), (2, OPSET))), (14, strings(metadata.items())),
    )  # fmt: skip
