"""Loss functions: each as a class, as a function of (y_true, y_pred), and as a name for `compile`."""

from minikeras.losses.base import FunctionLoss, Loss, functional, get, table
from minikeras.losses.binary_crossentropy import BinaryCrossentropy, BinaryFocalCrossentropy
from minikeras.losses.circle import Circle
from minikeras.losses.crossentropy import (
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    KLDivergence,
    SparseCategoricalCrossentropy,
)
from minikeras.losses.ctc import CTC
from minikeras.losses.generalized import CategoricalGeneralizedCrossEntropy
from minikeras.losses.margin import CategoricalHinge, Dice, Hinge, SquaredHinge, Tversky
from minikeras.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
)
from minikeras.registry import deserialize, serialize

table.add(MeanSquaredError, "mse", "MSE")
table.add(MeanAbsoluteError, "mae", "MAE")
table.add(MeanAbsolutePercentageError, "mape", "MAPE")
table.add(MeanSquaredLogarithmicError, "msle", "MSLE")
table.add(BinaryCrossentropy, "bce", "BCE")
table.add(KLDivergence, "kl_divergence", "kld", "KLD")
table.add_all(
    Huber,
    LogCosh,
    Poisson,
    CosineSimilarity,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    Hinge,
    SquaredHinge,
    CategoricalHinge,
    Dice,
    Tversky,
    CTC,
    Circle,
    CategoricalGeneralizedCrossEntropy,
)

mean_squared_error = functional(MeanSquaredError)
mean_absolute_error = functional(MeanAbsoluteError)
mean_absolute_percentage_error = functional(MeanAbsolutePercentageError)
mean_squared_logarithmic_error = functional(MeanSquaredLogarithmicError)
huber = functional(Huber)
log_cosh = functional(LogCosh)
poisson = functional(Poisson)
cosine_similarity = functional(CosineSimilarity)
binary_crossentropy = functional(BinaryCrossentropy)
categorical_crossentropy = functional(CategoricalCrossentropy)
sparse_categorical_crossentropy = functional(SparseCategoricalCrossentropy)
binary_focal_crossentropy = functional(BinaryFocalCrossentropy)
categorical_focal_crossentropy = functional(CategoricalFocalCrossentropy)
kl_divergence = functional(KLDivergence)
hinge = functional(Hinge)
squared_hinge = functional(SquaredHinge)
categorical_hinge = functional(CategoricalHinge)
dice = functional(Dice)
tversky = functional(Tversky)
ctc = functional(CTC)
circle = functional(Circle)
categorical_generalized_cross_entropy = functional(CategoricalGeneralizedCrossEntropy)

__all__ = [
    "CTC",
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "FunctionLoss",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "cosine_similarity",
    "ctc",
    "deserialize",
    "dice",
    "functional",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "table",
    "tversky",
]
