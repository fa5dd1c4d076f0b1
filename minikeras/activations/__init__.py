"""Activation functions: each a value and a derivative, as an object, a function and a name.

`Dense(64, activation="relu")`, `Dense(64, activation=relu)` and `Dense(64, activation=Relu())`
mean the same. The formulas are Keras'.
"""

from minikeras.activations.base import Activation, FunctionActivation, functional, get, table
from minikeras.activations.rectified import (
    HardShrink,
    HardSigmoid,
    HardSilu,
    HardTanh,
    LeakyRelu,
    Linear,
    Relu,
    Relu6,
    SoftShrink,
    SparsePlus,
    SparseSigmoid,
    Threshold,
)
from minikeras.activations.rows import Glu, LogSoftmax, Softmax, Sparsemax
from minikeras.activations.smooth import (
    Celu,
    Elu,
    Exponential,
    Gelu,
    LogSigmoid,
    Mish,
    Selu,
    Sigmoid,
    Silu,
    Softplus,
    Softsign,
    Squareplus,
    Tanh,
    TanhShrink,
)
from minikeras.registry import deserialize, serialize

linear = functional(Linear)
relu = functional(Relu)
relu6 = functional(Relu6)
leaky_relu = functional(LeakyRelu)
threshold = functional(Threshold)
hard_sigmoid = functional(HardSigmoid)
hard_silu = hard_swish = functional(HardSilu)
hard_tanh = functional(HardTanh)
hard_shrink = functional(HardShrink)
soft_shrink = functional(SoftShrink)
sparse_plus = functional(SparsePlus)
sparse_sigmoid = functional(SparseSigmoid)
sigmoid = functional(Sigmoid)
tanh = functional(Tanh)
tanh_shrink = functional(TanhShrink)
elu = functional(Elu)
selu = functional(Selu)
celu = functional(Celu)
softplus = functional(Softplus)
log_sigmoid = functional(LogSigmoid)
softsign = functional(Softsign)
exponential = functional(Exponential)
silu = swish = functional(Silu)
mish = functional(Mish)
squareplus = functional(Squareplus)
gelu = functional(Gelu)
softmax = functional(Softmax)
log_softmax = functional(LogSoftmax)
sparsemax = functional(Sparsemax)
glu = functional(Glu)

__all__ = [
    "Activation",
    "Celu",
    "Elu",
    "Exponential",
    "FunctionActivation",
    "Gelu",
    "Glu",
    "HardShrink",
    "HardSigmoid",
    "HardSilu",
    "HardTanh",
    "LeakyRelu",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "Mish",
    "Relu",
    "Relu6",
    "Selu",
    "Sigmoid",
    "Silu",
    "SoftShrink",
    "Softmax",
    "Softplus",
    "Softsign",
    "SparsePlus",
    "SparseSigmoid",
    "Sparsemax",
    "Squareplus",
    "Tanh",
    "TanhShrink",
    "Threshold",
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "functional",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "table",
    "tanh",
    "tanh_shrink",
    "threshold",
]
