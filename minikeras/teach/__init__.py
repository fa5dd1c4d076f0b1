"""To see backpropagation at work: check it, trace it, step through it, practise it.

Everything here works on any model and on layers of your own, in a terminal (`print`) and in a
notebook, and gives its numbers as arrays. It is loaded only when it is used.
"""

from minikeras.teach.boundary import BoundaryFilm, decision_boundary
from minikeras.teach.charts import Race, gradient_flow, learning_rates, plot_history
from minikeras.teach.compare import Comparison, compare
from minikeras.teach.confusion import Confusion, confusion
from minikeras.teach.exercises import Exercise, check, exercise, exercises
from minikeras.teach.gradcheck import gradcheck
from minikeras.teach.gradient_report import GradientError, GradientReport
from minikeras.teach.images import ConvolutionStep, conv_step, feature_maps, filters
from minikeras.teach.landscape import Landscape, WeightPath, loss_landscape
from minikeras.teach.monitor import Monitor
from minikeras.teach.own_layer import OwnDense
from minikeras.teach.shapes import ShapeChain, explain_shapes
from minikeras.teach.stepper import Event, Stepper
from minikeras.teach.trace import LayerTrace, Trace, trace

__all__ = [
    "BoundaryFilm",
    "Comparison",
    "Confusion",
    "ConvolutionStep",
    "Event",
    "Exercise",
    "GradientError",
    "GradientReport",
    "Landscape",
    "LayerTrace",
    "Monitor",
    "OwnDense",
    "Race",
    "ShapeChain",
    "Stepper",
    "Trace",
    "WeightPath",
    "check",
    "compare",
    "confusion",
    "conv_step",
    "decision_boundary",
    "exercise",
    "exercises",
    "explain_shapes",
    "feature_maps",
    "filters",
    "gradcheck",
    "gradient_flow",
    "learning_rates",
    "loss_landscape",
    "plot_history",
    "trace",
]
