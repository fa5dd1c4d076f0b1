"""To see backpropagation at work: check it, trace it, step through it, practise it.

Everything here works on any model and on layers of your own, in a terminal (`print`) and in a
notebook, and gives its numbers as arrays. It is loaded only when it is used.
"""

from minikeras.teach.compare import Comparison, compare
from minikeras.teach.exercises import Exercise, check, exercise, exercises
from minikeras.teach.gradcheck import gradcheck
from minikeras.teach.gradient_report import GradientError, GradientReport
from minikeras.teach.monitor import Monitor
from minikeras.teach.own_layer import OwnDense
from minikeras.teach.shapes import ShapeChain, explain_shapes
from minikeras.teach.stepper import Event, Stepper
from minikeras.teach.trace import LayerTrace, Trace, trace

__all__ = [
    "Comparison",
    "Event",
    "Exercise",
    "GradientError",
    "GradientReport",
    "LayerTrace",
    "Monitor",
    "OwnDense",
    "ShapeChain",
    "Stepper",
    "Trace",
    "check",
    "compare",
    "exercise",
    "exercises",
    "explain_shapes",
    "gradcheck",
    "trace",
]
