"""The layers that a `Sequential` model can hold."""

from minikeras.layers.activation import Activation
from minikeras.layers.base import Layer, table
from minikeras.layers.convolution import Conv1D, Conv2D, Conv3D
from minikeras.layers.dense import Dense
from minikeras.layers.dropout import Dropout
from minikeras.layers.input_layer import Input, InputLayer
from minikeras.layers.pooling import MaxPooling1D, MaxPooling2D, MaxPooling3D
from minikeras.layers.recurrent import RNN
from minikeras.layers.reshaping import Flatten
from minikeras.layers.simple_rnn import SimpleRNN, SimpleRNNCell

Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D

table.add_all(
    Activation,
    Conv1D,
    Conv2D,
    Conv3D,
    Dense,
    Dropout,
    Flatten,
    InputLayer,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
    RNN,
    SimpleRNN,
    SimpleRNNCell,
)

__all__ = [
    "RNN",
    "Activation",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "Convolution1D",
    "Convolution2D",
    "Convolution3D",
    "Dense",
    "Dropout",
    "Flatten",
    "Input",
    "InputLayer",
    "Layer",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "SimpleRNN",
    "SimpleRNNCell",
]
