"""Models in forms that run without minikeras: as an ONNX file, and as one Python file that needs NumPy alone.

Both say what `predict` says. What cannot go is told at once, for all layers, before anything is
written.
"""

from minikeras.export.errors import ExportError
from minikeras.export.onnx import to_onnx
from minikeras.export.source import to_numpy_source

__all__ = ["ExportError", "to_numpy_source", "to_onnx"]
