"""The layers that a `Sequential` model can hold."""

from minikeras.layers.activation import Activation
from minikeras.layers.base import Layer, table
from minikeras.layers.cells import Cell, StackedRNNCells
from minikeras.layers.convolution import Conv1D, Conv2D, Conv3D
from minikeras.layers.dense import Dense
from minikeras.layers.dropout import Dropout
from minikeras.layers.gru import GRU, GRUCell
from minikeras.layers.input_layer import Input, InputLayer
from minikeras.layers.lstm import LSTM, LSTMCell
from minikeras.layers.pooling import MaxPooling1D, MaxPooling2D, MaxPooling3D
from minikeras.layers.recurrent import RNN
from minikeras.layers.reshaping import Flatten
from minikeras.layers.simple_rnn import SimpleRNN, SimpleRNNCell
from minikeras.layers.wrappers import Bidirectional, TimeDistributed

Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D

table.add_all(
    Activation,
    Bidirectional,
    Conv1D,
    Conv2D,
    Conv3D,
    Dense,
    Dropout,
    Flatten,
    GRU,
    GRUCell,
    InputLayer,
    LSTM,
    LSTMCell,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
    RNN,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
    TimeDistributed,
)

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "Bidirectional",
    "Cell",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "Convolution1D",
    "Convolution2D",
    "Convolution3D",
    "Dense",
    "Dropout",
    "Flatten",
    "GRUCell",
    "Input",
    "InputLayer",
    "LSTMCell",
    "Layer",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
    "TimeDistributed",
]
