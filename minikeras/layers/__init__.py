"""The layers that a `Sequential` model can hold."""

from minikeras.layers.activation import Activation
from minikeras.layers.activation_layers import ELU, LeakyReLU, PReLU, ReLU, Softmax
from minikeras.layers.base import Layer, table
from minikeras.layers.batch_normalization import BatchNormalization, SpectralNormalization
from minikeras.layers.cells import Cell, StackedRNNCells
from minikeras.layers.convolution import Conv1D, Conv2D, Conv3D
from minikeras.layers.core import ActivityRegularization, Identity, Lambda
from minikeras.layers.dense import Dense
from minikeras.layers.dropout import Dropout, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D
from minikeras.layers.einsum_dense import EinsumDense
from minikeras.layers.embedding import Embedding, Masking
from minikeras.layers.encoding import CategoryEncoding, Discretization
from minikeras.layers.gru import GRU, GRUCell
from minikeras.layers.hashing import Hashing
from minikeras.layers.input_layer import Input, InputLayer
from minikeras.layers.lookup import IntegerLookup, StringLookup
from minikeras.layers.lstm import LSTM, LSTMCell
from minikeras.layers.noise import AlphaDropout, GaussianDropout, GaussianNoise
from minikeras.layers.normalization import (
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from minikeras.layers.pooling import MaxPooling1D, MaxPooling2D, MaxPooling3D
from minikeras.layers.recurrent import RNN
from minikeras.layers.reshaping import Flatten, Permute, RepeatVector, Reshape
from minikeras.layers.scaling import Normalization, Rescaling
from minikeras.layers.simple_rnn import SimpleRNN, SimpleRNNCell
from minikeras.layers.text_vectorization import TextVectorization
from minikeras.layers.wrappers import Bidirectional, TimeDistributed

Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D

table.add_all(
    Activation,
    ActivityRegularization,
    AlphaDropout,
    BatchNormalization,
    Bidirectional,
    CategoryEncoding,
    Conv1D,
    Conv2D,
    Conv3D,
    Dense,
    Discretization,
    Dropout,
    ELU,
    EinsumDense,
    Embedding,
    Flatten,
    GRU,
    GRUCell,
    GaussianDropout,
    GaussianNoise,
    GroupNormalization,
    Hashing,
    Identity,
    InputLayer,
    IntegerLookup,
    LSTM,
    LSTMCell,
    Lambda,
    LayerNormalization,
    LeakyReLU,
    Masking,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
    Normalization,
    PReLU,
    Permute,
    RMSNormalization,
    RNN,
    ReLU,
    RepeatVector,
    Rescaling,
    Reshape,
    SimpleRNN,
    SimpleRNNCell,
    Softmax,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
    SpectralNormalization,
    StackedRNNCells,
    StringLookup,
    TextVectorization,
    TimeDistributed,
    UnitNormalization,
)

__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "ActivityRegularization",
    "AlphaDropout",
    "BatchNormalization",
    "Bidirectional",
    "CategoryEncoding",
    "Cell",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "Convolution1D",
    "Convolution2D",
    "Convolution3D",
    "Dense",
    "Discretization",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GroupNormalization",
    "Hashing",
    "Identity",
    "Input",
    "InputLayer",
    "IntegerLookup",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Normalization",
    "PReLU",
    "Permute",
    "RMSNormalization",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "SpectralNormalization",
    "StackedRNNCells",
    "StringLookup",
    "TextVectorization",
    "TimeDistributed",
    "UnitNormalization",
]
